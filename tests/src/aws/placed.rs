//! What is put at the endpoint by hand: secrets, log lines, and changes to what a deployment made, as somebody at the
//! console would make them.

use serde_json::{Value, json};

use super::Aws;
use crate::error::{Error, Result};
use crate::http::percent_encode;

/// Members that describe a revision and are refused at registration.
const TASK_READ_ONLY: [&str; 9] = [
    "taskDefinitionArn",
    "revision",
    "status",
    "requiresAttributes",
    "compatibilities",
    "registeredAt",
    "registeredBy",
    "deregisteredAt",
    "tags",
];
const JOB_READ_ONLY: [&str; 4] = ["jobDefinitionArn", "revision", "status", "containerOrchestrationType"];
const SCHEDULE_READ_ONLY: [&str; 4] = ["Arn", "CreationDate", "LastModificationDate", "Name"];

impl Aws {
    /// Registers a further revision of what `describe_task_definition` gave, and returns its ARN.
    pub fn register_task_definition(&self, definition: &Value) -> Result<String> {
        let registered = self.json("ecs", "RegisterTaskDefinition", &without(definition, &TASK_READ_ONLY))?;
        arn_in("ecs:RegisterTaskDefinition", &registered["taskDefinition"]["taskDefinitionArn"])
    }

    /// Registers a further revision of what `describe_job_definitions` gave, and returns its ARN.
    pub fn register_job_definition(&self, definition: &Value) -> Result<String> {
        let input = without(definition, &JOB_READ_ONLY);
        let registered = self.rest("batch", "POST", "/v1/registerjobdefinition", Some(&input))?;
        arn_in("batch:RegisterJobDefinition", &registered["jobDefinitionArn"])
    }

    /// Replaces a schedule by what `get_schedule` gave, after a change.
    pub fn update_schedule(&self, name: &str, schedule: &Value) -> Result<()> {
        let input = without(schedule, &SCHEDULE_READ_ONLY);
        self.rest("scheduler", "PUT", &format!("/schedules/{}", percent_encode(name)), Some(&input)).map(drop)
    }

    /// Makes a secret, or gives it a new value when it is there.
    pub fn put_secret(&self, name: &str, text: &str) -> Result<()> {
        match self.json("secretsmanager", "CreateSecret", &json!({"Name": name, "SecretString": text})) {
            Err(Error::Aws { code, .. }) if code == "ResourceExistsException" => {
                let input = json!({"SecretId": name, "SecretString": text});
                self.json("secretsmanager", "PutSecretValue", &input).map(drop)
            }
            other => other.map(drop),
        }
    }

    /// Makes a log group; fails when it is there.
    pub fn create_log_group(&self, group: &str) -> Result<()> {
        self.json("logs", "CreateLogGroup", &json!({"logGroupName": group})).map(drop)
    }

    /// Makes a stream, if it is not there, and puts these lines into it; times are milliseconds since 1970.
    pub fn put_log_stream(&self, group: &str, stream: &str, events: &[(i64, String)]) -> Result<()> {
        /// AWS takes 10,000 events and 1 MiB at a time; a line and its overhead rarely have 1 KiB.
        const BATCH: usize = 1000;
        let place = json!({"logGroupName": group, "logStreamName": stream});
        match self.json("logs", "CreateLogStream", &place) {
            Err(Error::Aws { code, .. }) if code == "ResourceAlreadyExistsException" => {}
            other => drop(other?),
        }
        for batch in events.chunks(BATCH) {
            let mut input = place.clone();
            let events = batch.iter().map(|(time, line)| json!({"timestamp": time, "message": line}));
            input["logEvents"] = events.collect();
            let answer = self.json("logs", "PutLogEvents", &input)?;
            // HTTP 200, and the lines are gone: too old, or in the future.
            if let Some(rejected) = answer.get("rejectedLogEventsInfo").filter(|rejected| !rejected.is_null()) {
                return Err(Error::failed("logs:PutLogEvents", format!("some lines were rejected: {rejected}")));
            }
        }
        Ok(())
    }
}

fn without(value: &Value, names: &[&str]) -> Value {
    let mut value = value.clone();
    if let Some(members) = value.as_object_mut() {
        members.retain(|name, member| !names.contains(&name.as_str()) && !member.is_null());
    }
    value
}

fn arn_in(call: &str, value: &Value) -> Result<String> {
    value.as_str().map(str::to_owned).ok_or_else(|| Error::failed(call, "the answer holds no ARN"))
}
