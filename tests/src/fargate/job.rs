//! AWS Batch on Fargate: a job from its definition and the call's overrides, attempt after attempt, each within its
//! timeout.

use std::time::Duration;

use jiff::Timestamp;
use serde_json::Value;

use super::container::{Container, Deadline, Log, Roles, check_program, strings};
use super::{Fargate, TaskRun, refused};
use crate::error::Result;
use crate::process::{Exit, Run};
use crate::random;

/// Where Batch writes when the definition names no group.
const DEFAULT_GROUP: &str = "/aws/batch/job";
/// What Batch says of a job whose container ended by itself.
const ENDED: &str = "Essential container in task exited";

/// Does what `batch:SubmitJob` asks for.
pub(super) fn run(fargate: &Fargate, input: &Value) -> Result<TaskRun> {
    let aws = &fargate.aws;
    let queue = input["jobQueue"].as_str().unwrap_or_default();
    if !aws.job_queue_is_enabled(queue)? {
        return Err(refused(format!("ClientException: JobQueue {queue} does not exist or is not enabled")));
    }
    let definition = find_definition(fargate, input["jobDefinition"].as_str().unwrap_or_default())?;
    let properties = &definition["containerProperties"];
    let mut container = Container::of(properties);
    container.name = "default".into();
    container.command = with_parameters(&strings(&properties["command"]), &definition["parameters"], input);
    container.apply(&input["containerOverrides"]);
    check_program(fargate, &container)?;
    let roles = Roles { task: properties["jobRoleArn"].as_str(), execution: properties["executionRoleArn"].as_str() };
    for role in [roles.task, roles.execution].into_iter().flatten() {
        aws.check_role(role, "ecs-tasks.amazonaws.com")?;
    }

    let name = definition["jobDefinitionName"].as_str().unwrap_or_default();
    let log =
        container.log.get_or_insert_with(|| Log { group: DEFAULT_GROUP.into(), prefix: None, create_group: true });
    let log = log.clone();
    let prefix = log.prefix.as_deref().unwrap_or(name);

    let policy = Policy::of(&definition, input);
    let deadline = policy.timeout.map_or(Deadline::Test(fargate.limit), Deadline::Batch);
    let (id, mut attempts) = (job_id()?, Vec::new());
    let stream = loop {
        let number = (attempts.len() + 1).to_string();
        let platform = [
            ("AWS_EXECUTION_ENV", "AWS_ECS_FARGATE"),
            ("AWS_BATCH_JOB_ID", &id),
            ("AWS_BATCH_JOB_ATTEMPT", &number),
            ("AWS_BATCH_JQ_NAME", queue.rsplit('/').next().unwrap_or(queue)),
        ];
        let started = Timestamp::now();
        let run = container.run(fargate, roles, &platform, deadline)?;
        let stream = format!("{prefix}/{}/{}", container.name, random::hex(16)?);
        log.ship(aws, &stream, &run, started)?;
        let again = policy.retries(&run, attempts.len() + 1);
        attempts.push(run);
        if !again {
            break stream;
        }
    };
    Ok(TaskRun {
        id,
        definition: definition["jobDefinitionArn"].as_str().unwrap_or_default().to_owned(),
        command: container.command,
        environment: container.environment,
        log_group: Some(log.group),
        log_stream: Some(stream),
        attempts,
    })
}

/// The named revision, or the newest active one of a name.
fn find_definition(fargate: &Fargate, name: &str) -> Result<Value> {
    let found = fargate.aws.describe_job_definitions(name)?;
    let newest = found.into_iter().max_by_key(|definition| definition["revision"].as_i64());
    let definition = newest.ok_or_else(|| refused(format!("ClientException: JobDefinition {name} is not valid")))?;
    if definition["status"] == "INACTIVE" {
        return Err(refused(format!("ClientException: JobDefinition {name} is inactive")));
    }
    Ok(definition)
}

/// Replaces `Ref::name` in a command by the call's parameter of that name, or the definition's.
fn with_parameters(command: &[String], defaults: &Value, input: &Value) -> Vec<String> {
    let value = |name: &str| input["parameters"][name].as_str().or_else(|| defaults[name].as_str());
    let word = |word: &String| match word.strip_prefix("Ref::").and_then(value) {
        Some(value) => value.to_owned(),
        None => word.clone(),
    };
    command.iter().map(word).collect()
}

fn job_id() -> Result<String> {
    let hex = random::hex(16)?;
    Ok(format!("{}-{}-{}-{}-{}", &hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..]))
}

/// How often a job is tried and how long each time; the call's own values go before the definition's.
#[derive(Debug)]
struct Policy {
    attempts: usize,
    timeout: Option<Duration>,
    conditions: Vec<Value>,
}

impl Policy {
    fn of(definition: &Value, input: &Value) -> Self {
        let number = |place: &str| input.pointer(place).or_else(|| definition.pointer(place)).and_then(Value::as_u64);
        let retry = [input, definition].map(|side| &side["retryStrategy"]["evaluateOnExit"]);
        let conditions = retry.into_iter().find_map(Value::as_array).cloned().unwrap_or_default();
        Self {
            attempts: number("/retryStrategy/attempts").and_then(|count| usize::try_from(count).ok()).unwrap_or(1),
            timeout: number("/timeout/attemptDurationSeconds").map(Duration::from_secs),
            conditions,
        }
    }

    /// Whether another attempt follows the `made`-th one.
    fn retries(&self, run: &Run, made: usize) -> bool {
        // A timeout is not tried again.
        let timed_out = self.timeout.is_some_and(|timeout| run.elapsed >= timeout);
        if run.code() == Some(0) || made >= self.attempts || timed_out {
            return false;
        }
        // The first condition that matches decides; without one, failure is tried again.
        let decided = self.conditions.iter().find(|condition| matches(condition, run.exit));
        decided.is_none_or(|condition| {
            condition["action"].as_str().is_some_and(|action| action.eq_ignore_ascii_case("retry"))
        })
    }
}

fn matches(condition: &Value, exit: Exit) -> bool {
    let code = match exit {
        Exit::Code(code) => code,
        // As a shell reports it.
        Exit::Signal(signal) => 128 + signal,
    };
    let facts = [("onExitCode", code.to_string()), ("onStatusReason", ENDED.to_owned()), ("onReason", String::new())];
    facts.iter().all(|(name, fact)| condition[*name].as_str().is_none_or(|pattern| glob(pattern, fact)))
}

/// Batch's patterns have one star at most, at their end.
fn glob(pattern: &str, text: &str) -> bool {
    pattern.strip_suffix('*').map_or(pattern == text, |prefix| text.starts_with(prefix))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn run(code: i32) -> Run {
        let (stdout, stderr, lines) = (String::new(), String::new(), Vec::new());
        Run { exit: Exit::Code(code), stdout, stderr, lines, elapsed: Duration::ZERO, peak_memory: None }
    }

    #[test]
    fn the_first_matching_condition_decides_on_another_attempt() {
        let conditions = json!([{"onExitCode": "65", "action": "EXIT"}, {"onExitCode": "7*", "action": "exit"},
            {"onReason": "CannotPull*", "action": "EXIT"}, {"onExitCode": "*", "action": "RETRY"}]);
        let definition = json!({"retryStrategy": {"attempts": 3, "evaluateOnExit": conditions}});
        let policy = Policy::of(&definition, &json!({}));
        let verdicts = [0, 1, 65, 69, 75, 77].map(|code| policy.retries(&run(code), 1));
        assert_eq!(verdicts, [false, true, false, true, false, false]);
        assert!(policy.retries(&run(1), 2) && !policy.retries(&run(1), 3));
    }

    #[test]
    fn the_calls_own_policy_goes_before_the_definitions() {
        let definition = json!({"retryStrategy": {"attempts": 3}, "timeout": {"attemptDurationSeconds": 60}});
        let policy = Policy::of(&definition, &json!({"retryStrategy": {"attempts": 1}}));
        assert_eq!((policy.attempts, policy.timeout), (1, Some(Duration::from_mins(1))));
    }

    #[test]
    fn parameters_stand_in_for_whole_words_of_the_command() {
        let command = ["load", "Ref::dataset", "Ref::mode", "Ref::none"].map(str::to_owned);
        let input = json!({"parameters": {"mode": "full"}});
        let filled = with_parameters(&command, &json!({"dataset": "hpd", "mode": "usual"}), &input);
        assert_eq!(filled, ["load", "hpd", "full", "Ref::none"]);
    }
}
