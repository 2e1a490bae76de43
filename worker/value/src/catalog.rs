//! Columns whose types a database has made itself: what its catalog says of a type comes in as a [`Kind`], which
//! [`Encoder::of`](crate::Encoder::of) takes like any type. Domains are their base types here; what a domain checks, and what
//! no encoder knows, is for the server to judge.

use std::fmt;

use crate::Type;

/// What the values of a column are, once the database's catalog was asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Kind {
    /// A built-in type, or one that is written like it.
    BuiltIn(Type),
    /// An enum, by its labels.
    Enum(Labels),
    /// An array of one of these, by the OID of its elements.
    Array(Box<Kind>, u32),
    /// A type that only the server reads: text is handed on as it is.
    Foreign,
}

/// The labels of an enum.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Labels(Vec<Box<str>>);

impl Labels {
    /// From their texts in any order.
    pub fn new(labels: impl IntoIterator<Item = impl Into<Box<str>>>) -> Self {
        let mut labels: Vec<Box<str>> = labels.into_iter().map(Into::into).collect();
        labels.sort_unstable();
        Self(labels)
    }

    /// Whether this is one of them, letter by letter.
    #[inline]
    pub(crate) fn holds(&self, text: &[u8]) -> bool {
        self.0.binary_search_by(|label| label.as_bytes().cmp(text)).is_ok()
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::BuiltIn(built_in) => built_in.fmt(f),
            Self::Enum(_) => f.write_str("an enum"),
            Self::Array(element, _) => write!(f, "an array of {element}"),
            Self::Foreign => f.write_str("a type that only the server reads"),
        }
    }
}

impl From<Type> for Kind {
    fn from(built_in: Type) -> Self {
        Self::BuiltIn(built_in)
    }
}

#[cfg(test)]
mod tests {
    use super::{Kind, Labels};
    use crate::{Bad, Encoded, Encoder, Parser, Type};

    fn mood() -> Kind {
        Kind::Enum(Labels::new(["sad", "ok", "very happy", "Häppy"]))
    }

    fn encode(kind: &Kind, text: &str) -> Result<(Encoded, Vec<u8>), Bad> {
        let mut out = Vec::new();
        let encoded = Encoder::of(kind, Parser::Auto).unwrap().encode(text.as_bytes(), &mut out)?;
        Ok((encoded, out.split_off(4)))
    }

    #[test]
    fn only_labels_are_values_of_an_enum() {
        for label in ["sad", "ok", "very happy", "Häppy"] {
            assert_eq!(encode(&mood(), &format!(" {label} ")), Ok((Encoded::Value, label.into())));
        }
        for text in ["Sad", "o", "okay", "very  happy", "Happy"] {
            assert_eq!(encode(&mood(), text), Err(Bad::NotALabel), "{text}");
        }
        assert_eq!(encode(&mood(), "").map(|(encoded, _)| encoded), Ok(Encoded::Null));
    }

    #[test]
    fn an_array_carries_the_oid_of_its_elements() {
        let moods = Kind::Array(Box::new(mood()), 70_001);
        let (_, array) = encode(&moods, "{sad,\"very happy\"}").unwrap();
        assert_eq!(array[8..12], 70_001_u32.to_be_bytes());
        assert_eq!(encode(&moods, "ok, sad").unwrap().1.len(), 20 + 4 + 2 + 4 + 3);
        assert_eq!(encode(&moods, "ok,bad"), Err(Bad::NotALabel));
    }

    #[test]
    fn what_only_the_server_reads_is_handed_on() {
        assert_eq!(encode(&Kind::Foreign, " 3 days "), Ok((Encoded::Trimmed, b"3 days".to_vec())));
        assert_eq!(encode(&Kind::Foreign, "a\0b"), Err(Bad::NulByte));
    }

    #[test]
    fn parsers_are_for_built_in_types() {
        let mismatch = Encoder::of(&mood(), Parser::Dmy).unwrap_err();
        assert_eq!(mismatch.to_string(), "the parser dmy does not read an enum");
        let date: Type = "date".parse().unwrap();
        assert!(Encoder::of(&date.into(), Parser::Dmy).is_ok());
    }
}
