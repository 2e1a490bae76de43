//! Bytes on their way to a parser, block by block and without copying: a body that is still being downloaded, a file, a
//! member of an archive, or another `Blocks` that is unpacked or decoded.

use std::io::Read;

use bytes::Bytes;

use super::FormatError;
use crate::source::{Body, Content};

/// Bytes that a blocking thread reads in order.
pub trait Blocks {
    /// Replaces the current block by the next one. An empty block is the end.
    fn advance(&mut self) -> Result<(), FormatError>;

    /// The current block; empty before the first [`advance`](Self::advance) and at the end.
    fn block(&self) -> &[u8];
}

impl<B: Blocks + ?Sized> Blocks for &mut B {
    fn advance(&mut self) -> Result<(), FormatError> {
        (**self).advance()
    }

    fn block(&self) -> &[u8] {
        (**self).block()
    }
}

impl<B: Blocks + ?Sized> Blocks for Box<B> {
    fn advance(&mut self) -> Result<(), FormatError> {
        (**self).advance()
    }

    fn block(&self) -> &[u8] {
        (**self).block()
    }
}

/// The blocks of anything that can be read: a file, or a member of an archive.
#[derive(Debug)]
pub struct ReadBlocks<R> {
    reader: R,
    buffer: Vec<u8>,
    filled: usize,
}

/// Bytes that are read at once.
pub const BLOCK: usize = 128 << 10;

impl<R: Read> ReadBlocks<R> {
    /// Blocks of at most [`BLOCK`] bytes.
    pub fn new(reader: R) -> Self {
        Self { reader, buffer: vec![0; BLOCK], filled: 0 }
    }
}

impl<R: Read> Blocks for ReadBlocks<R> {
    fn advance(&mut self) -> Result<(), FormatError> {
        self.filled = loop {
            match self.reader.read(&mut self.buffer) {
                Ok(read) => break read,
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error.into()),
            }
        };
        Ok(())
    }

    fn block(&self) -> &[u8] {
        &self.buffer[..self.filled]
    }
}

/// The blocks of a body that is being downloaded.
#[derive(Debug)]
pub struct BodyBlocks {
    body: Body,
    piece: Bytes,
}

impl BodyBlocks {
    /// A block a piece.
    pub fn new(body: Body) -> Self {
        Self { body, piece: Bytes::new() }
    }

    /// What came, once it has come completely.
    pub fn content(&self) -> Option<Content> {
        self.body.content().cloned()
    }
}

impl Blocks for BodyBlocks {
    fn advance(&mut self) -> Result<(), FormatError> {
        // A piece may be empty; a block that is, is the end.
        self.piece = loop {
            match self.body.piece()? {
                Some(piece) if piece.is_empty() => {}
                piece => break piece.unwrap_or_default(),
            }
        };
        Ok(())
    }

    fn block(&self) -> &[u8] {
        &self.piece
    }
}

/// Blocks whose first bytes have been looked at: they come again as the first block, complete up to the asked length.
#[derive(Debug)]
pub struct Peeked<B> {
    head: Vec<u8>,
    state: State,
    rest: B,
}

#[derive(Debug, PartialEq, Eq)]
enum State {
    Before,
    Head,
    Rest,
}

impl<B: Blocks> Peeked<B> {
    /// Reads at least `length` bytes, or all there are.
    pub fn new(mut rest: B, length: usize) -> Result<Self, FormatError> {
        let mut head = Vec::new();
        while head.len() < length {
            rest.advance()?;
            if rest.block().is_empty() {
                break;
            }
            head.extend_from_slice(rest.block());
        }
        Ok(Self { head, state: State::Before, rest })
    }

    /// The first bytes.
    pub fn head(&self) -> &[u8] {
        &self.head
    }

    /// Without the first `bytes` bytes, such as a byte order mark.
    #[must_use]
    pub fn skip(mut self, bytes: usize) -> Self {
        self.head.drain(..bytes);
        self
    }
}

impl<B: Blocks> Blocks for Peeked<B> {
    fn advance(&mut self) -> Result<(), FormatError> {
        if self.state == State::Before && !self.head.is_empty() {
            self.state = State::Head;
            return Ok(());
        }
        if self.state != State::Rest {
            self.state = State::Rest;
            self.head = Vec::new();
        }
        self.rest.advance()
    }

    fn block(&self) -> &[u8] {
        match self.state {
            State::Before => &[],
            State::Head => &self.head,
            State::Rest => self.rest.block(),
        }
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use std::collections::VecDeque;

    use super::*;

    /// Blocks in memory.
    pub(crate) struct Pieces {
        current: Vec<u8>,
        left: VecDeque<Vec<u8>>,
    }

    impl Pieces {
        /// Cuts a text at these places.
        pub(crate) fn cut(text: &[u8], places: &[usize]) -> Self {
            let mut places: Vec<usize> = places.iter().map(|place| place % (text.len() + 1)).collect();
            places.extend([0, text.len()]);
            places.sort_unstable();
            let left = places.windows(2).map(|pair| text[pair[0]..pair[1]].to_vec());
            Self { current: Vec::new(), left: left.filter(|piece| !piece.is_empty()).collect() }
        }
    }

    impl Blocks for Pieces {
        fn advance(&mut self) -> Result<(), FormatError> {
            self.current = self.left.pop_front().unwrap_or_default();
            Ok(())
        }

        fn block(&self) -> &[u8] {
            &self.current
        }
    }

    pub(crate) fn all(mut blocks: impl Blocks) -> Result<Vec<u8>, FormatError> {
        let mut text = Vec::new();
        loop {
            blocks.advance()?;
            if blocks.block().is_empty() {
                return Ok(text);
            }
            text.extend_from_slice(blocks.block());
        }
    }

    #[test]
    fn what_was_looked_at_comes_again() {
        for length in [0, 1, 4, 9, 100] {
            let peeked = Peeked::new(Pieces::cut(b"one two three", &[1, 2, 6]), length).unwrap();
            assert!(peeked.head().len() >= length.min(13));
            assert_eq!(all(peeked).unwrap(), b"one two three");
        }
        let peeked = Peeked::new(Pieces::cut(b"\xef\xbb\xbfa,b", &[1, 2, 4]), 3).unwrap();
        assert_eq!(all(peeked.skip(3)).unwrap(), b"a,b");
        let only_mark = Peeked::new(Pieces::cut(b"\xef\xbb\xbf", &[1]), 3).unwrap();
        assert_eq!(all(only_mark.skip(3)).unwrap(), b"");
    }
}
