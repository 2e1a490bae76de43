//! What a run executes on: one file in `task-defs/`.

use serde::{Deserialize, Serialize};

use crate::dataset::is_default;
use crate::name::TaskDefName;
use crate::quantity::Span;

/// Engine, size and limits of a run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TaskDef {
    /// Its name: the file's without `.yml`.
    pub name: TaskDefName,
    /// Which service runs it.
    pub engine: Engine,
    /// What Batch's jobs run on.
    #[serde(default, skip_serializing_if = "is_default")]
    pub compute: Compute,
    /// Whether AWS may take the machine away.
    #[serde(default, skip_serializing_if = "is_default")]
    pub capacity: Capacity,
    /// CPU units, 1024 to a vCPU; one of Fargate's steps, or whole vCPUs on EC2.
    pub cpu: u32,
    /// Memory in MiB; one that Fargate offers for this cpu.
    pub memory: u32,
    /// Processor architecture.
    #[serde(default, skip_serializing_if = "is_default")]
    pub arch: Arch,
    /// The worker's own deadline; also Batch's timeout.
    pub timeout: Span,
    /// Tries in all, 1 to 10: the worker's own on Fargate, Batch's on Batch.
    pub attempts: u8,
    /// Ephemeral storage in GiB, 21 to 200; Fargate's 20 when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub storage: Option<u16>,
}

/// Which service runs a task.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Engine {
    /// An ECS task on Fargate.
    Fargate,
    /// An AWS Batch job.
    Batch,
}

/// What Batch's jobs run on. ECS tasks run on Fargate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Compute {
    /// Fargate.
    #[default]
    Fargate,
    /// EC2 instances that Batch starts and ends.
    Ec2,
}

/// Whether AWS may take the machine away, for which it costs a third or so.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Capacity {
    /// It may not.
    #[default]
    OnDemand,
    /// It may, two minutes after it said so.
    Spot,
}

/// Processor architecture.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Arch {
    /// Intel and AMD; `X86_64` to AWS.
    #[default]
    #[serde(rename = "x86_64")]
    X86_64,
    /// Graviton; `ARM64` to AWS.
    Arm64,
}
