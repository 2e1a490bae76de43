//! The bytes of an open source as blocks, unpacked where they are packed, and at their end what all of them were.

use crate::format::blocks::{BodyBlocks, Peeked};
use crate::format::{Blocks, FormatError, Impostor, ReadBlocks, gunzip, is_gzip};
use crate::source::{Coding, Content, Input, SourceError};
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

/// Undoes what the publisher packed for the way, and the gzip that the manifest declares. Some servers undo the latter by declaring it
/// as the former.
pub(super) fn unpack<'b>(
    bytes: &'b mut Incoming,
    coding: Coding,
    is_packed: bool,
) -> Result<Box<dyn Blocks + 'b>, FormatError> {
    if !is_packed {
        return Ok(match coding {
            Coding::Identity => Box::new(bytes),
            Coding::Gzip => Box::new(gunzip(bytes)),
        });
    }
    match coding {
        Coding::Identity => {
            let peeked = Peeked::new(bytes, 2)?;
            if is_gzip(peeked.head()) {
                return Ok(Box::new(gunzip(peeked)));
            }
            let impostor = Impostor::of(peeked.head()).map(FormatError::Impostor);
            Err(impostor.unwrap_or_else(|| FormatError::GzipCorrupt("it does not begin like gzip".to_owned())))
        }
        Coding::Gzip => {
            let peeked = Peeked::new(gunzip(bytes), 2)?;
            Ok(if is_gzip(peeked.head()) { Box::new(gunzip(peeked)) } else { Box::new(peeked) })
        }
    }
}
