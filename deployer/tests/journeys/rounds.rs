//! From nothing to a stack that fires, and that a second run leaves as it is.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt;

use freshet_tests::fargate::{Fargate, TaskRun};
use serde_json::{Value, json};

use crate::stage::{Entry, Stage, four, lines, names};

#[test]
fn a_deployed_stack_is_whole_and_a_second_run_writes_nothing() {
    let stage = Stage::with(&four());
    stage.set_secret();
    let planned = stage.json(["plan"]);
    let writes = stage.proxy.writes().len();
    let applied = stage.json(["schedule-all"]);
    assert_eq!(lines(&planned), lines(&applied), "what was planned is what was done");
    assert_eq!(applied["applied"]["failures"], json!([]));
    assert_eq!(applied["applied"]["made"].as_u64(), Some(applied["changes"].as_array().unwrap().len() as u64));
    assert_eq!(writes, 1, "a plan writes nothing: before the apply the secret was made, and that is all");

    assert_eq!(stage.plan(), [] as [&str; 0]);
    stage.proxy.reset();
    stage.deploy(["schedule-all"]).expect_code(0);
    assert_eq!(names(&stage.proxy.writes()), [] as [&str; 0]);
    let calls = stage.proxy.calls();
    assert!(calls.len() <= 25, "{} calls: {:?}", calls.len(), stage.proxy.count_by_operation());
}

/// Prints its environment, as a worker would be given it.
const PROGRAM: &str = "#!/bin/sh\necho \"called with: $*\"\nenv\n";

fn variables(run: &TaskRun) -> BTreeMap<String, String> {
    let pairs = run.last().stdout.lines().filter_map(|line| line.split_once('='));
    pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
}

#[test]
fn every_way_of_firing_runs_the_definition_with_the_scheduled_time() {
    let stage = Stage::deployed(&four());
    let program = stage.path().join("program");
    fs::write(&program, PROGRAM).unwrap();
    fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
    let fargate = Fargate::of(&stage.plane).image("ghcr.io/example/freshet-worker*", &program);
    let at = "2026-11-20T03:00:00Z".parse().unwrap();

    let schedules = &stage.everything()["schedules"];
    let mut runs: Vec<TaskRun> =
        schedules.iter().map(|name| fargate.fire_schedule("freshet-nycdb-prod", name, at).unwrap()).collect();
    for rule in stage.everything()["rules"].iter().filter(|rule| !rule.ends_with(".-stopped")) {
        runs.extend(fargate.fire_rule(rule, at).unwrap());
    }
    assert_eq!(runs.len(), 4);
    for run in &runs {
        assert_eq!(run.command, ["load"]);
        let seen = variables(run);
        assert_eq!(seen["FRESHET_SCHEDULED_TIME"], "2026-11-20T03:00:00Z");
        assert_eq!(seen["FRESHET_SECRETS"], r#"{"DATABASE_URL":"nycdb/database:url"}"#);
        assert_eq!((seen["FRESHET_STACK"].as_str(), seen["FRESHET_ENV"].as_str()), ("nycdb", "prod"));
        let manifest: Value = serde_json::from_str(&seen["FRESHET_MANIFEST"]).unwrap();
        let stream = run.log_stream.as_deref().unwrap();
        assert!(stream.starts_with(manifest["dataset"].as_str().unwrap()), "{stream}");
    }
}

#[test]
fn removing_a_dataset_prunes_exactly_its_things() {
    let mut entries = four();
    let stage = Stage::deployed(&entries);
    // Another stack's things, and somebody's, under names that begin alike.
    let foreign = json!({"family": "freshet-nycdb-prod-parcels", "containerDefinitions": [{"name": "x", "image": "x", "memory": 128}]});
    stage.aws.json("ecs", "RegisterTaskDefinition", &foreign).unwrap();
    let rule = json!({"Name": "freshet-nycdb-prod.parcels", "ScheduleExpression": "rate(1 day)"});
    stage.aws.json("events", "PutRule", &rule).unwrap();
    let before = stage.everything();

    entries.retain(|entry| entry.name != "hpd_violations");
    stage.datasets(&entries);
    let expected = [
        "update dashboard freshet-nycdb-prod",
        "delete schedule hpd_violations",
        "delete task_definition freshet-nycdb-prod-hpd_violations",
    ];
    assert_eq!(stage.plan(), expected);
    stage.deploy(["schedule-all"]).expect_code(0);

    let after = stage.everything();
    for (kind, names) in &before {
        let gone: Vec<&String> = names.difference(&after[kind]).collect();
        assert!(gone.iter().all(|name| name.contains("hpd_violations")), "{kind}: {gone:?}");
        assert_eq!(gone.len(), usize::from(["schedules", "task definitions"].contains(kind)), "{kind}: {gone:?}");
        assert!(after[kind].is_subset(names), "{kind}");
    }
    assert_eq!(stage.plan(), [] as [&str; 0]);
}

#[test]
fn when_nothing_runs_on_batch_any_more_its_places_go_last() {
    let stage = Stage::deployed(&[Entry::new("acris", "batch", "scheduler"), Entry::new("hpd", "small", "scheduler")]);
    stage.datasets(&[Entry::new("hpd", "small", "scheduler")]);
    let expected = [
        "update dashboard freshet-nycdb-prod",
        "delete schedule acris",
        "delete job_definition freshet-nycdb-prod-acris",
        "delete job_queue freshet-nycdb-prod",
        "delete compute_environment freshet-nycdb-prod",
    ];
    assert_eq!(stage.plan(), expected);
    stage.deploy(["schedule-all"]).expect_code(0);
    let left = stage.everything();
    assert!(
        left["job queues"].is_empty() && left["compute environments"].is_empty() && left["job definitions"].is_empty()
    );
    assert_eq!(stage.plan(), [] as [&str; 0]);
}

#[test]
fn a_changed_manifest_registers_one_revision_and_repoints_its_schedule() {
    let stage = Stage::deployed(&four());
    let file = "datasets/nyc/hpd_violations.yml";
    stage.write(file, &stage.read(file).replace("title: hpd_violations", "title: Housing violations"));
    let plan = stage.json(["plan"]);
    let expected = [
        "update task_definition freshet-nycdb-prod-hpd_violations",
        "replace schedule hpd_violations",
        "update dashboard freshet-nycdb-prod",
    ];
    assert_eq!(lines(&plan), expected);
    let reason = &plan["changes"][0]["reasons"][0];
    let field =
        json!({"field": "environment.FRESHET_MANIFEST.title", "from": "hpd_violations", "to": "Housing violations"});
    assert_eq!(*reason, field);

    stage.proxy.reset();
    stage.deploy(["schedule-all"]).expect_code(0);
    let (dashboard, of_dataset): (Vec<String>, Vec<String>) =
        names(&stage.proxy.writes()).into_iter().partition(|call| call.starts_with("cloudwatch:"));
    let expected = ["ecs:RegisterTaskDefinition", "scheduler:CreateSchedule", "scheduler:DeleteSchedule"];
    assert_eq!(of_dataset, expected, "the new one is there before the old one goes");
    assert_eq!(dashboard, ["cloudwatch:PutDashboard"], "beside them, at its own time");
    let names = &stage.everything()["schedules"];
    let name = names.iter().find(|name| name.starts_with("hpd_violations.")).unwrap();
    let schedule = stage.aws.get_schedule("freshet-nycdb-prod", name).unwrap();
    let definition = schedule["Target"]["EcsParameters"]["TaskDefinitionArn"].as_str().unwrap();
    assert!(definition.ends_with("freshet-nycdb-prod-hpd_violations:2"), "{definition}");
    assert_eq!(stage.plan(), [] as [&str; 0]);
}

/// The first of January 2031, as a pause until then.
const START: u32 = 1_924_992_000;

#[test]
fn what_a_person_turned_off_or_paused_stays_so_when_its_manifest_changes() {
    let mut entries = four();
    let stage = Stage::deployed(&entries);
    let names = &stage.everything()["schedules"];
    let name = names.iter().find(|name| name.starts_with("hpd_violations.")).unwrap();
    let mut schedule = stage.aws.get_schedule("freshet-nycdb-prod", name).unwrap();
    schedule["State"] = json!("DISABLED");
    schedule["StartDate"] = json!(START);
    stage.aws.update_schedule(name, &schedule).unwrap();
    stage.aws.json("events", "DisableRule", &json!({"Name": "freshet-nycdb-prod.dhs_daily_shelter_count"})).unwrap();
    assert_eq!(stage.plan(), [] as [&str; 0], "a decision of a person is no drift");

    for entry in &mut entries {
        entry.cron = "0 4 * * *".to_owned();
    }
    stage.datasets(&entries);
    stage.deploy(["schedule-all"]).expect_code(0);
    let names = &stage.everything()["schedules"];
    let name = names.iter().find(|name| name.starts_with("hpd_violations.")).unwrap();
    let schedule = stage.aws.get_schedule("freshet-nycdb-prod", name).unwrap();
    assert_eq!(
        (&schedule["State"], &schedule["ScheduleExpression"]),
        (&json!("DISABLED"), &json!("cron(0 4 * * ? *)"))
    );
    assert!(
        schedule["StartDate"].to_string().contains("2031") || schedule["StartDate"].as_f64() == Some(1_924_992_000.0)
    );
    let rules = stage.aws.json("events", "ListRules", &json!({})).unwrap();
    let rule_state = |name: &str| {
        let rules = rules["Rules"].as_array().unwrap();
        rules.iter().find(|rule| rule["Name"].as_str().unwrap().ends_with(name)).unwrap()["State"].clone()
    };
    assert_eq!(
        (rule_state("dhs_daily_shelter_count"), rule_state("pluto_16v2")),
        (json!("DISABLED"), json!("ENABLED"))
    );
}

#[test]
fn only_touches_the_datasets_that_are_named() {
    let mut entries = four();
    let stage = Stage::deployed(&entries);
    for entry in &mut entries {
        entry.cron = "0 4 * * *".to_owned();
    }
    entries.retain(|entry| entry.name != "pluto_16v2");
    stage.datasets(&entries);
    assert_eq!(lines(&stage.json(["plan", "--only", "acris"])), ["replace schedule acris"]);
    stage.deploy(["schedule-all", "--only", "acris"]).expect_code(0);
    let rest = stage.plan();
    assert!(!rest.iter().any(|line| line.contains("acris")) && rest.len() == 5, "{rest:?}");
}
