//! What must hold before a table is published, and how many of its values may fail to parse.

use super::columns::Columns;
use super::query::{self, Folder};
use crate::dataset::{BadValues, Emptiness, Expectations, Family, NullLimit};
use crate::document::table::{ExpectDocument, NullsDocument, TableDocument};
use crate::finding::Code;
use crate::yaml::Reader;

pub(crate) fn bad_values(table: &TableDocument, columns: &Columns, reader: &mut Reader) -> BadValues {
    let Some(document) = &table.bad_values else { return BadValues::default() };
    let mut resolved = BadValues { allow: document.allow.unwrap_or_default(), ..BadValues::default() };
    for (name, share) in document.columns.iter().flat_map(|columns| columns.iter()) {
        if let Some(column) = columns.known(name, name.span, reader) {
            resolved.columns.insert(column, *share);
        }
    }
    resolved
}

pub(crate) fn expectations(
    table: &TableDocument,
    columns: &Columns,
    folder: Folder<'_>,
    reader: &mut Reader,
) -> Expectations {
    let Some(document) = &table.expect else { return Expectations::default() };
    let ExpectDocument { rows, max_drop, max_nulls, max_null_jump, latest, never_back, allow_empty, checks, .. } =
        document;
    let mut resolved = Expectations {
        rows: rows.as_ref().map_or(0, |rows| rows.value),
        max_drop: *max_drop,
        max_nulls: null_limit(max_nulls.as_ref(), columns, reader),
        max_null_jump: null_limit(max_null_jump.as_ref(), columns, reader),
        ..Expectations::default()
    };
    for (name, span) in latest.iter().flat_map(|latest| latest.iter()) {
        let Some(column) = columns.known(name, name.span, reader) else { continue };
        if let Some(declared) = columns.get(column.as_str()).filter(|c| c.type_name.family() != Family::Moment) {
            let message = format!("`latest` looks at moments, and `{}` is {}", declared.name, declared.type_name);
            reader.report(Code::Table, message, name.span);
        }
        resolved.latest.insert(column, *span);
    }
    for name in never_back.iter().flat_map(|names| names.iter()) {
        let Some(column) = columns.known(name, name.span, reader) else { continue };
        let rises = |family| matches!(family, Family::Moment | Family::Integer | Family::Number);
        if let Some(declared) = columns.get(column.as_str()).filter(|c| !rises(c.type_name.family())) {
            let message =
                format!("`never_back` looks at moments and numbers, and `{}` is {}", declared.name, declared.type_name);
            reader.report(Code::Table, message, name.span);
        }
        resolved.never_back.insert(column);
    }
    for (name, file) in checks.iter().flat_map(|checks| checks.iter()) {
        resolved.checks.extend(query::select(file, folder, reader).map(|query| (name.value.clone(), query)));
    }
    if let Some(allow_empty) = allow_empty.as_ref().filter(|allow| allow.value) {
        resolved.empty = Emptiness::Allowed;
        if resolved.rows > 0 {
            let message = format!("a table of at least {} rows is never empty", resolved.rows);
            reader.report(Code::Table, message, allow_empty.span);
        }
    }
    resolved
}

fn null_limit(document: Option<&NullsDocument>, columns: &Columns, reader: &mut Reader) -> NullLimit {
    let mut limit = NullLimit::default();
    match document {
        None => {}
        Some(NullsDocument::All(share)) => limit.all = Some(*share),
        Some(NullsDocument::Columns(shares)) => {
            for (name, share) in shares.iter() {
                if let Some(column) = columns.known(name, name.span, reader) {
                    limit.columns.insert(column, *share);
                }
            }
        }
    }
    limit
}
