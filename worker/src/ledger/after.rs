//! For which generation of a dataset the SQL that follows its publish has run. It is noted in the transaction of that SQL, so
//! that a run that is killed between the publish and its end leaves it owed, and the next run makes up for it.

use manifest::DatasetName;

use crate::postgres::{self, Connection};

use super::Ledger;
use super::run::{Failure, RunId};

/// Notes, in the transaction that is open, that it has run.
pub(crate) async fn note(
    connection: &Connection,
    dataset: &DatasetName,
    generation: i64,
) -> Result<(), postgres::Error> {
    let sql = "INSERT INTO freshet.followed AS f (dataset, generation, finished) VALUES ($1, $2, clock_timestamp())
               ON CONFLICT (dataset) DO UPDATE SET (generation, finished) = (excluded.generation, excluded.finished)";
    connection.execute("note in the ledger what followed", sql, &[&dataset.as_str(), &generation]).await?;
    Ok(())
}

impl Ledger {
    /// The generation that is live and for which it has not run yet.
    pub async fn owed(&self, dataset: &DatasetName) -> Result<Option<i64>, postgres::Error> {
        let sql = "SELECT p.generation FROM freshet.published p LEFT JOIN freshet.followed f USING (dataset)
                   WHERE p.dataset = $1 AND f.generation IS DISTINCT FROM p.generation";
        let connection = self.connection().await?;
        let owed = connection.maybe("read what is still to follow", sql, &[&dataset.as_str()]).await?;
        Ok(owed.map(|row| row.get(0)))
    }

    /// Ends a run whose rows are live and whose SQL has not run as one that failed, so that the firing gets its next attempt.
    pub async fn leave_owed(&self, run: RunId, failure: &Failure) -> Result<(), postgres::Error> {
        let sql = "UPDATE freshet.runs
                   SET state = 'failed', finished = clock_timestamp(), code = $2, message = $3, exit_code = $4
                   WHERE run = $1 AND state IN ('running', 'published')";
        let connection = self.connection().await?;
        let what = "write the run's end into the ledger";
        connection.execute(what, sql, &[run.uuid(), &failure.code, &failure.kept_message(), &failure.exit]).await?;
        Ok(())
    }
}
