//! What people hold: triggers that were paused, turned off or pinned. In: what exists. Out: one line of each.

use serde::{Deserialize, Serialize};

use crate::desired::resource::Kind;
use crate::marker::Owner;
use crate::observed::state::{Carry, Observed};

/// A trigger that is held.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Held {
    /// Schedule or rule.
    pub kind: Kind,
    /// Its name in AWS.
    pub name: String,
    /// How, in words.
    pub how: Vec<String>,
}

/// Every trigger of ours that is held.
pub(super) fn of(observed: &Observed) -> Vec<Held> {
    let trigger = |kind: Kind| matches!(kind, Kind::Schedule | Kind::Rule);
    let ours = observed.found.iter().filter(|((kind, _), found)| trigger(*kind) && found.owner == Owner::Ours);
    ours.filter_map(|((kind, name), found)| {
        let how = words(found.carry?);
        (!how.is_empty()).then(|| Held { kind: *kind, name: name.clone(), how })
    })
    .collect()
}

/// How a trigger is held; nothing when it is not.
pub fn words(carry: Carry) -> Vec<String> {
    let mut words = Vec::new();
    if carry.off_by_hand() {
        words.push("disabled".to_owned());
    }
    if let Some(start) = carry.start.and_then(|start| jiff::Timestamp::from_second(start).ok()) {
        words.push(format!("paused until {}", start.strftime("%Y-%m-%d %H:%MZ")));
    }
    if let Some(revision) = carry.pinned {
        words.push(format!("pinned to revision {revision}"));
    }
    words
}
