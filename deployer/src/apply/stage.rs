//! The order of an apply. In: the plan's changes. Out: stages that follow one another; in each, lanes that go side by side;
//! in each lane, rows of a change and those that need it. Pure.

use std::collections::BTreeMap;

use super::SIDE_BY_SIDE;
use crate::desired::resource::{Body, Kind};
use crate::plan::change::{Action, Change};

/// What is done before anything of the next stage is.
#[derive(Debug, Default)]
pub(super) struct Stage<'a> {
    /// They do not wait for one another.
    pub(super) lanes: Vec<Lane<'a>>,
    /// Whether things go.
    pub(super) deletes: bool,
}

/// Changes that share a rate.
#[derive(Debug)]
pub(super) struct Lane<'a> {
    /// They do not need one another.
    pub(super) rows: Vec<Row<'a>>,
    /// How many rows are made at a time.
    pub(super) width: usize,
}

/// A change and those that need it.
#[derive(Debug)]
pub(super) struct Row<'a> {
    /// What is made first.
    pub(super) first: &'a Change,
    /// What needs it, and nothing else of the row.
    pub(super) then: Vec<&'a Change>,
}

impl<'a> Row<'a> {
    fn of(first: &'a Change) -> Self {
        Self { first, then: Vec::new() }
    }
}

impl Stage<'_> {
    /// How many changes it holds.
    pub(super) fn len(&self) -> usize {
        self.lanes.iter().flat_map(|lane| &lane.rows).map(|row| 1 + row.then.len()).sum()
    }
}

/// The stages of these changes.
pub(super) fn of(changes: &[Change]) -> Vec<Stage<'_>> {
    let (deletions, made): (Vec<&Change>, Vec<&Change>) = changes.iter().partition(|change| is_deletion(change));
    let (of_datasets, shared): (Vec<&Change>, Vec<&Change>) =
        made.into_iter().partition(|change| is_per_dataset(change.kind));
    let (watching, places): (Vec<&Change>, Vec<&Change>) =
        shared.into_iter().partition(|change| matches!(change.kind, Kind::Alarm | Kind::Dashboard));
    let mut datasets = datasets(of_datasets);
    datasets.lanes.push(one_by_one(watching));
    let mut stages = vec![of_places(places), datasets];
    // What goes, goes in the plan's order, kind by kind.
    let kinds = deletions.chunk_by(|a, b| a.kind == b.kind);
    stages.extend(kinds.map(|same| Stage { lanes: vec![side_by_side(same)], deletes: true }));
    stages
}

fn is_deletion(change: &Change) -> bool {
    change.action == Action::Delete
}

/// Whether a failure concerns one dataset only.
pub(super) fn is_per_dataset(kind: Kind) -> bool {
    matches!(kind, Kind::TaskDefinition | Kind::JobDefinition | Kind::Schedule | Kind::Rule)
}

/// Places do not need one another, but for Batch's queue, which lies over its compute environment.
fn of_places(places: Vec<&Change>) -> Stage<'_> {
    let of_batch = |change: &&Change| matches!(change.kind, Kind::ComputeEnvironment | Kind::JobQueue);
    let (batch, others): (Vec<&Change>, Vec<&Change>) = places.into_iter().partition(of_batch);
    let mut batch = batch.into_iter();
    let batch = batch.next().map(|first| Row { first, then: batch.collect() });
    let rows = others.into_iter().map(Row::of).chain(batch).collect();
    Stage { lanes: vec![Lane { rows, width: SIDE_BY_SIDE }], deletes: false }
}

/// A definition, then at once the triggers that start it: what is registered in a lane of its own, at the rate of its
/// service, and triggers of definitions that stay in one more.
fn datasets(changes: Vec<&Change>) -> Stage<'_> {
    let mut lanes: BTreeMap<Kind, Vec<Row<'_>>> = BTreeMap::new();
    let mut row_of: BTreeMap<&str, (Kind, usize)> = BTreeMap::new();
    for change in changes {
        if matches!(change.kind, Kind::TaskDefinition | Kind::JobDefinition) {
            let rows = lanes.entry(change.kind).or_default();
            row_of.insert(&change.name, (change.kind, rows.len()));
            rows.push(Row::of(change));
            continue;
        }
        let row = started(change).and_then(|definition| row_of.get(definition));
        match row.and_then(|(kind, at)| lanes.get_mut(kind)?.get_mut(*at)) {
            Some(row) => row.then.push(change),
            None => lanes.entry(Kind::Schedule).or_default().push(Row::of(change)),
        }
    }
    let lanes = lanes.into_values().map(|rows| Lane { rows, width: SIDE_BY_SIDE });
    Stage { lanes: lanes.collect(), deletes: false }
}

/// The definition that a trigger starts.
fn started(change: &Change) -> Option<&str> {
    match change.wanted.as_ref().map(|resource| &resource.body) {
        Some(Body::Schedule(trigger) | Body::Rule(trigger)) => Some(&trigger.target.definition.name),
        _ => None,
    }
}

/// What watches over the datasets.
fn one_by_one(changes: Vec<&Change>) -> Lane<'_> {
    Lane { rows: changes.into_iter().map(Row::of).collect(), width: 1 }
}

/// Deletions of one kind: of what datasets share, one after the other.
fn side_by_side<'a>(changes: &[&'a Change]) -> Lane<'a> {
    let is_wide = changes.first().is_some_and(|change| is_per_dataset(change.kind));
    let rows = changes.iter().map(|change| Row::of(change)).collect();
    Lane { rows, width: if is_wide { SIDE_BY_SIDE } else { 1 } }
}
