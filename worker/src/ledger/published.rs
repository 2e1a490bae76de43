//! What is live, as the ledger remembers it: what decides whether there is anything to do.

use std::collections::BTreeMap;

use jiff::Timestamp;
use manifest::DatasetName;

use crate::postgres;

use super::Ledger;
use super::run::RunId;
use super::source::SourceState;

/// What was published last.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Published {
    /// The run that published it.
    pub run: RunId,
    /// How often the dataset has been published.
    pub generation: i64,
    /// Hash of what of its manifest made the rows.
    pub manifest: String,
    /// What its rows were made from.
    pub fingerprint: String,
    /// When.
    pub published: Timestamp,
    /// PostgreSQL's id of each table, by name.
    pub tables: BTreeMap<String, u32>,
    /// What its sources said about themselves, by file.
    pub sources: BTreeMap<String, SourceState>,
}

impl Ledger {
    /// What was published last of a dataset.
    pub async fn published(&self, dataset: &DatasetName) -> Result<Option<Published>, postgres::Error> {
        let what = "read what is published";
        let connection = self.connection().await?;
        let Some(row) = connection
            .maybe(
                what,
                "SELECT run, generation, manifest, fingerprint, published FROM freshet.published WHERE dataset = $1",
                &[&dataset.as_str()],
            )
            .await?
        else {
            return Ok(None);
        };
        let tables = connection
            .rows(
                what,
                "SELECT table_name, table_oid FROM freshet.published_tables WHERE dataset = $1",
                &[&dataset.as_str()],
            )
            .await?;
        let sources = connection
            .rows(
                what,
                "SELECT file, address, etag, last_modified, bytes, sha256 FROM freshet.sources WHERE dataset = $1",
                &[&dataset.as_str()],
            )
            .await?;
        Ok(Some(Published {
            run: RunId::new(row.get(0)),
            generation: row.get(1),
            manifest: row.get(2),
            fingerprint: row.get(3),
            published: row.get(4),
            tables: tables.iter().map(|row| (row.get(0), row.get(1))).collect(),
            sources: sources.iter().map(|row| (row.get(0), SourceState::read(row))).collect(),
        }))
    }
}
