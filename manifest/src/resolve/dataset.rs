//! A dataset, resolved, and what the project needs to know of its places.

use std::collections::{BTreeMap, BTreeSet};

use super::query::Folder;
use super::{columns, job, query, table};
use crate::calendar;
use crate::dataset::{Alarms, Archive, Dataset, Generations, Origin, View, ViewStorage};
use crate::document::dataset::{ArchiveDocument, DatasetDocument, ViewDocument};
use crate::finding::{Code, Place, Span};
use crate::name::{DatasetName, Identifier};
use crate::yaml::{Reader, Spanned};

/// A dataset with the places that findings about several files point at.
#[derive(Debug)]
pub(crate) struct ResolvedDataset {
    pub(crate) dataset: Dataset,
    pub(crate) name: Place,
    pub(crate) depends_on: Vec<(DatasetName, Place)>,
    /// Tables and views.
    pub(crate) relations: Vec<(Identifier, Place)>,
    /// Files of its sources, with what is read from them.
    pub(crate) files: Vec<(String, Origin, Place)>,
}

pub(crate) fn resolve(document: &DatasetDocument, folder: Folder<'_>, reader: &mut Reader) -> ResolvedDataset {
    let schema = schema(document, reader);
    if let Some(timezone) = &document.timezone {
        zone(timezone, reader);
    }
    for (key, text) in [("title", &document.title), ("publisher", &document.publisher)] {
        if text.value.trim().is_empty() {
            reader.report(Code::Value, format!("`{key}` is empty"), text.span);
        }
    }
    let depends_on = depends_on(document, reader);
    let mut tables = Vec::new();
    let mut files: Vec<(String, Origin, Place)> = Vec::new();
    let mut relations: Vec<(Identifier, Place)> = Vec::new();
    match &document.tables {
        Some(tables) if tables.is_empty() => {
            reader.report(Code::MissingKey, "the dataset has no tables", tables.span);
        }
        None if document.job.is_none() => {
            let finding = reader.report(Code::MissingKey, "the key `tables` is missing", document.dataset.span);
            finding.help("write tables:, or job: for a container of another image");
        }
        _ => {}
    }
    for (name, described) in document.tables.iter().flat_map(|tables| tables.iter()) {
        relations.push((name.value.clone(), reader.place(name.span)));
        if let Some(resolved) = table::resolve(name, described, document.load.as_ref(), folder, reader) {
            for (source, span) in resolved.table.sources().iter().zip(&resolved.files) {
                files.push((source.file.clone(), source.origin.clone(), reader.place(*span)));
            }
            tables.push(resolved.table);
        }
    }
    let mut views = Vec::new();
    for (name, described) in document.views.iter().flat_map(|views| views.iter()) {
        if let Some((_, table)) = relations.iter().find(|(known, _)| known == &name.value) {
            let first = table.span;
            let message = format!("`{}` is a table of this dataset already", name.value);
            reader.report(Code::DuplicateTable, message, name.span).also(first, "here");
        }
        relations.push((name.value.clone(), reader.place(name.span)));
        views.extend(view(name, described, folder, reader));
    }
    let generations = generations(document, reader);
    let alarms = alarms(document, reader);
    let names: Vec<&str> =
        document.tables.iter().flat_map(|tables| tables.iter()).map(|(name, _)| name.value.as_str()).collect();
    let after = document.after.iter().flat_map(|after| after.iter());
    let after = after.filter_map(|file| query::script(file, schema.as_str(), &names, folder, reader)).collect();
    one_address_a_file(&files, reader);
    let job = document.job.as_ref().map(|job| job::resolve(document, job, reader));
    ResolvedDataset {
        dataset: Dataset {
            dataset: document.dataset.value.clone(),
            title: document.title.value.clone(),
            publisher: document.publisher.value.clone(),
            homepage: document.homepage.as_ref().map(|text| text.value.clone()),
            license: document.license.as_ref().map(|text| text.value.clone()),
            schema,
            timezone: document.timezone.as_ref().map(|text| text.value.clone()),
            status: document.status.unwrap_or_default(),
            depends_on: depends_on.iter().map(|(name, _)| name.clone()).collect(),
            job,
            tables,
            views,
            after,
            publications: document.publications.unwrap_or_default(),
            dependent_views: document.dependent_views.unwrap_or_default(),
            generations,
            alarms,
            terminate_blockers: document.terminate_blockers,
            archive: archive(document, reader),
        },
        name: reader.place(document.dataset.span),
        depends_on,
        relations,
        files,
    }
}

pub(crate) fn zone(name: &Spanned<String>, reader: &mut Reader) -> Option<jiff::tz::TimeZone> {
    match calendar::zone(&name.value) {
        Ok(zone) => Some(zone),
        Err(refusal) => {
            reader.report(Code::Timezone, refusal.why, name.span).help = refusal.help;
            None
        }
    }
}

fn schema(document: &DatasetDocument, reader: &mut Reader) -> Identifier {
    let Some(schema) = &document.schema else { return Identifier::public() };
    let name = schema.value.as_str();
    if name.starts_with("pg_") || name == "information_schema" || name == "freshet" || name.starts_with("freshet_") {
        let owner =
            if name.starts_with("freshet") { "the worker's own ledger and staging" } else { "PostgreSQL itself" };
        let message = format!("the schema `{name}` belongs to {owner}");
        reader.report(Code::Table, message, schema.span).help("choose another schema");
    }
    schema.value.clone()
}

fn generations(document: &DatasetDocument, reader: &mut Reader) -> Generations {
    let Some(given) = &document.generations else { return Generations::default() };
    let generations = u8::try_from(given.value).ok().and_then(Generations::new);
    if generations.is_none() {
        let message =
            format!("at most {} generations are kept, and `{}` are asked for", Generations::MOST, given.value);
        reader.report(Code::Value, message, given.span).help("each takes as much disk as the tables themselves");
    }
    generations.unwrap_or_default()
}

fn alarms(document: &DatasetDocument, reader: &mut Reader) -> Alarms {
    let Some(given) = &document.alarms else { return Alarms::default() };
    let counts = [("failures", &given.failures), ("bad_values", &given.bad_values)];
    for (key, count) in counts.into_iter().filter_map(|(key, count)| Some((key, count.as_ref()?))) {
        if count.value == 0 {
            let finding = reader.report(Code::Value, format!("`{key}` of 0 would ring always"), count.span);
            finding.help("write 1 or more, or leave the key out for no alarm");
        }
    }
    let nothing = given.failures.is_none() && given.bad_values.is_none() && given.longer_than.is_none();
    if nothing {
        let finding = reader.report(Code::MissingKey, "`alarms` says nothing that would ring", given.name);
        finding.help("write failures:, bad_values: or longer_than:");
    }
    Alarms {
        failures: given.failures.as_ref().map(|count| count.value),
        bad_values: given.bad_values.as_ref().map(|count| count.value),
        longer_than: given.longer_than.as_ref().map(|span| span.value),
    }
}

fn archive(document: &DatasetDocument, reader: &mut Reader) -> Option<Archive> {
    let ArchiveDocument { to, demand } = document.archive.as_ref()?;
    if let Some(why) = Archive::refusal(&to.value) {
        let finding = reader.report(Code::Value, format!("`{}` is no place for an archive: {why}", to.value), to.span);
        finding.help("write s3://bucket/prefix");
        return None;
    }
    Some(Archive { to: to.value.clone(), demand: *demand })
}

fn depends_on(document: &DatasetDocument, reader: &mut Reader) -> Vec<(DatasetName, Place)> {
    let mut resolved: Vec<(DatasetName, Place)> = Vec::new();
    for name in document.depends_on.iter().flat_map(|names| names.iter()) {
        if name.value == document.dataset.value {
            reader.report(Code::Circle, format!("`{}` depends on itself", name.value), name.span);
        } else if resolved.iter().any(|(known, _)| known == &name.value) {
            reader.report(Code::Value, format!("`{}` stands in depends_on twice", name.value), name.span);
        } else {
            let place = reader.place(name.span);
            resolved.push((name.value.clone(), place));
        }
    }
    resolved
}

fn view(name: &Spanned<Identifier>, document: &ViewDocument, folder: Folder<'_>, reader: &mut Reader) -> Option<View> {
    let materialized = document.materialized.unwrap_or(false);
    let of_rows = [
        ("primary_key", document.primary_key.as_ref().map(|key| key.span)),
        ("indexes", document.indexes.as_ref().map(|indexes| indexes.span)),
    ];
    for (key, span) in of_rows {
        if let (Some(span), false) = (span, materialized) {
            let message = format!("`{key}` needs stored rows");
            reader.report(Code::Table, message, span).help("write materialized: true");
        }
    }
    let columns = columns::Columns::of_query();
    let indexes = document.indexes.as_ref().map(|indexes| indexes.value.as_slice()).unwrap_or_default();
    Some(View {
        name: name.value.clone(),
        query: query::select(&document.query, folder, reader)?,
        storage: if materialized { ViewStorage::Materialized } else { ViewStorage::Plain },
        primary_key: super::values(document.primary_key.as_ref().map(|key| &key.value)),
        indexes: columns::indexes(indexes, &columns, reader),
    })
}

/// Under `--from DIR` a file's name is all there is: it must stand for one address, and an address for one name.
fn one_address_a_file(files: &[(String, Origin, Place)], reader: &mut Reader) {
    let mut by_file: BTreeMap<&str, (&Origin, Span)> = BTreeMap::new();
    let mut told: BTreeSet<Span> = BTreeSet::new();
    for (file, origin, place) in files {
        let (first, span) = *by_file.entry(file.as_str()).or_insert((origin, place.span));
        if first != origin && told.insert(place.span) {
            let message = format!("two addresses have the file name `{file}`");
            let finding = reader.report(Code::FileName, message, place.span);
            if span == place.span {
                finding.help("put the variables of each into file:");
            } else {
                finding.also(span, "the other address").help("name them apart with file:");
            }
        }
        let other = files.iter().find(|(other, address, _)| address == origin && other != file);
        if let Some((other, _, elsewhere)) = other
            && elsewhere.span < place.span
            && told.insert(place.span)
        {
            let message = format!("this address is `{file}` here and `{other}` elsewhere");
            let finding = reader.report(Code::FileName, message, place.span);
            finding.also(elsewhere.span, "here").help("the same address is fetched once: give it one file name");
        }
    }
}
