//! A type for a column whose values are not of the one that it is declared with: the texts that could not be read come in, the narrowest
//! type that holds these and all that the declared one holds goes out.

use manifest::dataset::Column;
use value::{Encoder, Parser, Type};

/// Types that hold at least what those before them hold, with the word that each is declared by.
const WIDER: &[&[&str]] = &[
    &["smallint", "integer", "bigint", "numeric", "text"],
    &["real", "double precision", "numeric", "text"],
    &["date", "timestamp", "text"],
];

/// Types to try where nothing of a column could be read.
const OTHERS: &[&str] = &["integer", "bigint", "numeric", "date", "timestamp", "boolean", "uuid"];

/// The type that holds what these texts say; `None` where the declared one should, and the texts are just wrong. `is_all` says that no
/// value at all could be read as it is declared, so that any other type may be meant.
pub fn fitting(column: &Column, texts: &[&str], is_all: bool) -> Option<String> {
    let declared = column.type_name.as_str();
    let name = declared.split('(').next().unwrap_or_default();
    let holds = |type_name: &&&str| {
        let parsed: Option<Type> = type_name.parse().ok();
        let encoder = parsed.and_then(|parsed| Encoder::new(parsed, Parser::Auto).ok());
        encoder.is_some_and(|encoder| {
            let mut out = Vec::new();
            texts.iter().all(|text| encoder.encode(text.as_bytes(), &mut out).is_ok())
        })
    };
    if texts.is_empty() || name == "text" {
        return None;
    }
    if is_all && let Some(other) = OTHERS.iter().filter(|other| **other != name).find(holds) {
        return Some((*other).to_owned());
    }
    let wider =
        WIDER.iter().find_map(|ladder| ladder.iter().position(|step| *step == name).map(|at| &ladder[at + 1..]));
    // A number of another scale or a longer text first of all wants no limit.
    let unlimited = (declared != name && name == "numeric").then_some("numeric");
    let candidates = unlimited.iter().chain(wider.unwrap_or(&["text"]));
    candidates.filter(|other| **other != declared).find(holds).map(|other| (*other).to_owned())
}

#[cfg(test)]
mod tests {
    use super::super::layout::tests::table;
    use super::*;

    fn fits(declared: &str, texts: &[&str], is_all: bool) -> Option<String> {
        let table = table(&[&format!("a {declared}")]);
        fitting(&table.columns[0], texts, is_all)
    }

    #[test]
    fn a_column_gets_the_narrowest_type_that_loses_nothing() {
        for (declared, texts, is_all, expected) in [
            ("smallint", &["40000"][..], false, Some("integer")),
            ("integer", &["1.5", "2"], false, Some("numeric")),
            ("integer", &["1.5", "n/a"], false, Some("text")),
            ("numeric(4,2)", &["123.456"], false, Some("numeric")),
            ("date", &["2020-01-01 10:00:00"], false, Some("timestamp")),
            ("char(4)", &["SI0203"], false, Some("text")),
            ("boolean", &["2013-10-09"], true, Some("date")),
            ("numeric", &["F"], true, Some("boolean")),
            ("text", &["x"], false, None),
        ] {
            assert_eq!(fits(declared, texts, is_all).as_deref(), expected, "{declared} {texts:?}");
        }
    }
}
