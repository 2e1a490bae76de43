//! The bytes of an open source as blocks, unpacked where they are packed, and at their end what all of them were.

use manifest::dataset::Container;

use crate::format::blocks::{BodyBlocks, Peeked};
use crate::format::{Blocks, FormatError, Packing, ReadBlocks};
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

/// Undoes what the publisher packed for the way, and the packing that the manifest declares. Some servers undo a declared gzip by
/// declaring it as the former.
pub(super) fn unpack<'b>(
    bytes: &'b mut Incoming,
    coding: Coding,
    packing: Option<Packing>,
) -> Result<Box<dyn Blocks + 'b>, FormatError> {
    match (coding, packing) {
        (Coding::Identity, None) => Ok(Box::new(bytes)),
        (Coding::Identity, Some(packing)) => packing.unpack_declared(bytes),
        (Coding::Gzip, None) => Packing::Gzip.unpack(bytes),
        (Coding::Gzip, Some(Packing::Gzip)) => {
            let peeked = Peeked::new(Packing::Gzip.unpack(bytes)?, 2)?;
            if Packing::Gzip.begins(peeked.head()) { Packing::Gzip.unpack(peeked) } else { Ok(Box::new(peeked)) }
        }
        (Coding::Gzip, Some(packing)) => packing.unpack_declared(Packing::Gzip.unpack(bytes)?),
    }
}

/// How a source is packed that is no archive.
pub(super) fn packing(container: &Container) -> Option<Packing> {
    match container {
        Container::Plain | Container::Zip { .. } => None,
        Container::Gzip => Some(Packing::Gzip),
        Container::Zstd => Some(Packing::Zstd),
        Container::Bzip2 => Some(Packing::Bzip2),
        Container::Xz => Some(Packing::Xz),
    }
}
