//! How long readers wait while tables are published: every answer must be one of two files, complete, and the longest wait
//! for one is what is quoted. Four readers ask without pause, two of them through views, one before each publish with a
//! snapshot that is older than it.

use std::fmt::Write as _;
use std::fs;
use std::thread;
use std::time::{Duration, Instant};

use freshet_tests::binaries::{self, Invocation};
use freshet_tests::postgres::readers::{Asking, Question, longest_waits, while_read};
use freshet_tests::postgres::{Database, Durability, PostgresCluster, connect};
use tokio::runtime::Builder;
use tokio_postgres::Row;

use super::Outcome;
use crate::command::say;

/// Rows of each table, by generation.
const ROWS: [i64; 2] = [20_000, 25_000];

/// Publishes that are measured.
const PUBLISHES: usize = 50;

/// How long a reader in the way keeps its transaction open.
const IN_THE_WAY: Duration = Duration::from_secs(5);

pub(super) fn measure() -> Outcome {
    let cluster = PostgresCluster::start(Durability::Full)?;
    say("readers during publishes: four ask without pause, two of them through views, and one with an older snapshot");
    Stage::new(&cluster, 1)?.publish("one table", PUBLISHES)?;
    Stage::new(&cluster, 14)?.publish("14 tables at once", PUBLISHES / 2)?;
    Stage::new(&cluster, 1)?.publish_past_a_reader()?;
    Ok(())
}

/// A dataset of some tables in two generations, live, with views.
struct Stage {
    database: Database,
    project: tempfile::TempDir,
}

impl Stage {
    fn new(cluster: &PostgresCluster, tables: usize) -> Result<Self, Box<dyn std::error::Error>> {
        let stage = Self { database: cluster.fresh_database()?, project: tempfile::tempdir()? };
        let folder = stage.project.path();
        fs::create_dir(folder.join("datasets"))?;
        let mut manifest = "dataset: lots\ntitle: Lots\npublisher: Bench\ntables:\n".to_owned();
        for table in 1..=tables {
            writeln!(
                manifest,
                "  lots_{table}:\n    sources: [{{url: \"https://example.org/{table}.csv\", file: {table}.csv}}]\n    \
                 columns: {{id: integer not null, owner: text, generation: integer not null}}\n    primary_key: id\n    \
                 indexes: [owner]"
            )?;
        }
        fs::write(folder.join("datasets/lots.yml"), manifest)?;
        for (generation, rows) in ROWS.iter().enumerate() {
            let sources = folder.join(generation.to_string());
            fs::create_dir(&sources)?;
            let mut file = "id,owner,generation\n".to_owned();
            for id in 1..=*rows {
                writeln!(file, "{id},Owner of lot {id},{generation}")?;
            }
            for table in 1..=tables {
                fs::write(sources.join(format!("{table}.csv")), &file)?;
            }
        }
        stage.load(0)?;
        cluster.execute(
            &stage.database.name,
            "CREATE VIEW public.owned AS SELECT id, generation FROM public.lots_1 WHERE owner LIKE 'Owner%';
             CREATE VIEW public.numbered AS SELECT id, generation FROM public.owned WHERE id > 0",
        )?;
        Ok(stage)
    }

    fn call(&self, generation: usize) -> Result<Invocation, Box<dyn std::error::Error>> {
        Ok(binaries::in_profile("release", "worker")?
            .call(["load", "lots", "--force", "--from"])
            .args([self.project.path().join(generation.to_string())])
            .current_dir(self.project.path())
            .env("DATABASE_URL", format!("{}?sslmode=disable", self.database.url)))
    }

    /// Publishes one of the generations; returns how long locks were held.
    fn load(&self, generation: usize) -> Result<Duration, Box<dyn std::error::Error>> {
        let run = self.call(generation)?.run()?;
        if run.code() != Some(0) {
            return Err(format!("the load failed:\n{run}").into());
        }
        let record: manifest::run::RunRecord = serde_json::from_str(&run.stdout)?;
        Ok(Duration::from_secs_f64(record.publish_ms.unwrap_or_default() / 1e3))
    }

    fn publish(&self, what: &str, publishes: usize) -> Outcome {
        let mut begun = Vec::new();
        let mut locked = Vec::new();
        let old_snapshots = Builder::new_current_thread().enable_all().build()?;
        let publishing = || {
            for publish in 1..=publishes {
                let generation = publish % 2;
                let early = old_snapshots.block_on(snapshot(&self.database.url))?;
                begun.push(Instant::now());
                locked.push(self.load(generation)?);
                let row = old_snapshots.block_on(early.query_one(&question("public.lots_1"), &[]))?;
                if judge(&row)? != i64::try_from(generation)? {
                    return Err(format!("an older snapshot saw {row:?}").into());
                }
            }
            Ok::<_, Box<dyn std::error::Error>>(())
        };
        let (ended, seen) = while_read(&self.database.url, &questions(), judge, publishing)?;
        ended?;
        let worst = |waits: &Vec<Duration>| waits.iter().max().copied().unwrap_or_default();
        let mut waits: Vec<Duration> = longest_waits(&seen, &begun).iter().map(worst).collect();
        waits.sort();
        locked.sort();
        let answers: usize = seen.iter().map(|seen| seen.answers.len()).sum();
        say(&format!(
            "{what}: {publishes} publishes, {answers} answers, none wrong; longest wait {} in the middle, {} at worst; locks \
             {} in the middle, {} at worst",
            ms(waits.get(publishes / 2)),
            ms(waits.last()),
            ms(locked.get(publishes / 2)),
            ms(locked.last()),
        ));
        Ok(())
    }

    /// One publish while a transaction that has read the table stays open.
    fn publish_past_a_reader(&self) -> Outcome {
        let holding = Builder::new_current_thread().enable_all().build()?;
        let reader = holding.block_on(snapshot(&self.database.url))?;
        holding.block_on(reader.query_one(&question("public.lots_1"), &[]))?;
        let begun = Instant::now();
        let publishing = || {
            thread::scope(|scope| {
                let loading = scope.spawn(|| self.load(1).map_err(|error| error.to_string()));
                thread::sleep(IN_THE_WAY);
                let ended = holding.block_on(reader.batch_execute("COMMIT")).map_err(|error| error.to_string());
                let loaded = loading.join().unwrap_or_else(|_| Err("the load panicked".to_owned()));
                ended.and(loaded)
            })
        };
        let (ended, seen) = while_read(&self.database.url, &questions(), judge, publishing)?;
        ended?;
        let worst = longest_waits(&seen, &[begun]).into_iter().flatten().max();
        say(&format!(
            "a reader in the way for {} s: the others waited {} at worst",
            IN_THE_WAY.as_secs(),
            ms(worst.as_ref())
        ));
        Ok(())
    }
}

fn ms(duration: Option<&Duration>) -> String {
    format!("{:.1} ms", duration.copied().unwrap_or_default().as_secs_f64() * 1e3)
}

fn questions() -> [Question; 4] {
    let ask = |relation: &str, asking| Question { sql: question(relation), asking };
    [
        ask("public.lots_1", Asking::Prepared),
        ask("public.lots_1", Asking::Anew),
        ask("public.owned", Asking::Prepared),
        ask("public.numbered", Asking::Anew),
    ]
}

/// Reads by the key, as an application does; a wait is then a wait for locks and not for rows.
fn question(relation: &str) -> String {
    format!(
        "SELECT min(generation)::int8, max(generation)::int8, count(*)
         FROM {relation} WHERE id IN (1, 20000, 20001, 25000)"
    )
}

/// The first generation has the first two of those ids, the second all four.
fn judge(row: &Row) -> Result<i64, String> {
    let [least, most, count] = std::array::from_fn(|column| row.get::<_, Option<i64>>(column));
    match (least, most, count) {
        (Some(0), Some(0), Some(2)) => Ok(0),
        (Some(1), Some(1), Some(4)) => Ok(1),
        mixed => Err(format!("neither of the two files: {mixed:?}")),
    }
}

/// A transaction whose snapshot is taken now.
async fn snapshot(url: &str) -> Result<tokio_postgres::Client, Box<dyn std::error::Error>> {
    let client = connect(url).await?;
    client.batch_execute("BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT count(*) FROM pg_class").await?;
    Ok(client)
}
