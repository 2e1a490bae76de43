//! What was found, in plain words. `observed` fills this from list calls, `plan` compares it with what is desired; tests of
//! the plan write it down themselves.

use std::collections::{BTreeMap, BTreeSet};

use manifest::stack::Need;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::desired::resource::Kind;
use crate::desired::secret::SecretNeed;
use crate::hash::Hash;
use crate::marker::Owner;
use crate::observed::foreign::Taken;

/// Everything of the stack that exists.
#[derive(Debug, Clone, Default)]
pub struct Observed {
    /// Resources by kind and name.
    pub found: BTreeMap<(Kind, String), Found>,
    /// Secrets by id.
    pub secrets: BTreeMap<String, SecretState>,
    /// ARNs, with revision, of definitions that were looked at, by name.
    pub definitions: BTreeMap<String, String>,
    /// Schedules that were changed after they were made.
    pub touched: BTreeSet<String>,
    /// Triggers of others that ours replace, by the names of ours.
    pub taken: BTreeMap<String, Taken>,
}

/// A resource that exists.
#[derive(Debug, Clone, PartialEq)]
pub struct Found {
    /// Whose it is.
    pub owner: Owner,
    /// The hash that it carries.
    pub hash: Option<Hash>,
    /// As much of its content as was read; absent keys were not.
    pub body: Option<Value>,
    /// What a change must keep of a trigger.
    pub carry: Option<Carry>,
    /// ARN, with revision, of the definition that a trigger starts; absent where nobody looked.
    pub starts: Option<String>,
}

impl Found {
    /// A resource of this stack that carries this hash.
    pub fn ours(hash: Option<Hash>) -> Self {
        Self { owner: Owner::Ours, hash, body: None, carry: None, starts: None }
    }

    /// The same, with what was read of its content.
    #[must_use]
    pub fn with_body(self, body: Value) -> Self {
        Self { body: Some(body), ..self }
    }
}

/// What people decided about a trigger, which outlives a change of its manifest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Carry {
    /// Whether it is on.
    pub state: State,
    /// Whether it is off only because a required secret had no value.
    pub waits_for_secret: bool,
    /// Before this time, in seconds since 1970, it does not fire: that is how it is paused.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub start: Option<i64>,
    /// The revision that it starts, whatever is newest.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pinned: Option<u32>,
}

impl Carry {
    /// Whether a person turned it off.
    pub fn off_by_hand(self) -> bool {
        self.state == State::Disabled && !self.waits_for_secret
    }
}

/// Whether a trigger is on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// It fires.
    Enabled,
    /// It does not.
    Disabled,
}

/// Whether a secret can be read by a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SecretState {
    /// It has a value.
    Present,
    /// There is none of that name.
    Absent,
    /// It was made, and never given a value.
    Empty,
    /// It is scheduled for deletion.
    Deleted,
}

impl Observed {
    /// What was found of that kind and name.
    pub fn get(&self, kind: Kind, name: &str) -> Option<&Found> {
        self.found.get(&(kind, name.to_owned()))
    }

    /// Names of what was found of a kind.
    pub fn names(&self, kind: Kind) -> impl Iterator<Item = &str> {
        self.found.keys().filter(move |(found, _)| *found == kind).map(|(_, name)| name.as_str())
    }

    /// Ids of required secrets that a run could not read.
    pub fn absent_secrets(&self, needs: &BTreeMap<String, SecretNeed>) -> BTreeSet<String> {
        let absent = |id: &&String| self.secrets.get(*id).is_some_and(|state| *state != SecretState::Present);
        needs.iter().filter(|(_, need)| need.need == Need::Required).map(|(id, _)| id).filter(absent).cloned().collect()
    }
}
