//! The first records of formats that are not written row by row: their bytes come in, and go out with fewer records.

use super::shape::Inner;

/// The first objects of JSON, closed as the whole is. What stands behind the last of them in the whole is left out.
pub(super) fn objects(text: &[u8], inner: Inner, most: usize) -> Vec<u8> {
    // Where the objects lie: behind nothing, within an array, within an array of an object.
    let within: &[u8] = match inner {
        Inner::Geojson => b"{[",
        Inner::Json => b"[",
        _ => b"",
    };
    let (mut open, mut objects, mut quoted, mut escaped) = (Vec::new(), 0, false, false);
    for (at, byte) in text.iter().enumerate() {
        if quoted {
            (quoted, escaped) = (escaped || *byte != b'"', !escaped && *byte == b'\\');
            continue;
        }
        match byte {
            b'"' => quoted = true,
            b'{' | b'[' => open.push(*byte),
            b'}' | b']' => {
                open.pop();
                objects += usize::from(*byte == b'}' && open == within);
                if objects == most && *byte == b'}' && open == within {
                    let mut out = text[..=at].to_vec();
                    out.extend(within.iter().rev().map(|byte| if *byte == b'{' { b'}' } else { b']' }));
                    out.push(b'\n');
                    return out;
                }
            }
            _ => {}
        }
    }
    text.to_vec()
}

/// The first records of a `.shp`.
pub(super) fn shapes(bytes: &[u8], most: u64) -> Vec<u8> {
    const HEADER: usize = 100;
    let mut end = HEADER.min(bytes.len());
    for _ in 0..most {
        // Its number and the length of its content in words of two bytes, both with the highest byte first.
        let Some(length) = bytes.get(end + 4..end + 8) else { break };
        let words = u32::from_be_bytes([length[0], length[1], length[2], length[3]]) as usize;
        end = (end + 8 + words * 2).min(bytes.len());
    }
    let mut out = bytes[..end].to_vec();
    if let (Some(length), Ok(words)) = (out.get_mut(24..28), u32::try_from(end / 2)) {
        length.copy_from_slice(&words.to_be_bytes());
    }
    out
}

/// The first rows of a `.dbf`.
pub(super) fn attributes(bytes: &[u8], most: u64) -> Vec<u8> {
    let Some(&[_, _, _, _, a, b, c, d, header_low, header_high, row_low, row_high, ..]) = bytes.first_chunk::<12>()
    else {
        return bytes.to_vec();
    };
    let rows = u64::from(u32::from_le_bytes([a, b, c, d])).min(most);
    let header = usize::from(u16::from_le_bytes([header_low, header_high]));
    let row = usize::from(u16::from_le_bytes([row_low, row_high]));
    let length = usize::try_from(rows).map_or(usize::MAX, |rows| header + rows * row);
    let mut out = bytes[..length.min(bytes.len())].to_vec();
    if let (Some(count), Ok(rows)) = (out.get_mut(4..8), u32::try_from(rows)) {
        count.copy_from_slice(&rows.to_le_bytes());
    }
    // The mark of the end.
    out.push(0x1a);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_objects_are_closed_as_the_whole_is() {
        for (inner, text, cut) in [
            (Inner::Json, r#"[{"a":"}]"},{"a":{"b":[1]}},{"a":3}]"#, "[{\"a\":\"}]\"},{\"a\":{\"b\":[1]}}]\n"),
            (Inner::Ndjson, "{\"a\":\"\\\"{\"}\n{\"a\":2}\n{\"a\":3}\n", "{\"a\":\"\\\"{\"}\n{\"a\":2}\n"),
            (
                Inner::Geojson,
                r#"{"crs":{"a":{}},"features":[{"p":{}},{"p":{"q":{}}},{"p":{}}],"x":1}"#,
                "{\"crs\":{\"a\":{}},\"features\":[{\"p\":{}},{\"p\":{\"q\":{}}}]}\n",
            ),
            (Inner::Json, "[{\"a\":1}]", "[{\"a\":1}]"),
        ] {
            assert_eq!(String::from_utf8(objects(text.as_bytes(), inner, 2)).unwrap(), cut);
        }
    }
}
