//! Readers who ask the same questions all the time while something happens to what they read. In: questions, and a judge
//! that tells which state of the data an answer is made of, or that it is of none. Out: what each reader saw and how long
//! it waited for every answer.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use tokio::runtime::Builder;
use tokio_postgres::Row;

use super::connect;
use crate::error::{Error, Result};

/// Between an answer and the next question: short enough that every reader meets the locks of every publish, long enough
/// that readers wait for locks rather than for each other's turn on the processor.
const BREATH: Duration = Duration::from_millis(2);

/// How a reader asks.
#[derive(Debug, Clone, Copy)]
pub enum Asking {
    /// With one statement that was planned before anything happened.
    Prepared,
    /// With a text that is planned each time.
    Anew,
}

/// What a reader asks, again and again.
#[derive(Debug, Clone)]
pub struct Question {
    /// A query of one row.
    pub sql: String,
    /// How.
    pub asking: Asking,
}

/// What one reader saw.
#[derive(Debug, Default)]
pub struct Seen {
    /// When each question was asked, and how long its answer took.
    pub answers: Vec<(Instant, Duration)>,
    /// How many answers were made of each state of the data.
    pub states: BTreeMap<i64, usize>,
}

/// Has one reader for each question ask it while something happens; gives back what happened and what each of them saw.
/// `judge` tells the state that an answer is made of, or why it is made of none.
///
/// # Errors
/// The first answer that is none, or that was judged so.
pub fn while_read<T>(
    url: &str,
    questions: &[Question],
    judge: impl Fn(&Row) -> std::result::Result<i64, String> + Sync,
    happens: impl FnOnce() -> T,
) -> Result<(T, Vec<Seen>)> {
    let done = AtomicBool::new(false);
    thread::scope(|scope| {
        let readers: Vec<_> = questions
            .iter()
            .map(|question| {
                let (judge, done) = (&judge, &done);
                scope.spawn(move || {
                    let runtime = Builder::new_current_thread().enable_all().build();
                    runtime.map_err(Error::io("start a reader"))?.block_on(read(url, question, judge, done))
                })
            })
            .collect();
        // Ends the readers also when what happens fails.
        let end = SetOnDrop(&done);
        let happened = happens();
        drop(end);
        let join = |reader: thread::ScopedJoinHandle<'_, Result<Seen>>| {
            reader.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
        };
        let seen = readers.into_iter().map(join).collect::<Result<_>>()?;
        Ok((happened, seen))
    })
}

/// The longest wait of each reader after each of these moments and before the next, by moment.
pub fn longest_waits(seen: &[Seen], begun: &[Instant]) -> Vec<Vec<Duration>> {
    let longest = |moment: usize| {
        let of = |seen: &Seen| {
            let since = |asked: &Instant| begun.partition_point(|begin| begin <= asked) == moment + 1;
            let waits = seen.answers.iter().filter(|(asked, _)| since(asked)).map(|(_, waited)| *waited);
            waits.max().unwrap_or_default()
        };
        seen.iter().map(of).collect()
    };
    (0..begun.len()).map(longest).collect()
}

struct SetOnDrop<'a>(&'a AtomicBool);

impl Drop for SetOnDrop<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

async fn read(
    url: &str,
    question: &Question,
    judge: &(impl Fn(&Row) -> std::result::Result<i64, String> + Sync),
    done: &AtomicBool,
) -> Result<Seen> {
    let Question { sql, asking } = question;
    let failed = |error: tokio_postgres::Error| Error::failed(sql, format!("{error:?}"));
    let client = connect(url).await?;
    let prepared = client.prepare(sql).await.map_err(failed)?;
    let mut seen = Seen::default();
    while !done.load(Ordering::Relaxed) {
        let asked = Instant::now();
        let answer = match asking {
            Asking::Prepared => client.query_one(&prepared, &[]).await,
            Asking::Anew => client.query_one(sql, &[]).await,
        };
        let waited = asked.elapsed();
        let state = judge(&answer.map_err(failed)?).map_err(|why| Error::failed(sql, why))?;
        *seen.states.entry(state).or_default() += 1;
        seen.answers.push((asked, waited));
        tokio::time::sleep(BREATH).await;
    }
    Ok(seen)
}
