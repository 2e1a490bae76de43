//! What a run costs in calls, writes, memory and time, at the size of a city.

use std::time::Duration;

use freshet_tests::proxy::{Fault, When};

use crate::stage::{Entry, Stage, names};

/// Datasets of a large stack.
const DATASETS: usize = 1_000;
/// Calls of a run that changes nothing: 25, and 2 for every hundred datasets.
const BUDGET: usize = 25 + 2 * DATASETS / 100;
/// Memory that no run of the deployer may need, in bytes.
const MEMORY: u64 = 128 << 20;
/// Time on the way to AWS and back.
const LATENCY: Duration = Duration::from_millis(60);
/// What an offline plan may take.
const OFFLINE: Duration = Duration::from_secs(1);
/// Round trips that may follow one another, with what the work takes in between: at [`LATENCY`], two seconds.
const UNCHANGED: Duration = Duration::from_secs(2);
/// Times hold of what people have: `cargo xtask bench deploy` measures the same in a release build.
const TIMED: bool = !cfg!(debug_assertions);

#[test]
fn an_unchanged_stack_of_a_thousand_datasets_costs_list_pages_and_nothing_else() {
    let entry =
        |n: usize| Entry::new(&format!("d{n:03}"), if n.is_multiple_of(2) { "small" } else { "batch" }, "scheduler");
    let entries: Vec<Entry> = (0..DATASETS).map(entry).collect();
    let stage = Stage::with(&entries);
    let offline = stage.deploy(["plan", "--offline"]).expect_code(0);
    assert!(stage.proxy.calls().is_empty(), "offline is offline");
    assert!(!TIMED || offline.elapsed <= OFFLINE, "offline plan: {:?}", offline.elapsed);

    stage.set_secret();
    let first = stage.deploy(["schedule-all"]).limit(Duration::from_mins(8)).expect_code(0);
    stage.proxy.reset();
    stage.proxy.inject(When::any(), Fault::Delay(LATENCY));
    let unchanged = stage.deploy(["schedule-all"]).expect_code(0);
    assert_eq!(names(&stage.proxy.writes()), [] as [&str; 0]);
    let calls = stage.proxy.calls().len();
    eprintln!(
        "{DATASETS} datasets: offline plan {:?}, first apply {:?}, nothing to do {:?} with {LATENCY:?} of latency, {calls} calls of {BUDGET}",
        offline.elapsed, first.elapsed, unchanged.elapsed
    );
    assert!(calls <= BUDGET, "{calls} calls: {:?}", stage.proxy.count_by_operation());
    assert!(!TIMED || unchanged.elapsed <= UNCHANGED, "nothing to do: {:?}", unchanged.elapsed);
    for (what, run) in [("offline plan", offline), ("first apply", first), ("nothing to do", unchanged)] {
        let peak = run.peak_memory.unwrap_or_default();
        eprintln!("{what}: {} MiB", peak >> 20);
        assert!(peak < MEMORY, "{what}: {} MiB", peak >> 20);
    }
}
