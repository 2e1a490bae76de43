//! What the publish transaction itself writes into the ledger, so that rows and ledger change together or not at all.

use jiff::Timestamp;
use manifest::run::Changes;
use manifest::{DatasetName, Identifier};

use crate::postgres::{self, Connection};

use super::error::Error;
use super::progress::{self, AppendedFile, Watermark};
use super::run::{RunId, bigint};
use super::source::{SourceColumns, SourceState};
use super::withdrawn::Withdrawn;

/// What a run publishes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Publication {
    /// The run.
    pub run: RunId,
    /// The dataset.
    pub dataset: DatasetName,
    /// The firing's scheduled time.
    pub scheduled_time: Option<Timestamp>,
    /// Hash of what of the manifest makes the rows.
    pub manifest: String,
    /// What the rows were made from, as one text: two runs with the same have the same rows.
    pub fingerprint: String,
    /// What the sources said about themselves.
    pub sources: Vec<SourceState>,
    /// What was live and is taken back by this, so that it is not loaded again by itself.
    pub withdrawn: Option<Withdrawn>,
}

/// A table that goes live, or that stays and has other rows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PublishedTable {
    /// Its name.
    pub name: Identifier,
    /// PostgreSQL's id of it, which it keeps when it moves from staging.
    pub oid: u32,
    /// Its rows.
    pub rows: u64,
    /// What changed of it; `None` for a new table in the place of an old one.
    pub changes: Option<Changes>,
    /// The largest value that came of the column that says how far its source was read.
    pub watermark: Option<Watermark>,
    /// The files whose rows were added to it.
    pub appended: Vec<AppendedFile>,
}

impl Publication {
    /// The first statement of the transaction that is open on `connection`: a run that is not `running` any more, because
    /// another took over, cannot publish, and whoever would take over waits for us from here on. Takes a lock on the run's
    /// own row.
    ///
    /// # Errors
    /// [`Error::Fenced`], or the database's own; the transaction can then only be rolled back.
    pub async fn fence(&self, connection: &Connection) -> Result<(), Error> {
        let what = "write the publication into the ledger";
        let fenced = connection
            .execute(
                what,
                "UPDATE freshet.runs SET state = 'published', finished = clock_timestamp(), fingerprint = $2,
                     exit_code = 0
                 WHERE run = $1 AND state = 'running'",
                &[self.run.uuid(), &self.fingerprint],
            )
            .await?;
        if fenced != 1 {
            let state = connection
                .maybe(what, "SELECT state FROM freshet.runs WHERE run = $1", &[self.run.uuid()])
                .await?
                .map_or_else(|| "unknown".to_owned(), |row| row.get(0));
            return Err(Error::Fenced { run: self.run, state });
        }
        Ok(())
    }

    /// Writes what is published into the transaction that [`fence`](Self::fence) began. Takes row locks on the dataset's own
    /// rows of the ledger and no others.
    ///
    /// # Errors
    /// The database's own; the transaction can then only be rolled back.
    pub async fn write(&self, connection: &Connection, tables: &[PublishedTable]) -> Result<(), Error> {
        let what = "write the publication into the ledger";
        let dataset = self.dataset.as_str();
        let rows: Vec<i64> = tables.iter().map(|table| bigint(table.rows)).collect();
        let total = rows.iter().sum::<i64>();
        let sql = "UPDATE freshet.runs SET rows = $2 WHERE run = $1";
        connection.execute(what, sql, &[self.run.uuid(), &total]).await?;
        connection
            .execute(
                what,
                "INSERT INTO freshet.published AS p
                     (dataset, run, generation, manifest, fingerprint, scheduled_time, published)
                 VALUES ($1, $2, 1, $3, $4, $5, clock_timestamp())
                 ON CONFLICT (dataset) DO UPDATE
                 SET (run, generation, manifest, fingerprint, scheduled_time, published) = (excluded.run, p.generation + 1,
                     excluded.manifest, excluded.fingerprint, excluded.scheduled_time, excluded.published)",
                &[&dataset, self.run.uuid(), &self.manifest, &self.fingerprint, &self.scheduled_time],
            )
            .await?;
        self.write_tables(connection, what, tables, &rows).await?;
        self.write_sources(connection, what).await?;
        self.write_withdrawn(connection, what).await?;
        progress::write(connection, &self.dataset, self.run, tables).await?;
        Ok(())
    }

    async fn write_tables(
        &self,
        connection: &Connection,
        what: &str,
        tables: &[PublishedTable],
        rows: &[i64],
    ) -> Result<(), postgres::Error> {
        let dataset = self.dataset.as_str();
        let names: Vec<&str> = tables.iter().map(|table| table.name.as_str()).collect();
        let oids: Vec<u32> = tables.iter().map(|table| table.oid).collect();
        connection.execute(what, "DELETE FROM freshet.published_tables WHERE dataset = $1", &[&dataset]).await?;
        connection
            .execute(
                what,
                "INSERT INTO freshet.published_tables (dataset, table_name, table_oid, rows)
                 SELECT $1, * FROM unnest($2::text[], $3::oid[], $4::int8[])",
                &[&dataset, &names, &oids, &rows],
            )
            .await?;
        Ok(())
    }

    async fn write_sources(&self, connection: &Connection, what: &str) -> Result<(), postgres::Error> {
        let dataset = self.dataset.as_str();
        let columns = SourceColumns::of(&self.sources);
        connection.execute(what, "DELETE FROM freshet.sources WHERE dataset = $1", &[&dataset]).await?;
        connection
            .execute(
                what,
                "INSERT INTO freshet.sources (dataset, file, address, etag, last_modified, bytes, sha256)
                 SELECT $1, * FROM unnest($2::text[], $3::text[], $4::text[], $5::text[], $6::int8[], $7::text[])",
                &columns.behind(&dataset),
            )
            .await?;
        Ok(())
    }

    /// Remembers what was taken back, or forgets it once something else is live.
    async fn write_withdrawn(&self, connection: &Connection, what: &str) -> Result<(), postgres::Error> {
        let dataset = self.dataset.as_str();
        connection.execute(what, "DELETE FROM freshet.withdrawn WHERE dataset = $1", &[&dataset]).await?;
        if let Some(Withdrawn { run, manifest, fingerprint }) = &self.withdrawn {
            connection
                .execute(
                    what,
                    "INSERT INTO freshet.withdrawn (dataset, run, manifest, fingerprint, withdrawn)
                     VALUES ($1, $2, $3, $4, clock_timestamp())",
                    &[&dataset, run.uuid(), manifest, fingerprint],
                )
                .await?;
        }
        Ok(())
    }
}
