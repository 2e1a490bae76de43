//! `real` and `double precision`: the nearest binary float to the decimal text, as the type itself demands. A finite text
//! that only fits as infinity, or a non-zero one that only fits as zero, is out of range.

use crate::Bad;
use crate::number::Number;
use crate::wire;
use std::str::FromStr;

/// What `real` and `double precision` have in common.
pub(crate) trait Float: FromStr + Copy + PartialEq + Default {
    fn is_infinite(self) -> bool;

    /// Writes the field.
    fn put(self, out: &mut Vec<u8>);
}

impl Float for f32 {
    fn is_infinite(self) -> bool {
        self.is_infinite()
    }

    fn put(self, out: &mut Vec<u8>) {
        wire::put4(out, self.to_be_bytes());
    }
}

impl Float for f64 {
    fn is_infinite(self) -> bool {
        self.is_infinite()
    }

    fn put(self, out: &mut Vec<u8>) {
        wire::put8(out, self.to_be_bytes());
    }
}

/// Writes text that has no outer blanks.
#[inline]
pub(crate) fn encode<F: Float>(text: &[u8], out: &mut Vec<u8>) -> Result<(), Bad> {
    let value: F = read(text, out)?;
    value.put(out);
    Ok(())
}

/// Writes a number whose decimal point was moved, such as a percentage.
pub(crate) fn encode_number<F: Float>(number: &Number<'_>, out: &mut Vec<u8>) -> Result<(), Bad> {
    let value: F = from_number(number, out)?;
    value.put(out);
    Ok(())
}

/// The spare room behind `scratch` is used and given back.
#[inline]
fn read<F: Float>(text: &[u8], scratch: &mut Vec<u8>) -> Result<F, Bad> {
    match std::str::from_utf8(text).ok().and_then(|text| text.parse::<F>().ok()) {
        // The standard library's grammar is a part of ours, but for words, which are looked at below.
        Some(value) if !value.is_infinite() && (value != F::default() || is_zero(text)) => Ok(value),
        _ => general(text, scratch),
    }
}

fn from_number<F: Float>(number: &Number<'_>, scratch: &mut Vec<u8>) -> Result<F, Bad> {
    let start = scratch.len();
    number.write_plain(scratch);
    let value = std::str::from_utf8(&scratch[start..]).ok().and_then(|text| text.parse::<F>().ok());
    scratch.truncate(start);
    let value = value.ok_or(Bad::NotANumber)?;
    if value.is_infinite() || (value == F::default() && !number.is_zero()) {
        return Err(Bad::OutOfRange);
    }
    Ok(value)
}

#[cold]
fn general<F: Float>(text: &[u8], scratch: &mut Vec<u8>) -> Result<F, Bad> {
    let is_word = text.last().is_some_and(u8::is_ascii_alphabetic);
    if is_word && let Some(word) = std::str::from_utf8(text).ok().and_then(|text| text.parse::<F>().ok()) {
        return Ok(word);
    }
    from_number(&Number::read(text)?, scratch)
}

fn is_zero(text: &[u8]) -> bool {
    !text.iter().take_while(|byte| !matches!(byte, b'e' | b'E')).any(|byte| matches!(byte, b'1'..=b'9'))
}

#[cfg(test)]
mod tests {
    use super::read;
    use crate::Bad;

    fn double(text: &str) -> Result<f64, Bad> {
        let mut scratch = b"kept".to_vec();
        let value = read(text.as_bytes(), &mut scratch);
        assert_eq!(scratch, b"kept");
        value
    }

    #[test]
    fn the_nearest_double_is_read() {
        for (text, value) in [
            ("40.650483", 40.650_483_f64),
            ("-73.924317", -73.924_317),
            ("$1,234.50", 1234.5),
            ("(45.00)", -45.0),
            ("1e3", 1000.0),
            (".5", 0.5),
            ("0", 0.0),
            ("-0.0", -0.0),
            ("0e999", 0.0),
            ("1.7976931348623157e308", f64::MAX),
            ("4.9e-324", 4.9e-324),
            ("Infinity", f64::INFINITY),
            ("-inf", f64::NEG_INFINITY),
        ] {
            assert_eq!(double(text).map(f64::to_bits), Ok(value.to_bits()), "{text}");
        }
        assert!(double("NaN").unwrap().is_nan());
    }

    #[test]
    fn a_single_is_rounded_once() {
        // Halfway between two singles after rounding to a double first.
        let mut scratch = Vec::new();
        assert_eq!(read::<f32>(b"1.00000017881393432617187499", &mut scratch), Ok(1.000_000_1_f32));
    }

    #[test]
    fn overflow_and_underflow_are_out_of_range() {
        for text in ["1e400", "-1e400", "1e-400", "1,000e-999", "1,000e999"] {
            assert_eq!(double(text), Err(Bad::OutOfRange), "{text}");
        }
    }

    #[test]
    fn text_is_not_a_number() {
        for text in ["not a number", ".", "-", "e5", "1e", "infinit", "0x1p3", "12.5%"] {
            assert_eq!(double(text), Err(Bad::NotANumber), "{text}");
        }
    }
}
