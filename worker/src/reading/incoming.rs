//! The bytes of an open source as blocks, and at their end what all of them were.

use crate::format::blocks::BodyBlocks;
use crate::format::{Blocks, FormatError, ReadBlocks};
use crate::source::{Content, Input, SourceError};
use crate::spool::SharedFile;

/// Bytes that are read once from the first to the last.
#[derive(Debug)]
pub(super) enum Incoming {
    Body(BodyBlocks),
    File(ReadBlocks<SharedFile>, Content),
}

impl Incoming {
    pub(super) fn new(input: Input) -> Self {
        match input {
            Input::Body(body) => Self::Body(BodyBlocks::new(body)),
            Input::File(file, content) => Self::File(ReadBlocks::new(file), content),
        }
    }

    /// Reads what is left and tells what all of it was.
    pub(super) fn finish(self) -> Result<Content, FormatError> {
        match self {
            Self::File(_, content) => Ok(content),
            Self::Body(mut blocks) => loop {
                blocks.advance()?;
                if blocks.block().is_empty() {
                    return blocks.content().ok_or_else(|| SourceError::Stopped.into());
                }
            },
        }
    }
}

impl Blocks for Incoming {
    fn advance(&mut self) -> Result<(), FormatError> {
        match self {
            Self::Body(blocks) => blocks.advance(),
            Self::File(blocks, _) => blocks.advance(),
        }
    }

    fn block(&self) -> &[u8] {
        match self {
            Self::Body(blocks) => blocks.block(),
            Self::File(blocks, _) => blocks.block(),
        }
    }
}
