//! Rows of a query into one table: `COPY (SELECT …) TO STDOUT` on one session is relayed into `COPY … FREEZE` on another, as
//! only that freezes rows. To an older snapshot the result of `CREATE TABLE AS` is empty.

use std::sync::atomic::{AtomicU64, Ordering};

use futures_util::TryStreamExt as _;

use crate::derived::SearchPath;
use crate::fault::{Exit, Fault as _};
use crate::postgres::copy;
use crate::postgres::identifiers::{qualified, quote_ident};
use crate::postgres::{self, Connection};

use super::blueprint::Blueprint;
use super::error::Error;
use super::load::{LoadError, Stored};
use super::{Staging, conclude};

/// What one query gave.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Derived {
    /// Rows.
    pub rows: u64,
    /// Rows that went because another has the same key.
    pub duplicates: u64,
    /// Bytes of them as they were relayed.
    pub bytes: u64,
}

/// A query over tables in staging and live ones.
#[derive(Debug)]
pub struct Derivation<'a> {
    /// One `SELECT`, without a semicolon.
    pub select: &'a str,
    /// Where it stands, for messages.
    pub file: &'a str,
    /// Where its names are looked up, behind staging.
    pub search_path: &'a SearchPath,
    /// The tables in staging that it reads.
    pub reads: Vec<&'a Blueprint>,
}

impl Staging {
    /// Makes the table and fills it with what the query gives, as the table's owner and in a transaction that can only read.
    /// On any failure the table is not there.
    ///
    /// # Errors
    /// The database's own, of the query or of the table.
    pub async fn derive_table(&self, blueprint: &Blueprint, from: &Derivation<'_>) -> Result<Derived, Error> {
        let source = self.pool.take().await?;
        self.let_read(&source, blueprint, &from.reads).await?;
        let what = format!("run the query of {} ({})", blueprint.table, from.file);
        let begin =
            format!("BEGIN READ ONLY; {}; {}", blueprint.owner.set_local(), from.search_path.over(&self.schema));
        source.batch(&what, &begin).await?;
        let bytes = AtomicU64::new(0);
        let statement = format!("COPY ({}\n) TO STDOUT (FORMAT binary)", from.select);
        let rows =
            copy::copy_out(&source, &what, &statement).await.map_err(|error| of_query(blueprint, from, error))?;
        let rows = rows.inspect_ok(|chunk| {
            bytes.fetch_add(chunk.len() as u64, Ordering::Relaxed);
        });
        let Stored { rows, duplicates } = self.load_table(blueprint, rows).await.map_err(|error| match error {
            LoadError::Reading(error) => of_query(blueprint, from, error),
            LoadError::Staging(error) => error,
        })?;
        source.batch(&what, "COMMIT").await?;
        self.pool.give_back(source);
        Ok(Derived { rows, duplicates, bytes: bytes.into_inner() })
    }

    /// Drops what an earlier try at a query has made.
    pub async fn drop_table(&self, blueprint: &Blueprint) -> Result<(), Error> {
        let connection = self.pool.take().await?;
        let table = qualified(&self.schema, blueprint.table.as_str());
        let sql = format!("BEGIN; {}; DROP TABLE IF EXISTS {table}", blueprint.owner.set_local());
        let what = format!("drop {} in staging", blueprint.table);
        let dropped = connection.batch(&what, &sql).await.map_err(Error::from);
        conclude(&connection, &what, dropped).await?;
        self.pool.give_back(connection);
        Ok(())
    }

    /// Lets the owner of one table read others in staging. The privileges that these will have when they are live are put in
    /// the place of this one before that.
    async fn let_read(
        &self,
        connection: &Connection,
        reader: &Blueprint,
        tables: &[&Blueprint],
    ) -> Result<(), postgres::Error> {
        let role = quote_ident(reader.owner.role().unwrap_or(connection.user()));
        for table in tables.iter().filter(|table| table.owner != reader.owner) {
            let place = qualified(&self.schema, table.table.as_str());
            let sql = format!("BEGIN; {}; GRANT SELECT ON {place} TO {role}; COMMIT", table.owner.set_local());
            connection.batch(&format!("let {role} read {place}"), &sql).await?;
        }
        Ok(())
    }
}

/// What PostgreSQL says while a query runs. Where it is about the query, and not about data or the server, the query is to be
/// corrected: one that writes, above all.
fn of_query(blueprint: &Blueprint, from: &Derivation<'_>, error: postgres::Error) -> Error {
    match error {
        postgres::Error::Statement(refusal) if refusal.exit() == Exit::Internal => {
            Error::Query { table: blueprint.table.to_string(), file: from.file.to_owned(), reason: refusal.message }
        }
        error => Error::Database(error),
    }
}
