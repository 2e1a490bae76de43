//! Text to an exact PostgreSQL value to its binary `COPY` form. The raw bytes of one field come in; what goes out is that
//! field as `COPY … (FORMAT binary)` wants it, or a code that says why it is not a value of the column's type. Nothing is cut,
//! rounded, or guessed, so a caller that keeps what is refused has lost nothing. Pure: no clock, no locale, no I/O.
//!
//! ```
//! use value::{Encoded, Encoder, Parser, Type};
//!
//! let column: Type = "integer".parse()?;
//! let encoder = Encoder::new(column, Parser::Auto)?.nulls(["N/A"]);
//!
//! let mut row = Vec::new();
//! assert_eq!(encoder.encode(b" 1,234 ", &mut row), Ok(Encoded::Value));
//! assert_eq!(encoder.encode(b"N/A", &mut row), Ok(Encoded::Null));
//! assert_eq!(encoder.encode(b"25.92", &mut row).unwrap_err().code(), "has_fraction");
//! assert_eq!(row, [0, 0, 0, 4, 0, 0, 4, 210, 255, 255, 255, 255]);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod array;
mod bad;
mod blank;
mod boolean;
mod bytea;
mod calendar;
mod catalog;
mod cursor;
mod date;
mod encoder;
mod excel;
mod float;
mod geometry;
mod integer;
mod json;
mod moment;
mod month;
mod network;
mod null;
mod number;
mod numeric;
mod parser;
mod rule;
mod text;
mod time;
mod timestamp;
mod types;
mod unix;
mod uuid;
pub mod wire;
mod zone;

pub use bad::Bad;
pub use blank::trim;
pub use catalog::{Kind, Labels};
pub use date::TWO_DIGIT_PIVOT;
pub use encoder::{Empty, Encoded, Encoder, Mismatch, Outer};
pub use geometry::{Axes, Geometry, Shape};
pub use parser::{Parser, UnknownParser};
pub use types::{MAX_LENGTH, Precision, Scalar, Type, UnknownReason, UnknownType};
pub use zone::Overlap;
