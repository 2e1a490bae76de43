//! The three texts of a new dataset: manifest, sample and expectation, from what its file holds.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use csv::{QuoteStyle, WriterBuilder};
use manifest::dataset::header_key;
use manifest::{DatasetName, Identifier};
use serde_json::json;

use super::guess::{Guess, Guessed};

/// Values that the expectation looks at.
const VALUES: usize = 5;
/// Indexes that are proposed.
const INDEXES: usize = 4;
/// The longest name that a dataset has.
const NAME: usize = 40;

/// The texts, and what was decided.
pub(super) struct Draft {
    pub(super) manifest: Vec<u8>,
    pub(super) sample_name: String,
    pub(super) sample: Vec<u8>,
    pub(super) expectation: Vec<u8>,
    /// Header, column, type.
    pub(super) columns: Vec<(String, String, String)>,
    pub(super) notes: Vec<String>,
}

/// A column that is loaded.
struct Column<'a> {
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
pub(super) fn draft(
    name: &DatasetName,
    source: &str,
    address: Option<&str>,
    file_name: &str,
    table: &Guessed,
) -> Draft {
    let mut notes = Vec::new();
    let columns = columns(table, &mut notes);
    let sample_name = format!("{name}.csv");
    if address.is_none() {
        notes.push(format!(
            "{source} is a file of this machine: write the publisher's address instead of url: in the manifest"
        ));
    }
    let url = address.map_or_else(|| format!("https://example.org/{}", escaped(file_name)), str::to_owned);
    let manifest = manifest_text(name, &url, &sample_name, table, &columns);
    let names =
        columns.iter().map(|column| (column.header.to_owned(), column.name.clone(), column.guess.type_name.to_owned()));
    Draft {
        manifest: manifest.into_bytes(),
        sample: sample(table),
        expectation: expectation(name, table, &columns),
        columns: names.collect(),
        sample_name,
        notes,
    }
}

/// A column for each header that has a name.
fn columns<'a>(table: &'a Guessed, notes: &mut Vec<String>) -> Vec<Column<'a>> {
    let mut taken = BTreeSet::new();
    let mut columns = Vec::new();
    for (field, (header, guess)) in table.headers.iter().zip(&table.columns).enumerate() {
        if header_key(header).is_empty() {
            notes.push(format!("column {} has no name and is not loaded", field + 1));
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
        columns.push(Column { field, header, name, guess: *guess });
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

fn manifest_text(name: &DatasetName, url: &str, sample_name: &str, table: &Guessed, columns: &[Column<'_>]) -> String {
    let mut out = String::new();
    let host = url::Url::parse(url).ok().and_then(|url| url.host_str().map(str::to_owned)).unwrap_or_default();
    let title = name.as_str().replace('_', " ");
    let _ = writeln!(out, "# yaml-language-server: $schema=../../docs/schema/dataset.json");
    let _ = writeln!(out, "dataset: {name}\ntitle: {}\npublisher: {}\ntables:", quoted(&title), quoted(&host));
    let _ = writeln!(out, "  {name}:\n    sources: [{{url: {}, file: {}}}]", quoted(url), quoted(sample_name));
    if table.delimiter != b',' {
        let delimiter =
            if table.delimiter == b'\t' { "\\t".to_owned() } else { char::from(table.delimiter).to_string() };
        let _ = writeln!(out, "    delimiter: \"{delimiter}\"");
    }
    if table.is_latin {
        out.push_str("    encoding: windows-1252\n");
    }
    out.push_str("    columns:\n");
    for column in columns {
        let _ = writeln!(out, "      {}: {}", column.name, column.guess.type_name);
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
    let keys: Vec<_> =
        columns.iter().filter(|column| is_key(&column.name)).take(INDEXES).map(|c| c.name.as_str()).collect();
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

/// The sample in the file's own shape.
fn sample(table: &Guessed) -> Vec<u8> {
    let mut out = Vec::new();
    let style = QuoteStyle::Necessary;
    let mut rows = WriterBuilder::new().delimiter(table.delimiter).quote_style(style).from_writer(&mut out);
    // Writing to memory does not fail.
    let _ = rows.write_record(&table.headers);
    for record in &table.sample {
        let _ = rows.write_byte_record(record);
    }
    let _ = rows.flush();
    drop(rows);
    out
}

/// How many rows, and values whose text in PostgreSQL is as it stands in the file.
fn expectation(name: &DatasetName, table: &Guessed, columns: &[Column<'_>]) -> Vec<u8> {
    let text = |row: usize, column: &Column<'_>| {
        table.sample.get(row)?.get(column.field).and_then(|field| std::str::from_utf8(field).ok()).map(str::trim)
    };
    let plain = |column: &&Column<'_>| column.guess.type_name == "text" || column.guess.type_name == "integer";
    let as_written = |value: &str, column: &Column<'_>| {
        column.guess.type_name == "text" || (!value.is_empty() && value.bytes().all(|byte| byte.is_ascii_digit()))
    };
    let is_unique = |column: &&Column<'_>| {
        let values: BTreeSet<_> = (0..table.sample.len()).map(|row| text(row, column)).collect();
        values.len() == table.sample.len()
            && values.iter().all(|value| value.is_some_and(|value| !value.is_empty() && as_written(value, column)))
    };
    let mut values = Vec::new();
    if let Some(key) = columns.iter().filter(plain).find(is_unique) {
        for (row, column) in columns.iter().filter(plain).filter(|column| column.field != key.field).enumerate() {
            let row = row % table.sample.len().max(1);
            let (Some(is), Some(value)) = (text(row, key), text(row, column)) else { continue };
            if values.len() < VALUES && !value.is_empty() && as_written(value, column) {
                let condition = format!("{} = '{}'", key.name, is.replace('\'', "''"));
                values.push(json!({"where": condition, "column": column.name, "text": value}));
            }
        }
    }
    let rows = table.sample.len();
    let tables = json!({name.as_str(): {"rows": rows, "values": values}});
    format!("{:#}\n", json!({"bad_values": 0, "tables": tables})).into_bytes()
}

/// A text in YAML, quoted.
fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

/// A file's name as part of an address.
fn escaped(text: &str) -> String {
    url::form_urlencoded::byte_serialize(text.as_bytes()).collect()
}

#[cfg(test)]
mod tests {
    use super::super::guess;
    use super::*;

    #[test]
    fn the_manifest_says_what_the_file_holds() {
        let csv = "Tree ID,% alive,Planted on,2020 count,Straße\n1,50,31/12/2020,007,a\n2,7.5,01/02/2021,012,b\n";
        let table = guess::table(csv.as_bytes()).unwrap();
        let name = dataset_name("Street Trees (2020).csv").unwrap();
        let draft = draft(&name, "trees.csv", Some("https://example.org/trees.csv"), "trees.csv", &table);
        let text = String::from_utf8(draft.manifest).unwrap();
        for line in [
            "dataset: street_trees_2020",
            "      tree_id: integer",
            "      pct_alive: numeric",
            "      _2020_count: text",
            "      \"Straße\": stra_e",
            "    parse: {planted_on: dmy}",
            "    indexes: [tree_id]",
        ] {
            assert!(text.contains(line), "{line} is not in\n{text}");
        }
        let expected: serde_json::Value = serde_json::from_slice(&draft.expectation).unwrap();
        assert_eq!(expected["tables"]["street_trees_2020"]["rows"], 2);
    }

    #[test]
    fn names_are_made_of_what_can_be_in_a_name() {
        for (file, name) in
            [("2020 trees.csv", "data_2020_trees"), ("wvxf-dwi5.csv", "wvxf_dwi5"), ("Übung.csv", "bung")]
        {
            assert_eq!(dataset_name(file).unwrap().as_str(), name);
        }
        assert!(dataset_name("…").is_none());
    }
}
