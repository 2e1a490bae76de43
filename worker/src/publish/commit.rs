//! A `COMMIT` whose answer was lost: PostgreSQL is asked what became of the transaction, over another session.

use std::time::Duration;

use tokio::time::Instant;

use super::error::Error;
use crate::ledger::Ledger;
use crate::postgres;

/// Between two questions while the server has not noticed yet that we are gone.
const INTERVAL: Duration = Duration::from_millis(200);

/// How long we go on asking at least, even if the run's deadline is near: the answer decides what we report.
const PATIENCE: Duration = Duration::from_mins(3);

/// What became of a transaction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fate {
    Committed,
    Aborted,
}

/// Asks until PostgreSQL knows. `transaction` is the text of its `xid8`.
pub(super) async fn resolve(ledger: &Ledger, transaction: &str, deadline: Instant) -> Result<Fate, Error> {
    let deadline = deadline.max(Instant::now() + PATIENCE);
    loop {
        let reason = match ask(ledger, transaction).await {
            Ok(Some(status)) if status == "committed" => return Ok(Fate::Committed),
            Ok(Some(status)) if status == "aborted" => return Ok(Fate::Aborted),
            Ok(Some(status)) => format!("it is {status}"),
            Ok(None) => "PostgreSQL has forgotten it".to_owned(),
            Err(error) => error.to_string(),
        };
        if Instant::now() >= deadline {
            return Err(Error::Undecided { transaction: transaction.to_owned(), reason });
        }
        tokio::time::sleep(INTERVAL).await;
    }
}

async fn ask(ledger: &Ledger, transaction: &str) -> Result<Option<String>, postgres::Error> {
    let connection = ledger.connection().await?;
    let row = connection
        .row("tell what became of a transaction", "SELECT pg_xact_status($1::text::xid8)", &[&transaction])
        .await?;
    Ok(row.get(0))
}
