//! Manifests of what others made to start tasks and jobs. In: triggers and definitions as they are in AWS, and the project that
//! they come to. Out: the texts of datasets, task-defs and schedules, what has no counterpart as comments in them, the secrets
//! that they need, and what is left alone, with why. Pure: it asks nobody and writes nothing.

pub mod secrets;
pub mod stack;
mod text;

use std::collections::{BTreeMap, BTreeSet};

use manifest::calendar;
use manifest::stack::SecretReference;
use manifest::task_def::{Capacity, Compute, Engine, TaskDef};
use manifest::{DatasetName, SecretName, TaskDefName};
use serde::{Deserialize, Serialize};

use self::secrets::{is_secret, is_secret_value};
use crate::desired::Manifests;
use crate::marker::Owner;
use crate::observed::foreign::{Definition, Overrides, Taken};

/// What is imported, and where to.
#[derive(Debug)]
pub struct Found<'a> {
    /// The project as it is.
    pub manifests: &'a Manifests,
    /// Triggers, each with what it starts.
    pub firings: Vec<Taken>,
    /// Definitions of Batch that nothing fires, each with its owner.
    pub unfired: Vec<(Definition, Owner)>,
    /// The folder of datasets/, and the file of schedules/.
    pub place: &'a str,
}

/// The manifests, not written yet.
#[derive(Debug, Default)]
pub struct Draft {
    /// Text by path, from the project's folder on.
    pub files: BTreeMap<String, String>,
    /// Secrets for `freshet.yml`: name → reference.
    pub secrets: BTreeMap<SecretName, String>,
    /// What was imported.
    pub jobs: Vec<Imported>,
    /// What was not.
    pub refused: Vec<Refused>,
    /// Secrets that a person has to give a value.
    pub to_set: Vec<ToSet>,
}

/// A job that was imported.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Imported {
    /// Its dataset.
    pub dataset: DatasetName,
    /// The definition it was.
    pub definition: String,
    /// What fired it.
    pub fired_by: Vec<String>,
    /// What a person should look at.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
}

/// Something that was left alone.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Refused {
    /// What.
    pub name: String,
    /// Why.
    pub why: String,
}

/// A secret that has to be given a value. Never the value.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct ToSet {
    /// Its name.
    pub secret: SecretName,
    /// Where it stood.
    pub stood: String,
}

/// A job as it will be written: what it runs, and what fires it.
struct Job {
    name: DatasetName,
    definition: Definition,
    secrets: BTreeSet<SecretName>,
    fired: Vec<Taken>,
    task_def: TaskDefName,
}

/// Writes the manifests.
pub fn draft(found: &Found<'_>) -> Draft {
    let mut build = Build {
        found,
        draft: Draft::default(),
        jobs: Vec::new(),
        task_defs: found.manifests.task_defs.clone(),
        new_task_defs: Vec::new(),
    };
    for taken in &found.firings {
        let name = taken.firing.of.to_string();
        if let Err(why) = build.firing(taken) {
            build.draft.refused.push(Refused { name, why });
        }
    }
    for (definition, owner) in &found.unfired {
        let name = format!("job-definition/{}", definition.name);
        if let Err(why) = build.unfired(definition, owner) {
            build.draft.refused.push(Refused { name, why });
        }
    }
    build.finish()
}

struct Build<'a> {
    found: &'a Found<'a>,
    draft: Draft,
    jobs: Vec<Job>,
    task_defs: BTreeMap<TaskDefName, TaskDef>,
    new_task_defs: Vec<TaskDefName>,
}

impl Build<'_> {
    fn firing(&mut self, taken: &Taken) -> Result<(), String> {
        let firing = &taken.firing;
        managed(&taken.owner)?;
        let [target] = &firing.targets[..] else {
            return Err(format!("it starts {} things, and a schedule starts one job", firing.targets.len()));
        };
        if firing.expression.is_empty() {
            return Err("it answers to events; `depends_on` between datasets is the like of it".to_owned());
        }
        calendar::expressions(&firing.expression)
            .map_err(|refusal| format!("its expression {} cannot be read: {}", firing.expression, refusal.why))?;
        let Some(definition) = &taken.definition else {
            let name = target.definition.as_deref().unwrap_or("nothing");
            return Err(format!("it starts {name}, which is not registered"));
        };
        if target.count != 1 {
            return Err(format!("it starts {} tasks at once, and a schedule starts one", target.count));
        }
        if target.on_instances {
            return Err("it runs on EC2 instances, and jobs here run on Fargate".to_owned());
        }
        let Some(Overrides { container, .. }) = &target.overrides else {
            return Err("its input says more than a command and variables".to_owned());
        };
        if container.is_some() && definition.container.is_some() && *container != definition.container {
            return Err("its input is for another container than the one that runs".to_owned());
        }
        let told = taken.told(definition);
        self.add(told, firing_name(taken), Some(taken.clone()))
    }

    fn unfired(&mut self, definition: &Definition, owner: &Owner) -> Result<(), String> {
        managed(owner)?;
        let name = definition.name.split(':').next().unwrap_or_default().to_owned();
        self.add(definition.clone(), &name, None)
    }

    /// One more firing of a job that is there already, or a job.
    fn add(&mut self, definition: Definition, name: &str, fired: Option<Taken>) -> Result<(), String> {
        if let Some(job) = self.jobs.iter_mut().find(|job| job.definition == definition) {
            job.fired.extend(fired);
            return Ok(());
        }
        if !definition.never.is_empty() {
            return Err(definition.never.join("; "));
        }
        if let Some(word) = definition.command.iter().position(|word| is_secret_value(word)) {
            return Err(format!(
                "word {} of its command looks like a secret; hand it over in a variable first",
                word + 1
            ));
        }
        let name = self.dataset_name(name)?;
        let task_def = self.task_def(&definition)?;
        let (secrets, references, to_set) = self.secrets(&name, &definition)?;
        self.draft.secrets.extend(references);
        self.draft.to_set.extend(to_set);
        self.jobs.push(Job { name, definition, secrets, fired: fired.into_iter().collect(), task_def });
        Ok(())
    }

    fn dataset_name(&self, given: &str) -> Result<DatasetName, String> {
        let base = snake(given);
        let taken = |name: &DatasetName| {
            self.found.manifests.datasets.contains_key(name) || self.jobs.iter().any(|job| job.name == *name)
        };
        let further = (2..100).map(|n| format!("{}_{n}", &base[..base.len().min(37)]));
        let names = std::iter::once(base.clone()).chain(further).filter_map(|name| name.parse().ok());
        names.into_iter().find(|name| !taken(name)).ok_or_else(|| format!("no dataset's name can be made of `{given}`"))
    }

    /// The task-def of this size, one that is there already where one is.
    fn task_def(&mut self, definition: &Definition) -> Result<TaskDefName, String> {
        let (Some(cpu), Some(memory)) = (definition.cpu, definition.memory) else {
            return Err(format!("{} does not say how much cpu and memory it takes", definition.name));
        };
        // ECS ends no task by itself.
        let timeout = definition.timeout_seconds.unwrap_or(text::NO_TIMEOUT_SECONDS);
        let (engine, word) = match definition.engine {
            Engine::Fargate => (Engine::Fargate, "fargate"),
            Engine::Batch => (Engine::Batch, "batch"),
        };
        let same = |other: &TaskDef| {
            (other.engine, other.cpu, other.memory, other.arch, other.storage)
                == (engine, cpu, memory, definition.arch, definition.storage)
                && (other.timeout.seconds(), other.attempts) == (timeout, definition.attempts)
        };
        if let Some(known) = self.task_defs.values().find(|other| same(other)) {
            return Ok(known.name.clone());
        }
        let base = format!("{word}-{cpu}-{memory}");
        let names = std::iter::once(base.clone()).chain((2..).map(|n| format!("{base}-{n}")));
        let name: TaskDefName = names
            .filter_map(|name| name.parse().ok())
            .find(|name| !self.task_defs.contains_key(name))
            .ok_or_else(|| "no name for its task-def can be made".to_owned())?;
        let task_def = TaskDef {
            name: name.clone(),
            engine,
            compute: Compute::default(),
            capacity: Capacity::default(),
            cpu,
            memory,
            arch: definition.arch,
            timeout: manifest::quantity::Span::from_seconds(timeout),
            attempts: definition.attempts,
            storage: definition.storage,
        };
        self.draft.files.insert(format!("task-defs/{name}.yml"), text::task_def(&task_def));
        self.task_defs.insert(name.clone(), task_def);
        self.new_task_defs.push(name.clone());
        Ok(name)
    }

    /// The names of a job's secrets, those that `freshet.yml` does not have yet, and those that need a value.
    #[expect(clippy::type_complexity, reason = "three lists of one walk, taken apart at once")]
    fn secrets(
        &self,
        dataset: &DatasetName,
        definition: &Definition,
    ) -> Result<(BTreeSet<SecretName>, BTreeMap<SecretName, String>, Vec<ToSet>), String> {
        let mut names = BTreeSet::new();
        let mut new = BTreeMap::new();
        let mut to_set = Vec::new();
        let stack = &self.found.manifests.environment.stack;
        let own = |name: &str| format!("{stack}/{dataset}/{}", name.to_ascii_lowercase());
        let plain = definition.environment.iter().filter(|(name, value)| is_secret(name, value));
        let injected = definition.secrets.iter().map(|(name, place)| (name, Some(place)));
        for (name, place) in injected.chain(plain.map(|(name, _)| (name, None))) {
            let secret: SecretName = name.parse().map_err(|_| {
                format!(
                    "its variable {name} is or looks like a secret, and secrets have names of capitals, digits and _"
                )
            })?;
            let (reference, stood) = match place.map(|place| reference(place)) {
                Some(Some(reference)) => (reference, None),
                Some(None) => (own(name), Some(format!("in the parameter {}", place.map_or("", String::as_str)))),
                None => (
                    own(name),
                    Some(format!("in plain text in {}: whoever could read that has read it", definition.name)),
                ),
            };
            let known = self.found.manifests.environment.secrets.get(&secret).map(SecretReference::to_string);
            match known.or_else(|| self.draft.secrets.get(&secret).cloned()) {
                // A secret of that name that was filled already: a plain value may well be the same.
                Some(_) if place.is_none() => {}
                Some(known) if known == reference => {}
                Some(known) => {
                    return Err(format!(
                        "its secret {name} is {reference}, and freshet.yml has {known} under that name"
                    ));
                }
                None => drop(new.insert(secret.clone(), reference)),
            }
            to_set.extend(stood.map(|stood| ToSet { secret: secret.clone(), stood }));
            names.insert(secret);
        }
        Ok((names, new, to_set))
    }

    fn finish(mut self) -> Draft {
        let place = self.found.place;
        for job in &self.jobs {
            let notes = notes(job);
            self.draft.files.insert(format!("datasets/{place}/{}.yml", job.name), text::dataset(job, &notes));
            self.draft.jobs.push(Imported {
                dataset: job.name.clone(),
                definition: job.definition.name.clone(),
                fired_by: job.fired.iter().map(|taken| taken.firing.of.to_string()).collect(),
                notes,
            });
        }
        if !self.jobs.is_empty() {
            self.draft.files.insert(format!("schedules/{place}.yml"), text::schedules(&self.jobs));
        }
        self.draft.refused.sort();
        self.draft.to_set.sort();
        self.draft.to_set.dedup();
        self.draft
    }
}

fn managed(owner: &Owner) -> Result<(), String> {
    match owner {
        Owner::Managed(who) => Err(format!("it belongs to {who}, and is not taken over")),
        Owner::Ours => Err("it is this stack's own".to_owned()),
        Owner::Other(_) | Owner::Unknown => Ok(()),
    }
}

fn firing_name(taken: &Taken) -> &str {
    match &taken.firing.of {
        manifest::schedule::Replaced::Rule(name) | manifest::schedule::Replaced::Schedule { name, .. } => name,
    }
}

/// What of a job and its firings has no counterpart.
fn notes(job: &Job) -> Vec<String> {
    let mut notes = job.definition.notes.clone();
    for taken in &job.fired {
        notes.extend(taken.firing.notes.iter().cloned());
        notes.extend(taken.firing.targets.iter().flat_map(|target| target.notes.clone()));
    }
    if let Some(role) = &job.definition.task_role {
        notes.push(format!(
            "it acted under {role}; the stack's task role reads its secrets and nothing else: give that role what the job \
             needs, or name one in freshet.yml under `roles: {{task: …}}`"
        ));
    }
    let left_out: Vec<&str> =
        job.definition.environment.keys().map(String::as_str).filter(|name| !text::is_variable(name)).collect();
    if !left_out.is_empty() {
        notes.push(format!("the variables {} are left out: AWS or the deployer sets them", left_out.join(", ")));
    }
    notes.sort();
    notes.dedup();
    notes
}

/// A name in lower case, of letters, digits and single underlines, at most 40 long.
fn snake(given: &str) -> String {
    let mut name = String::new();
    for c in given.chars() {
        match c {
            c if c.is_ascii_alphanumeric() => name.push(c.to_ascii_lowercase()),
            _ if name.ends_with('_') || name.is_empty() => {}
            _ => name.push('_'),
        }
    }
    if name.starts_with(|c: char| c.is_ascii_digit()) {
        name.insert_str(0, "job_");
    }
    name.truncate(40);
    name.trim_end_matches('_').to_owned()
}

/// A reference of ECS and Batch as `freshet.yml` has it; none for a parameter of Systems Manager.
fn reference(place: &str) -> Option<String> {
    let rest = place.strip_prefix("arn:")?;
    let parts: Vec<&str> = rest.split(':').collect();
    // partition, secretsmanager, region, account, secret, name, key, stage, version
    let (["secretsmanager"], ["secret"]) = (parts.get(1..2)?, parts.get(4..5)?) else { return None };
    let name = parts.get(5)?;
    // AWS puts six characters behind the name in an ARN.
    let suffix =
        name.rsplit_once('-').filter(|(_, end)| end.len() == 6 && end.chars().all(|c| c.is_ascii_alphanumeric()));
    let name = suffix.map_or(*name, |(name, _)| name);
    let key = parts.get(6).filter(|key| !key.is_empty());
    Some(key.map_or_else(|| name.to_owned(), |key| format!("{name}:{key}")))
}

#[cfg(test)]
mod tests;
