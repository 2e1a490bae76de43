//! Type and parser as one decision, made once per column. A text that is neither blank nor a null marker comes in, its field goes out.

use crate::date::Order;
use crate::excel::Epoch;
use crate::number::Number;
use crate::wire::{self, put, put2, put4, put8};
use crate::zone::Clocks;
use crate::{Bad, Parser, Precision, Scalar};
use crate::{
    blank, boolean, bytea, date, excel, float, integer, json, network, numeric, text, time, timestamp, uuid, zone,
};

/// How the values of a type are read and written.
#[derive(Debug, Clone)]
pub(crate) enum Rule {
    Smallint,
    Integer,
    Bigint,
    Numeric(Option<Precision>),
    Real,
    Double,
    Percent(Fraction),
    Boolean,
    Text(Option<u32>),
    Whole(Option<u32>),
    Date(Order),
    ExcelDate(Epoch),
    Time(Option<u8>),
    Timestamp(Order, Option<u8>),
    ExcelTimestamp(Epoch, Option<u8>),
    Timestamptz(Order, Option<u8>, Option<Box<Clocks>>),
    Uuid,
    Network(network::Kind),
    Json,
    Jsonb,
    Bytea,
}

/// The types that a percentage fits in.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Fraction {
    Numeric(Option<Precision>),
    Real,
    Double,
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
        let is_percent = parser == Parser::Percent;
        let text = if parser == Parser::Whole { Self::Whole } else { Self::Text };
        match scalar {
            Scalar::Smallint => Self::Smallint,
            Scalar::Integer => Self::Integer,
            Scalar::Bigint => Self::Bigint,
            Scalar::Numeric(precision) if is_percent => Self::Percent(Fraction::Numeric(precision)),
            Scalar::Real if is_percent => Self::Percent(Fraction::Real),
            Scalar::Double if is_percent => Self::Percent(Fraction::Double),
            Scalar::Numeric(precision) => Self::Numeric(precision),
            Scalar::Real => Self::Real,
            Scalar::Double => Self::Double,
            Scalar::Boolean => Self::Boolean,
            Scalar::Text => text(None),
            Scalar::Varchar(limit) => text(limit),
            Scalar::Char(limit) => text(Some(limit)),
            Scalar::Date => epoch.map_or(Self::Date(order), Self::ExcelDate),
            Scalar::Time(digits) => Self::Time(digits),
            Scalar::Timestamp(digits) => match epoch {
                Some(epoch) => Self::ExcelTimestamp(epoch, digits),
                None => Self::Timestamp(order, digits),
            },
            Scalar::Timestamptz(digits) => Self::Timestamptz(order, digits, None),
            Scalar::Uuid => Self::Uuid,
            Scalar::Inet => Self::Network(network::Kind::Inet),
            Scalar::Cidr => Self::Network(network::Kind::Cidr),
            Scalar::Json => Self::Json,
            Scalar::Jsonb => Self::Jsonb,
            Scalar::Bytea => Self::Bytea,
        }
    }

    /// The same rule with these clocks for local times.
    pub(crate) fn with_clocks(self, clocks: Clocks) -> Self {
        match self {
            Self::Timestamptz(order, digits, _) => Self::Timestamptz(order, digits, Some(Box::new(clocks))),
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
            Self::Percent(fraction) => percent(field, *fraction, out)?,
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
        }
        Ok(())
    }
}

#[inline]
fn narrow<I: TryFrom<i64>>(text: &[u8]) -> Result<I, Bad> {
    I::try_from(integer::read(text)?).map_err(|_| Bad::OutOfRange)
}

fn percent(text: &[u8], fraction: Fraction, out: &mut Vec<u8>) -> Result<(), Bad> {
    let number = text.strip_suffix(b"%").ok_or(Bad::NotAPercentage)?;
    let number = Number::read(blank::trim(number))
        .map_err(|bad| if bad == Bad::NotANumber { Bad::NotAPercentage } else { bad })?
        .shifted(2);
    match fraction {
        Fraction::Numeric(precision) => numeric::from_number(&number, precision, out),
        Fraction::Real => float::encode_number::<f32>(&number, out),
        Fraction::Double => float::encode_number::<f64>(&number, out),
    }
}
