//! A city whose trees have a column that tells two files apart, and readers who ask for them all the time: every answer must
//! be one of the two files, complete.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use freshet_tests::postgres::{PostgresCluster, connect};
use tokio::runtime::{Builder, Runtime};
use tokio_postgres::Row;

use crate::support::City;

/// The two files with their rows; the file of generation 1 is published first.
pub(crate) const ROWS: [(i64, i64); 2] = [(1, 300), (2, 400)];

/// Between an answer and the next question: short enough that every reader meets the locks of every publish, long enough
/// that readers wait for locks rather than for each other's turn on the processor.
const BREATH: Duration = Duration::from_millis(2);

/// A city whose trees have a column that tells the two files apart.
pub(crate) fn city_with_generations() -> City {
    let city = City::new();
    city.edit_manifest("      height: numeric\n", "      generation: integer not null\n");
    city.publish("trees.csv", file(ROWS[0]));
    city
}

pub(crate) fn file((generation, rows): (i64, i64)) -> String {
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
pub(crate) struct Seen {
    /// When each question was asked, and how long its answer took.
    pub(crate) answers: Vec<(Instant, Duration)>,
    pub(crate) generations: BTreeMap<i64, usize>,
}

/// Four readers with four ways to ask, two of them through a view, while something happens; the first wrong answer of any
/// of them fails the test. Gives back what happened and what each of them saw.
pub(crate) fn while_read<T>(city: &City, happens: impl FnOnce() -> T) -> (T, [(&'static str, Seen); 4]) {
    city.sql(&format!(
        "SET ROLE {};
         CREATE OR REPLACE VIEW public.oaks AS SELECT id, generation FROM public.trees WHERE species LIKE 'Oak%';
         CREATE OR REPLACE VIEW public.numbered_oaks AS SELECT id, generation FROM public.oaks WHERE id > 0;
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
    thread::scope(|scope| {
        let readers = readers.map(|(relation, asking)| {
            let (url, done) = (&url, &done);
            (relation, scope.spawn(move || runtime().block_on(read(url, relation, asking, done))))
        });
        // Ends the readers also when what happens fails.
        let end = SetOnDrop(&done);
        let happened = happens();
        drop(end);
        (happened, readers.map(|(relation, reader)| (relation, reader.join().unwrap())))
    })
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

pub(crate) fn question(relation: &str) -> String {
    format!("SELECT count(*), min(generation)::int8, max(generation)::int8, sum(id)::int8 FROM {relation}")
}

/// Which of the two files an answer is made of; all of it, and nothing else.
pub(crate) fn generation(row: &Row) -> i64 {
    let [count, least, most, sum] = std::array::from_fn(|column| row.get::<_, Option<i64>>(column));
    let complete = ROWS.iter().find(|(generation, rows)| {
        least == Some(*generation) && most == least && count == Some(*rows) && sum == Some(rows * (rows + 1) / 2)
    });
    complete.unwrap_or_else(|| panic!("{count:?} rows of generations {least:?} to {most:?}")).0
}

/// A runtime of the thread's own.
pub(crate) fn runtime() -> Runtime {
    Builder::new_current_thread().enable_all().build().unwrap()
}
