//! A container from its definition and its overrides, and its run as a process.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use jiff::Timestamp;
use serde_json::Value;

use super::{Fargate, refused};
use crate::aws::Aws;
use crate::binaries::{Invocation, REGION};
use crate::error::{Error, Result};
use crate::process::{Process, Run, Signal};

/// Between SIGTERM and SIGKILL: the default `stopTimeout` of ECS, and Batch's.
const STOP_GRACE: Duration = Duration::from_secs(30);

/// What a container is started with.
#[derive(Debug)]
pub(super) struct Container {
    pub(super) name: String,
    image: String,
    /// The definition's entry point replaces the image's; its first word is the program, which the image map names.
    entry_point: Vec<String>,
    pub(super) command: Vec<String>,
    pub(super) environment: BTreeMap<String, String>,
    /// Variable and `valueFrom`.
    secrets: Vec<(String, String)>,
    pub(super) log: Option<Log>,
}

/// The `awslogs` driver's options.
#[derive(Debug, Clone)]
pub(super) struct Log {
    pub(super) group: String,
    pub(super) prefix: Option<String>,
    pub(super) create_group: bool,
}

/// How long a container may run, and what then becomes of it.
#[derive(Debug, Clone, Copy)]
pub(super) enum Deadline {
    /// Past the test's own limit it is an error.
    Test(Duration),
    /// Past Batch's timeout it is stopped, which is an outcome.
    Batch(Duration),
}

impl Container {
    /// Reads a container of a task definition, or the `containerProperties` of a job definition.
    pub(super) fn of(definition: &Value) -> Self {
        let log = &definition["logConfiguration"];
        let option = |name: &str| log["options"][name].as_str().map(str::to_owned);
        Self {
            name: definition["name"].as_str().unwrap_or("default").to_owned(),
            image: definition["image"].as_str().unwrap_or_default().to_owned(),
            entry_point: strings(&definition["entryPoint"]),
            command: strings(&definition["command"]),
            environment: pairs(&definition["environment"], "value").into_iter().collect(),
            secrets: pairs(&definition["secrets"], "valueFrom"),
            log: option("awslogs-group").filter(|_| log["logDriver"] == "awslogs").map(|group| Log {
                group,
                prefix: option("awslogs-stream-prefix"),
                create_group: option("awslogs-create-group").as_deref() == Some("true"),
            }),
        }
    }

    /// Applies overrides: the command as a whole, the environment by name.
    pub(super) fn apply(&mut self, overrides: &Value) {
        if overrides["command"].is_array() {
            self.command = strings(&overrides["command"]);
        }
        self.environment.extend(pairs(&overrides["environment"], "value"));
    }

    /// Resolves what ECS injects before the start, with the execution role's rights.
    fn injected(&self, aws: &Aws, execution_role: Option<&str>) -> Result<Vec<(String, String)>> {
        if !self.secrets.is_empty() && execution_role.is_none() {
            return Err(refused("ClientException: a definition with secrets needs an execution role"));
        }
        let resolve = |(variable, from): &(String, String)| match secret(aws, from) {
            Ok(value) => Ok((variable.clone(), value)),
            Err(why) => Err(refused(format!("ResourceInitializationError: unable to pull secrets: {from}: {why}"))),
        };
        self.secrets.iter().map(resolve).collect()
    }

    /// Starts the process and waits for its end. `platform` is what the platform itself puts into the environment.
    pub(super) fn run(
        &self,
        fargate: &Fargate,
        roles: Roles<'_>,
        platform: &[(&str, &str)],
        deadline: Deadline,
    ) -> Result<Run> {
        let program = fargate.program(&self.image)?;
        if let Some(log) = &self.log {
            log.prepare(&fargate.aws)?;
        }
        let injected = self.injected(&fargate.aws, roles.execution)?;
        let injected = injected.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        let given = self.environment.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        // What comes later wins: the definition may overrule the platform.
        let environment = platform.iter().copied().chain(aws_environment(fargate, roles)).chain(given).chain(injected);
        let call = Invocation::bare(program).current_dir("/");
        let call = environment.fold(call, |call, (name, value)| call.env(name, value));
        deadline.wait(call.args(self.entry_point.iter().skip(1)).args(&self.command).start()?)
    }
}

/// The roles of a task.
#[derive(Debug, Clone, Copy)]
pub(super) struct Roles<'a> {
    pub(super) task: Option<&'a str>,
    pub(super) execution: Option<&'a str>,
}

/// Region and endpoint for every task; credentials for those that have a role, since the others have none on AWS either.
fn aws_environment<'a>(fargate: &'a Fargate, roles: Roles<'a>) -> impl Iterator<Item = (&'a str, &'a str)> {
    let always = [
        ("AWS_ENDPOINT_URL", fargate.task_endpoint.as_str()),
        ("AWS_REGION", REGION),
        ("AWS_DEFAULT_REGION", REGION),
        ("AWS_EC2_METADATA_DISABLED", "true"),
    ];
    let credentials = [("AWS_ACCESS_KEY_ID", "test"), ("AWS_SECRET_ACCESS_KEY", "test")];
    always.into_iter().chain(credentials.into_iter().filter(move |_| roles.task.is_some()))
}

impl Deadline {
    fn wait(self, process: Process) -> Result<Run> {
        match self {
            Self::Test(limit) => process.finish(limit),
            Self::Batch(limit) => {
                if !process.ends_within(limit) {
                    process.signal(Signal::TERM);
                    if !process.ends_within(STOP_GRACE) {
                        process.signal(Signal::KILL);
                    }
                }
                process.finish(STOP_GRACE)
            }
        }
    }
}

impl Log {
    /// Fails as ECS does when nobody made the group: the driver does not, unless it is told to.
    fn prepare(&self, aws: &Aws) -> Result<()> {
        if aws.log_group_exists(&self.group)? {
            return Ok(());
        }
        if self.create_group {
            return aws.create_log_group(&self.group);
        }
        let group = &self.group;
        Err(refused(format!(
            "ResourceInitializationError: failed to validate logger args: the log group {group} does not exist"
        )))
    }

    /// Puts the lines of a run into its stream.
    pub(super) fn ship(&self, aws: &Aws, stream: &str, run: &Run, started: Timestamp) -> Result<()> {
        let time = |after: Duration| started.as_millisecond() + i64::try_from(after.as_millis()).unwrap_or(0);
        // CloudWatch refuses an event without a message.
        let lines = run.lines.iter().filter(|line| !line.text.is_empty());
        let events: Vec<_> = lines.map(|line| (time(line.after), line.text.clone())).collect();
        aws.put_log_stream(&self.group, stream, &events)
    }
}

/// `arn:aws:secretsmanager:region:account:secret:name-AbCdEf[:json-key:version-stage:version-id]`.
fn secret(aws: &Aws, from: &str) -> Result<String> {
    let parts: Vec<_> = from.split(':').collect();
    if parts.get(2) != Some(&"secretsmanager") {
        return Err(refused("only Secrets Manager ARNs are understood here"));
    }
    let text = aws.get_secret_value(&parts[..parts.len().min(7)].join(":"))?;
    let Some(key) = parts.get(7).filter(|key| !key.is_empty()) else { return Ok(text) };
    let members: Value = serde_json::from_str(&text).map_err(|_| refused("the secret is not JSON"))?;
    match &members[key] {
        Value::String(value) => Ok(value.clone()),
        Value::Null => Err(refused(format!("retrieved secret did not contain the json key {key}"))),
        other => Ok(other.to_string()),
    }
}

pub(super) fn strings(list: &Value) -> Vec<String> {
    list.as_array().into_iter().flatten().filter_map(|item| item.as_str().map(str::to_owned)).collect()
}

fn pairs(list: &Value, member: &str) -> Vec<(String, String)> {
    let pair = |item: &Value| Some((item["name"].as_str()?.to_owned(), item[member].as_str()?.to_owned()));
    list.as_array().into_iter().flatten().filter_map(pair).collect()
}

/// Fails when a program of the image map is not there, before anything is made at the endpoint.
pub(super) fn check_program(fargate: &Fargate, container: &Container) -> Result<()> {
    let program: &Path = fargate.program(&container.image)?;
    if program.is_file() {
        Ok(())
    } else {
        Err(Error::failed("fargate", format!("{} does not exist", program.display())))
    }
}
