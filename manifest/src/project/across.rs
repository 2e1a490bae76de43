//! What only several files together tell: names that meet, datasets that depend on each other, secrets that no environment declares,
//! datasets that nothing loads or that do not fit into a definition.

use std::collections::{BTreeMap, BTreeSet};

use super::Building;
use crate::contract::{BATCH_DEFINITION_LIMIT, DEFINITION_RESERVE, ECS_DEFINITION_LIMIT, packed_size};
use crate::dataset::{Dataset, Origin, Status};
use crate::finding::{Code, Finding, Place, Severity};
use crate::name::{DatasetName, SecretName};
use crate::resolve::dataset::ResolvedDataset;
use crate::schedule::Mode;
use crate::served::unserved;
use crate::task_def::{Capacity, Engine, TaskDef};
use crate::yaml::{self, nearest};

/// A `${secret:NAME}` in a dataset.
pub(super) struct SecretUse {
    pub(super) name: SecretName,
    pub(super) place: Place,
}

impl Building<'_> {
    pub(super) fn across(&mut self) {
        let mut findings = Vec::new();
        self.names_that_meet(&mut findings);
        self.files_that_meet(&mut findings);
        self.dependencies(&mut findings);
        self.secrets_declared(&mut findings);
        self.scheduled(&mut findings);
        self.sizes(&mut findings);
        self.jobs(&mut findings);
        self.taken_away(&mut findings);
        for resolved in self.right().filter(|resolved| resolved.dataset.job.is_none()) {
            let unserved = unserved(&resolved.dataset);
            if !unserved.is_empty() {
                let told: Vec<&str> = unserved.iter().map(String::as_str).collect();
                let message = format!("the worker does not serve this yet: {}", told.join(", "));
                findings.push(Finding::new(Code::NotServed, message, Some(resolved.name.clone())));
            }
        }
        self.findings.extend(findings);
    }

    fn names_that_meet(&self, findings: &mut Vec<Finding>) {
        let mut datasets: BTreeMap<&DatasetName, &Place> = BTreeMap::new();
        let mut relations: BTreeMap<(&str, &str), (&DatasetName, &Place)> = BTreeMap::new();
        for (_, resolved) in &self.datasets {
            let dataset = &resolved.dataset;
            if let Some(first) = datasets.get(&dataset.dataset) {
                let message = format!("the dataset `{}` stands in {} already", dataset.dataset, first.told());
                findings.push(Finding::new(Code::DuplicateDataset, message, Some(resolved.name.clone())));
                continue;
            }
            datasets.insert(&dataset.dataset, &resolved.name);
            for (name, place) in &resolved.relations {
                let key = (dataset.schema.as_str(), name.as_str());
                match relations.get(&key) {
                    Some((owner, first)) if *owner != &dataset.dataset => {
                        let message =
                            format!("`{}.{name}` is published by `{owner}` already, in {}", key.0, first.told());
                        let finding = Finding::new(Code::DuplicateTable, message, Some(place.clone()));
                        findings
                            .push(finding.with_help("give one of them another name, or its dataset another schema:"));
                    }
                    _ => {
                        relations.insert(key, (&dataset.dataset, place));
                    }
                }
            }
        }
    }

    /// Sources of all datasets lie in one folder under an environment's `sources:`.
    fn files_that_meet(&self, findings: &mut Vec<Finding>) {
        let mut files: BTreeMap<&str, (&DatasetName, &Origin, &Place)> = BTreeMap::new();
        let mut told: BTreeSet<&str> = BTreeSet::new();
        for (_, resolved) in &self.datasets {
            for (file, origin, place) in &resolved.files {
                let (owner, first, first_place) =
                    *files.entry(file.as_str()).or_insert((&resolved.dataset.dataset, origin, place));
                if owner != &resolved.dataset.dataset && first != origin && told.insert(file) {
                    let message = format!("`{file}` is another file in `{owner}`, in {}", first_place.told());
                    let finding = Finding::new(Code::FileName, message, Some(place.clone()));
                    findings.push(
                        finding.with_help("files of all datasets lie in one folder of test data: name them apart"),
                    );
                }
            }
        }
    }

    fn dependencies(&self, findings: &mut Vec<Finding>) {
        let mut needs: BTreeMap<&DatasetName, Vec<(&DatasetName, &Place)>> = BTreeMap::new();
        for (_, resolved) in &self.datasets {
            let names = resolved.depends_on.iter().map(|(name, place)| (name, place)).collect();
            needs.insert(&resolved.dataset.dataset, names);
            for (name, place) in &resolved.depends_on {
                if !self.known.contains_key(name) {
                    let mut finding = Finding::new(
                        Code::UnknownDataset,
                        format!("there is no dataset `{name}`"),
                        Some(place.clone()),
                    );
                    finding.suggest(name.as_str(), self.known.keys().map(DatasetName::as_str));
                    findings.push(finding);
                }
            }
        }
        let mut told: BTreeSet<BTreeSet<&DatasetName>> = BTreeSet::new();
        for start in needs.keys() {
            let Some(circle) = circle(start, &needs) else { continue };
            if !told.insert(circle.iter().copied().collect()) {
                continue;
            }
            let place = needs[start].iter().find(|(name, _)| circle.contains(name)).map(|(_, place)| (*place).clone());
            let names: Vec<&str> = circle.iter().chain([start]).map(|name| name.as_str()).collect();
            let message = format!("these depend on each other in a circle: {}", names.join(" → "));
            findings.push(Finding::new(Code::Circle, message, place));
        }
    }

    /// A job leaves no generation in the ledger, by which the worker knows whether there is anything new to be made; and ECS
    /// has no arrays.
    fn jobs(&self, findings: &mut Vec<Finding>) {
        let is_job = |name: &DatasetName| {
            self.datasets.iter().any(|(_, other)| other.dataset.dataset == *name && other.dataset.job.is_some())
        };
        for (_, resolved) in &self.datasets {
            let dataset = &resolved.dataset;
            for (name, place) in resolved.depends_on.iter().filter(|(name, _)| dataset.job.is_none() && is_job(name)) {
                let message =
                    format!("`{name}` is a job, of which the worker cannot tell whether it made anything new");
                let finding = Finding::new(Code::Table, message, Some(place.clone()));
                findings.push(finding.with_help("give this dataset a schedule of its own; only jobs can follow jobs"));
            }
            if dataset.job.as_ref().is_none_or(|job| job.array.is_none()) {
                continue;
            }
            let others = self.task_defs_of(dataset).filter(|task_def| task_def.engine != Engine::Batch);
            for task_def in others.map(|task_def| &task_def.name).collect::<BTreeSet<_>>() {
                let message = format!("it is an array, and the task-def `{task_def}` is for ECS, which has none");
                let finding = Finding::new(Code::TaskDef, message, Some(resolved.name.clone()));
                findings.push(finding.with_help("name a task-def with engine: batch"));
            }
        }
    }

    /// What ECS lets be taken away is started again by an event, which does not say how much was to be read.
    fn taken_away(&self, findings: &mut Vec<Finding>) {
        let full = self.schedules.schedules.iter().filter(|schedule| schedule.mode == Mode::Full);
        for schedule in full {
            let Some(task_def) = self.task_defs.get(&schedule.task_def) else { continue };
            if task_def.engine == Engine::Fargate && task_def.capacity == Capacity::Spot {
                let named = self.schedules.named.iter().find(|(name, _)| *name == schedule.dataset);
                let message = format!(
                    "the full load of `{}` runs on `{}`, from which ECS may take it away: it would be started again as a \
                     normal one",
                    schedule.dataset, task_def.name
                );
                let finding = Finding::new(Code::TaskDef, message, named.map(|(_, place)| place.clone()));
                findings.push(finding.with_help("name a task-def on demand, or one with engine: batch"));
            }
        }
    }

    /// The task-defs that a dataset runs on, as far as they can be read.
    fn task_defs_of(&self, dataset: &Dataset) -> impl Iterator<Item = &TaskDef> {
        let scheduled = self.schedules.schedules.iter().filter(|schedule| schedule.dataset == dataset.dataset);
        let names = scheduled.map(|schedule| &schedule.task_def).chain(self.schedules.manual.get(&dataset.dataset));
        names.filter_map(|name| self.task_defs.get(name))
    }

    fn secrets_declared(&self, findings: &mut Vec<Finding>) {
        let Some(stack) = &self.stack else { return };
        let declared: Vec<(&str, BTreeSet<String>)> =
            stack.nodes.iter().map(|(name, node)| (name.value.as_str(), keys_of(node, "secrets"))).collect();
        for SecretUse { name, place } in &self.secrets {
            let without: Vec<&str> = declared
                .iter()
                .filter(|(_, secrets)| !secrets.contains(name.as_str()))
                .map(|(environment, _)| *environment)
                .collect();
            if without.is_empty() {
                continue;
            }
            let message = if without.len() == declared.len() {
                format!("freshet.yml does not declare the secret {name}")
            } else {
                format!("the secret {name} is not declared in the environment {}", without.join(", "))
            };
            let known = declared.iter().flat_map(|(_, secrets)| secrets.iter().map(String::as_str));
            let help = match nearest(name.as_str(), known) {
                Some(near) if near != name.as_str() => format!("did you mean {near}?"),
                _ => format!("write secrets: {{{name}: name-in-secrets-manager}} in freshet.yml"),
            };
            findings.push(Finding::new(Code::Secret, message, Some(place.clone())).with_help(help));
        }
    }

    /// Datasets whose own file has no errors: of the others, one mistake would be told as two.
    fn right(&self) -> impl Iterator<Item = &ResolvedDataset> {
        let wrong: BTreeSet<&str> = self
            .findings
            .iter()
            .filter(|finding| finding.severity() == Severity::Error)
            .filter_map(|finding| finding.place.as_ref().map(|place| place.file.path()))
            .collect();
        self.datasets.iter().filter(move |(path, _)| !wrong.contains(path.as_str())).map(|(_, resolved)| resolved)
    }

    fn scheduled(&self, findings: &mut Vec<Finding>) {
        if self.schedules_unread {
            return;
        }
        for resolved in self.right() {
            let name = &resolved.dataset.dataset;
            let active = resolved.dataset.status == Status::Active;
            if active && !self.schedules.named.iter().any(|(named, _)| named == name) {
                let message = format!("nothing loads `{name}`: no file in schedules/ names it");
                let finding = Finding::new(Code::Unscheduled, message, Some(resolved.name.clone()));
                findings.push(finding.with_help(format!("write {name}: manual where that is meant")));
            }
        }
    }

    fn sizes(&self, findings: &mut Vec<Finding>) {
        for resolved in self.right() {
            let dataset = &resolved.dataset;
            let batch = self.task_defs_of(dataset).any(|task_def| task_def.engine == Engine::Batch);
            let (what, limit) =
                if batch { ("a Batch job", BATCH_DEFINITION_LIMIT) } else { ("an ECS task", ECS_DEFINITION_LIMIT) };
            let Ok(size) = packed_size(dataset) else { continue };
            if size > limit - DEFINITION_RESERVE {
                let message = format!(
                    "the manifest with its SQL takes {size} bytes of {what} definition, which has room for {}",
                    limit - DEFINITION_RESERVE
                );
                let finding = Finding::new(Code::DefinitionSize, message, Some(resolved.name.clone()));
                findings.push(finding.with_help("split the dataset, or let an engine with more room run it"));
            }
        }
    }
}

/// A way from `start` back to itself.
fn circle<'a>(
    start: &'a DatasetName,
    needs: &BTreeMap<&'a DatasetName, Vec<(&'a DatasetName, &'a Place)>>,
) -> Option<Vec<&'a DatasetName>> {
    let mut paths = vec![vec![start]];
    let mut seen: BTreeSet<&DatasetName> = BTreeSet::new();
    while let Some(path) = paths.pop() {
        let last = path[path.len() - 1];
        for (next, _) in needs.get(last).into_iter().flatten() {
            if *next == start {
                return (path.len() > 1).then_some(path);
            }
            if seen.insert(next) {
                paths.push(path.iter().copied().chain([*next]).collect());
            }
        }
    }
    None
}

/// The keys of a mapping inside a mapping.
fn keys_of(node: &yaml::Node, key: &str) -> BTreeSet<String> {
    let entries = |node: &yaml::Node| match &node.value {
        yaml::Value::Mapping(entries) => entries.clone(),
        _ => Vec::new(),
    };
    entries(node)
        .into_iter()
        .filter(|entry| entry.key == key)
        .flat_map(|entry| entries(&entry.value))
        .map(|entry| entry.key)
        .collect()
}
