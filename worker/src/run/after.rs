//! What follows a publish: the dataset's own SQL, once for every generation, however many runs that takes.

use std::time::Instant;

use manifest::run::AFTER_FAILED;

use super::{Done, Run, failure};
use crate::after;
use crate::derived::SearchPath;
use crate::fault::{Exit, Fault, Retry};
use crate::ledger::Ledger;
use crate::postgres::Pool;
use crate::report::Fact;
use crate::trouble::Trouble;

/// Rows are live and what should follow them has not run.
#[derive(Debug, thiserror::Error)]
#[error("the rows are live, but the SQL that follows them (`after`) has not run: {reason}")]
struct Owed {
    reason: String,
    exit: Exit,
    retry: Retry,
    advice: Option<String>,
}

impl Fault for Owed {
    fn code(&self) -> &'static str {
        AFTER_FAILED
    }

    fn exit(&self) -> Exit {
        self.exit
    }

    fn retry(&self) -> Retry {
        self.retry
    }

    fn advice(&self) -> Option<String> {
        let next = "the next load runs it again, also when nothing else has changed";
        Some(self.advice.as_ref().map_or_else(|| next.to_owned(), |advice| format!("{advice}; {next}")))
    }
}

impl Run<'_> {
    /// Runs it where it has not run for what is live.
    pub(super) async fn follow(&self, ledger: &Ledger, pool: &Pool, done: Done) -> Result<Done, Trouble> {
        if self.dataset.after.is_empty() {
            return Ok(done);
        }
        let Err(trouble) = self.within(self.run_after(ledger, pool)).await else { return Ok(done) };
        let owed = Owed {
            reason: trouble.to_string(),
            exit: trouble.exit(),
            retry: trouble.retry(),
            advice: trouble.advice(),
        };
        let trouble = Trouble::from(owed);
        // What cannot be told is found out by the next run.
        let _ = ledger.leave_owed(self.id, &failure(&trouble)).await;
        Err(trouble)
    }

    async fn run_after(&self, ledger: &Ledger, pool: &Pool) -> Result<(), Trouble> {
        let Some(generation) = ledger.owed(&self.dataset.dataset).await? else { return Ok(()) };
        let began = Instant::now();
        let connection = pool.take().await?;
        let search_path = SearchPath::read(&connection, self.dataset).await?;
        after::run(connection, self.dataset, &search_path, generation).await?;
        self.reporter.tell(&Fact::Followed {
            files: self.dataset.after.iter().map(|script| script.file.clone()).collect(),
            seconds: began.elapsed().as_secs_f64(),
        });
        Ok(())
    }
}
