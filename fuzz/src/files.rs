//! Files: delimited text, plain or packed, in several encodings. However a file is cut into blocks on its way, its records and their
//! places are the same, or it is refused for the same reason.

use std::io::{Cursor, Read};

use worker::format::csv::Records;
use worker::format::{Archive, Blocks, FormatError, Packing, ReadBlocks, ReadRecords, encoding, text};

/// Unpacked bytes that are looked at: a small archive may hold gigabytes.
const MOST: u64 = 1 << 20;

const ENCODINGS: [Option<&str>; 4] = [None, Some("windows-1252"), Some("utf-16le"), Some("shift_jis")];

/// Line, offset and fields of each record, and why there are no more.
type Found = (Vec<(u64, u64, Vec<Vec<u8>>)>, Option<String>);

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
        let mut records = Records::new(text(blocks, declared)?, b',');
        let mut last = 0;
        while records.bytes() < MOST
            && let Some(record) = records.read()?
        {
            let place = record.place();
            assert!(place.line > last, "lines only go up");
            last = place.line;
            read.push((place.line, place.offset, record.fields().map(<[u8]>::to_vec).collect()));
        }
        Ok(())
    };
    let refused = go().err().map(|error| error.to_string());
    (read, refused)
}

/// A file that comes a few bytes at a time.
struct Steps<'a> {
    file: &'a [u8],
    step: usize,
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
