//! The bytes of an open source as blocks, hashed on the way where nobody has hashed them yet.

use std::io::{self, Read};

use crate::format::blocks::BodyBlocks;
use crate::format::{Blocks, FormatError, ReadBlocks};
use crate::source::{Content, Digest, Input};
use crate::spool::SharedFile;

/// Bytes that are read once from the first to the last.
#[derive(Debug)]
pub(super) enum Incoming {
    Body(BodyBlocks),
    File(ReadBlocks<Hashed>),
}

impl Incoming {
    pub(super) fn new(input: Input) -> Self {
        match input {
            Input::Body(body) => Self::Body(BodyBlocks::new(body)),
            Input::File(file) => Self::File(ReadBlocks::new(Hashed { file, digest: Digest::default() })),
        }
    }

    /// Reads what is left and tells what all of it was.
    pub(super) fn finish(mut self) -> Result<Content, FormatError> {
        loop {
            self.advance()?;
            if self.block().is_empty() {
                break;
            }
        }
        match self {
            Self::Body(blocks) => blocks.content().ok_or_else(|| crate::source::SourceError::Stopped.into()),
            Self::File(blocks) => Ok(blocks.into_inner().digest.finish()),
        }
    }
}

impl Blocks for Incoming {
    fn advance(&mut self) -> Result<(), FormatError> {
        match self {
            Self::Body(blocks) => blocks.advance(),
            Self::File(blocks) => blocks.advance(),
        }
    }

    fn block(&self) -> &[u8] {
        match self {
            Self::Body(blocks) => blocks.block(),
            Self::File(blocks) => blocks.block(),
        }
    }
}

/// A file that is hashed while it is read.
#[derive(Debug)]
pub(super) struct Hashed {
    file: SharedFile,
    digest: Digest,
}

impl Read for Hashed {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.file.read(buffer)?;
        self.digest.update(&buffer[..read]);
        Ok(read)
    }
}
