//! A plan on paper. In: a plan. Out: a file that says what was looked at and agreed to, and, when it is to be applied, what is
//! different now. The apply makes the plan anew and goes on only when it is the same: a file that somebody changed, or that
//! the world has left behind, applies nothing.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::Plan;
use super::change::Change;
use crate::hash::Hash;

/// The form of the file.
const FORM: u32 = 1;

/// A plan as it is saved.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Saved {
    /// The form of the file.
    pub form: u32,
    /// `stack/environment`.
    pub stack: String,
    /// Twelve digits.
    pub account: String,
    /// The region.
    pub region: String,
    /// What would be done, line by line, each with the hash of all that is behind it.
    pub changes: BTreeMap<String, String>,
}

impl Saved {
    /// What a plan says.
    pub fn of(plan: &Plan) -> Self {
        Self {
            form: FORM,
            stack: format!("{}/{}", plan.stack, plan.environment),
            account: plan.account.clone(),
            region: plan.region.clone(),
            changes: plan.changes.iter().map(|change| (line(change), content(change).to_string())).collect(),
        }
    }

    /// What is different now, in words; nothing when the plan is the same.
    pub fn differences(&self, now: &Self) -> Vec<String> {
        let mut differences = Vec::new();
        let places = [("form", self.form.to_string(), now.form.to_string())]
            .into_iter()
            .chain([("stack", self.stack.clone(), now.stack.clone())])
            .chain([("account", self.account.clone(), now.account.clone())])
            .chain([("region", self.region.clone(), now.region.clone())]);
        for (what, then, now) in places.filter(|(_, then, now)| then != now) {
            differences.push(format!("the {what} was {then} and is {now}"));
        }
        for (line, content) in &self.changes {
            match now.changes.get(line) {
                None => differences.push(format!("no longer to be done: {line}")),
                Some(other) if other != content => differences.push(format!("changed since: {line}")),
                Some(_) => {}
            }
        }
        let new = now.changes.keys().filter(|line| !self.changes.contains_key(*line));
        differences.extend(new.map(|line| format!("not in the saved plan: {line}")));
        differences
    }
}

fn line(change: &Change) -> String {
    format!("{} {} {}", change.action, change.kind, change.name)
}

/// All that a change rests on: what is there, and what it is to become.
fn content(change: &Change) -> Hash {
    let wanted: Option<Value> = change.wanted.as_ref().map(|resource| json!(resource.hash));
    let reasons: Vec<String> = change.reasons.iter().map(ToString::to_string).collect();
    Hash::of(
        &json!({"wanted": wanted, "reasons": reasons, "old": change.old, "carry": change.carry, "takes": change.takes}),
    )
}
