//! What an upsert of which one row in a hundred has changed writes, beside a blind `INSERT … ON CONFLICT DO UPDATE` of the
//! same rows: WAL from a checkpoint to the end, time, and the size of the table afterwards. The changed rows are spread
//! evenly, so that as many pages as can be are touched.

use std::fs;
use std::io::{BufRead, BufReader, BufWriter, Write};
use std::path::Path;
use std::time::{Duration, Instant};

use freshet_tests::binaries::{self, Invocation};
use freshet_tests::postgres::{Database, Durability, PostgresCluster};
use freshet_tests::process::Run;
use freshet_tests::violations;
use manifest::Identifier;

use super::Outcome;
use crate::command::{root, say};

const DATASET: &str = "hpd_violations";

/// One row in so many has changed.
const CHANGED: usize = 100;

/// The most WAL that the upsert may write of what the other does.
const BAR: f64 = 0.2;

/// No checkpoint and no vacuum of the server's own comes in between.
const SETTINGS: [(&str, &str); 3] = [("max_wal_size", "20GB"), ("checkpoint_timeout", "1h"), ("autovacuum", "off")];

struct Measured {
    wal: f64,
    elapsed: Duration,
    size: f64,
}

pub(super) fn measure(rows: u64) -> Outcome {
    say(&format!("upsert of {rows} rows of {} columns, one in {CHANGED} changed", violations::COLUMNS));
    let cluster = PostgresCluster::start_with(Durability::Full, &SETTINGS)?;
    let stage = Stage::new(rows)?;
    let (ours, theirs) = (cluster.fresh_database()?, cluster.fresh_database()?);
    for database in [&ours, &theirs] {
        stage.load(&database.url, "before")?;
    }
    let freshet = of(&cluster, &ours, || stage.load(&ours.url, "after"))?;
    stage.copy(&cluster, &theirs)?;
    let blind = stage.blind();
    let blind = of(&cluster, &theirs, || Ok(cluster.execute(&theirs.name, &blind)?))?;
    let differing = format!(
        "SELECT count(*) FROM public.{DATASET} WHERE novtype = 'Reissued' HAVING count(*) = {}",
        rows.div_ceil(CHANGED as u64)
    );
    for database in [&ours, &theirs] {
        if cluster.query_value(&database.name, &differing)?.is_none() {
            return Err("the changed rows are not live".into());
        }
    }
    for (name, one) in [("freshet", &freshet), ("blind ON CONFLICT", &blind)] {
        let seconds = one.elapsed.as_secs_f64();
        say(&format!(
            "{name:<18} {:>7.0} MB of WAL, {seconds:>6.1} s, table and indexes then {:>6.0} MB",
            one.wal, one.size
        ));
    }
    let ratio = freshet.wal / blind.wal;
    say(&format!("our WAL over theirs: {ratio:.3}; at most {BAR} is the aim"));
    if ratio > BAR { Err(format!("an upsert wrote {ratio:.3} of the WAL of a blind one").into()) } else { Ok(()) }
}

/// Checkpoint, work, and what it took.
fn of<T>(
    cluster: &PostgresCluster,
    database: &Database,
    work: impl FnOnce() -> Result<T, Box<dyn std::error::Error>>,
) -> Result<Measured, Box<dyn std::error::Error>> {
    let value = |sql: &str| -> Result<String, Box<dyn std::error::Error>> {
        Ok(cluster.query_value(&database.name, sql)?.unwrap_or_default())
    };
    cluster.execute(&database.name, "CHECKPOINT")?;
    let before = value("SELECT pg_current_wal_lsn()")?;
    let began = Instant::now();
    work()?;
    let elapsed = began.elapsed();
    let wal = value(&format!("SELECT pg_wal_lsn_diff(pg_current_wal_lsn(), '{before}') / 1e6"))?.parse()?;
    let size = value(&format!("SELECT pg_total_relation_size('public.{DATASET}') / 1e6"))?.parse()?;
    Ok(Measured { wal, elapsed, size })
}

/// A project with the dataset as an upsert, and its file before and after.
struct Stage {
    folder: tempfile::TempDir,
    columns: Vec<Identifier>,
    key: Identifier,
}

impl Stage {
    fn new(rows: u64) -> Result<Self, Box<dyn std::error::Error>> {
        let folder = tempfile::tempdir()?;
        fs::create_dir(folder.path().join("datasets"))?;
        let manifest = fs::read_to_string(root().join(format!("datasets/nyc/{DATASET}.yml")))?;
        let key = "primary_key: violationid";
        let upsert = manifest.replace(key, &format!("{key}\n    load: {{upsert: violationid}}"));
        let path = folder.path().join(format!("datasets/{DATASET}.yml"));
        fs::write(&path, upsert)?;
        let dataset = manifest::load_dataset(&path).map_err(|findings| format!("{findings:?}"))?;
        let table = dataset.tables.first().ok_or("the dataset has no table")?;
        let [before, after] = ["before", "after"].map(|name| folder.path().join(name));
        for folder in [&before, &after] {
            fs::create_dir(folder)?;
        }
        let file = format!("{DATASET}.csv");
        let mut out = BufWriter::with_capacity(1 << 20, fs::File::create(before.join(&file))?);
        violations::write(&mut out, rows, 1)?;
        out.flush()?;
        change(&before.join(&file), &after.join(&file))?;
        let columns = table.columns.iter().map(|column| column.name.clone()).collect();
        Ok(Self { folder, columns, key: "violationid".parse()? })
    }

    fn load(&self, url: &str, from: &str) -> Result<Run, Box<dyn std::error::Error>> {
        let run = binaries::in_profile("release", "worker")?
            .call(["load", DATASET, "--from", from])
            .current_dir(self.folder.path())
            .env("DATABASE_URL", format!("{url}?sslmode=disable"))
            .limit(Duration::from_mins(20))
            .run()?;
        if run.code() == Some(0) { Ok(run) } else { Err(format!("the worker failed:\n{run}").into()) }
    }

    /// The changed file into an unlogged table, as others who upsert do.
    fn copy(&self, cluster: &PostgresCluster, database: &Database) -> Outcome {
        let file = self.folder.path().join("after").join(format!("{DATASET}.csv"));
        let script = format!(
            "SET datestyle = 'ISO, MDY';\nCREATE UNLOGGED TABLE staged (LIKE public.{DATASET});\n\
             \\copy staged ({}) FROM '{}' WITH (FORMAT csv, HEADER)\nANALYZE staged;\n",
            violations::HEADER.to_ascii_lowercase(),
            file.display()
        );
        let run = Invocation::of(cluster.program("psql")?)
            .args(["--no-psqlrc", "--quiet", "--set", "ON_ERROR_STOP=1", &database.url])
            .stdin(script)
            .limit(Duration::from_mins(20))
            .run()?;
        if run.code() == Some(0) { Ok(()) } else { Err(format!("psql failed:\n{run}").into()) }
    }

    fn blind(&self) -> String {
        let names: Vec<&str> = self.columns.iter().map(Identifier::as_str).collect();
        let others: Vec<&str> = names.iter().copied().filter(|name| *name != self.key.as_str()).collect();
        let excluded: Vec<String> = others.iter().map(|name| format!("excluded.{name}")).collect();
        format!(
            "INSERT INTO public.{DATASET} ({0}) SELECT {0} FROM staged ON CONFLICT ({1}) DO UPDATE SET ({2}) = ({3})",
            names.join(", "),
            self.key,
            others.join(", "),
            excluded.join(", ")
        )
    }
}

/// The same file with another value in one row of every hundred.
fn change(before: &Path, after: &Path) -> std::io::Result<()> {
    let mut out = BufWriter::with_capacity(1 << 20, fs::File::create(after)?);
    for (number, line) in BufReader::with_capacity(1 << 20, fs::File::open(before)?).lines().enumerate() {
        let line = line?;
        // The first line is the header.
        if number % CHANGED == 1 {
            writeln!(out, "{}", line.replace(",Original,", ",Reissued,"))?;
        } else {
            writeln!(out, "{line}")?;
        }
    }
    out.flush()
}
