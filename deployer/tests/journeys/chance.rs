//! What chance finds: faults at random, applies that meet, stacks of any shape. Few seeds each time; `FRESHET_SEEDS=50` tries as
//! many as a release is held to.

use std::collections::{BTreeMap, BTreeSet};
use std::env;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::Duration;

use freshet_tests::proxy::{Fault, Throttle, When};
use proptest::prelude::*;
use proptest::strategy::ValueTree as _;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
use serde_json::json;

use crate::convergence::{forget, on_two_stages, revisions, tree};
use crate::stage::{Entry, Stage, four};

pub(crate) fn seeds(few: u64) -> u64 {
    env::var("FRESHET_SEEDS").ok().and_then(|text| text.parse().ok()).unwrap_or(few)
}

#[test]
fn while_one_call_in_five_fails_at_random_another_run_ends_in_exactly_the_tree() {
    let faults = [
        Fault::Throttle(Throttle::Throttling),
        Fault::Throttle(Throttle::TooManyRequests),
        Fault::Throttle(Throttle::RequestLimitExceeded),
        Fault::Throttle(Throttle::ConcurrentRevision),
        Fault::Throttle(Throttle::InvalidParameter),
        Fault::ServerError,
        Fault::ServerErrorAfter,
        Fault::CutBefore,
        Fault::CutAfter,
    ];
    let next = AtomicU64::new(0);
    on_two_stages(&four(), |stage| {
        stage.set_secret();
        stage.deploy(["schedule-all"]).expect_code(0);
        let whole = tree(stage);
        loop {
            let seed = next.fetch_add(1, Ordering::SeqCst);
            if seed >= seeds(4) {
                return 0;
            }
            forget(stage);
            stage.set_secret();
            for (n, fault) in faults.iter().enumerate() {
                stage.proxy.inject(When::any().chance(3, seed * 64 + n as u64), fault.clone());
            }
            // The second run is told of lists that have not heard yet of the first.
            stage.proxy.inject(When::lists().chance(50, seed), Fault::Lag);
            let cut = [(); 2].map(|()| stage.deploy(["schedule-all"]).limit(Duration::from_mins(3)).run().unwrap());
            stage.proxy.clear_faults();
            stage.deploy(["schedule-all"]).expect_code(0);
            let [first, second] = cut;
            assert_eq!(tree(stage), whole, "seed {seed}\n{first}\n{second}");
            assert_eq!(revisions(stage), 4, "seed {seed}: nothing was registered twice\n{first}\n{second}");
            assert_eq!(stage.plan(), [] as [&str; 0], "seed {seed}");
        }
    });
}

/// A tree without the revisions, of which two applies that meet may make one more.
pub(crate) fn unnumbered(stage: &Stage) -> BTreeMap<&'static str, BTreeSet<String>> {
    let without = |name: String| {
        let is_number = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
        name.rsplit_once(':').filter(|(_, end)| is_number(end)).map_or(name.clone(), |(rest, _)| rest.to_owned())
    };
    tree(stage).into_iter().map(|(kind, names)| (kind, names.into_iter().map(without).collect())).collect()
}

#[test]
fn applies_that_meet_heal_with_the_next_one() {
    let stage = Stage::with(&four());
    stage.set_secret();
    let meet = |stage: &Stage| {
        let applies = [stage.deploy(["schedule-all"]), stage.deploy(["schedule-all"])];
        thread::scope(|scope| {
            let running = applies.map(|apply| scope.spawn(move || apply.run().unwrap()));
            for run in running {
                run.join().unwrap();
            }
        });
        stage.deploy(["schedule-all"]).expect_code(0);
        assert_eq!(stage.plan(), [] as [&str; 0]);
    };
    meet(&stage);
    let whole = unnumbered(&stage);
    let mut entries = four();
    for entry in &mut entries {
        entry.cron = "0 4 * * *".to_owned();
    }
    stage.datasets(&entries);
    meet(&stage);
    assert_eq!(unnumbered(&stage), whole);
}

fn stacks() -> impl Strategy<Value = (Vec<Entry>, usize)> {
    let ways = prop::sample::select(vec![
        ("small", "scheduler"),
        ("batch", "scheduler"),
        ("small", "rule"),
        ("batch", "rule"),
    ]);
    let entry = (ways, 0_u8..24);
    (prop::collection::vec(entry, 2..6), 1_usize..3).prop_map(|(ways, gone)| {
        let entry = |(n, ((task_def, trigger), hour)): (usize, ((&'static str, &'static str), u8))| {
            let mut entry = Entry::new(&format!("dataset_{n}"), task_def, trigger);
            entry.cron = format!("0 {hour} * * *");
            entry
        };
        let entries: Vec<Entry> = ways.into_iter().enumerate().map(entry).collect();
        let gone = gone.min(entries.len());
        (entries, gone)
    })
}

#[test]
fn a_stack_of_any_shape_is_applied_whole_and_loses_exactly_what_its_folder_loses() {
    let stage = Stage::with(&[]);
    for seed in 0..seeds(2) {
        let mut bytes = [0; 32];
        bytes[..8].copy_from_slice(&seed.to_le_bytes());
        let mut runner = TestRunner::new_with_rng(Config::default(), TestRng::from_seed(RngAlgorithm::ChaCha, &bytes));
        let (entries, gone) = stacks().new_tree(&mut runner).unwrap().current();
        forget(&stage);
        stage.set_secret();
        // A stack beside it, under a name that begins alike.
        let foreign = json!({"Name": "freshet-nycdb-production.dataset_0", "ScheduleExpression": "rate(1 day)"});
        stage.aws.json("events", "PutRule", &foreign).unwrap();
        stage.datasets(&entries);
        stage.deploy(["schedule-all"]).expect_code(0);
        assert_eq!(stage.plan(), [] as [&str; 0], "{entries:?}");
        stage.deploy(["drift"]).expect_code(0);
        let before = stage.everything();

        let (lost, kept) = entries.split_at(gone);
        stage.datasets(kept);
        stage.deploy(["schedule-all", "--allow-deletes", "50"]).expect_code(0);
        let after = stage.everything();
        for kind in ["task definitions", "job definitions", "schedules", "rules"] {
            for name in before[kind].difference(&after[kind]) {
                assert!(lost.iter().any(|entry| name.contains(&entry.name)), "{name} went with {lost:?}");
            }
            for entry in lost {
                assert!(!after[kind].iter().any(|name| name.contains(&format!("prod.{}", entry.name))), "{entry:?}");
            }
        }
        assert!(after["rules"].contains("freshet-nycdb-production.dataset_0"));
        assert_eq!(stage.plan(), [] as [&str; 0], "{entries:?}");
    }
}
