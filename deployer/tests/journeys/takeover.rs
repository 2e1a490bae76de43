//! A schedule that replaces what somebody else made to fire the same: ours is made, then the other goes, and nothing of a tool's.

use freshet_tests::proxy::{Fault, When};
use serde_json::{Value, json};

use crate::stage::{Entry, Stage, lines, names};

/// A stack whose one schedule replaces a rule that starts a task of the same cluster, with these targets besides.
fn beside(tags: &Value, besides: &[Value]) -> Stage {
    let entries = [Entry::new("hpd_violations", "small", "scheduler")];
    let stage = Stage::with(&entries);
    stage.set_secret();
    let container = json!([{"name": "main", "image": "ghcr.io/civic/loader:4.2", "memoryReservation": 1024}]);
    let family = json!({
        "family": "civic-loader", "requiresCompatibilities": ["FARGATE"], "networkMode": "awsvpc", "cpu": "512",
        "memory": "1024", "containerDefinitions": container,
    });
    stage.aws.json("ecs", "RegisterTaskDefinition", &family).unwrap();
    let nightly = json!({"Name": "nightly", "ScheduleExpression": "cron(0 2 * * ? *)", "Tags": tags});
    stage.aws.json("events", "PutRule", &nightly).unwrap();
    let role = "arn:aws:iam::123456789012:role/legacy";
    let definition = "arn:aws:ecs:us-east-1:123456789012:task-definition/civic-loader:1";
    let target = json!({
        "Id": "task", "Arn": "arn:aws:ecs:us-east-1:123456789012:cluster/civic", "RoleArn": role,
        "EcsParameters": {"TaskDefinitionArn": definition, "TaskCount": 1, "LaunchType": "FARGATE"},
    });
    let targets: Vec<Value> = std::iter::once(target).chain(besides.iter().cloned()).collect();
    stage.aws.json("events", "PutTargets", &json!({"Rule": "nightly", "Targets": targets})).unwrap();
    let replaces = "task-def: small, timezone: UTC, replaces: rule/nightly}";
    let schedules = stage.read("schedules/nyc.yml").replace("0 22 * * *", "0 2 * * *");
    stage.write("schedules/nyc.yml", &schedules.replace("task-def: small}", replaces));
    stage.proxy.reset();
    stage
}

/// The one schedule there is, by name and whole.
fn schedule(stage: &Stage) -> (String, Value) {
    let schedules = &stage.everything()["schedules"];
    assert_eq!(schedules.len(), 1, "{schedules:?}");
    let name = schedules.first().unwrap();
    (name.clone(), stage.aws.get_schedule("freshet-nycdb-prod", name).unwrap())
}

#[test]
fn a_schedule_takes_the_place_of_a_rule_and_both_are_named() {
    let stage = beside(&json!([]), &[]);
    let plan = stage.json(["plan"]);
    let taken = lines(&plan);
    assert!(taken.contains(&"adopt task_definition freshet-nycdb-prod-hpd_violations".to_owned()), "{taken:?}");
    assert!(taken.contains(&"replace schedule hpd_violations".to_owned()), "{taken:?}");
    let text = stage.deploy(["plan"]).expect_code(0).stdout;
    assert!(text.contains("takes over from rule/nightly: same firing\n"), "{text}");
    assert!(text.contains("as civic-loader:1, which rule/nightly starts"), "{text}");
    assert!(text.contains("image: ghcr.io/civic/loader:4.2 → ghcr.io/example/freshet-worker"), "{text}");

    stage.proxy.reset();
    stage.deploy(["schedule-all"]).expect_code(0);
    let writes = names(&stage.proxy.writes());
    let made = writes.iter().position(|call| call == "scheduler:CreateSchedule").unwrap();
    let gone = writes.iter().position(|call| call == "events:RemoveTargets").unwrap();
    assert!(made < gone, "ours is there before the other goes: {writes:?}");
    assert!(!stage.everything()["rules"].contains("nightly"));
    assert!(
        stage.everything()["task definitions"].iter().any(|arn| arn.contains("civic-loader")),
        "nobody knows what else starts it"
    );
    assert_eq!(stage.plan(), [] as [&str; 0]);
    stage.deploy(["drift"]).expect_code(0);
}

#[test]
fn a_takeover_that_is_cut_off_is_finished_by_the_next_run_and_what_was_off_stays_off() {
    let stage = beside(&json!([]), &[]);
    stage.aws.json("events", "DisableRule", &json!({"Name": "nightly"})).unwrap();
    stage.proxy.inject(When::operation("events:RemoveTargets").from(1), Fault::CutBefore);
    stage.deploy(["schedule-all"]).expect_code(1);
    stage.proxy.clear_faults();
    assert!(stage.everything()["rules"].contains("nightly"));
    assert_eq!(stage.plan(), ["update schedule hpd_violations"]);
    stage.deploy(["schedule-all"]).expect_code(0);
    assert!(!stage.everything()["rules"].contains("nightly"));
    assert_eq!(schedule(&stage).1["State"], "DISABLED");
    assert_eq!(stage.plan(), [] as [&str; 0]);
}

#[test]
fn what_a_tool_keeps_or_starts_more_than_one_thing_is_not_taken_over() {
    let terraform = beside(&json!([{"Key": "terraform", "Value": "true"}]), &[]);
    let queue = json!({"Id": "mine", "Arn": "arn:aws:sqs:us-east-1:123456789012:mine"});
    let several = beside(&json!([]), &[queue]);
    for (stage, why) in [(&terraform, "it belongs to Terraform (tag terraform=true)"), (&several, "it starts 2 things")]
    {
        let run = stage.deploy(["schedule-all"]).expect_code(4);
        assert!(run.stdout.contains(&format!("D202 rule/nightly: {why}")), "{}", run.stdout);
        assert_eq!(names(&stage.proxy.writes()), [] as [&str; 0]);
    }
}

#[test]
fn while_a_secret_has_no_value_the_other_goes_on_firing() {
    let stage = beside(&json!([]), &[]);
    let gone = json!({"SecretId": "nycdb/database", "ForceDeleteWithoutRecovery": true});
    stage.aws.json("secretsmanager", "DeleteSecret", &gone).unwrap();
    stage.deploy(["schedule-all"]).expect_code(4);
    let left = stage.everything();
    assert!(left["rules"].contains("nightly") && left["schedules"].is_empty(), "{left:?}");
    stage.set_secret();
    stage.deploy(["schedule-all"]).expect_code(0);
    assert_eq!(schedule(&stage).1["State"], "ENABLED");
    assert!(!stage.everything()["rules"].contains("nightly"));
}
