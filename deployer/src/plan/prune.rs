//! What goes: things of ours that no manifest asks for any more. In: what is desired and what exists. Out: deletions in the
//! reverse of the order in which things are made, and a finding when they are more than one plan may delete untold.

use std::collections::BTreeSet;

use super::change::{Action, Change, Reason};
use super::{Options, Scope, earlier};
use crate::desired::Desired;
use crate::desired::resource::Kind;
use crate::finding::{Code, Finding};
use crate::hash;
use crate::marker::Owner;
use crate::names::dataset_of_schedule;
use crate::observed::state::Observed;

/// Deletions that need no word, whatever their share.
const FEW: usize = 5;
/// Beyond [`FEW`]: one in so many of what exists.
const SHARE: usize = 4;

/// Kinds that go with their manifest. Logs, dead letters, the cluster and secrets hold data or are shared.
fn prunable(kind: Kind, scope: Scope) -> bool {
    match scope {
        Scope::EverythingWithData => return true,
        Scope::Everything => return !matches!(kind, Kind::LogGroup | Kind::Secret),
        Scope::Manifests => {}
    }
    matches!(
        kind,
        Kind::Role
            | Kind::ComputeEnvironment
            | Kind::JobQueue
            | Kind::TaskDefinition
            | Kind::JobDefinition
            | Kind::Schedule
            | Kind::Rule
            | Kind::Alarm
            | Kind::Dashboard
    )
}

/// What goes, triggers first.
pub(super) fn deletions(desired: &Desired, observed: &Observed, changes: &[Change], options: &Options) -> Vec<Change> {
    let wanted: BTreeSet<(Kind, &str)> =
        desired.resources.iter().map(|resource| (resource.kind(), resource.name.as_str())).collect();
    let replaced: BTreeSet<&str> = changes.iter().flat_map(|change| &change.old).map(String::as_str).collect();
    let mut deletions = Vec::new();
    for ((kind, name), found) in observed.found.iter().rev() {
        let goes =
            prunable(*kind, options.scope) && found.owner == Owner::Ours && !wanted.contains(&(*kind, name.as_str()));
        if !goes || replaced.contains(name.as_str()) {
            continue;
        }
        let left_behind = *kind == Kind::Schedule
            && earlier(name, observed).iter().any(|(other, _)| wanted.contains(&(Kind::Schedule, other.as_str())));
        let dataset = match kind {
            Kind::Schedule => hash::split(name).and_then(|(entry, _)| dataset_of_schedule(entry)),
            Kind::Rule => name.strip_prefix(&desired.names.rule_prefix()).and_then(dataset_of_schedule),
            Kind::Alarm => name.strip_prefix(&desired.names.alarm_prefix()).and_then(dataset_of_schedule),
            Kind::TaskDefinition | Kind::JobDefinition => desired.names.dataset_of_definition(name),
            _ => None,
        };
        // Under --only nothing is pruned, but what a change of the same dataset left behind is finished.
        let selected = dataset.as_ref().is_some_and(|dataset| options.only.contains(dataset));
        let excluded = dataset.as_ref().is_some_and(|dataset| options.exclude.contains(dataset));
        if excluded || !(options.only.is_empty() || left_behind && selected) {
            continue;
        }
        let why = match options.scope {
            _ if left_behind => "left behind by a change that was cut off",
            Scope::Manifests => "no manifest asks for it",
            Scope::Everything | Scope::EverythingWithData => "goes with the stack",
        };
        deletions.push(Change {
            action: Action::Delete,
            kind: *kind,
            name: name.clone(),
            dataset,
            reasons: vec![Reason::Says(why.to_owned())],
            old: Vec::new(),
            carry: None,
            fires: None,
            takes: None,
            wanted: None,
        });
    }
    deletions
}

/// A finding when more goes than one plan may delete untold.
pub(super) fn guard(deletions: &[Change], observed: &Observed, options: &Options) -> Option<Finding> {
    // Who destroys a stack has said its name.
    if options.scope != Scope::Manifests {
        return None;
    }
    let existing = observed
        .found
        .iter()
        .filter(|((kind, _), found)| prunable(*kind, options.scope) && found.owner == Owner::Ours)
        .count();
    let (count, allowed) = (deletions.len(), options.allow_deletes.unwrap_or(0));
    if count <= FEW.max(existing / SHARE) || count <= allowed {
        return None;
    }
    let message = format!("{count} of {existing} things would be deleted");
    let remedy = format!("check that the right folder is deployed, then say `--allow-deletes {count}`");
    Some(Finding::new(Code::Deletions, "plan", message, remedy))
}
