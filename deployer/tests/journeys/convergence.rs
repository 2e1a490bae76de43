//! Cut off anywhere, throttled in any disguise: another run ends in exactly the tree.

use std::collections::{BTreeMap, BTreeSet};
use std::env;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use freshet_tests::proxy::{Fault, Proxy, Throttle, When};

use crate::stage::{Entry, Stage, four, lines, names};

/// Task and job definitions at the endpoint: a registration that was repeated would show as a second revision.
pub(crate) fn revisions(stage: &Stage) -> usize {
    let everything = stage.everything();
    everything["task definitions"].len() + everything["job definitions"].len()
}

/// An account in which nothing was deployed yet; its network has other ids.
pub(crate) fn forget(stage: &Stage) {
    stage.moto.reset().unwrap();
    stage.aws.make_batch_service_role().unwrap();
    stage.stack(&stage.aws.default_network().unwrap());
    stage.proxy.reset();
}

/// Does the same work on two stages side by side, one for each core that a small machine has; the sum of what they say.
pub(crate) fn on_two_stages(entries: &[Entry], work: impl Fn(&Stage) -> usize + Sync) -> usize {
    thread::scope(|scope| {
        let workers = [(); 2].map(|()| scope.spawn(|| work(&Stage::with(entries))));
        workers.into_iter().map(|worker| worker.join().unwrap()).sum()
    })
}

/// Everything at the endpoint, without the hashes, which hold the network's ids.
pub(crate) fn tree(stage: &Stage) -> BTreeMap<&'static str, BTreeSet<String>> {
    let mut tree = stage.everything();
    let schedules = tree.get_mut("schedules").unwrap();
    *schedules = schedules.iter().map(|name| name.split('.').next().unwrap().to_owned()).collect();
    assert_eq!(schedules.len(), stage.everything()["schedules"].len(), "one schedule of each entry");
    tree
}

/// How a run ends before its time, or nearly.
#[derive(Debug, Clone, Copy)]
enum Cut {
    /// The endpoint hears of neither this call nor of any that follows.
    Before,
    /// The endpoint acts on this call, and nothing more is heard of it.
    After,
    /// The answer to this call alone is lost.
    Lost,
}

impl Cut {
    fn at(self, n: u64, proxy: &Proxy) {
        match self {
            Self::Before => proxy.inject(When::any().from(n), Fault::CutBefore),
            Self::After => {
                proxy.inject(When::any().nth(n), Fault::CutAfter);
                proxy.inject(When::any().from(n + 1), Fault::CutBefore);
            }
            Self::Lost => proxy.inject(When::any().nth(n), Fault::CutAfter),
        }
    }
}

/// Every how manieth cut is made here; which of them, goes by the day. `FRESHET_CUTS=all` makes every one.
const EVERY: usize = 13;

/// Which of the cuts are made.
fn chosen(at: usize) -> bool {
    let today = jiff::Timestamp::now().as_second() / 86_400;
    let offset = usize::try_from(today).unwrap() % EVERY;
    env::var("FRESHET_CUTS").is_ok_and(|cuts| cuts == "all") || at % EVERY == offset
}

#[test]
fn a_run_that_is_cut_off_at_any_call_converges_when_it_is_run_again() {
    let calls = AtomicU64::new(u64::MAX);
    let next = AtomicUsize::new(0);
    let made = on_two_stages(&four(), |stage| {
        stage.set_secret();
        stage.proxy.reset();
        stage.deploy(["schedule-all"]).expect_code(0);
        let whole = tree(stage);
        calls.fetch_min(stage.proxy.calls().len() as u64, Ordering::SeqCst);
        let mut made = 0;
        loop {
            let at = next.fetch_add(1, Ordering::SeqCst);
            let (n, cut) = (at as u64 / 3 + 1, [Cut::Before, Cut::After, Cut::Lost][at % 3]);
            if n > calls.load(Ordering::SeqCst) {
                return made;
            }
            if !chosen(at) {
                continue;
            }
            forget(stage);
            stage.set_secret();
            // The fault counts from here on.
            cut.at(n, &stage.proxy);
            let run = stage.deploy(["schedule-all"]).run().unwrap();
            assert!(matches!(cut, Cut::Lost) || run.code() != Some(0), "{cut:?} at call {n}");
            assert!(!run.stderr.contains("unexpected token") && !run.stdout.contains("unexpected token"), "{run}");
            stage.proxy.clear_faults();
            stage.deploy(["schedule-all"]).expect_code(0);
            assert_eq!(tree(stage), whole, "{cut:?} at call {n}\n{run}");
            assert_eq!(stage.plan(), [] as [&str; 0], "{cut:?} at call {n}\n{run}");
            made += 1;
        }
    });
    eprintln!("{made} cuts of {} calls", calls.into_inner());
    assert!(made >= 8, "{made} cuts");
}

#[test]
fn lists_that_lag_behind_make_no_second_revision() {
    let stage = Stage::with(&four());
    stage.set_secret();
    stage.deploy(["schedule-all"]).expect_code(0);
    let whole = tree(&stage);
    // What the lists said before anything was made, they say once more.
    stage.proxy.inject(When::lists(), Fault::Lag);
    let again = stage.json(["schedule-all"]);
    assert!(lines(&again).iter().any(|line| line.starts_with("create task_definition")), "{again}");
    stage.proxy.clear_faults();
    assert_eq!(tree(&stage), whole);
    assert_eq!(stage.plan(), [] as [&str; 0]);
}

#[test]
fn a_change_that_is_cut_off_converges_when_it_is_run_again() {
    let mut entries = four();
    let stage = Stage::deployed(&entries);
    for entry in &mut entries {
        entry.cron = "0 4 * * *".to_owned();
    }
    stage.datasets(&entries);
    for n in 1..=4 {
        stage.proxy.inject(When::writes().nth(n), Fault::CutAfter);
        stage.proxy.inject(When::writes().from(n + 1), Fault::CutBefore);
        let cut = stage.deploy(["schedule-all"]).run().unwrap();
        stage.proxy.clear_faults();
        if cut.code() == Some(0) {
            break;
        }
    }
    stage.deploy(["schedule-all"]).expect_code(0);
    assert_eq!(stage.plan(), [] as [&str; 0]);
    assert_eq!(stage.everything()["schedules"].len(), 2);
    assert_eq!(revisions(&stage), 4, "a time of day is no part of a definition");
}

#[test]
fn after_a_lost_answer_the_deployer_looks_before_it_asks_again() {
    let stage = Stage::with(&four());
    stage.set_secret();
    let lost = [
        "ecs:RegisterTaskDefinition",
        "batch:RegisterJobDefinition",
        "batch:CreateComputeEnvironment",
        "batch:CreateJobQueue",
        "iam:CreateRole",
        "scheduler:CreateScheduleGroup",
        "scheduler:CreateSchedule",
        "sqs:CreateQueue",
        "logs:CreateLogGroup",
        "events:PutRule",
    ];
    for operation in lost {
        stage.proxy.inject(When::operation(operation).nth(1), Fault::CutAfter);
    }
    stage.deploy(["schedule-all"]).expect_code(0);
    assert_eq!(revisions(&stage), 4, "no registration was made twice");
    assert_eq!(stage.plan(), [] as [&str; 0]);
}

#[test]
fn throttles_in_every_disguise_are_waited_out() {
    let stage = Stage::with(&four());
    stage.set_secret();
    let throttled = [
        ("ecs:RegisterTaskDefinition", Throttle::ConcurrentRevision),
        ("batch:RegisterJobDefinition", Throttle::TooManyRequests),
        ("scheduler:CreateSchedule", Throttle::Throttling),
        ("events:PutTargets", Throttle::RequestLimitExceeded),
        ("ecs:DescribeClusters", Throttle::InvalidParameter),
        ("iam:CreateRole", Throttle::Throttling),
    ];
    for (operation, throttle) in throttled {
        stage.proxy.inject(When::operation(operation).nth(1), Fault::Throttle(throttle));
    }
    stage.deploy(["schedule-all"]).limit(Duration::from_mins(2)).expect_code(0);
    assert_eq!(revisions(&stage), 4);
    assert_eq!(stage.plan(), [] as [&str; 0]);
}

#[test]
fn a_role_that_aws_does_not_know_everywhere_yet_is_waited_for() {
    let stage = Stage::with(&four());
    stage.set_secret();
    let message = "The execution role you provide must allow AWS EventBridge Scheduler to assume the role.";
    let refusal = Fault::Refuse { status: 400, code: "ValidationException".to_owned(), message: message.to_owned() };
    stage.proxy.inject(When::operation("scheduler:CreateSchedule").first(2), refusal);
    stage.deploy(["schedule-all"]).expect_code(0);
    assert_eq!(stage.proxy.calls_of("scheduler:CreateSchedule").len(), 4, "two of them were refused once");
    assert_eq!(stage.plan(), [] as [&str; 0]);
}

#[test]
fn a_definition_that_is_refused_stops_its_own_schedule_and_no_other() {
    let stage = Stage::with(&four());
    stage.set_secret();
    let refusal = Fault::Refuse {
        status: 400,
        code: "ClientException".to_owned(),
        message: "No Fargate configuration exists for given values.".to_owned(),
    };
    stage.proxy.inject(When::operation("batch:RegisterJobDefinition").nth(1), refusal);
    let run = stage.deploy(["schedule-all"]).expect_code(1);
    assert!(
        run.stdout.contains("batch:RegisterJobDefinition ClientException (HTTP 400): No Fargate configuration"),
        "{}",
        run.stdout
    );
    assert!(run.stdout.contains("1 failed, 1 were not tried"), "{}", run.stdout);
    let rest = stage.plan();
    assert_eq!(rest.len(), 2, "{rest:?}");
    stage.deploy(["schedule-all"]).expect_code(0);
    assert_eq!(names(&stage.proxy.calls_of("ecs:RegisterTaskDefinition")).len(), 2);
}
