//! The transaction that makes loaded rows live. Tables in staging and an inventory of all that hangs on the live ones come
//! in; what goes out is that the new tables stand in the old ones' place with everything that hung on them, at once, for
//! every reader. There is one file per kind of object: the list of files is the list of what survives.

mod attached;
mod columns;
mod comments;
mod commit;
mod dress;
mod error;
mod fit;
mod functions;
pub mod generation;
mod grants;
pub mod guard;
mod indexes;
mod inventory;
mod lock;
mod matviews;
mod others;
mod rebinding;
mod refusal;
mod rehearsal;
mod rights;
mod rules;
mod swap;
mod trial;
mod views;

use std::collections::BTreeMap;
use std::time::Duration;

use manifest::Dataset;
use tokio::time::Instant;

use crate::ledger::{Ledger, Publication, PublishedTable};
use crate::postgres::{self, Connection, Pool};
use crate::staging::{Blueprint, Mark, Staging, make_private};
use commit::Fate;
use fit::Fitting;
use lock::{Locked, Pauses, is_contention};
use swap::Schemas;
use views::Way;

pub use error::{Error, Violation};
pub use inventory::{Inventory, Reader};
pub use lock::{Blocker, LOCK_BUDGET};
pub use refusal::Refusal;
pub use rights::Missing;
pub use trial::trial;

/// Catalogs are large and what is asked of them is small: a plan that reads one whole, to hash it, has its price under locks.
const BEGIN: &str = "BEGIN; SET LOCAL enable_hashjoin = off; SET LOCAL enable_mergejoin = off";

/// Reads all that hangs on a dataset's live tables and refuses, before anything has been done, what a load would lose or
/// could not do.
///
/// # Errors
/// [`Error::Rights`] with the `GRANT`s that would help, [`Error::NotCarried`] with what would be lost, both complete.
pub async fn survey(pool: &Pool, dataset: &Dataset) -> Result<Inventory, Error> {
    let connection = pool.take().await?;
    let reader = Reader::new(&connection, dataset).await?;
    let inventory = Box::pin(reader.read(&connection, dataset)).await?;
    inventory.check(dataset)?;
    rehearse(&connection, &reader, &inventory, dataset).await?;
    pool.give_back(connection);
    Ok(inventory)
}

/// Has PostgreSQL take what would be rebuilt, on empty tables, and rolls it back.
///
/// # Errors
/// [`Error::NotCarried`] with what it does not take, or the database's own.
pub(crate) async fn rehearse(
    connection: &Connection,
    reader: &Reader,
    inventory: &Inventory,
    dataset: &Dataset,
) -> Result<(), Error> {
    Box::pin(rehearsal::rehearse(connection, reader, inventory, dataset)).await
}

/// What is to go live.
#[derive(Debug)]
pub struct Publish<'a> {
    /// The dataset.
    pub dataset: &'a Dataset,
    /// Its tables, complete and finished in staging.
    pub staging: &'a Staging,
    /// What the ledger gets to know.
    pub publication: &'a Publication,
    /// Rows of each table, by name.
    pub rows: &'a BTreeMap<String, u64>,
    /// Until when locks are tried for.
    pub deadline: Instant,
}

/// What a publish took.
#[derive(Debug, Clone, PartialEq)]
pub struct Published {
    /// From the moment the locks were ours to the moment they were gone.
    pub locked: Duration,
    /// How often the locks were tried for.
    pub tries: u32,
    /// Views that were bound again.
    pub views: usize,
}

/// A try that somebody was in the way of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Miss {
    /// Which try, from 1.
    pub attempt: u32,
    /// Who was in the way, as far as it could be seen.
    pub blockers: Vec<Blocker>,
}

/// What became of one try.
enum Attempt {
    Done {
        locked: Duration,
        views: usize,
    },
    /// Somebody was in the way.
    Missed(Vec<Blocker>),
    /// What hangs on the live tables is not what was prepared for.
    Stale,
    /// The connection is gone and nothing has changed.
    Lost(postgres::Error),
}

impl Publish<'_> {
    /// Makes it live. `missed` is told of every try that somebody was in the way of. Past the deadline, and after every
    /// error, staging is as it was and the live tables are too.
    ///
    /// # Errors
    /// [`Error`]: what would be lost, missing rights, locks that were not to be had, a run that was taken over.
    pub async fn run(&self, ledger: &Ledger, mut missed: impl FnMut(&Miss)) -> Result<Published, Error> {
        let mut pauses = Pauses::of(self.publication.run);
        let mut tries = 0;
        // Who was in the way when that was last to be seen: there is no time to look in every try.
        let mut blockers = Vec::new();
        let mut session: Option<Session> = None;
        loop {
            let prepared = match session.take() {
                Some(session) => Ok(session),
                None => Box::pin(self.prepare()).await,
            };
            tries += 1;
            let attempt = match prepared {
                Ok(mut current) => {
                    let attempt = Box::pin(self.attempt(ledger, &current)).await?;
                    if matches!(attempt, Attempt::Stale) {
                        Box::pin(self.ready(&mut current)).await?;
                    }
                    if !matches!(attempt, Attempt::Lost(_)) {
                        session = Some(current);
                    }
                    attempt
                }
                // A failover takes its time; staging waits.
                Err(Error::Database(error)) if error.is_absence() => Attempt::Lost(error),
                Err(error) => return Err(error),
            };
            match attempt {
                Attempt::Done { locked, views } => {
                    if let Some(session) = session.filter(|session| !session.connection.is_closed()) {
                        self.staging.pool().give_back(session.connection);
                    }
                    return Ok(Published { locked, tries, views });
                }
                Attempt::Missed(seen) => {
                    missed(&Miss { attempt: tries, blockers: seen.clone() });
                    if !seen.is_empty() {
                        blockers = seen;
                    }
                }
                Attempt::Lost(error) if Instant::now() >= self.deadline => return Err(error.into()),
                // Ready again at once: whoever changed something is done with it.
                Attempt::Stale if Instant::now() < self.deadline => continue,
                Attempt::Stale | Attempt::Lost(_) => {}
            }
            let pause = pauses.next();
            if Instant::now() + pause >= self.deadline {
                return Err(Error::Blocked { tries, blockers });
            }
            tokio::time::sleep(pause).await;
        }
    }

    /// Opens a session and makes staging ready for what is live now.
    async fn prepare(&self) -> Result<Session, Error> {
        let connection = self.staging.pool().take().await?;
        generation::drop_previous(&connection, &self.dataset.dataset).await?;
        let reader = Reader::new(&connection, self.dataset).await?;
        let inventory = reader.read(&connection, self.dataset).await?;
        let mut session = Session { connection, reader, inventory, blueprints: Vec::new(), tables: Vec::new() };
        self.ready(&mut session).await?;
        Ok(session)
    }

    /// Reads what is live, and makes the tables in staging like it where they are not.
    async fn ready(&self, session: &mut Session) -> Result<(), Error> {
        let Session { connection, reader, inventory, blueprints, tables } = session;
        *inventory = reader.read(connection, self.dataset).await?;
        inventory.check(self.dataset)?;
        let plans = inventory.plans(self.dataset).map_err(|refusal| Error::NotCarried {
            dataset: self.dataset.dataset.to_string(),
            refusals: vec![refusal],
        })?;
        blueprints.clear();
        tables.clear();
        for (blueprint, dress) in &plans {
            let name = blueprint.table.as_str();
            let oid = self.staging.oid_of(connection, name).await?;
            if !self.staging.holds(connection, blueprint).await? {
                return Err(Error::Changed { table: name.to_owned() });
            }
            if !self.staging.is_finished(connection, blueprint).await? {
                self.staging.finish_table(blueprint).await?;
            }
            dress.put_on(connection, self.staging.schema(), name, oid).await?;
            let rows = self.rows.get(name).copied().unwrap_or_default();
            tables.push(PublishedTable { name: blueprint.table.clone(), oid, rows });
        }
        let fittings: Vec<Fitting<'_>> = plans.iter().zip(&*tables).map(Fitting::of).collect();
        let schemas = fit::Schemas { staging: self.staging.schema(), live: self.dataset.schema.as_str() };
        fit::fit(connection, reader, schemas, self.dataset.dataset.as_str(), &fittings).await?;
        matviews::build(connection, reader, self.staging, inventory, self.dataset.dataset.as_str(), tables).await?;
        blueprints.extend(plans.into_iter().map(|(blueprint, _)| blueprint));
        Ok(())
    }

    async fn attempt(&self, ledger: &Ledger, session: &Session) -> Result<Attempt, Error> {
        let connection = &session.connection;
        match self.transaction(ledger, session).await {
            Ok(Step::Ready { transaction, since, views }) => match connection.batch("publish", "COMMIT").await {
                Ok(()) => Ok(Attempt::Done { locked: since.elapsed(), views }),
                Err(error @ postgres::Error::Lost { .. }) => {
                    // Whatever came of it, the locks went with the connection.
                    let locked = since.elapsed();
                    match commit::resolve(ledger, &transaction, self.deadline).await? {
                        Fate::Committed => Ok(Attempt::Done { locked, views }),
                        Fate::Aborted => Ok(Attempt::Lost(error)),
                    }
                }
                Err(error) => Err(error.into()),
            },
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
        let Session { connection, reader, inventory, blueprints, tables } = session;
        let dataset = self.dataset;
        let what = "publish";
        connection.batch(what, BEGIN).await?;
        let transaction: String = connection.row(what, "SELECT pg_current_xact_id()::text", &[]).await?.get(0);
        // First the ledger's row: whoever takes over from us waits there, and not among readers.
        self.publication.write(connection, tables).await?;
        let previous = generation::schema_of(&dataset.dataset);
        if !inventory.live.is_empty() {
            let mark = Mark::new(self.publication.run, &*self.publication.manifest, None);
            make_private(connection, &previous, &mark.to_comment()).await?;
        }
        let schemas = Schemas { staging: self.staging.schema(), live: dataset.schema.as_str(), previous: &previous };
        let sql = swap::statements(inventory, blueprints, &schemas);
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
        // GRANT waits for no lock: one that came in between stands on the table that has just gone.
        if !reader.grants_are_still(connection, inventory).await? {
            return Ok(Step::Stale);
        }
        let views = inventory.views.iter().filter(|view| view.way == Way::Rebound).count();
        Ok(Step::Ready { transaction, since, views })
    }
}

/// How far a transaction came.
enum Step {
    Ready { transaction: String, since: Instant, views: usize },
    Missed(Vec<Blocker>),
    Stale,
}

/// A session with what was prepared on it.
struct Session {
    connection: Connection,
    reader: Reader,
    inventory: Inventory,
    blueprints: Vec<Blueprint>,
    tables: Vec<PublishedTable>,
}
