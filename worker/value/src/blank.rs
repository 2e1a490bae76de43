//! Outer blanks. A field comes in, the same field without the blanks around it goes out.
//!
//! A blank is what Unicode calls white space, such as the no-break space that spreadsheets and web pages put around values, and the
//! two characters of no width that are left behind at borders: the zero-width space, and the byte-order mark inside of a file.

/// The bytes of the blank that a text begins with; 0 where it begins with something else.
#[inline]
fn leading(text: &[u8]) -> usize {
    match text {
        [b' ' | b'\t'..=b'\r', ..] => 1,
        [0xc2, 0x85 | 0xa0, ..] => 2,
        [0xe2, 0x80, 0x80..=0x8b | 0xa8 | 0xa9 | 0xaf, ..]
        | [0xe2, 0x81, 0x9f, ..]
        | [0xe1, 0x9a, 0x80, ..]
        | [0xe3, 0x80, 0x80, ..]
        | [0xef, 0xbb, 0xbf, ..] => 3,
        _ => 0,
    }
}

/// The same of its end.
#[inline]
fn trailing(text: &[u8]) -> usize {
    match text {
        [.., b' ' | b'\t'..=b'\r'] => 1,
        [.., 0xc2, 0x85 | 0xa0] => 2,
        [.., 0xe2, 0x80, 0x80..=0x8b | 0xa8 | 0xa9 | 0xaf]
        | [.., 0xe2, 0x81, 0x9f]
        | [.., 0xe1, 0x9a, 0x80]
        | [.., 0xe3, 0x80, 0x80]
        | [.., 0xef, 0xbb, 0xbf] => 3,
        _ => 0,
    }
}

/// The field without outer blanks.
#[inline]
pub fn trim(field: &[u8]) -> &[u8] {
    match field {
        // Nearly every field: no blank at either end.
        [b'!'..=b'~', .., b'!'..=b'~'] => field,
        _ => trim_start(trim_end(field)),
    }
}

pub(crate) fn trim_start(mut field: &[u8]) -> &[u8] {
    loop {
        match leading(field) {
            0 => return field,
            bytes => field = &field[bytes..],
        }
    }
}

pub(crate) fn trim_end(mut field: &[u8]) -> &[u8] {
    loop {
        match trailing(field) {
            0 => return field,
            bytes => field = &field[..field.len() - bytes],
        }
    }
}

/// What PostgreSQL's own syntax takes for a blank: `isspace()` of the C locale.
fn is_plain(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t'..=b'\r')
}

/// The text without such blanks before it.
pub(crate) fn trim_plain_start(mut text: &[u8]) -> &[u8] {
    while let [first, rest @ ..] = text
        && is_plain(*first)
    {
        text = rest;
    }
    text
}

/// The text without such blanks around it.
pub(crate) fn trim_plain(text: &[u8]) -> &[u8] {
    let mut text = trim_plain_start(text);
    while let [rest @ .., last] = text
        && is_plain(*last)
    {
        text = rest;
    }
    text
}

#[cfg(test)]
mod tests {
    use super::{trim, trim_plain};

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
            assert_eq!(trim_plain(field), trimmed);
        }
    }

    #[test]
    fn every_white_space_of_unicode_is_a_blank_and_nothing_else_is() {
        for c in (0..=u32::from(char::MAX)).filter_map(char::from_u32) {
            let is_blank = c.is_whitespace() || matches!(c, '\u{200b}' | '\u{feff}');
            let field = format!("{c}a{c}");
            let trimmed = if is_blank { "a" } else { &field };
            assert_eq!(trim(field.as_bytes()), trimmed.as_bytes(), "{c:?}");
        }
    }

    #[test]
    fn bytes_that_are_no_text_stay() {
        for field in [&b"\xa0"[..], b"\xc2", b"\xe2\x80", b"\x80\x80", b"\xbf"] {
            assert_eq!(trim(field), field);
        }
        assert_eq!(trim(b"\xe2\xc2\xa0"), b"\xe2");
        assert_eq!(trim_plain("\u{a0}a".as_bytes()), "\u{a0}a".as_bytes());
    }
}
