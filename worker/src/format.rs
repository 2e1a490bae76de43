//! Bytes become records. What comes in is [`Blocks`] of a source or a file that can be sought; what goes out is the unpacked,
//! decoded text of each member and its records with their places. Nothing here knows columns.
//!
//! Each format has a file of its own, whose reader implements [`ReadRecords`].

pub mod blocks;
pub mod csv;
mod decode;
mod error;
mod exact;
pub mod fixed;
pub mod geopackage;
mod impostor;
pub mod json;
mod packing;
pub mod parquet;
mod record;
mod rings;
pub mod shapefile;
mod source_column;
mod unpacked;
pub mod workbook;
mod zip;

pub use blocks::{Blocks, ReadBlocks};
pub use decode::{UnknownEncoding, encoding, json_text, text};
pub use error::FormatError;
pub use impostor::Impostor;
pub use packing::Packing;
pub use record::{Draft, Place, ReadRecords, Record};
pub use source_column::SourceColumn;
pub use zip::Archive;
