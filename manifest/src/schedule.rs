//! When a dataset is loaded, in which time zone, on which task-def.

use serde::{Deserialize, Serialize};

use crate::dataset::is_default;
use crate::name::{DatasetName, TaskDefName};
use crate::quantity::Span;

/// One trigger. An entry that AWS cannot say in one expression becomes several.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Schedule {
    /// Unique in the stack: the dataset's name, with `-full` for a mode and `-2` for a further entry.
    pub name: String,
    /// What is loaded.
    pub dataset: DatasetName,
    /// When, in AWS's form, `spread` applied.
    pub expression: String,
    /// When, as the manifest says it.
    pub written: String,
    /// IANA time zone of the expression; `UTC` for a rule.
    pub timezone: String,
    /// What it runs on.
    pub task_def: TaskDefName,
    /// Which part of EventBridge fires it.
    #[serde(default, skip_serializing_if = "is_default")]
    pub trigger: Trigger,
    /// How much of the source is read.
    #[serde(default, skip_serializing_if = "is_default")]
    pub mode: Mode,
    /// How old the table may become before someone is told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub freshness: Option<Span>,
}

/// Which part of EventBridge fires a schedule.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Trigger {
    /// EventBridge Scheduler: time zones, retries, dead letters.
    #[default]
    Scheduler,
    /// An EventBridge rule, for accounts that have no Scheduler: UTC only.
    Rule,
}

/// How much of the source is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Mode {
    /// What the dataset's `load` says.
    #[default]
    Normal,
    /// Everything, and what the source no longer holds is reconciled.
    Full,
}
