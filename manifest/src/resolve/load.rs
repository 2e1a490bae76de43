//! How rows replace or join those that are live, and what becomes of duplicates.

use super::columns::{Columns, Lists};
use crate::dataset::{Column, Deletes, Duplicates, Family, Load, MAX_DELETES, OVERLAP, Uniqueness};
use crate::document::table::{LoadDocument, TableDocument, UpsertDocument};
use crate::finding::{Code, Span};
use crate::name::Identifier;
use crate::yaml::{Reader, Spanned};

/// The table's own `load`, or the dataset's.
pub(crate) fn resolve(
    table: &TableDocument,
    of_dataset: Option<&Spanned<LoadDocument>>,
    columns: &Columns,
    lists: &Lists,
    reader: &mut Reader,
) -> (Load, Duplicates) {
    let own = table.duplicates.as_ref();
    let (load, inside) = match table.load.as_ref().or(of_dataset).map(|load| (&load.value, load.span)) {
        None | Some((LoadDocument::Replace, _)) => (Load::Replace, None),
        Some((LoadDocument::Append, _)) => (Load::Append, None),
        Some((LoadDocument::Upsert(upsert), span)) => {
            if table.query.is_some() && table.load.is_none() {
                // The dataset's upsert is for tables with sources; what a query makes is replaced.
                (Load::Replace, None)
            } else {
                (self::upsert(upsert, span, columns, lists, reader), upsert.duplicates.as_ref())
            }
        }
    };
    if let (Some(own), Some(inside)) = (own, inside) {
        let finding = reader.report(Code::Load, "`duplicates` stands at the table and inside load:", own.span);
        finding.also(inside.span, "and here").help("write it once");
    }
    let given = inside.or(own);
    if let Some(given) = given {
        duplicates(given, &load, lists, reader);
    }
    (load, given.map(|given| given.value).unwrap_or_default())
}

fn upsert(document: &UpsertDocument, span: Span, columns: &Columns, lists: &Lists, reader: &mut Reader) -> Load {
    let key = columns.known_all(&document.upsert.value, reader);
    if document.upsert.is_empty() {
        reader.report(Code::Load, "an upsert needs a key", document.upsert.span);
    }
    let newer = measure("newer", document.newer.as_ref(), columns, reader);
    let watermark = measure("watermark", document.watermark.as_ref(), columns, reader);
    unique(document, span, &key, lists, reader);
    let deletes = document.deletes.unwrap_or_default();
    if let Some(limit) = document.max_deletes.as_ref().filter(|_| deletes == Deletes::Keep) {
        let message = "`max_deletes` limits what is deleted, and nothing is";
        reader.report(Code::Load, message, limit.span).help("write deletes: apply");
    }
    let measured = watermark.as_ref().or(newer.as_ref()).and_then(|name| columns.get(name.as_str()));
    if let Some(overlap) = document.overlap.as_ref().filter(|_| !measured.is_some_and(is_moment)) {
        let message = "`overlap` is a span of time before a moment, and there is no `newer` or `watermark` that is one";
        reader.report(Code::Load, message, overlap.span);
    }
    Load::Upsert {
        key,
        newer,
        deletes,
        max_deletes: document.max_deletes.as_ref().map_or(MAX_DELETES, |limit| limit.value),
        watermark,
        overlap: document.overlap.as_ref().map_or(OVERLAP, |overlap| overlap.value),
    }
}

/// A column by which rows are told apart in time.
fn measure(key: &str, given: Option<&Spanned<String>>, columns: &Columns, reader: &mut Reader) -> Option<Identifier> {
    let given = given?;
    let known = columns.known(given, given.span, reader)?;
    if let Some(column) = columns.get(known.as_str()) {
        let family = column.type_name.family();
        if !matches!(family, Family::Moment | Family::Integer | Family::Number) {
            let message = format!("`{key}` compares moments or numbers, and `{}` is {}", column.name, column.type_name);
            reader.report(Code::Load, message, given.span);
        }
    }
    Some(known)
}

fn is_moment(column: &Column) -> bool {
    column.type_name.family() == Family::Moment
}

fn unique(document: &UpsertDocument, span: Span, key: &[Identifier], lists: &Lists, reader: &mut Reader) {
    let same = |columns: &[Identifier]| columns.len() == key.len() && columns.iter().all(|column| key.contains(column));
    let unique = same(&lists.primary_key)
        || lists.indexes.iter().any(|index| index.uniqueness == Uniqueness::Unique && same(&index.columns));
    if !unique && key.len() == document.upsert.len() {
        let names: Vec<&str> = key.iter().map(Identifier::as_str).collect();
        let names = if let [one] = names[..] { one.to_owned() } else { format!("[{}]", names.join(", ")) };
        let finding =
            reader.report(Code::Load, "the key of an upsert must be unique in the table", document.upsert.span);
        finding.help(format!("write primary_key: {names}"));
        if document.upsert.span != span {
            finding.related.clear();
        }
    }
}

fn duplicates(given: &Spanned<Duplicates>, load: &Load, lists: &Lists, reader: &mut Reader) {
    let unique = lists.indexes.iter().any(|index| index.uniqueness == Uniqueness::Unique);
    let has_key = unique || !lists.primary_key.is_empty() || matches!(load, Load::Upsert { .. });
    if given.value == Duplicates::Refuse {
        return;
    }
    if !has_key {
        let message = "duplicates are told by a key, and the table has none";
        reader.report(Code::Load, message, given.span).help("write primary_key: or load: {upsert: column}");
    } else if given.value == Duplicates::Newest && !matches!(load, Load::Upsert { newer: Some(_), .. }) {
        let message = "`newest` needs a column that tells which row is newer";
        reader.report(Code::Load, message, given.span).help("write load: {upsert: key, newer: column}");
    }
}
