//! A table of the manifest, compiled: the columns of its `COPY` in order, each with its type, its parser and where its text comes from.

use jiff::tz::TimeZone;
use manifest::Identifier;
use manifest::dataset::{Column, Derivation, Load, Nullability, Parser, Table};
use manifest::template::Template;
use value::{Encoder, Overlap, Type};

use super::header::{Need, Wanted};

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
    Bbl([Identifier; 3]),
    Template(Template),
}

impl Layout {
    /// Compiles a table, whose local times are of this zone. What this worker does not serve is the error, each in a few words.
    pub(super) fn new(table: &Table, zone: Option<&TimeZone>) -> Result<Self, Vec<String>> {
        let mut unserved = Vec::new();
        let mut columns = Vec::new();
        let mut wanted = Vec::new();
        for column in copied_columns(table) {
            let from = table.derive.get(&column.name).map_or(Ok(From::File), derived);
            if matches!(from, Ok(From::File)) {
                wanted.push((column.name.clone(), need(table, &column.name)));
            }
            let is_required = column.nullability == Nullability::NotNull
                || table.primary_key.contains(&column.name)
                // A row without its key would be new every time.
                || matches!(&table.load, Load::Upsert { key, .. } if key.contains(&column.name));
            let parser = table.parse.get(&column.name).copied();
            match from.and_then(|from| Ok((from, encoder(column, parser, zone)?))) {
                Ok((from, encoder)) => {
                    columns.push(LayoutColumn { name: column.name.clone(), encoder, is_required, from });
                }
                Err(what) => unserved.push(what),
            }
        }
        for name in columns.iter().flat_map(|column| column.from.names()).chain(table.keep.keys().cloned()) {
            let is_variable = || table.sources().iter().any(|source| source.vars.contains_key(name.as_str()));
            let is_known = wanted.iter().any(|(column, _)| *column == name) || table.derive.contains_key(&name);
            if !is_known && !is_variable() {
                let need = need(table, &name);
                wanted.push((name, need));
            }
        }
        if unserved.is_empty() { Ok(Self { wanted: Wanted::new(table, wanted), columns }) } else { Err(unserved) }
    }
}

impl From {
    /// Columns, and for a template also variables, that it is made of.
    fn names(&self) -> Vec<Identifier> {
        match self {
            Self::File => Vec::new(),
            Self::Bbl(arguments) => arguments.to_vec(),
            Self::Template(template) => template.names().filter_map(|name| name.parse().ok()).collect(),
        }
    }
}

fn need(table: &Table, name: &Identifier) -> Need {
    if table.optional.contains(name) { Need::Optional } else { Need::Required }
}

fn derived(derivation: &Derivation) -> Result<From, String> {
    match derivation {
        Derivation::Template(text) => {
            Template::parse(text).map(From::Template).map_err(|error| format!("the template {text:?}: {error}"))
        }
        Derivation::Call { function, arguments } if function == "bbl" => <[Identifier; 3]>::try_from(arguments.clone())
            .map(From::Bbl)
            .map_err(|_| "bbl of other than three columns".to_owned()),
        Derivation::Call { function, .. } => Err(format!("the function {function}")),
    }
}

fn encoder(column: &Column, parser: Option<Parser>, zone: Option<&TimeZone>) -> Result<Encoder, String> {
    let declared: Type = column.type_name.as_str().parse().map_err(|_| format!("the type {}", column.type_name))?;
    let parser = parser.map_or("auto", Parser::as_str);
    let encoder = parser.parse().ok().and_then(|parser| Encoder::new(declared, parser).ok());
    let encoder = encoder.ok_or_else(|| format!("the parser {parser} for {}", column.type_name))?;
    // What the clocks showed twice when they were set back is refused: it could be either.
    Ok(match zone {
        Some(zone) => encoder.zone(zone.clone(), Overlap::Refuse),
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
        Layout::new(table, None).err().unwrap_or_default()
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
        let required: Vec<_> =
            Layout::new(&table, None).unwrap().columns.iter().map(|column| column.is_required).collect();
        assert_eq!(required, [true, true, false]);
    }

    #[test]
    fn what_is_not_served_is_named() {
        let mut table = table(&["a geometry(point,2263)", "b text", "c date", "d integer", "e date"]);
        let call = |function: &str, arguments: &[&str]| Derivation::Call {
            function: function.to_owned(),
            arguments: arguments.iter().map(|name| name.parse().unwrap()).collect(),
        };
        table.derive.insert("b".parse().unwrap(), call("street", &["c"]));
        table.parse.insert("d".parse().unwrap(), Parser::Dmy);
        table.derive.insert("e".parse().unwrap(), call("bbl", &["c"]));
        assert_eq!(
            unserved(&table),
            [
                "the type geometry(point,2263)",
                "the function street",
                "the parser dmy for integer",
                "bbl of other than three columns",
            ]
        );
    }
}
