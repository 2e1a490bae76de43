//! Records become rows. A table of the manifest and the way to its sources come in; what goes out is the table's complete binary
//! `COPY` stream in chunks, each value that could not be read with its place, and at the end what was read: rows, bytes, counts
//! per column, drift, and the fingerprints of the sources.
//!
//! One blocking thread a table pulls blocks, parses and encodes; it allocates nothing per row. Downloads and the database are served by
//! the runtime on both sides of it, over short channels, so that memory does not grow with the file.

mod budget;
mod charset;
mod derive;
mod describe;
mod drift;
mod error;
mod formats;
mod geometry;
mod header;
mod incoming;
mod kept;
mod layout;
mod outcome;
mod patch;
mod places;
mod plan;
mod reader;
mod reject;
mod relay;
mod reread;
mod retype;
mod rows;
mod stream;
mod tally;
mod types;
mod unserved;

pub use budget::{OverBudget, Overrun, over_budget};
pub use describe::describe;
pub use drift::Drift;
pub use error::ReadError;
pub use header::{HeaderError, MissingColumn};
pub use layout::copied_columns;
pub use outcome::TableReading;
pub use patch::Patch;
pub use places::RowPlaces;
pub use reject::{COLUMN_REJECTS_MAX, Consequence, RAW_MAX, Reject, TABLE_REJECTS_MAX, readable};
pub use reread::{KeptRecord, Reread, Rereader, StaysOut};
pub use retype::fitting;
pub use stream::{TableStream, spawn};
pub use tally::ColumnTally;
pub use types::{OwnType, OwnTypes, Typed};
pub use unserved::{Unserved, unserved};
