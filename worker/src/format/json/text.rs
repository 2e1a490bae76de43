//! Strings of JSON as text.

use std::borrow::Cow;

/// A name without its escapes; `None` where it is not JSON.
pub(super) fn key(raw: &[u8]) -> Option<Cow<'_, [u8]>> {
    if memchr::memchr(b'\\', raw).is_none() {
        return Some(raw.into());
    }
    let mut text = Vec::new();
    inside(raw, &mut text)?;
    Some(text.into())
}

/// Appends the text of a string that stands in its quotes; `None` where it is not JSON. Half of a pair of UTF-16, which means
/// nothing, becomes a byte that is no UTF-8.
pub(super) fn unescape(quoted: &[u8], out: &mut Vec<u8>) -> Option<()> {
    inside(quoted.strip_prefix(b"\"")?.strip_suffix(b"\"")?, out)
}

fn inside(mut raw: &[u8], out: &mut Vec<u8>) -> Option<()> {
    while let Some(at) = memchr::memchr(b'\\', raw) {
        out.extend_from_slice(&raw[..at]);
        let escape = *raw.get(at + 1)?;
        raw = &raw[at + 2..];
        let byte = match escape {
            b'"' | b'\\' | b'/' => escape,
            b'b' => 8,
            b'f' => 12,
            b'n' => b'\n',
            b'r' => b'\r',
            b't' => b'\t',
            b'u' => {
                let mut unit = unit(raw)?;
                raw = &raw[4..];
                if let (0xd800..=0xdbff, Some(low @ 0xdc00..=0xdfff)) =
                    (unit, raw.strip_prefix(b"\\u").and_then(self::unit))
                {
                    unit = 0x1_0000 + ((unit - 0xd800) << 10) + (low - 0xdc00);
                    raw = &raw[6..];
                }
                match char::from_u32(unit) {
                    Some(c) => out.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes()),
                    None => out.push(0xff),
                }
                continue;
            }
            _ => return None,
        };
        out.push(byte);
    }
    out.extend_from_slice(raw);
    Some(())
}

/// The four hexadecimal digits at the start.
fn unit(raw: &[u8]) -> Option<u32> {
    let digits = raw.get(..4).filter(|digits| digits.iter().all(u8::is_ascii_hexdigit))?;
    u32::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()
}
