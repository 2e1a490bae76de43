//! Sessions that hold locks which we want: who they are, since when they are in the way, and, only where the manifest says
//! so, their end.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use jiff::Timestamp;
use tokio::time::Instant;
use tokio_postgres::error::SqlState;
use tokio_postgres::types::ToSql;

use crate::ledger::Ledger;
use crate::postgres;
use crate::postgres::identifiers::quote_ident;

/// A session that held a lock which we wanted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Blocker {
    /// The server's process id.
    pub pid: i32,
    /// Its role.
    pub user: Option<String>,
    /// What it calls itself.
    pub application: Option<String>,
    /// `active`, `idle in transaction`, …; hidden from roles without `pg_read_all_stats`.
    pub state: Option<String>,
    /// For how long its transaction has been open, in seconds.
    pub seconds: Option<i64>,
    /// When that began: what tells it from the session's next one.
    pub began: Option<Timestamp>,
}

impl fmt::Display for Blocker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "server process {} of role {}", self.pid, self.user.as_deref().unwrap_or("unknown"))?;
        if let Some(application) = self.application.as_deref().filter(|name| !name.is_empty()) {
            write!(f, " ({application})")?;
        }
        if let Some(state) = &self.state {
            write!(f, ", {state}")?;
        }
        match self.seconds {
            Some(seconds) => write!(f, ", in a transaction for {seconds} s"),
            None => Ok(()),
        }
    }
}

/// What became of a session that was in the way for longer than the manifest allows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Termination {
    /// It was ended.
    Ended(Blocker),
    /// It may not be ended by us.
    Denied {
        /// The session.
        blocker: Blocker,
        /// The statement that lets us, for an owner or superuser.
        grant: String,
    },
}

/// Since when sessions have been in the way, and for how long they may be.
#[derive(Debug)]
pub(super) struct Patience {
    limit: Option<Duration>,
    since: BTreeMap<(i32, Option<Timestamp>), Instant>,
    denied: Vec<i32>,
}

impl Patience {
    /// Without a limit nobody is ever ended.
    pub(super) fn new(limit: Option<Duration>) -> Self {
        Self { limit, since: BTreeMap::new(), denied: Vec::new() }
    }

    /// Notes who is in the way now, and gives those who have been for too long, each with the same transaction.
    fn overdue(&mut self, seen: &[Blocker], now: Instant) -> Vec<Blocker> {
        let Some(limit) = self.limit else { return Vec::new() };
        // There is no time to look in every try: that nobody was seen does not say that nobody was there.
        if seen.is_empty() {
            return Vec::new();
        }
        let key = |blocker: &Blocker| (blocker.pid, blocker.began);
        self.since.retain(|known, _| seen.iter().any(|blocker| key(blocker) == *known));
        let is_overdue = |blocker: &&Blocker| {
            let since = self.since.entry(key(blocker)).or_insert(now);
            // A server process of PostgreSQL's own has no role; of a prepared transaction nothing is known.
            blocker.user.is_some() && now.duration_since(*since) >= limit && !self.denied.contains(&blocker.pid)
        };
        seen.iter().filter(is_overdue).cloned().collect()
    }

    /// Ends those who have been in the way for too long.
    pub(super) async fn end(&mut self, ledger: &Ledger, seen: &[Blocker]) -> Result<Vec<Termination>, postgres::Error> {
        let mut ended = Vec::new();
        for blocker in self.overdue(seen, Instant::now()) {
            let connection = ledger.connection().await?;
            let login = quote_ident(connection.user());
            let denied = |grant: &str| Termination::Denied {
                blocker: blocker.clone(),
                grant: format!("GRANT {grant} TO {login}"),
            };
            if blocker.began.is_none() {
                self.denied.push(blocker.pid);
                ended.push(denied("pg_read_all_stats"));
                continue;
            }
            // In one statement, so that nobody is ended who has just begun something else.
            let sql = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid = $1 AND xact_start = $2";
            match connection.rows("end a session that is in the way", sql, &[&blocker.pid, &blocker.began]).await {
                Ok(rows) => ended.extend(rows.first().map(|_| Termination::Ended(blocker))),
                Err(error) if error.is(&SqlState::INSUFFICIENT_PRIVILEGE) => {
                    self.denied.push(blocker.pid);
                    ended.push(denied("pg_signal_backend"));
                }
                Err(error) => return Err(error),
            }
        }
        Ok(ended)
    }
}

/// Does something that may have to wait for locks, and asks after a while who is in the way: that can only be seen while it
/// stands in the queue.
pub(super) async fn watch<T>(
    ledger: &Ledger,
    pid: i32,
    after: Duration,
    work: impl Future<Output = T>,
) -> (T, Vec<Blocker>) {
    let mut work = std::pin::pin!(work);
    let asking = async {
        tokio::time::sleep(after).await;
        of(ledger, pid).await
    };
    tokio::select! {
        biased;
        done = &mut work => (done, Vec::new()),
        seen = asking => (work.await, seen.unwrap_or_default()),
    }
}

/// Whom a waiting session waits for.
async fn of(ledger: &Ledger, pid: i32) -> Result<Vec<Blocker>, postgres::Error> {
    let sql = "SELECT b.pid, a.usename::text, a.application_name, a.state,
                   extract(epoch FROM clock_timestamp() - a.xact_start)::int8, a.xact_start
               FROM unnest(pg_blocking_pids($1)) AS b (pid) LEFT JOIN pg_stat_activity a ON a.pid = b.pid
               ORDER BY b.pid";
    see(ledger, sql, &[&pid]).await
}

/// Who else holds any lock on these relations, which are to be locked.
pub(super) async fn holders(ledger: &Ledger, pid: i32, relations: &[u32]) -> Result<Vec<Blocker>, postgres::Error> {
    let sql = "SELECT l.pid, a.usename::text, a.application_name, a.state,
                   extract(epoch FROM clock_timestamp() - a.xact_start)::int8, a.xact_start
               FROM (SELECT DISTINCT pid FROM pg_locks
                     WHERE locktype = 'relation' AND relation = ANY ($2) AND granted AND pid <> $1
                       AND database = (SELECT oid FROM pg_database WHERE datname = current_database())) l
               LEFT JOIN pg_stat_activity a ON a.pid = l.pid
               ORDER BY l.pid";
    see(ledger, sql, &[&pid, &relations]).await
}

async fn see(ledger: &Ledger, sql: &str, parameters: &[&(dyn ToSql + Sync)]) -> Result<Vec<Blocker>, postgres::Error> {
    let rows = ledger.connection().await?.rows("see who is in the way", sql, parameters).await?;
    let blocker = |row: &tokio_postgres::Row| Blocker {
        pid: row.get(0),
        user: row.get(1),
        application: row.get(2),
        state: row.get(3),
        seconds: row.get(4),
        began: row.get(5),
    };
    Ok(rows.iter().map(blocker).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn blocker(pid: i32, began: i64) -> Blocker {
        let began = Timestamp::from_second(began).ok();
        Blocker { pid, user: Some("ana".into()), application: None, state: None, seconds: None, began }
    }

    #[test]
    fn nobody_is_ended_unless_the_manifest_says_so_and_nobody_who_has_moved_on() {
        let minute = Duration::from_mins(1);
        let start = Instant::now();
        let never = |seen: &[Blocker]| Patience::new(None).overdue(seen, start + minute * 1_000);
        assert_eq!(never(&[blocker(1, 0)]), []);

        let mut patience = Patience::new(Some(minute * 10));
        assert_eq!(patience.overdue(&[blocker(1, 0), blocker(2, 0)], start), []);
        assert_eq!(patience.overdue(&[], start + minute * 5), []);
        assert_eq!(patience.overdue(&[blocker(1, 0), blocker(2, 60)], start + minute * 9), []);
        // The second has begun another transaction in between.
        assert_eq!(patience.overdue(&[blocker(1, 0), blocker(2, 60)], start + minute * 10), [blocker(1, 0)]);
        // Whoever was away has not been in the way.
        assert_eq!(patience.overdue(&[blocker(2, 60)], start + minute * 12), []);
        assert_eq!(patience.overdue(&[blocker(1, 0)], start + minute * 30), []);
        let nobodys = Blocker { user: None, ..blocker(3, 0) };
        let mut patience = Patience::new(Some(minute));
        patience.overdue(std::slice::from_ref(&nobodys), start);
        assert_eq!(patience.overdue(&[nobodys], start + minute * 2), []);
    }
}
