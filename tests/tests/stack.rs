//! A stack of this repository's datasets from its manifests to live tables: deployed by `deploy` to an endpoint, run from nothing
//! but what the endpoint then holds, looked at by `deploy status`.

use freshet_tests::binaries::assert_no_secret;
use freshet_tests::rehearsal::{DATABASE, DATASETS, Firing, PASSWORD, Rehearsal, record_of};
use jiff::Timestamp;
use manifest::run::Outcome;
use serde_json::{Value, json};

fn fired_at() -> Timestamp {
    "2026-03-02T03:00:00Z".parse().expect("a time")
}

#[test]
fn a_stack_is_planned_deployed_fired_and_loaded_and_a_second_deployment_writes_nothing() {
    let stack = Rehearsal::of_this_repository().expect("everything starts");

    // Without the secret, schedules are registered but off, and the finding says what to do.
    let plan = stack.deploy(&["plan"]).unwrap().expect_code(4);
    assert!(plan.stdout.contains("deploy secrets set DATABASE_URL"), "{plan}");
    assert!(stack.plane.proxy.writes().is_empty(), "a plan writes nothing");

    stack.schedule_all().unwrap();
    let firings = stack.firings().unwrap();
    assert_eq!(firings.len(), DATASETS.len(), "{firings:?}");
    let mut loaded = Vec::new();
    for firing in &firings {
        let run = stack.fire(firing, fired_at()).unwrap();
        assert_eq!(run.code(), Some(0), "{}", run.last());
        assert_no_secret(run.last(), &[PASSWORD]);
        assert!(!run.environment.values().any(|value| value.contains(PASSWORD)), "a definition holds no secret");
        let record = record_of(&run).expect("a run leaves a record");
        assert_eq!(record.outcome, Outcome::Published);
        assert_eq!(record.scheduled_time.as_deref(), Some("2026-03-02T03:00:00Z"));
        let dimensions = [("Stack", "nyc"), ("Environment", "demo"), ("Dataset", &*record.dataset)];
        let rows = stack.plane.aws.metric_sum("Freshet", "RowsPublished", &dimensions).unwrap();
        assert!(
            (rows - f64::from(u32::try_from(record.rows).unwrap())).abs() < 0.5,
            "{rows} in CloudWatch: {record:?}"
        );
        loaded.push(record.dataset);
    }
    loaded.sort();
    assert_eq!(loaded, DATASETS);

    // The same firing again is a duplicate, whoever delivers it.
    let again = stack.fire(&firings[0], fired_at()).unwrap();
    assert_eq!(record_of(&again).map(|record| record.outcome), Some(Outcome::Duplicate));

    let status = stack.deploy(&["status", "--output", "json"]).unwrap().expect_code(0);
    for dataset in DATASETS {
        assert!(status.stdout.contains(dataset), "{status}");
    }
    assert!(status.stdout.contains("published"), "{status}");
    assert_no_secret(&status, &[PASSWORD]);

    stack.plane.proxy.reset();
    stack.deploy(&["schedule-all"]).unwrap().expect_code(0);
    assert_eq!(stack.plane.proxy.writes().len(), 0, "a second run changes nothing");
    let calls = stack.plane.proxy.calls().len();
    assert!(calls <= 25, "{calls} calls for four datasets");
}

#[test]
fn a_run_follows_the_definition_at_the_endpoint_and_nothing_else() {
    let stack = Rehearsal::of_this_repository().expect("everything starts");
    stack.schedule_all().unwrap();
    let (group, name) = stack
        .firings()
        .unwrap()
        .into_iter()
        .find_map(|firing| match firing {
            Firing::Schedule { group, name } if name.starts_with("hpd_violations") => Some((group, name)),
            _ => None,
        })
        .expect("hpd_violations has a schedule");

    // Somebody changes the definition at the console: another stack's name, and the schedule points at the new revision.
    let aws = &stack.plane.aws;
    let mut schedule = aws.get_schedule(&group, &name).unwrap();
    let registered =
        schedule["Target"]["EcsParameters"]["TaskDefinitionArn"].as_str().expect("an ECS target").to_owned();
    let mut definition = aws.describe_task_definition(&registered).unwrap();
    let environment = definition["containerDefinitions"][0]["environment"].as_array_mut().expect("an environment");
    let variable = environment.iter_mut().find(|pair| pair["name"] == "FRESHET_STACK").expect("the stack's name");
    variable["value"] = json!("changed-by-hand");
    let revision = aws.register_task_definition(&definition).unwrap();
    schedule["Target"]["EcsParameters"]["TaskDefinitionArn"] = Value::String(revision);
    aws.update_schedule(&name, &schedule).unwrap();

    let run = stack.fire(&Firing::Schedule { group, name }, fired_at()).unwrap();
    assert_eq!(run.code(), Some(0), "{}", run.last());
    assert_eq!(record_of(&run).expect("a record").stack, "changed-by-hand");
    let rows = stack.cluster.query_value(DATABASE, "SELECT count(*) FROM hpd_violations").unwrap();
    assert_eq!(rows.as_deref(), Some("6"));
}
