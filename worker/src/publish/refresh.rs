//! Materialized views that read the dataset through views: they stay what they are, and show its new rows once they are
//! refreshed, after the publish. Refreshed while they are read where PostgreSQL can; the rows are live whatever comes of it.

use std::collections::BTreeSet;
use std::time::Duration;

use tokio::time::Instant;

use super::attached;
use super::inventory::{Inventory, Reader};
use super::lock::{LOCK_BUDGET, is_contention};
use super::rights::Missing;
use super::views::{Rows, View};
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
    place: String,
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

/// All of them, those first that others read. One that was never populated stays so. Tables that stay and are `changed` bind
/// nothing anew, so that everything stored of them is late. Whatever cannot be asked any more, as the session is gone, is
/// refreshed with the next publish.
pub(super) async fn lagging(
    connection: &Connection,
    reader: &Reader,
    inventory: &Inventory,
    changed: &[&str],
) -> Vec<Lagging> {
    let over_changed = if changed.is_empty() {
        Vec::new()
    } else {
        reader.views_over(connection, &inventory.schema.name, changed).await.unwrap_or_default()
    };
    let of = |view: &View| Lagging::of(view, inventory);
    let also: Vec<Lagging> = over_changed.iter().rev().filter(|view| view.is_populated()).map(of).collect();
    let late = |view: &&View| matches!(&view.rows, Rows::Stored(storage) if storage.lags && storage.populated);
    // What is late for the one reason alone reads nothing that is late for the other.
    let mut all: Vec<Lagging> = inventory.views.iter().rev().filter(late).map(of).collect();
    all.retain(|one| also.iter().all(|other| other.place != one.place));
    all.extend(also);
    all
}

impl Lagging {
    fn of(view: &View, inventory: &Inventory) -> Self {
        let mut missing = BTreeSet::new();
        let acting = view.owner.touching(inventory.login(), &mut missing);
        let concurrently = matches!(&view.rows, Rows::Stored(storage) if storage.refreshes_while_read);
        Self {
            described: view.describe(),
            place: qualified(&view.schema, &view.name),
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
    pub async fn refresh(&self, pool: &Pool) -> Result<Duration, Stays> {
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
                Ok(()) => return Ok(began.elapsed()),
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
            self.place
        );
        let done = connection.batch(&format!("refresh {}", self.described), &sql).await;
        if done.is_err() {
            connection.rollback().await;
        }
        done
    }
}
