//! What makes a table of loaded rows: keys and indexes, several at a time, and statistics.

use std::time::Duration;

use futures_util::future::try_join_all;
use manifest::dataset::Nullability;
use tokio::time::Instant;
use tokio_postgres::error::SqlState;

use crate::postgres::identifiers::{qualified, quote_ident};
use crate::postgres::{self, Acting, Connection};

use super::blueprint::{Blueprint, IndexPlan, Persistence};
use super::error::Error;
use super::indexes::{Index, QUERY};
use super::{Staging, conclude};

/// What finishing a table took.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Built {
    /// Indexes that were built, those of keys included.
    pub indexes: usize,
    /// Wall-clock time, statistics included.
    pub elapsed: Duration,
}

/// What is done to a table or materialized view once its rows are there.
#[derive(Debug)]
pub(super) struct Finish<'a> {
    pub(super) name: &'a str,
    pub(super) owner: &'a Acting,
    pub(super) indexes: &'a [IndexPlan],
    /// Statements that come before `ANALYZE`.
    pub(super) last: Vec<String>,
}

impl<'a> Finish<'a> {
    fn of(blueprint: &'a Blueprint, schema: &str) -> Self {
        let Blueprint { table, owner, indexes, .. } = blueprint;
        Self { name: table.as_str(), owner, indexes, last: blueprint.describe(schema) }
    }
}

impl Staging {
    /// Builds the blueprint's indexes, several at once, then constraints on them, then gathers statistics. What stands
    /// already as it should is left, what should not be there is dropped, so that it may be called again with a blueprint
    /// that has changed since.
    ///
    /// # Errors
    /// [`Error::Duplicates`] when a key is not unique, or the database's own.
    pub async fn finish_table(&self, blueprint: &Blueprint) -> Result<Built, Error> {
        self.finish(&Finish::of(blueprint, &self.schema)).await
    }

    pub(super) async fn finish(&self, finish: &Finish<'_>) -> Result<Built, Error> {
        let started = Instant::now();
        let connection = self.pool.take().await?;
        let found = self.found(&connection, finish.name).await?;
        let stands = |plan: &&IndexPlan| found.iter().any(|index| is_built(index, plan));
        for index in found.iter().filter(|index| !finish.indexes.iter().any(|plan| is_built(index, plan))) {
            self.as_owner(&connection, finish, &drop_index(&self.schema, finish.name, index)).await?;
        }
        let missing: Vec<&IndexPlan> = finish.indexes.iter().filter(|plan| !stands(plan)).collect();
        self.pool.give_back(connection);

        // CREATE INDEX takes SHARE, which several may hold; ADD CONSTRAINT takes ACCESS EXCLUSIVE and comes alone.
        let (alone, together): (Vec<&IndexPlan>, Vec<&IndexPlan>) =
            missing.iter().copied().partition(|plan: &&IndexPlan| plan.needs_the_table_alone());
        try_join_all(together.iter().map(|plan| self.build_index(finish, plan))).await?;
        for plan in alone {
            self.build_index(finish, plan).await?;
        }

        let connection = self.pool.take().await?;
        let found = self.found(&connection, finish.name).await?;
        let bare = |plan: &&IndexPlan| found.iter().any(|i| i.name == plan.name && i.constraint.is_none());
        let constraints = finish.indexes.iter().filter(bare);
        for statement in constraints.filter_map(|plan| plan.constrain(&self.schema, finish.name)) {
            self.as_owner(&connection, finish, &statement).await?;
        }
        let mut last = finish.last.clone();
        last.push(format!("ANALYZE {}", qualified(&self.schema, finish.name)));
        self.as_owner(&connection, finish, &last.join("; ")).await?;
        self.pool.give_back(connection);
        Ok(Built { indexes: missing.len(), elapsed: started.elapsed() })
    }

    /// Whether a table has the blueprint's indexes and constraints and no others.
    pub async fn is_finished(&self, connection: &Connection, blueprint: &Blueprint) -> Result<bool, Error> {
        self.has_indexes(connection, blueprint.table.as_str(), &blueprint.indexes).await
    }

    pub(super) async fn has_indexes(
        &self,
        connection: &Connection,
        relation: &str,
        indexes: &[IndexPlan],
    ) -> Result<bool, Error> {
        let found = self.found(connection, relation).await?;
        let complete = |index: &Index, plan: &IndexPlan| {
            is_built(index, plan) && index.constraint.is_some() == plan.constraint.is_some()
        };
        Ok(found.len() == indexes.len() && indexes.iter().all(|plan| found.iter().any(|index| complete(index, plan))))
    }

    /// Whether a table is there whose rows fit the blueprint: made as the same role, with the same columns, as lasting.
    pub async fn holds(&self, connection: &Connection, blueprint: &Blueprint) -> Result<bool, postgres::Error> {
        let rows = connection
            .rows(
                "look at a table in staging",
                "SELECT a.attname::text, format_type(a.atttypid, a.atttypmod), a.attnotnull, a.attidentity <> '',
                        c.relpersistence = 'u', CASE WHEN a.attcollation <> t.typcollation THEN (
                            SELECT format('%I.%I', m.nspname, l.collname)
                            FROM pg_collation l JOIN pg_namespace m ON m.oid = l.collnamespace WHERE l.oid = a.attcollation) END
                 FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
                 JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
                 JOIN pg_type t ON t.oid = a.atttypid
                 WHERE n.nspname = $1 AND c.relname = $2 AND c.relkind = 'r'
                   AND c.relowner = (SELECT oid FROM pg_roles WHERE rolname = coalesce($3, session_user))
                 ORDER BY a.attnum",
                &[&self.schema, &blueprint.table.as_str(), &blueprint.owner.role()],
            )
            .await?;
        let fits = |(row, plan): (&tokio_postgres::Row, &super::ColumnPlan)| {
            let (not_null, identity) = match plan.nullability {
                Nullability::Nullable => (false, false),
                Nullability::NotNull => (true, false),
                Nullability::Identity => (true, true),
            };
            row.get::<_, &str>(0) == plan.name.as_str()
                && row.get::<_, &str>(1) == plan.type_name
                // It may have been given one that somebody added to the live table.
                && (row.get::<_, bool>(2) || !not_null)
                && row.get::<_, bool>(3) == identity
                && row.get::<_, Option<&str>>(5) == plan.collation.as_deref()
                && row.get::<_, bool>(4) == (blueprint.persistence == Persistence::Unlogged)
        };
        Ok(rows.len() == blueprint.columns.len() && rows.iter().zip(&blueprint.columns).all(fits))
    }

    /// The rows of a table, counted.
    pub async fn count(&self, blueprint: &Blueprint) -> Result<u64, postgres::Error> {
        let connection = self.pool.take().await?;
        let what = format!("count the rows of {}", blueprint.table);
        connection.batch(&what, &format!("BEGIN; {}", blueprint.owner.set_local())).await?;
        let sql = format!("SELECT count(*) FROM {}", qualified(&self.schema, blueprint.table.as_str()));
        let counted = connection.row(&what, &sql, &[]).await;
        connection.rollback().await;
        let rows = counted?.get::<_, i64>(0);
        self.pool.give_back(connection);
        Ok(u64::try_from(rows).unwrap_or_default())
    }

    /// PostgreSQL's id of a table or view in staging.
    ///
    /// # Errors
    /// [`postgres::Error::Answer`] when it is not there.
    pub async fn oid_of(&self, connection: &Connection, table: &str) -> Result<u32, postgres::Error> {
        let found = connection
            .maybe(
                "find a table in staging",
                "SELECT c.oid FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
                 WHERE n.nspname = $1 AND c.relname = $2 AND c.relkind IN ('r', 'm', 'v')",
                &[&self.schema, &table],
            )
            .await?;
        found.map(|row| row.get(0)).ok_or_else(|| postgres::Error::Answer {
            what: "find a table in staging".to_owned(),
            reason: format!("{} has no table {table}", self.schema),
        })
    }

    async fn found(&self, connection: &Connection, relation: &str) -> Result<Vec<Index>, Error> {
        let oid = self.oid_of(connection, relation).await?;
        let rows = connection.rows("read the indexes in staging", QUERY, &[&vec![oid]]).await?;
        Ok(rows.iter().map(Index::read).collect())
    }

    async fn build_index(&self, finish: &Finish<'_>, plan: &IndexPlan) -> Result<(), Error> {
        // The semaphore lives as long as we do and is never closed.
        let _turn = self.builds.acquire().await;
        let connection = self.pool.take().await?;
        let built = self.as_owner(&connection, finish, &plan.build(&self.schema, finish.name)).await;
        match built {
            Ok(()) => {
                self.pool.give_back(connection);
                Ok(())
            }
            Err(Error::Database(postgres::Error::Statement(refusal)))
                if refusal.state == SqlState::UNIQUE_VIOLATION || refusal.state == SqlState::EXCLUSION_VIOLATION =>
            {
                let detail = refusal.detail.unwrap_or(refusal.message);
                Err(Error::Duplicates { table: finish.name.to_owned(), index: plan.name.clone(), detail })
            }
            Err(error) => Err(error),
        }
    }

    /// Runs statements as the owner in a transaction of their own.
    async fn as_owner(&self, connection: &Connection, finish: &Finish<'_>, statements: &str) -> Result<(), Error> {
        let what = format!("finish {} in staging", finish.name);
        let sql = format!("BEGIN; {}; {statements}", finish.owner.set_local());
        let done = connection.batch(&what, &sql).await.map_err(Error::from);
        conclude(connection, &what, done).await
    }
}

impl IndexPlan {
    fn needs_the_table_alone(&self) -> bool {
        matches!(self.constraint, Some(super::ConstraintPlan::Whole(_)))
    }
}

/// Whether an index in staging is the planned one. Its constraint may still be missing.
fn is_built(index: &Index, plan: &IndexPlan) -> bool {
    let constrained = match (&index.constraint, &plan.constraint) {
        (Some(_), None) | (None, Some(super::ConstraintPlan::Whole(_))) => false,
        (None, _) | (Some(_), Some(_)) => true,
    };
    index.name == plan.name && index.unique == plan.unique && index.tail == plan.tail && constrained
}

fn drop_index(schema: &str, table: &str, index: &Index) -> String {
    match index.constraint {
        Some(_) => format!("ALTER TABLE {} DROP CONSTRAINT {}", qualified(schema, table), quote_ident(&index.name)),
        None => format!("DROP INDEX {}", qualified(schema, &index.name)),
    }
}
