//! Every dataset of New York City from its sample, one after the other: what a load takes beside its rows, of which there are next to none.

use std::time::{Duration, Instant};

use freshet_tests::binaries;
use freshet_tests::postgres::{Durability, PostgresCluster};
use manifest::DatasetName;
use manifest::run::{RUN_EVENT, RunRecord};

use super::Outcome;
use crate::command::{root, say};

/// The place whose samples are loaded.
const PLACE: &str = "datasets/nyc";

/// Of so many loads it is told what each took.
const SLOWEST: usize = 5;

pub(super) fn measure(profile: &str) -> Outcome {
    let cluster = PostgresCluster::start(Durability::Full)?;
    let database = cluster.fresh_database()?;
    let sql = "DO $$ BEGIN
                   IF EXISTS (SELECT FROM pg_available_extensions WHERE name = 'postgis') THEN CREATE EXTENSION postgis; END IF;
               END $$";
    cluster.execute(&database.name, sql)?;
    let begun = Instant::now();
    let (mut took, mut rows, mut tables) = (Vec::new(), 0, 0);
    for name in in_order()? {
        let run = binaries::in_profile(profile, "worker")?
            .call(["load", name.as_str(), "--partial", "--from", &format!("{PLACE}/samples")])
            .current_dir(root())
            .env("DATABASE_URL", format!("{}?sslmode=disable", database.url))
            .limit(Duration::from_mins(5))
            .run()?;
        if run.code() != Some(0) {
            return Err(format!("{name} failed:\n{run}").into());
        }
        let mut records = run.stdout.lines().filter_map(|line| serde_json::from_str::<RunRecord>(line).ok());
        let record = records.rfind(|record| record.event == RUN_EVENT).ok_or("a run left no record")?;
        rows += record.rows;
        tables += record.tables.len();
        took.push((run.elapsed, name));
    }
    let (all, datasets) = (begun.elapsed(), took.len());
    took.sort();
    let each = all.as_millis() / datasets.max(1) as u128;
    say(&format!(
        "{datasets} datasets, {tables} tables, {rows} rows of samples: {:.1} s, {each} ms each",
        all.as_secs_f64()
    ));
    for (elapsed, name) in took.iter().rev().take(SLOWEST) {
        say(&format!("  {:>5} ms  {name}", elapsed.as_millis()));
    }
    Ok(())
}

/// The datasets of the place, those that others are made of first.
fn in_order() -> Result<Vec<DatasetName>, Box<dyn std::error::Error>> {
    let mut names = Vec::new();
    let place = root().join(PLACE);
    for (name, path) in manifest::list_datasets(&root()) {
        if path.starts_with(&place) {
            let dataset = manifest::load_dataset(&path).map_err(|wrong| format!("{name}: {wrong:?}"))?;
            names.push((!dataset.depends_on.is_empty(), dataset.dataset));
        }
    }
    names.sort();
    Ok(names.into_iter().map(|(_, name)| name).collect())
}
