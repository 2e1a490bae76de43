//! One value of a row as text, and a shape as well-known binary. SQLite lets every value be of any type; what a column is declared to
//! hold says only how a truth is written, and what stands for it in PostgreSQL.

use std::io::Write as _;

use rusqlite::types::ValueRef;

/// What a column is declared to hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Boolean,
    Small,
    Integer,
    Big,
    Float,
    Date,
    Moment,
    Bytes,
    Text,
    Geometry,
}

/// The flag of EWKB for a reference system.
const SRID: u32 = 0x2000_0000;

impl Kind {
    /// Reads the name of a type, such as `TEXT(20)`.
    pub(super) fn declared(name: &str) -> Self {
        let name = name.split('(').next().unwrap_or_default().trim().to_ascii_uppercase();
        match name.as_str() {
            "BOOLEAN" => Self::Boolean,
            "TINYINT" | "SMALLINT" => Self::Small,
            "MEDIUMINT" => Self::Integer,
            "INT" | "INTEGER" => Self::Big,
            "FLOAT" | "DOUBLE" | "REAL" => Self::Float,
            "DATE" => Self::Date,
            "DATETIME" => Self::Moment,
            "BLOB" => Self::Bytes,
            _ => Self::Text,
        }
    }

    /// The PostgreSQL type that holds every value of it.
    pub(super) fn type_name(self) -> &'static str {
        match self {
            Self::Boolean => "boolean",
            Self::Small => "smallint",
            Self::Integer => "integer",
            Self::Big => "bigint",
            Self::Float => "double precision",
            Self::Date => "date",
            Self::Moment => "timestamptz",
            Self::Bytes => "bytea",
            Self::Text | Self::Geometry => "text",
        }
    }

    /// Writes a value. `system` is the reference system that shapes are said to be in.
    pub(super) fn write(self, value: ValueRef<'_>, system: i32, out: &mut Vec<u8>) {
        // Writing into memory does not fail.
        let _ = match (self, value) {
            (Self::Geometry, ValueRef::Blob(blob)) => return shape(blob, system, out),
            (Self::Boolean, ValueRef::Integer(number @ (0 | 1))) => write!(out, "{}", number == 1),
            (_, ValueRef::Integer(number)) => write!(out, "{number}"),
            // The shortest decimal that is this number, without an exponent.
            (_, ValueRef::Real(number)) => write!(out, "{number}"),
            (_, ValueRef::Text(text)) => out.write_all(text),
            (_, ValueRef::Blob(blob)) => {
                out.extend_from_slice(b"\\x");
                blob.iter().try_for_each(|byte| write!(out, "{byte:02x}"))
            }
            (_, ValueRef::Null) => Ok(()),
        };
    }
}

/// Writes what stands behind the head of a shape, which is well-known binary. The reference system is added where it is not the
/// layer's. What is no shape stays what it is, for whoever reads it to refuse.
fn shape(blob: &[u8], system: i32, out: &mut Vec<u8>) {
    let Some((own, binary)) = body(blob) else { return out.extend_from_slice(blob) };
    let (Some((order, rest)), true) = (binary.split_first(), own > 0 && own != system) else {
        return out.extend_from_slice(binary);
    };
    let Some((kind, rest)) = rest.split_first_chunk::<4>() else { return out.extend_from_slice(binary) };
    out.push(*order);
    if *order == 0 {
        out.extend_from_slice(&(u32::from_be_bytes(*kind) | SRID).to_be_bytes());
        out.extend_from_slice(&own.to_be_bytes());
    } else {
        out.extend_from_slice(&(u32::from_le_bytes(*kind) | SRID).to_le_bytes());
        out.extend_from_slice(&own.to_le_bytes());
    }
    out.extend_from_slice(rest);
}

/// The reference system and the binary of a shape: behind `GP`, a version, flags, the system, and a box around it.
fn body(blob: &[u8]) -> Option<(i32, &[u8])> {
    let rest = blob.strip_prefix(b"GP")?;
    let ([_version, flags], rest) = rest.split_first_chunk::<2>()?;
    let (system, rest) = rest.split_first_chunk::<4>()?;
    let system = if flags & 1 == 0 { i32::from_be_bytes(*system) } else { i32::from_le_bytes(*system) };
    let numbers = match flags >> 1 & 7 {
        0 => 0,
        1 => 4,
        2 | 3 => 6,
        4 => 8,
        _ => return None,
    };
    // A shape of an extension is none of the standard's.
    let is_standard = flags & 0x20 == 0;
    rest.get(numbers * 8..).filter(|binary| is_standard && !binary.is_empty()).map(|binary| (system, binary))
}
