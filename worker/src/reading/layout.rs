//! A table of the manifest, compiled: the columns of its `COPY` in order, each with its type, its parser and where its text comes from.

use std::collections::BTreeSet;

use manifest::Identifier;
use manifest::dataset::{Column, Derivation, Nullability, Parser, Table};
use value::{Encoder, Type};

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
    Template(String),
}

impl Layout {
    /// Compiles a table. What this worker does not serve is the error, one sentence each.
    pub(super) fn new(table: &Table) -> Result<Self, Vec<String>> {
        let mut unserved = Vec::new();
        let mut columns = Vec::new();
        let mut wanted = Vec::new();
        for column in copied_columns(table) {
            let from = match table.derive.get(&column.name).map(derived) {
                None => From::File,
                Some(Ok(from)) => from,
                Some(Err(what)) => {
                    unserved.push(format!("column {}: {what}", column.name));
                    continue;
                }
            };
            if matches!(from, From::File) {
                let is_optional = table.optional.contains(&column.name);
                wanted.push((column.name.clone(), if is_optional { Need::Optional } else { Need::Required }));
            }
            let is_required = column.nullability == Nullability::NotNull || table.primary_key.contains(&column.name);
            match encoder(column, table.parse.get(&column.name).copied()) {
                Ok(encoder) => columns.push(LayoutColumn { name: column.name.clone(), encoder, is_required, from }),
                Err(what) => unserved.push(format!("column {}: {what}", column.name)),
            }
        }
        if !unserved.is_empty() {
            return Err(unserved);
        }
        for name in named(table) {
            if !wanted.iter().any(|(column, _)| *column == name) && !table.derive.contains_key(&name) {
                let need = if table.optional.contains(&name) { Need::Optional } else { Need::Required };
                wanted.push((name, need));
            }
        }
        Ok(Self { wanted: Wanted::new(table, wanted), columns })
    }
}

/// Columns of the file that `derive` and `keep` name, whether or not they are loaded.
fn named(table: &Table) -> BTreeSet<Identifier> {
    let variables: BTreeSet<&str> = table.sources().iter().flat_map(|s| s.vars.keys()).map(String::as_str).collect();
    let mut names: BTreeSet<Identifier> = table.keep.keys().cloned().collect();
    for derivation in table.derive.values() {
        match derivation {
            Derivation::Call { arguments, .. } => names.extend(arguments.iter().cloned()),
            Derivation::Template(template) => {
                let inner = template.split('{').skip(1).filter_map(|rest| Some(rest.split_once('}')?.0));
                let inner = inner.filter(|name| !name.contains(':') && !variables.contains(name.trim()));
                names.extend(inner.filter_map(|name| name.trim().parse().ok()));
            }
        }
    }
    names
}

fn derived(derivation: &Derivation) -> Result<From, String> {
    match derivation {
        Derivation::Template(template) => Ok(From::Template(template.clone())),
        Derivation::Call { function, arguments } if function == "bbl" => {
            let arguments = <[Identifier; 3]>::try_from(arguments.clone());
            let arguments = arguments.map_err(|_| "`bbl` takes three columns: bbl(borough, block, lot)".to_owned())?;
            Ok(From::Bbl(arguments))
        }
        Derivation::Call { function, .. } => Err(format!("the function `{function}` is not served")),
    }
}

fn encoder(column: &Column, parser: Option<Parser>) -> Result<Encoder, String> {
    let declared: Type = column.type_name.as_str().parse().map_err(|_| not_served(column))?;
    let plain = Encoder::new(declared, value::Parser::Auto).map_err(|_| not_served(column))?;
    let parser = match parser {
        None => return Ok(plain),
        Some(Parser::Dmy) => value::Parser::Dmy,
        Some(Parser::Mdy) => value::Parser::Mdy,
        Some(Parser::Ymd) => value::Parser::Ymd,
        Some(Parser::Whole) => value::Parser::Whole,
        Some(Parser::Percent) => value::Parser::Percent,
        Some(
            parser @ (Parser::ExcelDate
            | Parser::Excel1904
            | Parser::ListComma
            | Parser::ListSemicolon
            | Parser::ListBar),
        ) => return Err(format!("the parser `{}` is not served", parser.as_str())),
    };
    Encoder::new(declared, parser).map_err(|mismatch| mismatch.to_string())
}

fn not_served(column: &Column) -> String {
    format!("the type `{}` is not served", column.type_name)
}

#[cfg(test)]
pub(crate) mod tests {
    use manifest::dataset::{Content, Load};

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
        Layout::new(table).err().unwrap_or_default()
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
        let required: Vec<_> = Layout::new(&table).unwrap().columns.iter().map(|column| column.is_required).collect();
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
        table.parse.insert("c".parse().unwrap(), Parser::ExcelDate);
        table.parse.insert("d".parse().unwrap(), Parser::Dmy);
        table.derive.insert("e".parse().unwrap(), call("bbl", &["c"]));
        assert_eq!(
            unserved(&table),
            [
                "column a: the type `geometry(point,2263)` is not served",
                "column b: the function `street` is not served",
                "column c: the parser `excel_date` is not served",
                "column d: the parser dmy does not read integer",
                "column e: `bbl` takes three columns: bbl(borough, block, lot)",
            ]
        );
    }
}
