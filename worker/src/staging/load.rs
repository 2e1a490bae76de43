//! Rows into one table: `BEGIN; CREATE TABLE; COPY … FREEZE; COMMIT` and nothing else, as PostgreSQL only freezes rows of a
//! table that the same transaction made.

use bytes::Bytes;
use futures_util::Stream;

use crate::fault::{Exit, Fault, Retry};
use crate::postgres::copy::{self, Failed};
use crate::postgres::{self, Connection};

use super::blueprint::Blueprint;
use super::error::Error;
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
    ) -> Result<u64, LoadError<E>> {
        let connection = self.pool.take().await?;
        let loaded = self.load_on(&connection, blueprint, rows).await;
        let loaded = conclude(&connection, &format!("keep the rows of {}", blueprint.table), loaded).await?;
        self.pool.give_back(connection);
        Ok(loaded)
    }

    async fn load_on<E: std::error::Error + 'static>(
        &self,
        connection: &Connection,
        blueprint: &Blueprint,
        rows: impl Stream<Item = Result<Bytes, E>>,
    ) -> Result<u64, LoadError<E>> {
        let table = &blueprint.table;
        let begin = format!("BEGIN; {}; {}", blueprint.owner.set_local(), blueprint.create(&self.schema));
        connection.batch(&format!("make {table} in staging"), &begin).await?;
        let what = format!("copy rows into {table}");
        match copy::copy_in(connection, &what, &blueprint.copy(&self.schema), rows).await {
            Ok(stored) => Ok(stored),
            Err(Failed::Reading(error)) => Err(LoadError::Reading(error)),
            Err(Failed::Database(error)) => Err(error.into()),
        }
    }
}
