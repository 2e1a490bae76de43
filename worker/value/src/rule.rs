//! Type and parser as one decision, made once per column. A text that is neither blank nor a null marker comes in, its field goes out.

use crate::catalog::Labels;
use crate::date::Order;
use crate::excel::Epoch;
use crate::geometry::{self, Geometry};
use crate::number::{Notation, Number};
use crate::unix::{self, Unit};
use crate::wire::{self, put, put2, put4, put8};
use crate::zone::Clocks;
use crate::{Bad, Parser, Precision, Scalar};
use crate::{boolean, bytea, date, excel, float, integer, json, network, numeric, text, time, timestamp, uuid, zone};

/// How the values of a type are read and written.
#[derive(Debug, Clone)]
pub(crate) enum Rule {
    Smallint,
    Integer,
    Bigint,
    Numeric(Option<Precision>),
    Real,
    Double,
    Noted(Notation, Size),
    Boolean,
    Text(Option<u32>),
    Whole(Option<u32>),
    Date(Order),
    ExcelDate(Epoch),
    Time(Option<u8>),
    Timestamp(Order, Option<u8>),
    ExcelTimestamp(Epoch, Option<u8>),
    Unix(Unit, Option<u8>),
    Timestamptz(Order, Option<u8>, Option<Box<Clocks>>),
    ExcelTimestamptz(Epoch, Option<u8>, Option<Box<Clocks>>),
    Uuid,
    Network(network::Kind),
    Json,
    Jsonb,
    Bytea,
    Enum(Labels),
    Geometry(Geometry),
}

/// What numbers in a declared notation are kept as.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Size {
    Smallint,
    Integer,
    Bigint,
    Numeric(Option<Precision>),
    Real,
    Double,
}

impl Size {
    fn of(scalar: Scalar) -> Option<Self> {
        Some(match scalar {
            Scalar::Smallint => Self::Smallint,
            Scalar::Integer => Self::Integer,
            Scalar::Bigint => Self::Bigint,
            Scalar::Numeric(precision) => Self::Numeric(precision),
            Scalar::Real => Self::Real,
            Scalar::Double => Self::Double,
            _ => return None,
        })
    }
}

impl Rule {
    /// For a parser that serves the type.
    pub(crate) fn new(scalar: Scalar, parser: Parser) -> Self {
        let order = match parser {
            Parser::Mdy => Order::Mdy,
            Parser::Dmy => Order::Dmy,
            Parser::Ymd => Order::Ymd,
            _ => Order::Auto,
        };
        let epoch = match parser {
            Parser::ExcelDate => Some(Epoch::Of1900),
            Parser::Excel1904 => Some(Epoch::Of1904),
            _ => None,
        };
        let unit = match parser {
            Parser::Unix => Some(Unit::Seconds),
            Parser::UnixMillis => Some(Unit::Millis),
            _ => None,
        };
        if let Some(notation) = Notation::of(parser)
            && let Some(size) = Size::of(scalar)
        {
            return Self::Noted(notation, size);
        }
        let text = if parser == Parser::Whole { Self::Whole } else { Self::Text };
        match scalar {
            Scalar::Smallint => Self::Smallint,
            Scalar::Integer => Self::Integer,
            Scalar::Bigint => Self::Bigint,
            Scalar::Numeric(precision) => Self::Numeric(precision),
            Scalar::Real => Self::Real,
            Scalar::Double => Self::Double,
            Scalar::Boolean => Self::Boolean,
            Scalar::Text => text(None),
            Scalar::Varchar(limit) => text(limit),
            Scalar::Char(limit) => text(Some(limit)),
            Scalar::Date => epoch.map_or(Self::Date(order), Self::ExcelDate),
            Scalar::Time(digits) => Self::Time(digits),
            Scalar::Timestamp(digits) => match (epoch, unit) {
                (Some(epoch), _) => Self::ExcelTimestamp(epoch, digits),
                (None, Some(unit)) => Self::Unix(unit, digits),
                (None, None) => Self::Timestamp(order, digits),
            },
            Scalar::Timestamptz(digits) => match (epoch, unit) {
                (Some(epoch), _) => Self::ExcelTimestamptz(epoch, digits, None),
                (None, Some(unit)) => Self::Unix(unit, digits),
                (None, None) => Self::Timestamptz(order, digits, None),
            },
            Scalar::Uuid => Self::Uuid,
            Scalar::Inet => Self::Network(network::Kind::Inet),
            Scalar::Cidr => Self::Network(network::Kind::Cidr),
            Scalar::Json => Self::Json,
            Scalar::Jsonb => Self::Jsonb,
            Scalar::Bytea => Self::Bytea,
            Scalar::Geometry(geometry) => Self::Geometry(geometry),
        }
    }

    /// The same rule with these clocks for local times.
    pub(crate) fn with_clocks(self, clocks: Clocks) -> Self {
        match self {
            Self::Timestamptz(order, digits, _) => Self::Timestamptz(order, digits, Some(Box::new(clocks))),
            Self::ExcelTimestamptz(epoch, digits, _) => Self::ExcelTimestamptz(epoch, digits, Some(Box::new(clocks))),
            other => other,
        }
    }

    /// Whether blanks mean something.
    #[inline]
    pub(crate) fn is_text(&self) -> bool {
        matches!(self, Self::Text(_) | Self::Whole(_))
    }

    /// Writes a value. Text is taken with all its blanks, anything else must have no outer ones. On an error nothing is written.
    #[inline]
    pub(crate) fn encode(&self, field: &[u8], out: &mut Vec<u8>) -> Result<(), Bad> {
        match self {
            Self::Smallint => put2(out, narrow::<i16>(field)?.to_be_bytes()),
            Self::Integer => put4(out, narrow::<i32>(field)?.to_be_bytes()),
            Self::Bigint => put8(out, integer::read(field)?.to_be_bytes()),
            Self::Numeric(precision) => numeric::encode(field, *precision, out)?,
            Self::Real => float::encode::<f32>(field, out)?,
            Self::Double => float::encode::<f64>(field, out)?,
            Self::Noted(notation, size) => noted(field, *notation, *size, out)?,
            Self::Boolean => put(out, &[u8::from(boolean::read(field)?)]),
            Self::Text(limit) => text::encode(field, *limit, out)?,
            Self::Whole(limit) => text::encode(text::without_zero_fraction(field), *limit, out)?,
            Self::Date(order) => put4(out, date::read(field, *order)?.to_be_bytes()),
            Self::ExcelDate(epoch) => put4(out, excel::read_date(field, *epoch)?.to_be_bytes()),
            Self::Time(digits) => put8(out, time::within(time::read(field)?, *digits)?.to_be_bytes()),
            Self::Timestamp(order, digits) => put8(out, timestamp::read(field, *order, *digits)?.to_be_bytes()),
            Self::ExcelTimestamp(epoch, digits) => {
                put8(out, time::within(excel::read(field, *epoch)?, *digits)?.to_be_bytes());
            }
            Self::Unix(unit, digits) => {
                put8(out, timestamp::within(unix::read(field, *unit)?, *digits)?.to_be_bytes());
            }
            Self::ExcelTimestamptz(epoch, digits, clocks) => {
                let instant = zone::instant(excel::read(field, *epoch)?, clocks.as_deref())?;
                put8(out, timestamp::within(instant, *digits)?.to_be_bytes());
            }
            Self::Timestamptz(order, digits, clocks) => {
                put8(out, zone::read(field, *order, *digits, clocks.as_deref())?.to_be_bytes());
            }
            Self::Uuid => put(out, &uuid::read(field)?),
            Self::Network(kind) => {
                let (value, length) = network::read(field, *kind)?;
                out.extend_from_slice(&wire::length(length));
                out.extend_from_slice(&value[..length]);
            }
            Self::Json => json::encode_json(field, out)?,
            Self::Jsonb => json::encode_jsonb(field, out)?,
            Self::Bytea => bytea::encode(field, out)?,
            Self::Enum(labels) => {
                if !labels.holds(field) {
                    return Err(Bad::NotALabel);
                }
                put(out, field);
            }
            Self::Geometry(column) => geometry::encode(field, *column, out)?,
        }
        Ok(())
    }
}

#[inline]
fn narrow<I: TryFrom<i64>>(text: &[u8]) -> Result<I, Bad> {
    I::try_from(integer::read(text)?).map_err(|_| Bad::OutOfRange)
}

#[cold]
fn noted(text: &[u8], notation: Notation, size: Size, out: &mut Vec<u8>) -> Result<(), Bad> {
    let number = Number::read_as(text, notation);
    let whole = || integer::from_number(&number.map_err(integer::not_an_integer)?);
    let narrow = |_| Bad::OutOfRange;
    match size {
        Size::Smallint => put2(out, i16::try_from(whole()?).map_err(narrow)?.to_be_bytes()),
        Size::Integer => put4(out, i32::try_from(whole()?).map_err(narrow)?.to_be_bytes()),
        Size::Bigint => put8(out, whole()?.to_be_bytes()),
        Size::Numeric(precision) => numeric::from_number(&number?, precision, out)?,
        Size::Real => float::encode_number::<f32>(&number?, out)?,
        Size::Double => float::encode_number::<f64>(&number?, out)?,
    }
    Ok(())
}
