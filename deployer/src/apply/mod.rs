//! Makes a plan happen. In: the plan. Out: what was done and what failed. First the places, which do not need one another;
//! then the datasets side by side, each with its definition and at once with the triggers that start it, and what watches
//! over them; last what goes. All of it at AWS's rates, of which registering is by far the slowest: nothing else waits for it.
//! There is no journal: a run that is cut off anywhere converges when it is run again, because what is there is looked at
//! and every step can be repeated.

mod make;
mod quiet;
#[cfg(test)]
mod rates;
mod remove;
mod stage;

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use futures_util::future::join_all;
use futures_util::stream::{self, StreamExt};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use self::stage::{Lane, Row};
use crate::aws::Clients;
use crate::desired::Desired;
use crate::desired::resource::Kind;
use crate::plan::Plan;
use crate::plan::change::{Action, Change};

/// Datasets of one lane that are made at a time: enough for fifty calls a second where each takes a tenth of one.
const SIDE_BY_SIDE: usize = 16;

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

impl Applied {
    fn add(&mut self, part: Self) {
        self.made += part.made;
        self.skipped += part.skipped;
        self.failures.extend(part.failures);
    }
}

/// What steps have in common.
struct Apply<'a> {
    clients: &'a Clients,
    desired: &'a Desired,
    id: fn() -> Uuid,
    before: Before,
    definitions: Mutex<BTreeMap<String, String>>,
    progress: &'a dyn Progress,
}

/// What was there when the plan was made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Before {
    /// Nothing of the stack.
    Nothing,
    /// Something: an earlier run was here, and lists may not show yet all that it made.
    Something,
}

impl Before {
    fn of(plan: &Plan) -> Self {
        let all_new = plan.changes.iter().all(|change| change.action == Action::Create);
        if all_new && plan.unchanged.is_empty() { Self::Nothing } else { Self::Something }
    }
}

/// Makes the plan happen. `id` gives tokens, each once.
pub async fn apply(
    clients: &Clients,
    desired: &Desired,
    plan: &Plan,
    id: fn() -> Uuid,
    progress: &dyn Progress,
) -> Applied {
    let definitions = Mutex::new(plan.definitions.clone());
    let apply = Apply { clients, desired, id, before: Before::of(plan), definitions, progress };
    progress.begin(plan.changes.len());
    let mut applied = Applied::default();
    for stage in stage::of(&plan.changes) {
        // Nothing goes unless all that should be there is; and nothing is built on a place that could not be made.
        let place_failed = applied.failures.iter().any(|failure| !stage::is_per_dataset(failure.kind));
        if place_failed || stage.deletes && !applied.failures.is_empty() {
            applied.skipped += stage.len();
            continue;
        }
        for lane in join_all(stage.lanes.iter().map(|lane| apply.lane(lane))).await {
            applied.add(lane);
        }
    }
    applied.failures.sort_by(|a, b| (a.kind, &a.name).cmp(&(b.kind, &b.name)));
    applied
}

impl Apply<'_> {
    /// Makes the rows of a lane, some side by side.
    async fn lane(&self, lane: &Lane<'_>) -> Applied {
        let mut applied = Applied::default();
        let rows = lane.rows.iter().map(|row| self.row(row));
        let mut results = stream::iter(rows).buffer_unordered(lane.width);
        while let Some(row) = results.next().await {
            applied.add(row);
        }
        applied
    }

    /// Makes the first change of a row, then those that need it, none of which is tried when it failed.
    async fn row(&self, row: &Row<'_>) -> Applied {
        let mut applied = Applied::default();
        self.step(row.first, &mut applied).await;
        if applied.failures.is_empty() {
            for change in &row.then {
                self.step(change, &mut applied).await;
            }
        } else {
            applied.skipped += row.then.len();
        }
        applied
    }

    async fn step(&self, change: &Change, applied: &mut Applied) {
        let result = match &change.wanted {
            Some(resource) => self.make(change, resource).await,
            None => self.remove(change).await,
        };
        self.progress.done(change);
        match result {
            Ok(()) => applied.made += 1,
            Err(error) => applied.failures.push(Failure {
                action: change.action,
                kind: change.kind,
                name: change.name.clone(),
                error: error.to_string(),
            }),
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
