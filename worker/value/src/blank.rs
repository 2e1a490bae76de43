//! Outer blanks. A field comes in, the same field without the blanks around it goes out.

/// A blank is what `isspace()` of the C locale says: space, tab, line feed, vertical tab, form feed, carriage return.
fn is_blank(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t'..=b'\r')
}

/// The field without outer blanks.
#[inline]
pub(crate) fn trim(field: &[u8]) -> &[u8] {
    match field {
        // Nearly every field: no blank at either end.
        [first, .., last] if *first > b' ' && *last > b' ' => field,
        _ => trim_start(trim_end(field)),
    }
}

pub(crate) fn trim_start(mut field: &[u8]) -> &[u8] {
    while let [first, rest @ ..] = field
        && is_blank(*first)
    {
        field = rest;
    }
    field
}

fn trim_end(mut field: &[u8]) -> &[u8] {
    while let [rest @ .., last] = field
        && is_blank(*last)
    {
        field = rest;
    }
    field
}

#[cfg(test)]
mod tests {
    use super::trim;

    #[test]
    fn only_outer_blanks_go() {
        for (field, trimmed) in [
            (&b""[..], &b""[..]),
            (b" ", b""),
            (b"a", b"a"),
            (b" a", b"a"),
            (b"\t a b\r\n", b"a b"),
            (b"\x01", b"\x01"),
            (b"\x1f \x00", b"\x1f \x00"),
        ] {
            assert_eq!(trim(field), trimmed);
        }
    }
}
