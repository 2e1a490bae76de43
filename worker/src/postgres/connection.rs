//! One session: connecting with every refusal told apart, and statements whose errors say what they were for.

use std::time::Duration;

use tokio::runtime::Handle;
use tokio::sync::watch;
use tokio::task::AbortHandle;
use tokio_postgres::error::SqlState;
use tokio_postgres::types::{ToSql, Type};
use tokio_postgres::{Client, Row, SimpleQueryMessage, Statement};

use super::address::Target;
use super::error::{Error, chain};
use super::session::{self, Purpose, Session};

/// How long connecting may take in all: name, hosts, TLS and login.
const LOGIN_TIMEOUT: Duration = Duration::from_mins(1);

/// How long the reason of a broken connection is waited for, once a statement has failed for it.
const REASON_TIMEOUT: Duration = Duration::from_secs(1);

/// How long a session that is dropped has for a proper goodbye.
const GOODBYE: Duration = Duration::from_millis(100);

/// `server_version_num` of the oldest PostgreSQL served.
const OLDEST: i32 = 140_000;

const WHOAMI: &str = "SELECT pg_backend_pid(), current_setting('server_version_num')::int4,
    current_setting('server_version'), session_user::text, current_database()::text,
    pg_is_in_recovery(), current_setting('transaction_read_only') = 'on'";

/// An open session. It ends when it is dropped.
pub struct Connection {
    client: Client,
    driver: AbortHandle,
    ended: watch::Receiver<Option<String>>,
    pid: i32,
    version: i32,
    user: String,
    database: String,
}

impl Target {
    /// Opens a session.
    ///
    /// # Errors
    /// Every [`Error`] about addresses, protection, login and the server's state.
    pub async fn connect(&self, session: &Session, purpose: Purpose) -> Result<Connection, Error> {
        let mut config = self.config.clone();
        config.application_name(session.application_name());
        let opening = tokio::time::timeout(LOGIN_TIMEOUT, config.connect(self.tls.clone()));
        let late = |_| {
            let reason = format!("no login within {} s", LOGIN_TIMEOUT.as_secs());
            Error::Unreachable { place: self.place(), reason }
        };
        let (client, connection) = opening.await.map_err(late)?.map_err(|error| self.refused(&error))?;
        let (sender, ended) = watch::channel(None);
        let driver = tokio::spawn(async move {
            let reason = connection.await.err().map_or_else(|| "it was closed".to_owned(), |error| chain(&error));
            // Nobody may be left to hear it.
            let _ = sender.send(Some(reason));
        });
        let mut opened = Connection {
            client,
            driver: driver.abort_handle(),
            ended,
            pid: 0,
            version: 0,
            user: String::new(),
            database: String::new(),
        };
        opened.batch("set up the session", &session::settings(purpose)).await?;
        let about = opened.row("tell its version", WHOAMI, &[]).await?;
        opened.pid = about.get(0);
        opened.version = about.get(1);
        opened.user = about.get(3);
        opened.database = about.get(4);
        if opened.version < OLDEST {
            return Err(Error::TooOld { place: self.place(), found: about.get(2) });
        }
        let reason = match (about.get(5), about.get(6)) {
            (true, _) => "it is a replica",
            (false, true) => "default_transaction_read_only is on",
            (false, false) => return Ok(opened),
        };
        Err(Error::ReadOnly { place: self.place(), reason: reason.to_owned() })
    }

    fn refused(&self, error: &tokio_postgres::Error) -> Error {
        let (place, user) = (self.place(), self.user().to_owned());
        if let Some(refusal) = error.as_db_error() {
            let reason = refusal.message().to_owned();
            return match refusal.code() {
                state if *state == SqlState::INVALID_PASSWORD => Error::Password { place, user },
                state if *state == SqlState::INVALID_CATALOG_NAME => {
                    Error::NoDatabase { place, database: self.database().to_owned() }
                }
                // Starting, shutting down, or no connection left.
                state if state.code().starts_with("57") || state.code().starts_with("53") => {
                    Error::Unreachable { place, reason }
                }
                _ => Error::Login { place, user, reason },
            };
        }
        let reason = chain(error);
        let cause = std::error::Error::source(error);
        let kind = error.to_string();
        if kind.starts_with("error performing TLS") {
            return Error::Protection { place, reason: unpack(&reason).to_owned() };
        }
        if kind.starts_with("invalid configuration") && self.config.get_password().is_none() {
            // The server asks for a password and the address has none.
            return Error::Password { place, user };
        }
        if kind.starts_with("invalid configuration") || kind.starts_with("authentication error") {
            return Error::Login { place, user, reason };
        }
        let no_host = cause.is_some_and(|cause| cause.to_string().starts_with("failed to lookup"));
        let reason = if no_host { "there is no such host".to_owned() } else { unpack(&reason).to_owned() };
        Error::Unreachable { place, reason }
    }
}

/// The driver's own words before the cause add nothing.
fn unpack(reason: &str) -> &str {
    ["error connecting to server: ", "error performing TLS handshake: "]
        .iter()
        .find_map(|prefix| reason.strip_prefix(prefix))
        .unwrap_or(reason)
}

impl Connection {
    /// The server's process id for this session.
    pub fn pid(&self) -> i32 {
        self.pid
    }

    /// `server_version_num`, such as 150018.
    pub fn version(&self) -> i32 {
        self.version
    }

    /// The role that logged in.
    pub fn user(&self) -> &str {
        &self.user
    }

    /// The database's name.
    pub fn database(&self) -> &str {
        &self.database
    }

    /// Whether the session is over.
    pub fn is_closed(&self) -> bool {
        self.client.is_closed()
    }

    /// Waits until the session is over, and tells why.
    pub(super) async fn ended(&self) -> String {
        let mut ended = self.ended.clone();
        // The task that drives the session tells before it goes.
        let told = ended.wait_for(Option::is_some).await.ok().and_then(|told| told.clone());
        told.unwrap_or_else(|| "it was closed".to_owned())
    }

    /// The driver's own client; its errors are given to [`Connection::explain`].
    pub(super) fn client(&self) -> &Client {
        &self.client
    }

    /// An error of the driver, with what was attempted and, when the connection broke, why it did.
    pub(super) async fn explain(&self, what: &str, error: tokio_postgres::Error) -> Error {
        match Error::during(what, &error) {
            Error::Lost { what, reason } => {
                let known = tokio::time::timeout(REASON_TIMEOUT, self.ended()).await.ok();
                // A server that says why it ends the session says more than a closed socket.
                let reason = if error.as_db_error().is_some() { reason } else { known.unwrap_or(reason) };
                Error::Lost { what, reason }
            }
            other => other,
        }
    }

    /// Runs statements without parameters. Several are one transaction unless they say otherwise.
    pub async fn batch(&self, what: &str, sql: &str) -> Result<(), Error> {
        match self.client.batch_execute(sql).await {
            Ok(()) => Ok(()),
            Err(error) => Err(self.explain(what, error).await),
        }
    }

    /// The rows of a query.
    pub async fn rows(&self, what: &str, sql: &str, parameters: &[&(dyn ToSql + Sync)]) -> Result<Vec<Row>, Error> {
        match self.client.query(sql, parameters).await {
            Ok(rows) => Ok(rows),
            Err(error) => Err(self.explain(what, error).await),
        }
    }

    /// The one row of a query.
    pub async fn row(&self, what: &str, sql: &str, parameters: &[&(dyn ToSql + Sync)]) -> Result<Row, Error> {
        match self.client.query_one(sql, parameters).await {
            Ok(row) => Ok(row),
            Err(error) => Err(self.explain(what, error).await),
        }
    }

    /// The row of a query that may have none.
    pub async fn maybe(&self, what: &str, sql: &str, parameters: &[&(dyn ToSql + Sync)]) -> Result<Option<Row>, Error> {
        match self.client.query_opt(sql, parameters).await {
            Ok(row) => Ok(row),
            Err(error) => Err(self.explain(what, error).await),
        }
    }

    /// Runs a statement and returns how many rows it touched.
    pub async fn execute(&self, what: &str, sql: &str, parameters: &[&(dyn ToSql + Sync)]) -> Result<u64, Error> {
        match self.client.execute(sql, parameters).await {
            Ok(rows) => Ok(rows),
            Err(error) => Err(self.explain(what, error).await),
        }
    }

    /// The rows of a statement with every value as PostgreSQL writes it, whatever its type, and the columns' names.
    pub async fn texts(&self, what: &str, sql: &str) -> Result<Vec<Vec<(String, Option<String>)>>, Error> {
        let messages = match self.client.simple_query(sql).await {
            Ok(messages) => messages,
            Err(error) => return Err(self.explain(what, error).await),
        };
        let row = |message: &SimpleQueryMessage| {
            let SimpleQueryMessage::Row(row) = message else { return None };
            let fields = row.columns().iter().enumerate();
            Some(fields.map(|(i, column)| (column.name().to_owned(), row.get(i).map(str::to_owned))).collect())
        };
        Ok(messages.iter().filter_map(row).collect())
    }

    /// Plans a query that is run when time is short. Parameters have these types.
    pub async fn prepare(&self, what: &str, sql: &str, types: &[Type]) -> Result<Statement, Error> {
        match self.client.prepare_typed(sql, types).await {
            Ok(statement) => Ok(statement),
            Err(error) => Err(self.explain(what, error).await),
        }
    }

    /// The rows of a planned query. Several that are awaited together travel together.
    pub async fn run(
        &self,
        what: &str,
        statement: &Statement,
        parameters: &[&(dyn ToSql + Sync)],
    ) -> Result<Vec<Row>, Error> {
        match self.client.query(statement, parameters).await {
            Ok(rows) => Ok(rows),
            Err(error) => Err(self.explain(what, error).await),
        }
    }

    /// Ends a transaction that failed, as far as the connection still stands.
    pub async fn rollback(&self) {
        // Whatever the reason, the server has rolled back or will when the session ends.
        let _ = self.client.batch_execute("ROLLBACK").await;
    }
}

impl Drop for Connection {
    /// The driver says goodbye by itself, but only once all statements are answered. One that nobody waits for any more, such
    /// as an index that takes an hour, is given up: the server ends it when the connection is gone.
    fn drop(&mut self) {
        let driver = self.driver.clone();
        if let Ok(runtime) = Handle::try_current() {
            runtime.spawn(async move {
                tokio::time::sleep(GOODBYE).await;
                driver.abort();
            });
        }
    }
}

impl std::fmt::Debug for Connection {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Connection({} to {}, pid {})", self.user, self.database, self.pid)
    }
}
