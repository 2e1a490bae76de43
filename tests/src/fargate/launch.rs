//! From a schedule or rule at the endpoint to the call that it makes: `ecs:RunTask` or `batch:SubmitJob` with its input.

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::input::{Firing, parse, replace_keywords, scheduled_event, target_input};
use super::refused;
use crate::aws::Aws;
use crate::error::Result;
use crate::random;

/// The universal target that calls Batch.
const SUBMIT_JOB: &str = "arn:aws:scheduler:::aws-sdk:batch:submitJob";

/// A call with its input, in the API's own lower camel case.
#[derive(Debug)]
pub(super) enum Launch {
    Task(Value),
    Job(Value),
}

/// What a schedule does at this time.
pub(super) fn of_schedule(aws: &Aws, group: &str, name: &str, at: Timestamp) -> Result<Launch> {
    let schedule = aws.get_schedule(group, name)?;
    let named = |what: &str| refused(format!("schedule {group}/{name} {what}"));
    if schedule["State"] == "DISABLED" {
        return Err(named("is disabled"));
    }
    for (bound, is_outside, what) in [("StartDate", true, "starts later"), ("EndDate", false, "has ended")] {
        // Seconds since 1970.
        let outside =
            schedule[bound].as_f64().is_some_and(|bound| (at.as_duration().as_secs_f64() < bound) == is_outside);
        if outside {
            return Err(named(what));
        }
    }
    let target = &schedule["Target"];
    let (Some(arn), Some(role)) = (target["Arn"].as_str(), target["RoleArn"].as_str()) else {
        return Err(named("has no target or no role"));
    };
    aws.check_role(role, "scheduler.amazonaws.com")?;
    let firing = Firing {
        schedule_arn: schedule["Arn"].as_str().unwrap_or_default(),
        time: &at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string(),
        execution_id: &random::hex(16)?,
    };
    let input = target["Input"].as_str().map(|text| parse(&replace_keywords(text, &firing))).transpose()?;
    if arn == SUBMIT_JOB {
        return Ok(Launch::Job(lower_camel(input.unwrap_or_default())));
    }
    if target["EcsParameters"].is_object() {
        return Ok(Launch::Task(run_task(arn, &target["EcsParameters"], &input.unwrap_or_default())));
    }
    Err(named(&format!("has a target that runs nothing here: {arn}")))
}

/// What a rule does at this time, target by target.
pub(super) fn of_rule(aws: &Aws, name: &str, at: Timestamp) -> Result<Vec<Launch>> {
    let rule = aws.describe_rule(name)?;
    if rule["State"] == "DISABLED" {
        return Err(refused(format!("rule {name} is disabled")));
    }
    let rule_arn = rule["Arn"].as_str().unwrap_or_default();
    let time = at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
    let event = scheduled_event(rule_arn, &random::hex(16)?, &time);
    let launch = |target: &Value| {
        let arn = target["Arn"].as_str().unwrap_or_default();
        let assumed = target["RoleArn"].as_str();
        let assumed = assumed.ok_or_else(|| refused(format!("a target of rule {name} has no role")))?;
        aws.check_role(assumed, "events.amazonaws.com")?;
        let input = target_input(target, &event, rule_arn)?;
        if target["EcsParameters"].is_object() {
            return Ok(Launch::Task(run_task(arn, &target["EcsParameters"], &input)));
        }
        let job = &target["BatchParameters"];
        if !job.is_object() {
            return Err(refused(format!("rule {name} has a target that runs nothing here: {arn}")));
        }
        let mut submit = json!({"jobQueue": arn, "jobName": job["JobName"], "jobDefinition": job["JobDefinition"],
            "retryStrategy": {"attempts": job["RetryStrategy"]["Attempts"]}});
        // Of the input only these two parts reach a job.
        for (part, value) in lower_camel(input).as_object().into_iter().flatten() {
            if part == "containerOverrides" || part == "parameters" {
                submit[part] = value.clone();
            }
        }
        Ok(Launch::Job(submit))
    };
    aws.list_targets_by_rule(name)?.iter().map(launch).collect()
}

fn run_task(cluster: &str, parameters: &Value, overrides: &Value) -> Value {
    json!({"cluster": cluster, "taskDefinition": parameters["TaskDefinitionArn"], "launchType": parameters["LaunchType"],
        "networkConfiguration": lower_camel(parameters["NetworkConfiguration"].clone()), "overrides": overrides})
}

/// Scheduler and EventBridge write the members of other services' inputs in upper camel case; the services themselves in
/// lower. The names in `parameters` and `tags` are the user's own.
fn lower_camel(value: Value) -> Value {
    match value {
        Value::Object(members) => {
            let lowered = members.into_iter().map(|(name, value)| {
                let mut letters = name.chars();
                let first = letters.next().map(|first| first.to_ascii_lowercase());
                let name: String = first.into_iter().chain(letters).collect();
                let users_own = name == "parameters" || name == "tags";
                (name, if users_own { value } else { lower_camel(value) })
            });
            Value::Object(lowered.collect::<Map<_, _>>())
        }
        Value::Array(items) => items.into_iter().map(lower_camel).collect(),
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn members_are_lowered_and_the_users_own_names_are_not() {
        let given = json!({"JobName": "J", "ContainerOverrides": {"Environment": [{"Name": "A", "Value": "B"}]}, "Parameters": {"Key": 1}});
        let wanted = json!({"jobName": "J", "containerOverrides": {"environment": [{"name": "A", "value": "B"}]}, "parameters": {"Key": 1}});
        assert_eq!(lower_camel(given), wanted);
    }
}
