//! The encoder of one column: its type, parser, null markers and treatment of blanks, compiled once. Raw bytes of a field come in;
//! a binary field at the end of a row's buffer goes out, or a [`Bad`] and the buffer as it was.

use crate::bad::Bad;
use crate::date::Order;
use crate::null::Nulls;
use crate::number::Number;
use crate::parser::Parser;
use crate::types::{Precision, Scalar, Type};
use crate::wire::{self, put, put2, put4, put8};
use crate::{blank, boolean, date, float, integer, numeric, text, time, timestamp};

/// What was written for a field.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Encoded {
    /// A value.
    Value,
    /// A value of text whose outer blanks were dropped.
    Trimmed,
    /// NULL, for a blank or a null marker.
    Null,
}

/// What becomes of blanks around text. Around anything else they mean nothing.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Outer {
    /// They are dropped, and the field is reported as [`Encoded::Trimmed`]. Text of blanks alone is empty.
    #[default]
    Trim,
    /// They are kept.
    Keep,
}

/// What becomes of empty text. In a column of another type it is always NULL.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Empty {
    /// It is NULL.
    #[default]
    Null,
    /// It is a text of no characters.
    Keep,
}

/// A parser was declared for a column whose type it has no meaning for.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the parser {parser} does not read {column}")]
pub struct Mismatch {
    /// The declared parser.
    pub parser: Parser,
    /// The column's type.
    pub column: Type,
}

/// Encodes the fields of one column.
#[derive(Debug, Clone)]
pub struct Encoder {
    rule: Rule,
    nulls: Nulls,
    outer: Outer,
    empty: Empty,
}

/// Type and parser as one decision.
#[derive(Debug, Clone)]
enum Rule {
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
    Time(Option<u8>),
    Timestamp(Order, Option<u8>),
}

/// The types that a percentage fits in.
#[derive(Debug, Clone, Copy)]
enum Fraction {
    Numeric(Option<Precision>),
    Real,
    Double,
}

impl Encoder {
    /// An encoder without null markers that trims blanks and takes empty text for NULL.
    pub fn new(column: Type, parser: Parser) -> Result<Self, Mismatch> {
        let mismatch = Mismatch { parser, column };
        let Type::Scalar(scalar) = column else {
            return Err(mismatch);
        };
        let rule = Rule::new(scalar, parser).ok_or(mismatch)?;
        Ok(Self { rule, nulls: Nulls::default(), outer: Outer::default(), empty: Empty::default() })
    }

    /// With these texts read as NULL, compared by case and without outer blanks.
    #[must_use]
    pub fn nulls(self, markers: impl IntoIterator<Item = impl AsRef<str>>) -> Self {
        Self { nulls: Nulls::new(markers), ..self }
    }

    /// With blanks around text treated so.
    #[must_use]
    pub fn outer(self, outer: Outer) -> Self {
        Self { outer, ..self }
    }

    /// With empty text treated so.
    #[must_use]
    pub fn empty(self, empty: Empty) -> Self {
        Self { empty, ..self }
    }

    /// Appends the field `raw` to `out` as binary `COPY` wants it: its length and its bytes, or -1 for NULL. Nothing is
    /// allocated but the room in `out`. On an error `out` is as it was before.
    #[inline]
    pub fn encode(&self, raw: &[u8], out: &mut Vec<u8>) -> Result<Encoded, Bad> {
        let trimmed = blank::trim(raw);
        let limit = match &self.rule {
            Rule::Text(limit) | Rule::Whole(limit) => *limit,
            rule => {
                if trimmed.is_empty() || self.nulls.holds(trimmed) {
                    return Ok(null(out));
                }
                return rule.encode(trimmed, out).map(|()| Encoded::Value);
            }
        };
        let text = if self.outer == Outer::Keep { raw } else { trimmed };
        if (text.is_empty() && self.empty == Empty::Null) || self.nulls.holds(trimmed) {
            return Ok(null(out));
        }
        let whole = if let Rule::Whole(_) = self.rule { text::without_zero_fraction(text) } else { text };
        text::encode(whole, limit, out)?;
        Ok(if text.len() == raw.len() { Encoded::Value } else { Encoded::Trimmed })
    }
}

fn null(out: &mut Vec<u8>) -> Encoded {
    out.extend_from_slice(&wire::NULL);
    Encoded::Null
}

impl Rule {
    fn new(scalar: Scalar, parser: Parser) -> Option<Self> {
        if !parser.serves(scalar.into()) {
            return None;
        }
        let order = match parser {
            Parser::Mdy => Order::Mdy,
            Parser::Dmy => Order::Dmy,
            Parser::Ymd => Order::Ymd,
            Parser::Auto | Parser::Whole | Parser::Percent => Order::Auto,
        };
        Some(match (scalar, parser) {
            (Scalar::Numeric(precision), Parser::Percent) => Self::Percent(Fraction::Numeric(precision)),
            (Scalar::Real, Parser::Percent) => Self::Percent(Fraction::Real),
            (Scalar::Double, Parser::Percent) => Self::Percent(Fraction::Double),
            (Scalar::Text, Parser::Whole) => Self::Whole(None),
            (Scalar::Varchar(limit), Parser::Whole) => Self::Whole(limit),
            (Scalar::Char(limit), Parser::Whole) => Self::Whole(Some(limit)),
            (Scalar::Smallint, _) => Self::Smallint,
            (Scalar::Integer, _) => Self::Integer,
            (Scalar::Bigint, _) => Self::Bigint,
            (Scalar::Numeric(precision), _) => Self::Numeric(precision),
            (Scalar::Real, _) => Self::Real,
            (Scalar::Double, _) => Self::Double,
            (Scalar::Boolean, _) => Self::Boolean,
            (Scalar::Text, _) => Self::Text(None),
            (Scalar::Varchar(limit), _) => Self::Text(limit),
            (Scalar::Char(limit), _) => Self::Text(Some(limit)),
            (Scalar::Date, _) => Self::Date(order),
            (Scalar::Time(digits), _) => Self::Time(digits),
            (Scalar::Timestamp(digits), _) => Self::Timestamp(order, digits),
            (Scalar::Timestamptz(_) | Scalar::Uuid | Scalar::Json | Scalar::Jsonb | Scalar::Bytea, _) => return None,
        })
    }

    /// Writes a text that is neither empty nor a null marker.
    #[inline]
    fn encode(&self, text: &[u8], out: &mut Vec<u8>) -> Result<(), Bad> {
        match *self {
            Self::Smallint => put2(out, narrow::<i16>(text)?.to_be_bytes()),
            Self::Integer => put4(out, narrow::<i32>(text)?.to_be_bytes()),
            Self::Bigint => put8(out, integer::read(text)?.to_be_bytes()),
            Self::Numeric(precision) => numeric::encode(text, precision, out)?,
            Self::Real => float::encode::<f32>(text, out)?,
            Self::Double => float::encode::<f64>(text, out)?,
            Self::Percent(fraction) => percent(text, fraction, out)?,
            Self::Boolean => put(out, &[u8::from(boolean::read(text)?)]),
            Self::Text(limit) => text::encode(text, limit, out)?,
            Self::Whole(limit) => text::encode(text::without_zero_fraction(text), limit, out)?,
            Self::Date(order) => put4(out, date::read(text, order)?.to_be_bytes()),
            Self::Time(digits) => put8(out, time::within(time::read(text)?, digits)?.to_be_bytes()),
            Self::Timestamp(order, digits) => {
                put8(out, timestamp::read(text, order, digits)?.to_be_bytes());
            }
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
