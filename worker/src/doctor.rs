//! What one dataset needs from its database, tried before anybody needs it: a manifest and an address come in, a list of
//! checks goes out, each passed or with what is wrong, and one SQL script for whoever owns the database. Everything that
//! is tried is rolled back; nothing waits for a lock on a live table, and nothing holds one.

mod check;
mod database;
mod script;

use std::collections::BTreeSet;
use std::fmt;

use manifest::Dataset;
use serde::Serialize;
use uuid::Uuid;

use crate::fault::Exit;
use crate::postgres::{Connection, Purpose, Session, Target};
use crate::reading::unserved;
use crate::source::ReadFrom;
use crate::trouble::Trouble;

pub use check::{Check, Verdict};

/// All that was looked at.
#[derive(Debug, Serialize)]
pub struct Diagnosis {
    /// The dataset.
    pub dataset: String,
    /// The checks in the order in which they were made. After one that the others build on, they are left out.
    pub checks: Vec<Check>,
    #[serde(skip)]
    login: Option<(String, String)>,
}

impl Diagnosis {
    /// Makes all checks.
    pub async fn make(dataset: &Dataset, target: &Target) -> Self {
        let mut diagnosis = Self {
            dataset: dataset.dataset.to_string(),
            checks: vec![served(dataset)],
            login: Some((target.user().to_owned(), target.database().to_owned())),
        };
        let session = Session::new(&dataset.dataset, Uuid::new_v4());
        match target.connect(&session, Purpose::Ledger).await {
            Ok(connection) => {
                let connected = connected(target, &connection).await;
                diagnosis.checks.push(connected);
                diagnosis.checks.extend(database::examine(&connection, dataset).await);
            }
            Err(error) => diagnosis.checks.push(Check::failed("connection", error)),
        }
        diagnosis
    }

    /// That the database's address could not even be had.
    pub fn without_address(dataset: impl Into<String>, why: Trouble) -> Self {
        Self { dataset: dataset.into(), checks: vec![Check::failed("address", why)], login: None }
    }

    /// How the process ends: as a load would that met the first thing that is wrong.
    pub fn exit_code(&self) -> i32 {
        self.checks.iter().find_map(Check::exit).map_or(0, |exit| exit as i32)
    }

    /// One script that makes everything right that SQL can, for an owner or superuser.
    pub fn script(&self) -> String {
        script::write(&self.dataset, self.login.as_ref().map(|(user, database)| (&**user, &**database)), &self.checks)
    }
}

impl fmt::Display for Diagnosis {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.checks.iter().try_for_each(|check| writeln!(f, "{check}"))
    }
}

fn served(dataset: &Dataset) -> Check {
    let unserved: Vec<String> = unserved(dataset, &ReadFrom::Publisher).iter().map(ToString::to_string).collect();
    let tables = dataset.tables.len();
    let fine = format!("{tables} {} in schema {}", if tables == 1 { "table" } else { "tables" }, dataset.schema);
    if unserved.is_empty() {
        Check::passed("manifest", fine)
    } else {
        Check::wrong("manifest", unserved.join("; "), Exit::Configuration)
    }
}

/// What was connected to. A pooler that gives every transaction another server process breaks what a session sets.
async fn connected(target: &Target, connection: &Connection) -> Check {
    const LOOKS: usize = 5;
    let name = "connection";
    let mut processes = BTreeSet::new();
    for _ in 0..LOOKS {
        match connection.row("see the server's process", "SELECT pg_backend_pid()", &[]).await {
            Ok(row) => processes.insert(row.get::<_, i32>(0)),
            Err(error) => return Check::failed(name, error),
        };
    }
    let version = connection.version();
    let to = format!(
        "PostgreSQL {}.{} at {}, database {}, as {}",
        version / 10_000,
        version % 10_000,
        target.place(),
        connection.database(),
        connection.user()
    );
    if processes.len() > 1 {
        let wrong = format!("{to}: a pooler gives every transaction another server process, and settings are lost");
        return Check::wrong(name, wrong, Exit::Configuration)
            .advising("give DATABASE_URL the address of the server itself, or the pooler's session mode");
    }
    Check::passed(name, format!("{to}, sslmode {}", target.protection().as_str()))
}
