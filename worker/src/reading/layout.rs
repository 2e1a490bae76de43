//! A table of the manifest, compiled: the columns of its `COPY` in order, each with its type, its parser and where its text comes from.

use jiff::tz::TimeZone;
use manifest::Identifier;
use manifest::dataset::{Column, Derivation, Function, Load, Nullability, Parser, SOURCE_VALUES, Table};
use manifest::template::Template;
use value::{Encoder, Overlap};

use super::header::{Need, Wanted};
use super::types::OwnTypes;

/// The columns that a table's `COPY` brings, in order: all but those that PostgreSQL numbers itself.
pub fn copied_columns(table: &Table) -> impl Iterator<Item = &Column> {
    table.columns.iter().filter(|column| column.nullability != Nullability::Identity)
}

/// A compiled table.
#[derive(Debug)]
pub(super) struct Layout {
    pub(super) columns: Vec<LayoutColumn>,
    pub(super) wanted: Wanted,
}

/// A column of the `COPY`.
#[derive(Debug)]
pub(super) struct LayoutColumn {
    pub(super) name: Identifier,
    pub(super) encoder: Encoder,
    /// A row without a value is kept out.
    pub(super) is_required: bool,
    pub(super) from: From,
}

/// Where the text of a column comes from.
#[derive(Debug)]
pub(super) enum From {
    /// The file's own column.
    File,
    Call {
        function: Function,
        arguments: Vec<Identifier>,
        form: Form,
    },
    Template(Template),
}

/// How a column holds what a function makes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    Text,
    /// As bytes, which are written in hexadecimal.
    Bytes,
}

impl Layout {
    /// Compiles a table, whose local times are of this zone. What this worker does not serve is the error, each in a few words.
    pub(super) fn new(table: &Table, zone: Option<&TimeZone>, types: &OwnTypes) -> Result<Self, Vec<String>> {
        let mut unserved = Vec::new();
        let mut columns = Vec::new();
        let mut wanted = Vec::new();
        for column in copied_columns(table) {
            let from = table.derive.get(&column.name).map_or(Ok(From::File), |how| derived(column, how));
            if matches!(from, Ok(From::File)) {
                wanted.push((column.name.clone(), need(table, &column.name)));
            }
            let is_required = column.nullability == Nullability::NotNull
                || table.primary_key.contains(&column.name)
                || types.of(&column.type_name).is_some_and(|own| own.is_required)
                // A row without its key would be new every time.
                || matches!(&table.load, Load::Upsert { key, .. } if key.contains(&column.name));
            let parser = table.parse.get(&column.name).copied();
            match from.and_then(|from| Ok((from, encoder(column, parser, zone, types)?))) {
                Ok((from, encoder)) => {
                    columns.push(LayoutColumn { name: column.name.clone(), encoder, is_required, from });
                }
                Err(what) => unserved.push(what),
            }
        }
        let mut want = |name: Identifier| {
            if !wanted.iter().any(|(column, _)| *column == name) {
                let need = need(table, &name);
                wanted.push((name, need));
            }
        };
        for column in &columns {
            column.from.names().into_iter().filter(|name| is_column(table, name)).for_each(&mut want);
        }
        table.keep.keys().filter(|name| !table.derive.contains_key(*name)).cloned().for_each(&mut want);
        if unserved.is_empty() { Ok(Self { wanted: Wanted::new(table, wanted), columns }) } else { Err(unserved) }
    }
}

impl From {
    /// What it is made of: columns, and for a template also what its source has for all of its records.
    fn names(&self) -> Vec<Identifier> {
        match self {
            Self::File => Vec::new(),
            Self::Call { arguments, .. } => arguments.clone(),
            Self::Template(template) => template.names().filter_map(|name| name.parse().ok()).collect(),
        }
    }
}

/// Whether a name in a template or call is a column of the file. A function may take the derived column itself, which is then that of
/// the file; in a template it cannot stand.
fn is_column(table: &Table, name: &Identifier) -> bool {
    let is_variable = table.sources().iter().any(|source| source.vars.contains_key(name.as_str()));
    let takes_itself = |how: &Derivation| matches!(how, Derivation::Call { arguments, .. } if arguments.contains(name));
    let is_made = table.derive.get(name).is_some_and(|how| !takes_itself(how));
    let is_declared = table.columns.iter().any(|column| column.name == *name);
    let is_of_source = SOURCE_VALUES.contains(&name.as_str()) && (is_made || !is_declared);
    !is_variable && !is_made && !is_of_source
}

fn need(table: &Table, name: &Identifier) -> Need {
    if table.optional.contains(name) { Need::Optional } else { Need::Required }
}

fn derived(column: &Column, derivation: &Derivation) -> Result<From, String> {
    match derivation {
        Derivation::Template(text) => {
            Template::parse(text).map(From::Template).map_err(|error| format!("the template {text:?}: {error}"))
        }
        Derivation::Call { function, arguments } => {
            let form = if column.type_name.as_str() == "bytea" { Form::Bytes } else { Form::Text };
            Ok(From::Call { function: *function, arguments: arguments.clone(), form })
        }
    }
}

fn encoder(
    column: &Column,
    parser: Option<Parser>,
    zone: Option<&TimeZone>,
    types: &OwnTypes,
) -> Result<Encoder, String> {
    let kind = types.kind(&column.type_name);
    // What the clocks showed twice when they were set back could be either.
    let overlap = match parser {
        Some(Parser::Earlier) => Overlap::Earlier,
        Some(Parser::Later) => Overlap::Later,
        _ => Overlap::Refuse,
    };
    let word = match parser {
        Some(parser) if overlap == Overlap::Refuse => parser.as_str(),
        _ => "auto",
    };
    let encoder = word.parse().ok().and_then(|parser| Encoder::of(&kind, parser).ok());
    let encoder = encoder.ok_or_else(|| format!("the parser {word} for {}", column.type_name))?;
    Ok(match zone {
        Some(zone) => encoder.zone(zone.clone(), overlap),
        None => encoder,
    })
}

#[cfg(test)]
pub(crate) mod tests {
    use manifest::dataset::Content;

    use super::*;

    /// A table `t` with these columns, as the manifest writes them, and one source `t.csv`.
    pub(crate) fn table(columns: &[&str]) -> Table {
        let columns: Vec<_> = columns
            .iter()
            .map(|column| {
                let (name, rest) = column.split_once(' ').unwrap();
                let (type_name, nullability) = match rest {
                    rest if rest.ends_with(" not null") => (&rest[..rest.len() - 9], "not_null"),
                    rest if rest.ends_with(" identity") => (&rest[..rest.len() - 9], "identity"),
                    rest => (rest, "nullable"),
                };
                serde_json::json!({"name": name, "type": type_name, "nullability": nullability})
            })
            .collect();
        let reading = serde_json::json!({"format": "csv"});
        let source = serde_json::json!({"origin": {"url": {"url": "https://example.org/t.csv"}}, "file": "t.csv", "reading": reading});
        let table = serde_json::json!({"name": "t", "content": {"sources": [source]}, "columns": columns});
        let table: Table = serde_json::from_value(table).unwrap();
        assert!(matches!(table.content, Content::Sources(_)) && table.load == Load::Replace);
        table
    }

    fn unserved(table: &Table) -> Vec<String> {
        Layout::new(table, None, &OwnTypes::default()).err().unwrap_or_default()
    }

    #[test]
    fn postgresql_numbers_identity_columns_itself() {
        let table = table(&["id bigint identity", "a text", "b date not null"]);
        let copied: Vec<_> = copied_columns(&table).map(|column| column.name.as_str()).collect();
        assert_eq!(copied, ["a", "b"]);
    }

    #[test]
    fn a_key_needs_a_value_like_a_column_that_says_so() {
        let mut table = table(&["a text", "b date not null", "c date"]);
        table.primary_key = vec!["a".parse().unwrap()];
        let required: Vec<_> = Layout::new(&table, None, &OwnTypes::default())
            .unwrap()
            .columns
            .iter()
            .map(|column| column.is_required)
            .collect();
        assert_eq!(required, [true, true, false]);
    }

    #[test]
    fn every_parser_of_a_manifest_reads_something() {
        for (parser, type_name) in [
            (Parser::Dmy, "date"),
            (Parser::Mdy, "timestamp"),
            (Parser::Ymd, "timestamptz"),
            (Parser::Whole, "char(10)"),
            (Parser::Percent, "numeric"),
            (Parser::DecimalComma, "integer"),
            (Parser::Accounting, "double precision"),
            (Parser::Earlier, "timestamptz"),
            (Parser::Later, "timestamptz"),
            (Parser::Unix, "timestamptz"),
            (Parser::UnixMillis, "timestamp"),
            (Parser::ExcelDate, "timestamptz"),
            (Parser::Excel1904, "date"),
            (Parser::ListComma, "text[]"),
            (Parser::ListSemicolon, "date[]"),
            (Parser::ListBar, "integer[]"),
        ] {
            let mut table = table(&[&format!("a {type_name}")]);
            table.parse.insert("a".parse().unwrap(), parser);
            assert_eq!(unserved(&table), Vec::<String>::new(), "{parser:?}");
        }
    }

    #[test]
    fn of_two_local_times_the_declared_one_is_meant() {
        let zone = TimeZone::get("America/New_York").unwrap();
        let encode = |parser: Option<Parser>| {
            let mut table = table(&["a timestamptz"]);
            table.parse.extend(parser.map(|parser| ("a".parse().unwrap(), parser)));
            let layout = Layout::new(&table, Some(&zone), &OwnTypes::default()).unwrap();
            let mut out = Vec::new();
            layout.columns[0].encoder.encode(b"2021-11-07 01:30", &mut out).map(|_| out)
        };
        let utc = |text: &[u8]| {
            let mut out = Vec::new();
            Encoder::new("timestamptz".parse().unwrap(), value::Parser::Auto).unwrap().encode(text, &mut out).unwrap();
            Ok(out)
        };
        assert_eq!(encode(Some(Parser::Earlier)), utc(b"2021-11-07 05:30Z"));
        assert_eq!(encode(Some(Parser::Later)), utc(b"2021-11-07 06:30Z"));
        assert_eq!(encode(None), Err(value::Bad::AmbiguousTime));
    }

    #[test]
    fn what_is_not_served_is_named() {
        let mut table = table(&["b text", "c date", "d integer"]);
        table.derive.insert("b".parse().unwrap(), Derivation::Template("{c".to_owned()));
        table.parse.insert("d".parse().unwrap(), Parser::Dmy);
        assert_eq!(
            unserved(&table),
            ["the template \"{c\": `{` is opened and never closed; write {{ for a brace", "the parser dmy for integer"]
        );
    }
}
