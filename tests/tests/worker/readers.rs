//! What readers notice of a publish: old rows or new rows, complete, and next to no wait.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use freshet_tests::postgres::{PostgresCluster, connect};
use freshet_tests::process::Signal;
use manifest::run::Outcome;
use tokio::runtime::{Builder, Runtime};
use tokio_postgres::{Client, Row};

use crate::support::{City, start, wait_for_fact};

const PUBLISHES: u32 = 50;
/// Rows of the two files; the file of generation 1 is published first.
const ROWS: [(i64, i64); 2] = [(1, 300), (2, 400)];
/// No reader is to wait longer for a publish.
const BAR: Duration = Duration::from_millis(100);
/// Between an answer and the next question: short enough that every reader meets the locks of every publish, long enough
/// that readers wait for locks rather than for each other's turn on the processor.
const BREATH: Duration = Duration::from_millis(2);

/// A city whose trees have a column that tells the two files apart.
fn city_with_generations() -> City {
    let city = City::new();
    city.edit_manifest("      height: numeric\n", "      generation: integer not null\n");
    city.publish("trees.csv", file(ROWS[0]));
    city
}

fn file((generation, rows): (i64, i64)) -> String {
    let mut text = "id,species,planted,generation\n".to_owned();
    for id in 1..=rows {
        writeln!(text, "{id},Oak number {id},01/02/2003,{generation}").unwrap();
    }
    text
}

/// How a reader asks.
#[derive(Clone, Copy)]
enum Asking {
    /// With one statement that was planned before the first publish.
    Prepared,
    /// With a text that is planned each time.
    Anew,
}

/// What one reader saw.
#[derive(Default)]
struct Seen {
    /// When each question was asked, and how long its answer took.
    answers: Vec<(Instant, Duration)>,
    generations: BTreeMap<i64, usize>,
}

#[test]
fn readers_see_old_or_new_rows_complete_and_hardly_wait_for_fifty_publishes() {
    let city = city_with_generations();
    city.load().is(Outcome::Published);
    city.sql(&format!(
        "SET ROLE {};
         CREATE VIEW public.oaks AS SELECT id, generation FROM public.trees WHERE species LIKE 'Oak%';
         CREATE VIEW public.numbered_oaks AS SELECT id, generation FROM public.oaks WHERE id > 0;
         GRANT SELECT ON public.trees, public.oaks, public.numbered_oaks TO {}",
        city.loader, city.reader
    ));
    let readers = [
        ("public.trees", Asking::Prepared),
        ("public.trees", Asking::Anew),
        ("public.oaks", Asking::Prepared),
        ("public.numbered_oaks", Asking::Anew),
    ];
    let url = PostgresCluster::shared().url(&city.reader, "reader", &city.database);
    let done = AtomicBool::new(false);
    let (mut begun, mut locks) = (Vec::new(), Vec::new());
    let seen: Vec<Seen> = thread::scope(|scope| {
        let readers = readers.map(|(relation, asking)| {
            let (url, done) = (&url, &done);
            scope.spawn(move || block_on(read(url, relation, asking, done)))
        });
        // Ends the readers also when a publish fails.
        let _end = SetOnDrop(&done);
        for publish in 1..=PUBLISHES {
            city.publish("trees.csv", file(ROWS[publish as usize % 2]));
            begun.push(Instant::now());
            let record = city.load().is(Outcome::Published).record();
            locks.push(Duration::from_secs_f64(record.publish_ms.unwrap() / 1e3));
        }
        done.store(true, Ordering::Relaxed);
        readers.into_iter().map(|reader| reader.join().unwrap()).collect()
    });

    for ((relation, _), seen) in readers.iter().zip(&seen) {
        let both = seen.generations.len() == 2 && seen.generations.values().all(|count| *count > 0);
        assert!(both, "{relation}: both files were to be seen, not {:?}", seen.generations);
    }
    // The longest wait of each reader during each publish.
    let longest = |publish: usize| {
        let of = |seen: &Seen| {
            let during =
                seen.answers.iter().filter(|(asked, _)| begun.partition_point(|begin| begin <= asked) == publish + 1);
            during.map(|(_, waited)| *waited).max().unwrap_or_default()
        };
        seen.iter().map(of).collect::<Vec<_>>()
    };
    let waits: Vec<Vec<Duration>> = (0..begun.len()).map(longest).collect();
    let worst = sorted(waits.iter().filter_map(|waits| waits.iter().max().copied()));
    let common = sorted(waits.iter().filter_map(|waits| waits.iter().min().copied()));
    let locks = sorted(locks);
    let answers: usize = seen.iter().map(|seen| seen.answers.len()).sum();
    let (median, last) = (begun.len() / 2, begun.len() - 1);
    eprintln!(
        "{PUBLISHES} publishes under {} readers, {answers} answers; longest wait: median {:?}, worst {:?}; \
         that all readers had: median {:?}, worst {:?}; locks held: median {:?}, worst {:?}",
        readers.len(),
        worst[median],
        worst[last],
        common[median],
        common[last],
        locks[median],
        locks[last],
    );
    // The bar holds for every wait on a machine that does nothing else. Tests share theirs with other tests and compilers,
    // and whoever asks thousands of questions there is kept waiting by the scheduler once in a while. But that meets one
    // reader, while locks meet all: what a publish costs is the wait that even the luckiest reader had. And a worker that
    // makes readers wait does so at every publish, not at a few unlucky ones.
    assert!(common[median] < BAR, "{common:?}");
    assert!(locks[median] < BAR, "{locks:?}");
}

fn sorted(durations: impl IntoIterator<Item = Duration>) -> Vec<Duration> {
    let mut durations: Vec<_> = durations.into_iter().collect();
    durations.sort();
    durations
}

struct SetOnDrop<'a>(&'a AtomicBool);

impl Drop for SetOnDrop<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

async fn read(url: &str, relation: &str, asking: Asking, done: &AtomicBool) -> Seen {
    let client = connect(url).await.unwrap();
    let sql = question(relation);
    let prepared = client.prepare(&sql).await.unwrap();
    let mut seen = Seen::default();
    while !done.load(Ordering::Relaxed) {
        let asked = Instant::now();
        let answer = match asking {
            Asking::Prepared => client.query_one(&prepared, &[]).await,
            Asking::Anew => client.query_one(&sql, &[]).await,
        };
        let waited = asked.elapsed();
        let row = answer.unwrap_or_else(|error| panic!("{relation}: {error:?}"));
        *seen.generations.entry(generation(&row)).or_default() += 1;
        seen.answers.push((asked, waited));
        tokio::time::sleep(BREATH).await;
    }
    seen
}

fn question(relation: &str) -> String {
    format!("SELECT count(*), min(generation)::int8, max(generation)::int8, sum(id)::int8 FROM {relation}")
}

/// Which of the two files an answer is made of; all of it, and nothing else.
fn generation(row: &Row) -> i64 {
    let [count, least, most, sum] = std::array::from_fn(|column| row.get::<_, Option<i64>>(column));
    let complete = ROWS.iter().find(|(generation, rows)| {
        least == Some(*generation) && most == least && count == Some(*rows) && sum == Some(rows * (rows + 1) / 2)
    });
    complete.unwrap_or_else(|| panic!("{count:?} rows of generations {least:?} to {most:?}")).0
}

fn block_on<T>(future: impl Future<Output = T>) -> T {
    runtime().block_on(future)
}

fn runtime() -> Runtime {
    Builder::new_current_thread().enable_all().build().unwrap()
}

/// A session of the reader's in a transaction that has its snapshot, and has read `relation` if there is one.
async fn transaction(city: &City, relation: Option<&str>) -> Client {
    let client = connect(&PostgresCluster::shared().url(&city.reader, "reader", &city.database)).await.unwrap();
    client.batch_execute("BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT count(*) FROM pg_class").await.unwrap();
    if let Some(relation) = relation {
        client.query_one(&question(relation), &[]).await.unwrap();
    }
    client
}

#[test]
fn a_snapshot_from_before_the_publish_that_comes_later_sees_all_new_rows() {
    let city = city_with_generations();
    city.load().is(Outcome::Published);
    city.sql(&format!(
        "CREATE VIEW public.oaks AS SELECT id, generation FROM public.trees;
         ALTER VIEW public.oaks OWNER TO {};
         GRANT SELECT ON public.trees, public.oaks TO {}",
        city.loader, city.reader
    ));
    let runtime = runtime();
    for relation in ["public.trees", "public.oaks"] {
        city.publish("trees.csv", file(ROWS[0]));
        city.load().run.expect_code(0);
        let early = runtime.block_on(transaction(&city, None));
        city.publish("trees.csv", file(ROWS[1]));
        city.load().is(Outcome::Published);
        let row = runtime.block_on(early.query_one(&question(relation), &[])).unwrap();
        assert_eq!(generation(&row), 2, "{relation}");
    }
}

#[test]
fn a_transaction_that_has_read_the_table_is_named_and_waited_for_and_keeps_its_rows() {
    let city = city_with_generations();
    city.load().is(Outcome::Published);
    city.sql(&format!("GRANT SELECT ON public.trees TO {}", city.reader));
    let runtime = runtime();
    let reading = runtime.block_on(transaction(&city, Some("public.trees")));
    city.publish("trees.csv", file(ROWS[1]));
    let loading = start(&city.call(&["trees"]));
    wait_for_fact(&loading, "blocked");
    let row = runtime.block_on(reading.query_one(&question("public.trees"), &[])).unwrap();
    assert_eq!(generation(&row), 1);
    runtime.block_on(reading.batch_execute("COMMIT")).unwrap();
    let finished = city.finish(loading);
    finished.is(Outcome::Published);
    let blocked = finished.facts.iter().filter(|fact| fact["event"] == "blocked");
    let named = blocked.filter_map(|fact| fact["by"].as_str()).any(|by| by.contains(&city.reader));
    assert!(named, "nobody is named\n{}", finished.run);
    let row = runtime.block_on(reading.query_one(&question("public.trees"), &[])).unwrap();
    assert_eq!(generation(&row), 2);
}

#[test]
fn a_run_that_is_asked_to_stop_while_it_publishes_publishes_if_it_can() {
    let city = city_with_generations();
    city.load().is(Outcome::Published);
    city.sql(&format!("GRANT SELECT ON public.trees TO {}", city.reader));
    let runtime = runtime();
    let reading = runtime.block_on(transaction(&city, Some("public.trees")));
    city.publish("trees.csv", file(ROWS[1]));
    let loading = start(&city.call(&["trees"]));
    wait_for_fact(&loading, "blocked");
    loading.signal(Signal::TERM);
    runtime.block_on(reading.batch_execute("COMMIT")).unwrap();
    city.finish(loading).is(Outcome::Published);
    assert_eq!(city.value("SELECT min(generation) FROM public.trees"), "2");
}
