//! gzip: packed blocks come in, unpacked blocks go out. Several members follow each other as one text.

use std::io::{self, BufRead, Read};

use flate2::bufread::MultiGzDecoder;

use super::FormatError;
use super::blocks::{Blocks, ReadBlocks};
use super::unpacked::Guarded;

/// Whether these first bytes are gzip's.
pub fn is_gzip(head: &[u8]) -> bool {
    head.starts_with(b"\x1f\x8b")
}

/// Unpacks. A body that was cut off or does not match its checksum is [`FormatError::GzipCorrupt`].
pub fn gunzip<B: Blocks>(packed: B) -> impl Blocks {
    let decoder = MultiGzDecoder::new(Packed { blocks: packed, at: 0, before: 0 });
    ReadBlocks::new(Damage(Guarded::new(decoder, |decoder| decoder.get_ref().before + decoder.get_ref().at as u64)))
}

/// Blocks as a buffered reader.
struct Packed<B> {
    blocks: B,
    at: usize,
    before: u64,
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
            self.before += self.at as u64;
            self.at = 0;
            self.blocks.advance()?;
        }
        Ok(&self.blocks.block()[self.at..])
    }

    fn consume(&mut self, bytes: usize) {
        self.at += bytes;
    }
}

/// Tells damage to the data from a failure to read them.
struct Damage<R>(R);

impl<R: Read> Read for Damage<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.0.read(buffer).map_err(|error| match error.kind() {
            io::ErrorKind::InvalidInput | io::ErrorKind::InvalidData | io::ErrorKind::UnexpectedEof => {
                FormatError::GzipCorrupt(error.to_string()).into()
            }
            _ => error,
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

    fn gzip(text: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
        encoder.write_all(text).unwrap();
        encoder.finish().unwrap()
    }

    #[test]
    fn several_members_are_one_text() {
        let packed = [gzip(b"id,name\n"), gzip(b"1,one\n"), gzip(b"2,two\n")].concat();
        assert!(is_gzip(&packed));
        assert_eq!(all(gunzip(Pieces::cut(&packed, &[1, 5, 30, 31]))).unwrap(), b"id,name\n1,one\n2,two\n");
    }

    #[test]
    fn a_cut_or_changed_file_is_damaged() {
        let packed = gzip(&b"some rows\n".repeat(1_000));
        let mut changed = packed.clone();
        let checksum = changed.len() - 6;
        changed[checksum] ^= 1;
        for damaged in [&packed[..packed.len() - 3], &packed[..8], &changed[..]] {
            let result = all(gunzip(Pieces::cut(damaged, &[])));
            assert!(matches!(result, Err(FormatError::GzipCorrupt(_))), "{result:?}");
        }
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
        let result = all(gunzip(Broken));
        assert!(matches!(result, Err(FormatError::Source(_))), "{result:?}");
    }
}
