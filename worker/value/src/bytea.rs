//! Bytes, in the one form that cannot be mistaken for text: `\x` and pairs of hexadecimal digits. Text comes in, the bytes go out.

use crate::Bad;
use crate::blank::trim_plain_start;
use crate::uuid::hex;
use crate::wire::{self, MAX_FIELD};

/// Writes text that has no outer blanks. Blanks may stand between pairs, as in PostgreSQL.
pub(crate) fn encode(text: &[u8], out: &mut Vec<u8>) -> Result<(), Bad> {
    let digits = text.strip_prefix(b"\\x").ok_or(Bad::NotHex)?;
    let count = pairs(digits).try_fold(0, |count: usize, byte| byte.map(|_| count + 1)).ok_or(Bad::NotHex)?;
    if count > MAX_FIELD {
        return Err(Bad::TooLong);
    }
    out.extend_from_slice(&wire::length(count));
    out.extend(pairs(digits).flatten());
    Ok(())
}

/// The byte of each pair; `None` for what is no pair, and nothing behind it.
fn pairs(mut digits: &[u8]) -> impl Iterator<Item = Option<u8>> {
    std::iter::from_fn(move || match trim_plain_start(digits) {
        [] => None,
        [high, low, rest @ ..] => {
            digits = rest;
            Some(hex(*high).zip(hex(*low)).map(|(high, low)| high << 4 | low))
        }
        [_] => {
            digits = &[];
            Some(None)
        }
    })
}

#[cfg(test)]
mod tests {
    use super::encode;
    use crate::Bad;

    #[test]
    fn pairs_of_digits_are_bytes() {
        let mut out = Vec::new();
        encode(b"\\xdeadBEEF", &mut out).unwrap();
        encode(b"\\x", &mut out).unwrap();
        encode(b"\\x de\tad", &mut out).unwrap();
        assert_eq!(out, [0, 0, 0, 4, 0xde, 0xad, 0xbe, 0xef, 0, 0, 0, 0, 0, 0, 0, 2, 0xde, 0xad]);
    }

    #[test]
    fn what_could_be_text_is_not_bytes() {
        for text in ["", "deadbeef", "\\xabc", "\\xzz", "0xab", "\\000", "\\xa b"] {
            assert_eq!(encode(text.as_bytes(), &mut Vec::new()), Err(Bad::NotHex), "{text}");
        }
    }
}
