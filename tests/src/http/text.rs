//! Percent-encoding of URL parts.

use std::fmt::Write as _;

/// Encodes all bytes but letters, digits and `-._~`.
pub(crate) fn percent_encode(text: &str) -> String {
    text.bytes().fold(String::new(), |mut encoded, byte| {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            let _ = write!(encoded, "%{byte:02X}");
        }
        encoded
    })
}

/// Decodes `%41`; what is not a proper escape stays as it is, and bytes that are not UTF-8 are replaced.
pub(crate) fn percent_decode(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut decoded = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        let escape = if bytes[at] == b'%' { bytes.get(at + 1..at + 3) } else { None };
        let value = escape.and_then(|digits| u8::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok());
        decoded.push(value.unwrap_or(bytes[at]));
        at += if value.is_some() { 3 } else { 1 };
    }
    String::from_utf8_lossy(&decoded).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn broken_escapes_stay_as_they_are() {
        assert_eq!(percent_decode("100%&%4&%zz%41"), "100%&%4&%zzA");
    }

    proptest! {
        #[test]
        fn any_text_survives_encoding(text in ".*") {
            prop_assert_eq!(percent_decode(&percent_encode(&text)), text);
        }
    }
}
