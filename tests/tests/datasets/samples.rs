//! Every dataset loads its sample, is unchanged when it is loaded again, and is the same when it is forced to load again.

use std::collections::BTreeSet;
use std::sync::Mutex;
use std::thread;

use manifest::run::Outcome;

use crate::desk::{self, Desk, Known};
use crate::expected::Expected;
use crate::names;

/// Loads at a time: the worker itself uses more than one core.
const SIDE_BY_SIDE: usize = 2;

/// The exit code of a manifest that cannot be served.
const CONFIGURATION: i32 = 78;

#[test]
fn every_dataset_loads_its_sample_as_expected_and_is_the_same_when_it_is_loaded_again() {
    let desk = Desk::new();
    let known = desk::all();
    // Those that are made of others wait for these.
    let made_of_others = known.partition_point(|known| known.dataset.depends_on.is_empty());
    let (first, second) = known.split_at(made_of_others);
    for stage in [first, second] {
        let queue = Mutex::new(stage.iter());
        let next = || queue.lock().unwrap().next();
        thread::scope(|scope| {
            for _ in 0..SIDE_BY_SIDE {
                scope.spawn(|| {
                    while let Some(known) = next() {
                        if known.stands_on(first) {
                            loads(&desk, known);
                        } else {
                            eprintln!("{}: left out, as what it is made of is not served yet", known.name);
                        }
                    }
                });
            }
        });
    }
}

fn loads(desk: &Desk, known: &Known) {
    let unserved = known.unserved();
    if !unserved.is_empty() {
        let run = desk.load(known, &known.samples(), &[]);
        let message = desk::record(run.expect_code(CONFIGURATION)).message.unwrap_or_default();
        assert!(unserved.iter().any(|what| message.contains(what)), "{unserved:?} is not named in\n{run}");
        eprintln!("{}: refused, not served yet: {}", known.name, Vec::from_iter(unserved).join(", "));
        return;
    }

    let expected = Expected::beside(&known.path);
    let tables = known.dataset.tables.iter().map(|table| table.name.as_str());
    let made: BTreeSet<_> = tables.chain(known.dataset.views.iter().map(|view| view.name.as_str())).collect();
    let looked_at: BTreeSet<_> = expected.tables.keys().map(String::as_str).collect();
    assert_eq!(looked_at, made, "{}: the expectation names every table and view", known.name);

    let first = desk.load(known, &known.samples(), &[]);
    let record = desk::record(first.expect_code(0));
    assert_eq!(record.outcome, Outcome::Published, "{first}");
    assert_eq!((record.bad_values, record.rejected_rows), (expected.bad_values, 0), "{first}");
    desk.assert_as(known, &expected);
    for (table, names) in names::nycdb().remove(known.name.as_str()).unwrap_or_default() {
        let columns = desk.columns(known, table);
        let missing: Vec<_> = names.into_iter().filter(|name| !columns.contains(*name)).collect();
        assert!(missing.is_empty(), "{}: {table} lacks {missing:?}", known.name);
    }
    let look = || looked_at.iter().map(|table| desk.rows(known, table)).collect::<Vec<_>>();
    let live = look();

    let again = desk.load(known, &known.samples(), &[]);
    assert_eq!(desk::record(again.expect_code(0)).outcome, Outcome::Unchanged, "{again}");
    let forced = desk.load(known, &known.samples(), &["--force"]);
    assert_eq!(desk::record(forced.expect_code(0)).bad_values, expected.bad_values, "{forced}");
    assert_eq!(look(), live, "{}: the same sample makes the same rows", known.name);
}
