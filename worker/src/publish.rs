//! The transaction that makes loaded rows live. Tables in staging and an inventory of all that hangs on the live ones come
//! in; what goes out is that the new tables stand in the old ones' place with everything that hung on them, at once, for
//! every reader. There is one file per kind of object: the list of files is the list of what survives.

mod attached;
mod blockers;
mod columns;
mod comments;
mod commit;
mod declared;
mod dress;
mod error;
mod fit;
mod foreign_keys;
mod functions;
pub mod generation;
mod grants;
pub mod guard;
mod indexes;
mod inventory;
mod lock;
mod matviews;
pub mod merge;
mod origin;
mod others;
mod progress;
mod proof;
mod publications;
mod rebinding;
mod recreated;
mod refresh;
mod refusal;
mod rehearsal;
mod rights;
mod rules;
mod sequences;
mod session;
mod succession;
mod survey;
mod swap;
mod transaction;
mod trial;
mod views;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use manifest::{Dataset, Identifier};
use tokio::time::Instant;

use crate::ledger::{Ledger, Publication};
use crate::postgres::{self, Connection};
use crate::staging::Staging;
use blockers::Patience;
use lock::{Pauses, is_contention};
use merge::{Merged, Terms};
use session::Session;

pub use blockers::{Blocker, Termination};
pub use declared::{DeclaredView, Standing};
pub use error::{Error, Violation};
pub use inventory::{Inventory, Reader};
pub use lock::LOCK_BUDGET;
pub use merge::{Writable, writable};
pub(crate) use proof::prove;
pub use refresh::{Lagging, Stays};
pub(crate) use refresh::{lagging, leave_behind};
pub use refusal::Refusal;
pub use rights::Missing;
pub(crate) use survey::replaced;
pub use survey::{Survey, survey};
pub use trial::trial;

/// Has PostgreSQL take what would be rebuilt, on empty tables, and rolls it back. What comes out are the views that must be
/// made anew, and may be, by PostgreSQL's ids.
///
/// # Errors
/// [`Error::NotCarried`] with what it does not take, or the database's own.
pub(crate) async fn rehearse(
    connection: &Connection,
    reader: &Reader,
    inventory: &Inventory,
    dataset: &Dataset,
) -> Result<BTreeSet<u32>, Error> {
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
    /// Rows of each table in staging, by name.
    pub rows: &'a BTreeMap<String, u64>,
    /// What tables that stay may lose.
    pub terms: Terms,
    /// Its views.
    pub views: &'a [DeclaredView],
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
    /// What changed of the tables that stay.
    pub merged: BTreeMap<Identifier, Merged>,
    /// Materialized views that are still to be refreshed, those first that others read.
    pub lagging: Vec<Lagging>,
    /// What a person should know of what came after.
    pub notices: Vec<String>,
}

/// A try that somebody was in the way of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Miss {
    /// Which try, from 1.
    pub attempt: u32,
    /// Who was in the way, as far as it could be seen.
    pub blockers: Vec<Blocker>,
    /// What became of those who were in the way for longer than the manifest allows.
    pub terminations: Vec<Termination>,
}

/// What a try did that went well.
struct Done {
    locked: Duration,
    views: usize,
    merged: BTreeMap<Identifier, Merged>,
}

/// What became of one try.
enum Attempt {
    Done(Done),
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
        let limit = self.dataset.terminate_blockers.map(|span| Duration::from_secs(span.seconds()));
        let mut patience = Patience::new(limit);
        let mut tries = 0;
        // Who was in the way when that was last to be seen: there is no time to look in every try.
        let mut blockers = Vec::new();
        let mut session: Option<Session> = None;
        let mut was_stale = false;
        loop {
            tries += 1;
            match Box::pin(self.attempt(ledger, &mut session)).await? {
                Attempt::Done(Done { locked, views, merged }) => {
                    if let Some(Session { connection, .. }) = session {
                        // As every other session of the pool.
                        if !connection.is_closed() && connection.batch("publish", "SET lock_timeout = 0").await.is_ok()
                        {
                            self.staging.pool().give_back(connection);
                        }
                    }
                    let proving = Box::pin(prove(ledger, self.dataset, self.staging.pool()));
                    // The next run tries again.
                    let mut notices = proving.await.unwrap_or_else(|error| vec![error.to_string()]);
                    let lagging = Box::pin(lagging(ledger, self.dataset, self.staging.pool())).await;
                    let lagging = lagging.unwrap_or_else(|error| {
                        notices.push(error.to_string());
                        Vec::new()
                    });
                    return Ok(Published { locked, tries, views, merged, lagging, notices });
                }
                Attempt::Missed(seen) => {
                    let terminations = patience.end(ledger, &seen).await.unwrap_or_default();
                    missed(&Miss { attempt: tries, blockers: seen.clone(), terminations });
                    if !seen.is_empty() {
                        blockers = seen;
                    }
                }
                Attempt::Lost(error) if Instant::now() >= self.deadline => return Err(error.into()),
                // Ready again at once: whoever changed something is done with it. Where changes go on and on, every try
                // would take locks for nothing.
                Attempt::Stale if !std::mem::replace(&mut was_stale, true) && Instant::now() < self.deadline => {
                    continue;
                }
                Attempt::Stale | Attempt::Lost(_) => {}
            }
            was_stale = false;
            let pause = pauses.next();
            if Instant::now() + pause >= self.deadline {
                return Err(Error::Blocked { tries, blockers });
            }
            tokio::time::sleep(pause).await;
        }
    }

    /// One try, on the session of the last one where that still stands.
    async fn attempt(&self, ledger: &Ledger, session: &mut Option<Session>) -> Result<Attempt, Error> {
        let mut current = match session.take() {
            Some(current) => current,
            None => match self.open(ledger).await? {
                Ok(opened) => opened,
                Err(attempt) => return Ok(attempt),
            },
        };
        let attempt = Box::pin(self.swap(ledger, &current)).await?;
        if matches!(attempt, Attempt::Stale) {
            match Box::pin(self.in_time(self.ready(&mut current))).await {
                Err(Error::Database(error)) if is_contention(&error) => return Ok(Attempt::Missed(Vec::new())),
                ready => ready?,
            }
        }
        if !matches!(attempt, Attempt::Lost(_)) {
            *session = Some(current);
        }
        Ok(attempt)
    }
}
