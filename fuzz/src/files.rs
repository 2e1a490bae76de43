//! Files: delimited text, plain or packed, in several encodings. However a file is cut into blocks on its way, its records and their
//! places are the same, or it is refused for the same reason.

use std::io::{Cursor, Read};

use worker::format::csv::Records;
use worker::format::{Archive, Blocks, FormatError, Packing, ReadBlocks, ReadRecords, encoding, text};

/// Unpacked bytes that are looked at: a small archive may hold gigabytes.
const MOST: u64 = 1 << 20;

const ENCODINGS: [Option<&str>; 4] = [None, Some("windows-1252"), Some("utf-16le"), Some("shift_jis")];

/// Line, offset and fields of each record, and why there are no more.
pub(crate) type Found = (Vec<(u64, u64, Vec<Vec<u8>>)>, Option<String>);

/// The first byte picks how the rest is packed and written, the second where it is cut.
pub(crate) fn files(data: &[u8]) {
    let [how, cut, file @ ..] = data else { return };
    let label = ENCODINGS[usize::from(how / 6) % ENCODINGS.len()];
    let step = usize::from(*cut) % 61 + 1;
    let packing = match how % 6 {
        0 => None,
        1 => Some(Packing::Gzip),
        2 => return archive(file, label),
        3 => Some(Packing::Zstd),
        4 => Some(Packing::Bzip2),
        _ => Some(Packing::Xz),
    };
    let whole = packed(ReadBlocks::new(Cursor::new(file)), packing, label);
    assert_eq!(whole, packed(ReadBlocks::new(Steps { file, step }), packing, label), "cut every {step} bytes");
}

fn packed<'b>(blocks: impl Blocks + 'b, packing: Option<Packing>, label: Option<&str>) -> Found {
    match packing {
        None => records(blocks, label),
        Some(packing) => match packing.unpack_declared(blocks) {
            Ok(blocks) => records(blocks, label),
            Err(error) => (Vec::new(), Some(error.to_string())),
        },
    }
}

fn archive(file: &[u8], label: Option<&str>) {
    let Ok(mut archive) = Archive::open(Cursor::new(file)) else { return };
    for member in archive.members("*").unwrap_or_default() {
        if let Ok(blocks) = archive.read(&member) {
            records(blocks, label);
        }
    }
}

fn records(blocks: impl Blocks, label: Option<&str>) -> Found {
    let mut read = Vec::new();
    let go = || -> Result<(), FormatError> {
        let declared = encoding(label).expect("an encoding");
        all(Records::new(text(blocks, declared)?, b','), Lines::Apart, &mut read)
    };
    let refused = go().err().map(|error| error.to_string());
    (read, refused)
}

/// Which line each record begins on.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Lines {
    /// One of its own.
    Apart,
    /// That of the one before it, or a later one.
    Shared,
    /// The one that it says to be on.
    Any,
}

/// Reads all records, as far as they are looked at.
pub(crate) fn all(
    mut records: impl ReadRecords,
    lines: Lines,
    read: &mut Vec<(u64, u64, Vec<Vec<u8>>)>,
) -> Result<(), FormatError> {
    let (mut last, mut bytes) = (0, 0);
    while records.bytes() < MOST
        && bytes < 2 * MOST
        && let Some(record) = records.read()?
    {
        let place = record.place();
        let lowest = if lines == Lines::Apart { last + 1 } else { last };
        assert!(lines == Lines::Any || place.line >= lowest, "lines only go up");
        last = place.line;
        let fields: Vec<Vec<u8>> = record.fields().map(<[u8]>::to_vec).collect();
        bytes += fields.iter().map(|field| 24 + field.len() as u64).sum::<u64>();
        read.push((place.line, place.offset, fields));
    }
    Ok(())
}

/// A file that comes a few bytes at a time.
pub(crate) struct Steps<'a> {
    pub(crate) file: &'a [u8],
    pub(crate) step: usize,
}

impl Read for Steps<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let taken = self.step.min(self.file.len()).min(buffer.len());
        let (now, later) = self.file.split_at(taken);
        buffer[..taken].copy_from_slice(now);
        self.file = later;
        Ok(taken)
    }
}
