//! What the values of a column are. Its physical type and its annotation come in, of the newer or the older kind; how each value is
//! written goes out.

use std::io::Write as _;

use parquet::basic::{ConvertedType, LogicalType, TimeUnit, Type};
use parquet::data_type::Int96;
use parquet::schema::types::ColumnDescriptor;

use super::RawBytes;
use super::moment::{self, Unit};
use crate::format::FormatError;

/// Most digits behind the point of a decimal.
const SCALE_MAX: i32 = 76;

/// What values are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Boolean,
    /// Of so many bits.
    Signed(u8),
    Unsigned(u8),
    /// With so many digits behind the point.
    Decimal(usize),
    Half,
    Float,
    Double,
    Date,
    Time(Unit),
    Timestamp(Unit, Zone),
    Text,
    Json,
    Uuid,
    Interval,
    Bytes,
    /// Nothing that PostgreSQL has.
    Foreign(&'static str),
}

/// The time zone that a time is in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Zone {
    Utc,
    /// None in particular.
    Local,
}

/// A value as it lies in the file.
#[derive(Debug, Clone, Copy)]
pub(super) enum Value<'v> {
    Truth(bool),
    Integer(i64),
    Old(&'v Int96),
    Float(f32),
    Double(f64),
    Bytes(&'v [u8]),
}

impl Kind {
    pub(super) fn of(column: &ColumnDescriptor) -> Self {
        let of_logical = column.logical_type_ref().and_then(Self::of_logical);
        let scale = || match column.self_type().get_scale() {
            scale @ 0..=SCALE_MAX => Self::Decimal(usize::try_from(scale).unwrap_or_default()),
            _ => Self::Foreign("a decimal of hundreds of digits"),
        };
        if matches!(column.logical_type_ref(), Some(LogicalType::Decimal(_)))
            || column.converted_type() == ConvertedType::DECIMAL
        {
            return scale();
        }
        of_logical.or_else(|| Self::of_converted(column.converted_type())).unwrap_or(match column.physical_type() {
            Type::BOOLEAN => Self::Boolean,
            Type::INT32 => Self::Signed(32),
            Type::INT64 => Self::Signed(64),
            // Nanoseconds of a day and the day, in no zone that the file would tell.
            Type::INT96 => Self::Timestamp(Unit::Nanos, Zone::Local),
            Type::FLOAT => Self::Float,
            Type::DOUBLE => Self::Double,
            Type::BYTE_ARRAY | Type::FIXED_LEN_BYTE_ARRAY => Self::Bytes,
        })
    }

    fn of_logical(logical: &LogicalType) -> Option<Self> {
        let unit = |unit: &TimeUnit| match unit {
            TimeUnit::MILLIS => Unit::Millis,
            TimeUnit::MICROS => Unit::Micros,
            TimeUnit::NANOS => Unit::Nanos,
        };
        Some(match logical {
            LogicalType::String | LogicalType::Enum => Self::Text,
            LogicalType::Date => Self::Date,
            LogicalType::Time(time) => Self::Time(unit(&time.unit)),
            LogicalType::Timestamp(time) => {
                let zone = if time.is_adjusted_to_u_t_c { Zone::Utc } else { Zone::Local };
                Self::Timestamp(unit(&time.unit), zone)
            }
            LogicalType::Integer(integer) => {
                let bits = integer.bit_width.unsigned_abs();
                if integer.is_signed { Self::Signed(bits) } else { Self::Unsigned(bits) }
            }
            LogicalType::Json => Self::Json,
            LogicalType::Uuid => Self::Uuid,
            LogicalType::Float16 => Self::Half,
            LogicalType::Bson => Self::Foreign("BSON"),
            LogicalType::Variant(_) => Self::Foreign("a variant"),
            LogicalType::Geometry(_) | LogicalType::Geography(_) => Self::Bytes,
            _ => return None,
        })
    }

    fn of_converted(converted: ConvertedType) -> Option<Self> {
        Some(match converted {
            ConvertedType::UTF8 | ConvertedType::ENUM => Self::Text,
            ConvertedType::JSON => Self::Json,
            ConvertedType::BSON => Self::Foreign("BSON"),
            ConvertedType::DATE => Self::Date,
            ConvertedType::TIME_MILLIS => Self::Time(Unit::Millis),
            ConvertedType::TIME_MICROS => Self::Time(Unit::Micros),
            ConvertedType::TIMESTAMP_MILLIS => Self::Timestamp(Unit::Millis, Zone::Utc),
            ConvertedType::TIMESTAMP_MICROS => Self::Timestamp(Unit::Micros, Zone::Utc),
            ConvertedType::UINT_8 => Self::Unsigned(8),
            ConvertedType::UINT_16 => Self::Unsigned(16),
            ConvertedType::UINT_32 => Self::Unsigned(32),
            ConvertedType::UINT_64 => Self::Unsigned(64),
            ConvertedType::INT_8 => Self::Signed(8),
            ConvertedType::INT_16 => Self::Signed(16),
            ConvertedType::INT_32 => Self::Signed(32),
            ConvertedType::INT_64 => Self::Signed(64),
            ConvertedType::INTERVAL => Self::Interval,
            _ => return None,
        })
    }

    /// Refuses what there is no text for.
    pub(super) fn check(self, column: &str) -> Result<(), FormatError> {
        match self {
            Self::Foreign(what) => Err(FormatError::UnreadColumn { column: column.to_owned(), what }),
            _ => Ok(()),
        }
    }

    /// The PostgreSQL type that holds every value of it.
    pub(super) fn type_name(self) -> &'static str {
        match self {
            Self::Boolean => "boolean",
            Self::Signed(..=16) | Self::Unsigned(..=8) => "smallint",
            Self::Signed(..=32) | Self::Unsigned(..=16) => "integer",
            Self::Signed(_) | Self::Unsigned(..=32) => "bigint",
            Self::Unsigned(_) | Self::Decimal(_) => "numeric",
            Self::Half | Self::Float => "real",
            Self::Double => "double precision",
            Self::Date => "date",
            Self::Time(_) => "time",
            Self::Timestamp(_, Zone::Utc) => "timestamptz",
            Self::Timestamp(_, Zone::Local) => "timestamp",
            Self::Text => "text",
            Self::Json => "jsonb",
            Self::Uuid => "uuid",
            Self::Interval => "interval",
            Self::Bytes | Self::Foreign(_) => "bytea",
        }
    }

    /// Writes a value.
    pub(super) fn write(self, value: Value<'_>, raw: RawBytes, out: &mut Vec<u8>) {
        // Writing into memory does not fail. An annotation that its type does not allow leaves the value as it lies in the file.
        let _ = match (self, value) {
            (Self::Unsigned(64), Value::Integer(number)) => write!(out, "{}", number.cast_unsigned()),
            (Self::Unsigned(_), Value::Integer(number)) => write!(out, "{}", number & 0xffff_ffff),
            (Self::Decimal(scale), Value::Integer(number)) => return decimal(number.into(), scale, out),
            (Self::Decimal(scale), Value::Bytes(bytes)) => match integer(bytes) {
                Some(number) => return decimal(number, scale, out),
                None => return hex(bytes, out),
            },
            (Self::Half, Value::Bytes(&[low, high])) => return float(half(u16::from_le_bytes([low, high])), out),
            (Self::Date, Value::Integer(days)) => return moment::date(days, out),
            (Self::Time(unit), Value::Integer(time)) => return moment::time(time, unit, out),
            (Self::Timestamp(unit, zone), Value::Integer(time)) => {
                return moment::timestamp(unit.seconds(time), zone == Zone::Utc, out);
            }
            (Self::Uuid, Value::Bytes(bytes)) if bytes.len() == 16 => {
                write!(out, "{}", uuid::Uuid::from_slice(bytes).unwrap_or_default())
            }
            (Self::Interval, Value::Bytes(bytes)) if bytes.len() == 12 => return moment::interval(bytes, out),
            (Self::Bytes, Value::Bytes(bytes)) if raw == RawBytes::Hex => return hex(bytes, out),
            (_, Value::Truth(truth)) => write!(out, "{truth}"),
            (_, Value::Integer(number)) => write!(out, "{number}"),
            // The shortest decimal that is this number, without an exponent; of four bytes that is another than of eight.
            (_, Value::Float(number)) if number.is_finite() => write!(out, "{number}"),
            (_, Value::Float(number)) => return float(number.into(), out),
            (_, Value::Double(number)) => return float(number, out),
            (_, Value::Old(old)) => return moment::timestamp(moment::of_old(old), false, out),
            (_, Value::Bytes(bytes)) => out.write_all(bytes),
        };
    }
}

fn float(number: f64, out: &mut Vec<u8>) {
    let _ = match number {
        f64::INFINITY => out.write_all(b"Infinity"),
        f64::NEG_INFINITY => out.write_all(b"-Infinity"),
        number => write!(out, "{number}"),
    };
}

fn hex(bytes: &[u8], out: &mut Vec<u8>) {
    out.extend_from_slice(b"\\x");
    for byte in bytes {
        let _ = write!(out, "{byte:02x}");
    }
}

/// A number of two bytes: a sign, five bits of exponent, ten of fraction.
fn half(bits: u16) -> f64 {
    let (exponent, fraction) = (i32::from(bits >> 10 & 0x1f), f64::from(bits & 0x3ff));
    let size = match exponent {
        0 => fraction * 2_f64.powi(-24),
        31 if fraction == 0.0 => f64::INFINITY,
        31 => f64::NAN,
        exponent => (1_024.0 + fraction) * 2_f64.powi(exponent - 25),
    };
    if bits >> 15 == 1 { -size } else { size }
}

/// A whole number with its most significant byte first, where it fits sixteen bytes.
fn integer(bytes: &[u8]) -> Option<i128> {
    let fill = if bytes.first()? & 0x80 == 0 { 0 } else { 0xff };
    let extra = bytes.len().saturating_sub(16);
    let (padding, significant) = bytes.split_at(extra);
    let mut number = [fill; 16];
    number[16 - significant.len()..].copy_from_slice(significant);
    let fits = padding.iter().all(|byte| *byte == fill) && (extra == 0 || number[0] & 0x80 == fill & 0x80);
    fits.then(|| i128::from_be_bytes(number))
}

/// A number without its point, and how many of its digits stand behind it.
fn decimal(unscaled: i128, scale: usize, out: &mut Vec<u8>) {
    let digits = format!("{:0>width$}", unscaled.unsigned_abs(), width = scale + 1);
    let (whole, fraction) = digits.split_at(digits.len() - scale);
    let sign = if unscaled < 0 { "-" } else { "" };
    let point = if scale > 0 { "." } else { "" };
    let _ = write!(out, "{sign}{whole}{point}{fraction}");
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(write: impl FnOnce(&mut Vec<u8>)) -> String {
        let mut out = Vec::new();
        write(&mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn decimals_are_exact_to_the_last_digit() {
        for (number, scale, expected) in [
            (0, 2, "0.00"),
            (-5, 2, "-0.05"),
            (12_345, 2, "123.45"),
            (-12_345, 0, "-12345"),
            (i128::MAX, 38, "1.70141183460469231731687303715884105727"),
        ] {
            assert_eq!(text(|out| decimal(number, scale, out)), expected);
        }
        assert_eq!(integer(&[0xff, 0x85]), Some(-123));
        assert_eq!(integer(&[0, 0x80]), Some(128));
        assert_eq!(integer(&[[0xff; 16], [0x80; 16]].concat()), Some(i128::from_be_bytes([0x80; 16])));
        assert_eq!(integer(&[&[0][..], &[0x80; 16]].concat()), None);
        assert_eq!(integer(&[]), None);
    }

    #[test]
    fn numbers_of_any_size_are_the_shortest_decimals() {
        for (bits, expected) in [
            (0x3c00, "1"),
            (0xc000, "-2"),
            (0x3555, "0.333251953125"),
            (1, "0.00000005960464477539063"),
            (0x7c00, "Infinity"),
            (0xfc00, "-Infinity"),
            (0x7e00, "NaN"),
        ] {
            assert_eq!(text(|out| float(half(bits), out)), expected, "{bits:x}");
        }
        let write = |kind: Kind, value| text(|out| kind.write(value, RawBytes::Plain, out));
        assert_eq!(write(Kind::Float, Value::Float(0.1)), "0.1");
        assert_eq!(write(Kind::Double, Value::Double(1e22)), "10000000000000000000000");
        assert_eq!(write(Kind::Unsigned(64), Value::Integer(-1)), "18446744073709551615");
        assert_eq!(write(Kind::Unsigned(32), Value::Integer(-1)), "4294967295");
        assert_eq!(write(Kind::Signed(64), Value::Integer(i64::MIN)), "-9223372036854775808");
    }

    #[test]
    fn bytes_are_digits_where_they_are_meant_to_be_bytes() {
        let bytes = Value::Bytes(b"Oak\xff");
        assert_eq!(text(|out| Kind::Bytes.write(bytes, RawBytes::Hex, out)), "\\x4f616bff");
        let mut plain = Vec::new();
        Kind::Bytes.write(bytes, RawBytes::Plain, &mut plain);
        assert_eq!(plain, b"Oak\xff");
    }
}
