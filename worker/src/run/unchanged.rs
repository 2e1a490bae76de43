//! Whether there is anything to do: sources, manifest, the way of reading, the datasets that it depends on and the live
//! tables are what they were when the dataset was published last.

use std::collections::BTreeMap;

use manifest::dataset::Table;
use manifest::{ContentHash, Dataset};
use tokio_util::sync::CancellationToken;

use super::tables::Loaded;
use crate::ledger::{Generations, Ledger, SourceState};
use crate::source::{Access, Content, SourceFingerprint};
use crate::trouble::Trouble;

/// The way of reading. A version that reads the same bytes to other values counts on, and everything is loaded anew.
const READING: u32 = 1;

/// What rows are made from besides the sources.
#[derive(Debug, Clone, Copy)]
pub(super) struct MadeFrom<'a> {
    /// Hash of the manifest, its SQL included.
    pub(super) manifest: &'a str,
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
    let MadeFrom { manifest, upstream } = made_from;
    ContentHash::of(&(READING, manifest, contents, upstream)).map(|hash| hash.prefix(32)).unwrap_or_default()
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

/// Asks the ledger and then, only as far as needed, the publishers.
pub(super) async fn is_unchanged(
    dataset: &Dataset,
    made_from: MadeFrom<'_>,
    live: &BTreeMap<String, u32>,
    ledger: &Ledger,
    access: &Access,
    stop: &CancellationToken,
) -> Result<bool, Trouble> {
    let Some(published) = ledger.published(&dataset.dataset).await? else { return Ok(false) };
    let contents = published
        .sources
        .iter()
        .filter_map(|(file, source)| Some((file.as_str(), source.sha256.as_deref()?)))
        .collect();
    // The same sources would be read the same way, and the same upstream data by the same queries, by the same manifest,
    // into the tables that are live.
    if !published.is_still(made_from.manifest, &of(made_from, &contents), live) {
        return Ok(false);
    }
    for source in dataset.tables.iter().flat_map(Table::sources) {
        let Some(previous) = published.sources.get(&source.file).and_then(previous) else { return Ok(false) };
        if !access.unchanged(source, &previous, stop).await? {
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
