//! The difference between what is desired and what exists, in the order in which it will be applied. In: both, and what the
//! user allows. Out: changes with their reasons, findings, counts. Pure: no SDK type, no clock, no randomness enters.

pub mod change;
pub mod diff;
pub mod drift;
pub mod estimate;
pub mod eta;
pub mod fires;
pub mod held;
pub mod moving;
mod prices;
mod prune;
pub mod saved;
mod secrets;
mod taking;

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use manifest::{DatasetName, SecretName};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use self::change::{Action, Change, Reason};
use self::estimate::Estimate;
use self::fires::Fires;
use self::held::Held;
use crate::desired::Desired;
use crate::desired::resource::{Body, Cluster, Kind, Resource, Trigger};
use crate::finding::{Code, Finding, Severity};
use crate::hash;
use crate::image::Meaning;
use crate::marker::Owner;
use crate::names::Names;
use crate::observed::state::{Carry, Found, Observed};

/// What may go when no manifest asks for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Scope {
    /// What belongs to manifests: definitions, triggers, roles, Batch's places.
    #[default]
    Manifests,
    /// All of the stack but what holds data.
    Everything,
    /// All of the stack, its logs and its secrets.
    EverythingWithData,
}

/// What the user allows.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// What may go.
    pub scope: Scope,
    /// Names of resources of others that become ours.
    pub adopt: BTreeSet<String>,
    /// When not empty, only these datasets, and nothing is pruned.
    pub only: BTreeSet<DatasetName>,
    /// These datasets are left as they are.
    pub exclude: BTreeSet<DatasetName>,
    /// Deletions that are expected; none were told when absent.
    pub allow_deletes: Option<usize>,
}

/// What will happen.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Plan {
    /// The stack.
    pub stack: String,
    /// The environment.
    pub environment: String,
    /// Twelve digits.
    pub account: String,
    /// The region.
    pub region: String,
    /// What tags of images mean now.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub images: Vec<Meaning>,
    /// Changes in the order in which they are applied.
    pub changes: Vec<Change>,
    /// How many resources are as they should be, by kind.
    pub unchanged: BTreeMap<Kind, usize>,
    /// Triggers that people hold: paused, disabled or pinned.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub held: Vec<Held>,
    /// What is wrong or worth knowing.
    pub findings: Vec<Finding>,
    /// When each schedule fires next.
    pub fires: Vec<Fires>,
    /// What the stack costs and takes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub estimate: Option<Estimate>,
    /// Seconds that the apply takes at the least, at AWS's rates.
    pub apply_seconds: u64,
    /// ARNs of definitions that stay as they are and that a change needs, by name.
    #[serde(skip)]
    pub definitions: BTreeMap<String, String>,
}

impl Plan {
    /// The plan.
    pub fn new(desired: &Desired, observed: &Observed, options: &Options, fires: Vec<Fires>) -> Self {
        let mut findings = desired.findings.clone();
        findings.extend(secrets::findings(desired, observed));
        let mut changes = Vec::new();
        let mut unchanged = BTreeMap::new();
        for resource in desired.resources.iter().filter(|resource| within(options, resource)) {
            match compare(desired, resource, observed, options, &changes) {
                Verdict::Same => *unchanged.entry(resource.kind()).or_default() += 1,
                Verdict::Change(change) => changes.push(*change),
                Verdict::Refused(finding) => findings.push(finding),
            }
        }
        let deletions = prune::deletions(desired, observed, &changes, options);
        findings.extend(prune::guard(&deletions, observed, options));
        changes.extend(deletions);
        findings.sort();
        Self { unchanged, findings, fires, ..Self::of_changes(desired, observed, changes) }
    }

    /// The plan of these changes, and nothing else.
    fn of_changes(desired: &Desired, observed: &Observed, changes: Vec<Change>) -> Self {
        let names = &desired.names;
        Self {
            apply_seconds: eta::seconds(&changes),
            estimate: None,
            stack: names.marker.stack.to_string(),
            environment: names.marker.environment.to_string(),
            account: names.account.clone(),
            region: names.region.clone(),
            images: Vec::new(),
            changes,
            unchanged: BTreeMap::new(),
            held: held::of(observed),
            findings: Vec::new(),
            fires: Vec::new(),
            definitions: observed.definitions.clone(),
        }
    }

    /// The same at this time: nothing moves from one engine of EventBridge to the other near a firing.
    #[must_use]
    pub fn at(mut self, names: &Names, now: Timestamp) -> Self {
        self.findings.extend(self.changes.iter().filter_map(|change| moving::refusal(change, names, now)));
        self.findings.sort();
        self
    }

    /// The same with what the stack costs and takes.
    #[must_use]
    pub fn estimated(mut self, estimate: Estimate) -> Self {
        self.findings.extend(estimate::finding(&estimate));
        self.findings.sort();
        self.estimate = Some(estimate);
        self
    }

    /// Whether nothing is to be done.
    pub fn is_empty(&self) -> bool {
        self.changes.is_empty()
    }

    /// How many changes there are of each action.
    pub fn count(&self, action: Action) -> usize {
        self.changes.iter().filter(|change| change.action == action).count()
    }

    /// Findings that forbid to apply it.
    pub fn refusals(&self) -> impl Iterator<Item = &Finding> {
        self.findings.iter().filter(|finding| finding.severity() == Severity::Refuses)
    }

    /// Findings that the exit code tells of.
    pub fn has_findings(&self) -> bool {
        self.findings.iter().any(|finding| finding.severity() < Severity::Notes)
    }
}

/// Whether a resource is part of this plan. What the stack as a whole needs is, but for the dashboard, which shows every
/// dataset and not only those that are named.
fn within(options: &Options, resource: &Resource) -> bool {
    let selected = |dataset: &DatasetName| options.only.is_empty() || options.only.contains(dataset);
    let of_dataset = |dataset: &DatasetName| selected(dataset) && !options.exclude.contains(dataset);
    let shows_all = resource.kind() == Kind::Dashboard && !options.only.is_empty();
    resource.dataset.as_ref().is_none_or(of_dataset) && !shows_all
}

enum Verdict {
    Same,
    Change(Box<Change>),
    Refused(Finding),
}

/// Compares one resource; `before` are the changes of those that come before it.
fn compare(
    desired: &Desired,
    resource: &Resource,
    observed: &Observed,
    options: &Options,
    before: &[Change],
) -> Verdict {
    let own = own(desired, resource, observed, options, before);
    let (Some(taken), Body::Schedule(trigger) | Body::Rule(trigger)) =
        (observed.taken.get(&resource.name), &resource.body)
    else {
        return own;
    };
    if let Some(finding) = taking::refusal(taken) {
        return Verdict::Refused(finding);
    }
    // While ours would be off for want of a secret, the other goes on firing.
    if !trigger.waits_for.is_empty() {
        return Verdict::Same;
    }
    match own {
        Verdict::Change(change) => Verdict::Change(Box::new(taking::trigger(*change, trigger, taken, desired))),
        // It was made, and then the run was cut off: both would fire.
        Verdict::Same => {
            let change = taking::trigger(change(Action::Update, resource), trigger, taken, desired);
            Verdict::Change(Box::new(change))
        }
        refused @ Verdict::Refused(_) => refused,
    }
}

/// A change of a resource, for no reason yet.
fn change(action: Action, resource: &Resource) -> Change {
    Change {
        action,
        kind: resource.kind(),
        name: resource.name.clone(),
        dataset: resource.dataset.clone(),
        reasons: Vec::new(),
        old: Vec::new(),
        carry: None,
        fires: None,
        takes: None,
        wanted: Some(resource.clone()),
    }
}

/// Compares one resource with what there is of ours, or in the way of ours.
fn own(desired: &Desired, resource: &Resource, observed: &Observed, options: &Options, before: &[Change]) -> Verdict {
    let kind = resource.kind();
    let change = |action: Action, reasons: Vec<Reason>| Change { reasons, ..change(action, resource) };
    let Some(found) = observed.get(kind, &resource.name) else {
        let new = match &resource.body {
            Body::Schedule(trigger) => moving::between_engines(
                replacement(change(Action::Create, Vec::new()), trigger, observed, before),
                trigger,
                observed,
            ),
            Body::Rule(trigger) => moving::between_engines(change(Action::Create, Vec::new()), trigger, observed),
            Body::TaskDefinition(_) | Body::JobDefinition(_) => {
                taking::definition(change(Action::Create, Vec::new()), resource, observed, desired)
            }
            _ => change(Action::Create, Vec::new()),
        };
        return Verdict::Change(Box::new(new));
    };
    // A cluster is a place that others may share: it is used as it is.
    if let Body::Cluster(cluster) = &resource.body {
        return match providers(cluster, found) {
            None => Verdict::Same,
            Some(reason) if found.owner == Owner::Ours => {
                Verdict::Change(Box::new(change(Action::Update, vec![reason])))
            }
            Some(_) => Verdict::Refused(cluster_of_others(&resource.name, cluster)),
        };
    }
    if let Some(finding) = moved(resource, found) {
        return Verdict::Refused(finding);
    }
    let reasons = differences(resource, found, before);
    match &found.owner {
        Owner::Ours if reasons.is_empty() => Verdict::Same,
        Owner::Ours => {
            let carry = found.carry.filter(|carry| carry.off_by_hand());
            Verdict::Change(Box::new(Change { carry, ..change(Action::Update, kept(reasons, carry)) }))
        }
        Owner::Managed(_) => Verdict::Refused(foreign(kind, &resource.name, &found.owner)),
        owner if options.adopt.contains(&resource.name) => {
            let mut reasons = reasons;
            reasons.insert(0, Reason::Says(format!("belonged to {owner}")));
            Verdict::Change(Box::new(change(Action::Adopt, reasons)))
        }
        owner => Verdict::Refused(foreign(kind, &resource.name, owner)),
    }
}

/// Why a cluster has to change: it does not offer what tasks are to be started by.
fn providers(cluster: &Cluster, found: &Found) -> Option<Reason> {
    let listed = found.body.as_ref().and_then(|body| body["providers"].as_array());
    let offers = |name: &String| listed.is_none_or(|listed| listed.iter().any(|offered| offered == name));
    let absent: Vec<&str> = cluster.providers.iter().filter(|name| !offers(name)).map(String::as_str).collect();
    (!absent.is_empty()).then(|| Reason::Says(format!("does not offer {} yet", absent.join(" and "))))
}

fn cluster_of_others(name: &str, cluster: &Cluster) -> Finding {
    let message = "tasks are to run on Spot, and this cluster, which is not ours, does not offer it";
    let remedy = format!(
        "ask its owner for `aws ecs put-cluster-capacity-providers --cluster {name} --capacity-providers {} \
         --default-capacity-provider-strategy` beside those that it has, or write capacity: on-demand",
        cluster.providers.join(" ")
    );
    Finding::new(Code::ClusterSpot, name, message, remedy)
}

/// What differs: by hash where the thing carries one, else field by field.
fn differences(resource: &Resource, found: &Found, before: &[Change]) -> Vec<Reason> {
    let fields =
        || found.body.as_ref().map(|body| diff::compare(body, &comparable(&resource.body))).unwrap_or_default();
    let carries_hash = !matches!(
        resource.kind(),
        Kind::LogGroup | Kind::Queue | Kind::Topic | Kind::Cluster | Kind::ComputeEnvironment | Kind::JobQueue
    );
    if !carries_hash {
        return fields();
    }
    match &found.hash {
        Some(hash) if *hash == resource.hash => Vec::new(),
        Some(hash) => {
            let mut reasons = fields();
            if let Body::Schedule(trigger) | Body::Rule(trigger) = &resource.body {
                reasons.extend(trigger_reasons(trigger, found, before));
            }
            if reasons.is_empty() {
                reasons.push(Reason::Says(format!("content {hash} → {}", resource.hash)));
            }
            reasons
        }
        None => vec![Reason::Says("it was left half made".to_owned())],
    }
}

/// A schedule that is not there under the name of its content replaces those of the same entry that are.
fn replacement(mut change: Change, trigger: &Trigger, observed: &Observed, before: &[Change]) -> Change {
    let earlier = earlier(&change.name, observed);
    let Some((_, newest)) = earlier.last() else { return change };
    let wanted = change.wanted.as_ref().map(|resource| comparable(&resource.body));
    change.action = Action::Replace;
    change.reasons = match (&newest.body, wanted) {
        (Some(found), Some(wanted)) => diff::compare(found, &wanted),
        _ => Vec::new(),
    };
    change.reasons.extend(trigger_reasons(trigger, newest, before));
    if change.reasons.is_empty() {
        change.reasons.push(Reason::Says("its definition changed".to_owned()));
    }
    let text = |key: &str| newest.body.as_ref().and_then(|body| body[key].as_str()).map(str::to_owned);
    change.fires = text("expression").zip(text("timezone"));
    let mut carry = newest.carry;
    if let Some((carry, revision)) = carry.as_mut().and_then(|carry| carry.pinned.map(|revision| (carry, revision)))
        && is_changed(&trigger.target.definition.name, before)
    {
        carry.pinned = None;
        change.reasons.push(Reason::Says(format!("is no longer pinned to revision {revision}: its manifest changed")));
    }
    let carry = carry.filter(|carry| carry.off_by_hand() || carry.start.is_some() || carry.pinned.is_some());
    change.reasons = kept(change.reasons, carry);
    change.carry = carry;
    change.old = earlier.into_iter().map(|(name, _)| name).collect();
    change
}

/// Why a trigger changes, beside its own fields: what it starts, and whether its secrets have values.
fn trigger_reasons(trigger: &Trigger, found: &Found, before: &[Change]) -> Vec<Reason> {
    let definition = &trigger.target.definition.name;
    let mut reasons = Vec::new();
    if is_changed(definition, before) {
        reasons.push(Reason::Says(format!("{definition} has a new revision")));
    }
    let waited = found.carry.is_some_and(|carry| carry.waits_for_secret);
    match (waited, trigger.waits_for.is_empty()) {
        (true, true) => reasons.push(Reason::Says("is enabled: its secrets have values".to_owned())),
        (false, false) => {
            let names: Vec<&str> = trigger.waits_for.iter().map(SecretName::as_str).collect();
            reasons.push(Reason::Says(format!("is disabled: {} has no value", names.join(", "))));
        }
        _ => {}
    }
    reasons
}

/// Whether another revision of a definition is registered by this plan.
fn is_changed(definition: &str, before: &[Change]) -> bool {
    before.iter().any(|change| change.name == definition && change.action != Action::Create)
}

/// A body as far as it can be read back: of what a trigger starts, AWS knows an ARN and not the content.
fn comparable(body: &Body) -> Value {
    let mut json = body.json();
    if let Some(target) = json.get_mut("target").and_then(Value::as_object_mut) {
        target.remove("definition");
    }
    json
}

/// Schedules of the same entry under other names.
fn earlier<'a>(name: &str, observed: &'a Observed) -> Vec<(String, &'a Found)> {
    let Some((entry, _)) = hash::split(name) else { return Vec::new() };
    let prefix = format!("{entry}.");
    observed
        .found
        .range((Kind::Schedule, prefix.clone())..)
        .take_while(|((kind, found), _)| *kind == Kind::Schedule && found.starts_with(&prefix))
        .filter(|((_, found), _)| found != name && hash::split(found).is_some_and(|(other, _)| other == entry))
        .map(|((_, name), found)| (name.clone(), found))
        .collect()
}

fn kept(mut reasons: Vec<Reason>, carry: Option<Carry>) -> Vec<Reason> {
    if let Some(carry) = carry {
        reasons.extend(held::words(carry).into_iter().map(|words| Reason::Says(format!("stays {words}"))));
    }
    reasons
}

/// A role that is under another path: IAM moves none, and its ARN, which others refer to, holds the path.
fn moved(resource: &Resource, found: &Found) -> Option<Finding> {
    let Body::Role(role) = &resource.body else { return None };
    let path = found.body.as_ref()?["path"].as_str().filter(|path| *path != role.path)?;
    let message = format!("a role of this name is under the path {path}, not {}", role.path);
    let remedy = format!("write `role_path: {path}` in freshet.yml, or delete that role: IAM moves none");
    Some(Finding::new(Code::RolePath, &resource.name, message, remedy))
}

/// Something of another, in the way of ours. What a tool or another stack keeps is not to be had by a word here.
pub(super) fn foreign(kind: Kind, name: &str, owner: &Owner) -> Finding {
    let message = format!("a {kind} of this name exists without our marker, owned by {owner}");
    let remedy = match owner {
        Owner::Managed(who) => format!("rename the stack, or let {who} give it up first: `--adopt` does not take it"),
        _ => format!("rename the stack, or take it over with `--adopt {name}`"),
    };
    Finding::new(Code::Foreign, name, message, remedy)
}

#[cfg(test)]
mod tests;
