//! Small files behind the one that is being read: they are fetched meanwhile, a few at once, so that a table of many files does not wait
//! for each of them anew. What is not small is left for its turn.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use manifest::Dataset;
use manifest::dataset::{Source, Table};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::reach::{Reach, Spooled};

/// Files that are fetched beside the one that is read.
const FILES: usize = 2;

/// A file of more bytes is read when its turn comes, so that the spool needs no more than some of these.
const SMALL: u64 = 32 << 20;

/// Files of the tables that have several.
pub(super) struct Ahead {
    /// By file: its table's row and its place in it.
    places: BTreeMap<String, (usize, usize)>,
    rows: Vec<Vec<Source>>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    fetching: BTreeMap<String, JoinHandle<Option<Spooled>>>,
    /// Rows of files that are not small.
    left: Vec<usize>,
}

impl Ahead {
    /// Knows the files of each table that `may` be fetched for it alone.
    pub(super) fn new(dataset: &Dataset, may: impl Fn(&Source) -> bool) -> Self {
        let row = |table: &Table| table.sources().iter().filter(|source| may(source)).cloned().collect();
        let rows: Vec<Vec<Source>> = dataset.tables.iter().map(row).filter(|row: &Vec<_>| row.len() > 1).collect();
        let places = rows.iter().enumerate().flat_map(|(row, sources)| {
            sources.iter().enumerate().map(move |(place, source)| (source.file.clone(), (row, place)))
        });
        Self { places: places.collect(), rows, state: Mutex::default() }
    }

    /// Begins to fetch what is behind this one.
    pub(super) fn start_behind(&self, source: &Source, reach: &Arc<Reach>, cancel: &CancellationToken) {
        let Some((row, place)) = self.places.get(&source.file) else { return };
        let mut state = self.lock();
        if state.left.contains(row) {
            return;
        }
        for next in self.rows[*row].iter().skip(place + 1).take(FILES) {
            state.fetching.entry(next.file.clone()).or_insert_with(|| {
                let (reach, next, cancel) = (Arc::clone(reach), next.clone(), cancel.clone());
                tokio::spawn(async move { fetch_small(&reach, &next, &cancel).await })
            });
        }
    }

    /// A file that was fetched ahead. What went wrong with one is met again, and told, by whoever reads it now.
    pub(super) async fn take(&self, source: &Source) -> Option<Spooled> {
        let fetching = self.lock().fetching.remove(&source.file)?;
        let fetched = fetching.await.ok().flatten();
        if let (None, Some((row, _))) = (&fetched, self.places.get(&source.file)) {
            self.lock().left.push(*row);
        }
        fetched
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn fetch_small(reach: &Reach, source: &Source, cancel: &CancellationToken) -> Option<Spooled> {
    let arrival = reach.arrive(&source.file, &reach.locate(source).ok()?, cancel).await.ok()?;
    if arrival.length.is_none_or(|length| length > SMALL) {
        return None;
    }
    reach.spool(arrival, cancel).await.ok()
}
