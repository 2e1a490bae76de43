//! What happened to every dataset, kept in the target database itself: the schema `freshet` with runs, what each run loaded,
//! rejected rows, what is published, and the view `freshet.datasets`. A firing comes in and is either ours to run, somebody
//! else's, or done already; what a run did goes out, the part that readers rely on in the very transaction that publishes.

pub(crate) mod after;
mod archived;
pub mod decision;
mod declared;
mod error;
mod kept;
mod lagging;
mod lease;
mod progress;
mod publication;
mod published;
mod rejects;
mod replay;
mod run;
mod schema;
mod source;
mod staged;
mod unproven;
mod upstream;
mod withdrawn;

use tokio::sync::{Mutex, MutexGuard};

use crate::postgres::{self, Connection, Purpose, Session, Target};

pub use declared::{declare, declared};
pub use error::Error;
pub use kept::{KeptReject, RejectCount, RejectFilter, RejectingRun};
pub use lagging::{Relation, leave_lagging};
pub use lease::{Claim, Holder, Lease, claim};
pub use progress::{AppendedFile, Watermark};
pub use publication::{Publication, PublishedTable};
pub use published::Published;
pub use rejects::{Reject, RejectLimit};
pub use replay::{Replayable, ReplayedTable, fence_replay, note_replay};
pub use run::{Ending, Failure, Firing, NewRun, RunId};
pub use schema::rehearse;
pub use source::SourceState;
pub use staged::TableCounts;
pub use unproven::{UnprovenKey, leave_unproven};
pub use upstream::Generations;
pub use withdrawn::Withdrawn;

/// The ledger of one database, over a session of its own where each statement is a transaction.
pub struct Ledger {
    target: Target,
    session: Session,
    connection: Mutex<Connection>,
}

impl Ledger {
    /// Connects, and creates or migrates the schema `freshet` where that is due.
    ///
    /// # Errors
    /// [`Error::Newer`] when a later worker has changed the ledger beyond us, a missing right with the `GRANT` that would
    /// help, or the database's own.
    pub async fn open(target: &Target, session: &Session) -> Result<Self, Error> {
        let connection = target.connect(session, Purpose::Ledger).await?;
        schema::migrate(&connection).await?;
        Ok(Self { target: target.clone(), session: session.clone(), connection: Mutex::new(connection) })
    }

    /// The session, opened again when it broke since: between two statements of a long load it is idle for hours.
    pub(crate) async fn connection(&self) -> Result<MutexGuard<'_, Connection>, postgres::Error> {
        let mut connection = self.connection.lock().await;
        if connection.is_closed() {
            *connection = self.target.connect(&self.session, Purpose::Ledger).await?;
        }
        Ok(connection)
    }
}
