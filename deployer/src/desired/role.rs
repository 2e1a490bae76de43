//! The stack's roles. In: names and what the workers of datasets need. Out: trust and inline policy of the execution
//! role, one task role per distinct set of needs, and the roles of Scheduler and of rules, each with the least that it
//! needs: resources by the stack's names, conditions against the confused deputy, PassRole to ECS only.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::needs::Needs;
use super::resource::{Body, Resource, Role, Tags};
use crate::hash::Hash;
use crate::names::Names;

/// Pulls the image and writes the log.
pub const EXECUTION: &str = "execution";
/// Starts what schedules start.
pub const SCHEDULER: &str = "scheduler";
/// Starts what rules start.
pub const EVENTS: &str = "events";

/// What a role of this environment carries besides its policies.
#[derive(Debug, Clone)]
pub struct Common {
    /// ARN of the permissions boundary.
    pub boundary: Option<String>,
    /// The user's tags.
    pub tags: Tags,
}

/// The purpose of a task role, which ends with the hash of what it lets a worker do.
pub fn task_purpose(needs: &Needs) -> String {
    format!("task-{}", needs.hash())
}

/// The purpose of the execution role that reads these secrets for jobs: its name says which. Most read none.
pub fn execution_purpose(secret_ids: &BTreeSet<String>) -> String {
    if secret_ids.is_empty() { EXECUTION.to_owned() } else { format!("{EXECUTION}-{}", Hash::of(&json!(secret_ids))) }
}

/// The execution role of definitions with these images whose containers are given these secrets.
pub fn execution(names: &Names, common: &Common, images: &BTreeSet<String>, secret_ids: &BTreeSet<String>) -> Resource {
    let streams = format!("{}:log-stream:*", names.arn("logs", &format!("log-group:{}", names.log_group())));
    let mut statements = vec![allow(&["logs:CreateLogStream", "logs:PutLogEvents"], &[streams])];
    let repositories: BTreeSet<String> = images.iter().filter_map(|image| ecr_repository(names, image)).collect();
    if !repositories.is_empty() {
        statements.push(allow(&["ecr:GetAuthorizationToken"], &["*".to_owned()]));
        let pull = ["ecr:BatchCheckLayerAvailability", "ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"];
        statements.push(allow(&pull, &repositories.into_iter().collect::<Vec<_>>()));
    }
    if !secret_ids.is_empty() {
        let secrets: Vec<String> = secret_ids.iter().map(|id| secret_arn(names, id)).collect();
        statements.push(allow(&["secretsmanager:GetSecretValue"], &secrets));
    }
    let words = "Pulls images, writes logs, hands secrets to jobs.";
    role(names, common, &execution_purpose(secret_ids), words, task_trust(names), &statements)
}

/// The role of workers that need this.
pub fn task(names: &Names, common: &Common, needs: &Needs) -> Resource {
    let secrets: Vec<String> = needs.secrets.iter().map(|id| secret_arn(names, id)).collect();
    let (reads, writes): (Vec<_>, Vec<_>) =
        (needs.reads.iter().cloned().collect(), needs.writes.iter().cloned().collect());
    let mut metrics = allow(&["cloudwatch:PutMetricData"], &["*".to_owned()]);
    metrics["Condition"] = json!({"StringEquals": {"cloudwatch:namespace": manifest::contract::METRIC_NAMESPACE}});
    let mut statements = vec![metrics];
    if !secrets.is_empty() {
        statements.push(allow(&["secretsmanager:GetSecretValue"], &secrets));
    }
    if !reads.is_empty() {
        statements.push(allow(&["s3:GetObject"], &reads));
    }
    if !writes.is_empty() {
        // Uploads in parts are created, filled and completed by s3:PutObject.
        statements.push(allow(&["s3:AbortMultipartUpload", "s3:PutObject"], &writes));
    }
    let words = "The worker's own: reads its secrets, puts metrics.";
    role(names, common, &task_purpose(needs), words, task_trust(names), &statements)
}

/// EventBridge Scheduler's role. It also sends dead letters itself.
pub fn scheduler(names: &Names, common: &Common, passed: &[String]) -> Resource {
    // AWS asks for the group's ARN here: an ARN of one schedule, or a prefix, makes every CreateSchedule fail.
    let trust = trust(names, "scheduler.amazonaws.com", "ArnEquals", &names.schedule_group_arn());
    let mut statements = start(names, passed);
    statements.push(allow(&["sqs:SendMessage"], &[names.dead_letters_arn()]));
    role(names, common, SCHEDULER, "Starts what schedules start.", trust, &statements)
}

/// EventBridge rules' role. Their dead letters are let in by the queue's own policy.
pub fn events(names: &Names, common: &Common, passed: &[String]) -> Resource {
    let trust = trust(names, "events.amazonaws.com", "ArnLike", &rules_arn(names));
    role(names, common, EVENTS, "Starts what rules start.", trust, &start(names, passed))
}

/// Lets this stack's rules send to the dead-letter queue.
pub fn queue_policy(names: &Names) -> Value {
    document(&[json!({
        "Sid": "Rules",
        "Effect": "Allow",
        "Principal": {"Service": "events.amazonaws.com"},
        "Action": "sqs:SendMessage",
        "Resource": names.dead_letters_arn(),
        "Condition": {
            "ArnLike": {"aws:SourceArn": rules_arn(names)},
            "StringEquals": {"aws:SourceAccount": names.account},
        },
    })])
}

/// The roles that ECS is handed when this stack's own are used: every execution and task role, also those of a later plan.
pub fn passed(names: &Names, execution: Option<&String>, task: Option<&String>) -> Vec<String> {
    let own = |purpose: &str| names.role_arn(purpose);
    vec![
        execution.cloned().unwrap_or_else(|| format!("{}*", own(EXECUTION))),
        task.cloned().unwrap_or_else(|| own("task-*")),
    ]
}

/// Lets this account's alarms and this stack's rules publish to the topic.
pub fn topic_policy(names: &Names) -> Value {
    let statement = |sid: &str, service: &str, condition: Value| {
        json!({
            "Sid": sid,
            "Effect": "Allow",
            "Principal": {"Service": service},
            "Action": "sns:Publish",
            "Resource": names.topic_arn(),
            "Condition": condition,
        })
    };
    let alarms = names.arn("cloudwatch", &format!("alarm:{}*", names.alarm_prefix()));
    document(&[
        statement("Alarms", "cloudwatch.amazonaws.com", json!({"ArnLike": {"aws:SourceArn": alarms}})),
        statement("Rules", "events.amazonaws.com", json!({"ArnLike": {"aws:SourceArn": rules_arn(names)}})),
    ])
}

fn rules_arn(names: &Names) -> String {
    names.arn("events", &format!("rule/{}*", names.rule_prefix()))
}

/// May start everything of the stack on either service, whatever runs where today: a role that followed the schedules would
/// be narrowed while a trigger that needs it is still there.
fn start(names: &Names, passed: &[String]) -> Vec<Value> {
    let definitions = |service: &str, kind: &str| names.arn(service, &format!("{kind}/{}*", names.definition_prefix()));
    let mut run = allow(&["ecs:RunTask"], &[format!("{}:*", definitions("ecs", "task-definition"))]);
    run["Condition"] = json!({"ArnEquals": {"ecs:cluster": names.cluster_arn()}});
    // Tags are propagated to tasks; without this every firing fails, and says so nowhere.
    let mut tag = allow(&["ecs:TagResource"], &[names.arn("ecs", &format!("task/{}/*", names.cluster()))]);
    tag["Condition"] = json!({"StringEquals": {"ecs:CreateAction": "RunTask"}});
    let mut pass = allow(&["iam:PassRole"], passed);
    pass["Condition"] = json!({"StringEquals": {"iam:PassedToService": "ecs-tasks.amazonaws.com"}});
    // The star also covers the revision: both forms of the ARN are authorised.
    let queues = names.batch_arns("job-queue");
    let jobs: Vec<String> = std::iter::once(definitions("batch", "job-definition")).chain(queues).collect();
    let submit = allow(&["batch:SubmitJob"], &jobs);
    vec![run, tag, pass, submit]
}

fn role(names: &Names, common: &Common, purpose: &str, words: &str, trust: Value, statements: &[Value]) -> Resource {
    let body = Role {
        path: names.role_path().to_owned(),
        words: words.to_owned(),
        trust,
        policy: document(statements),
        boundary: common.boundary.clone(),
        tags: common.tags.clone(),
    };
    Resource::new(names.role(purpose), None, Body::Role(body))
}

fn task_trust(names: &Names) -> Value {
    trust(names, "ecs-tasks.amazonaws.com", "ArnLike", &names.arn("ecs", "*"))
}

fn trust(names: &Names, service: &str, how: &str, source: &str) -> Value {
    document(&[json!({
        "Effect": "Allow",
        "Principal": {"Service": service},
        "Action": "sts:AssumeRole",
        "Condition": {how: {"aws:SourceArn": source}, "StringEquals": {"aws:SourceAccount": names.account}},
    })])
}

fn allow(actions: &[&str], resources: &[String]) -> Value {
    json!({"Effect": "Allow", "Action": actions, "Resource": resources})
}

fn document(statements: &[Value]) -> Value {
    json!({"Version": "2012-10-17", "Statement": statements})
}

/// ARN of a secret by name, whatever six characters Secrets Manager put at its end.
fn secret_arn(names: &Names, id: &str) -> String {
    if id.starts_with("arn:") { id.to_owned() } else { names.arn("secretsmanager", &format!("secret:{id}-??????")) }
}

/// ARN of a secret by name without the six characters at its end, which ECS and Batch look up.
pub(super) fn plain_secret_arn(names: &Names, id: &str) -> String {
    if id.starts_with("arn:") { id.to_owned() } else { names.arn("secretsmanager", &format!("secret:{id}")) }
}

/// ARN of the image's repository when it is in ECR, in whichever account and region.
fn ecr_repository(names: &Names, image: &str) -> Option<String> {
    let (host, path) = image.split_once('/')?;
    let mut parts = host.split('.');
    let (account, dkr, ecr, region) = (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
    if (dkr, ecr) != ("dkr", "ecr") {
        return None;
    }
    let repository = path.split(['@', ':']).next()?;
    Some(format!("arn:{}:ecr:{region}:{account}:repository/{repository}", names.partition()))
}
