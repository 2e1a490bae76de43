//! Blocks cut into pieces of a known length, as formats of fixed layout have them.

use super::FormatError;
use super::blocks::Blocks;

/// Reads as many bytes as are asked for.
#[derive(Debug)]
pub(super) struct Exact<B> {
    blocks: B,
    at: usize,
    before: u64,
}

impl<B: Blocks> Exact<B> {
    pub(super) fn new(blocks: B) -> Self {
        Self { blocks, at: 0, before: 0 }
    }

    /// Bytes read so far.
    pub(super) fn bytes(&self) -> u64 {
        self.before + self.at as u64
    }

    /// Reads `length` bytes in the place of what `piece` held; fewer at the end only.
    pub(super) fn read(&mut self, length: usize, piece: &mut Vec<u8>) -> Result<(), FormatError> {
        piece.clear();
        while piece.len() < length {
            let rest = &self.blocks.block()[self.at..];
            if rest.is_empty() {
                self.before += self.blocks.block().len() as u64;
                self.at = 0;
                self.blocks.advance()?;
                if self.blocks.block().is_empty() {
                    break;
                }
                continue;
            }
            let taken = rest.len().min(length - piece.len());
            piece.extend_from_slice(&rest[..taken]);
            self.at += taken;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::super::blocks::tests::Pieces;
    use super::*;

    #[test]
    fn pieces_lie_across_the_borders_of_blocks() {
        let mut exact = Exact::new(Pieces::cut(b"abcdefghij", &[1, 2, 7]));
        let mut piece = Vec::new();
        for (length, expected) in [(3, &b"abc"[..]), (0, b""), (5, b"defgh"), (5, b"ij"), (1, b"")] {
            exact.read(length, &mut piece).unwrap();
            assert_eq!(piece, expected);
        }
        assert_eq!(exact.bytes(), 10);
    }
}
