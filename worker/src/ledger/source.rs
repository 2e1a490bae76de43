//! What a source said about itself when it was read, as the ledger keeps it of what is live and of what a run loaded.

use manifest::DatasetName;
use tokio_postgres::Row;
use tokio_postgres::types::ToSql;

use super::Ledger;
use super::run::bigint;
use crate::postgres;

/// What a source said about itself when it was read.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct SourceState {
    /// Its file name.
    pub file: String,
    /// The address it was read from: validators say nothing about another one.
    pub address: Option<String>,
    /// Its entity tag.
    pub etag: Option<String>,
    /// Its time of last change, in its own words.
    pub last_modified: Option<String>,
    /// Its size in bytes as it was transferred.
    pub bytes: Option<u64>,
    /// Hash of its bytes, in hex.
    pub sha256: Option<String>,
}

impl SourceState {
    /// Reads `file, address, etag, last_modified, bytes, sha256`.
    pub(super) fn read(row: &Row) -> Self {
        Self {
            file: row.get(0),
            address: row.get(1),
            etag: row.get(2),
            last_modified: row.get(3),
            bytes: row.get::<_, Option<i64>>(4).and_then(|bytes| u64::try_from(bytes).ok()),
            sha256: row.get(5),
        }
    }
}

impl Ledger {
    /// Keeps what the sources of a dataset say about themselves now, where their bytes are those that are live.
    pub async fn sources_seen_again(
        &self,
        dataset: &DatasetName,
        sources: &[SourceState],
    ) -> Result<(), postgres::Error> {
        let columns = SourceColumns::of(sources);
        let sql = "UPDATE freshet.sources s SET (address, etag, last_modified) = (n.address, n.etag, n.last_modified)
                   FROM unnest($2::text[], $3::text[], $4::text[], $5::text[], $6::int8[], $7::text[])
                       AS n (file, address, etag, last_modified, bytes, sha256)
                   WHERE s.dataset = $1 AND s.file = n.file AND s.sha256 = n.sha256";
        let connection = self.connection().await?;
        connection.execute("keep what the sources say", sql, &columns.behind(&dataset.as_str())).await?;
        Ok(())
    }

    /// Forgets what the sources of a dataset were and how far they were read, so that the next run reads them whole. Returns how many
    /// there were.
    pub async fn forget_sources(&self, dataset: &DatasetName) -> Result<u64, postgres::Error> {
        let sql = "WITH published AS (
                       UPDATE freshet.published SET fingerprint = '' WHERE dataset = $1
                   ), watermarks AS (
                       DELETE FROM freshet.watermarks WHERE dataset = $1
                   )
                   DELETE FROM freshet.sources WHERE dataset = $1";
        let connection = self.connection().await?;
        connection.execute("forget what the sources were", sql, &[&dataset.as_str()]).await
    }
}

/// Several sources, column by column, for `unnest`.
pub(super) struct SourceColumns<'a> {
    files: Vec<&'a str>,
    bytes: Vec<Option<i64>>,
    /// Address, entity tag, time of last change and hash.
    texts: [Vec<Option<&'a str>>; 4],
}

impl<'a> SourceColumns<'a> {
    pub(super) fn of(sources: &'a [SourceState]) -> Self {
        let text = |pick: fn(&SourceState) -> &Option<String>| -> Vec<Option<&'a str>> {
            sources.iter().map(|source| pick(source).as_deref()).collect()
        };
        Self {
            files: sources.iter().map(|source| source.file.as_str()).collect(),
            bytes: sources.iter().map(|source| source.bytes.map(bigint)).collect(),
            texts: [
                text(|source| &source.address),
                text(|source| &source.etag),
                text(|source| &source.last_modified),
                text(|source| &source.sha256),
            ],
        }
    }

    /// The parameters of a statement whose first is `owner`, in the order of [`SourceState::read`].
    pub(super) fn behind<'p>(&'p self, owner: &'p (dyn ToSql + Sync)) -> [&'p (dyn ToSql + Sync); 7] {
        let [address, etag, last_modified, sha256] = &self.texts;
        [owner, &self.files, address, etag, last_modified, &self.bytes, sha256]
    }
}
