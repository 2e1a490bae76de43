//! Rows of a query into a table in staging, by way of the worker: PostgreSQL freezes only what `COPY` brings, so that what a
//! query makes is sent out on one session and comes in on another. Neither side is ever ahead of the other by more than a few
//! chunks.

use crate::postgres::copy::{self, Failed};
use crate::postgres::{self, Connection};

/// Runs `COPY (select) TO STDOUT` on `from` into `statement`, a binary `COPY … FROM STDIN`, on `into`, and returns the rows
/// that were stored. `from` sees what is committed when the query begins; the transaction that is open on `into` is left open.
///
/// # Errors
/// The database's own, of either side; the transaction on `into` can then only be rolled back.
pub(crate) async fn relay(
    what: &str,
    from: &Connection,
    select: &str,
    into: &Connection,
    statement: &str,
) -> Result<u64, postgres::Error> {
    let rows = copy::copy_out(from, what, &format!("COPY ({select}) TO STDOUT (FORMAT binary)")).await?;
    match copy::copy_in(into, what, statement, rows).await {
        Ok(stored) => Ok(stored),
        Err(Failed::Reading(error) | Failed::Database(error)) => Err(error),
    }
}
