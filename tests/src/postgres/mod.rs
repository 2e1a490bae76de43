//! A throw-away PostgreSQL cluster from the machine's own binaries: it listens on a free loopback port and on a socket in
//! a temporary folder, asks for passwords (SCRAM) everywhere, and is stopped and removed when its handle is dropped. Out
//! come connection URLs, fresh databases and roles.

mod installation;
mod query;
pub mod readers;
pub mod wire;

use std::fs;
use std::net::{Ipv4Addr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use crate::error::{Error, Result};
use crate::http::percent_encode;
use crate::process::{Input, Process, Signal, TemporaryDir};
use crate::random;
use installation::Installation;

pub use query::{connect, literal, quote};

/// The superuser's name.
const SUPERUSER: &str = "postgres";
/// A cold start on a busy machine; usually well below one second.
const START_LIMIT: Duration = Duration::from_mins(1);
const INITDB_LIMIT: Duration = Duration::from_mins(2);
/// Another process can take the port between our finding it free and the server's binding it.
const PORT_ATTEMPTS: u32 = 5;
/// The kernel's limit for a socket's path is 107 bytes, and the server adds a name of up to 15.
const SOCKET_DIR_MAX: usize = 90;

/// What a crash of the machine may cost the cluster.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Durability {
    /// PostgreSQL's defaults: every commit is on disk. For measurements.
    Full,
    /// No fsync, no full-page writes, asynchronous commit. For tests.
    Off,
}

impl Durability {
    fn settings(self) -> &'static [(&'static str, &'static str)] {
        match self {
            Self::Full => &[],
            Self::Off => &[("fsync", "off"), ("synchronous_commit", "off"), ("full_page_writes", "off")],
        }
    }
}

/// A running cluster. Dropping it stops the server and removes its data.
#[derive(Debug)]
pub struct PostgresCluster {
    // Dropped in this order: the server before its folder.
    server: Process,
    port: u16,
    password: String,
    installation: Installation,
    folder: TemporaryDir,
    databases: AtomicU32,
}

/// A database of its own inside a cluster.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Database {
    /// Its name, unique in the cluster.
    pub name: String,
    /// The superuser's URL for it: `postgres://postgres:…@127.0.0.1:port/name`.
    pub url: String,
}

impl PostgresCluster {
    /// Starts a cluster, with `wal_level = replica` as on RDS. Fails with the command that installs PostgreSQL when
    /// there is none.
    pub fn start(durability: Durability) -> Result<Self> {
        Self::start_with(durability, &[])
    }

    /// Starts a cluster with further settings of `postgresql.conf`, which take precedence.
    pub fn start_with(durability: Durability, settings: &[(&str, &str)]) -> Result<Self> {
        let installation = Installation::find()?;
        let folder = TemporaryDir::create(&installation.temporary_parent(SOCKET_DIR_MAX)?, "freshet-pg-")?;
        let password = random::hex(16)?;
        installation.hand_over(folder.path())?;
        initialise(&installation, folder.path(), &password)?;

        let mut lines: Vec<String> = vec![
            "listen_addresses = '127.0.0.1'".into(),
            format!("unix_socket_directories = {}", literal(&folder.path().display().to_string())),
            "wal_level = replica".into(),
            // The readiness line below is looked for in English.
            "lc_messages = 'C'".into(),
            "timezone = 'UTC'".into(),
        ];
        for (name, value) in durability.settings().iter().chain(settings) {
            lines.push(format!("{name} = {}", literal(value)));
        }
        let conf = folder.path().join("data/postgresql.auto.conf");
        fs::write(&conf, lines.join("\n") + "\n").map_err(Error::io(format!("write {}", conf.display())))?;
        installation.hand_over(&conf)?;

        let (server, port) = serve(&installation, folder.path())?;
        Ok(Self { server, port, password, installation, folder, databases: AtomicU32::new(0) })
    }

    /// The cluster of this test process, durability off, started by the first caller and gone with the process. Fails
    /// the test when PostgreSQL cannot be started.
    pub fn shared() -> &'static Self {
        static SHARED: OnceLock<PostgresCluster> = OnceLock::new();
        SHARED.get_or_init(|| match Self::start(Durability::Off) {
            Ok(cluster) => cluster,
            Err(error) => panic!("this test needs PostgreSQL: {error}"),
        })
    }

    /// The TCP port on 127.0.0.1.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The folder of the unix socket.
    pub fn socket_dir(&self) -> &Path {
        self.folder.path()
    }

    /// The full path of one of the installation's programs, such as `psql` or `pg_dump`; fails when it has none.
    pub fn program(&self, name: &str) -> Result<PathBuf> {
        self.installation.program(name)
    }

    /// The server's log so far.
    pub fn log(&self) -> String {
        self.server.output()
    }

    /// The superuser's URL for the database `postgres`.
    pub fn superuser_url(&self) -> String {
        self.url(SUPERUSER, &self.password, "postgres")
    }

    /// The superuser's URL for any database.
    pub fn superuser_url_of(&self, database: &str) -> String {
        self.url(SUPERUSER, &self.password, database)
    }

    /// The URL of any login for any database, whether they exist or not.
    pub fn url(&self, login: &str, password: &str, database: &str) -> String {
        let [login, password, database] = [login, password, database].map(percent_encode);
        format!("postgres://{login}:{password}@127.0.0.1:{}/{database}", self.port)
    }

    /// Makes a database and returns the superuser's URL for it.
    pub fn create_database(&self, name: &str) -> Result<String> {
        self.execute("postgres", &format!("CREATE DATABASE {}", quote(name)))?;
        Ok(self.superuser_url_of(name))
    }

    /// Makes a database under a name that no other test of this process has.
    pub fn fresh_database(&self) -> Result<Database> {
        let name = format!("test_{}", self.databases.fetch_add(1, Ordering::Relaxed));
        let url = self.create_database(&name)?;
        Ok(Database { name, url })
    }

    /// Makes a login without any privilege beyond PUBLIC's: no superuser, no bypass of row security.
    pub fn create_role(&self, login: &str, password: &str) -> Result<()> {
        let sql = format!(
            "CREATE ROLE {} LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOBYPASSRLS PASSWORD {}",
            quote(login),
            literal(password)
        );
        self.execute("postgres", &sql)
    }

    /// Runs statements in a database as the superuser. Several are one transaction unless they say otherwise.
    pub fn execute(&self, database: &str, sql: &str) -> Result<()> {
        query::rows(&self.superuser_url_of(database), sql).map(drop)
    }

    /// Runs statements as the superuser and returns the rows of all of them as text, `None` for NULL.
    pub fn query(&self, database: &str, sql: &str) -> Result<Vec<Vec<Option<String>>>> {
        query::rows(&self.superuser_url_of(database), sql)
    }

    /// Runs a query that gives one row of one column, and returns its text.
    pub fn query_value(&self, database: &str, sql: &str) -> Result<Option<String>> {
        match self.query(database, sql)?.as_mut_slice() {
            [row] if row.len() == 1 => Ok(row[0].take()),
            rows => Err(Error::failed("postgres", format!("{} rows instead of one value from: {sql}", rows.len()))),
        }
    }
}

fn initialise(installation: &Installation, folder: &Path, password: &str) -> Result<()> {
    let password_file = folder.join("password");
    fs::write(&password_file, password).map_err(Error::io("write the superuser's password"))?;
    installation.hand_over(&password_file)?;
    let mut command = installation.command("initdb");
    command.arg("--pgdata").arg(folder.join("data")).arg("--pwfile").arg(&password_file).args([
        "--username",
        SUPERUSER,
        "--encoding=UTF8",
        "--no-locale",
        "--auth=scram-sha-256",
        "--no-sync",
    ]);
    let run = Process::spawn(in_folder(command, folder), Input::Empty)?.finish(INITDB_LIMIT)?;
    fs::remove_file(&password_file).map_err(Error::io("remove the superuser's password"))?;
    if run.code() == Some(0) { Ok(()) } else { Err(Error::failed("initdb", run.to_string())) }
}

/// Starts the server on a free port and waits for the line that says it accepts connections.
fn serve(installation: &Installation, folder: &Path) -> Result<(Process, u16)> {
    let mut attempt = 1;
    loop {
        let port = free_port()?;
        let mut command = installation.command("postgres");
        command.arg("-D").arg(folder.join("data")).arg("-p").arg(port.to_string());
        // Quit is the immediate shutdown: nothing is kept, so nothing need be written.
        let server = Process::spawn_with_stop(in_folder(command, folder), Input::Empty, Signal::QUIT)?;
        let ready = |text: &str| text.contains("database system is ready to accept connections");
        match server.wait_for_line(START_LIMIT, |line| ready(&line.text)) {
            Ok(_) => return Ok((server, port)),
            Err(_) if attempt < PORT_ATTEMPTS && server.output().contains("could not bind") => attempt += 1,
            Err(error) => return Err(error),
        }
    }
}

fn in_folder(mut command: Command, folder: &Path) -> Command {
    // The account that runs the server may not read the caller's working directory or know its locale.
    command.current_dir(folder).env("LC_ALL", "C");
    command
}

fn free_port() -> Result<u16> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).map_err(Error::io("find a free loopback port"))?;
    Ok(listener.local_addr().map_err(Error::io("find a free loopback port"))?.port())
}
