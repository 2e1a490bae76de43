//! A firing becomes a process by reading the endpoint alone, in the four ways that a schedule can start a container, and
//! what AWS would refuse is refused.

#![allow(clippy::unwrap_used, reason = "the helpers of a test fail it by panicking")]

use std::os::unix::fs::PermissionsExt;
use std::time::Duration;

use freshet_tests::aws::{Aws, ControlPlane};
use freshet_tests::fargate::{Fargate, TaskRun};
use jiff::Timestamp;
use serde_json::{Value, json};

/// Prints what it was started with; fails with the code in `FAIL`, or in the attempt's number when that is `attempt`.
const PROGRAM: &str = r#"#!/bin/sh
echo "called with: $*"
echo "a warning" >&2
env | sort
[ "$FAIL" = hang ] && exec sleep 60
[ "$FAIL" = first ] && exit $((AWS_BATCH_JOB_ATTEMPT == 1 ? 75 : 0))
exit ${FAIL:-0}
"#;

struct Stage {
    plane: ControlPlane,
    fargate: Fargate,
    _folder: tempfile::TempDir,
}

impl std::ops::Deref for Stage {
    type Target = Aws;

    fn deref(&self) -> &Aws {
        &self.plane.aws
    }
}

fn role(aws: &Aws, name: &str, service: &str) -> String {
    let trust = json!({"Version": "2012-10-17", "Statement":
        [{"Effect": "Allow", "Principal": {"Service": service}, "Action": "sts:AssumeRole"}]});
    let parameters = [("RoleName", name), ("AssumeRolePolicyDocument", &trust.to_string())];
    aws.query("iam", "CreateRole", &parameters).unwrap();
    format!("arn:aws:iam::123456789012:role/{name}")
}

fn stage() -> Stage {
    let folder = tempfile::tempdir().unwrap();
    let program = folder.path().join("program");
    std::fs::write(&program, PROGRAM).unwrap();
    std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o755)).unwrap();
    let plane = ControlPlane::start().unwrap();
    let aws = &plane.aws;
    for (name, service) in [
        ("scheduler", "scheduler.amazonaws.com"),
        ("events", "events.amazonaws.com"),
        ("task", "ecs-tasks.amazonaws.com"),
    ] {
        role(aws, name, service);
    }
    aws.json("ecs", "CreateCluster", &json!({"clusterName": "civic"})).unwrap();
    aws.create_log_group("/demo").unwrap();
    aws.put_secret("demo/database", r#"{"url": "postgres://secret"}"#).unwrap();
    aws.rest("scheduler", "POST", "/schedule-groups/demo", Some(&json!({}))).unwrap();
    let fargate = Fargate::of(&plane).image("worker*", &program);
    Stage { plane, fargate, _folder: folder }
}

const TASK_ROLE: &str = "arn:aws:iam::123456789012:role/task";

fn definition(changes: &Value) -> Value {
    let mut definition = json!({
        "family": "hpd", "networkMode": "awsvpc", "requiresCompatibilities": ["FARGATE"], "cpu": "256", "memory": "512",
        "taskRoleArn": TASK_ROLE, "executionRoleArn": TASK_ROLE,
        "containerDefinitions": [{
            "name": "worker", "image": "worker@sha256:00", "memoryReservation": 256, "command": ["load", "hpd"],
            "environment": [{"name": "FRESHET_STACK", "value": "demo"}, {"name": "KEPT", "value": "1"}],
            "logConfiguration": {"logDriver": "awslogs", "options":
                {"awslogs-group": "/demo", "awslogs-region": "us-east-1", "awslogs-stream-prefix": "hpd"}},
        }],
    });
    merge(&mut definition, changes);
    definition
}

fn merge(into: &mut Value, changes: &Value) {
    match (into, changes) {
        (Value::Object(into), Value::Object(changes)) => {
            for (name, change) in changes {
                merge(into.entry(name.clone()).or_insert(Value::Null), change);
            }
        }
        (Value::Array(into), Value::Array(changes)) if into.len() == changes.len() && changes[0].is_object() => {
            into.iter_mut().zip(changes).for_each(|(into, change)| merge(into, change));
        }
        (into, change) => *into = change.clone(),
    }
}

fn schedule(arn: &str, changes: &Value) -> Value {
    let overrides = json!({"containerOverrides": [{"name": "worker", "environment":
        [{"name": "FRESHET_SCHEDULED_TIME", "value": "<aws.scheduler.scheduled-time>"}]}]});
    let mut schedule = json!({
        "GroupName": "demo", "ScheduleExpression": "cron(0 22 * * ? *)", "FlexibleTimeWindow": {"Mode": "OFF"}, "State": "ENABLED",
        "Target": {
            "Arn": "arn:aws:ecs:us-east-1:123456789012:cluster/civic", "RoleArn": "arn:aws:iam::123456789012:role/scheduler",
            "Input": overrides.to_string(),
            "EcsParameters": {"TaskDefinitionArn": arn, "LaunchType": "FARGATE", "NetworkConfiguration":
                {"awsvpcConfiguration": {"Subnets": ["subnet-1"], "AssignPublicIp": "ENABLED"}}},
        },
    });
    merge(&mut schedule, changes);
    schedule
}

fn create_schedule(aws: &Aws, name: &str, schedule: &Value) {
    aws.rest("scheduler", "POST", &format!("/schedules/{name}"), Some(schedule)).unwrap();
}

fn at() -> Timestamp {
    "2026-03-22T18:59:43Z".parse().unwrap()
}

fn environment(run: &TaskRun) -> Vec<(String, String)> {
    let lines = run.last().stdout.lines().filter_map(|line| line.split_once('='));
    // The shell adds its own.
    let own = |name: &str| ["PWD", "OLDPWD", "SHLVL", "_"].contains(&name);
    lines.filter(|(name, _)| !own(name)).map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
}

#[test]
fn a_schedule_runs_its_task_definition_and_nothing_of_the_callers() {
    let stage = stage();
    let secret = stage.json("secretsmanager", "DescribeSecret", &json!({"SecretId": "demo/database"})).unwrap();
    let from = format!("{}:url::", secret["ARN"].as_str().unwrap());
    let secrets = json!({"containerDefinitions": [{"secrets": [{"name": "DATABASE_URL", "valueFrom": from}]}]});
    let arn = stage.register_task_definition(&definition(&secrets)).unwrap();
    create_schedule(&stage, "hpd.1", &schedule(&arn, &json!({})));

    let run = stage.fargate.fire_schedule("demo", "hpd.1", at()).unwrap();
    assert_eq!(run.code(), Some(0));
    assert_eq!(
        (run.definition.as_str(), run.command.as_slice()),
        (arn.as_str(), &["load".to_owned(), "hpd".to_owned()][..])
    );
    assert_eq!(run.environment["FRESHET_SCHEDULED_TIME"], "2026-03-22T18:59:43Z");
    let seen = environment(&run);
    let names: Vec<_> = seen.iter().map(|(name, _)| name.as_str()).collect();
    let expected = [
        "AWS_ACCESS_KEY_ID",
        "AWS_DEFAULT_REGION",
        "AWS_EC2_METADATA_DISABLED",
        "AWS_ENDPOINT_URL",
        "AWS_EXECUTION_ENV",
        "AWS_REGION",
        "AWS_SECRET_ACCESS_KEY",
        "DATABASE_URL",
        "FRESHET_SCHEDULED_TIME",
        "FRESHET_STACK",
        "KEPT",
        "PATH",
    ];
    assert_eq!(names, expected);
    assert!(seen.contains(&("DATABASE_URL".into(), "postgres://secret".into())));
    assert!(seen.contains(&("AWS_ENDPOINT_URL".into(), stage.plane.url())));

    assert_eq!(run.log_stream.as_deref(), Some(format!("hpd/worker/{}", run.id).as_str()));
    let logged = stage.log_lines("/demo", run.log_stream.as_deref().unwrap()).unwrap();
    assert!(logged.contains(&"called with: load hpd".to_owned()) && logged.contains(&"a warning".to_owned()));
    assert!(stage.plane.proxy.calls().is_empty(), "the platform's calls are not on the record");
}

#[test]
fn an_edited_definition_changes_the_run() {
    let stage = stage();
    let arn = stage.register_task_definition(&definition(&json!({}))).unwrap();
    create_schedule(&stage, "hpd.1", &schedule(&arn, &json!({})));
    let mut edited = stage.describe_task_definition(&arn).unwrap();
    edited["containerDefinitions"][0]["command"] = json!(["load", "edited"]);
    let second = stage.register_task_definition(&edited).unwrap();
    let run = || stage.fargate.fire_schedule("demo", "hpd.1", at()).unwrap();
    assert_eq!(run().command, ["load", "hpd"], "a schedule is pinned to its revision");

    let mut moved = stage.get_schedule("demo", "hpd.1").unwrap();
    moved["Target"]["EcsParameters"]["TaskDefinitionArn"] = second.into();
    stage.update_schedule("hpd.1", &moved).unwrap();
    assert_eq!(run().command, ["load", "edited"]);
}

#[test]
fn a_task_without_a_role_has_no_credentials_and_its_exit_code_is_its_own() {
    let stage = stage();
    let mut definition = definition(&json!({}));
    definition.as_object_mut().unwrap().remove("taskRoleArn");
    let arn = stage.register_task_definition(&definition).unwrap();
    let input = json!({"cluster": "civic", "taskDefinition": arn, "overrides": {"containerOverrides":
        [{"name": "worker", "command": ["sweep"], "environment": [{"name": "FAIL", "value": "65"}]}]},
        "networkConfiguration": {"awsvpcConfiguration": {"subnets": ["subnet-1"]}}});
    let run = stage.fargate.run_task(&input).unwrap();
    assert_eq!((run.code(), run.attempts.len()), (Some(65), 1));
    assert_eq!(run.command, ["sweep"]);
    assert!(environment(&run).iter().all(|(name, _)| !name.contains("ACCESS_KEY")));
}

fn batch(stage: &Stage) -> Value {
    let environment = json!({"computeEnvironmentName": "fargate", "type": "MANAGED", "state": "ENABLED",
        "serviceRole": stage.make_batch_service_role().unwrap(), "computeResources": {"type": "FARGATE", "maxvCpus": 4,
        "subnets": stage.plane.network.subnets, "securityGroupIds": [stage.plane.network.security_group]}});
    let environment = stage.rest("batch", "POST", "/v1/createcomputeenvironment", Some(&environment)).unwrap();
    let queue = json!({"jobQueueName": "loads", "priority": 1, "state": "ENABLED", "computeEnvironmentOrder":
        [{"order": 1, "computeEnvironment": environment["computeEnvironmentArn"]}]});
    stage.rest("batch", "POST", "/v1/createjobqueue", Some(&queue)).unwrap()["jobQueueArn"].clone()
}

fn job(changes: &Value) -> Value {
    let mut job = json!({
        "jobDefinitionName": "acris", "type": "container", "platformCapabilities": ["FARGATE"],
        "parameters": {"dataset": "acris"}, "retryStrategy": {"attempts": 3}, "timeout": {"attemptDurationSeconds": 600},
        "containerProperties": {
            "image": "worker:1", "command": ["load", "Ref::dataset"], "jobRoleArn": TASK_ROLE, "executionRoleArn": TASK_ROLE,
            "environment": [{"name": "FRESHET_STACK", "value": "demo"}],
            "resourceRequirements": [{"type": "VCPU", "value": "0.25"}, {"type": "MEMORY", "value": "512"}],
            "logConfiguration": {"logDriver": "awslogs", "options": {"awslogs-group": "/demo", "awslogs-stream-prefix": "acris"}},
        },
    });
    merge(&mut job, changes);
    job
}

#[test]
fn a_schedule_submits_a_job_and_batch_tries_again() {
    let stage = stage();
    let queue = batch(&stage);
    let arn = stage.register_job_definition(&job(&json!({}))).unwrap();
    let input = json!({"JobName": "acris", "JobQueue": queue, "JobDefinition": arn, "ContainerOverrides": {"Environment":
        [{"Name": "FRESHET_SCHEDULED_TIME", "Value": "<aws.scheduler.scheduled-time>"}, {"Name": "FAIL", "Value": "first"}]}});
    let target = json!({"Target": {"Arn": "arn:aws:scheduler:::aws-sdk:batch:submitJob", "Input": input.to_string()}});
    let mut schedule = schedule("", &target);
    schedule["Target"].as_object_mut().unwrap().remove("EcsParameters");
    create_schedule(&stage, "acris.1", &schedule);

    let run = stage.fargate.fire_schedule("demo", "acris.1", at()).unwrap();
    let codes: Vec<_> = run.attempts.iter().map(|attempt| attempt.code().unwrap()).collect();
    assert_eq!(codes, [75, 0]);
    assert_eq!(run.command, ["load", "acris"]);
    assert_eq!(run.environment["FRESHET_SCHEDULED_TIME"], "2026-03-22T18:59:43Z");
    let seen = environment(&run);
    for (name, value) in
        [("AWS_BATCH_JOB_ATTEMPT", "2"), ("AWS_BATCH_JOB_ID", run.id.as_str()), ("AWS_BATCH_JQ_NAME", "loads")]
    {
        assert!(seen.contains(&(name.into(), value.into())), "{name}");
    }
    assert_eq!(stage.log_streams("/demo", "acris/default/").unwrap().len(), 2);
}

#[test]
fn a_job_past_its_timeout_is_stopped_and_not_tried_again() {
    let stage = stage();
    let queue = batch(&stage);
    let arn = stage.register_job_definition(&job(&json!({}))).unwrap();
    let input = json!({"jobName": "acris", "jobQueue": queue, "jobDefinition": arn, "timeout": {"attemptDurationSeconds": 1},
        "containerOverrides": {"environment": [{"name": "FAIL", "value": "hang"}]}});
    let run = stage.fargate.submit_job(&input).unwrap();
    assert_eq!((run.attempts.len(), run.code()), (1, None));
    assert!(run.last().elapsed < Duration::from_secs(20));
}

#[test]
fn a_rule_hands_over_the_events_time_to_task_and_job() {
    let stage = stage();
    let queue = batch(&stage);
    let task = stage.register_task_definition(&definition(&json!({}))).unwrap();
    let job = stage.register_job_definition(&job(&json!({}))).unwrap();
    stage.json("events", "PutRule", &json!({"Name": "demo-hpd", "ScheduleExpression": "cron(0 22 * * ? *)"})).unwrap();
    let role = "arn:aws:iam::123456789012:role/events";
    let environment =
        |name: &str, value: &str| format!(r#"[{{"{name}": "FRESHET_SCHEDULED_TIME", "{value}": <time>}}]"#);
    let overrides =
        format!(r#"{{"containerOverrides": [{{"name": "worker", "environment": {}}}]}}"#, environment("name", "value"));
    let for_job = format!(
        r#"{{"ContainerOverrides": {{"Environment": {}}}, "Parameters": {{"dataset": "pad"}}}}"#,
        environment("Name", "Value")
    );
    let transformer = |template: String| json!({"InputPathsMap": {"time": "$.time"}, "InputTemplate": template});
    let targets = json!({"Rule": "demo-hpd", "Targets": [
        {"Id": "task", "Arn": "arn:aws:ecs:us-east-1:123456789012:cluster/civic", "RoleArn": role,
            "EcsParameters": {"TaskDefinitionArn": task, "LaunchType": "FARGATE",
                "NetworkConfiguration": {"awsvpcConfiguration": {"Subnets": ["subnet-1"]}}},
            "InputTransformer": transformer(overrides)},
        {"Id": "job", "Arn": queue, "RoleArn": role,
            "BatchParameters": {"JobDefinition": job, "JobName": "acris", "RetryStrategy": {"Attempts": 1}},
            "InputTransformer": transformer(for_job)},
    ]});
    stage.json("events", "PutTargets", &targets).unwrap();

    let runs = stage.fargate.fire_rule("demo-hpd", at()).unwrap();
    let commands: Vec<_> = runs.iter().map(|run| run.command.join(" ")).collect();
    assert_eq!(commands, ["load hpd", "load pad"]);
    assert!(runs.iter().all(|run| run.environment["FRESHET_SCHEDULED_TIME"] == "2026-03-22T18:59:43Z"));
    assert!(runs.iter().all(|run| run.environment["FRESHET_STACK"] == "demo"));
}

#[test]
fn what_aws_would_not_start_is_refused_with_its_reason() {
    let stage = stage();
    let refusal = |changes: &Value, of_schedule: &Value| {
        let arn = stage.register_task_definition(&definition(changes)).unwrap();
        create_schedule(&stage, "hpd.1", &schedule(&arn, of_schedule));
        let error = stage.fargate.fire_schedule("demo", "hpd.1", at()).unwrap_err().to_string();
        stage.rest("scheduler", "DELETE", "/schedules/hpd.1?groupName=demo", None).unwrap();
        error
    };
    let container = |change: Value| json!({"containerDefinitions": [change]});
    let none = json!({});
    let tomorrow = Timestamp::now().as_second() + 86_400;
    let roles = |name: &str| format!("arn:aws:iam::123456789012:role/{name}");
    let no_group = json!({"logConfiguration": {"options": {"awslogs-group": "/none"}}});
    let no_secret = json!({"secrets": [{"name": "X", "valueFrom": "arn:aws:secretsmanager:us-east-1:123456789012:secret:no-AbCdEf"}]});
    let other = json!({"containerOverrides": [{"name": "another"}]}).to_string();
    let cases = [
        (container(no_group), none.clone(), "log group /none does not exist"),
        (container(no_secret), none.clone(), "ResourceInitializationError"),
        (container(json!({"image": "unknown:1"})), none.clone(), "CannotPullContainerError"),
        (json!({"taskRoleArn": roles("events")}), none.clone(), "not allowed to assume"),
        (none.clone(), json!({"State": "DISABLED"}), "is disabled"),
        (none.clone(), json!({"StartDate": tomorrow}), "starts later"),
        (none.clone(), json!({"Target": {"RoleArn": roles("nobody")}}), "NoSuchEntity"),
        (none.clone(), json!({"Target": {"RoleArn": roles("events")}}), "not allowed to assume"),
        (
            none.clone(),
            json!({"Target": {"Arn": "arn:aws:ecs:us-east-1:123456789012:cluster/none"}}),
            "ClusterNotFound",
        ),
        (none.clone(), json!({"Target": {"Input": other}}), "container named another"),
        (
            none.clone(),
            json!({"Target": {"EcsParameters": {"NetworkConfiguration": null}}}),
            "Network Configuration must be",
        ),
    ];
    for (changes, of_schedule, reason) in cases {
        let error = refusal(&changes, &of_schedule);
        assert!(error.contains(reason), "{reason:?} is not in {error:?}");
    }
    let missing = stage.fargate.fire_schedule("demo", "none", at()).unwrap_err();
    assert!(missing.to_string().contains("ResourceNotFoundException"), "{missing}");
}
