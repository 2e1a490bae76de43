//! Bytes, in the one form that cannot be mistaken for text: `\x` and pairs of hexadecimal digits. Text comes in, the bytes go out.

use crate::Bad;
use crate::uuid::hex;
use crate::wire::{self, MAX_FIELD};

/// Writes text that has no outer blanks.
pub(crate) fn encode(text: &[u8], out: &mut Vec<u8>) -> Result<(), Bad> {
    let digits = text.strip_prefix(b"\\x").ok_or(Bad::NotHex)?;
    if digits.len() % 2 == 1 || !digits.iter().all(|digit| hex(*digit).is_some()) {
        return Err(Bad::NotHex);
    }
    if digits.len() / 2 > MAX_FIELD {
        return Err(Bad::TooLong);
    }
    out.extend_from_slice(&wire::length(digits.len() / 2));
    out.extend(
        digits.chunks_exact(2).map(|pair| pair.iter().fold(0, |byte, digit| byte << 4 | hex(*digit).unwrap_or(0))),
    );
    Ok(())
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
        assert_eq!(out, [0, 0, 0, 4, 0xde, 0xad, 0xbe, 0xef, 0, 0, 0, 0]);
    }

    #[test]
    fn what_could_be_text_is_not_bytes() {
        for text in ["", "deadbeef", "\\xabc", "\\xzz", "0xab", "\\000"] {
            assert_eq!(encode(text.as_bytes(), &mut Vec::new()), Err(Bad::NotHex), "{text}");
        }
    }
}
