//! Makes a plan happen. In: the plan. Out: what was done and what failed. Changes are applied kind by kind in the plan's
//! order; datasets of one kind side by side, at AWS's rates. There is no journal: a run that is cut off anywhere converges
//! when it is run again, because what is there is looked at and every step can be repeated.

mod make;
mod quiet;
mod remove;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, PoisonError};

use futures_util::stream::{self, StreamExt};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::aws::Clients;
use crate::aws::error::AwsError;
use crate::desired::Desired;
use crate::desired::resource::{Body, Kind};
use crate::plan::Plan;
use crate::plan::change::{Action, Change};

/// Datasets whose definitions or triggers are made at a time.
const SIDE_BY_SIDE: usize = 8;

/// Hears how far it is.
pub trait Progress: Sync {
    /// So many changes are to be made.
    fn begin(&self, changes: usize);
    /// This one is done, or failed.
    fn done(&self, change: &Change);
}

/// A change that was not made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure {
    /// What was to be done.
    pub action: Action,
    /// To which kind of resource.
    pub kind: Kind,
    /// Its name.
    pub name: String,
    /// Why it was not.
    pub error: String,
}

/// What became of a plan.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Applied {
    /// Changes that were made.
    pub made: usize,
    /// Changes that failed.
    pub failures: Vec<Failure>,
    /// Changes that were not tried because others failed.
    pub skipped: usize,
}

/// What steps have in common.
#[derive(Debug)]
struct Apply<'a> {
    clients: &'a Clients,
    desired: &'a Desired,
    id: fn() -> Uuid,
    definitions: Mutex<BTreeMap<String, String>>,
}

/// Makes the plan happen. `id` gives tokens, each once.
pub async fn apply(
    clients: &Clients,
    desired: &Desired,
    plan: &Plan,
    id: fn() -> Uuid,
    progress: &dyn Progress,
) -> Applied {
    let apply = Apply { clients, desired, id, definitions: Mutex::new(plan.definitions.clone()) };
    progress.begin(plan.changes.len());
    let mut applied = Applied::default();
    let mut failed_definitions: BTreeSet<String> = BTreeSet::new();
    let mut rest = plan.changes.as_slice();
    while let Some(first) = rest.first() {
        let same_stage = |change: &Change| (change.kind, is_deletion(change)) == (first.kind, is_deletion(first));
        let length = rest.iter().position(|change| !same_stage(change)).unwrap_or(rest.len());
        let (stage, later) = rest.split_at(length);
        rest = later;
        // Nothing goes unless all that should be there is; and nothing is built on a place that could not be made.
        let place_failed = applied.failures.iter().any(|failure| !per_dataset(failure.kind));
        if place_failed || is_deletion(first) && !applied.failures.is_empty() {
            applied.skipped += stage.len();
            continue;
        }
        let (now, never): (Vec<_>, Vec<_>) = stage.iter().partition(|change| !starts_any(change, &failed_definitions));
        applied.skipped += never.len();
        let width = if per_dataset(first.kind) { SIDE_BY_SIDE } else { 1 };
        let steps = now.into_iter().map(async |change| {
            let result = apply.step(change).await;
            progress.done(change);
            (change, result)
        });
        let mut results = stream::iter(steps).buffer_unordered(width);
        while let Some((change, result)) = results.next().await {
            match result {
                Ok(()) => applied.made += 1,
                Err(error) => {
                    if matches!(change.kind, Kind::TaskDefinition | Kind::JobDefinition) {
                        failed_definitions.insert(change.name.clone());
                    }
                    applied.failures.push(Failure {
                        action: change.action,
                        kind: change.kind,
                        name: change.name.clone(),
                        error: error.to_string(),
                    });
                }
            }
        }
    }
    applied.failures.sort_by(|a, b| (a.kind, &a.name).cmp(&(b.kind, &b.name)));
    applied
}

fn is_deletion(change: &Change) -> bool {
    change.action == Action::Delete
}

/// Whether a failure concerns one dataset only.
fn per_dataset(kind: Kind) -> bool {
    matches!(kind, Kind::TaskDefinition | Kind::JobDefinition | Kind::Schedule | Kind::Rule)
}

/// Whether a change is a trigger of a definition that could not be registered.
fn starts_any(change: &Change, failed: &BTreeSet<String>) -> bool {
    match change.wanted.as_ref().map(|resource| &resource.body) {
        Some(Body::Schedule(trigger) | Body::Rule(trigger)) => failed.contains(&trigger.target.definition.name),
        _ => false,
    }
}

impl Apply<'_> {
    async fn step(&self, change: &Change) -> Result<(), AwsError> {
        match &change.wanted {
            Some(resource) => self.make(change, resource).await,
            None => self.remove(change).await,
        }
    }

    /// ARN of a definition, registered just now or looked at before.
    fn definition_arn(&self, name: &str) -> Option<String> {
        self.definitions.lock().unwrap_or_else(PoisonError::into_inner).get(name).cloned()
    }

    fn registered(&self, name: &str, arn: String) {
        self.definitions.lock().unwrap_or_else(PoisonError::into_inner).insert(name.to_owned(), arn);
    }
}
