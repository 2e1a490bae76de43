//! The frame of binary `COPY`: a header, then per row the number of its fields and the fields, then a trailer. A field is its
//! length in bytes (`int32`, big-endian, -1 for NULL) and that many bytes.

/// Begins the stream: signature, flags (none), length of the header's extension (zero).
pub const HEADER: [u8; 19] = *b"PGCOPY\n\xff\r\n\0\0\0\0\0\0\0\0\0";

/// Ends the stream: the number of fields of a row that is none.
pub const TRAILER: [u8; 2] = (-1_i16).to_be_bytes();

/// A field that is NULL.
pub const NULL: [u8; 4] = (-1_i32).to_be_bytes();

/// Most bytes of one field: PostgreSQL's 1 GB less the four bytes of its own length word.
pub const MAX_FIELD: usize = 0x3fff_ffff - 4;

/// Begins a row of `fields` columns. A table has at most 1,600.
pub fn row(fields: u16) -> [u8; 2] {
    fields.to_be_bytes()
}

/// Writes a field of two bytes.
#[inline]
pub(crate) fn put2(out: &mut Vec<u8>, payload: [u8; 2]) {
    let [a, b] = payload;
    out.extend_from_slice(&[0, 0, 0, 2, a, b]);
}

/// Writes a field of four bytes.
#[inline]
pub(crate) fn put4(out: &mut Vec<u8>, payload: [u8; 4]) {
    out.extend_from_slice(&(4_u64 << 32 | u64::from(u32::from_be_bytes(payload))).to_be_bytes());
}

/// Writes a field of eight bytes.
#[inline]
pub(crate) fn put8(out: &mut Vec<u8>, payload: [u8; 8]) {
    out.extend_from_slice(&(8_u128 << 64 | u128::from(u64::from_be_bytes(payload))).to_be_bytes()[4..]);
}

/// Writes a field of any bytes, which are no more than [`MAX_FIELD`].
#[inline]
pub(crate) fn put(out: &mut Vec<u8>, payload: &[u8]) {
    out.reserve(4 + payload.len());
    out.extend_from_slice(&length(payload.len()));
    out.extend_from_slice(payload);
}

/// The length word of a field of at most [`MAX_FIELD`] bytes.
pub(crate) fn length(bytes: usize) -> [u8; 4] {
    debug_assert!(bytes <= MAX_FIELD, "the caller refuses longer fields");
    u32::try_from(bytes).unwrap_or(u32::MAX).to_be_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_field_is_its_length_and_its_bytes() {
        let mut out = Vec::new();
        put2(&mut out, [1, 2]);
        put4(&mut out, [1, 2, 3, 4]);
        put8(&mut out, [1, 2, 3, 4, 5, 6, 7, 8]);
        put(&mut out, b"abc");
        assert_eq!(
            out,
            [0, 0, 0, 2, 1, 2, 0, 0, 0, 4, 1, 2, 3, 4, 0, 0, 0, 8, 1, 2, 3, 4, 5, 6, 7, 8, 0, 0, 0, 3, 97, 98, 99]
        );
    }
}
