//! What is otherwise than it should be although its hash says that it is right. In: what is desired, and everything that
//! exists, read whole. Out: one entry per resource that differs. What people may decide, pauses and pins, is no drift.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::change::{Action, Change, Reason};
use super::{Plan, comparable, diff};
use crate::desired::Desired;
use crate::desired::resource::{Body, Kind, Resource};
use crate::marker::Owner;
use crate::observed::state::{Found, Observed};

/// A resource that differs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Drifted {
    /// Its kind.
    pub kind: Kind,
    /// Its name.
    pub name: String,
    /// How it differs.
    pub reasons: Vec<Reason>,
}

/// Everything that differs, in the order in which things are made.
pub fn of(desired: &Desired, observed: &Observed) -> Vec<Drifted> {
    let drifted = |resource: &Resource| {
        let reasons = match observed.get(resource.kind(), &resource.name) {
            None => vec![Reason::Says("is not there".to_owned())],
            Some(found) => reasons(resource, found, observed),
        };
        (!reasons.is_empty()).then(|| Drifted { kind: resource.kind(), name: resource.name.clone(), reasons })
    };
    desired.resources.iter().filter_map(drifted).collect()
}

fn reasons(resource: &Resource, found: &Found, observed: &Observed) -> Vec<Reason> {
    // A cluster that others share is used as it is.
    if resource.kind() == Kind::Cluster {
        return Vec::new();
    }
    if found.owner != Owner::Ours {
        return vec![Reason::Says(format!("its mark is gone: it belongs to {}", found.owner))];
    }
    let wanted = comparable(&resource.body);
    let mut reasons = found.body.as_ref().map(|body| diff::compare(body, &wanted)).unwrap_or_default();
    if let (Body::Schedule(trigger) | Body::Rule(trigger), Some(starts)) = (&resource.body, &found.starts) {
        let pinned = found.carry.and_then(|carry| carry.pinned);
        let newest = observed.definitions.get(&trigger.target.definition.name);
        if let Some(newest) = newest.filter(|newest| pinned.is_none() && *newest != starts) {
            reasons.push(Reason::Field {
                field: "definition".to_owned(),
                from: Some(starts.clone()),
                to: Some(newest.clone()),
            });
        }
    }
    reasons
}

impl Plan {
    /// The plan that makes right what drifted.
    pub fn repair(desired: &Desired, observed: &Observed, drifted: &[Drifted]) -> Self {
        let mut reasons: BTreeMap<(Kind, &str), Vec<Reason>> =
            drifted.iter().map(|one| ((one.kind, one.name.as_str()), one.reasons.clone())).collect();
        // What starts a definition that is registered anew has to be pointed to it.
        for resource in &desired.resources {
            let (Body::Schedule(trigger) | Body::Rule(trigger)) = &resource.body else { continue };
            let definition = trigger.target.definition.name.as_str();
            if [Kind::TaskDefinition, Kind::JobDefinition].iter().any(|kind| reasons.contains_key(&(*kind, definition)))
            {
                let says = vec![Reason::Says(format!("{definition} has a new revision"))];
                reasons.entry((resource.kind(), resource.name.as_str())).or_insert(says);
            }
        }
        let change = |resource: &Resource| {
            let reasons = reasons.get(&(resource.kind(), resource.name.as_str()))?;
            let found = observed.get(resource.kind(), &resource.name);
            Some(Change {
                action: if found.is_some() { Action::Update } else { Action::Create },
                kind: resource.kind(),
                name: resource.name.clone(),
                dataset: resource.dataset.clone(),
                reasons: reasons.clone(),
                old: Vec::new(),
                carry: found.and_then(|found| found.carry),
                fires: None,
                takes: None,
                wanted: Some(resource.clone()),
            })
        };
        // What is not ours, or no longer, is taken over by `--adopt` only.
        let of_others = |resource: &&Resource| {
            // One more revision takes nothing from anybody: those of others stay as they are.
            let is_definition = matches!(resource.kind(), Kind::TaskDefinition | Kind::JobDefinition);
            match observed.get(resource.kind(), &resource.name).map(|found| &found.owner) {
                None | Some(Owner::Ours) => false,
                Some(Owner::Managed(_)) => resource.kind() != Kind::Cluster,
                Some(Owner::Other(_) | Owner::Unknown) => resource.kind() != Kind::Cluster && !is_definition,
            }
        };
        let (lost, ours): (Vec<&Resource>, Vec<&Resource>) = desired.resources.iter().partition(of_others);
        let changes: Vec<Change> = ours.into_iter().filter_map(change).collect();
        let foreign = lost.into_iter().filter_map(|resource| {
            let found = observed.get(resource.kind(), &resource.name)?;
            Some(super::foreign(resource.kind(), &resource.name, &found.owner))
        });
        Self { findings: foreign.collect(), ..Self::of_changes(desired, observed, changes) }
    }
}
