//! The transaction of a publish: what takes time comes first, then the locks, then what is short, and the `COMMIT`, of which
//! it is always known in the end whether it happened.

use std::collections::BTreeMap;

use manifest::Identifier;
use tokio::time::Instant;

use super::blockers::Blocker;
use super::commit::{self, Fate};
use super::error::Error;
use super::lock::{self, Locked, is_contention};
use super::merge::{self, Merged, Turn};
use super::session::Session;
use super::swap::{self, Schemas};
use super::views::Way;
use super::{Attempt, Done, Publish, declared, progress, refresh};
use crate::ledger::{self, Ledger, PublishedTable};
use crate::postgres;

/// Catalogs are large and what is asked of them is small: a plan that reads one whole, to hash it, has its price under locks.
const BEGIN: &str = "BEGIN; SET LOCAL enable_hashjoin = off; SET LOCAL enable_mergejoin = off";

/// How far a transaction came.
enum Step {
    Ready { transaction: String, since: Instant, views: usize, merged: BTreeMap<Identifier, Merged> },
    Missed(Vec<Blocker>),
    Stale,
}

impl Publish<'_> {
    /// The transaction, to its end.
    pub(super) async fn swap(&self, ledger: &Ledger, session: &Session) -> Result<Attempt, Error> {
        let connection = &session.connection;
        match self.transaction(ledger, session).await {
            Ok(Step::Ready { transaction, since, views, merged }) => {
                match connection.batch("publish", "COMMIT").await {
                    Ok(()) => Ok(Attempt::Done(Done { locked: since.elapsed(), views, merged })),
                    Err(error @ postgres::Error::Lost { .. }) => {
                        // Whatever came of it, the locks went with the connection.
                        let locked = since.elapsed();
                        match commit::resolve(ledger, &transaction, self.deadline).await? {
                            Fate::Committed => Ok(Attempt::Done(Done { locked, views, merged })),
                            Fate::Aborted => Ok(Attempt::Lost(error)),
                        }
                    }
                    Err(error) => Err(error.into()),
                }
            }
            Ok(Step::Missed(blockers)) => {
                connection.rollback().await;
                Ok(Attempt::Missed(blockers))
            }
            Ok(Step::Stale) => {
                connection.rollback().await;
                Ok(Attempt::Stale)
            }
            // Without a COMMIT nothing has happened.
            Err(Error::Database(error @ postgres::Error::Lost { .. })) => Ok(Attempt::Lost(error)),
            Err(error) => {
                connection.rollback().await;
                match error {
                    Error::Database(error) if is_contention(&error) => Ok(Attempt::Missed(Vec::new())),
                    error => Err(error),
                }
            }
        }
    }

    /// Everything up to the `COMMIT`.
    async fn transaction(&self, ledger: &Ledger, session: &Session) -> Result<Step, Error> {
        let Session { connection, mark, division, reader, inventory, succession, blueprints, declared, .. } = session;
        let dataset = &division.swapped;
        let what = "publish";
        connection.batch(what, BEGIN).await?;
        let transaction: String = connection.row(what, "SELECT pg_current_xact_id()::text", &[]).await?.get(0);
        // First the ledger's row: whoever takes over from us waits there, and not among readers.
        self.publication.fence(connection).await?;
        let staging = self.staging.schema();
        // Before any lock that a reader could meet: comparing takes its time.
        let merging = merge::merge(connection, ledger, self.dataset, division, staging, mark.coverage(), self.terms);
        let merged = match Box::pin(merging).await? {
            Turn::Done(merged) => merged,
            Turn::Missed(blockers) => return Ok(Step::Missed(blockers)),
            Turn::Stale => return Ok(Step::Stale),
        };
        let tables = self.tables(session, &merged).await?;
        self.publication.write(connection, &tables).await?;
        ledger::declare(connection, &dataset.dataset, declared).await?;
        let changed = merged.iter().filter(|(_, merged)| merged.changes.is_any());
        let changed: Vec<&str> = changed.map(|(name, _)| name.as_str()).collect();
        let mut behind = refresh::left_behind(connection, reader, inventory, &changed).await?;
        // Nobody reads them yet: they are not among what reads the live tables.
        let new = self.views.iter().filter(|view| view.is_filled_from(&changed));
        behind.extend(new.map(|view| (dataset.schema.to_string(), view.view.name.to_string())));
        ledger::leave_lagging(connection, &dataset.dataset, &behind).await?;
        ledger::leave_unproven(connection, &dataset.dataset, &inventory.unproven_by_a_swap()).await?;
        succession.begin(connection, inventory).await?;
        let (staging, previous) = (succession.source.as_str(), succession.previous.as_str());
        let schemas = Schemas { staging, live: dataset.schema.as_str(), previous };
        let declared = declared::statements(inventory, schemas.staging, self.views);
        let sql = swap::statements(inventory, blueprints, &schemas) + &declared + &succession.after;
        connection.batch(what, &swap::open(inventory, &schemas)).await?;

        // Once more before the locks: what has changed since costs no reader anything, and the schema just made has made
        // PostgreSQL forget all plans, which are now made again.
        if reader.read(connection, dataset).await? != *inventory {
            return Ok(Step::Stale);
        }

        if let Locked::No(blockers) = lock::take(connection, ledger, inventory, dataset.schema.as_str()).await? {
            return Ok(Step::Missed(blockers));
        }
        let since = Instant::now();
        // Nobody can make anything on the tables now, but somebody may have while we waited.
        if reader.read(connection, dataset).await? != *inventory {
            return Ok(Step::Stale);
        }
        connection.batch(what, &sql).await?;
        declared::note(connection, dataset, self.views).await?;
        // GRANT waits for no lock: one that came in between stands on the table that has just gone.
        if !reader.grants_are_still(connection, inventory).await? {
            return Ok(Step::Stale);
        }
        let views = inventory.views.iter().filter(|view| view.way == Way::Rebound).count();
        Ok(Step::Ready { transaction, since, views, merged })
    }

    /// What the ledger gets to know of each table, in the order of its name.
    async fn tables(
        &self,
        session: &Session,
        merged: &BTreeMap<Identifier, Merged>,
    ) -> Result<Vec<PublishedTable>, Error> {
        let Session { connection, mark, division, blueprints, .. } = session;
        let mut tables = session.tables.clone();
        for merge in &division.merges {
            let name = merge.name().clone();
            let Some(Merged { changes, rows, .. }) = merged.get(&name) else { continue };
            let appended = mark.appended(name.as_str()).to_vec();
            let (oid, changes) = (merge.oid(), Some(*changes));
            tables.push(PublishedTable { name, oid, rows: *rows, changes, watermark: None, appended });
        }
        tables.sort_by(|one, other| one.name.cmp(&other.name));
        let merging = division.merges.iter().map(|merge| &merge.blueprint);
        for blueprint in blueprints.iter().chain(merging) {
            let (Some(table), Some(published)) = (
                self.dataset.table(&blueprint.table),
                tables.iter_mut().find(|published| published.name == blueprint.table),
            ) else {
                continue;
            };
            let (staging, acting) = (self.staging.schema(), &blueprint.owner);
            published.watermark = progress::watermark(connection, self.dataset, table, staging, acting).await?;
        }
        Ok(tables)
    }
}
