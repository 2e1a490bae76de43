//! A few load sessions that are opened when they are needed and used again: tables that are copied side by side and
//! indexes that are built side by side need one each.

use std::sync::Mutex;

use super::address::Target;
use super::connection::Connection;
use super::error::Error;
use super::session::{Purpose, Session};

/// Load sessions of one run.
#[derive(Debug)]
pub struct Pool {
    target: Target,
    session: Session,
    idle: Mutex<Vec<Connection>>,
}

impl Pool {
    /// A pool without any session yet.
    pub fn new(target: Target, session: Session) -> Self {
        Self { target, session, idle: Mutex::new(Vec::new()) }
    }

    /// A session that nobody else uses.
    pub async fn take(&self) -> Result<Connection, Error> {
        let idle = self.lock().pop();
        match idle {
            Some(connection) if !connection.is_closed() => Ok(connection),
            _ => self.target.connect(&self.session, Purpose::Load).await,
        }
    }

    /// Gives a session back that is in no transaction and acts as the login role. One that failed is dropped instead.
    pub fn give_back(&self, connection: Connection) {
        self.lock().push(connection);
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Vec<Connection>> {
        // A panic elsewhere leaves the list as it was.
        self.idle.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}
