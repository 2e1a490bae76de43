//! Reads the text of a type in any spelling that PostgreSQL itself accepts, without regard to case and spaces.

use super::{MAX_LENGTH, Precision, Scalar, Type};
use std::fmt;
use std::str::FromStr;

/// The text is not a type that this crate encodes.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("unknown type {text:?}: {reason}")]
pub struct UnknownType {
    /// The text as it was given.
    pub text: String,
    /// Why it is not known, so that the caller can tell a type of the database's own from a slip.
    pub reason: UnknownReason,
}

/// Why a type is not known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UnknownReason {
    /// No built-in type that is encoded here has this name. It may be a domain, an enum, or a type of an extension.
    Name,
    /// The type is known, its modifier in parentheses is not.
    Modifier(&'static str),
    /// `serial` and its kin are a default of a column, not a type.
    Serial,
}

impl fmt::Display for UnknownReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Name => f.write_str("no built-in type that is encoded here has this name"),
            Self::Modifier(what) => f.write_str(what),
            Self::Serial => f.write_str("serial is not a type, write bigint identity"),
        }
    }
}

impl FromStr for Type {
    type Err = UnknownType;

    fn from_str(text: &str) -> Result<Self, UnknownType> {
        let unknown = |reason| UnknownType { text: text.to_owned(), reason };
        let (name, is_array) = element(text.trim());
        let scalar = scalar(name).map_err(unknown)?;
        // Its number differs from server to server, and an array's elements carry it.
        if is_array && matches!(scalar, Scalar::Geometry(_)) {
            return Err(unknown(UnknownReason::Name));
        }
        Ok(if is_array { Self::Array(scalar) } else { Self::Scalar(scalar) })
    }
}

impl FromStr for Scalar {
    type Err = UnknownType;

    fn from_str(text: &str) -> Result<Self, UnknownType> {
        scalar(text).map_err(|reason| UnknownType { text: text.to_owned(), reason })
    }
}

/// The text before any `[]` or `[3]`, and whether there was one.
fn element(text: &str) -> (&str, bool) {
    let Some(open) = text.find('[') else {
        return (text, false);
    };
    let (name, brackets) = text.split_at(open);
    let well_formed = brackets.split_inclusive(']').all(|bracket| {
        bracket
            .trim()
            .strip_prefix('[')
            .and_then(|b| b.strip_suffix(']'))
            .is_some_and(|size| size.bytes().all(|b| b.is_ascii_digit()))
    });
    // Malformed brackets stay in the name, which then is not known.
    if well_formed { (name, true) } else { (text, false) }
}

fn scalar(text: &str) -> Result<Scalar, UnknownReason> {
    if let Some(geometry) = crate::geometry::read_type(text) {
        return geometry.map(Scalar::Geometry);
    }
    let (name, modifier) = split(text)?;
    let name = name.strip_prefix("pg_catalog.").unwrap_or(&name);
    let none = |scalar| {
        if modifier.is_empty() { Ok(scalar) } else { Err(UnknownReason::Modifier("it takes no modifier")) }
    };
    match name {
        "smallint" | "int2" => none(Scalar::Smallint),
        "integer" | "int" | "int4" => none(Scalar::Integer),
        "bigint" | "int8" => none(Scalar::Bigint),
        "numeric" | "decimal" | "dec" => precision(&modifier).map(Scalar::Numeric),
        "real" | "float4" => none(Scalar::Real),
        "double precision" | "float8" => none(Scalar::Double),
        "float" => match modifier[..] {
            [] | [25..=53] => Ok(Scalar::Double),
            [1..=24] => Ok(Scalar::Real),
            _ => Err(UnknownReason::Modifier("the precision of float is 1 to 53")),
        },
        "boolean" | "bool" => none(Scalar::Boolean),
        "text" => none(Scalar::Text),
        "varchar" | "character varying" | "char varying" => match length(&modifier)? {
            None => Ok(Scalar::Varchar(None)),
            given => Ok(Scalar::Varchar(given)),
        },
        "char" | "character" => Ok(Scalar::Char(length(&modifier)?.unwrap_or(1))),
        "date" => none(Scalar::Date),
        "time" | "time without time zone" => second(&modifier).map(Scalar::Time),
        "timestamp" | "timestamp without time zone" => second(&modifier).map(Scalar::Timestamp),
        "timestamptz" | "timestamp with time zone" => second(&modifier).map(Scalar::Timestamptz),
        "uuid" => none(Scalar::Uuid),
        "inet" => none(Scalar::Inet),
        "cidr" => none(Scalar::Cidr),
        "json" => none(Scalar::Json),
        "jsonb" => none(Scalar::Jsonb),
        "bytea" => none(Scalar::Bytea),
        "serial" | "bigserial" | "smallserial" | "serial2" | "serial4" | "serial8" => Err(UnknownReason::Serial),
        _ => Err(UnknownReason::Name),
    }
}

/// `Timestamp (3)  With Time Zone` becomes `timestamp with time zone` and `[3]`.
fn split(text: &str) -> Result<(String, Vec<i32>), UnknownReason> {
    let squeeze = |text: &str| text.split_ascii_whitespace().collect::<Vec<_>>().join(" ").to_ascii_lowercase();
    let Some((head, rest)) = text.split_once('(') else {
        return Ok((squeeze(text), Vec::new()));
    };
    let (inside, tail) = rest.split_once(')').ok_or(UnknownReason::Modifier("a parenthesis is not closed"))?;
    let modifier = inside
        .split(',')
        .map(|number| number.trim().parse().map_err(|_| UnknownReason::Modifier("a modifier is a whole number")))
        .collect::<Result<_, _>>();
    let name = squeeze(&format!("{head} {tail}"));
    match modifier {
        Ok(modifier) => Ok((name, modifier)),
        // `geography(Point, 4326)` is an unknown type rather than a known one with a bad modifier.
        Err(slip) => scalar(&name).and(Err(slip)),
    }
}

fn precision(modifier: &[i32]) -> Result<Option<Precision>, UnknownReason> {
    const RANGE: UnknownReason = UnknownReason::Modifier("numeric(p,s) has p from 1 to 1000 and s from -1000 to 1000");
    let (digits, scale) = match *modifier {
        [] => return Ok(None),
        [digits] => (digits, 0),
        [digits, scale] => (digits, scale),
        _ => return Err(RANGE),
    };
    match (u16::try_from(digits), i16::try_from(scale)) {
        (Ok(digits @ 1..=1000), Ok(scale @ -1000..=1000)) => Ok(Some(Precision { digits, scale })),
        _ => Err(RANGE),
    }
}

fn length(modifier: &[i32]) -> Result<Option<u32>, UnknownReason> {
    match *modifier {
        [] => Ok(None),
        [length] => match u32::try_from(length) {
            Ok(length @ 1..=MAX_LENGTH) => Ok(Some(length)),
            _ => Err(UnknownReason::Modifier("the length is 1 to 10485760 characters")),
        },
        _ => Err(UnknownReason::Modifier("the length is one number")),
    }
}

fn second(modifier: &[i32]) -> Result<Option<u8>, UnknownReason> {
    match *modifier {
        [] => Ok(None),
        [digits] => match u8::try_from(digits) {
            Ok(digits @ 0..=6) => Ok(Some(digits)),
            _ => Err(UnknownReason::Modifier("a second has 0 to 6 digits")),
        },
        _ => Err(UnknownReason::Modifier("the digits of a second are one number")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_spelling_of_a_type_has_one_canonical_form() {
        for (text, canonical) in [
            ("integer", "integer"),
            ("INT", "integer"),
            ("int4", "integer"),
            ("pg_catalog.int4", "integer"),
            ("smallint", "smallint"),
            ("bigint", "bigint"),
            ("numeric", "numeric"),
            ("numeric(9, 6)", "numeric(9,6)"),
            ("decimal (5)", "numeric(5,0)"),
            ("numeric(3,-2)", "numeric(3,-2)"),
            ("real", "real"),
            ("float(24)", "real"),
            ("float", "double precision"),
            ("double  precision", "double precision"),
            ("bool", "boolean"),
            ("text", "text"),
            ("varchar", "character varying"),
            ("varchar(20)", "character varying(20)"),
            ("character varying(20)", "character varying(20)"),
            ("char", "character(1)"),
            ("char(10)", "character(10)"),
            ("character(10)", "character(10)"),
            ("date", "date"),
            ("time", "time without time zone"),
            ("time(0)", "time(0) without time zone"),
            ("timestamp", "timestamp without time zone"),
            ("timestamp without time zone", "timestamp without time zone"),
            ("Timestamp (3) With Time Zone", "timestamp(3) with time zone"),
            ("timestamptz", "timestamp with time zone"),
            ("uuid", "uuid"),
            ("inet", "inet"),
            ("pg_catalog.cidr", "cidr"),
            ("json", "json"),
            ("jsonb", "jsonb"),
            ("bytea", "bytea"),
            ("geometry", "geometry"),
            ("GEOMETRY (multipolygon, 2263)", "geometry(MultiPolygon,2263)"),
            ("geometry(PointZ)", "geometry(PointZ)"),
            ("geometry(linestring zm,4326)", "geometry(LineStringZM,4326)"),
            ("geometry(geometry,3857)", "geometry(Geometry,3857)"),
            ("text[]", "text[]"),
            ("text[][]", "text[]"),
            ("int4[3]", "integer[]"),
            ("numeric(9,2)[]", "numeric(9,2)[]"),
        ] {
            let parsed: Type = text.parse().unwrap();
            assert_eq!(parsed.to_string(), canonical, "{text}");
            assert_eq!(canonical.parse::<Type>().unwrap(), parsed, "{text}");
        }
    }

    #[test]
    fn a_type_of_the_databases_own_is_unknown_by_its_name() {
        for text in [
            "geography(Point, 4326)",
            "geometry[]",
            "mood",
            "macaddr",
            "\"char\"",
            "citext",
            "text[",
            "text[x]",
            "",
            "character set",
            "public.text",
        ] {
            let unknown = text.parse::<Type>().unwrap_err();
            assert_eq!((unknown.text.as_str(), unknown.reason), (text, UnknownReason::Name));
        }
    }

    #[test]
    fn a_bad_modifier_is_told_from_an_unknown_name() {
        for text in [
            "integer(4)",
            "varchar(0)",
            "char(10485761)",
            "numeric(0)",
            "numeric(1001,2)",
            "numeric(9,x)",
            "time(7)",
            "geometry(circle)",
            "geometry(point,4326",
            "geometry(point,wgs84)",
            "numeric(9",
        ] {
            let unknown = text.parse::<Type>().unwrap_err();
            assert!(matches!(unknown.reason, UnknownReason::Modifier(_)), "{text}: {unknown}");
        }
        assert_eq!(
            "serial".parse::<Type>().unwrap_err().to_string(),
            "unknown type \"serial\": serial is not a type, write bigint identity"
        );
    }

    #[test]
    fn oids_are_those_of_pg_type() {
        assert_eq!("int4".parse::<Type>().unwrap().oid(), 23);
        assert_eq!("char(3)".parse::<Type>().unwrap().oid(), 1042);
        assert_eq!("text[]".parse::<Type>().unwrap().oid(), 1009);
    }
}
