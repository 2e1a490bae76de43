//! One change of the plan: what is done to which resource, and why.

use std::fmt;

use manifest::DatasetName;
use manifest::schedule::Replaced;
use serde::{Deserialize, Serialize};

use crate::desired::resource::{Kind, Resource};
use crate::observed::state::Carry;

/// What is done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Action {
    /// It is made.
    Create,
    /// It is changed where it is.
    Update,
    /// Another is made, then this one goes.
    Replace,
    /// It is somebody else's, becomes ours, and is changed.
    Adopt,
    /// It goes.
    Delete,
}

impl Action {
    /// Every action, in the order in which they are counted.
    pub const ALL: [Self; 5] = [Self::Create, Self::Update, Self::Replace, Self::Adopt, Self::Delete];

    /// The word people use.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Create => "create",
            Self::Update => "update",
            Self::Replace => "replace",
            Self::Adopt => "adopt",
            Self::Delete => "delete",
        }
    }

    /// The sign that begins its line.
    pub fn sign(self) -> char {
        match self {
            Self::Create => '+',
            Self::Update => '~',
            Self::Replace => '±',
            Self::Adopt => '>',
            Self::Delete => '-',
        }
    }
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// Why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Reason {
    /// A field differs.
    Field {
        /// Where: keys joined by dots.
        field: String,
        /// What is there; nothing when absent.
        from: Option<String>,
        /// What should be; nothing when it goes.
        to: Option<String>,
    },
    /// Anything else, in words.
    Says(String),
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Field { field, from: Some(from), to: Some(to) } => write!(f, "{field}: {from} → {to}"),
            Self::Field { field, from: None, to: Some(to) } => write!(f, "{field}: {to} is new"),
            Self::Field { field, from: Some(from), to: None } => write!(f, "{field}: {from} goes"),
            Self::Field { field, from: None, to: None } => f.write_str(field),
            Self::Says(words) => f.write_str(words),
        }
    }
}

/// One change.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Change {
    /// What is done.
    pub action: Action,
    /// The kind of resource.
    pub kind: Kind,
    /// Its name in AWS.
    pub name: String,
    /// The dataset that it is there for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dataset: Option<DatasetName>,
    /// Why; empty when it is simply not there yet.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub reasons: Vec<Reason>,
    /// What goes once the new one is there: earlier schedules of the same entry.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub old: Vec<String>,
    /// What is kept of the old one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub carry: Option<Carry>,
    /// Expression and zone of the schedule that is replaced: neither may be about to fire.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fires: Option<(String, String)>,
    /// The trigger of somebody else that goes once this one is there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub takes: Option<Replaced>,
    /// The resource as it should be; none when it goes.
    #[serde(skip)]
    pub wanted: Option<Resource>,
}
