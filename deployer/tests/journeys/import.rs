//! From what others made at the console or with other tools to manifests: written, looked at, taken over, and nothing left.

use serde_json::{Value, json};

use crate::stage::{Entry, Stage, lines, names};

/// What nobody may read in a file, a plan or an answer.
const PLAIN: &str = "hunter2-canary-5b1d";

/// A stack of one dataset, and beside it what a team made by hand: a rule, two schedules, and a job definition that nothing
/// fires.
fn beside() -> Stage {
    let stage = Stage::deployed(&[Entry::new("hpd_violations", "small", "scheduler")]);
    let container = json!({
        "name": "main", "image": "ghcr.io/civic/loader:4.2", "essential": true, "memoryReservation": 1024,
        "command": ["python", "load.py", "--city", "nyc"],
        "environment": [{"name": "CITY", "value": "nyc"}, {"name": "LOADER_PASSWORD", "value": PLAIN}],
        "secrets": [{
            "name": "API_KEY",
            "valueFrom": "arn:aws:secretsmanager:us-east-1:123456789012:secret:civic/api-AbCdEf:key::",
        }],
        "logConfiguration": {"logDriver": "awslogs", "options": {"awslogs-group": "/civic/loader", "awslogs-region": "us-east-1"}},
    });
    register(&stage, "civic-loader", &[container], &[]);
    let quiet = json!({"name": "main", "image": "ghcr.io/civic/report:1", "memoryReservation": 1024});
    register(&stage, "civic-report", &[quiet], &[]);
    rule(&stage, "Nightly-Load", "cron(0 3 * * ? *)", "civic-loader:1");
    schedule(&stage, "weekly-report", "cron(0 9 ? * MON *)", "America/New_York", "civic-report:1");
    schedule(&stage, "monthly-report", "cron(0 9 1 * ? *)", "America/New_York", "civic-report:1");
    let job = json!({
        "jobDefinitionName": "civic-backfill", "type": "container", "platformCapabilities": ["FARGATE"],
        "containerProperties": {
            "image": "ghcr.io/civic/backfill:2", "command": ["backfill"],
            "executionRoleArn": "arn:aws:iam::123456789012:role/legacy",
            "resourceRequirements": [{"type": "VCPU", "value": "0.5"}, {"type": "MEMORY", "value": "1024"}],
        },
        "timeout": {"attemptDurationSeconds": 3600}, "retryStrategy": {"attempts": 3},
    });
    stage.aws.rest("batch", "POST", "/v1/registerjobdefinition", Some(&job)).unwrap();
    stage
        .aws
        .json("secretsmanager", "CreateSecret", &json!({"Name": "civic/api", "SecretString": r#"{"key":"x"}"#}))
        .unwrap();
    stage.proxy.reset();
    stage
}

fn register(stage: &Stage, family: &str, containers: &[Value], tags: &[Value]) {
    let definition = json!({
        "family": family, "requiresCompatibilities": ["FARGATE"], "networkMode": "awsvpc", "cpu": "512", "memory": "1024",
        "executionRoleArn": "arn:aws:iam::123456789012:role/legacy", "containerDefinitions": containers, "tags": tags,
    });
    stage.aws.json("ecs", "RegisterTaskDefinition", &definition).unwrap();
}

fn parameters(definition: &str) -> Value {
    json!({
        "TaskDefinitionArn": format!("arn:aws:ecs:us-east-1:123456789012:task-definition/{definition}"),
        "TaskCount": 1, "LaunchType": "FARGATE",
    })
}

const CLUSTER: &str = "arn:aws:ecs:us-east-1:123456789012:cluster/civic";
const ROLE: &str = "arn:aws:iam::123456789012:role/legacy";

fn rule(stage: &Stage, name: &str, expression: &str, definition: &str) {
    stage.aws.json("events", "PutRule", &json!({"Name": name, "ScheduleExpression": expression})).unwrap();
    let target = json!({"Id": "task", "Arn": CLUSTER, "RoleArn": ROLE, "EcsParameters": parameters(definition)});
    stage.aws.json("events", "PutTargets", &json!({"Rule": name, "Targets": [target]})).unwrap();
}

fn schedule(stage: &Stage, name: &str, expression: &str, zone: &str, definition: &str) {
    let body = json!({
        "ScheduleExpression": expression, "ScheduleExpressionTimezone": zone, "FlexibleTimeWindow": {"Mode": "OFF"},
        "Target": {"Arn": CLUSTER, "RoleArn": ROLE, "EcsParameters": parameters(definition)},
    });
    stage.aws.rest("scheduler", "POST", &format!("/schedules/{name}"), Some(&body)).unwrap();
}

#[test]
fn what_others_made_becomes_manifests_and_then_ours_and_nothing_is_left() {
    let stage = beside();
    let report = stage.json(["import"]);
    assert_eq!(names(&stage.proxy.writes()), [] as [&str; 0], "an import touches nothing");
    let jobs: Vec<&str> =
        report["jobs"].as_array().unwrap().iter().map(|job| job["dataset"].as_str().unwrap()).collect();
    assert_eq!(jobs, ["nightly_load", "monthly_report", "civic_backfill"], "{report:#}");
    assert_eq!(report["refused"], json!([]));
    assert_eq!(report["to_set"][0]["secret"], "LOADER_PASSWORD");
    let dataset = stage.read("datasets/imported/nightly_load.yml");
    for line in [
        "  image: \"ghcr.io/civic/loader:4.2\"",
        "  secrets: [API_KEY, LOADER_PASSWORD]",
        "    CITY: \"nyc\"",
        "/civic/loader",
    ] {
        assert!(dataset.contains(line), "{dataset}");
    }
    let schedules = stage.read("schedules/imported.yml");
    assert!(
        schedules.contains("replaces: rule/Nightly-Load") && schedules.contains("civic_backfill: {cron: manual"),
        "{schedules}"
    );
    assert!(stage.read("freshet.yml").contains("API_KEY: \"civic/api:key\""));
    stage.deploy(["check"]).expect_code(0);

    // The password was in plain text: until it is a secret, its rule goes on firing and nothing stands in for it.
    let plan = stage.json(["plan"]);
    assert!(!lines(&plan).iter().any(|line| line.contains("schedule nightly_load")), "{:?}", lines(&plan));
    for output in [report.to_string(), plan.to_string(), dataset, schedules, stage.read("freshet.yml")] {
        assert!(!output.contains(PLAIN), "{output}");
    }
    stage.deploy(["secrets", "set", "LOADER_PASSWORD"]).stdin("new").expect_code(0);

    let text = stage.deploy(["plan"]).expect_code(0).stdout;
    assert!(text.contains("takes over from rule/Nightly-Load: same firing, same target"), "{text}");
    let plan = stage.json(["plan"]);
    // A rule that tells of a job's failures is new, and takes nothing from anybody.
    let is_watch = |change: &Value| change["name"].as_str().unwrap().contains(".-failed-");
    let of_datasets: Vec<Value> = plan["changes"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|change| change["dataset"].is_string() && !is_watch(change))
        .cloned()
        .collect();
    // What nothing fired is registered for those who run it by hand, and takes nothing from anybody.
    let (by_hand, fired): (Vec<&Value>, Vec<&Value>) =
        of_datasets.iter().partition(|change| change["dataset"] == "civic_backfill");
    assert_eq!((by_hand.len(), fired.len()), (1, 2 + 3), "{:?}", lines(&plan));
    for change in fired {
        assert!(["adopt", "replace"].contains(&change["action"].as_str().unwrap()), "{change}");
    }
    assert!(lines(&plan).iter().all(|line| !line.starts_with("delete")), "{:?}", lines(&plan));

    stage.deploy(["schedule-all"]).expect_code(0);
    assert_eq!(stage.plan(), [] as [&str; 0]);
    let left = stage.everything();
    assert!(!left["rules"].contains("Nightly-Load") && !left["schedules"].contains("weekly-report"), "{left:?}");
    assert_eq!(left["schedules"].len(), 4, "{left:?}");
    assert!(left["task definitions"].iter().any(|arn| arn.contains("civic-loader")), "definitions of others stay");
    stage.deploy(["drift"]).expect_code(0);
}

#[test]
fn what_a_tool_keeps_and_what_no_job_can_be_is_left_alone_by_name() {
    let stage = Stage::deployed(&[Entry::new("hpd_violations", "small", "scheduler")]);
    let plain = json!({"name": "main", "image": "ghcr.io/civic/loader:4.2", "memoryReservation": 1024});
    let sidecar = json!({"name": "proxy", "image": "envoy:1", "memoryReservation": 64});
    register(&stage, "plain", std::slice::from_ref(&plain), &[]);
    register(&stage, "two", &[plain.clone(), sidecar], &[]);
    register(
        &stage,
        "stacked",
        std::slice::from_ref(&plain),
        &[json!({"key": "aws:cloudformation:stack-name", "value": "legacy"})],
    );
    register(&stage, "formed", &[plain], &[json!({"key": "ManagedBy", "value": "terraform"})]);
    for (name, definition) in [("plain", "plain:1"), ("two", "two:1"), ("stacked", "stacked:1"), ("formed", "formed:1")]
    {
        rule(&stage, name, "rate(1 day)", definition);
    }
    rule(&stage, "gone", "rate(1 day)", "never-registered:7");
    let report = stage.json(["import"]);
    let refused: Vec<(&str, &str)> = report["refused"]
        .as_array()
        .unwrap()
        .iter()
        .map(|refused| (refused["name"].as_str().unwrap(), refused["why"].as_str().unwrap()))
        .collect();
    assert_eq!(refused.len(), 4, "{report:#}");
    for (name, word) in [
        ("formed", "Terraform"),
        ("gone", "not registered"),
        ("stacked", "CloudFormation stack legacy"),
        ("two", "the containers proxy"),
    ] {
        let told = refused.iter().find(|(refused, _)| *refused == format!("rule/{name}")).unwrap().1;
        assert!(told.contains(word), "{name}: {told}");
    }
    assert_eq!(report["jobs"].as_array().unwrap().len(), 1);

    // By name it is refused, and nothing is written; nor does a manifest that says so take it.
    let run = stage.deploy(["import", "stacked", "--place", "again"]).expect_code(1);
    assert!(run.stderr.contains("CloudFormation stack legacy"), "{}", run.stderr);
    assert!(!stage.path().join("datasets/again").exists());
    let run = stage.deploy(["import", "plian", "--place", "again"]).expect_code(1);
    assert!(run.stderr.contains("nothing of the name `plian`"), "{}", run.stderr);
    let schedules = stage.read("schedules/imported.yml").replace("rule/plain", "rule/stacked");
    stage.write("schedules/imported.yml", &schedules);
    stage.proxy.reset();
    let refused = stage.deploy(["schedule-all"]).expect_code(4).stdout;
    assert!(refused.contains("D202 rule/stacked: it belongs to CloudFormation stack legacy"), "{refused}");
    assert_eq!(names(&stage.proxy.writes()), [] as [&str; 0]);
}
