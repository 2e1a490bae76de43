//! How long a first apply takes at the rates that AWS publishes, on a clock that steps: the whole of `apply`, with the clients
//! that users have, to an endpoint that refuses what comes too fast.

use std::collections::BTreeSet;
use std::time::Duration;

use jiff::Timestamp;
use uuid::Uuid;

use super::{Progress, apply};
use crate::aws::limited::Limited;
use crate::clock::Clock;
use crate::clock::stepped::Stepped;
use crate::desired::{Desired, Manifests, fixture};
use crate::observed::state::Observed;
use crate::plan::change::Change;
use crate::plan::{Options, Plan};

/// Datasets of a city.
const DATASETS: usize = 1_000;
/// What an apply may take, of what AWS's rates alone take.
const BAR: f64 = 1.05;
/// To AWS and back is between one and two times twice this.
const WAY: Duration = Duration::from_millis(30);

struct Silent;

impl Progress for Silent {
    fn begin(&self, _: usize) {}
    fn done(&self, _: &Change) {}
}

/// Seconds of a first apply, seconds that the rates alone take, and seconds that the plan told.
fn first_apply(manifests: &Manifests) -> (f64, f64, u64) {
    let desired = Desired::new(manifests, &BTreeSet::new());
    let plan = Plan::new(&desired, &Observed::default(), &Options::default(), Vec::new());
    let clock = Stepped::at(Timestamp::UNIX_EPOCH);
    let endpoint = Limited::new(&clock, WAY);
    let clients = endpoint.clients();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let applied =
        runtime.block_on(tokio::task::unconstrained(clock.run(apply(&clients, &desired, &plan, Uuid::nil, &Silent))));
    assert_eq!(applied.failures, []);
    assert_eq!(applied.made, plan.changes.len());
    assert_eq!(endpoint.throttled(), [] as [&str; 0]);
    (clock.now().duration_since(Timestamp::UNIX_EPOCH).as_secs_f64(), endpoint.floor(), plan.apply_seconds)
}

fn on(task_defs: &[&str], trigger: &serde_json::Value, count: usize) -> Manifests {
    let names: Vec<String> = (0..count).map(|n| format!("d{n:04}")).collect();
    let datasets: Vec<_> = names.iter().map(|name| fixture::dataset(name, None)).collect();
    let schedule = |(n, name): (usize, &String)| fixture::schedule(name, task_defs[n % task_defs.len()], trigger);
    let schedules: Vec<_> = names.iter().enumerate().map(schedule).collect();
    fixture::manifests(&datasets, &schedules)
}

#[test]
fn a_first_apply_of_a_thousand_datasets_takes_what_awss_rates_take_and_is_never_throttled() {
    let scheduler = serde_json::json!({});
    let stacks = [
        ("on Fargate", on(&["small"], &scheduler, DATASETS)),
        ("on Fargate and Batch by turns", on(&["small", "batch"], &scheduler, DATASETS)),
        ("on Batch", on(&["batch"], &scheduler, DATASETS)),
    ];
    for (which, manifests) in stacks {
        let (seconds, floor, told) = first_apply(&manifests);
        eprintln!(
            "{DATASETS} datasets {which}: {seconds:.1} s, {:.3} of the floor of {floor:.1} s; the plan says {told} s",
            seconds / floor
        );
        assert!(seconds <= BAR * floor, "{which}: {seconds:.1} s, and the rates take {floor:.1} s");
    }
}
