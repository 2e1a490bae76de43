//! Text: bytes that must be UTF-8 without NUL go out as they are. `char(n)` and `varchar(n)` count characters, not bytes; the server
//! pads `char(n)` with blanks itself.

use crate::Bad;
use crate::wire::{self, MAX_FIELD};

/// Writes text of at most `limit` characters.
#[inline]
pub(crate) fn encode(text: &[u8], limit: Option<u32>, out: &mut Vec<u8>) -> Result<(), Bad> {
    let mut bits = 0;
    let mut least = u8::MAX;
    // One pass without a branch, which compiles to vector instructions.
    for byte in text {
        bits |= byte;
        least = least.min(*byte);
    }
    if least == 0 && !text.is_empty() {
        return Err(Bad::NulByte);
    }
    let characters = if bits < 0x80 { text.len() } else { count(text)? };
    let is_too_long = limit.is_some_and(|limit| characters > limit as usize);
    if is_too_long || text.len() > MAX_FIELD {
        return Err(Bad::TooLong);
    }
    wire::put(out, text);
    Ok(())
}

/// The number of characters of UTF-8: bytes that do not continue one.
fn count(text: &[u8]) -> Result<usize, Bad> {
    let text = std::str::from_utf8(text).map_err(|_| Bad::NotUtf8)?;
    Ok(text.chars().count())
}

/// `1008300028.00` as `1008300028`; text that is not digits, a point and zeros stays as it is.
pub(crate) fn without_zero_fraction(text: &[u8]) -> &[u8] {
    let Some(point) = text.iter().position(|byte| *byte == b'.') else {
        return text;
    };
    let (whole, fraction) = (&text[..point], &text[point + 1..]);
    let digits = whole.strip_prefix(b"-").unwrap_or(whole);
    let is_whole =
        !digits.is_empty() && digits.iter().all(u8::is_ascii_digit) && fraction.iter().all(|byte| *byte == b'0');
    if is_whole { whole } else { text }
}

#[cfg(test)]
mod tests {
    use super::{encode, without_zero_fraction};
    use crate::Bad;

    fn limited(text: &[u8], limit: u32) -> Result<Vec<u8>, Bad> {
        let mut out = Vec::new();
        encode(text, Some(limit), &mut out).map(|()| out.split_off(4))
    }

    #[test]
    fn text_is_refused_where_the_predecessor_cut_it() {
        for (text, limit) in [("test", 2), ("00011", 4), ("SI0203", 4), ("Bronx", 1), ("1008300028.00", 10)] {
            assert_eq!(limited(text.as_bytes(), limit), Err(Bad::TooLong), "{text}");
        }
        assert_eq!(limited(b"345", 3), Ok(b"345".to_vec()));
    }

    #[test]
    fn characters_are_counted_and_not_bytes() {
        assert_eq!(limited("Piñón".as_bytes(), 5), Ok("Piñón".into()));
        assert_eq!(limited("Piñón".as_bytes(), 4), Err(Bad::TooLong));
        assert_eq!(limited("😀".as_bytes(), 1), Ok("😀".into()));
    }

    #[test]
    fn bytes_that_are_no_text_are_bad() {
        assert_eq!(limited(b"caf\xe9", 10), Err(Bad::NotUtf8));
        assert_eq!(limited(b"\x93quoted\x94", 10), Err(Bad::NotUtf8));
        assert_eq!(limited(b"a\0b", 10), Err(Bad::NulByte));
        assert_eq!(limited(b"\0\xff", 10), Err(Bad::NulByte));
    }

    #[test]
    fn a_zero_fraction_goes_and_nothing_else() {
        for (text, whole) in [
            ("1008300028.00", "1008300028"),
            ("2029580065.00000000", "2029580065"),
            ("12.", "12"),
            ("-5.0", "-5"),
            ("0012.0", "0012"),
            ("12.50", "12.50"),
            ("1,234.0", "1,234.0"),
            (".0", ".0"),
            ("A.0", "A.0"),
            ("1.0.0", "1.0.0"),
            ("100", "100"),
        ] {
            assert_eq!(without_zero_fraction(text.as_bytes()), whole.as_bytes(), "{text}");
        }
    }
}
