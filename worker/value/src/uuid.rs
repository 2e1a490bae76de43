//! UUIDs: 32 hexadecimal digits in any case, with hyphens between groups of four where they please, maybe in braces, as PostgreSQL
//! takes them. Text comes in, sixteen bytes go out.

use crate::Bad;

/// Reads text that has no outer blanks.
pub(crate) fn read(text: &[u8]) -> Result<[u8; 16], Bad> {
    let digits = match text {
        [b'{', inner @ .., b'}'] => inner,
        plain => plain,
    };
    let mut uuid = [0; 16];
    let mut rest = digits;
    for (i, byte) in uuid.iter_mut().enumerate() {
        let [high, low, after @ ..] = rest else { return Err(Bad::NotAUuid) };
        *byte = hex(*high).ok_or(Bad::NotAUuid)? << 4 | hex(*low).ok_or(Bad::NotAUuid)?;
        rest = match after {
            [b'-', after @ ..] if i % 2 == 1 && i < 15 => after,
            after => after,
        };
    }
    if rest.is_empty() { Ok(uuid) } else { Err(Bad::NotAUuid) }
}

/// The value of a hexadecimal digit.
pub(crate) fn hex(digit: u8) -> Option<u8> {
    match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        b'A'..=b'F' => Some(digit - b'A' + 10),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::read;
    use crate::Bad;

    #[test]
    fn hyphens_braces_and_case_do_not_matter() {
        let uuid = [0xa0, 0xee, 0xbc, 0x99, 0x9c, 0x0b, 0x4e, 0xf8, 0xbb, 0x6d, 0x6b, 0xb9, 0xbd, 0x38, 0x0a, 0x11];
        for text in [
            "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11",
            "A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11",
            "{a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11}",
            "a0eebc999c0b4ef8bb6d6bb9bd380a11",
            "a0ee-bc99-9c0b-4ef8-bb6d-6bb9-bd38-0a11",
            "{a0eebc99-9c0b4ef8-bb6d6bb9-bd380a11}",
        ] {
            assert_eq!(read(text.as_bytes()), Ok(uuid), "{text}");
        }
    }

    #[test]
    fn other_text_is_not_a_uuid() {
        for text in [
            "",
            "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a1",
            "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a111",
            "a0eebc99--9c0b-4ef8-bb6d-6bb9bd380a11",
            "{a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11",
            "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11-",
            "a0e-ebc999c0b4ef8bb6d6bb9bd380a11",
            "g0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11",
        ] {
            assert_eq!(read(text.as_bytes()), Err(Bad::NotAUuid), "{text}");
        }
    }
}
