//! `numeric` of any size and exactly the digits that were written, without passing through a float. Text comes in; a count of base-10000
//! digits, the weight of the first, sign, displayed scale and the digits go out. What `numeric(p,s)` would round is refused.

use crate::Bad;
use crate::Precision;
use crate::number::Number;
use crate::wire;

const POSITIVE: u16 = 0x0000;
const NEGATIVE: u16 = 0x4000;
const NAN: u16 = 0xc000;
const INFINITY: u16 = 0xd000;
const MINUS_INFINITY: u16 = 0xf000;

/// Most digits before and behind the point of any `numeric`.
const MAX_WHOLE: i64 = 131_072;
const MAX_SCALE: i64 = 16_383;

const POWERS: [u64; 18] = {
    let mut powers = [1; 18];
    let mut i = 1;
    while i < powers.len() {
        powers[i] = powers[i - 1] * 10;
        i += 1;
    }
    powers
};

/// Writes text that has no outer blanks.
#[inline]
pub(crate) fn encode(text: &[u8], precision: Option<Precision>, out: &mut Vec<u8>) -> Result<(), Bad> {
    if let Some(short) = Short::read(text)
        && short.fits(precision)
    {
        short.write(out);
        return Ok(());
    }
    general(text, precision, out)
}

/// A plain number of at most 17 characters behind its sign, the common case.
struct Short {
    negative: bool,
    whole: u64,
    fraction: u64,
    scale: usize,
}

impl Short {
    #[inline]
    fn read(text: &[u8]) -> Option<Self> {
        let (negative, digits) = match text {
            [b'-', digits @ ..] => (true, digits),
            digits => (false, digits),
        };
        if digits.len() > 17 {
            return None;
        }
        let (whole, rest) = leading_digits(digits);
        let (fraction, rest, scale, points) = match rest {
            [b'.', behind @ ..] => {
                let (fraction, rest) = leading_digits(behind);
                (fraction, rest, behind.len(), 1)
            }
            rest => (0, rest, 0, 0),
        };
        let is_number = rest.is_empty() && digits.len() > points;
        is_number.then_some(Self { negative, whole, fraction, scale })
    }

    /// Whether it surely fits; if not, the general path finds the reason.
    #[inline]
    fn fits(&self, precision: Option<Precision>) -> bool {
        let Some(Precision { digits, scale }) = precision else {
            return true;
        };
        let Ok(kept) = usize::try_from(scale) else {
            return false;
        };
        let Some(places) = usize::from(digits).checked_sub(kept) else {
            return false;
        };
        let whole_fits = places >= POWERS.len() || self.whole < POWERS[places];
        whole_fits && (self.scale <= kept || self.fraction.is_multiple_of(POWERS[self.scale - kept]))
    }

    #[inline]
    fn write(&self, out: &mut Vec<u8>) {
        const POINT: usize = 5;
        let mut groups = [0_u16; 10];
        let mut first = POINT;
        let mut rest = self.whole;
        while rest > 0 {
            first -= 1;
            groups[first] = group(rest);
            rest /= 10_000;
        }
        let behind = self.scale.div_ceil(4);
        let mut rest = self.fraction * POWERS[behind * 4 - self.scale];
        for slot in groups[POINT..POINT + behind].iter_mut().rev() {
            *slot = group(rest);
            rest /= 10_000;
        }
        let mut end = POINT + behind;
        while first < end && groups[end - 1] == 0 {
            end -= 1;
        }
        while first < end && groups[first] == 0 {
            first += 1;
        }
        let used = &groups[first..end];
        let sign = if self.negative && !used.is_empty() { NEGATIVE } else { POSITIVE };
        // `first` is 0 to 9 here, so the weight is 4 to -5; that of zero is never looked at.
        let weight = i16::try_from(POINT).unwrap_or(0) - 1 - i16::try_from(first).unwrap_or(0);
        let scale = i64::try_from(self.scale).unwrap_or(0);
        let mut field = [0; 12 + 2 * 10];
        field[..12].copy_from_slice(&header(used.len(), weight, sign, scale));
        for (slot, group) in field[12..].chunks_exact_mut(2).zip(used) {
            slot.copy_from_slice(&group.to_be_bytes());
        }
        out.extend_from_slice(&field[..12 + 2 * used.len()]);
    }
}

/// The value of the digits that a text begins with, and what follows them.
#[inline]
fn leading_digits(mut text: &[u8]) -> (u64, &[u8]) {
    let mut value = 0;
    while let [digit @ b'0'..=b'9', rest @ ..] = text {
        value = value * 10 + u64::from(digit - b'0');
        text = rest;
    }
    (value, text)
}

/// The lowest base-10000 digit.
fn group(value: u64) -> u16 {
    u16::try_from(value % 10_000).unwrap_or(0)
}

#[cold]
fn general(text: &[u8], precision: Option<Precision>, out: &mut Vec<u8>) -> Result<(), Bad> {
    if let Some(sign) = word(text) {
        if precision.is_some() && sign != NAN {
            return Err(Bad::OutOfRange);
        }
        out.extend_from_slice(&header(0, 0, sign, 0));
        return Ok(());
    }
    from_number(&Number::read(text)?, precision, out)
}

fn word(text: &[u8]) -> Option<u16> {
    let is = |words: &[&[u8]]| words.iter().any(|word| text.eq_ignore_ascii_case(word));
    if is(&[b"nan"]) {
        Some(NAN)
    } else if is(&[b"inf", b"infinity", b"+inf", b"+infinity"]) {
        Some(INFINITY)
    } else if is(&[b"-inf", b"-infinity"]) {
        Some(MINUS_INFINITY)
    } else {
        None
    }
}

/// Writes a number of any size.
pub(crate) fn from_number(number: &Number<'_>, precision: Option<Precision>, out: &mut Vec<u8>) -> Result<(), Bad> {
    let scale = number.scale();
    let Some(Span { top, low, skip, take }) = span(number, precision)? else {
        out.extend_from_slice(&header(0, 0, POSITIVE, scale));
        return Ok(());
    };
    let weight = top.div_euclid(4);
    let count = weight - low.div_euclid(4) + 1;
    let sign = if number.negative { NEGATIVE } else { POSITIVE };
    let narrow = |_| Bad::OutOfRange;
    let (count, weight) = (usize::try_from(count).map_err(narrow)?, i16::try_from(weight).map_err(narrow)?);
    out.reserve(12 + 2 * count);
    out.extend_from_slice(&header(count, weight, sign, scale));
    let mut exponent = top;
    let mut group = 0_u16;
    for digit in number.digits().skip(skip).take(take) {
        group = group * 10 + u16::from(digit);
        if exponent.rem_euclid(4) == 0 {
            out.extend_from_slice(&group.to_be_bytes());
            group = 0;
        }
        exponent -= 1;
    }
    let missing = (exponent + 1).rem_euclid(4);
    if missing > 0 {
        for _ in 0..missing {
            group *= 10;
        }
        out.extend_from_slice(&group.to_be_bytes());
    }
    Ok(())
}

/// Refuses what no `numeric` can hold.
pub(crate) fn check(number: &Number<'_>) -> Result<(), Bad> {
    span(number, None).map(|_| ())
}

/// Where the digits of a number that is not zero begin and end.
struct Span {
    /// The powers of ten of the first and the last digit that is not zero.
    top: i64,
    low: i64,
    /// The same digits counted in the text: so many to skip, then so many to take.
    skip: usize,
    take: usize,
}

/// None for zero; an error where a digit lies outside of what the type holds.
fn span(number: &Number<'_>, precision: Option<Precision>) -> Result<Option<Span>, Bad> {
    if number.scale() > MAX_SCALE {
        return Err(Bad::TooPrecise);
    }
    let (mut first, mut last) = (None, 0);
    for (i, digit) in number.digits().enumerate() {
        if digit != 0 {
            first.get_or_insert(i);
            last = i;
        }
    }
    let Some(first) = first else { return Ok(None) };
    let power = |i: usize| number.point() - 1 - i64::try_from(i).unwrap_or(i64::MAX);
    let (top, low) = (power(first), power(last));
    let (whole, scale) = match precision {
        None => (MAX_WHOLE, MAX_SCALE),
        Some(Precision { digits, scale }) => (i64::from(digits) - i64::from(scale), i64::from(scale)),
    };
    if top >= whole {
        return Err(Bad::OutOfRange);
    }
    if low < -scale {
        return Err(Bad::TooPrecise);
    }
    Ok(Some(Span { top, low, skip: first, take: last - first + 1 }))
}

/// The field's length word, and the four words before its digits.
fn header(count: usize, weight: i16, sign: u16, scale: i64) -> [u8; 12] {
    let mut header = [0; 12];
    // At most 36,864 digits, and a scale of at most `MAX_SCALE`.
    header[..4].copy_from_slice(&wire::length(8 + 2 * count));
    header[4..6].copy_from_slice(&u16::try_from(count).unwrap_or(u16::MAX).to_be_bytes());
    header[6..8].copy_from_slice(&weight.to_be_bytes());
    header[8..10].copy_from_slice(&sign.to_be_bytes());
    header[10..].copy_from_slice(&u16::try_from(scale).unwrap_or(u16::MAX).to_be_bytes());
    header
}

#[cfg(test)]
mod tests {
    use super::encode;
    use crate::{Bad, Precision};

    /// Count, weight, sign, scale and digits of the written field.
    fn words(text: &str, precision: Option<(u16, i16)>) -> Result<Vec<i32>, Bad> {
        let mut out = Vec::new();
        encode(text.as_bytes(), precision.map(|(digits, scale)| Precision { digits, scale }), &mut out)?;
        assert_eq!(out.len() - 4, out[3] as usize | (out[2] as usize) << 8 | (out[1] as usize) << 16);
        Ok(out[4..].chunks(2).map(|b| i32::from(i16::from_be_bytes([b[0], b[1]]))).collect())
    }

    #[test]
    fn digits_are_kept_as_they_were_written() {
        for (text, expected) in [
            ("0", vec![0, 4, 0, 0]),
            ("1", vec![1, 0, 0, 0, 1]),
            ("1.5", vec![2, 0, 0, 1, 1, 5000]),
            ("1.50", vec![2, 0, 0, 2, 1, 5000]),
            ("-73.924317", vec![3, 0, 0x4000, 6, 73, 9243, 1700]),
            ("0.00001", vec![1, -2, 0, 5, 1000]),
            ("10000", vec![1, 1, 0, 0, 1]),
            ("123456789", vec![3, 2, 0, 0, 1, 2345, 6789]),
            ("99999999999999999", vec![5, 4, 0, 0, 9, 9999, 9999, 9999, 9999]),
            ("123456789012345678", vec![5, 4, 0, 0, 12, 3456, 7890, 1234, 5678]),
            ("$1,234.50", vec![2, 0, 0, 2, 1234, 5000]),
            ("(45.00)", vec![1, 0, 0x4000, 2, 45]),
            ("1e3", vec![1, 0, 0, 0, 1000]),
            ("1.5e-3", vec![1, -1, 0, 4, 15]),
            (".5", vec![1, -1, 0, 1, 5000]),
            ("5.", vec![1, 0, 0, 0, 5]),
        ] {
            let mut got = words(text, None).unwrap();
            if got[0] == 0 {
                got[1] = expected[1];
            }
            assert_eq!(got, expected, "{text}");
        }
        assert_eq!(words("NaN", None).unwrap()[2], i32::from(0xc000_u16.cast_signed()));
    }

    #[test]
    fn a_declared_scale_neither_rounds_nor_overflows() {
        for (text, precision, bad) in [
            ("1.005", (9, 2), Bad::TooPrecise),
            ("1,000.005", (9, 2), Bad::TooPrecise),
            ("12345678", (9, 2), Bad::OutOfRange),
            ("1e10", (9, 2), Bad::OutOfRange),
            ("1234", (5, -2), Bad::TooPrecise),
            ("0.1", (2, 3), Bad::OutOfRange),
            ("Infinity", (9, 2), Bad::OutOfRange),
        ] {
            assert_eq!(words(text, Some(precision)), Err(bad), "{text}");
        }
        for (text, precision) in [
            ("1.0050", (9, 3)),
            ("1.000000000000000000000000", (9, 2)),
            ("1200", (5, -2)),
            ("0.012", (2, 3)),
            ("NaN", (9, 2)),
        ] {
            assert!(words(text, Some(precision)).is_ok(), "{text}");
        }
    }

    #[test]
    fn text_is_not_a_number() {
        for text in ["not a number", "", ".", "-", "1.2.3", "12.5%", "N/A"] {
            assert_eq!(words(text, None), Err(Bad::NotANumber), "{text}");
        }
    }

    #[test]
    fn the_largest_numeric_has_131072_digits_before_the_point() {
        assert!(words("1e131071", None).is_ok());
        assert_eq!(words("1e131072", None), Err(Bad::OutOfRange));
        assert!(words("1e-16383", None).is_ok());
        assert_eq!(words("1e-16384", None), Err(Bad::TooPrecise));
        assert!(words(&"9".repeat(131_072), None).is_ok());
    }
}
