//! Where the bytes of a run's sources are kept.

use std::collections::BTreeMap;

use super::Ledger;
use super::run::RunId;
use crate::postgres;

impl Ledger {
    /// Notes where bytes of this run's sources are kept, by file.
    pub async fn archived(&self, run: RunId, kept: &BTreeMap<String, String>) -> Result<(), postgres::Error> {
        let files: Vec<&str> = kept.keys().map(String::as_str).collect();
        let places: Vec<&str> = kept.values().map(String::as_str).collect();
        let sql = "UPDATE freshet.run_sources s SET archived = k.archived
                   FROM unnest($2::text[], $3::text[]) AS k (file, archived) WHERE s.run = $1 AND s.file = k.file";
        let connection = self.connection().await?;
        connection.execute("note where bytes are kept", sql, &[run.uuid(), &files, &places]).await?;
        Ok(())
    }

    /// Whether the bytes of all sources of a run are kept.
    pub async fn is_archived(&self, run: RunId) -> Result<bool, postgres::Error> {
        let sql = "SELECT NOT EXISTS (SELECT FROM freshet.run_sources WHERE run = $1 AND archived IS NULL)";
        let connection = self.connection().await?;
        Ok(connection.row("see whether bytes are kept", sql, &[run.uuid()]).await?.get(0))
    }
}
