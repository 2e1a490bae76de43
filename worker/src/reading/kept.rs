//! A record as it is kept to be read again, byte by byte: its fields with their lengths.

use crate::format::{Draft, Place, Record};

/// Most bytes of a record that are kept.
const MOST: usize = 8 << 10;

/// The length of a field that a record does not have.
const ABSENT: i32 = -1;

/// A record in the form that is kept; `None` where it is too long, or holds what is no text.
pub(super) fn pack(record: &Record<'_>) -> Option<Vec<u8>> {
    let mut packed = Vec::new();
    for field in 0..record.len() {
        // A spreadsheet's error is no text that could be read again as one.
        let text = record.value(field).ok()?;
        let length = if record.is_absent(field) { ABSENT } else { i32::try_from(text.len()).ok()? };
        packed.extend(length.to_be_bytes());
        packed.extend_from_slice(text);
        if packed.len() > MOST {
            return None;
        }
    }
    Some(packed)
}

/// Puts a record together again; `false` when the bytes are none.
pub(super) fn unpack(mut packed: &[u8], draft: &mut Draft) -> bool {
    draft.begin(0);
    let mut field = 0;
    while let Some((length, rest)) = packed.split_first_chunk::<4>() {
        let length = i32::from_be_bytes(*length);
        let present = usize::try_from(length).ok();
        let Some((text, rest)) = rest.split_at_checked(present.unwrap_or_default()) else { return false };
        draft.set(field, |out| out.extend_from_slice(text));
        if present.is_none() {
            draft.remove(field);
        }
        packed = rest;
        field += 1;
    }
    packed.is_empty() && field > 0
}

/// Where a record is that was put together again: its own place is told with it.
pub(super) const ANYWHERE: Place = Place { line: 0, offset: 0 };

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_is_kept_byte_by_byte() {
        let mut draft = Draft::default();
        draft.begin(4);
        for (field, text) in [(0, &b"a,\"b\""[..]), (1, b""), (3, b"caf\xe9\0")] {
            draft.set(field, |out| out.extend_from_slice(text));
        }
        let packed = pack(&draft.record(ANYWHERE)).unwrap();
        let mut again = Draft::default();
        assert!(unpack(&packed, &mut again));
        let record = again.record(ANYWHERE);
        assert_eq!(record.fields().collect::<Vec<_>>(), [&b"a,\"b\""[..], b"", b"", b"caf\xe9\0"]);
        assert_eq!([0, 1, 2, 3].map(|field| record.is_absent(field)), [false, false, true, false]);
        assert!(!unpack(&packed[..packed.len() - 1], &mut again));
        assert!(!unpack(b"", &mut again));
    }

    #[test]
    fn a_record_that_is_too_long_is_not_kept() {
        let mut draft = Draft::default();
        draft.begin(1);
        draft.set(0, |out| out.resize(MOST, b'x'));
        assert_eq!(pack(&draft.record(ANYWHERE)), None);
    }
}
