//! The session of a publish: what is live is read, and what is in staging is made like it, before any lock is taken that a
//! reader could meet. It is kept from one try to the next, and made ready again when somebody has changed something.

use std::collections::BTreeSet;
use std::time::Duration;

use manifest::Identifier;

use super::blockers;
use super::error::Error;
use super::fit::{Fitted, Fitter, Fitting, Schemas};
use super::inventory::{Inventory, Reader};
use super::lock::{LOCK_PATIENCE, is_contention};
use super::merge::{self, Division};
use super::succession::Succession;
use super::{Attempt, Publish, declared, matviews, rehearse};
use crate::ledger::{Ledger, PublishedTable};
use crate::postgres::Connection;
use crate::postgres::identifiers::qualified;
use crate::staging::{Blueprint, Mark};

/// How long after the deadline who waits for a lock, which is never for long, has told of it.
const LAST_WORD: Duration = Duration::from_secs(3);

/// After so long a wait it is worth asking who is in the way.
const NOTICEABLE: Duration = Duration::from_millis(500);

/// A session with what was prepared on it.
pub(super) struct Session {
    pub(super) connection: Connection,
    /// What the rows in staging were made from.
    pub(super) mark: Mark,
    pub(super) division: Division,
    pub(super) reader: Reader,
    pub(super) inventory: Inventory,
    pub(super) succession: Succession,
    /// What was rehearsed last, so that it need not be again.
    pub(super) rehearsed: Option<Inventory>,
    pub(super) blueprints: Vec<Blueprint>,
    pub(super) tables: Vec<PublishedTable>,
    /// What the manifest declared of each table, for the ledger.
    pub(super) declared: Vec<(Identifier, u32, String)>,
    pub(super) fitted: Fitted,
}

impl Publish<'_> {
    /// A session with everything ready on it, or what came of the try to open one.
    pub(super) async fn open(&self, ledger: &Ledger) -> Result<Result<Session, Attempt>, Error> {
        let opening = async {
            let connection = self.staging.pool().take().await?;
            let pid = connection.pid();
            let preparing = Box::pin(self.in_time(self.prepare(ledger, connection)));
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

    /// Cuts off at the deadline what may take any time, such as filling what is stored of the tables.
    pub(super) async fn in_time<T>(&self, step: impl Future<Output = Result<T, Error>>) -> Result<T, Error> {
        tokio::time::timeout_at(self.deadline + LAST_WORD, step).await.unwrap_or(Err(Error::Late))
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
    pub(super) async fn ready(&self, session: &mut Session) -> Result<(), Error> {
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
        let schemas = Schemas { staging: self.staging.schema(), live: self.dataset.schema.as_str() };
        let wanted = Fitted::of(inventory, &plans, tables);
        // Nobody else is in staging: what was made and proven there stays so, and others may change rights all the time.
        if *fitted != wanted {
            let dataset = self.dataset.dataset.as_str();
            Fitter { connection, reader, schemas, dataset }.fit(&fittings).await?;
            self.look_for_orphans(connection, inventory).await?;
            *fitted = wanted;
        }
        matviews::build(connection, reader, self.staging, inventory, self.dataset.dataset.as_str(), tables).await?;
        let stay = division.merges.iter().map(|merge| merge.name().clone()).collect();
        declared::build(connection, self.staging, inventory, &stay, self.views).await?;
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
}
