//! What a run costs in calls, at the size of a city.

use std::time::{Duration, Instant};

use crate::stage::{Entry, Stage, names};

/// Datasets of a large stack.
const DATASETS: usize = 300;
/// Calls of a run that changes nothing: 25, and 2 for every hundred datasets.
const BUDGET: usize = 25 + 2 * DATASETS / 100;

#[test]
fn an_unchanged_stack_of_three_hundred_datasets_costs_list_pages_and_nothing_else() {
    let entry =
        |n: usize| Entry::new(&format!("d{n:03}"), if n.is_multiple_of(2) { "small" } else { "batch" }, "scheduler");
    let entries: Vec<Entry> = (0..DATASETS).map(entry).collect();
    let stage = Stage::with(&entries);
    stage.set_secret();
    stage.deploy(["schedule-all"]).limit(Duration::from_mins(5)).expect_code(0);
    stage.proxy.reset();

    let began = Instant::now();
    stage.deploy(["schedule-all"]).expect_code(0);
    let took = began.elapsed();
    assert_eq!(names(&stage.proxy.writes()), [] as [&str; 0]);
    let calls = stage.proxy.calls().len();
    assert!(calls <= BUDGET, "{calls} calls: {:?}", stage.proxy.count_by_operation());
    eprintln!("{DATASETS} datasets, nothing to do: {calls} calls of {BUDGET}, {took:?}");
}
