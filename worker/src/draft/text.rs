//! The three texts of a new dataset: manifest, sample and expectation, from what its source holds.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use manifest::dataset::header_key;
use manifest::{DatasetName, Identifier};
use serde::Serialize;
use serde_json::json;

use super::guess::Guess;
use super::look::Looked;
use super::origin::Place;
use super::shape::Inner;

/// Values that the expectation looks at.
const VALUES: usize = 5;
/// Indexes that are proposed.
const INDEXES: usize = 4;
/// The longest name that a dataset has.
const NAME: usize = 40;

/// The texts, and what was decided.
#[derive(Debug)]
pub struct Draft {
    /// The dataset.
    pub name: DatasetName,
    /// The manifest.
    pub manifest: String,
    /// The sample's name and bytes, where one could be written.
    pub sample: Option<(String, Vec<u8>)>,
    /// The expectation.
    pub expectation: String,
    /// Its columns.
    pub columns: Vec<Column>,
    /// The source's rows.
    pub rows: u64,
    /// What a person should look at.
    pub notes: Vec<String>,
}

/// A column of the manifest.
#[derive(Debug, Serialize)]
pub struct Column {
    /// What the source calls it.
    pub header: String,
    /// Its name.
    pub name: String,
    /// Its type.
    #[serde(rename = "type")]
    pub type_name: String,
}

/// A column that is loaded.
struct Loaded<'a> {
    field: usize,
    header: &'a str,
    name: String,
    guess: Guess,
}

/// The name of a dataset whose file is called so; `None` when nothing of it can be part of a name.
pub(super) fn dataset_name(file_name: &str) -> Option<DatasetName> {
    let stem = file_name.split('.').next().unwrap_or_default();
    let name = snake(stem);
    let name = if name.starts_with(|c: char| c.is_ascii_digit()) { format!("data_{name}") } else { name };
    name.chars().take(NAME).collect::<String>().trim_end_matches('_').parse().ok()
}

/// Writes the texts.
pub(super) fn draft(name: &DatasetName, place: &Place, looked: &Looked) -> Draft {
    let mut notes = Vec::new();
    let columns = columns(looked, &mut notes);
    let ending = looked.sample.as_ref().map_or(looked.shape.inner.ending(), |sample| &sample.ending);
    let file = format!("{name}.{ending}");
    if place.is_local() {
        notes.push(format!(
            "{} is a file of this machine: write the publisher's address instead of url: in the manifest",
            place.file_name
        ));
    }
    if looked.sample.is_none() {
        notes.push(
            "a sample of this format is not written: put a small file of it beside the others in samples/".to_owned(),
        );
    }
    let named = |column: &Loaded<'_>| Column {
        header: column.header.to_owned(),
        name: column.name.clone(),
        type_name: column.guess.type_name.to_string(),
    };
    Draft {
        name: name.clone(),
        manifest: manifest_text(name, place, &file, looked, &columns),
        sample: looked.sample.as_ref().map(|sample| (file, sample.bytes.clone())),
        expectation: expectation(name, looked, &columns),
        columns: columns.iter().map(named).collect(),
        rows: looked.rows,
        notes,
    }
}

/// A column for each header that has a name.
fn columns<'a>(table: &'a Looked, notes: &mut Vec<String>) -> Vec<Loaded<'a>> {
    let mut taken = BTreeSet::new();
    let mut columns = Vec::new();
    for (field, (header, guess)) in table.headers.iter().zip(&table.columns).enumerate() {
        // Fields of a portal's own system, such as `:id`.
        if header.starts_with(':') {
            continue;
        }
        if header_key(header).is_empty() {
            notes.push(format!("column {} is not loaded: it has no name, or holds what no column takes", field + 1));
            continue;
        }
        let wanted = column_name(header);
        let mut name = wanted.clone();
        for number in 2.. {
            if taken.insert(header_key(&name)) {
                break;
            }
            name = format!("{wanted}_{number}");
        }
        columns.push(Loaded { field, header, name, guess: guess.clone() });
    }
    columns
}

/// A header as the name of a column: lower case, words parted by underscores.
fn column_name(header: &str) -> String {
    let name = snake(&header.replace('%', " pct "));
    let name = if name.starts_with(|c: char| c.is_ascii_digit()) { format!("_{name}") } else { name };
    if name.parse::<Identifier>().is_ok() { name } else { "column".to_owned() }
}

fn snake(text: &str) -> String {
    let mut name = String::new();
    for c in text.chars() {
        if c.is_ascii_alphanumeric() {
            name.push(c.to_ascii_lowercase());
        } else if !name.is_empty() && !name.ends_with('_') {
            name.push('_');
        }
    }
    // PostgreSQL's names have 63 bytes.
    name.truncate(60);
    name.trim_end_matches('_').to_owned()
}

fn manifest_text(name: &DatasetName, place: &Place, file: &str, table: &Looked, columns: &[Loaded<'_>]) -> String {
    let mut out = String::new();
    let mut title = name.as_str().replace('_', " ");
    // Names are ASCII.
    if let Some(first) = title.get_mut(..1) {
        first.make_ascii_uppercase();
    }
    let _ = writeln!(out, "# yaml-language-server: $schema=../../docs/schema/dataset.json");
    let _ =
        writeln!(out, "dataset: {name}\ntitle: {}\npublisher: {}\ntables:", quoted(&title), quoted(&place.publisher()));
    let _ = write!(out, "  {name}:\n    sources: [{{{}, file: {}", place.keys(), quoted(file));
    let shape = &table.shape;
    if let Some(member) = &shape.member {
        let _ = write!(out, ", member: {}", quoted(member));
        // A member's name may tell another format, or none.
        match shape.inner {
            Inner::Shapefile => {}
            inner => drop(write!(out, ", format: {}", inner.ending())),
        }
    }
    out.push_str("}]\n");
    if let Inner::Delimited(mark) = shape.inner
        && mark != b','
        && mark != b'\t'
    {
        let _ = writeln!(out, "    delimiter: \"{}\"", char::from(mark));
    }
    if shape.is_latin {
        out.push_str("    encoding: windows-1252\n");
    }
    if shape.is_header_found {
        out.push_str("    header: find\n");
    }
    out.push_str("    columns:\n");
    for column in columns {
        let _ = writeln!(out, "      {}: {}", column.name, column.guess.type_name);
    }
    // An object may lack what others have.
    let lacking =
        columns.iter().filter(|column| shape.inner.is_json() && table.lacking.get(column.field) == Some(&true));
    let lacking: Vec<_> = lacking.map(|column| column.name.as_str()).collect();
    if !lacking.is_empty() {
        let _ = writeln!(out, "    optional: [{}]", lacking.join(", "));
    }
    let renamed: Vec<_> =
        columns.iter().filter(|column| header_key(column.header) != header_key(&column.name)).collect();
    if !renamed.is_empty() {
        out.push_str("    rename:\n");
        for column in renamed {
            let _ = writeln!(out, "      {}: {}", quoted(column.header), column.name);
        }
    }
    let parsed = columns.iter().filter_map(|column| Some(format!("{}: {}", column.name, column.guess.parser?)));
    let parsed: Vec<_> = parsed.collect();
    if !parsed.is_empty() {
        let _ = writeln!(out, "    parse: {{{}}}", parsed.join(", "));
    }
    let keys = columns.iter().filter(|column| is_key(&column.name)).take(INDEXES).map(|column| column.name.clone());
    let shapes = columns.iter().filter(|column| column.guess.type_name.starts_with("geometry"));
    let keys: Vec<_> = keys.chain(shapes.map(|column| format!("{{gist: {}}}", column.name))).collect();
    if !keys.is_empty() {
        let _ = writeln!(out, "    indexes: [{}]", keys.join(", "));
    }
    // A tenth less than there are now is still a whole file.
    let _ = writeln!(out, "    expect: {{rows: {}, max_drop: 10%}}", (table.rows - table.rows / 10).max(1));
    out
}

/// Whether people will look rows up by it.
fn is_key(name: &str) -> bool {
    ["id", "bbl", "bin"].contains(&name) || name.ends_with("_id") || name.ends_with("number")
}

/// How many rows, and values whose text in PostgreSQL is as it stands in the file.
fn expectation(name: &DatasetName, table: &Looked, columns: &[Loaded<'_>]) -> String {
    let text = |row: usize, column: &Loaded<'_>| {
        table.sample_rows.get(row)?.get(column.field).and_then(|field| std::str::from_utf8(field).ok()).map(str::trim)
    };
    let plain = |column: &&Loaded<'_>| column.guess.type_name == "text" || column.guess.type_name == "integer";
    let as_written = |value: &str, column: &Loaded<'_>| {
        column.guess.type_name == "text" || (!value.is_empty() && value.bytes().all(|byte| byte.is_ascii_digit()))
    };
    let is_unique = |column: &&Loaded<'_>| {
        let values: BTreeSet<_> = (0..table.sample_rows.len()).map(|row| text(row, column)).collect();
        values.len() == table.sample_rows.len()
            && values.iter().all(|value| value.is_some_and(|value| !value.is_empty() && as_written(value, column)))
    };
    let mut values = Vec::new();
    if let Some(key) = columns.iter().filter(plain).find(is_unique) {
        for (row, column) in columns.iter().filter(plain).filter(|column| column.field != key.field).enumerate() {
            let row = row % table.sample_rows.len().max(1);
            let (Some(is), Some(value)) = (text(row, key), text(row, column)) else { continue };
            if values.len() < VALUES && !value.is_empty() && as_written(value, column) {
                let condition = format!("{} = '{}'", key.name, is.replace('\'', "''"));
                values.push(json!({"where": condition, "column": column.name, "text": value}));
            }
        }
    }
    let rows = table.sample.as_ref().map_or(0, |sample| sample.rows);
    let tables = json!({name.as_str(): {"rows": rows, "values": values}});
    format!("{:#}\n", json!({"bad_values": 0, "tables": tables}))
}

/// A text in YAML, quoted.
fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_made_of_what_can_be_in_a_name() {
        for (file, name) in
            [("2020 trees.csv", "data_2020_trees"), ("wvxf-dwi5.csv", "wvxf_dwi5"), ("Übung.csv", "bung")]
        {
            assert_eq!(dataset_name(file).unwrap().as_str(), name);
        }
        assert!(dataset_name("…").is_none());
        for (header, name) in
            [("% alive", "pct_alive"), ("2020 count", "_2020_count"), ("Straße", "stra_e"), ("…", "column")]
        {
            assert_eq!(column_name(header), name);
        }
    }
}
