//! The lease of a dataset: an advisory lock that a transaction of its own session holds. It dies with the session, survives
//! connection poolers, and holds back neither vacuum nor freezing, as the transaction has no snapshot and no id. While it is
//! held, a word is said on it every few seconds, so that others can tell a run that works from one whose machine is gone.

use std::fmt;
use std::time::Duration;

use jiff::Timestamp;
use manifest::DatasetName;
use sha2::{Digest, Sha256};
use tokio::task::AbortHandle;
use tokio::time::Instant;
use tokio_postgres::error::SqlState;

use crate::postgres::{self, Connection, Purpose, Session, Target};

use super::Ledger;
use super::decision::{Decision, Held, Seen, Sign, decide};
use super::error::Error;
use super::run::{Firing, NewRun, RunId};

/// How often the holder of a lease says a word on it.
const BEAT: Duration = Duration::from_secs(2);

/// How long the lock is waited for before the holder and the ledger are looked at again: its run may end up as our answer.
const PATIENCE: Duration = Duration::from_secs(1);

/// Whoever holds a lease for so long, though nothing is to be heard of it, lives: the server would have noticed. Twice of
/// what a session's keep-alive packets take.
const LIFE: Duration = Duration::from_mins(1);

/// How often it is told that somebody is still waited for.
const REMINDER: Duration = Duration::from_mins(5);

/// The lease of one dataset, held until it is dropped or its session ends.
#[derive(Debug)]
pub struct Lease {
    /// Says a word every few seconds; the session is its own and ends with it.
    beating: AbortHandle,
}

impl Lease {
    fn of(connection: Connection) -> Self {
        let beating = tokio::spawn(async move {
            // A lease that is lost is no reason to stop: whoever takes over fences us off in the ledger.
            while connection.batch("keep the lease", "SELECT 1").await.is_ok() {
                tokio::time::sleep(BEAT).await;
            }
        });
        Self { beating: beating.abort_handle() }
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        self.beating.abort();
    }
}

/// The session that holds a lease, as far as we may see it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Holder {
    /// The server's process id of its lease.
    pub pid: Option<i32>,
    /// `freshet <dataset> run=<id>`; hidden when it belongs to another role.
    pub application: Option<String>,
    /// For how many seconds it has been connected.
    pub seconds: Option<i64>,
    /// When it last said a word; hidden like its name.
    pub heard: Option<Timestamp>,
}

impl fmt::Display for Holder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(pid) = self.pid else { return f.write_str("it has just let go") };
        write!(f, "{} (server process {pid}", self.application.as_deref().unwrap_or("a session of another role"))?;
        if let Some(seconds) = self.seconds {
            write!(f, ", for {seconds} s")?;
        }
        f.write_str(")")
    }
}

/// What became of a firing.
#[derive(Debug)]
pub enum Claim {
    /// It is ours, and the ledger says so.
    Ours {
        /// Keep it until the run has ended.
        lease: Lease,
        /// Which try at this firing, from 1.
        attempt: u32,
        /// The run that died before us, whose staging may be used.
        abandoned: Option<RunId>,
    },
    /// Another run answers, or has answered, to it.
    Duplicate {
        /// That run.
        by: RunId,
    },
}

/// Takes a firing on, waiting for other runs of the dataset until the deadline. `waiting` is told, each time we look,
/// whom we wait for.
///
/// # Errors
/// [`Error::Leased`] at the deadline, or the database's own.
pub async fn claim(
    target: &Target,
    session: &Session,
    ledger: &Ledger,
    firing: &Firing,
    new: &NewRun,
    deadline: Instant,
    mut waiting: impl FnMut(&Holder),
) -> Result<Claim, Error> {
    let connection = target.connect(session, Purpose::Lease).await?;
    let key = key(connection.database(), &firing.dataset);
    let mut watch = Watch::new();
    let mut free = try_lock(&connection, key).await?;
    loop {
        let held = match free {
            Lock::Ours => Held::ByUs,
            Lock::Theirs => Held::ByAnother(watch.look(ledger.holder(key).await?)),
        };
        let seen = ledger.seen(firing).await?;
        match decide(firing.scheduled_time, held, &seen) {
            Decision::Duplicate(by) => return Ok(Claim::Duplicate { by }),
            Decision::Start { attempt, abandon } => {
                // A run that lost its lease may be publishing at this moment; then it is not to be abandoned, but done.
                if let Some(run) = abandon
                    && !ledger.abandon(run).await?
                {
                    continue;
                }
                // Tries that a person's run makes by itself are at no scheduled time, so that the ledger cannot count them.
                let attempt = attempt.max(new.number);
                ledger.begin(firing, new, attempt).await?;
                return Ok(Claim::Ours { lease: Lease::of(connection), attempt, abandoned: abandon });
            }
            Decision::Wait => {
                let left = deadline.saturating_duration_since(Instant::now());
                if left.is_zero() {
                    return Err(Error::Leased { dataset: firing.dataset.to_string(), holder: watch.holder });
                }
                if watch.is_news() {
                    waiting(&watch.holder);
                }
                free = wait_for_lock(&connection, key, left.min(PATIENCE)).await?;
            }
        }
    }
}

/// What can be seen of the one who holds the lease that we want.
struct Watch {
    began: Instant,
    holder: Holder,
    told: Option<(Option<i32>, Instant)>,
}

impl Watch {
    fn new() -> Self {
        Self { began: Instant::now(), holder: Holder::default(), told: None }
    }

    /// Looks again; another session than before is watched anew.
    fn look(&mut self, holder: Holder) -> Sign {
        let before = std::mem::replace(&mut self.holder, holder);
        if before.pid != self.holder.pid {
            self.began = Instant::now();
            return Sign::None;
        }
        let spoke = before.heard.is_some() && before.heard < self.holder.heard;
        if spoke || self.began.elapsed() > LIFE { Sign::OfLife } else { Sign::None }
    }

    /// Whether somebody else holds it than when this was asked last, or that was long ago.
    fn is_news(&mut self) -> bool {
        let known = self.told.is_some_and(|(pid, when)| pid == self.holder.pid && when.elapsed() < REMINDER);
        if !known {
            self.told = Some((self.holder.pid, Instant::now()));
        }
        !known
    }
}

/// Whether the lock was to be had.
enum Lock {
    Ours,
    Theirs,
}

/// PostgreSQL keeps advisory locks per database already; its name is hashed too, for those that share a pooler.
fn key(database: &str, dataset: &DatasetName) -> i64 {
    let hash = Sha256::digest(format!("freshet lease\0{database}\0{dataset}"));
    let mut first = [0; 8];
    first.copy_from_slice(&hash[..8]);
    i64::from_be_bytes(first)
}

async fn try_lock(connection: &Connection, key: i64) -> Result<Lock, postgres::Error> {
    connection.batch("open the lease's transaction", "BEGIN").await?;
    let row = connection.row("take the lease", "SELECT pg_try_advisory_xact_lock($1)", &[&key]).await?;
    if row.get(0) {
        return Ok(Lock::Ours);
    }
    connection.batch("close the lease's transaction", "ROLLBACK").await?;
    Ok(Lock::Theirs)
}

async fn wait_for_lock(connection: &Connection, key: i64, patience: Duration) -> Result<Lock, postgres::Error> {
    let patience = patience.as_millis().max(1);
    let sql = format!(
        "BEGIN; SET LOCAL lock_timeout = {patience}; SELECT pg_advisory_xact_lock({key}); SET LOCAL lock_timeout = 0"
    );
    match connection.batch("wait for the lease", &sql).await {
        Ok(()) => Ok(Lock::Ours),
        Err(error) if error.is(&SqlState::LOCK_NOT_AVAILABLE) => {
            connection.batch("close the lease's transaction", "ROLLBACK").await?;
            Ok(Lock::Theirs)
        }
        Err(error) => Err(error),
    }
}

impl Ledger {
    async fn seen(&self, firing: &Firing) -> Result<Seen, postgres::Error> {
        let rows = self
            .connection()
            .await?
            .rows(
                "read the dataset's runs",
                "SELECT run, state, scheduled_time, attempt, coalesce(scheduled_time = $2, false)
                 FROM freshet.runs WHERE dataset = $1 AND (state = 'running' OR scheduled_time = $2)",
                &[&firing.dataset.as_str(), &firing.scheduled_time],
            )
            .await?;
        let mut seen = Seen::default();
        for row in &rows {
            let (run, state) = (RunId::new(row.get(0)), row.get::<_, &str>(1));
            let same_firing: bool = row.get(4);
            if state == "running" {
                seen.running = Some((run, row.get(2)));
            }
            if same_firing {
                seen.attempts = seen.attempts.max(u32::try_from(row.get::<_, i32>(3)).unwrap_or_default());
                if state == "published" || state == "unchanged" {
                    seen.answered = Some(run);
                }
            }
        }
        Ok(seen)
    }

    /// Marks a dead run; waits for its publish transaction if it has one under way, and returns whether it was dead.
    async fn abandon(&self, run: RunId) -> Result<bool, postgres::Error> {
        let changed = self
            .connection()
            .await?
            .execute(
                "take over from a run that died",
                "UPDATE freshet.runs SET state = 'abandoned', finished = clock_timestamp()
                 WHERE run = $1 AND state = 'running'",
                &[run.uuid()],
            )
            .await?;
        Ok(changed == 1)
    }

    async fn holder(&self, key: i64) -> Result<Holder, postgres::Error> {
        let row = self
            .connection()
            .await?
            .maybe(
                "see who holds the lease",
                "SELECT l.pid, nullif(a.application_name, ''), extract(epoch FROM now() - a.backend_start)::int8,
                     a.state_change
                 FROM pg_locks l LEFT JOIN pg_stat_activity a ON a.pid = l.pid
                 WHERE l.locktype = 'advisory' AND l.granted AND l.objsubid = 1
                   AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
                   AND l.classid::int8 = ($1::int8 >> 32) & 4294967295 AND l.objid::int8 = $1::int8 & 4294967295
                 LIMIT 1",
                &[&key],
            )
            .await?;
        Ok(row.map_or_else(Holder::default, |row| Holder {
            pid: row.get(0),
            application: row.get(1),
            seconds: row.get(2),
            heard: row.get(3),
        }))
    }
}
