//! A database with a loader who is no superuser, the worker's binary, and what was found when it had run.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::time::Duration;

use freshet_tests::binaries;
use freshet_tests::postgres::{PostgresCluster, quote};
use freshet_tests::process::Run;
use manifest::run::{RUN_EVENT, RunRecord};
use manifest::{Dataset, DatasetName};

use crate::expected::{Expected, ExpectedTable, ExpectedValue};

const PASSWORD: &str = "loader";

/// A run of a sample takes a moment; a machine that is busy with other things may need many of them.
const LONG: Duration = Duration::from_mins(2);

/// A database, and the login that loads it.
pub(crate) struct Desk {
    database: String,
    loader: String,
}

/// A transaction that is open.
pub(crate) struct Reader {
    _client: tokio_postgres::Client,
    _runtime: tokio::runtime::Runtime,
}

/// A dataset of this repository.
pub(crate) struct Known {
    pub(crate) name: DatasetName,
    pub(crate) path: PathBuf,
    pub(crate) dataset: Dataset,
}

/// This repository.
pub(crate) fn repository() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))
}

/// Every dataset of this repository, those that others are made of first.
pub(crate) fn all() -> Vec<Known> {
    let root = repository();
    let mut all: Vec<_> =
        manifest::list_datasets(root).into_iter().map(|(_, path)| Known::at(&root.join(path))).collect();
    assert!(!all.is_empty(), "there are no datasets under {}", root.display());
    all.sort_by_key(|known| !known.dataset.depends_on.is_empty());
    all
}

impl Known {
    /// What a manifest declares.
    pub(crate) fn at(path: &Path) -> Self {
        let dataset =
            manifest::load_dataset(path).unwrap_or_else(|findings| panic!("{}: {findings:?}", path.display()));
        Self { name: dataset.dataset.clone(), path: path.to_owned(), dataset }
    }

    /// The folder of its place's samples.
    pub(crate) fn samples(&self) -> PathBuf {
        self.path.parent().unwrap().join("samples")
    }

    /// Whether all that it is made of can be loaded.
    pub(crate) fn stands_on(&self, all: &[Self]) -> bool {
        let is_served = |name: &DatasetName| all.iter().any(|other| other.name == *name && other.unserved().is_empty());
        self.dataset.depends_on.iter().all(is_served)
    }

    /// What of it the worker of this version refuses, by name.
    pub(crate) fn unserved(&self) -> BTreeSet<String> {
        use manifest::served::{Origins, unserved_of_table, unserved_of_whole};
        let tables = self.dataset.tables.iter().flat_map(|table| unserved_of_table(table, Origins::Replaced));
        unserved_of_whole(&self.dataset).into_iter().chain(tables).collect()
    }
}

impl Desk {
    /// An empty database; with PostGIS where the machine has it.
    pub(crate) fn new() -> Self {
        let cluster = PostgresCluster::shared();
        let database = cluster.fresh_database().unwrap().name;
        let loader = format!("loader_{database}");
        cluster.create_role(&loader, PASSWORD).unwrap();
        let grants = format!(
            "GRANT CREATE ON DATABASE {database} TO {loader}; GRANT USAGE, CREATE ON SCHEMA public TO {loader};
             DO $$ BEGIN
                 IF EXISTS (SELECT FROM pg_available_extensions WHERE name = 'postgis') THEN CREATE EXTENSION postgis; END IF;
             END $$"
        );
        cluster.execute(&database, &grants).unwrap();
        Self { database, loader }
    }

    /// `worker load` of a dataset from a folder that has some of its files.
    pub(crate) fn load(&self, known: &Known, folder: &Path, more: &[&str]) -> Run {
        let call = binaries::worker().unwrap().call([Path::new("load"), &known.path, Path::new("--from"), folder]);
        let call = call.args(["--partial"]).args(more).env("DATABASE_URL", self.url());
        call.limit(LONG).run().unwrap()
    }

    /// `worker load` of a dataset from where its manifest says that it is.
    pub(crate) fn load_from_publisher(&self, known: &Known, environment: &[(&str, &str)]) -> Run {
        let call = binaries::worker().unwrap().call([Path::new("load"), &known.path]);
        let call = environment.iter().fold(call, |call, (name, value)| call.env(*name, *value));
        call.env("DATABASE_URL", self.url()).limit(LONG).run().unwrap()
    }

    fn url(&self) -> String {
        format!("{}?sslmode=disable", PostgresCluster::shared().url(&self.loader, PASSWORD, &self.database))
    }

    /// The one value of a query; nothing where it is NULL.
    pub(crate) fn value(&self, sql: &str) -> String {
        PostgresCluster::shared().query_value(&self.database, sql).unwrap().unwrap_or_default()
    }

    /// Somebody who has begun a transaction, made this query in it, and ends it when dropped.
    pub(crate) fn reader(&self, sql: &str) -> Reader {
        let runtime = tokio::runtime::Runtime::new().unwrap();
        let url = PostgresCluster::shared().superuser_url_of(&self.database);
        let client = runtime.block_on(async {
            let (client, connection) = tokio_postgres::connect(&url, tokio_postgres::NoTls).await.unwrap();
            tokio::spawn(connection);
            client.batch_execute(&format!("BEGIN; {sql}")).await.unwrap();
            client
        });
        Reader { _client: client, _runtime: runtime }
    }

    /// The rows of a table, in an order that does not depend on how they lie.
    pub(crate) fn rows(&self, known: &Known, table: &str) -> Vec<String> {
        let table = format!("{}.{}", quote(known.dataset.schema.as_str()), quote(table));
        let sql = format!("SELECT t::text FROM {table} t ORDER BY t::text COLLATE \"C\"");
        let rows = PostgresCluster::shared().query(&self.database, &sql).unwrap();
        rows.into_iter().map(|mut row| row[0].take().unwrap_or_default()).collect()
    }

    /// The columns of a live table.
    pub(crate) fn columns(&self, known: &Known, table: &str) -> BTreeSet<String> {
        let schema = known.dataset.schema.as_str();
        let sql = format!(
            "SELECT column_name FROM information_schema.columns WHERE table_schema = '{schema}' AND table_name = '{table}'"
        );
        let rows = PostgresCluster::shared().query(&self.database, &sql).unwrap();
        rows.into_iter().filter_map(|mut row| row[0].take()).collect()
    }

    /// Compares what is live with what was expected.
    pub(crate) fn assert_as(&self, known: &Known, expected: &Expected) {
        for (table, ExpectedTable { rows, values }) in &expected.tables {
            assert_eq!(self.rows(known, table).len() as u64, *rows, "{}: rows of {table}", known.name);
            for ExpectedValue { r#where, column, text } in values {
                let from = format!("{}.{}", quote(known.dataset.schema.as_str()), quote(table));
                let sql = format!("SELECT {}::text FROM {from} WHERE {where}", quote(column));
                let found = PostgresCluster::shared().query(&self.database, &sql).unwrap();
                assert_eq!(found, [vec![text.clone()]], "{}: {table}.{column} where {where}", known.name);
            }
        }
    }
}

/// The record that a run leaves.
#[track_caller]
pub(crate) fn record(run: &Run) -> RunRecord {
    let mut records = run.lines.iter().filter_map(|line| serde_json::from_str::<RunRecord>(&line.text).ok());
    records.rfind(|record| record.event == RUN_EVENT).unwrap_or_else(|| panic!("no record was left\n{run}"))
}
