//! What the ledger knows of kept records that can be read again, and what it is told once their rows are live.

use manifest::DatasetName;
use manifest::run::Changes;

use super::Ledger;
use super::error::Error;
use super::run::{RunId, bigint};
use crate::postgres::{self, Connection};

/// A reject whose record may be read again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Replayable {
    /// Its number in the ledger.
    pub reject: i64,
    /// The run that met it.
    pub run: RunId,
    /// The table.
    pub table: String,
    /// The source's file.
    pub file: String,
    /// The member of its archive.
    pub member: Option<String>,
    /// The line that its record begins in.
    pub line: Option<i64>,
    /// Bytes before its record.
    pub byte_offset: Option<i64>,
    /// The column that is NULL; `None` where the row was kept out.
    pub column: Option<String>,
    /// The record; `None` where it was too long to be kept.
    pub record: Option<Vec<u8>>,
    /// The names of its fields.
    pub names: Vec<String>,
}

/// What came of one table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReplayedTable {
    /// Its name.
    pub table: String,
    /// What changed.
    pub changes: Changes,
    /// Numbers of the rejects that are settled by it.
    pub rejects: Vec<i64>,
}

const WHAT: &str = "read what can be loaded again";

impl Ledger {
    /// The rejects of what is live that have not been replayed: of the last publish, and of tables that are only `added` to those of each.
    ///
    /// # Errors
    /// The database's own.
    pub async fn replayable(&self, dataset: &DatasetName, added: &[&str]) -> Result<Vec<Replayable>, postgres::Error> {
        let sql = "SELECT j.reject, j.run, j.table_name, j.file, j.member, j.line, j.byte_offset,
                       CASE j.consequence WHEN 'null' THEN j.column_name END, j.record, coalesce(f.names, '{}')
                   FROM freshet.rejects j JOIN freshet.runs r USING (run)
                   LEFT JOIN freshet.reject_files f ON f.run = j.run AND f.table_name = j.table_name
                       AND f.file = j.file AND f.member = coalesce(j.member, '')
                   WHERE r.dataset = $1 AND j.replayed IS NULL
                       AND (j.run = (SELECT p.run FROM freshet.published p WHERE p.dataset = $1)
                            OR (r.state = 'published' AND j.table_name = ANY ($2)))
                   ORDER BY j.reject";
        let rows = self.connection().await?.rows(WHAT, sql, &[&dataset.as_str(), &added]).await?;
        let replayable = |row: &tokio_postgres::Row| Replayable {
            reject: row.get(0),
            run: RunId::new(row.get(1)),
            table: row.get(2),
            file: row.get(3),
            member: row.get(4),
            line: row.get(5),
            byte_offset: row.get(6),
            column: row.get(7),
            record: row.get(8),
            names: row.get(9),
        };
        Ok(rows.iter().map(replayable).collect())
    }
}

/// Ends a run as one that published, the first statement of the transaction that is open on `connection`: one that another took over
/// from writes nothing. Takes a lock on the run's own row.
///
/// # Errors
/// [`Error::Fenced`], or the database's own; the transaction can then only be rolled back.
pub async fn fence_replay(connection: &Connection, run: RunId) -> Result<(), Error> {
    let sql = "UPDATE freshet.runs SET state = 'published', finished = clock_timestamp(), exit_code = 0
               WHERE run = $1 AND state = 'running'";
    if connection.execute("write the replay into the ledger", sql, &[run.uuid()]).await? == 1 {
        return Ok(());
    }
    Err(Error::Fenced { run, state: "not running".to_owned() })
}

/// Writes what was replayed into the transaction that [`fence_replay`] began: each reject is settled once.
///
/// # Errors
/// [`Error::Fenced`] where one of them has been settled by another, or the database's own.
pub async fn note_replay(
    connection: &Connection,
    dataset: &DatasetName,
    run: RunId,
    tables: &[ReplayedTable],
) -> Result<(), Error> {
    let what = "write the replay into the ledger";
    for ReplayedTable { table, changes, rejects } in tables {
        let sql = "UPDATE freshet.rejects SET (replayed, replayed_by) = (clock_timestamp(), $1)
                   WHERE reject = ANY ($2) AND replayed IS NULL";
        if connection.execute(what, sql, &[run.uuid(), rejects]).await? != rejects.len() as u64 {
            return Err(Error::Fenced { run, state: "late: another has replayed the same".to_owned() });
        }
        let sql = "UPDATE freshet.published_tables SET rows = rows + $3 WHERE dataset = $1 AND table_name = $2";
        connection.execute(what, sql, &[&dataset.as_str(), table, &bigint(changes.inserted)]).await?;
    }
    let inserted: u64 = tables.iter().map(|table| table.changes.inserted).sum();
    let sql = "UPDATE freshet.runs SET rows = $2 WHERE run = $1";
    connection.execute(what, sql, &[run.uuid(), &bigint(inserted)]).await?;
    // Datasets that are made from this one have something to do.
    let sql =
        "UPDATE freshet.published SET (generation, published) = (generation + 1, clock_timestamp()) WHERE dataset = $1";
    connection.execute(what, sql, &[&dataset.as_str()]).await?;
    Ok(())
}
