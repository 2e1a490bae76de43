//! Materialized views that read the dataset through views: they stay what they are, and show its new rows once they are
//! refreshed, after the publish. Refreshed while they are read where PostgreSQL can; the rows are live whatever comes of it,
//! and what is left to be refreshed stands in the ledger until it is.

use std::collections::BTreeSet;
use std::time::Duration;

use manifest::{Dataset, DatasetName};
use tokio::time::Instant;

use super::attached;
use super::inventory::{Inventory, Reader};
use super::lock::{LOCK_BUDGET, is_contention};
use super::rights::Missing;
use super::views::{Rows, View};
use crate::ledger::{self, Ledger, Relation};
use crate::postgres::identifiers::qualified;
use crate::postgres::{self, Acting, Connection, Pool};

/// Between two tries while somebody is in the way.
const PAUSE: Duration = Duration::from_millis(500);

/// How long is tried: it is somebody's report, and not what the run is for.
const PATIENCE: Duration = Duration::from_mins(5);

/// A materialized view that shows the rows of a publish only once it is refreshed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lagging {
    /// `materialized view public.sums`.
    pub described: String,
    dataset: DatasetName,
    view: Relation,
    /// Where functions in its query find what they name without a schema.
    path: String,
    acting: Acting,
    missing: Vec<Missing>,
    way: &'static str,
}

/// Why one was not refreshed.
#[derive(Debug, thiserror::Error)]
pub enum Stays {
    /// The login role may not.
    #[error("the login role may not {}: {};", .0.what, .0.grant)]
    Right(Missing),
    /// Somebody was in the way all the time.
    #[error("others kept it locked for {} s", .0.as_secs())]
    Locked(Duration),
    /// The database's own.
    #[error(transparent)]
    Database(#[from] postgres::Error),
}

/// The names of those that a publish leaves behind, where they will be live: of views over tables that are swapped, and of
/// all that is stored of tables that stay and are `changed`. One that was never populated stays so.
///
/// # Errors
/// The database's own.
pub(super) async fn left_behind(
    connection: &Connection,
    reader: &Reader,
    inventory: &Inventory,
    changed: &[&str],
) -> Result<BTreeSet<Relation>, postgres::Error> {
    let live = &inventory.schema.name;
    let over_changed =
        if changed.is_empty() { Vec::new() } else { reader.views_over(connection, live, changed).await? };
    let late = |view: &&View| matches!(&view.rows, Rows::Stored(storage) if storage.lags && storage.populated);
    let swapped = inventory.views.iter().filter(late);
    let all = swapped.chain(over_changed.iter().filter(|view| view.is_populated()));
    Ok(all.map(|view| (view.schema.clone(), view.name.clone())).collect())
}

/// Writes down those that are left behind by rows that changed in these tables, in the transaction that is open on `connection`.
///
/// # Errors
/// The database's own.
pub(crate) async fn leave_behind(
    connection: &Connection,
    dataset: &Dataset,
    changed: &[&str],
) -> Result<(), postgres::Error> {
    if changed.is_empty() {
        return Ok(());
    }
    let reader = Reader::new(connection, dataset).await?;
    let views = reader.views_over(connection, dataset.schema.as_str(), changed).await?;
    let stored = views.iter().filter(|view| view.is_populated());
    let behind = stored.map(|view| (view.schema.clone(), view.name.clone())).collect();
    ledger::leave_lagging(connection, &dataset.dataset, &behind).await
}

/// Those that publishes of a dataset have left behind, those first that others read.
///
/// # Errors
/// The database's own.
pub(crate) async fn lagging(ledger: &Ledger, dataset: &Dataset, pool: &Pool) -> Result<Vec<Lagging>, postgres::Error> {
    let left = ledger.lagging(&dataset.dataset).await?;
    if left.is_empty() {
        return Ok(Vec::new());
    }
    let connection = pool.take().await?;
    let reader = Reader::new(&connection, dataset).await?;
    let inventory = reader.read(&connection, dataset).await?;
    let tables: Vec<&str> = dataset.tables.iter().map(|table| table.name.as_str()).collect();
    let views = reader.views_over(&connection, dataset.schema.as_str(), &tables).await?;
    pool.give_back(connection);
    let is_left = |view: &&View| left.contains(&(view.schema.clone(), view.name.clone()));
    let lagging: Vec<Lagging> =
        views.iter().rev().filter(is_left).map(|view| Lagging::of(dataset, view, &inventory)).collect();
    for gone in left.iter().filter(|gone| lagging.iter().all(|lagging| lagging.view != **gone)) {
        ledger.refreshed(&dataset.dataset, gone).await?;
    }
    Ok(lagging)
}

impl Lagging {
    fn of(dataset: &Dataset, view: &View, inventory: &Inventory) -> Self {
        let mut missing = BTreeSet::new();
        let acting = view.owner.touching(inventory.login(), &mut missing);
        let concurrently = matches!(&view.rows, Rows::Stored(storage) if storage.refreshes_while_read);
        Self {
            described: view.describe(),
            dataset: dataset.dataset.clone(),
            view: (view.schema.clone(), view.name.clone()),
            path: attached::path(&[&inventory.schema.name, &view.schema]),
            acting,
            missing: missing.into_iter().collect(),
            way: if concurrently { "CONCURRENTLY " } else { "" },
        }
    }

    /// Refreshes it. With a unique index readers go on reading; without one they wait for as long as its query takes, but not
    /// for whoever is in the way of the lock: that is tried for as briefly as a publish does.
    ///
    /// # Errors
    /// [`Stays`]; nothing has changed then.
    pub async fn refresh(&self, ledger: &Ledger, pool: &Pool) -> Result<Duration, Stays> {
        if let Some(missing) = self.missing.first() {
            return Err(Stays::Right(missing.clone()));
        }
        let began = Instant::now();
        loop {
            let connection = pool.take().await?;
            let tried = self.attempt(&connection).await;
            if !connection.is_closed() {
                pool.give_back(connection);
            }
            match tried {
                Ok(()) => {
                    // Once more is too often, and no harm.
                    let _ = ledger.refreshed(&self.dataset, &self.view).await;
                    return Ok(began.elapsed());
                }
                Err(error) if !is_contention(&error) => return Err(error.into()),
                Err(_) if began.elapsed() >= PATIENCE => return Err(Stays::Locked(PATIENCE)),
                Err(_) => tokio::time::sleep(PAUSE).await,
            }
        }
    }

    async fn attempt(&self, connection: &Connection) -> Result<(), postgres::Error> {
        let sql = format!(
            "BEGIN; {}; SET LOCAL search_path = {}; SET LOCAL row_security = on; SET LOCAL lock_timeout = {}; \
             REFRESH MATERIALIZED VIEW {}{}; COMMIT",
            self.acting.set_local(),
            self.path,
            LOCK_BUDGET.as_millis(),
            self.way,
            qualified(&self.view.0, &self.view.1)
        );
        let done = connection.batch(&format!("refresh {}", self.described), &sql).await;
        if done.is_err() {
            connection.rollback().await;
        }
        done
    }
}
