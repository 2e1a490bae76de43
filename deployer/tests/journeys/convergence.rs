//! Cut off anywhere, throttled in any disguise: another run ends in exactly the tree.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use freshet_tests::proxy::{Fault, Throttle, When};

use crate::stage::{Stage, four, names};

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

/// Everything at the endpoint, without the hashes, which hold the network's ids.
pub(crate) fn tree(stage: &Stage) -> BTreeMap<&'static str, BTreeSet<String>> {
    let mut tree = stage.everything();
    let schedules = tree.get_mut("schedules").unwrap();
    *schedules = schedules.iter().map(|name| name.split('.').next().unwrap().to_owned()).collect();
    assert_eq!(schedules.len(), stage.everything()["schedules"].len(), "one schedule of each entry");
    tree
}

#[test]
fn a_run_that_is_cut_off_at_any_call_converges_when_it_is_run_again() {
    let stage = Stage::with(&four());
    stage.set_secret();
    stage.proxy.reset();
    stage.deploy(["schedule-all"]).expect_code(0);
    let whole = tree(&stage);
    let calls = stage.proxy.calls().len() as u64;
    let mut cuts = 0;
    // A step that shares no factor with the number of calls that a dataset takes meets every kind of call.
    for (n, fault) in (1..=calls).step_by(7).zip([Fault::CutAfter, Fault::CutBefore].into_iter().cycle()) {
        forget(&stage);
        stage.set_secret();
        stage.proxy.inject(When::any().from(n), fault.clone());
        let cut = stage.deploy(["schedule-all"]).run().unwrap();
        assert_ne!(cut.code(), Some(0), "cut at call {n}");
        assert!(!cut.stderr.contains("unexpected token") && !cut.stdout.contains("unexpected token"), "{}", cut.stderr);
        stage.proxy.clear_faults();
        stage.deploy(["schedule-all"]).expect_code(0);
        assert_eq!(tree(&stage), whole, "{fault:?} from call {n} on");
        assert_eq!(stage.plan(), [] as [&str; 0], "{fault:?} from call {n} on");
        cuts += 1;
    }
    assert!(cuts >= 8, "{cuts} cuts of {calls} calls");
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
