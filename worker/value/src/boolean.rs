//! Booleans: `true t yes y on x 1` and `false f no n off 0`, without regard to case.

use crate::Bad;

#[inline]
pub(crate) fn read(text: &[u8]) -> Result<bool, Bad> {
    if let [byte] = text {
        return match byte.to_ascii_lowercase() {
            b'y' | b't' | b'1' | b'x' => Ok(true),
            b'n' | b'f' | b'0' => Ok(false),
            _ => Err(Bad::NotABoolean),
        };
    }
    let is = |word: &[u8]| text.eq_ignore_ascii_case(word);
    if is(b"true") || is(b"yes") || is(b"on") {
        Ok(true)
    } else if is(b"false") || is(b"no") || is(b"off") {
        Ok(false)
    } else {
        Err(Bad::NotABoolean)
    }
}

#[cfg(test)]
mod tests {
    use super::read;
    use crate::Bad;

    #[test]
    fn yes_is_as_good_as_no() {
        for text in ["t", "T", "true", "TRUE", "y", "Y", "yes", "Yes", "1", "x", "X", "on", "ON"] {
            assert_eq!(read(text.as_bytes()), Ok(true), "{text}");
        }
        for text in ["f", "F", "false", "False", "n", "N", "no", "NO", "0", "off"] {
            assert_eq!(read(text.as_bytes()), Ok(false), "{text}");
        }
    }

    #[test]
    fn anything_else_is_bad_rather_than_null() {
        for text in ["maybe", "2", "-", "10/09/2013", "yess", "tr"] {
            assert_eq!(read(text.as_bytes()), Err(Bad::NotABoolean), "{text}");
        }
    }
}
