//! Tables that nobody reads yet: a blueprint of each and its rows come in, what stands in the schema
//! `freshet_staging_<dataset>` afterwards is all that will go live, with keys, indexes and statistics. Rows are frozen as
//! they arrive, so that even a snapshot older than the load sees them once they are published.

pub mod blueprint;
mod build;
mod catalog;
mod derive;
mod distinct;
mod error;
pub mod indexes;
mod judge;
mod load;
mod mark;
mod matview;
mod relay;
mod schema;

use std::collections::BTreeSet;
use std::sync::Arc;

use manifest::DatasetName;
use tokio::sync::Semaphore;

use crate::postgres::{Acting, Connection, Pool};

pub use blueprint::{Blueprint, ColumnPlan, ColumnSetting, ConstraintPlan, IndexPlan, Persistence};
pub use build::Built;
pub use catalog::{judged, own_types};
pub use derive::{Derivation, Derived};
pub use distinct::Distinct;
pub use error::Error;
pub use judge::{Judged, Refused, Verdict};
pub use load::{LoadError, Stored};
pub use mark::{Coverage, Extent, Mark};
pub use matview::{Filled, MatviewPlan, Over};
pub(crate) use schema::{let_in, make_private, missing_right};

/// Index builds that run at once, over all tables of a dataset. Two cores are what a small server has.
const INDEX_BUILDS: usize = 2;

/// The staging schema of one dataset, ours while we hold the lease.
#[derive(Debug)]
pub struct Staging {
    schema: String,
    kind: Kind,
    pool: Arc<Pool>,
    builds: Semaphore,
}

/// What a schema whose tables are to go live is otherwise.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// Nothing: it is dropped when it is of no use any more.
    Staging,
    /// A generation that was live before, and is not ours to drop.
    Generation,
}

impl Staging {
    /// The name of a dataset's staging schema. At most 56 bytes.
    pub fn schema_of(dataset: &DatasetName) -> String {
        format!("freshet_staging_{dataset}")
    }

    /// Makes the schema anew; whatever an earlier run left there goes. `owners` are the roles besides the login role that
    /// will own tables in it; for the time of the load they may create there.
    ///
    /// # Errors
    /// [`Error::Foreign`] when a schema of that name was not made by us, or the database's own.
    pub async fn begin(
        pool: Arc<Pool>,
        dataset: &DatasetName,
        mark: &Mark,
        owners: &BTreeSet<Acting>,
    ) -> Result<Self, Error> {
        let staging = Self::at(pool, dataset);
        let connection = staging.pool.take().await?;
        schema::drop(&connection, &staging.schema).await?;
        schema::make(&connection, &staging.schema, mark, owners).await?;
        staging.pool.give_back(connection);
        Ok(staging)
    }

    /// A generation that was live before, so that it goes live again as rows from staging do. `owners` may enter it until
    /// [`Staging::shut`].
    ///
    /// # Errors
    /// The database's own.
    pub async fn of_generation(pool: Arc<Pool>, schema: String, owners: &BTreeSet<Acting>) -> Result<Self, Error> {
        let connection = pool.take().await?;
        connection.batch("open a previous generation", &let_in(&schema, owners)).await?;
        pool.give_back(connection);
        Ok(Self { schema, kind: Kind::Generation, pool, builds: Semaphore::new(INDEX_BUILDS) })
    }

    /// Closes a generation that did not go live to everybody again.
    ///
    /// # Errors
    /// The database's own.
    pub async fn shut(pool: &Pool, schema: &str, owners: &BTreeSet<Acting>) -> Result<(), Error> {
        let connection = pool.take().await?;
        connection.batch("close a previous generation", &schema::keep_out(schema, owners)).await?;
        pool.give_back(connection);
        Ok(())
    }

    /// Whether the tables in it were live before.
    pub fn is_generation(&self) -> bool {
        self.kind == Kind::Generation
    }

    /// Takes up what an earlier run left, when it was made from the same manifest and the same sources.
    pub async fn resume(
        pool: Arc<Pool>,
        dataset: &DatasetName,
        mark: &Mark,
        owners: &BTreeSet<Acting>,
    ) -> Result<Option<Self>, Error> {
        let staging = Self::at(pool, dataset);
        let connection = staging.pool.take().await?;
        let resumed = match schema::find(&connection, &staging.schema).await? {
            Some(found) if found.same_rows(mark) => {
                schema::take_over(&connection, &staging.schema, mark, owners).await?;
                true
            }
            _ => false,
        };
        staging.pool.give_back(connection);
        Ok(resumed.then_some(staging))
    }

    /// The mark of what an earlier run left, if there is anything.
    ///
    /// # Errors
    /// [`Error::Foreign`] when a schema of that name was not made by us, or the database's own.
    pub async fn left(pool: &Pool, dataset: &DatasetName) -> Result<Option<Mark>, Error> {
        let connection = pool.take().await?;
        let mark = schema::find(&connection, &Self::schema_of(dataset)).await?;
        pool.give_back(connection);
        Ok(mark)
    }

    /// Drops what an earlier run left.
    ///
    /// # Errors
    /// As [`Staging::left`].
    pub async fn discard(pool: Arc<Pool>, dataset: &DatasetName) -> Result<(), Error> {
        Self::at(pool, dataset).clear().await
    }

    /// What its rows were made from.
    ///
    /// # Errors
    /// [`Error::Foreign`] when the schema is not one of ours any more, or the database's own.
    pub async fn mark(&self, connection: &Connection) -> Result<Mark, Error> {
        let foreign = || Error::Foreign { schema: self.schema.clone() };
        schema::find(connection, &self.schema).await?.ok_or_else(foreign)
    }

    /// Notes from what the rows were made, once that is known.
    pub async fn remark(&self, mark: &Mark) -> Result<(), Error> {
        let connection = self.pool.take().await?;
        schema::note(&connection, &self.schema, mark).await?;
        self.pool.give_back(connection);
        Ok(())
    }

    /// Drops the schema with all that is in it, unless it is a generation: that has gone with its last table, and its name
    /// may be another's.
    pub async fn clear(self) -> Result<(), Error> {
        if self.is_generation() {
            return Ok(());
        }
        let connection = self.pool.take().await?;
        schema::drop(&connection, &self.schema).await?;
        self.pool.give_back(connection);
        Ok(())
    }

    /// The schema's name.
    pub fn schema(&self) -> &str {
        &self.schema
    }

    /// The sessions that loads and builds run on.
    pub fn pool(&self) -> &Arc<Pool> {
        &self.pool
    }

    fn at(pool: Arc<Pool>, dataset: &DatasetName) -> Self {
        Self { schema: Self::schema_of(dataset), kind: Kind::Staging, pool, builds: Semaphore::new(INDEX_BUILDS) }
    }
}

/// Ends a transaction as its work ended: `COMMIT`, or `ROLLBACK` and the work's own error.
async fn conclude<T, E: From<crate::postgres::Error>>(
    connection: &Connection,
    what: &str,
    work: Result<T, E>,
) -> Result<T, E> {
    match work {
        Ok(done) => {
            connection.batch(what, "COMMIT").await?;
            Ok(done)
        }
        Err(error) => {
            connection.rollback().await;
            Err(error)
        }
    }
}
