//! What is live, as the ledger remembers it: what decides whether there is anything to do.

use std::collections::BTreeMap;

use jiff::Timestamp;
use manifest::DatasetName;

use crate::postgres;

use super::Ledger;
use super::publication::SourceState;
use super::run::RunId;

/// What was published last.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Published {
    /// The run that published it.
    pub run: RunId,
    /// How often the dataset has been published.
    pub generation: i64,
    /// Hash of its manifest.
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

impl Published {
    /// Whether a load would change nothing: the same sources and manifest, and the tables that are live are those that
    /// were published. `live` has PostgreSQL's ids of the tables of the manifest that exist, by name.
    pub fn is_still(&self, manifest: &str, fingerprint: &str, live: &BTreeMap<String, u32>) -> bool {
        self.manifest == manifest && self.fingerprint == fingerprint && self.tables == *live
    }
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
        let source = |row: &tokio_postgres::Row| SourceState {
            file: row.get(0),
            address: row.get(1),
            etag: row.get(2),
            last_modified: row.get(3),
            bytes: row.get::<_, Option<i64>>(4).and_then(|bytes| u64::try_from(bytes).ok()),
            sha256: row.get(5),
        };
        Ok(Some(Published {
            run: RunId::new(row.get(0)),
            generation: row.get(1),
            manifest: row.get(2),
            fingerprint: row.get(3),
            published: row.get(4),
            tables: tables.iter().map(|row| (row.get(0), row.get(1))).collect(),
            sources: sources.iter().map(|row| (row.get(0), source(row))).collect(),
        }))
    }
}
