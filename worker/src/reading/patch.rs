//! Lines of a manifest that would make it fit its files again, ready to be pasted: what was found of the files comes in, each list as it
//! would have to be goes out, with what it holds already.

use std::collections::BTreeSet;

use manifest::Identifier;
use manifest::dataset::{Table, header_key};

use super::drift::Drift;
use super::header::{HeaderError, MissingColumn};

/// Longest name that PostgreSQL holds, in bytes.
const LONGEST: usize = 63;

/// Changes to one table of a manifest.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Patch {
    /// Columns to declare, each with its type and a word on it.
    columns: Vec<(String, String, String)>,
    rename: Vec<(String, String)>,
    optional: Vec<String>,
    skip: Vec<String>,
}

impl Patch {
    /// What drift asks for.
    pub fn of_drift(table: &Table, drift: &[Drift]) -> Self {
        let mut patch = Self::default();
        for drift in drift {
            match drift {
                Drift::Extra { headers, .. } => headers.iter().for_each(|header| patch.declare(table, header)),
                Drift::Renamed { headers, .. } => {
                    for (header, column) in headers {
                        patch.rename(header, column.as_str());
                    }
                }
                Drift::Retyped { column, declared, fits, .. } => {
                    let word = format!("instead of {declared}");
                    patch.columns.push((column.to_string(), fits.clone(), word));
                }
                Drift::Unnamed { .. } if !patch.skip.iter().any(String::is_empty) => patch.skip.push(String::new()),
                Drift::Unnamed { .. } | Drift::Absent { .. } | Drift::Reordered { .. } => {}
            }
        }
        patch
    }

    /// What a header row that does not fit asks for.
    pub fn of_header(table: &Table, error: &HeaderError) -> Self {
        let mut patch = Self::default();
        match error {
            HeaderError::Missing(missing) | HeaderError::NotFound { missing, .. } => {
                for MissingColumn { column, near } in missing {
                    match near {
                        Some(header) => patch.rename(header, column.as_str()),
                        None => patch.optional.push(column.to_string()),
                    }
                }
            }
            HeaderError::Extra(headers) => headers.iter().for_each(|header| patch.declare(table, header)),
            HeaderError::Duplicate { column, headers } => {
                if let [first, others @ ..] = headers.as_slice()
                    && others.iter().any(|other| other != first)
                {
                    patch.rename(first, column.as_str());
                    patch.skip.extend(others.iter().filter(|header| *header != first).cloned());
                }
            }
            HeaderError::NotUtf8 { .. } | HeaderError::Empty => {}
        }
        patch
    }

    fn rename(&mut self, header: &str, column: &str) {
        let entry = (header.to_owned(), column.to_owned());
        if !self.rename.contains(&entry) {
            self.rename.push(entry);
        }
    }

    /// A column for a header that the manifest does not know. Text holds whatever comes.
    fn declare(&mut self, table: &Table, header: &str) {
        let is_taken = |name: &str| {
            table.columns.iter().any(|column| column.name.as_str() == name)
                || self.columns.iter().any(|(column, ..)| column == name)
        };
        let Some(column) = column_name(header, is_taken) else { return };
        if header_key(&column) != header_key(header) {
            self.rename(header, &column);
        }
        let word = format!("or skip: [{}]", scalar(header));
        self.columns.push((column, "text".to_owned(), word));
    }

    /// Its lines, indented as they stand in a manifest; none when there is nothing to change.
    pub fn lines(&self, table: &Table) -> Vec<String> {
        let mut lines = Vec::new();
        if !self.columns.is_empty() {
            lines.push("columns:".to_owned());
            let column = |(name, type_name, word): &(String, String, String)| format!("  {name}: {type_name} # {word}");
            lines.extend(self.columns.iter().map(column));
        }
        if !self.rename.is_empty() {
            let old = table.rename.iter().map(|(header, column)| (header.clone(), column.to_string()));
            let all: Vec<_> = old.chain(self.rename.iter().cloned()).collect();
            let entries = all.iter().map(|(header, column)| format!("{}: {column}", scalar(header)));
            lines.push(format!("rename: {{{}}}", entries.collect::<Vec<_>>().join(", ")));
        }
        if !self.optional.is_empty() {
            let old = table.optional.iter().map(ToString::to_string);
            let all: BTreeSet<String> = old.chain(self.optional.iter().cloned()).collect();
            lines.push(format!("optional: [{}]", all.into_iter().collect::<Vec<_>>().join(", ")));
        }
        if !self.skip.is_empty() {
            let all: BTreeSet<&String> = table.skip.iter().chain(&self.skip).collect();
            lines.push(format!(
                "skip: [{}]",
                all.into_iter().map(|header| scalar(header)).collect::<Vec<_>>().join(", ")
            ));
        }
        lines
    }
}

/// A text as YAML reads it in any place.
fn scalar(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

/// A name in PostgreSQL for a header: its words, joined. One that is too long ends before the character that does not fit.
fn column_name(header: &str, is_taken: impl Fn(&str) -> bool) -> Option<String> {
    let mut name = String::new();
    for c in header.replace('%', " pct ").chars().flat_map(char::to_lowercase) {
        if c.is_alphanumeric() {
            name.push(c);
        } else if !name.is_empty() && !name.ends_with('_') {
            name.push('_');
        }
    }
    if name.starts_with(|first: char| !first.is_lowercase()) {
        name.insert(0, '_');
    }
    let name = cut(name.trim_end_matches('_'), LONGEST).to_owned();
    let numbered = (2..100).map(|number| format!("{}_{number}", cut(&name, LONGEST - 3)));
    let free = std::iter::once(name.clone()).chain(numbered).find(|name| !is_taken(name))?;
    free.parse::<Identifier>().is_ok().then_some(free)
}

fn cut(text: &str, bytes: usize) -> &str {
    &text[..text.floor_char_boundary(bytes)]
}

#[cfg(test)]
mod tests {
    use super::super::layout::tests::table;
    use super::*;

    fn name(header: &str) -> Option<String> {
        column_name(header, |name| name == "taken")
    }

    #[test]
    fn a_header_becomes_a_name_that_postgresql_takes() {
        for (header, expected) in [
            ("Community Board", "community_board"),
            ("% TRANSFERRED", "pct_transferred"),
            ("2017 values", "_2017_values"),
            ("BBL\n(old)", "bbl_old"),
            ("año", "año"),
            ("taken", "taken_2"),
        ] {
            assert_eq!(name(header).as_deref(), Some(expected), "{header}");
            assert!(expected.parse::<Identifier>().is_ok());
        }
        assert_eq!(name(" - "), None);
        let long = format!("{}é and more", "x".repeat(62));
        assert_eq!(name(&long), Some("x".repeat(62)));
    }

    #[test]
    fn lists_are_whole_so_that_they_can_be_pasted_over_what_is_there() {
        let mut table = table(&["species text", "height integer"]);
        table.rename.insert("Old".into(), "height".parse().unwrap());
        table.skip.insert("Notes".into());
        let long = format!("{}é", "x".repeat(62));
        let drift = [
            Drift::Extra { file: "a.csv".into(), headers: vec!["New One".into(), long.clone()] },
            Drift::Renamed { file: "a.csv".into(), headers: vec![("Spec\"ies".into(), "species".parse().unwrap())] },
            Drift::Unnamed { file: "a.csv".into(), fields: vec![1] },
            Drift::Retyped {
                column: "height".parse().unwrap(),
                declared: "integer".into(),
                fits: "numeric".into(),
                bad: 3,
            },
        ];
        let x = "x".repeat(62);
        assert_eq!(
            Patch::of_drift(&table, &drift).lines(&table),
            [
                "columns:".to_owned(),
                "  new_one: text # or skip: [\"New One\"]".to_owned(),
                format!("  {x}: text # or skip: [\"{x}é\"]"),
                "  height: numeric # instead of integer".to_owned(),
                format!("rename: {{\"Old\": height, \"{x}é\": {x}, \"Spec\\\"ies\": species}}"),
                "skip: [\"\", \"Notes\"]".to_owned(),
            ]
        );
        let missing = HeaderError::Missing(vec![
            MissingColumn { column: "species".parse().unwrap(), near: Some("Specie".into()) },
            MissingColumn { column: "height".parse().unwrap(), near: None },
        ]);
        assert_eq!(
            Patch::of_header(&table, &missing).lines(&table),
            ["rename: {\"Old\": height, \"Specie\": species}", "optional: [height]"]
        );
        assert_eq!(Patch::of_header(&table, &HeaderError::Empty).lines(&table), [""; 0]);
    }
}
