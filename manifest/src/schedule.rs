//! When a dataset is loaded, in which time zone, on which task-def.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
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
    /// What somebody else made to fire the same, and goes once this one is there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub replaces: Option<Replaced>,
}

/// A trigger that is not ours: a rule of the default bus, or a schedule of EventBridge Scheduler. Written `rule/NAME` or
/// `schedule/GROUP/NAME`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Replaced {
    /// A rule, by name.
    Rule(String),
    /// A schedule, by group and name.
    Schedule {
        /// Its group, such as `default`.
        group: String,
        /// Its name.
        name: String,
    },
}

/// A text that names no trigger.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` names no trigger; write rule/NAME or schedule/GROUP/NAME")]
pub struct ReplacedError(String);

impl FromStr for Replaced {
    type Err = ReplacedError;
    fn from_str(text: &str) -> Result<Self, ReplacedError> {
        // What EventBridge and its Scheduler take in names.
        let named = |part: &str| {
            let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
            (!part.is_empty() && part.len() <= 64 && part.chars().all(allowed)).then(|| part.to_owned())
        };
        let parts: Vec<&str> = text.split('/').collect();
        let replaced = match parts[..] {
            ["rule", name] => named(name).map(Self::Rule),
            ["schedule", group, name] => {
                named(group).zip(named(name)).map(|(group, name)| Self::Schedule { group, name })
            }
            _ => None,
        };
        replaced.ok_or_else(|| ReplacedError(text.to_owned()))
    }
}

impl fmt::Display for Replaced {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Rule(name) => write!(f, "rule/{name}"),
            Self::Schedule { group, name } => write!(f, "schedule/{group}/{name}"),
        }
    }
}

impl TryFrom<String> for Replaced {
    type Error = ReplacedError;
    fn try_from(text: String) -> Result<Self, ReplacedError> {
        text.parse()
    }
}

impl From<Replaced> for String {
    fn from(replaced: Replaced) -> String {
        replaced.to_string()
    }
}

impl JsonSchema for Replaced {
    fn schema_name() -> Cow<'static, str> {
        "Replaced".into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({"type": "string", "pattern": "^(rule|schedule/[^/]+)/[^/]+$"})
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_trigger_of_others_reads_back_and_anything_else_is_refused() {
        for text in ["rule/nightly-load", "schedule/default/nightly.load"] {
            assert_eq!(text.parse::<Replaced>().unwrap().to_string(), text);
        }
        for text in ["nightly", "rule/", "rule/a/b", "schedule/a", "schedule//a", "rule/a b"] {
            assert!(text.parse::<Replaced>().unwrap_err().to_string().contains("rule/NAME"), "{text}");
        }
    }
}
