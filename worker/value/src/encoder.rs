//! The encoder of one column: its type, parser, null markers and treatment of blanks, compiled once. Raw bytes of a field come in;
//! a binary field at the end of a row's buffer goes out, or a [`Bad`] and the buffer as it was.

use crate::array::{self, Element, Form};
use crate::bad::Bad;
use crate::catalog::Kind;
use crate::geometry::is_binary;
use crate::null::Nulls;
use crate::parser::Parser;
use crate::rule::Rule;
use crate::types::Type;
use crate::zone::{Clocks, Overlap};
use crate::{blank, wire};
use jiff::tz::TimeZone;

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

/// What becomes of blanks around text: white space of any kind, no-break spaces too. Around anything else they mean nothing.
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
    pub column: String,
}

/// Encodes the fields of one column.
#[derive(Debug, Clone)]
pub struct Encoder {
    shape: Shape,
    nulls: Nulls,
    outer: Outer,
    empty: Empty,
}

#[derive(Debug, Clone)]
enum Shape {
    One(Rule),
    Many { element: Rule, oid: u32, form: Form },
}

impl Encoder {
    /// An encoder without null markers, that trims blanks, takes empty text for NULL, and knows no local time.
    pub fn new(column: Type, parser: Parser) -> Result<Self, Mismatch> {
        if !parser.serves(column) {
            return Err(Mismatch { parser, column: column.to_string() });
        }
        let shape = match column {
            Type::Scalar(scalar) => Shape::One(Rule::new(scalar, parser)),
            Type::Array(element) => {
                let form = parser.separator().map_or(Form::Auto, Form::Parted);
                Shape::Many { element: Rule::new(element, parser), oid: element.oid(), form }
            }
        };
        Ok(Self::with(shape))
    }

    /// The same of a type that the database's catalog has told about.
    pub fn of(column: &Kind, parser: Parser) -> Result<Self, Mismatch> {
        let (column, element, oid) = match column {
            Kind::BuiltIn(built_in) => return Self::new(*built_in, parser),
            Kind::Array(element, oid) => (column, &**element, Some(*oid)),
            Kind::Enum(_) | Kind::Foreign => (column, column, None),
        };
        let mismatch = |parser| Mismatch { parser, column: column.to_string() };
        let is_list = oid.is_some() && parser.separator().is_some();
        let rule = match (element, parser) {
            (_, other) if other != Parser::Auto && !is_list => return Err(mismatch(other)),
            (Kind::BuiltIn(Type::Scalar(scalar)), _) => Rule::new(*scalar, Parser::Auto),
            (Kind::Enum(labels), _) => Rule::Enum(labels.clone()),
            (Kind::BuiltIn(_) | Kind::Array(..) | Kind::Foreign, _) => Rule::Text(None),
        };
        let form = parser.separator().map_or(Form::Auto, Form::Parted);
        Ok(Self::with(match (element, oid) {
            (Kind::BuiltIn(Type::Scalar(_)) | Kind::Enum(_), Some(oid)) => Shape::Many { element: rule, oid, form },
            _ => Shape::One(rule),
        }))
    }

    fn with(shape: Shape) -> Self {
        Self { shape, nulls: Nulls::default(), outer: Outer::default(), empty: Empty::default() }
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

    /// With times that have no offset of their own read from the clocks of this zone. Only `timestamptz` needs it.
    #[must_use]
    pub fn zone(self, zone: TimeZone, overlap: Overlap) -> Self {
        let clocks = Clocks { zone, overlap };
        let shape = match self.shape {
            Shape::One(rule) => Shape::One(rule.with_clocks(clocks)),
            Shape::Many { element, oid, form } => Shape::Many { element: element.with_clocks(clocks), oid, form },
        };
        Self { shape, ..self }
    }

    /// Appends the field `raw` to `out` as binary `COPY` wants it: its length and its bytes, or -1 for NULL. Nothing is
    /// allocated but the room in `out`. On an error `out` is as it was before.
    #[inline]
    pub fn encode(&self, raw: &[u8], out: &mut Vec<u8>) -> Result<Encoded, Bad> {
        match &self.shape {
            Shape::One(rule @ Rule::Geometry(_)) if is_binary(raw) => rule.encode(raw, out).map(|()| Encoded::Value),
            Shape::One(rule) => self.field(rule, raw, out),
            Shape::Many { element, oid, form } => self.list(element, *oid, *form, raw, out),
        }
    }

    #[inline]
    fn field(&self, rule: &Rule, raw: &[u8], out: &mut Vec<u8>) -> Result<Encoded, Bad> {
        let trimmed = blank::trim(raw);
        let is_text = rule.is_text();
        let field = if is_text && self.outer == Outer::Keep { raw } else { trimmed };
        let is_null = field.is_empty() && !(is_text && self.empty == Empty::Keep);
        if is_null || self.nulls.holds(trimmed) {
            out.extend_from_slice(&wire::NULL);
            return Ok(Encoded::Null);
        }
        rule.encode(field, out)?;
        Ok(if is_text && field.len() < raw.len() { Encoded::Trimmed } else { Encoded::Value })
    }

    fn list(&self, rule: &Rule, oid: u32, form: Form, raw: &[u8], out: &mut Vec<u8>) -> Result<Encoded, Bad> {
        let trimmed = blank::trim(raw);
        if trimmed.is_empty() || self.nulls.holds(trimmed) {
            out.extend_from_slice(&wire::NULL);
            return Ok(Encoded::Null);
        }
        let start = out.len();
        let written = array::encode(trimmed, form, oid, out, |element, out| match element {
            Element::Field(field) => self.field(rule, field, out),
            Element::Exact(text) => {
                rule.encode(if rule.is_text() { text } else { blank::trim(text) }, out).map(|()| Encoded::Value)
            }
            Element::Null => {
                out.extend_from_slice(&wire::NULL);
                Ok(Encoded::Null)
            }
        });
        written.inspect_err(|_| out.truncate(start)).map(|()| Encoded::Value)
    }
}

#[cfg(test)]
mod tests {
    use super::{Empty, Encoded, Encoder, Outer};
    use crate::{Bad, Overlap, Parser};
    use jiff::tz::TimeZone;

    fn encoder(column: &str) -> Encoder {
        Encoder::new(column.parse().unwrap(), Parser::Auto).unwrap()
    }

    fn encode(encoder: &Encoder, raw: &str) -> Result<(Encoded, Vec<u8>), Bad> {
        let mut out = Vec::new();
        let what = encoder.encode(raw.as_bytes(), &mut out)?;
        Ok((what, out.split_off(4)))
    }

    #[test]
    fn blanks_around_text_are_trimmed_and_reported_by_default() {
        let text = encoder("text");
        assert_eq!(encode(&text, " a b "), Ok((Encoded::Trimmed, b"a b".to_vec())));
        assert_eq!(encode(&text, "a b"), Ok((Encoded::Value, b"a b".to_vec())));
        assert_eq!(encode(&text, "  "), Ok((Encoded::Null, Vec::new())));
        assert_eq!(encode(&text, "\u{a0}a\u{a0}b\u{202f}"), Ok((Encoded::Trimmed, "a\u{a0}b".into())));
        assert_eq!(encode(&text, "\u{a0}"), Ok((Encoded::Null, Vec::new())));
        assert_eq!(encode(&encoder("integer"), "\u{feff}7\u{a0}"), Ok((Encoded::Value, 7_i32.to_be_bytes().to_vec())));
        assert_eq!(encode(&encoder("boolean"), " y "), Ok((Encoded::Value, vec![1])));
    }

    #[test]
    fn blanks_around_text_are_kept_where_declared() {
        let text = encoder("text").outer(Outer::Keep).nulls(["N/A"]);
        assert_eq!(encode(&text, " a "), Ok((Encoded::Value, b" a ".to_vec())));
        assert_eq!(encode(&text, " "), Ok((Encoded::Value, b" ".to_vec())));
        assert_eq!(encode(&text, ""), Ok((Encoded::Null, Vec::new())));
        assert_eq!(encode(&text, " N/A "), Ok((Encoded::Null, Vec::new())));
        assert_eq!(encode(&encoder("char(2)").outer(Outer::Keep), "ab "), Err(Bad::TooLong));
    }

    #[test]
    fn empty_text_is_kept_where_declared_and_never_another_types_value() {
        assert_eq!(encode(&encoder("text").empty(Empty::Keep), ""), Ok((Encoded::Value, Vec::new())));
        assert_eq!(encode(&encoder("text").empty(Empty::Keep), " "), Ok((Encoded::Trimmed, Vec::new())));
        assert_eq!(encode(&encoder("integer").empty(Empty::Keep), ""), Ok((Encoded::Null, Vec::new())));
    }

    #[test]
    fn elements_of_a_list_follow_the_columns_rules() {
        let zoned =
            encoder("timestamptz[]").zone(TimeZone::get("America/New_York").unwrap(), Overlap::Refuse).nulls(["-"]);
        assert!(encode(&zoned, "2021-02-09 12:00,-").is_ok());
        assert_eq!(encode(&zoned, "2021-03-14 02:30"), Err(Bad::NoSuchTime));
    }

    #[test]
    fn an_encoder_can_be_shared_by_threads() {
        fn shared<T: Send + Sync>(_: &T) {}
        shared(&encoder("timestamptz"));
    }
}
