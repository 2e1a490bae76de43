//! A table, resolved.

use std::collections::BTreeSet;

use super::columns::{self, Columns, Lists};
use super::query::Folder;
use super::source::{self, Resolved};
use super::{derive, expectation, load, query};
use crate::dataset::{Content, Origin, Source, Table};
use crate::document::table::{LoadDocument, TableDocument};
use crate::finding::{Code, Span};
use crate::name::Identifier;
use crate::template::Template;
use crate::yaml::{Reader, Spanned};

/// A table, and where the names of its sources' files stand, in the order of its sources.
pub(crate) struct ResolvedTable {
    pub(crate) table: Table,
    pub(crate) files: Vec<Span>,
}

pub(crate) fn resolve(
    name: &Spanned<Identifier>,
    document: &TableDocument,
    load_of_dataset: Option<&Spanned<LoadDocument>>,
    folder: Folder<'_>,
    reader: &mut Reader,
) -> Option<ResolvedTable> {
    let columns = columns_of(name, document, reader);
    let derived = derive::made(document);
    let (content, files, variables) = match (&document.sources, &document.query) {
        (Some(sources), None) => {
            let wanted = variables_of_derivations(document);
            let mut resolved: Vec<Resolved> = Vec::new();
            let mut variables = Vec::new();
            for entry in &sources.value {
                let (sources, names) = source::resolve(entry, document, &wanted, folder, reader);
                resolved.extend(sources);
                variables.push(names);
            }
            if sources.is_empty() {
                reader.report(Code::Source, "the list of sources is empty", sources.span);
            }
            repeated(&resolved, reader);
            self_describing(document, &columns, &resolved, reader);
            let files = resolved.iter().map(|resolved| resolved.span).collect();
            (Content::Sources(resolved.into_iter().map(|resolved| resolved.source).collect()), files, variables)
        }
        (None, Some(file)) => {
            of_sources_only(document, reader);
            (Content::Query(query::select(file, folder, reader)?), Vec::new(), Vec::new())
        }
        (Some(_), Some(file)) => {
            let message = "a table has sources or a query, not both";
            reader.report(Code::Table, message, file.span);
            return None;
        }
        (None, None) => {
            let message = format!("the table `{}` has neither sources nor a query", name.value);
            reader.report(Code::MissingKey, message, name.span);
            return None;
        }
    };
    let Lists { rename, skip, optional, keep, parse, primary_key, indexes } =
        columns::lists(document, &columns, &derived, reader);
    let lists = Lists { primary_key, indexes, ..Lists::default() };
    let (load, duplicates) = load::resolve(document, load_of_dataset, &columns, &lists, reader);
    let table = Table {
        name: name.value.clone(),
        content,
        derive: derive::resolve(document, &columns, &variables, reader),
        load,
        duplicates,
        bad_values: expectation::bad_values(document, &columns, reader),
        expect: expectation::expectations(document, &columns, folder, reader),
        extra: document.extra.as_ref().map(|extra| extra.value).unwrap_or_default(),
        source_columns_at: columns.source_at,
        columns: columns.declared,
        rename,
        skip,
        optional,
        keep,
        parse,
        primary_key: lists.primary_key,
        indexes: lists.indexes,
    };
    Some(ResolvedTable { table, files })
}

fn columns_of(name: &Spanned<Identifier>, document: &TableDocument, reader: &mut Reader) -> Columns {
    match (&document.columns, &document.sources) {
        (Some(columns), _) => columns::resolve(columns, reader),
        (None, Some(_)) => {
            let message = format!("the table `{}` does not declare its columns", name.value);
            let finding = reader.report(Code::MissingKey, message, name.span);
            finding.help("write columns: with a name and a type for each");
            // What names a column would be one more finding about the same mistake.
            Columns::of_query()
        }
        (None, None) => Columns::of_query(),
    }
}

/// Names in templates of derive that are no columns can only be variables.
fn variables_of_derivations(document: &TableDocument) -> BTreeSet<String> {
    let templates = document.derive.iter().flat_map(|derive| derive.iter());
    templates
        .filter_map(|(_, text)| Template::parse(&text.value).ok())
        .flat_map(|template| template.names().map(str::to_owned).collect::<Vec<_>>())
        .collect()
}

/// The same bytes twice in one table would be the same rows twice.
fn repeated(resolved: &[Resolved], reader: &mut Reader) {
    for (index, later) in resolved.iter().enumerate() {
        let same = |earlier: &&Resolved| {
            earlier.source.origin == later.source.origin
                && earlier.source.reading.container == later.source.reading.container
                && earlier.source.reading.sheet == later.source.reading.sheet
                && earlier.source.reading.layer == later.source.reading.layer
        };
        if let Some(earlier) = resolved[..index].iter().find(same) {
            let message = "this source stands in the table twice: its rows would be loaded twice";
            let earlier = earlier.span;
            let finding = reader.report(Code::Source, message, later.span);
            if earlier == later.span {
                finding.help("every combination of each must give another address, member or sheet");
            } else {
                finding.also(earlier, "the other one");
            }
            return;
        }
    }
}

/// `"*": source` takes the columns of formats that know them.
fn self_describing(document: &TableDocument, columns: &Columns, resolved: &[Resolved], reader: &mut Reader) {
    if columns.source_at.is_none() {
        return;
    }
    let Some(star) = document.columns.iter().flat_map(|columns| columns.iter()).find(|(name, _)| name.value == "*")
    else {
        return;
    };
    // A portal tells its columns beside its rows.
    let is_told = |source: &Source| matches!(source.origin, Origin::Socrata { .. });
    let is_silent = |source: &Source| !source.reading.format.describes_itself() && !is_told(source);
    if let Some(other) = resolved.iter().find(|resolved| is_silent(&resolved.source)) {
        let format = other.source.reading.format.as_str();
        let message = format!("{format} does not tell the types of its columns");
        let finding = reader.report(Code::Column, message, star.0.span);
        finding.help(
            "declare every column; `\"*\": source` goes with shapefile, geojson, geopackage, parquet, socrata and database",
        );
    }
}

/// Keys that have no meaning beside `query`.
fn of_sources_only(document: &TableDocument, reader: &mut Reader) {
    let keys: [(&str, Option<Span>); 17] = [
        ("base", document.base.as_ref().map(|value| value.span)),
        ("format", document.format.as_ref().map(|value| value.span)),
        ("member", document.member.as_ref().map(|value| value.span)),
        ("sheet", document.sheet.as_ref().map(|value| value.span)),
        ("header", document.header.as_ref().map(|value| value.span)),
        ("encoding", document.encoding.as_ref().map(|value| value.span)),
        ("delimiter", document.delimiter.as_ref().map(|value| value.span)),
        ("layer", document.layer.as_ref().map(|value| value.span)),
        ("fields", document.fields.as_ref().map(|value| value.span)),
        ("columns", document.columns.as_ref().map(|value| value.span)),
        ("rename", document.rename.as_ref().map(|value| value.span)),
        ("skip", document.skip.as_ref().map(|value| value.span)),
        ("optional", document.optional.as_ref().map(|value| value.span)),
        ("derive", document.derive.as_ref().map(|value| value.span)),
        ("keep", document.keep.as_ref().map(|value| value.span)),
        ("parse", document.parse.as_ref().map(|value| value.span)),
        ("extra", document.extra.as_ref().map(|value| value.span)),
    ];
    for (key, span) in keys {
        if let Some(span) = span {
            let message = format!("`{key}` has no meaning beside `query`: a query's result has its own columns");
            reader.report(Code::Table, message, span);
        }
    }
}
