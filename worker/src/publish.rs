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
mod publications;
mod rebinding;
mod recreated;
mod refresh;
mod refusal;
mod rehearsal;
mod rights;
mod rules;
mod sequences;
mod succession;
mod survey;
mod swap;
mod trial;
mod views;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use manifest::{Dataset, Identifier};
use tokio::time::Instant;

use crate::ledger::{self, Ledger, Publication, PublishedTable};
use crate::postgres::identifiers::qualified;
use crate::postgres::{self, Connection};
use crate::staging::{Blueprint, IndexPlan, Mark, Staging};
use attached::Attached;
use blockers::Patience;
use commit::Fate;
use fit::Fitting;
use foreign_keys::ForeignKey;
use inventory::Dress;
use lock::{Locked, Pauses, is_contention};
use merge::{Division, Merged, Terms, Turn};
use sequences::Sequence;
use succession::Succession;
use swap::Schemas;
use views::Way;

pub use blockers::{Blocker, Termination};
pub use declared::{DeclaredView, Standing};
pub use error::{Error, Violation};
pub use inventory::{Inventory, Reader};
pub use lock::LOCK_BUDGET;
pub use refresh::{Lagging, Stays};
pub use refusal::Refusal;
pub use rights::Missing;
pub(crate) use survey::replaced;
pub use survey::{Survey, survey};
pub use trial::trial;

/// Catalogs are large and what is asked of them is small: a plan that reads one whole, to hash it, has its price under locks.
const BEGIN: &str = "BEGIN; SET LOCAL enable_hashjoin = off; SET LOCAL enable_mergejoin = off";

/// How long one statement of a publish waits for somebody's exclusive lock before it is told who that is. Statements that
/// take locks which others would wait behind have a limit of their own, far below.
const LOCK_PATIENCE: &str = "SET lock_timeout = '2s'";

/// After so long a wait it is worth asking who is in the way.
const NOTICEABLE: Duration = Duration::from_millis(500);

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
        loop {
            tries += 1;
            match Box::pin(self.attempt(ledger, &mut session)).await? {
                Attempt::Done(Done { locked, views, merged }) => {
                    let lagging = match &session {
                        Some(session) => {
                            let changed = merged.iter().filter(|(_, merged)| merged.changes.is_any());
                            let changed: Vec<&str> = changed.map(|(name, _)| name.as_str()).collect();
                            refresh::lagging(&session.connection, &session.reader, &session.inventory, &changed).await
                        }
                        None => Vec::new(),
                    };
                    let mut notices = Vec::new();
                    if let Some(Session { connection, inventory, .. }) = session {
                        // As every other session of the pool.
                        if !connection.is_closed() && connection.batch("publish", "SET lock_timeout = 0").await.is_ok()
                        {
                            self.staging.pool().give_back(connection);
                        }
                        notices = Box::pin(self.prove(&inventory)).await;
                    }
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
            match Box::pin(self.ready(&mut current)).await {
                Err(Error::Database(error)) if is_contention(&error) => return Ok(Attempt::Missed(Vec::new())),
                ready => ready?,
            }
        }
        if !matches!(attempt, Attempt::Lost(_)) {
            *session = Some(current);
        }
        Ok(attempt)
    }

    /// A session with everything ready on it, or what came of the try to open one.
    async fn open(&self, ledger: &Ledger) -> Result<Result<Session, Attempt>, Error> {
        let opening = async {
            let connection = self.staging.pool().take().await?;
            let pid = connection.pid();
            let preparing = Box::pin(self.prepare(ledger, connection));
            let (prepared, seen) = blockers::watch(ledger, pid, NOTICEABLE, preparing).await;
            match prepared {
                Err(Error::Database(error)) if is_contention(&error) => Ok(Err(Attempt::Missed(seen))),
                prepared => prepared.map(Ok),
            }
        };
        match opening.await {
            // A failover takes its time; staging waits.
            Err(Error::Database(error)) if error.is_absence() => Ok(Err(Attempt::Lost(error))),
            opened => opened,
        }
    }

    /// Makes staging ready for what is live now.
    async fn prepare(&self, ledger: &Ledger, connection: Connection) -> Result<Session, Error> {
        // Somebody's exclusive lock on what is read here is waited for no longer than we can tell of it.
        connection.batch("publish", LOCK_PATIENCE).await?;
        let succession = Succession::prepare(&connection, ledger, self.dataset, self.staging).await?;
        let mark = self.staging.mark(&connection).await?;
        let division = merge::divide(&connection, self.dataset).await?;
        let reader = Reader::new(&connection, &division.swapped).await?;
        let inventory = reader.read(&connection, &division.swapped).await?;
        let mut session = Session {
            connection,
            mark,
            division,
            reader,
            inventory,
            rehearsed: None,
            succession,
            blueprints: Vec::new(),
            tables: Vec::new(),
            declared: Vec::new(),
            fitted: Fitted::default(),
        };
        self.ready(&mut session).await?;
        Ok(session)
    }

    /// Reads what is live, and makes the tables in staging like it where they are not.
    async fn ready(&self, session: &mut Session) -> Result<(), Error> {
        let Session {
            connection,
            mark,
            division,
            reader,
            inventory,
            rehearsed,
            blueprints,
            tables,
            declared,
            fitted,
            ..
        } = session;
        let now = merge::divide(connection, self.dataset).await?;
        if now.swapped != division.swapped {
            // A table has come or gone that would stay: what is in staging was made for the other case.
            let of = |division: &Division| division.merges.iter().map(|m| m.name().clone()).collect::<BTreeSet<_>>();
            let other = of(&now).symmetric_difference(&of(division)).next().map(ToString::to_string);
            return Err(Error::Changed { table: other.unwrap_or_default() });
        }
        *division = now;
        for merge in &division.merges {
            self.complete(connection, &merge.blueprint).await?;
        }
        let dataset = &division.swapped;
        *inventory = reader.read(connection, dataset).await?;
        inventory.check(dataset)?;
        if !rehearsed.as_ref().is_some_and(|rehearsed| inventory.is_read_by_the_same(rehearsed)) {
            let recreated = rehearse(connection, reader, inventory, dataset).await?;
            if recreated != *reader.recreated() {
                reader.recreate(recreated);
                *inventory = Box::pin(reader.read(connection, dataset)).await?;
                inventory.check(dataset)?;
            }
            *rehearsed = Some(inventory.clone());
        }
        let plans = inventory.plans(dataset).map_err(|refusal| Error::NotCarried {
            dataset: self.dataset.dataset.to_string(),
            refusals: vec![refusal],
        })?;
        blueprints.clear();
        tables.clear();
        for (blueprint, dress) in &plans {
            let name = blueprint.table.as_str();
            let oid = self.staging.oid_of(connection, name).await?;
            self.complete(connection, blueprint).await?;
            dress
                .put_on(connection, self.staging.schema(), name, oid)
                .await
                .map_err(|error| Error::of_dress(name, error))?;
            let rows = self.rows.get(name).copied().unwrap_or_default();
            let appended = mark.appended(name).to_vec();
            let (name, changes, watermark) = (blueprint.table.clone(), None, None);
            tables.push(PublishedTable { name, oid, rows, changes, watermark, appended });
        }
        let fittings: Vec<Fitting<'_>> = plans.iter().zip(&*tables).map(Fitting::of).collect();
        let schemas = fit::Schemas { staging: self.staging.schema(), live: self.dataset.schema.as_str() };
        let wanted = Fitted::of(inventory, &plans, tables);
        // Nobody else is in staging: what was made and proven there stays so, and others may change rights all the time.
        if *fitted != wanted {
            fit::fit(connection, reader, schemas, self.dataset.dataset.as_str(), &fittings).await?;
            self.look_for_orphans(connection, inventory).await?;
            *fitted = wanted;
        }
        matviews::build(connection, reader, self.staging, inventory, self.dataset.dataset.as_str(), tables).await?;
        declared::build(connection, self.staging, inventory, self.views).await?;
        declared.clear();
        for ((blueprint, dress), table) in plans.into_iter().zip(&*tables) {
            declared.push((blueprint.table.clone(), table.oid, dress.declared.tell()));
            blueprints.push(blueprint);
        }
        Ok(())
    }

    /// Sees to it that a table in staging is what its blueprint says.
    async fn complete(&self, connection: &Connection, blueprint: &Blueprint) -> Result<(), Error> {
        if !self.staging.holds(connection, blueprint).await? {
            return Err(Error::Changed { table: blueprint.table.to_string() });
        }
        if !self.staging.is_finished(connection, blueprint).await? {
            self.staging.finish_table(blueprint).await?;
        }
        Ok(())
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

    /// Rows of other tables that would name rows which are not there any more.
    async fn look_for_orphans(&self, connection: &Connection, inventory: &Inventory) -> Result<(), Error> {
        let mut violations = Vec::new();
        for key in &inventory.foreign_keys {
            let table = inventory.name_of(key.live);
            let staged = qualified(self.staging.schema(), table);
            violations.extend(key.find_orphans(connection, table, &staged).await?);
        }
        if violations.is_empty() { Ok(()) } else { Err(Error::Violated { violations }) }
    }

    /// Proves foreign keys of other tables again. The rows are live: what cannot be proven is told.
    async fn prove(&self, inventory: &Inventory) -> Vec<String> {
        let mut left = Vec::new();
        for key in &inventory.foreign_keys {
            let proven = match self.staging.pool().take().await {
                Ok(connection) => {
                    let proven = key.prove(&connection).await;
                    self.staging.pool().give_back(connection);
                    proven
                }
                Err(error) => Err(error),
            };
            left.extend(proven.err().map(|error| key.left_unproven(&error.to_string())));
        }
        left
    }

    /// The transaction, to its end.
    async fn swap(&self, ledger: &Ledger, session: &Session) -> Result<Attempt, Error> {
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
}

/// How far a transaction came.
enum Step {
    Ready { transaction: String, since: Instant, views: usize, merged: BTreeMap<Identifier, Merged> },
    Missed(Vec<Blocker>),
    Stale,
}

/// A session with what was prepared on it.
struct Session {
    connection: Connection,
    /// What the rows in staging were made from.
    mark: Mark,
    division: Division,
    reader: Reader,
    inventory: Inventory,
    succession: Succession,
    /// What was rehearsed last, so that it need not be again.
    rehearsed: Option<Inventory>,
    blueprints: Vec<Blueprint>,
    tables: Vec<PublishedTable>,
    /// What the manifest declared of each table, for the ledger.
    declared: Vec<(Identifier, u32, String)>,
    fitted: Fitted,
}

/// What has been made in staging and proven against it.
#[derive(Debug, Default, PartialEq)]
struct Fitted {
    tables: Vec<FittedTable>,
    foreign_keys: Vec<ForeignKey>,
}

#[derive(Debug, PartialEq)]
struct FittedTable {
    oid: u32,
    attached: Vec<Attached>,
    owned: Vec<Sequence>,
    indexes: Vec<IndexPlan>,
}

impl Fitted {
    fn of(inventory: &Inventory, plans: &[(Blueprint, Dress)], tables: &[PublishedTable]) -> Self {
        let tables = plans.iter().zip(tables).map(|((blueprint, dress), table)| FittedTable {
            oid: table.oid,
            attached: dress.attached.clone(),
            owned: dress.owned.clone(),
            indexes: blueprint.indexes.clone(),
        });
        Self { tables: tables.collect(), foreign_keys: inventory.foreign_keys.clone() }
    }
}
