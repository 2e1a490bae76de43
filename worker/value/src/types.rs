//! The column types that this crate encodes. A type's text comes in (`numeric(9,6)`, `text[]`), a [`Type`] goes out, which
//! knows its canonical spelling and its OID. What PostgreSQL knows and this crate does not (domains, enums, extension types)
//! is an [`UnknownType`], for the caller to resolve, to fall back, or to refuse.

mod spelling;

pub use spelling::{UnknownReason, UnknownType};

use std::fmt;

use crate::geometry::Geometry;

/// Most characters of `char(n)` and `varchar(n)`.
pub const MAX_LENGTH: u32 = 10_485_760;

/// A built-in type that holds one value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Scalar {
    /// `smallint`, 16 bits.
    Smallint,
    /// `integer`, 32 bits.
    Integer,
    /// `bigint`, 64 bits.
    Bigint,
    /// `numeric`, or `numeric(p,s)`.
    Numeric(Option<Precision>),
    /// `real`, an IEEE 754 single.
    Real,
    /// `double precision`, an IEEE 754 double.
    Double,
    /// `boolean`.
    Boolean,
    /// `text`.
    Text,
    /// `varchar`, or `varchar(n)`: at most `n` characters, 1 to [`MAX_LENGTH`].
    Varchar(Option<u32>),
    /// `char(n)`: at most `n` characters, 1 to [`MAX_LENGTH`]; the server pads with blanks.
    Char(u32),
    /// `date`.
    Date,
    /// `time`, or `time(p)` with 0 to 6 digits of a second.
    Time(Option<u8>),
    /// `timestamp`, or `timestamp(p)` with 0 to 6 digits of a second.
    Timestamp(Option<u8>),
    /// `timestamptz`, or `timestamptz(p)` with 0 to 6 digits of a second.
    Timestamptz(Option<u8>),
    /// `uuid`.
    Uuid,
    /// `inet`: an address, maybe with the mask of its network.
    Inet,
    /// `cidr`: a network.
    Cidr,
    /// `json`.
    Json,
    /// `jsonb`.
    Jsonb,
    /// `bytea`.
    Bytea,
    /// `geometry` of the extension PostGIS.
    Geometry(Geometry),
}

/// What `numeric(p,s)` can hold: `digits` significant digits in all, `scale` of them behind the point.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Precision {
    /// 1 to 1,000.
    pub digits: u16,
    /// -1,000 to 1,000. Below zero the value is a multiple of a power of ten (PostgreSQL 15 and later).
    pub scale: i16,
}

/// The type of a column: a scalar or an array of scalars. PostgreSQL does not enforce the number of an array's dimensions, so
/// `text[][]` is `text[]`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Type {
    /// One value.
    Scalar(Scalar),
    /// Any number of values of one type.
    Array(Scalar),
}

impl Scalar {
    /// The OID in `pg_type`. Built-in types have the same one on every server; those of extensions have 0 here.
    pub fn oid(self) -> u32 {
        self.oids().0
    }

    /// The OID of the array of this type.
    pub fn array_oid(self) -> u32 {
        self.oids().1
    }

    /// Whether a value is kept as text, so that blanks in it mean something.
    pub fn is_text(self) -> bool {
        matches!(self, Self::Text | Self::Varchar(_) | Self::Char(_))
    }

    /// Whether a value is a number.
    pub(crate) fn is_number(self) -> bool {
        matches!(self, Self::Smallint | Self::Integer | Self::Bigint | Self::Numeric(_) | Self::Real | Self::Double)
    }

    fn oids(self) -> (u32, u32) {
        match self {
            Self::Smallint => (21, 1005),
            Self::Integer => (23, 1007),
            Self::Bigint => (20, 1016),
            Self::Numeric(_) => (1700, 1231),
            Self::Real => (700, 1021),
            Self::Double => (701, 1022),
            Self::Boolean => (16, 1000),
            Self::Text => (25, 1009),
            Self::Varchar(_) => (1043, 1015),
            Self::Char(_) => (1042, 1014),
            Self::Date => (1082, 1182),
            Self::Time(_) => (1083, 1183),
            Self::Timestamp(_) => (1114, 1115),
            Self::Timestamptz(_) => (1184, 1185),
            Self::Uuid => (2950, 2951),
            Self::Inet => (869, 1041),
            Self::Cidr => (650, 651),
            Self::Json => (114, 199),
            Self::Jsonb => (3802, 3807),
            Self::Bytea => (17, 1001),
            Self::Geometry(_) => (0, 0),
        }
    }
}

impl Type {
    /// The OID in `pg_type`.
    pub fn oid(self) -> u32 {
        match self {
            Self::Scalar(scalar) => scalar.oid(),
            Self::Array(element) => element.array_oid(),
        }
    }

    /// Whether a value is kept as text, so that blanks in it mean something.
    pub fn is_text(self) -> bool {
        matches!(self, Self::Scalar(scalar) if scalar.is_text())
    }
}

impl From<Scalar> for Type {
    fn from(scalar: Scalar) -> Self {
        Self::Scalar(scalar)
    }
}

/// The spelling of `format_type()`, so that a declared type and a live column compare as text.
impl fmt::Display for Scalar {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let digits = |p: Option<u8>| p.map(|p| format!("({p})")).unwrap_or_default();
        match *self {
            Self::Smallint => f.write_str("smallint"),
            Self::Integer => f.write_str("integer"),
            Self::Bigint => f.write_str("bigint"),
            Self::Numeric(None) => f.write_str("numeric"),
            Self::Numeric(Some(Precision { digits, scale })) => {
                write!(f, "numeric({digits},{scale})")
            }
            Self::Real => f.write_str("real"),
            Self::Double => f.write_str("double precision"),
            Self::Boolean => f.write_str("boolean"),
            Self::Text => f.write_str("text"),
            Self::Varchar(None) => f.write_str("character varying"),
            Self::Varchar(Some(length)) => write!(f, "character varying({length})"),
            Self::Char(length) => write!(f, "character({length})"),
            Self::Date => f.write_str("date"),
            Self::Time(p) => write!(f, "time{} without time zone", digits(p)),
            Self::Timestamp(p) => write!(f, "timestamp{} without time zone", digits(p)),
            Self::Timestamptz(p) => write!(f, "timestamp{} with time zone", digits(p)),
            Self::Uuid => f.write_str("uuid"),
            Self::Inet => f.write_str("inet"),
            Self::Cidr => f.write_str("cidr"),
            Self::Json => f.write_str("json"),
            Self::Jsonb => f.write_str("jsonb"),
            Self::Bytea => f.write_str("bytea"),
            Self::Geometry(geometry) => geometry.fmt(f),
        }
    }
}

/// The spelling of `format_type()`: `integer`, `character(10)`, `timestamp without time zone`, `text[]`.
impl fmt::Display for Type {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Scalar(scalar) => scalar.fmt(f),
            Self::Array(element) => write!(f, "{element}[]"),
        }
    }
}
