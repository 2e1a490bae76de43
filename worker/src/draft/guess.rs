//! The narrowest type that every value of a column has, by the same rules by which the worker will load it: texts come in one after the
//! other, a type and its parser go out.

use std::borrow::Cow;

use manifest::dataset::header_key;
use value::{Encoder, Parser};

/// What is known of a column before its values are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Hint {
    /// Nothing.
    Any,
    /// The publisher says that it is text.
    Text,
    /// Some number.
    Number,
    /// A date, or a date and a time.
    Moment,
    /// Milliseconds since 1970.
    Milliseconds,
    /// This type.
    Is(&'static str),
    /// Shapes of this reference system, where it is known.
    Shape(Option<u32>),
}

/// What a column is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Guess {
    /// A PostgreSQL type.
    pub(super) type_name: Cow<'static, str>,
    /// The word of `parse:`, where the type alone does not tell how to read it.
    pub(super) parser: Option<&'static str>,
}

/// A type that a column may still have.
struct Candidate {
    guess: Guess,
    encoder: Encoder,
    admits: fn(&str) -> bool,
}

/// Names of columns whose digits are no number: nobody adds them up, and some begin with a zero.
const CODES: &[&str] =
    &["zip", "zipcode", "postcode", "postalcode", "bbl", "bin", "fips", "geoid", "phone", "fax", "ein"];

/// A type that columns of a CSV may have.
struct Kind {
    type_name: &'static str,
    parser: Parser,
    /// The parser's word in a manifest, where it has to be said.
    word: Option<&'static str>,
    /// Whether a text that could be read as this type is likely meant as it.
    admits: fn(&str) -> bool,
}

const fn kind(type_name: &'static str, admits: fn(&str) -> bool) -> Kind {
    Kind { type_name, parser: Parser::Auto, word: None, admits }
}

const fn day_first(type_name: &'static str) -> Kind {
    Kind { type_name, parser: Parser::Dmy, word: Some("dmy"), admits: any }
}

/// From the narrowest to the widest; text is what is left.
const KINDS: &[Kind] = &[
    kind("boolean", is_word_for_truth),
    kind("integer", is_whole),
    kind("bigint", is_whole),
    kind("numeric", has_no_leading_zero),
    kind("date", any),
    day_first("date"),
    kind("timestamp", any),
    day_first("timestamp"),
    kind("timestamptz", any),
];

fn any(_: &str) -> bool {
    true
}

/// 0 and 1 are numbers, and X marks many things.
fn is_word_for_truth(text: &str) -> bool {
    ["true", "false", "yes", "no", "y", "n", "t", "f"].iter().any(|word| text.eq_ignore_ascii_case(word))
}

fn is_whole(text: &str) -> bool {
    has_no_leading_zero(text) && !text.contains(['.', 'e', 'E'])
}

fn has_no_leading_zero(text: &str) -> bool {
    let digits = text.trim_start_matches(['-', '+', '$', '(']);
    !(digits.starts_with('0') && digits[1..].starts_with(|c: char| c.is_ascii_digit()))
}

/// Shapes from the narrowest on. A single one loads into a column of its collections.
const SHAPES: &[&str] = &["Point", "MultiPoint", "MultiLineString", "MultiPolygon", "Geometry"];

/// A column while the rows go by.
pub(super) struct Guesser {
    candidates: Vec<Candidate>,
    /// What it is if nothing else.
    last: &'static str,
    has_value: bool,
}

impl Guesser {
    /// A column under this header.
    pub(super) fn new(header: &str, hint: Hint) -> Self {
        let key = header_key(header);
        let is_code = CODES.iter().any(|code| key == *code || key.ends_with("zipcode") || key.ends_with("postcode"));
        let of = |types: &[&str]| {
            KINDS.iter().filter(|kind| types.contains(&kind.type_name)).filter_map(candidate).collect()
        };
        let candidates = match hint {
            Hint::Any | Hint::Number if is_code => Vec::new(),
            Hint::Any => KINDS.iter().filter_map(candidate).collect(),
            Hint::Text => Vec::new(),
            Hint::Number => of(&["integer", "bigint", "numeric"]),
            Hint::Moment => of(&["date", "timestamp"]),
            Hint::Milliseconds => {
                let kind =
                    Kind { type_name: "timestamptz", parser: Parser::UnixMillis, word: Some("unix_ms"), admits: any };
                candidate(&kind).into_iter().collect()
            }
            Hint::Is(type_name) => candidate(&kind(type_name, any)).into_iter().collect(),
            Hint::Shape(srid) => SHAPES.iter().filter_map(|shape| shapes(shape, srid)).collect(),
        };
        let last = if matches!(hint, Hint::Shape(_)) { "geometry" } else { "text" };
        Self { candidates, last, has_value: false }
    }

    /// Whether a value was seen.
    pub(super) fn has_value(&self) -> bool {
        self.has_value
    }

    /// A value that is not blank.
    pub(super) fn see(&mut self, text: &[u8], scratch: &mut Vec<u8>) {
        self.has_value = true;
        // Shapes may come as bytes.
        let decoded = if self.last == "geometry" { Cow::Borrowed("") } else { decoded(text) };
        let text = if self.last == "geometry" { text } else { decoded.as_bytes() };
        self.candidates.retain(|candidate| {
            scratch.clear();
            (candidate.admits)(&decoded) && candidate.encoder.encode(text, scratch).is_ok()
        });
    }

    /// The type that all of them have.
    pub(super) fn guess(&self) -> Guess {
        let last = Guess { type_name: self.last.into(), parser: None };
        if !self.has_value && self.last == "text" {
            return last;
        }
        self.candidates.first().map_or(last, |candidate| candidate.guess.clone())
    }
}

fn candidate(kind: &Kind) -> Option<Candidate> {
    let encoder = Encoder::new(kind.type_name.parse().ok()?, kind.parser).ok()?;
    let guess = Guess { type_name: kind.type_name.into(), parser: kind.word };
    Some(Candidate { guess, encoder, admits: kind.admits })
}

fn shapes(shape: &str, srid: Option<u32>) -> Option<Candidate> {
    let type_name = srid.map_or_else(|| format!("geometry({shape})"), |srid| format!("geometry({shape}, {srid})"));
    let encoder = Encoder::new(type_name.to_lowercase().replace(' ', "").parse().ok()?, Parser::Auto).ok()?;
    Some(Candidate { guess: Guess { type_name: type_name.into(), parser: None }, encoder, admits: any })
}

/// UTF-8 as it is; where it is not, each byte as the character of its number, which is enough to tell types.
pub(super) fn decoded(bytes: &[u8]) -> Cow<'_, str> {
    match std::str::from_utf8(bytes) {
        Ok(text) => text.trim().into(),
        Err(_) => bytes.iter().map(|byte| char::from(*byte)).collect::<String>().into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn guess(header: &str, hint: Hint, values: &[&str]) -> (String, Option<&'static str>) {
        let mut guesser = Guesser::new(header, hint);
        let mut scratch = Vec::new();
        values.iter().filter(|value| !value.is_empty()).for_each(|value| guesser.see(value.as_bytes(), &mut scratch));
        let Guess { type_name, parser } = guesser.guess();
        (type_name.into_owned(), parser)
    }

    #[test]
    fn a_type_is_one_that_every_value_has() {
        for (values, type_name, parser) in [
            (["1", "", "1,234"], "integer", None),
            (["1", "3000000000", "-7"], "bigint", None),
            (["1", "2.5", "$3.00"], "numeric", None),
            (["007", "12", "13"], "text", None),
            (["0", "0.5", "10"], "numeric", None),
            (["Y", "N", ""], "boolean", None),
            (["0", "1", "1"], "integer", None),
            (["2024-03-01", "03/31/2024", ""], "date", None),
            (["31/12/2023", "01/02/2024", ""], "date", Some("dmy")),
            (["03/31/2024 01:15:00 PM", "03/01/2024", ""], "timestamp", None),
            (["2024-03-01T10:00:00Z", "2024-03-01T10:00:00+02:00", ""], "timestamptz", None),
            (["1", "2", "three"], "text", None),
            (["", "", ""], "text", None),
        ] {
            assert_eq!(guess("a", Hint::Any, &values), (type_name.to_owned(), parser), "{values:?}");
        }
    }

    #[test]
    fn what_the_publisher_says_is_held_against_the_values() {
        for (hint, values, type_name, parser) in [
            (Hint::Text, ["1", "2"], "text", None),
            (Hint::Number, ["1", "2.5"], "numeric", None),
            (Hint::Number, ["1", "n/a"], "text", None),
            (Hint::Moment, ["2024-03-01T00:00:00.000", "2024-03-02T00:00:00.000"], "date", None),
            (Hint::Moment, ["2024-03-01T00:00:00.000", "2024-03-02T10:00:00.000"], "timestamp", None),
            (Hint::Milliseconds, ["1709251200000", "0"], "timestamptz", Some("unix_ms")),
            (Hint::Is("jsonb"), ["{\"a\":1}", "[]"], "jsonb", None),
            (Hint::Shape(Some(4326)), ["POINT (1 2)", "POINT (3 4)"], "geometry(Point, 4326)", None),
            (Hint::Shape(None), ["POLYGON ((0 0,1 0,1 1,0 0))", ""], "geometry(MultiPolygon)", None),
            (Hint::Shape(Some(2263)), ["POINT (1 2)", "LINESTRING (0 0,1 1)"], "geometry(Geometry, 2263)", None),
        ] {
            assert_eq!(guess("a", hint, &values), (type_name.to_owned(), parser), "{hint:?} {values:?}");
        }
    }

    #[test]
    fn codes_are_text_whatever_they_look_like() {
        assert_eq!(guess("Zip Code", Hint::Any, &["10002"]).0, "text");
        assert_eq!(guess("BBL", Hint::Number, &["1003500017"]).0, "text");
        assert_eq!(guess("Count", Hint::Any, &["3"]).0, "integer");
    }
}
