//! What was live and was taken back by a person: known by what it was made from, so that it is not loaded again by itself.

use manifest::DatasetName;

use super::Ledger;
use super::run::RunId;
use crate::postgres;

/// Rows that were taken back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Withdrawn {
    /// The run that had loaded them.
    pub run: RunId,
    /// Hash of what of the manifest made them.
    pub manifest: String,
    /// What they were made from.
    pub fingerprint: String,
}

impl Ledger {
    /// What was taken back of a dataset and nothing has replaced since.
    pub async fn withdrawn(&self, dataset: &DatasetName) -> Result<Option<Withdrawn>, postgres::Error> {
        let row = self
            .connection()
            .await?
            .maybe(
                "read what was taken back",
                "SELECT run, manifest, fingerprint FROM freshet.withdrawn WHERE dataset = $1",
                &[&dataset.as_str()],
            )
            .await?;
        Ok(row.map(|row| Withdrawn { run: RunId::new(row.get(0)), manifest: row.get(1), fingerprint: row.get(2) }))
    }
}
