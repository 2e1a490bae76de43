//! Whether there is anything to do: sources, manifest, the way of reading, the datasets that it depends on and the live
//! tables are what they were when the dataset was published last.

use std::collections::{BTreeMap, BTreeSet};

use futures_util::{StreamExt, stream};
use manifest::ContentHash;
use manifest::dataset::Table;

use super::Run;
use super::tables::Loaded;
use crate::ledger::{Generations, Ledger, RunId, SourceState};
use crate::source::{Access, Content, SourceFingerprint};
use crate::trouble::Trouble;

/// The way of reading. A version that reads the same bytes to other values counts on, and everything is loaded anew.
const READING: u32 = 1;

/// Publishers that are asked at once. How often one host is, the way to the sources knows.
const SOURCES_AT_ONCE: usize = 8;

/// What rows are made from besides the sources.
#[derive(Debug, Clone, Copy)]
pub(super) struct MadeFrom<'a> {
    /// Hash of what of the manifest makes the rows, its SQL included.
    pub(super) making: &'a str,
    /// The generations of the datasets that it depends on.
    pub(super) upstream: &'a Generations,
}

/// One text for what the rows were made from.
pub(super) fn fingerprint(made_from: MadeFrom<'_>, loaded: &BTreeMap<String, Loaded>) -> String {
    let contents: BTreeMap<&str, &str> = loaded
        .values()
        .flat_map(|table| &table.fingerprints)
        .map(|(file, source)| (file.as_str(), source.content.sha256.as_str()))
        .collect();
    of(made_from, &contents)
}

fn of(made_from: MadeFrom<'_>, contents: &BTreeMap<&str, &str>) -> String {
    let MadeFrom { making, upstream } = made_from;
    ContentHash::of(&(READING, making, contents, upstream)).map(|hash| hash.prefix(32)).unwrap_or_default()
}

/// What the sources said about themselves, for the ledger.
pub(super) fn source_states(loaded: &BTreeMap<String, Loaded>) -> Vec<SourceState> {
    let sources: BTreeMap<&String, &SourceFingerprint> =
        loaded.values().flat_map(|table| &table.fingerprints).collect();
    sources
        .into_iter()
        .map(|(file, source)| SourceState {
            file: file.clone(),
            address: Some(source.address.clone()),
            etag: source.etag.clone(),
            last_modified: source.last_modified.clone(),
            bytes: Some(source.content.bytes),
            sha256: Some(source.content.sha256.clone()),
        })
        .collect()
}

/// What there is to do, as far as it can be known without reading.
pub(super) enum Look {
    /// Something may have changed.
    Changed,
    /// What would be loaded is live.
    Unchanged,
    /// What would be loaded was loaded by this run, and taken back by a person.
    Withdrawn(RunId),
}

/// Asks the ledger and then, only as far as needed, the publishers. `live` has PostgreSQL's ids of the live tables.
pub(super) async fn look(
    run: &Run<'_>,
    live: &BTreeMap<String, u32>,
    made_from: MadeFrom<'_>,
    ledger: &Ledger,
    access: &Access,
) -> Result<Look, Trouble> {
    let dataset = &run.dataset.dataset;
    let Some(published) = ledger.published(dataset).await? else { return Ok(Look::Changed) };
    // The same sources would be read the same way, and the same upstream data by the same queries, by the same manifest,
    // into the tables that are live.
    if published.tables != *live {
        return Ok(Look::Changed);
    }
    let sources: Vec<SourceState> = published.sources.into_values().collect();
    if published.manifest == run.making
        && sources_are_still(run, made_from, &sources, &published.fingerprint, access).await?
    {
        return Ok(Look::Unchanged);
    }
    if let Some(withdrawn) = ledger.withdrawn(dataset).await?
        && withdrawn.manifest == run.making
    {
        let sources = ledger.sources_of(withdrawn.run).await?;
        if sources_are_still(run, made_from, &sources, &withdrawn.fingerprint, access).await? {
            return Ok(Look::Withdrawn(withdrawn.run));
        }
    }
    Ok(Look::Changed)
}

/// Whether all sources still are what they were when rows of this fingerprint were made from them.
pub(super) async fn sources_are_still(
    run: &Run<'_>,
    made_from: MadeFrom<'_>,
    sources: &[SourceState],
    fingerprint: &str,
    access: &Access,
) -> Result<bool, Trouble> {
    let known: BTreeMap<&str, &SourceState> = sources.iter().map(|source| (source.file.as_str(), source)).collect();
    let contents = known.iter().filter_map(|(file, source)| Some((*file, source.sha256.as_deref()?))).collect();
    if of(made_from, &contents) != fingerprint {
        return Ok(false);
    }
    let mut asked = BTreeSet::new();
    let mut questions = Vec::new();
    for source in run.dataset.tables.iter().flat_map(Table::sources).filter(|source| asked.insert(&source.file)) {
        let Some(previous) = known.get(source.file.as_str()).and_then(|state| previous(state)) else {
            return Ok(false);
        };
        questions.push(async move { access.unchanged(source, &previous, run.stop).await });
    }
    // The first that says no ends it.
    let mut answers = stream::iter(questions).buffer_unordered(SOURCES_AT_ONCE);
    while let Some(unchanged) = answers.next().await {
        if !unchanged? {
            return Ok(false);
        }
    }
    Ok(true)
}

fn previous(source: &SourceState) -> Option<SourceFingerprint> {
    Some(SourceFingerprint {
        address: source.address.clone()?,
        etag: source.etag.clone(),
        last_modified: source.last_modified.clone(),
        content: Content { bytes: source.bytes?, sha256: source.sha256.clone()? },
    })
}
