//! The columns of a table: their names and types, and every list that names some of them.

use std::collections::{BTreeMap, BTreeSet};

use crate::dataset::{Column, Family, Index, IndexMethod, Nullability, Parser, TypeName, header_key};
use crate::document::table::{IndexDocument, TableDocument};
use crate::finding::{Code, Span};
use crate::name::Identifier;
use crate::yaml::{Keyed, QUOTE_COMMAS, Reader, Spanned, nearest};

/// PostgreSQL's limit on the columns of a table.
const MAX_COLUMNS: usize = 1600;
/// PostgreSQL's limit on the columns of an index.
const MAX_INDEX_COLUMNS: usize = 32;

/// The declared columns of a table, and whether a source adds its own.
#[derive(Debug, Default)]
pub(crate) struct Columns {
    pub(crate) declared: Vec<Column>,
    /// How many declared columns stand before those of the source.
    pub(crate) source_at: Option<usize>,
    /// Columns that were declared and could not be read: naming them is no further mistake.
    unread: BTreeSet<String>,
    /// Whether the table has columns that the manifest does not name: of a query, or of a self-describing source.
    pub(crate) open: bool,
}

impl Columns {
    pub(crate) fn of_query() -> Self {
        Self { open: true, ..Self::default() }
    }

    pub(crate) fn get(&self, name: &str) -> Option<&Column> {
        self.declared.iter().find(|column| column.name.as_str() == name)
    }

    /// The name as a column of this table; a finding where it is none.
    pub(crate) fn known(&self, name: &str, span: Span, reader: &mut Reader) -> Option<Identifier> {
        if let Some(column) = self.get(name) {
            return Some(column.name.clone());
        }
        if self.unread.contains(name) {
            return None;
        }
        if self.open
            && let Ok(name) = name.parse()
        {
            return Some(name);
        }
        let message = format!("the table has no column `{name}`");
        let finding = reader.report(Code::UnknownColumn, message, span);
        if let Some(near) = nearest(name, self.declared.iter().map(|column| column.name.as_str())) {
            finding.help(format!("did you mean `{near}`?"));
        }
        None
    }

    pub(crate) fn known_all(&self, names: &[Spanned<String>], reader: &mut Reader) -> Vec<Identifier> {
        let mut seen: Vec<Identifier> = Vec::new();
        for name in names {
            let Some(column) = self.known(name, name.span, reader) else { continue };
            if seen.contains(&column) {
                reader.report(Code::Table, format!("`{column}` stands in this list twice"), name.span);
            } else {
                seen.push(column);
            }
        }
        seen
    }
}

/// Reads the declarations.
pub(crate) fn resolve(columns: &Spanned<Keyed<String, Spanned<String>>>, reader: &mut Reader) -> Columns {
    let mut resolved = Columns::default();
    for (name, declaration) in columns.iter() {
        if name.value == "*" {
            if declaration.value == "source" {
                resolved.source_at = Some(resolved.declared.len());
                resolved.open = true;
            } else {
                let message = format!("`*` stands for the columns of the source, not for `{}`", declaration.value);
                reader.report(Code::Column, message, declaration.span).help("write \"*\": source");
            }
            continue;
        }
        match column(name, declaration, reader) {
            Some(column) => resolved.declared.push(column),
            None => {
                resolved.unread.insert(name.value.clone());
            }
        }
    }
    if columns.is_empty() {
        reader.report(Code::Column, "the table has no columns", columns.span);
    }
    if resolved.declared.len() > MAX_COLUMNS {
        let message = format!("{} columns are more than PostgreSQL's {MAX_COLUMNS}", resolved.declared.len());
        reader.report(Code::Column, message, columns.span);
    }
    resolved
}

fn column(name: &Spanned<String>, declaration: &Spanned<String>, reader: &mut Reader) -> Option<Column> {
    let parsed: Result<Identifier, _> = name.value.parse();
    let parsed = match parsed {
        Ok(parsed) => Some(parsed),
        Err(error) => {
            let finding = reader.report(Code::Column, error.to_string(), name.span);
            let lower = name.value.to_lowercase().replace([' ', '-', '.'], "_");
            if name.value.contains([')', '(']) {
                finding.help(QUOTE_COMMAS);
            } else if lower.parse::<Identifier>().is_ok() {
                finding.help(format!("write `{lower}`; headers are matched without regard to case and punctuation"));
            }
            None
        }
    };
    // One mistake is told once: half of a type that was cut at its comma says nothing of its own.
    let (type_text, nullability) = suffix(declaration, reader)?;
    let type_name = match TypeName::parse(type_text) {
        Ok(type_name) => Some(type_name),
        Err(error) => {
            let finding = reader.report(Code::Type, error.to_string(), declaration.span);
            if declaration.value.matches('(').count() > declaration.value.matches(')').count() {
                finding.help(QUOTE_COMMAS);
            } else if let Some(help) = error.help() {
                finding.help(help);
            }
            None
        }
    };
    let (name, type_name) = (parsed?, type_name?);
    if nullability == Nullability::Identity && type_name.family() != Family::Integer {
        let message = format!("an identity column is smallint, integer or bigint, not {type_name}");
        reader.report(Code::Column, message, declaration.span);
    }
    Some(Column { name, type_name, nullability })
}

/// The type, and what stands behind it.
fn suffix<'a>(declaration: &'a Spanned<String>, reader: &mut Reader) -> Option<(&'a str, Nullability)> {
    let text = declaration.value.trim();
    let ends = |suffix: &str| {
        let cut = text.len().checked_sub(suffix.len())?;
        text.get(cut..).filter(|end| end.eq_ignore_ascii_case(suffix)).map(|_| text[..cut].trim_end())
    };
    if let Some(rest) = ends(" not null") {
        return Some((rest, Nullability::NotNull));
    }
    if let Some(rest) = ends(" identity") {
        return Some((rest, Nullability::Identity));
    }
    for (word, help) in [
        (" primary key", "write primary_key: beside columns:"),
        (" unique", "write {unique: column} under indexes:"),
        (" null", "a column may be NULL unless it says `not null`"),
        (" nullable", "a column may be NULL unless it says `not null`"),
        (" required", "write `not null`"),
    ] {
        if ends(word).is_some() {
            let message = format!("`{}` does not stand behind a type", word.trim_start());
            reader.report(Code::Column, message, declaration.span).help(help);
            return None;
        }
    }
    if text.to_lowercase().contains(" default ") {
        let finding =
            reader.report(Code::Column, "a column has no default: its values come from the source", declaration.span);
        finding.help("compute a value with derive:");
        return None;
    }
    Some((text, Nullability::Nullable))
}

/// Everything of a table that names columns and headers.
#[derive(Debug, Default)]
pub(crate) struct Lists {
    pub(crate) rename: BTreeMap<String, Identifier>,
    pub(crate) skip: BTreeSet<String>,
    pub(crate) optional: BTreeSet<Identifier>,
    pub(crate) keep: BTreeMap<Identifier, BTreeSet<String>>,
    pub(crate) parse: BTreeMap<Identifier, Parser>,
    pub(crate) primary_key: Vec<Identifier>,
    pub(crate) indexes: Vec<Index>,
}

pub(crate) fn lists(
    table: &TableDocument,
    columns: &Columns,
    derived: &BTreeSet<String>,
    reader: &mut Reader,
) -> Lists {
    let mut lists = Lists::default();
    for (header, target) in table.rename.iter().flat_map(|rename| rename.iter()) {
        let Some(column) = columns.known(target, target.span, reader) else { continue };
        if derived.contains(column.as_str()) {
            reader.report(Code::Table, format!("`{column}` is derived: no header is renamed to it"), target.span);
        }
        lists.rename.insert(header.value.clone(), column);
    }
    skip(table, columns, derived, &mut lists, reader);
    for name in table.optional.iter().flat_map(|optional| optional.iter()) {
        let Some(column) = columns.known(name, name.span, reader) else { continue };
        if derived.contains(column.as_str()) {
            let message = format!("`{column}` is derived: no file has it, so no file may lack it");
            reader.report(Code::Table, message, name.span);
        } else if columns.get(column.as_str()).is_some_and(|column| column.nullability == Nullability::NotNull) {
            let message = format!("`{column}` is optional and not null: a file without it would lose every row");
            reader.report(Code::Table, message, name.span);
        }
        lists.optional.insert(column);
    }
    for (name, texts) in table.keep.iter().flat_map(|keep| keep.iter()) {
        if let Some(column) = columns.known(name, name.span, reader) {
            lists.keep.insert(column, texts.iter().map(|text| text.value.0.clone()).collect());
        }
    }
    for (name, parser) in table.parse.iter().flat_map(|parse| parse.iter()) {
        let Some(column) = columns.known(name, name.span, reader) else { continue };
        if let Some(declared) = columns.get(column.as_str())
            && !reads(parser.value, &declared.type_name)
        {
            let message = format!("the parser `{}` does not read {}", parser.value.as_str(), declared.type_name);
            reader.report(Code::Table, message, parser.span);
        }
        lists.parse.insert(column, parser.value);
    }
    if let Some(key) = &table.primary_key {
        lists.primary_key = primary_key(&key.value, columns, &lists.optional, reader);
    }
    lists.indexes = indexes(table.indexes.as_deref().unwrap_or_default(), columns, reader);
    lists
}

fn skip(table: &TableDocument, columns: &Columns, derived: &BTreeSet<String>, lists: &mut Lists, reader: &mut Reader) {
    for header in table.skip.iter().flat_map(|skip| skip.iter()) {
        let key = header_key(header);
        // Of two that only look alike one may be loaded: each is known by its own spelling.
        let same = |renamed: &String| renamed.trim().to_lowercase() == header.trim().to_lowercase();
        if lists.rename.keys().any(same) {
            reader.report(Code::Table, format!("`{}` is renamed and skipped", header.value), header.span);
        }
        let from_header = |column: &&Column| {
            header_key(column.name.as_str()) == key
                && !derived.contains(column.name.as_str())
                && !lists.rename.values().any(|target| target == &column.name)
        };
        if let Some(column) = columns.declared.iter().find(from_header) {
            let message = format!("`{}` is skipped, and the column `{}` is declared", header.value, column.name);
            reader.report(Code::Table, message, header.span);
        }
        lists.skip.insert(header.value.clone());
    }
}

fn primary_key(
    names: &[Spanned<String>],
    columns: &Columns,
    optional: &BTreeSet<Identifier>,
    reader: &mut Reader,
) -> Vec<Identifier> {
    let key = columns.known_all(names, reader);
    for (column, name) in key.iter().zip(names) {
        if optional.contains(column) {
            let message = format!("`{column}` is part of the primary key: a file may not lack it");
            reader.report(Code::Table, message, name.span);
        }
        if let Some(declared) = columns.get(column.as_str()) {
            comparable(declared, name.span, "a primary key", reader);
        }
    }
    key
}

pub(crate) fn indexes(documents: &[IndexDocument], columns: &Columns, reader: &mut Reader) -> Vec<Index> {
    let mut resolved: Vec<Index> = Vec::new();
    for document in documents {
        let names = columns.known_all(&document.columns, reader);
        for (name, column) in document.columns.iter().zip(&names) {
            if let Some(declared) = columns.get(column.as_str()) {
                suits(declared, document.method, name.span, reader);
            }
        }
        if document.columns.is_empty() || document.columns.len() > MAX_INDEX_COLUMNS {
            reader.report(Code::Table, "an index has 1 to 32 columns", document.span);
        }
        if document.method == IndexMethod::Hash && document.columns.len() > 1 {
            reader.report(Code::Table, "a hash index has one column", document.span);
        }
        let index = Index { columns: names, method: document.method, uniqueness: document.uniqueness };
        if resolved.contains(&index) {
            reader.report(Code::Table, "this index stands here twice", document.span);
        }
        resolved.push(index);
    }
    resolved
}

fn comparable(column: &Column, span: Span, what: &str, reader: &mut Reader) {
    if column.type_name.family() == Family::WithoutOrder {
        let message = format!("{} has no order in PostgreSQL: {what} cannot hold `{}`", column.type_name, column.name);
        reader.report(Code::Table, message, span);
    }
}

/// Whether PostgreSQL has an operator class for the method without an extension of its own.
fn suits(column: &Column, method: IndexMethod, span: Span, reader: &mut Reader) {
    let family = column.type_name.family();
    let own = column.type_name.as_str().contains('.');
    let fits = match method {
        IndexMethod::Btree | IndexMethod::Hash => return comparable(column, span, "this index", reader),
        IndexMethod::Brin => family != Family::WithoutOrder && family != Family::Document,
        IndexMethod::Gist => matches!(family, Family::Spatial | Family::WithoutOrder | Family::Document) || own,
        IndexMethod::Gin => matches!(family, Family::Document | Family::Array) || own,
    };
    if !fits {
        let message = format!("a {} index does not hold {}", method.as_str(), column.type_name);
        let finding = reader.report(Code::Table, message, span);
        finding.help(match family {
            Family::Spatial => "write {gist: column}",
            Family::Document | Family::Array => "write {gin: column}",
            _ => "write the column alone, for a btree index",
        });
    }
}

fn reads(parser: Parser, of: &TypeName) -> bool {
    let is_list = matches!(parser, Parser::ListComma | Parser::ListSemicolon | Parser::ListBar);
    // Elements of an array are read as a column of their type is.
    let element = of.as_str().strip_suffix("[]").filter(|_| !is_list).map(TypeName::of_server);
    let of = element.as_ref().unwrap_or(of);
    let (family, name) = (of.family(), of.as_str().split('(').next().unwrap_or_default());
    match parser {
        Parser::Dmy | Parser::Mdy | Parser::Ymd | Parser::ExcelDate | Parser::Excel1904 => family == Family::Moment,
        Parser::Earlier | Parser::Later => name == "timestamptz",
        Parser::Unix | Parser::UnixMillis => family == Family::Moment && name != "date",
        Parser::Whole => family == Family::Text,
        Parser::Percent => family == Family::Number,
        Parser::DecimalComma | Parser::Accounting => matches!(family, Family::Number | Family::Integer),
        Parser::ListComma | Parser::ListSemicolon | Parser::ListBar => family == Family::Array,
    }
}
