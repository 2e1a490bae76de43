//! A city whose trees have a column that tells two files apart, and readers who ask for them all the time: every answer must
//! be one of the two files, complete.

use std::fmt::Write as _;

use freshet_tests::postgres::PostgresCluster;
use freshet_tests::postgres::readers::{self, Asking, Question, Seen};
use tokio::runtime::{Builder, Runtime};
use tokio_postgres::Row;

use crate::support::City;

/// The two files with their rows; the file of generation 1 is published first.
pub(crate) const ROWS: [(i64, i64); 2] = [(1, 300), (2, 400)];

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

/// Four readers with four ways to ask, two of them through a view, while something happens; the first wrong answer of any
/// of them fails the test. Gives back what happened and what each of them saw.
#[track_caller]
pub(crate) fn while_read<T>(city: &City, happens: impl FnOnce() -> T) -> (T, Vec<Seen>) {
    city.sql(&format!(
        "SET ROLE {};
         CREATE OR REPLACE VIEW public.oaks AS SELECT id, generation FROM public.trees WHERE species LIKE 'Oak%';
         CREATE OR REPLACE VIEW public.numbered_oaks AS SELECT id, generation FROM public.oaks WHERE id > 0;
         GRANT SELECT ON public.trees, public.oaks, public.numbered_oaks TO {}",
        city.loader, city.reader
    ));
    let questions = [
        ("public.trees", Asking::Prepared),
        ("public.trees", Asking::Anew),
        ("public.oaks", Asking::Prepared),
        ("public.numbered_oaks", Asking::Anew),
    ]
    .map(|(relation, asking)| Question { sql: question(relation), asking });
    let url = PostgresCluster::shared().url(&city.reader, "reader", &city.database);
    readers::while_read(&url, &questions, judge, happens).unwrap()
}

pub(crate) fn question(relation: &str) -> String {
    format!("SELECT count(*), min(generation)::int8, max(generation)::int8, sum(id)::int8 FROM {relation}")
}

/// Which of the two files an answer is made of; all of it, and nothing else.
fn judge(row: &Row) -> Result<i64, String> {
    let [count, least, most, sum] = std::array::from_fn(|column| row.get::<_, Option<i64>>(column));
    let complete = ROWS.iter().find(|(generation, rows)| {
        least == Some(*generation) && most == least && count == Some(*rows) && sum == Some(rows * (rows + 1) / 2)
    });
    complete
        .map(|(generation, _)| *generation)
        .ok_or_else(|| format!("{count:?} rows of generations {least:?} to {most:?}"))
}

/// The same, of an answer that must be right.
#[track_caller]
pub(crate) fn generation(row: &Row) -> i64 {
    judge(row).unwrap()
}

/// A runtime of the thread's own.
pub(crate) fn runtime() -> Runtime {
    Builder::new_current_thread().enable_all().build().unwrap()
}
