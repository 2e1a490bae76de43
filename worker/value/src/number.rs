//! A number as people write it: `1,234`, `-$5.00`, `(45.00)`, `1e3`. Text comes in, a [`Number`] goes out: sign, digits, and
//! where the point stands. Nothing is computed here, so nothing is lost.
//!
//! Grammar: a sign, a currency's mark before or behind, and parentheses, which mean minus, each at most once and no sign within or
//! beside parentheses; digits, whose thousands may be parted (then all of them are); an optional fraction; an optional exponent.

use crate::Bad;
use crate::blank::{trim, trim_end, trim_start};
use crate::parser::Parser;

/// Exponents beyond this are out of the range of every type, unless the number is zero.
const MAX_EXPONENT: i64 = 1_000_000;

/// How numbers are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Notation {
    /// `1,234.5`.
    Plain,
    /// `1.234,5`, or with blanks or apostrophes between thousands.
    DecimalComma,
    /// As spreadsheets show money: `-` alone is zero, and a minus may stand behind.
    Accounting,
    /// With a percent sign, and so a hundredth.
    Percent,
}

impl Notation {
    /// The notation that a parser declares, if it declares one.
    pub(crate) fn of(parser: Parser) -> Option<Self> {
        match parser {
            Parser::DecimalComma => Some(Self::DecimalComma),
            Parser::Accounting => Some(Self::Accounting),
            Parser::Percent => Some(Self::Percent),
            _ => None,
        }
    }
}

/// Marks of currencies, of which none changes what the number is.
const CURRENCIES: [&[u8]; 4] = [b"$", "£".as_bytes(), "€".as_bytes(), "¥".as_bytes()];

/// What stands for zero in accounts: a hyphen, a dash of any length, a typographers' minus.
const DASHES: [&[u8]; 4] = [b"-", "\u{2013}".as_bytes(), "\u{2014}".as_bytes(), "\u{2212}".as_bytes()];

/// What may part thousands where the comma is a point: all of a number's are alike.
const MARKS: [&[u8]; 6] = [b".", b" ", b"'", "\u{a0}".as_bytes(), "\u{202f}".as_bytes(), "\u{2009}".as_bytes()];

/// A decimal number of any size: `[-] whole . fraction × 10^exponent`.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Number<'a> {
    pub(crate) negative: bool,
    /// Digits, with marks between thousands.
    whole: &'a [u8],
    fraction: &'a [u8],
    exponent: i64,
}

impl<'a> Number<'a> {
    /// Reads text that has no outer blanks.
    pub(crate) fn read(text: &'a [u8]) -> Result<Self, Bad> {
        Self::read_as(text, Notation::Plain)
    }

    /// Reads text that has no outer blanks and is written so.
    pub(crate) fn read_as(text: &'a [u8], notation: Notation) -> Result<Self, Bad> {
        if notation == Notation::Percent {
            let text = text.strip_suffix(b"%").ok_or(Bad::NotAPercentage)?;
            let number = Self::read(trim_end(text));
            let number = number.map_err(|bad| if bad == Bad::NotANumber { Bad::NotAPercentage } else { bad })?;
            return Ok(number.shifted(2));
        }
        let Undressed { text, negative } = undress(text, notation);
        let is_thousands = |b: u8| match notation {
            Notation::DecimalComma => !matches!(b, b',' | b'e' | b'E' | b'-'),
            _ => b == b',',
        };
        let (whole, rest) = split(text, |b| b.is_ascii_digit() || is_thousands(b));
        let point = if notation == Notation::DecimalComma { b',' } else { b'.' };
        let (fraction, rest) = match rest {
            [mark, rest @ ..] if *mark == point => split(rest, |b| b.is_ascii_digit()),
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
        if !whole.iter().all(u8::is_ascii_digit) {
            thousands(whole, notation)?;
        }
        Ok(Self { negative, whole, fraction, exponent })
    }

    /// The digits, as values 0 to 9, leading and trailing zeros included.
    pub(crate) fn digits(&self) -> impl Iterator<Item = u8> + use<'a> {
        self.whole.iter().chain(self.fraction).filter(|byte| byte.is_ascii_digit()).map(|byte| byte - b'0')
    }

    /// How many of the digits stand before the point; negative when zeros stand between the point and the first digit,
    /// more than there are digits when zeros follow the last one.
    pub(crate) fn point(&self) -> i64 {
        count(self.whole.iter().filter(|byte| byte.is_ascii_digit()).count()) + self.exponent
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
        out.extend(self.whole.iter().filter(|byte| byte.is_ascii_digit()));
        out.push(b'.');
        out.extend_from_slice(self.fraction);
        out.push(b'e');
        let mut exponent = self.exponent;
        if exponent < 0 {
            out.push(b'-');
            exponent = -exponent;
        }
        // Seven decimal places hold `MAX_EXPONENT` and a percent sign's two.
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

/// A number without what stands around its digits.
struct Undressed<'a> {
    text: &'a [u8],
    negative: bool,
}

fn undress(mut text: &[u8], notation: Notation) -> Undressed<'_> {
    let (mut negative, mut signed, mut priced) = (false, false, false);
    let is_accounts = notation == Notation::Accounting;
    loop {
        if !priced && let Some(rest) = without_currency(text) {
            (text, priced) = (rest, true);
            continue;
        }
        if is_accounts && !signed && DASHES.contains(&text) {
            return Undressed { text: b"0", negative };
        }
        text = match text {
            [b'-', rest @ ..] | [0xe2, 0x88, 0x92, rest @ ..] if !signed => {
                (negative, signed) = (true, true);
                rest
            }
            [b'+', rest @ ..] if !signed => {
                signed = true;
                rest
            }
            [b'(', inner @ .., b')'] if !signed => {
                (negative, signed) = (true, true);
                trim(inner)
            }
            [rest @ .., b'-'] if !signed && is_accounts => {
                (negative, signed) = (true, true);
                trim_end(rest)
            }
            _ => return Undressed { text, negative },
        };
    }
}

fn without_currency(text: &[u8]) -> Option<&[u8]> {
    let before = CURRENCIES.iter().find_map(|mark| text.strip_prefix(*mark)).map(trim_start);
    before.or_else(|| CURRENCIES.iter().find_map(|mark| text.strip_suffix(*mark)).map(trim_end))
}

/// `1,234` and `12,345,678`, neither `12,34` nor `,123`, nor `0,123`, which is a fraction in half of the world.
fn thousands(whole: &[u8], notation: Notation) -> Result<(), Bad> {
    let mark = match notation {
        Notation::DecimalComma => {
            let (_, rest) = split(whole, |b| b.is_ascii_digit());
            *MARKS.iter().find(|mark| rest.starts_with(mark)).ok_or(Bad::NotANumber)?
        }
        _ => b",",
    };
    let (first, mut rest) = split(whole, |b| b.is_ascii_digit());
    let mut placed = matches!(first.len(), 1..=3) && first[0] != b'0';
    while let Some(behind) = rest.strip_prefix(mark) {
        let (group, after) = split(behind, |b| b.is_ascii_digit());
        placed &= group.len() == 3;
        rest = after;
    }
    match rest {
        [] if placed => Ok(()),
        // What else stands there is no mark at all.
        [other, ..]
            if !other.is_ascii_digit() && !MARKS.iter().any(|mark| rest.starts_with(mark)) && *other != b',' =>
        {
            Err(Bad::NotANumber)
        }
        _ => Err(Bad::MisplacedComma),
    }
}

#[cfg(test)]
mod tests {
    use super::{Notation, Number};
    use crate::Bad;

    /// The number in its plain spelling.
    fn plain(text: &str, notation: Notation) -> Result<f64, Bad> {
        let mut out = Vec::new();
        Number::read_as(text.as_bytes(), notation)?.write_plain(&mut out);
        Ok(String::from_utf8(out).unwrap().parse().unwrap())
    }

    #[test]
    fn a_decimal_comma_is_read_where_declared() {
        for (text, number) in [
            ("1234,5", 1234.5),
            ("1.234,5", 1234.5),
            ("1.234", 1234.0),
            ("1 234 567,25", 1_234_567.25),
            ("1\u{a0}234,5", 1234.5),
            ("1\u{202f}234\u{202f}567", 1_234_567.0),
            ("1'234,50", 1234.5),
            ("-0,5", -0.5),
            (",5", 0.5),
            ("€ 1.234,50", 1234.5),
            ("1.234,50 €", 1234.5),
            ("(1.234,50)", -1234.5),
            ("1,5e3", 1500.0),
            ("7", 7.0),
        ] {
            assert_eq!(plain(text, Notation::DecimalComma), Ok(number), "{text}");
        }
        for text in ["1.5", "1.23", "12.34,5", "1.234 567,0", "0.123", "1 23", "1.234.56", "1..234"] {
            assert_eq!(plain(text, Notation::DecimalComma), Err(Bad::MisplacedComma), "{text}");
        }
        for text in ["1,2,3", "1,5.0", "x", "1x5", "1/5", "1,", ""] {
            let expected = if text == "1," { Ok(1.0) } else { Err(Bad::NotANumber) };
            assert_eq!(plain(text, Notation::DecimalComma), expected, "{text}");
        }
    }

    #[test]
    fn a_dash_is_zero_in_accounts_and_a_minus_may_stand_behind() {
        for (text, number) in [
            ("-", 0.0),
            ("$ -", 0.0),
            ("$-", 0.0),
            ("- €", 0.0),
            ("–", 0.0),
            ("—", 0.0),
            ("\u{2212}", 0.0),
            ("1,234.50-", -1234.5),
            ("45 -", -45.0),
            ("$45-", -45.0),
            ("(45)", -45.0),
            ("$ (45.00)", -45.0),
            ("-45", -45.0),
            ("45", 45.0),
        ] {
            assert_eq!(plain(text, Notation::Accounting), Ok(number), "{text}");
        }
        for text in ["--", "- -", "-45-", "(45-)", "(-)x", "$", "- $ -"] {
            assert_eq!(plain(text, Notation::Accounting), Err(Bad::NotANumber), "{text}");
        }
        for text in ["-", "$-", "–", "45-"] {
            assert_eq!(plain(text, Notation::Plain), Err(Bad::NotANumber), "{text}");
        }
    }

    #[test]
    fn a_currency_stands_once_and_a_minus_may_be_a_typographers() {
        for (text, number) in [
            ("£1,234", 1234.0),
            ("€5", 5.0),
            ("5 €", 5.0),
            ("¥ 7", 7.0),
            ("\u{2212}5", -5.0),
            ("-£5", -5.0),
            ("£-5", -5.0),
        ] {
            assert_eq!(plain(text, Notation::Plain), Ok(number), "{text}");
        }
        for text in ["$5$", "£€5", "€", "\u{2212}-5", "(\u{2212}5)", "5 EUR"] {
            assert_eq!(plain(text, Notation::Plain), Err(Bad::NotANumber), "{text}");
        }
    }
}
