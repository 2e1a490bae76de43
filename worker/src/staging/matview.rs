//! Materialized views in staging, over the tables there: made empty, filled by `REFRESH`, then indexed and analysed. `REFRESH`
//! freezes what it writes, where `CREATE … WITH DATA` does not: a snapshot older than the load sees all rows once they are
//! live.

use tokio::time::Instant;

use crate::postgres::identifiers::{qualified, quote_ident};
use crate::postgres::{Acting, Connection};

use super::blueprint::{ColumnSetting, IndexPlan, parameters};
use super::build::{Built, Finish};
use super::error::Error;
use super::{Staging, conclude};

/// What one materialized view in staging is to be like.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MatviewPlan {
    /// Its name.
    pub name: String,
    /// Who makes it, and so owns it: a role that may enter staging and read there what the query reads.
    pub owner: Acting,
    /// Its `SELECT`. Names without a schema are looked for along `path`, and in staging before that where it is over the
    /// tables there.
    pub query: String,
    /// Schemas, in their order.
    pub path: Vec<String>,
    /// Whose rows it shows.
    pub over: Over,
    /// Storage parameters, each `name=value`.
    pub options: Vec<String>,
    /// Where it is stored, when not in the database's own tablespace.
    pub tablespace: Option<String>,
    /// How columns are kept, where that is not their type's own way.
    pub settings: Vec<(String, ColumnSetting)>,
    /// Its indexes.
    pub indexes: Vec<IndexPlan>,
    /// Whether it has rows.
    pub filled: Filled,
}

/// Which tables a view reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Over {
    /// Those in staging, which go live together with it.
    Staged,
    /// Live ones, which stay what they are.
    Live,
}

/// Whether a materialized view has rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Filled {
    /// Those of its query.
    Yes,
    /// `WITH NO DATA`: whoever made it has not wanted any yet.
    No,
}

impl MatviewPlan {
    /// `SET LOCAL search_path`: staging comes before all that is live, where it is looked at.
    pub fn look_in(&self, staging: &str) -> String {
        let staging = (self.over == Over::Staged).then_some(staging);
        let path: Vec<String> =
            staging.into_iter().chain(self.path.iter().map(String::as_str)).map(quote_ident).collect();
        format!("SET LOCAL search_path = pg_catalog, {}, pg_temp", path.join(", "))
    }

    fn create(&self, staging: &str) -> String {
        let view = qualified(staging, &self.name);
        let options =
            if self.options.is_empty() { String::new() } else { format!(" WITH ({})", parameters(&self.options)) };
        let tablespace = self.tablespace.as_deref().map(|name| format!(" TABLESPACE {}", quote_ident(name)));
        let query = self.query.trim().trim_end_matches(';');
        let mut sql = format!(
            "CREATE MATERIALIZED VIEW {view}{options}{} AS {query} WITH NO DATA",
            tablespace.unwrap_or_default()
        );
        let for_rows = self.settings.iter().filter(|(_, setting)| setting.is_for_rows());
        for (column, setting) in for_rows {
            sql.push_str("; ");
            sql.push_str(&setting.alter(&view, column));
        }
        if self.filled == Filled::Yes {
            sql.push_str("; REFRESH MATERIALIZED VIEW ");
            sql.push_str(&view);
        }
        sql
    }
}

impl Staging {
    /// Makes and fills it anew, builds its indexes, gathers statistics. What it reads must be complete.
    ///
    /// # Errors
    /// [`Error::Duplicates`] when a unique index does not hold, or the database's own.
    pub async fn build_matview(&self, plan: &MatviewPlan) -> Result<Built, Error> {
        let started = Instant::now();
        let what = format!("make materialized view {} in staging", plan.name);
        let connection = self.pool.take().await?;
        // Whoever owns it sees in it the rows that policies let them see, as everywhere else.
        let sql = format!(
            "BEGIN; {}; {}; SET LOCAL row_security = on; DROP MATERIALIZED VIEW IF EXISTS {} CASCADE; {}",
            plan.owner.set_local(),
            plan.look_in(&self.schema),
            qualified(&self.schema, &plan.name),
            plan.create(&self.schema)
        );
        let made = connection.batch(&what, &sql).await.map_err(Error::from);
        conclude(&connection, &what, made).await?;
        self.pool.give_back(connection);
        let built = self.finish_matview(plan).await?;
        Ok(Built { elapsed: started.elapsed(), ..built })
    }

    /// Builds its indexes where they are not there, drops others, gathers statistics.
    ///
    /// # Errors
    /// As from [`Staging::build_matview`].
    pub async fn finish_matview(&self, plan: &MatviewPlan) -> Result<Built, Error> {
        let last = plan.settings.iter().filter(|(_, setting)| !setting.is_for_rows());
        let last = last.map(|(column, setting)| setting.alter(&qualified(&self.schema, &plan.name), column));
        let finish = Finish { name: &plan.name, owner: &plan.owner, indexes: &plan.indexes, last: last.collect() };
        self.finish(&finish).await
    }

    /// Whether it has the plan's indexes and no others.
    pub async fn matview_is_finished(&self, connection: &Connection, plan: &MatviewPlan) -> Result<bool, Error> {
        self.has_indexes(connection, &plan.name, &plan.indexes).await
    }

    /// Whether it stands in staging as planned, but for its indexes. The plan's query must be spelled as `pg_get_viewdef`
    /// does, with names as short as `path` lets them be.
    pub async fn holds_matview(&self, connection: &Connection, plan: &MatviewPlan) -> Result<bool, Error> {
        let what = "look at a materialized view in staging";
        connection.batch(what, &format!("BEGIN; {}", plan.look_in(&self.schema))).await?;
        let found = connection
            .maybe(
                what,
                "SELECT pg_get_viewdef(c.oid), c.relispopulated
                 FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
                 WHERE n.nspname = $1 AND c.relname = $2 AND c.relkind = 'm'
                   AND c.relowner = (SELECT oid FROM pg_roles WHERE rolname = coalesce($3, session_user))",
                &[&self.schema, &plan.name, &plan.owner.role()],
            )
            .await;
        connection.rollback().await;
        let same = |query: &str| query.trim() == plan.query.trim();
        Ok(found?.is_some_and(|row| same(row.get(0)) && row.get::<_, bool>(1) == (plan.filled == Filled::Yes)))
    }
}
