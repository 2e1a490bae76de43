//! What AWS does when a schedule fires, done here with local processes: from nothing but what the endpoint holds, the
//! schedule or rule is read, its target's definition, the overrides with their keywords; the container is started as a
//! process with exactly that command and environment; its lines go into the log group that the definition names. What
//! AWS would refuse or fail to start is refused here, in AWS's words: a definition or role that is missing, a log group
//! nobody made, a secret the task cannot have. The caller gives only which program stands for which image.

mod container;
mod input;
mod job;
mod launch;
mod task;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use jiff::Timestamp;
use serde_json::Value;

use crate::aws::{Aws, ControlPlane};
use crate::error::{Error, Result};
use crate::process::{Line, Run};
use launch::Launch;

/// No container here may run longer, whatever its definition says.
const RUN_LIMIT: Duration = Duration::from_mins(10);

/// A stand-in for the services between a firing and a process: Scheduler, EventBridge, ECS on Fargate, Batch.
#[derive(Debug, Clone)]
pub struct Fargate {
    aws: Aws,
    task_endpoint: String,
    images: Vec<(String, PathBuf)>,
    limit: Duration,
}

/// A task or job that ran to its end.
#[derive(Debug, Clone)]
pub struct TaskRun {
    /// ECS task id, or Batch job id.
    pub id: String,
    /// ARN of the task or job definition.
    pub definition: String,
    /// What the container's program was called with, overrides applied.
    pub command: Vec<String>,
    /// The environment of definition and overrides: without the platform's own and without injected secrets.
    pub environment: BTreeMap<String, String>,
    /// The log group its lines went to; `None` when the definition names none.
    pub log_group: Option<String>,
    /// The log stream of the last attempt: `prefix/container/task-id`.
    pub log_stream: Option<String>,
    /// Its attempts in order: one on Fargate, one or more on Batch.
    pub attempts: Vec<Run>,
}

impl TaskRun {
    /// The last attempt.
    pub fn last(&self) -> &Run {
        self.attempts.last().expect("a task that ran has an attempt")
    }

    /// The exit code of the last attempt, or `None` when a signal ended it.
    pub fn code(&self) -> Option<i32> {
        self.last().code()
    }

    /// The lines of all attempts, both streams in the order of arrival.
    pub fn lines(&self) -> impl Iterator<Item = &Line> {
        self.attempts.iter().flat_map(|run| &run.lines)
    }
}

impl Fargate {
    /// Reads with this client, and gives this endpoint URL to the tasks.
    pub fn new(aws: Aws, task_endpoint: &str) -> Self {
        Self { aws, task_endpoint: task_endpoint.to_owned(), images: Vec::new(), limit: RUN_LIMIT }
    }

    /// Reads behind the proxy's back, so that the record holds the tasks' own calls.
    pub fn of(plane: &ControlPlane) -> Self {
        Self::new(plane.aws.clone(), &plane.url())
    }

    /// Lets a program stand for an image. A star at the end of the image's name stands for any tag or digest; the program
    /// is what the image's entry point would be.
    #[must_use]
    pub fn image(mut self, name: &str, program: impl Into<PathBuf>) -> Self {
        self.images.push((name.to_owned(), program.into()));
        self
    }

    /// Kills containers after this time instead of ten minutes.
    #[must_use]
    pub fn limit(mut self, limit: Duration) -> Self {
        self.limit = limit;
        self
    }

    /// Does what EventBridge Scheduler does at this time.
    pub fn fire_schedule(&self, group: &str, name: &str, at: Timestamp) -> Result<TaskRun> {
        self.run(&launch::of_schedule(&self.aws, group, name, at)?)
    }

    /// Does what an EventBridge rule with a schedule does at this time: one run per target.
    pub fn fire_rule(&self, name: &str, at: Timestamp) -> Result<Vec<TaskRun>> {
        launch::of_rule(&self.aws, name, at)?.iter().map(|launch| self.run(launch)).collect()
    }

    /// Runs what a call of `ecs:RunTask` asks for, given its input.
    pub fn run_task(&self, input: &Value) -> Result<TaskRun> {
        self.run(&Launch::Task(input.clone()))
    }

    /// Runs what a call of `batch:SubmitJob` asks for, given its input.
    pub fn submit_job(&self, input: &Value) -> Result<TaskRun> {
        self.run(&Launch::Job(input.clone()))
    }

    fn run(&self, launch: &Launch) -> Result<TaskRun> {
        match launch {
            Launch::Task(input) => task::run(self, input),
            Launch::Job(input) => job::run(self, input),
        }
    }

    fn program(&self, image: &str) -> Result<&PathBuf> {
        let stands_for = |name: &str| match name.strip_suffix('*') {
            Some(prefix) => image.starts_with(prefix),
            None => image == name,
        };
        let found = self.images.iter().find(|(name, _)| stands_for(name)).map(|(_, program)| program);
        found.ok_or_else(|| refused(format!("CannotPullContainerError: no program stands for the image {image}")))
    }
}

/// An error in AWS's words.
fn refused(words: impl Into<String>) -> Error {
    Error::failed("fargate", words)
}
