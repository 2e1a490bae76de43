//! What the stack consists of, one plain struct per kind of AWS resource. These are the words that `desired`, `plan` and
//! `apply` share with `aws`; no type of the SDK is among them. What a content hash covers is the JSON of such a struct.

use std::collections::BTreeMap;
use std::fmt;

use manifest::schedule::Mode;
use manifest::task_def::{Arch, Compute, Engine};
use manifest::{DatasetName, SecretName};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::watch::{Alarm, Dashboard, Topic, Watch};
use crate::hash::Hash;

/// The form in which bodies are put to AWS. Raised when what `aws` adds to them of its own (log driver, stop timeout, launch
/// type) changes, so that everything is registered anew.
const FORM: u32 = 1;

/// Tags by key.
pub type Tags = BTreeMap<String, String>;

/// The kinds of resource, in the order in which they are made; they go in reverse.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// Secrets Manager secret; only ever looked at.
    Secret,
    /// CloudWatch Logs group.
    LogGroup,
    /// IAM role.
    Role,
    /// SQS queue.
    Queue,
    /// SNS topic.
    Topic,
    /// ECS cluster.
    Cluster,
    /// Batch compute environment.
    ComputeEnvironment,
    /// Batch job queue.
    JobQueue,
    /// ECS task definition.
    TaskDefinition,
    /// Batch job definition.
    JobDefinition,
    /// EventBridge Scheduler group.
    ScheduleGroup,
    /// EventBridge Scheduler schedule.
    Schedule,
    /// EventBridge rule.
    Rule,
    /// CloudWatch alarm.
    Alarm,
    /// CloudWatch dashboard.
    Dashboard,
}

impl Kind {
    /// The words people use.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Secret => "secret",
            Self::LogGroup => "log group",
            Self::Role => "role",
            Self::Queue => "queue",
            Self::Topic => "topic",
            Self::Cluster => "cluster",
            Self::ComputeEnvironment => "compute environment",
            Self::JobQueue => "job queue",
            Self::TaskDefinition => "task definition",
            Self::JobDefinition => "job definition",
            Self::ScheduleGroup => "schedule group",
            Self::Schedule => "schedule",
            Self::Rule => "rule",
            Self::Alarm => "alarm",
            Self::Dashboard => "dashboard",
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// One resource as it should be.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Resource {
    /// Its name in AWS; of a schedule with the hash at its end.
    pub name: String,
    /// The dataset that it is there for; none when the stack as a whole needs it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dataset: Option<DatasetName>,
    /// Hash of [`Self::body`].
    pub hash: Hash,
    /// What it is.
    pub body: Body,
}

impl Resource {
    /// A resource whose name does not depend on its content.
    pub fn new(name: impl Into<String>, dataset: Option<DatasetName>, body: Body) -> Self {
        Self { name: name.into(), dataset, hash: body.hash(), body }
    }

    /// Its kind.
    pub fn kind(&self) -> Kind {
        self.body.kind()
    }
}

/// What a resource is.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Body {
    /// See [`Kind::LogGroup`].
    LogGroup(LogGroup),
    /// See [`Kind::Role`].
    Role(Role),
    /// See [`Kind::Queue`].
    Queue(Queue),
    /// See [`Kind::Topic`].
    Topic(Topic),
    /// See [`Kind::Cluster`].
    Cluster(Cluster),
    /// See [`Kind::ComputeEnvironment`].
    ComputeEnvironment(ComputeEnvironment),
    /// See [`Kind::JobQueue`].
    JobQueue(JobQueue),
    /// See [`Kind::TaskDefinition`].
    TaskDefinition(Definition),
    /// See [`Kind::JobDefinition`].
    JobDefinition(Definition),
    /// See [`Kind::ScheduleGroup`].
    ScheduleGroup(ScheduleGroup),
    /// See [`Kind::Schedule`].
    Schedule(Trigger),
    /// A rule that starts a run. See [`Kind::Rule`].
    Rule(Trigger),
    /// A rule that tells people. See [`Kind::Rule`].
    Watch(Watch),
    /// See [`Kind::Alarm`].
    Alarm(Alarm),
    /// See [`Kind::Dashboard`].
    Dashboard(Dashboard),
}

impl Body {
    /// Its kind.
    pub fn kind(&self) -> Kind {
        match self {
            Self::LogGroup(_) => Kind::LogGroup,
            Self::Role(_) => Kind::Role,
            Self::Queue(_) => Kind::Queue,
            Self::Topic(_) => Kind::Topic,
            Self::Cluster(_) => Kind::Cluster,
            Self::ComputeEnvironment(_) => Kind::ComputeEnvironment,
            Self::JobQueue(_) => Kind::JobQueue,
            Self::TaskDefinition(_) => Kind::TaskDefinition,
            Self::JobDefinition(_) => Kind::JobDefinition,
            Self::ScheduleGroup(_) => Kind::ScheduleGroup,
            Self::Schedule(_) => Kind::Schedule,
            Self::Rule(_) | Self::Watch(_) => Kind::Rule,
            Self::Alarm(_) => Kind::Alarm,
            Self::Dashboard(_) => Kind::Dashboard,
        }
    }

    /// Its content as JSON, without the word for its kind.
    pub fn json(&self) -> Value {
        match self {
            Self::LogGroup(body) => value(body),
            Self::Role(body) => value(body),
            Self::Queue(body) => value(body),
            Self::Topic(body) => value(body),
            Self::Cluster(body) => value(body),
            Self::ComputeEnvironment(body) => value(body),
            Self::JobQueue(body) => value(body),
            Self::TaskDefinition(body) | Self::JobDefinition(body) => value(body),
            Self::ScheduleGroup(body) => value(body),
            Self::Schedule(body) | Self::Rule(body) => value(body),
            Self::Watch(body) => value(body),
            Self::Alarm(body) => value(body),
            Self::Dashboard(body) => value(body),
        }
    }

    /// Hash of its content, and of the form in which it is put to AWS.
    pub fn hash(&self) -> Hash {
        Hash::of(&json!({"form": FORM, "body": self.json()}))
    }
}

/// JSON of a plain struct: string keys and finite numbers, so it cannot fail.
pub(crate) fn value(body: &impl Serialize) -> Value {
    serde_json::to_value(body).unwrap_or(Value::Null)
}

/// A CloudWatch Logs group.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogGroup {
    /// Days that it keeps its events.
    pub retention_days: u32,
    /// Pattern of the run records that are counted as failures of the stack.
    pub failures: String,
}

/// An IAM role with one inline policy.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Role {
    /// Path that its ARN holds.
    pub path: String,
    /// Words for people in its Description.
    pub words: String,
    /// Who may assume it: a policy document.
    pub trust: Value,
    /// What it may do: a policy document.
    pub policy: Value,
    /// ARN of its permissions boundary.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub boundary: Option<String>,
    /// The user's tags.
    pub tags: Tags,
}

/// An SQS queue.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Queue {
    /// Seconds that it keeps a message, at most 14 days.
    pub retention_seconds: u32,
    /// Who else may send to it: a policy document.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub policy: Option<Value>,
}

/// An ECS cluster.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cluster {
    /// Capacity providers that it must offer; none where every task is started by launch type.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub providers: Vec<String>,
}

/// A Batch compute environment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ComputeEnvironment {
    /// Subnet ids, sorted.
    pub subnets: Vec<String>,
    /// Security group ids, sorted.
    pub security_groups: Vec<String>,
    /// vCPUs that its jobs may take together.
    pub max_vcpus: u32,
    /// AWS's word for what its jobs run on: `FARGATE`, `FARGATE_SPOT`, `EC2` or `SPOT`.
    pub compute: String,
    /// What only instances have.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub instances: Option<Instances>,
}

/// EC2 instances that Batch starts and ends.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Instances {
    /// Types or families, or a word for those that AWS picks.
    pub types: Vec<String>,
    /// Name or ARN of their instance profile.
    pub profile: String,
}

/// A Batch job queue over one compute environment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct JobQueue {
    /// Its compute environment's name.
    pub compute_environment: String,
    /// Priority; higher goes first.
    pub priority: u32,
}

/// An ECS task definition or a Batch job definition, which hold the same.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Definition {
    /// CPU units, 1024 to a vCPU.
    pub cpu: u32,
    /// Memory in MiB.
    pub memory: u32,
    /// Processor architecture.
    pub arch: Arch,
    /// Ephemeral storage in GiB; the engine's 20 when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub storage: Option<u16>,
    /// The worker's image.
    pub image: String,
    /// What the worker is told to do.
    pub command: Vec<String>,
    /// Its environment.
    pub environment: BTreeMap<String, String>,
    /// Secrets that are put into its environment before it starts: name → where Secrets Manager has it.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub secrets: BTreeMap<String, String>,
    /// ARN of the role that pulls the image and writes logs.
    pub execution_role: String,
    /// ARN of the worker's own role.
    pub task_role: String,
    /// Where its output goes.
    pub logs: Logs,
    /// Batch's part; none on ECS.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub batch: Option<BatchLimits>,
    /// The user's tags and the dataset's.
    pub tags: Tags,
}

/// Where a container's output goes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Logs {
    /// Log group.
    pub group: String,
    /// Its region.
    pub region: String,
    /// What the names of its streams begin with: the dataset.
    pub prefix: String,
}

/// What only a Batch job definition holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BatchLimits {
    /// Tries in all, 1 to 10.
    pub attempts: u8,
    /// Seconds after which Batch ends an attempt, at least 60.
    pub timeout_seconds: u64,
    /// `ENABLED` or `DISABLED`; none on instances, which have what their subnet gives.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub public_ip: Option<String>,
    /// What its jobs run on.
    #[serde(default, skip_serializing_if = "is_fargate")]
    pub compute: Compute,
    /// Exit codes after which no further attempt is made.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub final_exits: Vec<u8>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands in a reference")]
fn is_fargate(compute: &Compute) -> bool {
    *compute == Compute::Fargate
}

/// A Scheduler group: nothing but its name and tags.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ScheduleGroup {
    /// The user's tags.
    pub tags: Tags,
}

/// What fires a run: a Scheduler schedule or an EventBridge rule, which hold the same.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Trigger {
    /// Name of the manifest's schedule.
    pub schedule: String,
    /// The expression in AWS's form; empty for a rule that answers to events.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub expression: String,
    /// The events that a rule answers to instead.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pattern: Option<Value>,
    /// IANA zone of the expression; `UTC` for a rule.
    pub timezone: String,
    /// Words for people in its Description.
    pub words: String,
    /// How much of the source is read.
    pub mode: Mode,
    /// Required secrets that have no value: the trigger is off until they do.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub waits_for: Vec<SecretName>,
    /// What is started.
    pub target: Target,
    /// ARN of the role that starts it.
    pub role: String,
    /// ARN of the queue for what could not be started.
    pub dead_letters: String,
    /// Seconds after which a firing that could not be delivered is given up.
    pub give_up_seconds: u32,
    /// Tries to deliver a firing.
    pub delivery_attempts: u32,
    /// The user's tags; only a rule can carry them.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub tags: Tags,
}

/// What a trigger starts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Target {
    /// Which definition, by name and content: its revision is known once it is registered.
    pub definition: DefinitionRef,
    /// ARN of the ECS cluster or of the Batch job queue.
    pub place: String,
    /// What is handed over at each firing, with the engine's keyword for the scheduled time: JSON text.
    pub input: String,
    /// Copies of a Batch job that are started side by side; one when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub array: Option<u16>,
    /// The cluster's capacity provider that runs the task; by launch type, and so on demand, when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub capacity_provider: Option<String>,
    /// Where the task runs; Batch has it in its compute environment.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub network: Option<Network>,
}

/// A definition by name and content.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct DefinitionRef {
    /// Which service runs it.
    pub engine: Engine,
    /// Its family or name.
    pub name: String,
    /// Hash of its body.
    pub hash: Hash,
}

/// Where a task runs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Network {
    /// Subnet ids, sorted.
    pub subnets: Vec<String>,
    /// Security group ids, sorted.
    pub security_groups: Vec<String>,
    /// `ENABLED` or `DISABLED`.
    pub public_ip: String,
}
