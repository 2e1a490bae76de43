//! Tables that stay: what came for them is compared with what is live, and only what differs is written, in the transaction
//! that publishes. Readers are in nobody's way: they see all of it at its COMMIT, and old rows until then. Rows in staging,
//! and a live table that they fit into, come in; what changed goes out.

mod compare;
mod sql;
mod standing;
mod turn;

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use manifest::dataset::{Content, Deletes, Expectations, Load, Table};
use manifest::run::Changes;
use manifest::{Dataset, Identifier};

use super::columns::Types;
use super::error::Error;
use super::guard::{Breach, Finding};
use super::rights::Missing;
use crate::postgres::identifiers::qualified;
use crate::postgres::{self, Acting, Connection};
use crate::staging::{Blueprint, Coverage};
use sql::Statements;
use standing::Standing;
pub(super) use turn::{Turn, merge};

/// Memory for each join of what came with what is live; beyond it PostgreSQL uses files.
const JOIN_MEMORY: &str = "64MB";

/// What a run lets its merges do beyond what the manifest says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Terms {
    /// What becomes of more deletes than `max_deletes`, and of fewer rows than `max_drop` leaves.
    pub drops: Drops,
    /// What becomes of `rows` and `max_drop`.
    pub size: Size,
}

/// What becomes of fewer rows than the manifest allows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Drops {
    /// They are refused.
    Limited,
    /// A person has looked at them and wants them.
    Accepted,
}

/// What becomes of expectations about how many rows are usual.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Size {
    /// Nothing is published that does not meet them.
    Enforced,
    /// They are told: what came is a sample.
    Told,
}

/// What a merge did.
#[derive(Debug, Clone, PartialEq)]
pub struct Merged {
    /// What changed.
    pub changes: Changes,
    /// Rows of the live table afterwards.
    pub rows: u64,
    /// What does not hold and is no reason to stop.
    pub told: Vec<Finding>,
    /// Wall-clock time.
    pub elapsed: Duration,
}

/// A table that stays, and what comes for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Merge {
    table: Table,
    standing: Standing,
    pub(super) blueprint: Blueprint,
}

/// A dataset's tables by what a publish does with them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Division {
    /// The dataset with the tables that new ones take the place of, also those that do not exist yet.
    pub(super) swapped: Dataset,
    /// The tables that stay, by name.
    pub(super) merges: Vec<Merge>,
}

/// Tells tables that stay from others: those whose rows are upserted or appended, once they exist.
///
/// # Errors
/// [`Error::Unfit`] and [`Error::Rights`] with all that keeps rows from being written into a live table.
pub(super) async fn divide(connection: &Connection, dataset: &Dataset) -> Result<Division, Error> {
    let schema = dataset.schema.as_str();
    let may_stay = |table: &&Table| table.load != Load::Replace && matches!(table.content, Content::Sources(_));
    let names: Vec<&str> = dataset.tables.iter().filter(may_stay).map(|table| table.name.as_str()).collect();
    let standing = standing::read(connection, schema, &names).await?;
    let mut swapped = dataset.clone();
    swapped.tables.retain(|table| !standing.iter().any(|live| live.name == table.name.as_str()));
    let tables: Vec<Table> = dataset.tables.iter().filter(|table| !swapped.tables.contains(table)).cloned().collect();
    let types = Types::read(connection, &tables).await?;
    let (mut merges, mut missing, mut refusals) = (Vec::new(), BTreeSet::<Missing>::new(), Vec::new());
    for live in standing {
        let Some(table) = tables.iter().find(|table| table.name.as_str() == live.name) else { continue };
        refusals.extend(live.refuse(schema, table, &types));
        let acting = live.acting(schema, connection.user(), &mut missing);
        let blueprint = live.blueprint(table, &types, acting);
        merges.push(Merge { table: table.clone(), standing: live, blueprint });
    }
    if !refusals.is_empty() {
        return Err(Error::Unfit { dataset: dataset.dataset.to_string(), refusals });
    }
    if !missing.is_empty() {
        return Err(Error::Rights { missing: missing.into_iter().collect() });
    }
    Ok(Division { swapped, merges })
}

/// A live table that rows can be written into, outside of a load.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Writable {
    /// Its name.
    pub name: Identifier,
    /// PostgreSQL's id of it.
    pub oid: u32,
    /// As whom rows are written.
    pub acting: Acting,
    /// The columns that a row brings, with their types as PostgreSQL spells them.
    pub columns: Vec<(Identifier, String)>,
}

/// The live tables of a dataset, as far as the manifest's rows can be written into them.
///
/// # Errors
/// [`Error::Unfit`] and [`Error::Rights`] with all that keeps rows from being written into a live table.
pub async fn writable(connection: &Connection, dataset: &Dataset) -> Result<Vec<Writable>, Error> {
    let mut staying = dataset.clone();
    // Whatever a load does with a table: here rows are written into it as it is.
    for table in staying.tables.iter_mut().filter(|table| table.load == Load::Replace) {
        table.load = Load::Append;
    }
    let merges = divide(connection, &staying).await?.merges;
    let writable = merges.into_iter().map(|merge| {
        let columns = merge.blueprint.copied().map(|column| (column.name.clone(), column.type_name.clone())).collect();
        Writable { name: merge.table.name.clone(), oid: merge.oid(), acting: merge.acting().clone(), columns }
    });
    Ok(writable.collect())
}

impl Merge {
    /// Its name.
    pub(super) fn name(&self) -> &Identifier {
        &self.table.name
    }

    /// PostgreSQL's id of the live table.
    pub(super) fn oid(&self) -> u32 {
        self.standing.oid
    }

    /// As whom rows are written.
    fn acting(&self) -> &Acting {
        &self.blueprint.owner
    }

    /// What keeps other writers away for as long as rows are compared and written. It lets readers through.
    pub(super) fn lock(&self, schema: &str) -> [String; 2] {
        let table = qualified(schema, self.table.name.as_str());
        [self.acting().set_local(), format!("LOCK TABLE {table} IN SHARE ROW EXCLUSIVE MODE")]
    }

    /// Writes what differs, in the transaction that is open. The table's own triggers fire for each row that is written.
    ///
    /// # Errors
    /// [`Error::Guard`] before anything is written, or the database's own; the transaction can then only be rolled back.
    pub(super) async fn run(
        &self,
        connection: &Connection,
        schema: &str,
        staging: &str,
        coverage: Coverage,
        terms: Terms,
    ) -> Result<Merged, Error> {
        let began = Instant::now();
        let what = format!("change the rows of {}", self.table.name);
        let settings = format!(
            "{}; SET LOCAL work_mem = '{JOIN_MEMORY}'; SET LOCAL enable_hashjoin = on; SET LOCAL enable_mergejoin = on",
            self.acting().set_local()
        );
        connection.batch(&what, &settings).await?;
        let statements = Statements::new(&self.table, &self.standing, schema, staging);
        let step = Step { merge: self, connection, what: &what, statements, terms };
        let (changes, rows, told) = match &self.table.load {
            Load::Upsert { key, newer, deletes, .. } => {
                let deletes = if coverage == Coverage::Whole { *deletes } else { Deletes::Keep };
                step.upsert(key, newer.as_ref(), deletes).await?
            }
            Load::Append | Load::Replace => step.append().await?,
        };
        connection.batch(&what, &Acting::Login.set_local()).await?;
        Ok(Merged { changes, rows, told, elapsed: began.elapsed() })
    }

    /// Judges what the table would become.
    fn judge(&self, before: u64, gone: u64, inserted: u64, terms: Terms) -> Result<Vec<Finding>, Error> {
        let mut breaches = Vec::new();
        let mut told = judge_size(&self.table, before, before.saturating_sub(gone).saturating_add(inserted));
        if terms.size == Size::Enforced {
            breaches = std::mem::take(&mut told);
        }
        if let Load::Upsert { max_deletes, .. } = &self.table.load
            && gone > max_deletes.of(before)
        {
            breaches.push(Breach::Deletes { gone, live: before, allowed: max_deletes.to_string() });
        }
        let finding = |breach| Finding { table: self.table.name.to_string(), breach };
        let (told, breaches) = [told, breaches].map(|all| all.into_iter().map(finding).collect::<Vec<_>>()).into();
        let (let_pass, breaches): (Vec<_>, Vec<_>) =
            breaches.into_iter().partition(|finding| terms.drops == Drops::Accepted && finding.is_drop());
        if breaches.is_empty() { Ok([told, let_pass].concat()) } else { Err(Error::Guard { findings: breaches }) }
    }
}

/// What is expected of the rows of a table that stays, as all of them together will be.
fn judge_size(table: &Table, before: u64, after: u64) -> Vec<Breach> {
    let Expectations { rows: least, max_drop, .. } = &table.expect;
    let few = (after < *least).then_some(Breach::TooFew { staged: after, least: *least });
    let dropped = max_drop.filter(|share| before.saturating_sub(after) > share.of(before));
    let drop = dropped.map(|share| Breach::Drop { staged: after, live: before, allowed: share.to_string() });
    few.into_iter().chain(drop).collect()
}

/// A merge at work.
struct Step<'a> {
    merge: &'a Merge,
    connection: &'a Connection,
    what: &'a str,
    statements: Statements<'a>,
    terms: Terms,
}

impl Step<'_> {
    async fn upsert(
        &self,
        key: &[Identifier],
        newer: Option<&Identifier>,
        deletes: Deletes,
    ) -> Result<(Changes, u64, Vec<Finding>), Error> {
        let [before, gone] = self.counts(&self.statements.count_live(key, deletes)).await?;
        self.connection.batch(self.what, &self.statements.find_changes(key, newer)).await?;
        let [new, differing] = self.counts(&self.statements.count_changes()).await?;
        let told = self.merge.judge(before, gone, new, self.terms)?;

        self.open_search_path().await?;
        let mut changes = Changes::default();
        // Whoever goes makes room for whoever comes, also in keys that the manifest does not know.
        if gone > 0 {
            changes.deleted = self.write(&self.statements.delete(key)).await?;
        }
        if let Some(update) = self.statements.update(key).filter(|_| differing > 0) {
            changes.updated = self.write(&update).await?;
        }
        if new > 0 {
            changes.inserted = self.write(&self.statements.insert_changes()).await?;
        }
        self.close_search_path().await?;
        self.connection.batch(self.what, &self.statements.drop_changes()).await?;
        let [staged] = self.counts(&self.statements.count_staged()).await?;
        changes.unchanged = staged.saturating_sub(changes.inserted + changes.updated);
        Ok((changes, (before + changes.inserted).saturating_sub(changes.deleted), told))
    }

    async fn append(&self) -> Result<(Changes, u64, Vec<Finding>), Error> {
        let [before, _] = self.counts(&self.statements.count_live(&[], Deletes::Keep)).await?;
        let [staged] = self.counts(&self.statements.count_staged()).await?;
        let told = self.merge.judge(before, 0, staged, self.terms)?;
        self.open_search_path().await?;
        let inserted = self.write(&self.statements.insert_all()).await?;
        self.close_search_path().await?;
        Ok((Changes { inserted, ..Changes::default() }, before + inserted, told))
    }

    async fn write(&self, statement: &str) -> Result<u64, postgres::Error> {
        self.connection.execute(self.what, statement, &[]).await
    }

    async fn counts<const N: usize>(&self, query: &str) -> Result<[u64; N], postgres::Error> {
        let row = self.connection.row(self.what, query, &[]).await?;
        Ok(std::array::from_fn(|i| u64::try_from(row.get::<_, i64>(i)).unwrap_or_default()))
    }

    /// Triggers find what they name where they find it for everybody else who logs in as we do.
    async fn open_search_path(&self) -> Result<(), postgres::Error> {
        if self.merge.standing.has_triggers {
            let usual = "SELECT set_config('search_path', reset_val, true) FROM pg_settings WHERE name = 'search_path'";
            self.connection.row(self.what, usual, &[]).await?;
        }
        Ok(())
    }

    async fn close_search_path(&self) -> Result<(), postgres::Error> {
        if self.merge.standing.has_triggers {
            self.connection.batch(self.what, "SET LOCAL search_path = pg_catalog, pg_temp").await?;
        }
        Ok(())
    }
}
