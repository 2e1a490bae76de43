//! Streams that are packed as a whole: packed blocks come in, unpacked blocks go out. Several members or frames that follow each
//! other are one text, as each of these formats has it.

use std::cell::Cell;
use std::fmt;
use std::io::{self, BufRead, Read};
use std::rc::Rc;

use flate2::bufread::MultiGzDecoder;

use super::FormatError;
use super::blocks::{Blocks, Peeked, ReadBlocks};
use super::impostor::{Impostor, LOOKED_AT};
use super::unpacked::Guarded;

/// Largest window of a zstd stream, as a power of two: 32 MiB. `zstd` itself stays below it without `--ultra` and `--long`.
const ZSTD_WINDOW: u32 = 25;

/// Most memory that unpacking xz may take: `xz -9` asks for 65 MiB, all other levels for less.
const XZ_MEMORY: u64 = 80 << 20;

/// How a stream is packed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Packing {
    /// gzip.
    Gzip,
    /// Zstandard, of a window of at most 32 MiB.
    Zstd,
    /// bzip2.
    Bzip2,
    /// xz, of at most 80 MiB of memory.
    Xz,
}

impl Packing {
    /// Whether these first bytes are of something packed so.
    pub fn begins(self, head: &[u8]) -> bool {
        match self {
            Self::Gzip => head.starts_with(b"\x1f\x8b"),
            Self::Zstd => {
                // A frame, or one of sixteen kinds that are to be skipped.
                head.starts_with(b"\x28\xb5\x2f\xfd") || matches!(head, [0x50..=0x5f, 0x2a, 0x4d, 0x18, ..])
            }
            Self::Bzip2 => head.starts_with(b"BZh"),
            Self::Xz => head.starts_with(b"\xfd7zXZ\0"),
        }
    }

    pub(super) fn code(self) -> &'static str {
        match self {
            Self::Gzip => "gzip_corrupt",
            Self::Zstd => "zstd_corrupt",
            Self::Bzip2 => "bzip2_corrupt",
            Self::Xz => "xz_corrupt",
        }
    }

    /// Unpacks. A body that was cut off or does not match its checksum is [`FormatError::Damaged`].
    pub fn unpack<'b>(self, packed: impl Blocks + 'b) -> Result<Box<dyn Blocks + 'b>, FormatError> {
        let packed = Packed { blocks: packed, at: 0, before: Rc::default() };
        let read = Rc::clone(&packed.before);
        let packing = self;
        Ok(match self {
            Self::Gzip => guarded(packing, read, MultiGzDecoder::new(packed)),
            Self::Bzip2 => guarded(packing, read, bzip2::bufread::MultiBzDecoder::new(packed)),
            Self::Zstd => {
                let mut decoder = zstd::stream::read::Decoder::with_buffer(packed)?;
                decoder.window_log_max(ZSTD_WINDOW)?;
                guarded(packing, read, decoder)
            }
            Self::Xz => {
                let stream = liblzma::stream::Stream::new_stream_decoder(XZ_MEMORY, liblzma::stream::CONCATENATED);
                let stream = stream.map_err(io::Error::from)?;
                guarded(packing, read, liblzma::bufread::XzDecoder::new_stream(packed, stream))
            }
        })
    }

    /// Unpacks what the manifest says is packed so. Anything else in its place is told by its first bytes.
    pub fn unpack_declared<'b>(self, packed: impl Blocks + 'b) -> Result<Box<dyn Blocks + 'b>, FormatError> {
        let peeked = Peeked::new(packed, LOOKED_AT)?;
        if self.begins(peeked.head()) {
            return self.unpack(peeked);
        }
        let impostor = Impostor::of(peeked.head()).map(FormatError::Impostor);
        Err(impostor.unwrap_or_else(|| FormatError::Damaged(self, format!("it does not begin like {self}"))))
    }
}

impl fmt::Display for Packing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Gzip => "gzip",
            Self::Zstd => "zstd",
            Self::Bzip2 => "bzip2",
            Self::Xz => "xz",
        })
    }
}

fn guarded<'b>(packing: Packing, read: Rc<Cell<u64>>, decoder: impl Read + 'b) -> Box<dyn Blocks + 'b> {
    let unpacked = Guarded::new(decoder, move |_| read.get());
    Box::new(ReadBlocks::new(Damage { packing, unpacked }))
}

/// Blocks as a buffered reader.
struct Packed<B> {
    blocks: B,
    at: usize,
    /// Bytes up to the end of the current block, for whoever counts them.
    before: Rc<Cell<u64>>,
}

impl<B: Blocks> Read for Packed<B> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let mut available = self.fill_buf()?;
        let read = available.read(buffer)?;
        self.consume(read);
        Ok(read)
    }
}

impl<B: Blocks> BufRead for Packed<B> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        if self.at == self.blocks.block().len() {
            self.at = 0;
            // Wrapped whatever it is, so that it is told from what a decoder says.
            self.blocks.advance().map_err(io::Error::other)?;
            self.before.set(self.before.get() + self.blocks.block().len() as u64);
        }
        Ok(&self.blocks.block()[self.at..])
    }

    fn consume(&mut self, bytes: usize) {
        self.at += bytes;
    }
}

/// Tells damage to the data from a failure to read them.
struct Damage<R> {
    packing: Packing,
    unpacked: R,
}

impl<R: Read> Read for Damage<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.unpacked.read(buffer).map_err(|error| {
            // What a source says is wrapped; whatever else a decoder says is about the data.
            if error.get_ref().is_some_and(<dyn std::error::Error + Send + Sync>::is::<FormatError>) {
                return error;
            }
            FormatError::Damaged(self.packing, error.to_string()).into()
        })
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use flate2::Compression;
    use flate2::write::GzEncoder;

    use super::super::blocks::tests::{Pieces, all};
    use super::*;
    use crate::source::SourceError;

    const ALL: [Packing; 4] = [Packing::Gzip, Packing::Zstd, Packing::Bzip2, Packing::Xz];

    fn pack(packing: Packing, text: &[u8]) -> Vec<u8> {
        match packing {
            Packing::Gzip => {
                let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
                encoder.write_all(text).unwrap();
                encoder.finish().unwrap()
            }
            Packing::Zstd => {
                let mut encoder = zstd::stream::write::Encoder::new(Vec::new(), 3).unwrap();
                encoder.include_checksum(true).unwrap();
                encoder.write_all(text).unwrap();
                encoder.finish().unwrap()
            }
            Packing::Bzip2 => {
                let mut encoder = bzip2::write::BzEncoder::new(Vec::new(), bzip2::Compression::fast());
                encoder.write_all(text).unwrap();
                encoder.finish().unwrap()
            }
            Packing::Xz => {
                let mut encoder = liblzma::write::XzEncoder::new(Vec::new(), 1);
                encoder.write_all(text).unwrap();
                encoder.finish().unwrap()
            }
        }
    }

    fn unpack(packing: Packing, packed: &[u8], cuts: &[usize]) -> Result<Vec<u8>, FormatError> {
        all(packing.unpack_declared(Pieces::cut(packed, cuts))?)
    }

    #[test]
    fn several_members_are_one_text() {
        for packing in ALL {
            let members = ["id,name\n", "1,one\n", "2,two\n"].map(|text| pack(packing, text.as_bytes())).concat();
            assert_eq!(unpack(packing, &members, &[1, 5, 30, 31]).unwrap(), b"id,name\n1,one\n2,two\n", "{packing}");
        }
    }

    #[test]
    fn a_cut_or_changed_file_is_damaged() {
        let text: Vec<u8> = (0..20_000_u32).flat_map(|n| format!("{n},{}\n", n * 7919 % 10_007).into_bytes()).collect();
        for packing in ALL {
            let packed = pack(packing, &text);
            assert_eq!(unpack(packing, &packed, &[7, 4_000]).unwrap(), text, "{packing}");
            let mut changed = packed.clone();
            changed[packed.len() / 2] ^= 1;
            for damaged in [&packed[..packed.len() - 3], &packed[..packed.len() / 2], &packed[..8], &changed[..]] {
                let result = unpack(packing, damaged, &[100]);
                let told = matches!(&result, Err(FormatError::Damaged(named, _)) if *named == packing);
                assert!(told, "{packing} of {} bytes: {:?}", damaged.len(), result.map(|text| text.len()));
            }
        }
    }

    #[test]
    fn something_else_in_its_place_is_told() {
        for packing in ALL {
            assert!(matches!(unpack(packing, b"<html>", &[]), Err(FormatError::Impostor(Impostor::Html))));
            assert!(matches!(unpack(packing, b"id,name\n", &[]), Err(FormatError::Damaged(..))));
            assert!(matches!(unpack(packing, b"", &[]), Err(FormatError::Damaged(..))));
        }
    }

    #[test]
    fn a_bomb_is_stopped() {
        let zeros = vec![0; 100 << 20];
        // One guard watches all; these two pack so much in a moment.
        for packing in [Packing::Zstd, Packing::Xz] {
            let mut packed = packing.unpack(Pieces::cut(&pack(packing, &zeros), &[])).unwrap();
            let mut unpacked = 0;
            let error = loop {
                match packed.advance() {
                    Ok(()) => unpacked += packed.block().len(),
                    Err(error) => break error,
                }
                assert!(!packed.block().is_empty(), "{packing}: all of it was unpacked");
            };
            assert!(matches!(error, FormatError::Bomb { .. }), "{packing}: {error}");
            assert!(unpacked < 80 << 20, "{packing}");
        }
    }

    #[test]
    fn a_window_that_takes_more_memory_than_there_is_is_refused() {
        let mut encoder = zstd::stream::write::Encoder::new(Vec::new(), 3).unwrap();
        encoder.long_distance_matching(true).unwrap();
        encoder.window_log(27).unwrap();
        encoder.write_all(b"id\n").unwrap();
        let error = unpack(Packing::Zstd, &encoder.finish().unwrap(), &[]).unwrap_err();
        assert!(matches!(&error, FormatError::Damaged(Packing::Zstd, detail) if detail.contains("memory")), "{error}");
    }

    #[test]
    fn a_failure_of_the_source_keeps_its_name() {
        struct Broken;
        impl Blocks for Broken {
            fn advance(&mut self) -> Result<(), FormatError> {
                Err(SourceError::Stopped.into())
            }
            fn block(&self) -> &[u8] {
                &[]
            }
        }
        for packing in ALL {
            let result = packing.unpack(Broken).and_then(all);
            assert!(matches!(result, Err(FormatError::Source(_))), "{packing}: {result:?}");
        }
    }
}
