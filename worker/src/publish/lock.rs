//! The locks of a publish: all of them in one statement with one time limit, so that nobody waits behind us for longer than
//! that, tried again until the deadline, telling each time who is in the way.

use std::collections::BTreeMap;
use std::time::Duration;

use tokio_postgres::error::SqlState;

use super::blockers::{self, Blocker};
use super::foreign_keys::ForeignKey;
use super::inventory::Inventory;
use crate::ledger::{Ledger, RunId};
use crate::postgres::identifiers::{qualified, quote_literal};
use crate::postgres::{self, Acting, Connection};

/// How long one statement of a publish waits for somebody's exclusive lock before it is told who that is. Statements that
/// take locks which others would wait behind have a limit of their own, far below.
pub(super) const LOCK_PATIENCE: &str = "SET lock_timeout = '2s'";

/// How long we stand in the queue for locks, and everybody who comes after us with us. Below PostgreSQL's
/// `deadlock_timeout` of 1 s, so that a deadlock with a reader ends here and not in the reader's error.
pub const LOCK_BUDGET: Duration = Duration::from_millis(50);

/// How long we stand in the queue for locks that only writers meet. Longer than `deadlock_timeout`: a server's own vacuum
/// steps aside for whoever has waited for it that long.
const WRITERS_BUDGET: Duration = Duration::from_secs(5);

/// How long one statement under the locks may take before we give them back and try again.
const SWAP_LIMIT: Duration = Duration::from_secs(5);

/// The first pause between two tries, and the longest. Each try holds readers up for [`LOCK_BUDGET`] at most.
const PAUSE: (Duration, Duration) = (Duration::from_millis(100), Duration::from_secs(2));

/// Whether we have the locks.
#[derive(Debug)]
pub(super) enum Locked {
    /// We do, until the transaction ends.
    Yes,
    /// Somebody was in the way; the transaction can only be rolled back.
    No(Vec<Blocker>),
}

/// Takes ACCESS EXCLUSIVE on all views, outermost first, as readers do, and then by name on the live tables and those at the
/// other end of their foreign keys.
pub(super) async fn take(
    connection: &Connection,
    ledger: &Ledger,
    inventory: &Inventory,
    schema: &str,
) -> Result<Locked, postgres::Error> {
    let tables = inventory.live.values().map(|live| live.oid);
    let relations: Vec<u32> = tables.chain(inventory.views.iter().map(|view| view.oid)).collect();
    let limits = Limits { queue: LOCK_BUDGET, afterwards: SWAP_LIMIT };
    queue(connection, ledger, &statements(inventory, schema), &relations, limits).await
}

/// Takes locks that let readers through and other writers not, one statement for each of these tables.
pub(super) async fn keep_writers_away(
    connection: &Connection,
    ledger: &Ledger,
    statements: &[String],
    tables: &[u32],
) -> Result<Locked, postgres::Error> {
    let limits = Limits { queue: WRITERS_BUDGET, afterwards: Duration::ZERO };
    queue(connection, ledger, statements, tables, limits).await
}

/// How long statements may take; zero is without end.
#[derive(Debug, Clone, Copy)]
struct Limits {
    /// All locks together.
    queue: Duration,
    /// Each statement after them.
    afterwards: Duration,
}

async fn queue(
    connection: &Connection,
    ledger: &Ledger,
    statements: &[String],
    relations: &[u32],
    limits: Limits,
) -> Result<Locked, postgres::Error> {
    if statements.is_empty() {
        return Ok(Locked::Yes);
    }
    // One statement, so that one time limit holds for all locks together; `lock_timeout` would hold for each.
    let body = format!("BEGIN {}; END", statements.join("; "));
    let sql = format!(
        "SET LOCAL lock_timeout = 0; SET LOCAL statement_timeout = {}; DO {}; SET LOCAL ROLE NONE; \
         SET LOCAL statement_timeout = {}; {LOCK_PATIENCE}",
        limits.queue.as_millis(),
        quote_literal(&body),
        limits.afterwards.as_millis()
    );
    let what = "lock the tables";
    let locking = connection.batch(what, &sql);
    let (outcome, seen) = blockers::watch(ledger, connection.pid(), LOCK_BUDGET / 4, locking).await;
    match outcome {
        Ok(()) => Ok(Locked::Yes),
        // A queue that was too short to be looked at: whoever holds a lock now was most likely in the way.
        Err(error) if is_contention(&error) && seen.is_empty() => {
            Ok(Locked::No(blockers::holders(ledger, connection.pid(), relations).await.unwrap_or_default()))
        }
        Err(error) if is_contention(&error) => Ok(Locked::No(seen)),
        Err(error) => Err(error),
    }
}

/// Whether an error says that somebody else was at the same objects at the same time, and nothing worse.
pub(super) fn is_contention(error: &postgres::Error) -> bool {
    let states = [&SqlState::QUERY_CANCELED, &SqlState::LOCK_NOT_AVAILABLE, &SqlState::T_R_DEADLOCK_DETECTED];
    match error {
        // A GRANT that changed the same catalog row at the same time; it has no code of its own.
        postgres::Error::Statement(refusal) if refusal.state == SqlState::INTERNAL_ERROR => {
            refusal.message.starts_with("tuple concurrently")
        }
        error => error.state().is_some_and(|state| states.contains(&state)),
    }
}

fn statements(inventory: &Inventory, schema: &str) -> Vec<String> {
    let mut statements = Vec::new();
    let mut current = Acting::Login;
    let mut push = |acting: Acting, statement: String| {
        if acting != current {
            statements.push(acting.set_local());
            current = acting;
        }
        statements.push(statement);
    };
    let is_in_the_chain = |oid: u32| inventory.views.iter().any(|view| view.oid == oid);
    for rule in inventory.rules.iter().filter(|rule| !is_in_the_chain(rule.view)) {
        let (acting, statement) = rule.lock(inventory.login());
        push(acting, statement);
    }
    for (acting, statement) in inventory.views.iter().filter_map(|view| view.lock(inventory.login())) {
        push(acting, statement);
    }
    let live = inventory.live.keys().map(|name| ((schema, name.as_str()), inventory.mover(name)));
    let partners = inventory.foreign_keys.iter().filter_map(ForeignKey::lock).map(|(acting, table)| (table, acting));
    // In one order for all datasets.
    let tables: BTreeMap<(&str, &str), Acting> = partners.chain(live).collect();
    for ((schema, name), acting) in tables {
        push(acting, format!("LOCK TABLE {} IN ACCESS EXCLUSIVE MODE", qualified(schema, name)));
    }
    statements
}

/// Growing pauses between tries, each somewhere between half and all of its length, other for every run.
#[derive(Debug)]
pub(super) struct Pauses {
    next: Duration,
    random: u64,
}

impl Pauses {
    pub(super) fn of(run: RunId) -> Self {
        let (high, low) = run.uuid().as_u64_pair();
        // Xorshift stands still at zero.
        Self { next: PAUSE.0, random: (high ^ low) | 1 }
    }

    pub(super) fn next(&mut self) -> Duration {
        self.random ^= self.random << 13;
        self.random ^= self.random >> 7;
        self.random ^= self.random << 17;
        let whole = self.next;
        self.next = (whole * 2).min(PAUSE.1);
        let part = u32::try_from(self.random % 1_000).unwrap_or_default();
        whole / 2 + whole / 2 * part / 1_000
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use uuid::Uuid;

    #[test]
    fn pauses_grow_to_a_limit_and_differ_between_runs() {
        let pauses = |n| {
            let mut pauses = Pauses::of(RunId::new(Uuid::from_u128(n)));
            (0..10).map(|_| pauses.next()).collect::<Vec<_>>()
        };
        let (one, other) = (pauses(7), pauses(8));
        assert_ne!(one, other);
        assert!(one.iter().all(|pause| (PAUSE.0 / 2..=PAUSE.1).contains(pause)), "{one:?}");
        assert!(one[9] >= PAUSE.1 / 2);
    }

    #[test]
    fn the_time_in_the_queue_ends_before_postgresql_looks_for_deadlocks() {
        assert!(LOCK_BUDGET < Duration::from_secs(1));
    }
}
