//! A number as people write it: `1,234`, `-$5.00`, `(45.00)`, `1e3`. Text comes in, a [`Number`] goes out: sign, digits, and
//! where the point stands. Nothing is computed here, so nothing is lost.
//!
//! Grammar: an optional sign and an optional `$` in either order, or the same in parentheses, which mean minus; digits,
//! whose thousands may be parted by commas (then all of them are); an optional fraction; an optional exponent.

use crate::Bad;
use crate::blank::{trim, trim_start};

/// Exponents beyond this are out of the range of every type, unless the number is zero.
const MAX_EXPONENT: i64 = 1_000_000;

/// A decimal number of any size: `[-] whole . fraction × 10^exponent`.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Number<'a> {
    pub(crate) negative: bool,
    /// Digits, with commas between thousands.
    whole: &'a [u8],
    fraction: &'a [u8],
    exponent: i64,
}

impl<'a> Number<'a> {
    /// Reads text that has no outer blanks.
    pub(crate) fn read(text: &'a [u8]) -> Result<Self, Bad> {
        let (mut text, mut negative, mut signed) = match text {
            [b'(', inner @ .., b')'] | [b'$', b'(', inner @ .., b')'] => (trim(inner), true, true),
            _ => (text, false, false),
        };
        let mut dollar = false;
        loop {
            match text {
                [b'-', rest @ ..] if !signed => (text, negative, signed) = (rest, true, true),
                [b'+', rest @ ..] if !signed => (text, signed) = (rest, true),
                [b'$', rest @ ..] if !dollar => (text, dollar) = (trim_start(rest), true),
                _ => break,
            }
        }
        let (whole, rest) = split(text, |b| b.is_ascii_digit() || b == b',');
        let (fraction, rest) = match rest {
            [b'.', rest @ ..] => split(rest, |b| b.is_ascii_digit()),
            _ => (&[][..], rest),
        };
        if whole.is_empty() && fraction.is_empty() {
            return Err(Bad::NotANumber);
        }
        let exponent = match rest {
            [] => 0,
            [b'e' | b'E', rest @ ..] => exponent(rest)?,
            _ => return Err(Bad::NotANumber),
        };
        if whole.contains(&b',') {
            thousands(whole)?;
        }
        Ok(Self { negative, whole, fraction, exponent })
    }

    /// The digits, as values 0 to 9, leading and trailing zeros included.
    pub(crate) fn digits(&self) -> impl Iterator<Item = u8> + use<'a> {
        self.whole.iter().chain(self.fraction).filter(|byte| **byte != b',').map(|byte| byte - b'0')
    }

    /// How many of the digits stand before the point; negative when zeros stand between the point and the first digit,
    /// more than there are digits when zeros follow the last one.
    pub(crate) fn point(&self) -> i64 {
        let groups = self.whole.split(|byte| *byte == b',');
        groups.map(|group| count(group.len())).sum::<i64>() + self.exponent
    }

    /// How many digits stand behind the point, as written: 2 for `1.50`, 0 for `1.5e3`.
    pub(crate) fn scale(&self) -> i64 {
        (count(self.fraction.len()) - self.exponent).max(0)
    }

    /// The number with its decimal point moved to the left.
    pub(crate) fn shifted(self, places: i64) -> Self {
        Self { exponent: self.exponent - places, ..self }
    }

    pub(crate) fn is_zero(&self) -> bool {
        self.digits().all(|digit| digit == 0)
    }

    /// Appends the number in the one spelling that every parser of floats knows.
    pub(crate) fn write_plain(&self, out: &mut Vec<u8>) {
        if self.negative {
            out.push(b'-');
        }
        out.extend(self.whole.iter().filter(|byte| **byte != b','));
        out.push(b'.');
        out.extend_from_slice(self.fraction);
        out.push(b'e');
        let mut exponent = self.exponent;
        if exponent < 0 {
            out.push(b'-');
            exponent = -exponent;
        }
        // Seven decimal places hold `MAX_EXPONENT` and a shift.
        for power in [1_000_000, 100_000, 10_000, 1_000, 100, 10, 1] {
            out.push(b'0'.wrapping_add(u8::try_from(exponent / power % 10).unwrap_or(0)));
        }
    }
}

/// A slice's length as a signed number; memory holds no more than `i64::MAX` bytes.
fn count(length: usize) -> i64 {
    i64::try_from(length).unwrap_or(i64::MAX)
}

fn split(text: &[u8], belongs: impl Fn(u8) -> bool) -> (&[u8], &[u8]) {
    let end = text.iter().position(|byte| !belongs(*byte)).unwrap_or(text.len());
    text.split_at(end)
}

fn exponent(text: &[u8]) -> Result<i64, Bad> {
    let (negative, digits) = match text {
        [b'-', digits @ ..] => (true, digits),
        [b'+', digits @ ..] | digits => (false, digits),
    };
    if digits.is_empty() || !digits.iter().all(u8::is_ascii_digit) {
        return Err(Bad::NotANumber);
    }
    let mut value = 0;
    for digit in digits {
        value = value * 10 + i64::from(digit - b'0');
        if value > MAX_EXPONENT {
            return Err(Bad::OutOfRange);
        }
    }
    Ok(if negative { -value } else { value })
}

/// `1,234` and `12,345,678`, neither `12,34` nor `,123`, nor `0,123`, which is a fraction in half of the world.
fn thousands(whole: &[u8]) -> Result<(), Bad> {
    let mut groups = whole.split(|byte| *byte == b',');
    let first = groups.next().unwrap_or_default();
    let placed = matches!(first.len(), 1..=3) && first[0] != b'0' && groups.all(|group| group.len() == 3);
    if placed { Ok(()) } else { Err(Bad::MisplacedComma) }
}
