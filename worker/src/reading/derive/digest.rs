//! Hashes of a text as it is stored, in lower-case hexadecimal: what PostgreSQL's `md5(a)` and `encode(sha256(convert_to(a, 'UTF8')), 'hex')`
//! give.

use sha2::{Digest as _, Sha256};

pub(super) fn md5(text: &str, out: &mut Vec<u8>) -> Result<(), &'static str> {
    stored(text)?;
    hexadecimal(&md5::compute(text).0, out);
    Ok(())
}

pub(super) fn sha256(text: &str, out: &mut Vec<u8>) -> Result<(), &'static str> {
    stored(text)?;
    hexadecimal(&Sha256::digest(text), out);
    Ok(())
}

/// What PostgreSQL cannot hold, it could not hash either.
fn stored(text: &str) -> Result<(), &'static str> {
    if text.contains('\0') { Err(value::Bad::NulByte.code()) } else { Ok(()) }
}

fn hexadecimal(bytes: &[u8], out: &mut Vec<u8>) {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    for byte in bytes {
        out.extend([DIGITS[usize::from(byte >> 4)], DIGITS[usize::from(byte & 15)]]);
    }
}

#[cfg(test)]
mod tests {
    use manifest::dataset::Function;

    use super::super::tests::made;

    #[test]
    fn a_text_has_the_hash_that_postgresql_gives_it() {
        for (function, expected) in [
            (Function::Md5, "07117fe4a1ebd544965dc19573183da2"),
            (Function::Sha256, "850f7dc43910ff890f8879c0ed26fe697c93a067ad93a7d50f466a7028a9bf4e"),
        ] {
            let hash = made(function, &[" café "]).unwrap().unwrap();
            assert_eq!(hash, expected);
        }
        assert_eq!(made(Function::Md5, &["a\0b"]), Err("nul_byte"));
    }
}
