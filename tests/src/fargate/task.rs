//! ECS on Fargate: one task, one attempt, no timeout of its own.

use jiff::Timestamp;
use serde_json::Value;

use super::container::{Container, Deadline, Roles, check_program};
use super::{Fargate, TaskRun, refused};
use crate::error::Result;
use crate::random;

/// All overrides of a call together may have this many characters.
const OVERRIDES_MAX: usize = 8192;

/// Does what `ecs:RunTask` asks for.
pub(super) fn run(fargate: &Fargate, input: &Value) -> Result<TaskRun> {
    let aws = &fargate.aws;
    let cluster = input["cluster"].as_str().unwrap_or("default");
    if !aws.cluster_is_active(cluster)? {
        return Err(refused(format!("ClusterNotFoundException: Cluster not found: {cluster}")));
    }
    let definition = aws.describe_task_definition(input["taskDefinition"].as_str().unwrap_or_default())?;
    let arn = definition["taskDefinitionArn"].as_str().unwrap_or_default().to_owned();
    if definition["status"] == "INACTIVE" {
        return Err(refused(format!("ClientException: TaskDefinition is inactive: {arn}")));
    }
    let subnets = input.pointer("/networkConfiguration/awsvpcConfiguration/subnets").and_then(Value::as_array);
    if definition["networkMode"] == "awsvpc" && subnets.is_none_or(Vec::is_empty) {
        let words = "Network Configuration must be provided when networkMode 'awsvpc' is specified.";
        return Err(refused(format!("InvalidParameterException: {words}")));
    }

    let mut container = sole_container(&definition)?;
    apply_overrides(&mut container, &input["overrides"])?;
    check_program(fargate, &container)?;
    let roles = Roles { task: definition["taskRoleArn"].as_str(), execution: definition["executionRoleArn"].as_str() };
    for role in [roles.task, roles.execution].into_iter().flatten() {
        aws.check_role(role, "ecs-tasks.amazonaws.com")?;
    }

    let (id, started) = (random::hex(16)?, Timestamp::now());
    let stream = match &container.log {
        Some(log) => match &log.prefix {
            Some(prefix) => Some(format!("{prefix}/{}/{id}", container.name)),
            None => return Err(refused("ClientException: awslogs-stream-prefix is required on Fargate")),
        },
        None => None,
    };
    let run =
        container.run(fargate, roles, &[("AWS_EXECUTION_ENV", "AWS_ECS_FARGATE")], Deadline::Test(fargate.limit))?;
    if let (Some(log), Some(stream)) = (&container.log, &stream) {
        log.ship(aws, stream, &run, started)?;
    }
    Ok(TaskRun {
        id,
        definition: arn,
        command: container.command,
        environment: container.environment,
        log_group: container.log.map(|log| log.group),
        log_stream: stream,
        attempts: vec![run],
    })
}

fn sole_container(definition: &Value) -> Result<Container> {
    match definition["containerDefinitions"].as_array().map(Vec::as_slice) {
        Some([container]) => Ok(Container::of(container)),
        _ => Err(refused("only task definitions with one container are understood here")),
    }
}

fn apply_overrides(container: &mut Container, overrides: &Value) -> Result<()> {
    if overrides.is_null() {
        return Ok(());
    }
    if overrides.to_string().chars().count() > OVERRIDES_MAX {
        return Err(refused(format!(
            "InvalidParameterException: Container Overrides length must be at most {OVERRIDES_MAX}"
        )));
    }
    for change in overrides["containerOverrides"].as_array().into_iter().flatten() {
        let name = change["name"].as_str().unwrap_or_default();
        if name != container.name {
            let words = format!("Override for container named {name} is not a container in the TaskDefinition.");
            return Err(refused(format!("InvalidParameterException: {words}")));
        }
        container.apply(change);
    }
    Ok(())
}
