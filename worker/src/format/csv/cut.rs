//! Records cut where they stand: a block comes in, the places of its first record's fields go out. Only what can be cut without
//! copying is; the rest is left to the core.

use super::RECORD_MAX;
use crate::format::record::{Bounds, bounds};

const QUOTE: u8 = b'"';

/// Cuts the record at the start of `rest` into its fields. Gives the length of its text and the number of lines that it takes; nothing
/// when it does not end in `rest` or has quotes that are not the first and last bytes of a field.
#[inline]
pub(super) fn cut(rest: &[u8], delimiter: u8, fields: &mut Vec<Bounds>) -> Option<(usize, u64)> {
    let (mut at, mut lines) = (0, 1);
    loop {
        let next = at + memchr::memchr3(b'\n', b'\r', QUOTE, &rest[at..])?;
        if next > RECORD_MAX {
            return None;
        }
        if rest[next] != QUOTE {
            cut_plain(&rest[at..next], at, delimiter, fields);
            return Some((next, lines));
        }
        if next > at {
            if rest[next - 1] != delimiter {
                return None;
            }
            cut_plain(&rest[at..next - 1], at, delimiter, fields);
        }
        let start = next + 1;
        let end = start + memchr::memchr(QUOTE, &rest[start..])?;
        let behind = *rest.get(end + 1)?;
        if end > RECORD_MAX || !(behind == delimiter || behind == b'\n' || behind == b'\r') {
            return None;
        }
        lines += line_ends(&rest[start..end]);
        fields.push(bounds(start, end));
        at = end + 2;
        if behind != delimiter {
            return Some((end + 1, lines));
        }
    }
}

/// Cuts text without quotes, whose first byte is at `base`, into fields: eight bytes at a time, because fields are short.
#[inline]
fn cut_plain(text: &[u8], base: usize, delimiter: u8, fields: &mut Vec<Bounds>) {
    const LOW: u64 = u64::from_ne_bytes([0x7f; 8]);
    let wanted = u64::from_ne_bytes([delimiter; 8]);
    let (words, rest) = text.as_chunks::<8>();
    let (mut start, mut at) = (base, base);
    for word in words {
        // A byte of `differs` is zero where the delimiter stands, and then the high bit of the same byte of `found` is set.
        let differs = u64::from_le_bytes(*word) ^ wanted;
        let mut found = !(((differs & LOW) + LOW) | differs | LOW);
        while found != 0 {
            let end = at + found.trailing_zeros() as usize / 8;
            fields.push(bounds(start, end));
            start = end + 1;
            found &= found - 1;
        }
        at += 8;
    }
    for byte in rest {
        if *byte == delimiter {
            fields.push(bounds(start, at));
            start = at + 1;
        }
        at += 1;
    }
    fields.push(bounds(start, at));
}

/// Lines that end within a text.
fn line_ends(text: &[u8]) -> u64 {
    let is_end = |place: &usize| text[*place] == b'\n' || text.get(place + 1) != Some(&b'\n');
    memchr::memchr2_iter(b'\n', b'\r', text).filter(is_end).count() as u64
}
