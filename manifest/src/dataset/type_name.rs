//! PostgreSQL types as manifests name them: read in any spelling PostgreSQL takes, kept in one.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::yaml::nearest;

/// A PostgreSQL type as SQL spells it, in lower case with single blanks and the short names written out (`int` → `integer`,
/// `bool` → `boolean`), such as `char(10)`, `numeric(9,6)`, `timestamptz`, `text[]`, `geometry(multipolygon,2263)`. A type of the
/// database's own carries its schema: `public.status`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct TypeName(pub(crate) String);

/// A type that PostgreSQL does not have, or not with this modifier.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{why}")]
pub struct TypeError {
    why: String,
    help: Option<String>,
}

impl TypeError {
    /// What to write instead, where there is an obvious answer.
    pub fn help(&self) -> Option<&str> {
        self.help.as_deref()
    }
}

/// What values of a type are, as far as keys, indexes and parsers care.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Family {
    /// `smallint`, `integer`, `bigint`.
    Integer,
    /// `numeric`, `real`, `double precision`.
    Number,
    /// `text`, `varchar`, `char`.
    Text,
    /// `date`, `timestamp`, `timestamptz`.
    Moment,
    /// `json`, which has no equality, and `xml`, `point` and their kin.
    WithoutOrder,
    /// `geometry`, `geography`, ranges: what GiST is for.
    Spatial,
    /// `jsonb` and `tsvector`: what GIN is for.
    Document,
    /// Any array.
    Array,
    /// Anything else that compares: boolean, uuid, bytea, inet, interval, a type of the database's own.
    Other,
}

/// What stands in parentheses behind a type.
#[derive(Clone, Copy)]
enum Modifier {
    None,
    Length,
    Precision,
    Seconds,
    Bits,
    Geometry,
}

/// Names PostgreSQL takes, the one that is kept, its modifier and family.
const TYPES: &[(&[&str], &str, Modifier, Family)] = &[
    (&["smallint", "int2"], "smallint", Modifier::None, Family::Integer),
    (&["integer", "int", "int4"], "integer", Modifier::None, Family::Integer),
    (&["bigint", "int8"], "bigint", Modifier::None, Family::Integer),
    (&["numeric", "decimal", "dec"], "numeric", Modifier::Precision, Family::Number),
    (&["real", "float4"], "real", Modifier::None, Family::Number),
    (&["double precision", "float8", "float"], "double precision", Modifier::None, Family::Number),
    (&["boolean", "bool"], "boolean", Modifier::None, Family::Other),
    (&["text"], "text", Modifier::None, Family::Text),
    (&["varchar", "character varying", "char varying"], "varchar", Modifier::Length, Family::Text),
    (&["char", "character", "bpchar"], "char", Modifier::Length, Family::Text),
    (&["citext"], "citext", Modifier::None, Family::Text),
    (&["date"], "date", Modifier::None, Family::Moment),
    (&["time", "time without time zone"], "time", Modifier::Seconds, Family::Other),
    (&["timetz", "time with time zone"], "timetz", Modifier::Seconds, Family::Other),
    (&["timestamp", "timestamp without time zone"], "timestamp", Modifier::Seconds, Family::Moment),
    (&["timestamptz", "timestamp with time zone"], "timestamptz", Modifier::Seconds, Family::Moment),
    (&["interval"], "interval", Modifier::Seconds, Family::Other),
    (&["uuid"], "uuid", Modifier::None, Family::Other),
    (&["json"], "json", Modifier::None, Family::WithoutOrder),
    (&["jsonb"], "jsonb", Modifier::None, Family::Document),
    (&["bytea"], "bytea", Modifier::None, Family::Other),
    (&["inet"], "inet", Modifier::None, Family::Other),
    (&["cidr"], "cidr", Modifier::None, Family::Other),
    (&["macaddr"], "macaddr", Modifier::None, Family::Other),
    (&["money"], "money", Modifier::None, Family::Other),
    (&["bit"], "bit", Modifier::Bits, Family::Other),
    (&["varbit", "bit varying"], "varbit", Modifier::Bits, Family::Other),
    (&["xml"], "xml", Modifier::None, Family::WithoutOrder),
    (&["point"], "point", Modifier::None, Family::WithoutOrder),
    (&["tsvector"], "tsvector", Modifier::None, Family::Document),
    (&["hstore"], "hstore", Modifier::None, Family::Document),
    (&["int4range"], "int4range", Modifier::None, Family::Spatial),
    (&["int8range"], "int8range", Modifier::None, Family::Spatial),
    (&["numrange"], "numrange", Modifier::None, Family::Spatial),
    (&["daterange"], "daterange", Modifier::None, Family::Spatial),
    (&["tsrange"], "tsrange", Modifier::None, Family::Spatial),
    (&["tstzrange"], "tstzrange", Modifier::None, Family::Spatial),
    (&["geometry"], "geometry", Modifier::Geometry, Family::Spatial),
    (&["geography"], "geography", Modifier::Geometry, Family::Spatial),
];

const SHAPES: &[&str] = &[
    "geometry",
    "point",
    "linestring",
    "polygon",
    "multipoint",
    "multilinestring",
    "multipolygon",
    "geometrycollection",
];

/// What other systems call a type.
const FOREIGN: &[(&str, &str)] = &[
    ("string", "text"),
    ("str", "text"),
    ("nvarchar", "text"),
    ("varchar2", "text"),
    ("clob", "text"),
    ("object", "text"),
    ("number", "numeric"),
    ("int64", "bigint"),
    ("long", "bigint"),
    ("int32", "integer"),
    ("tinyint", "smallint"),
    ("int16", "smallint"),
    ("double", "double precision"),
    ("float64", "double precision"),
    ("float32", "real"),
    ("datetime", "timestamp"),
    ("datetime64", "timestamp"),
    ("blob", "bytea"),
    ("binary", "bytea"),
    ("logical", "boolean"),
];

impl TypeName {
    /// Reads a type.
    pub fn parse(text: &str) -> Result<Self, TypeError> {
        let fail = |why: String, help: Option<String>| Err(TypeError { why, help });
        let lower = text.trim().to_lowercase();
        if lower.contains('.') && !lower.contains('(') {
            let plain = |part: &str| crate::template::is_name(part);
            let (name, array) = lower.strip_suffix("[]").map_or((lower.as_str(), ""), |name| (name, "[]"));
            return match name.split_once('.') {
                Some((schema, own)) if plain(schema) && plain(own) => Ok(Self(format!("{name}{array}"))),
                _ => {
                    fail(format!("`{text}` is not a type"), Some("write a type of your own as schema.type".to_owned()))
                }
            };
        }
        let at = lower.find('[').unwrap_or(lower.len());
        let (element, brackets) = lower.split_at(at);
        let closed = |bracket: &str| {
            bracket.starts_with('[') && bracket.trim_matches(['[', ']']).bytes().all(|b| b.is_ascii_digit())
        };
        let well_formed = brackets.is_empty() || brackets.ends_with(']') && brackets.split_inclusive(']').all(closed);
        if !well_formed {
            return fail(format!("`{text}` is not a type"), Some("write an array as text[]".to_owned()));
        }
        let array = if brackets.is_empty() { "" } else { "[]" };
        let (name, inside) = split(element).map_err(|why| TypeError { why, help: None })?;
        if let "serial" | "bigserial" | "smallserial" | "serial4" | "serial8" | "serial2" = name.as_str() {
            return fail(format!("`{text}` is not a type but a default"), Some("write bigint identity".to_owned()));
        }
        let Some((_, kept, modifier, _)) = TYPES.iter().find(|(names, ..)| names.contains(&name.as_str())) else {
            return fail(format!("`{text}` is not a type PostgreSQL has"), Some(suggestion(&name)));
        };
        let modifier = modified(kept, *modifier, &inside)?;
        Ok(Self(format!("{kept}{modifier}{array}")))
    }

    /// A type that a server has already, as its `format_type` spells it, such as `public.geometry(Point,2263)`.
    pub fn of_server(spelled: impl Into<String>) -> Self {
        Self(spelled.into())
    }

    /// The type as SQL spells it.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// What its values are.
    pub fn family(&self) -> Family {
        if self.0.ends_with("[]") {
            return Family::Array;
        }
        let name = self.0.split('(').next().unwrap_or_default();
        TYPES.iter().find(|(_, kept, ..)| *kept == name).map_or(Family::Other, |(.., family)| *family)
    }
}

/// `timestamp (3) with time zone` → `timestamp with time zone` and `3`.
fn split(text: &str) -> Result<(String, Vec<String>), String> {
    let squeeze = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
    let Some((head, rest)) = text.split_once('(') else {
        if text.contains(')') {
            return Err(format!("`{text}` closes a parenthesis that it does not open"));
        }
        return Ok((squeeze(text), Vec::new()));
    };
    let Some((inside, tail)) = rest.split_once(')') else {
        return Err(format!("`{text}` opens a parenthesis and does not close it"));
    };
    let inside = inside.split(',').map(|part| part.trim().to_owned()).collect();
    Ok((squeeze(&format!("{head} {tail}")), inside))
}

fn modified(name: &str, modifier: Modifier, inside: &[String]) -> Result<String, TypeError> {
    let fail = |why: &str| Err(TypeError { why: format!("{name}: {why}"), help: None });
    let numbers: Option<Vec<i64>> = inside.iter().map(|part| part.parse().ok()).collect();
    if inside.is_empty() {
        return Ok(if name == "char" { "(1)".to_owned() } else { String::new() });
    }
    match (modifier, numbers.as_deref()) {
        (Modifier::None, _) => fail("it takes nothing in parentheses"),
        (Modifier::Length, Some([1..=10_485_760])) | (Modifier::Seconds, Some([0..=6])) => {
            Ok(format!("({})", inside[0]))
        }
        (Modifier::Length, _) => fail("its length is one number from 1 to 10485760"),
        (Modifier::Seconds, _) => fail("its digits of a second are one number from 0 to 6"),
        (Modifier::Bits, Some([1..=83_886_080])) => Ok(format!("({})", inside[0])),
        (Modifier::Bits, _) => fail("its length is one number from 1 to 83886080"),
        (Modifier::Precision, Some([1..=1000])) => Ok(format!("({},0)", inside[0])),
        (Modifier::Precision, Some([1..=1000, -1000..=1000])) => Ok(format!("({},{})", inside[0], inside[1])),
        (Modifier::Precision, _) => fail("(precision, scale) goes from 1 to 1000 and from -1000 to 1000"),
        (Modifier::Geometry, _) => {
            let shape = inside[0].trim_end_matches(['z', 'm']);
            let known = SHAPES.contains(&shape) || SHAPES.contains(&inside[0].as_str());
            let srid = inside.get(1).is_none_or(|srid| srid.parse::<u32>().is_ok_and(|srid| srid <= 999_999));
            if known && srid && inside.len() <= 2 {
                Ok(format!("({})", inside.join(",")))
            } else {
                fail("write (shape, srid), such as (MultiPolygon, 2263)")
            }
        }
    }
}

fn suggestion(name: &str) -> String {
    if let Some((_, ours)) = FOREIGN.iter().find(|(foreign, _)| *foreign == name) {
        return format!("did you mean `{ours}`?");
    }
    match nearest(name, TYPES.iter().flat_map(|(names, ..)| names.iter().copied())) {
        Some(near) => format!("did you mean `{near}`?"),
        None => "a type of your own carries its schema: public.status".to_owned(),
    }
}

impl fmt::Display for TypeName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_spelling_is_kept_in_one() {
        for (written, kept) in [
            ("int", "integer"),
            ("BOOL", "boolean"),
            ("char(10)", "char(10)"),
            ("character varying (20)", "varchar(20)"),
            ("numeric(9, 6)", "numeric(9,6)"),
            ("numeric(9)", "numeric(9,0)"),
            ("decimal", "numeric"),
            ("timestamp(3) with time zone", "timestamptz(3)"),
            ("Double  Precision", "double precision"),
            ("text[]", "text[]"),
            ("integer[3][]", "integer[]"),
            ("geometry(MultiPolygon, 2263)", "geometry(multipolygon,2263)"),
            ("geometry(PointZ)", "geometry(pointz)"),
            ("public.status", "public.status"),
            ("char", "char(1)"),
        ] {
            assert_eq!(TypeName::parse(written).map(|t| t.to_string()), Ok(kept.to_owned()), "{written}");
            assert_eq!(TypeName::parse(kept).map(|t| t.to_string()), Ok(kept.to_owned()), "{kept}");
        }
    }

    #[test]
    fn what_is_no_type_is_answered_with_the_one_that_was_meant() {
        for (written, help) in [
            ("string", "did you mean `text`?"),
            ("interger", "did you mean `integer`?"),
            ("datetime", "did you mean `timestamp`?"),
            ("serial", "write bigint identity"),
            ("text[", "write an array as text[]"),
            ("status", "a type of your own carries its schema: public.status"),
        ] {
            let error = TypeName::parse(written).unwrap_err();
            assert_eq!(error.help(), Some(help), "{written}: {error}");
        }
        for bad in ["char(0)", "numeric(2000)", "integer(4)", "timestamp(7)", "geometry(Circle)", "char(10", "text)"] {
            assert!(TypeName::parse(bad).is_err(), "{bad}");
        }
    }
}
