//! Rows into one table: `BEGIN; CREATE TABLE; COPY … FREEZE; COMMIT` and nothing else, as PostgreSQL only freezes rows of a
//! table that the same transaction made.

use bytes::Bytes;
use futures_util::Stream;

use crate::fault::{Exit, Fault, Retry};
use crate::postgres::copy::{self, Failed};
use crate::postgres::identifiers::qualified;
use crate::postgres::{self, Connection};

use super::blueprint::{Blueprint, Persistence};
use super::error::Error;
use super::judge::{Judged, Verdict};
use super::relay::relay;
use super::{Staging, conclude};

/// Why rows did not arrive.
#[derive(Debug, thiserror::Error)]
pub enum LoadError<E: std::error::Error + 'static> {
    /// The reading side gave up.
    #[error(transparent)]
    Reading(E),
    /// Staging did.
    #[error(transparent)]
    Staging(#[from] Error),
}

impl<E: std::error::Error> From<postgres::Error> for LoadError<E> {
    fn from(error: postgres::Error) -> Self {
        Self::Staging(Error::Database(error))
    }
}

impl<E: Fault> Fault for LoadError<E> {
    fn code(&self) -> &'static str {
        match self {
            Self::Reading(error) => error.code(),
            Self::Staging(error) => error.code(),
        }
    }

    fn exit(&self) -> Exit {
        match self {
            Self::Reading(error) => error.exit(),
            Self::Staging(error) => error.exit(),
        }
    }

    fn retry(&self) -> Retry {
        match self {
            Self::Reading(error) => error.retry(),
            Self::Staging(error) => error.retry(),
        }
    }

    fn advice(&self) -> Option<String> {
        match self {
            Self::Reading(error) => error.advice(),
            Self::Staging(error) => error.advice(),
        }
    }
}

/// What a load left in staging.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Stored {
    /// Rows.
    pub rows: u64,
    /// Rows that went because another has the same key.
    pub duplicates: u64,
}

/// Memory for telling duplicates apart, and no more: it is sorted in files beyond it.
const SORT_MEMORY: &str = "64MB";

impl Staging {
    /// Makes the table and copies rows into it; may be called for several tables at once. `rows` are chunks that together
    /// are a complete binary `COPY` stream of [`Blueprint::copied`]; an error in their place ends the load. Returns the rows
    /// as the server counts them. On any failure the table is not there.
    ///
    /// # Errors
    /// The stream's own, or the database's with the row and column that it did not take.
    pub async fn load_table<E: std::error::Error + 'static>(
        &self,
        blueprint: &Blueprint,
        rows: impl Stream<Item = Result<Bytes, E>>,
    ) -> Result<Stored, LoadError<E>> {
        Ok(self.load_judged(blueprint, &[], rows).await?.0)
    }

    /// The same of a table with columns that the server judges, and what it did not take.
    ///
    /// # Errors
    /// As of [`Staging::load_table`].
    pub async fn load_judged<E: std::error::Error + 'static>(
        &self,
        blueprint: &Blueprint,
        judged: &[Judged],
        rows: impl Stream<Item = Result<Bytes, E>>,
    ) -> Result<(Stored, Verdict), LoadError<E>> {
        let connection = self.pool.take().await?;
        let is_direct =
            judged.is_empty() && (blueprint.distinct.is_none() || blueprint.persistence == Persistence::Unlogged);
        let loaded = if is_direct {
            let loaded = self.load_on(&connection, blueprint, rows).await;
            let stored = conclude(&connection, &format!("keep the rows of {}", blueprint.table), loaded).await?;
            (stored, Verdict::default())
        } else {
            self.load_raw(&connection, blueprint, judged, rows).await?
        };
        self.pool.give_back(connection);
        Ok(loaded)
    }

    async fn load_on<E: std::error::Error + 'static>(
        &self,
        connection: &Connection,
        blueprint: &Blueprint,
        rows: impl Stream<Item = Result<Bytes, E>>,
    ) -> Result<Stored, LoadError<E>> {
        let create = blueprint.create(&self.schema);
        let table = qualified(&self.schema, blueprint.table.as_str());
        let copied = self.fill(connection, blueprint, &create, &table, rows).await?;
        let duplicates = self.thin_out(connection, blueprint, &table).await?;
        Ok(Stored { rows: copied - duplicates, duplicates })
    }

    /// Rows that are to be frozen may have nobody among them who goes, and no value that is still to be judged: they are read into a
    /// table of their own first.
    async fn load_raw<E: std::error::Error + 'static>(
        &self,
        connection: &Connection,
        blueprint: &Blueprint,
        judged: &[Judged],
        rows: impl Stream<Item = Result<Bytes, E>>,
    ) -> Result<(Stored, Verdict), LoadError<E>> {
        let what = format!("keep the rows of {}", blueprint.table);
        let raw = qualified(&self.schema, &blueprint.raw());
        let create = blueprint.create_raw(&self.schema, judged);
        let filled = self.fill(connection, blueprint, &create, &raw, rows).await;
        conclude(connection, &what, filled).await?;
        let verdict = match judged {
            [] => Verdict::default(),
            judged => self.judge(connection, blueprint, judged).await?,
        };
        connection.batch(&what, &format!("BEGIN; {}", blueprint.owner.set_local())).await?;
        let thinned = self.thin_out(connection, blueprint, &raw).await;
        let duplicates = conclude(connection, &what, thinned).await.map_err(LoadError::Staging)?;

        let into = self.pool.take().await?;
        let begin = format!("BEGIN; {}; {}", blueprint.owner.set_local(), blueprint.create(&self.schema));
        into.batch(&format!("make {} in staging", blueprint.table), &begin).await?;
        let acting = format!("BEGIN READ ONLY; {}", blueprint.owner.set_local());
        connection.batch(&what, &acting).await?;
        let select = format!("SELECT {} FROM {raw}", blueprint.copied_names());
        let relayed = relay(&what, connection, &select, &into, &blueprint.copy(&self.schema)).await;
        connection.rollback().await;
        let rows = conclude(&into, &what, relayed.map_err(LoadError::<E>::from)).await?;
        self.pool.give_back(into);
        let gone = format!("BEGIN; {}; DROP TABLE {raw}; COMMIT", blueprint.owner.set_local());
        connection.batch(&what, &gone).await?;
        Ok((Stored { rows, duplicates }, verdict))
    }

    /// Makes a table in a transaction that is left open, copies rows into it and returns how many.
    async fn fill<E: std::error::Error + 'static>(
        &self,
        connection: &Connection,
        blueprint: &Blueprint,
        create: &str,
        table: &str,
        rows: impl Stream<Item = Result<Bytes, E>>,
    ) -> Result<u64, LoadError<E>> {
        let name = &blueprint.table;
        let begin = format!("BEGIN; {}; {create}", blueprint.owner.set_local());
        connection.batch(&format!("make {name} in staging"), &begin).await?;
        let what = format!("copy rows into {name}");
        match copy::copy_in(connection, &what, &blueprint.copy_into(table), rows).await {
            Ok(copied) => Ok(copied),
            Err(Failed::Reading(error)) => Err(LoadError::Reading(error)),
            Err(Failed::Database(error)) => Err(error.into()),
        }
    }

    /// Takes those rows out that share a key, in the transaction that is open, and returns how many.
    async fn thin_out(&self, connection: &Connection, blueprint: &Blueprint, table: &str) -> Result<u64, Error> {
        let Some(distinct) = &blueprint.distinct else { return Ok(0) };
        let what = format!("tell rows of {} with one key apart", blueprint.table);
        connection.batch(&what, &format!("SET LOCAL work_mem = '{SORT_MEMORY}'")).await?;
        Ok(connection.execute(&what, &distinct.delete(table), &[]).await?)
    }
}
