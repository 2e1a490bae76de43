//! A whole `worker load` beside `psql \copy` and the same keys, indexes and `ANALYZE`.
//!
//! Both load the same file into a fresh database of the same cluster, in turn, in an order that alternates, so that what
//! else the machine is doing meets both alike. What is quoted is the ratio of the medians.

use std::fs;
use std::path::Path;
use std::time::Duration;

use freshet_tests::binaries;
use freshet_tests::postgres::{Durability, PostgresCluster};
use freshet_tests::process::Run;
use manifest::dataset::Table;

use super::sample::Sample;
use super::{Outcome, psql};
use crate::command::{root, say};

#[derive(Clone, Copy, PartialEq, Eq)]
enum Loader {
    Freshet,
    Psql,
}

struct Measured {
    loader: Loader,
    elapsed: Duration,
    memory: u64,
}

pub(super) fn measure(rows: u64, rounds: u32) -> Outcome {
    let cluster = PostgresCluster::start(Durability::Full)?;
    for sample in Sample::ALL {
        measure_one(&cluster, sample, rows, rounds)?;
        say("");
    }
    Ok(())
}

fn measure_one(cluster: &PostgresCluster, sample: Sample, rows: u64, rounds: u32) -> Outcome {
    let (_, table) = sample.read()?;
    let header = sample.header()?;
    let folder = tempfile::tempdir()?;
    let file = folder.path().join(sample.file());
    sample.write(&file, &table, rows)?;
    let (name, bytes) = (&table.name, fs::metadata(&file)?.len() / 1_000_000);
    let columns = header.split(',').count();
    say(&format!("{name}, {}: {rows} rows, {columns} columns, {bytes} MB; {rounds} rounds", sample.describe()));

    let mut all = Vec::new();
    for round in 0..rounds {
        let mut order = [Loader::Freshet, Loader::Psql];
        if round % 2 == 1 {
            order.reverse();
        }
        for loader in order {
            let database = cluster.fresh_database()?;
            let run = match loader {
                Loader::Freshet => freshet(&database.url, sample, folder.path())?,
                Loader::Psql => psql::load(cluster, &database, &table, &header, &file)?,
            };
            if run.code() != Some(0) {
                return Err(format!("{} failed:\n{run}", loader.name()).into());
            }
            check(cluster, &database.name, &table, rows)?;
            let memory = run.peak_memory.unwrap_or_default();
            say(&format!(
                "round {}: {:<8} {:>7.2} s  {:>5} MiB",
                round + 1,
                loader.name(),
                run.elapsed.as_secs_f64(),
                memory >> 20
            ));
            all.push(Measured { loader, elapsed: run.elapsed, memory });
            cluster.execute("postgres", &format!("DROP DATABASE {}", database.name))?;
        }
    }
    tell(&all, rows);
    Ok(())
}

/// The whole run: process start, ledger, load, indexes, statistics, publish.
fn freshet(url: &str, sample: Sample, folder: &Path) -> freshet_tests::Result<Run> {
    binaries::in_profile("release", "worker")?
        .call(["load", sample.dataset(), "--partial", "--from"])
        .args([folder])
        .current_dir(root())
        .env("DATABASE_URL", format!("{url}?sslmode=disable"))
        .limit(Duration::from_mins(10))
        .run()
}

fn check(cluster: &PostgresCluster, database: &str, table: &Table, rows: u64) -> Outcome {
    let name = &table.name;
    let counted = cluster.query_value(database, &format!("SELECT count(*) FROM public.{name}"))?;
    let indexes =
        cluster.query_value(database, &format!("SELECT count(*) FROM pg_indexes WHERE tablename = '{name}'"))?;
    let expected = table.indexes.len() + usize::from(!table.primary_key.is_empty());
    if counted.as_deref() == Some(&rows.to_string()) && indexes.as_deref() == Some(&expected.to_string()) {
        return Ok(());
    }
    Err(format!("{counted:?} rows and {indexes:?} indexes instead of {rows} and {expected}").into())
}

fn tell(all: &[Measured], rows: u64) {
    let median = |loader: Loader| {
        let mut seconds: Vec<f64> =
            all.iter().filter(|one| one.loader == loader).map(|one| one.elapsed.as_secs_f64()).collect();
        seconds.sort_by(f64::total_cmp);
        seconds.get(seconds.len() / 2).copied().unwrap_or_default()
    };
    let memory =
        |loader: Loader| all.iter().filter(|one| one.loader == loader).map(|one| one.memory).max().unwrap_or(0);
    let (ours, theirs) = (median(Loader::Freshet), median(Loader::Psql));
    #[expect(clippy::cast_precision_loss, reason = "a rate for a person")]
    let rate = |seconds: f64| rows as f64 / seconds.max(0.001);
    say("");
    for (loader, seconds) in [(Loader::Freshet, ours), (Loader::Psql, theirs)] {
        say(&format!(
            "{:<8} median {seconds:>6.2} s, {:>8.0} rows/s, at most {} MiB",
            loader.name(),
            rate(seconds),
            memory(loader) >> 20
        ));
    }
    say(&format!("psql's time over ours: {:.2}", theirs / ours.max(0.001)));
}

impl Loader {
    fn name(self) -> &'static str {
        match self {
            Self::Freshet => "freshet",
            Self::Psql => "psql",
        }
    }
}
