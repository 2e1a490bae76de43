//! What others made to start tasks and jobs, in plain words: what fires, what it starts, and what of it no manifest can say.
//! `import` writes manifests from it; a plan compares with it what takes its place.

use std::collections::BTreeMap;

use manifest::schedule::Replaced;
use manifest::task_def::{Arch, Engine};
use serde_json::{Value, json};

use super::state::{Observed, State};
use crate::aws::Clients;
use crate::aws::error::AwsError;
use crate::desired::Desired;
use crate::desired::resource::{Body, Tags};
use crate::marker::{Marker, Owner, foreign};

/// A rule or a schedule.
#[derive(Debug, Clone, PartialEq)]
pub struct Firing {
    /// Which.
    pub of: Replaced,
    /// Its tags; of a schedule its group's.
    pub tags: Tags,
    /// Its Description.
    pub description: String,
    /// The expression in AWS's form; empty for a rule that answers to events.
    pub expression: String,
    /// IANA zone of the expression.
    pub timezone: String,
    /// Whether it is on.
    pub state: State,
    /// Before this time, in seconds since 1970, it does not fire.
    pub start: Option<i64>,
    /// What it does that no schedule here does.
    pub notes: Vec<String>,
    /// What it starts.
    pub targets: Vec<Target>,
}

/// One thing that it starts.
#[derive(Debug, Clone, PartialEq)]
pub struct Target {
    /// ECS or Batch; none for anything else.
    pub engine: Option<Engine>,
    /// ARN or name of the definition.
    pub definition: Option<String>,
    /// ARN or name of the cluster or queue; of another target its ARN.
    pub place: String,
    /// Tasks that it starts at once.
    pub count: i32,
    /// Whether it runs on EC2 instances.
    pub on_instances: bool,
    /// Where it runs.
    pub subnets: Vec<String>,
    /// What it is told besides its definition; none where that cannot be read.
    pub overrides: Option<Overrides>,
    /// What it does that no job here does.
    pub notes: Vec<String>,
}

/// What a firing adds to a definition.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Overrides {
    /// The container that is meant, where one is named.
    pub container: Option<String>,
    /// The command instead of the definition's.
    pub command: Option<Vec<String>>,
    /// Variables besides the definition's.
    pub environment: BTreeMap<String, String>,
}

impl Overrides {
    /// The overrides in an input, in the words of ECS or of Batch; none where it says more than a command and variables.
    pub fn read(input: Option<&str>) -> Option<Self> {
        let Some(input) = input.filter(|input| !input.trim().is_empty()) else { return Some(Self::default()) };
        let input: Value = serde_json::from_str(input).ok().filter(Value::is_object)?;
        let of_ecs = input.get("containerOverrides").and_then(Value::as_array);
        let one = match of_ecs.map(Vec::as_slice) {
            Some([one]) => one.clone(),
            Some([]) => json!({}),
            Some(_) => return None,
            None => input.get("ContainerOverrides").cloned().unwrap_or_else(|| json!({})),
        };
        let mut overrides = Self::default();
        for (key, value) in one.as_object()? {
            match key.to_ascii_lowercase().as_str() {
                "name" => overrides.container = value.as_str().map(str::to_owned),
                "command" => overrides.command = Some(texts(value)?),
                "environment" => {
                    for pair in value.as_array()? {
                        let text = |key: &str| pair.get(key).and_then(Value::as_str).map(str::to_owned);
                        let (name, value) =
                            (text("name").or_else(|| text("Name"))?, text("value").or_else(|| text("Value"))?);
                        overrides.environment.insert(name, value);
                    }
                }
                _ => return None,
            }
        }
        let more = ["cpu", "memory", "taskRoleArn", "executionRoleArn", "ephemeralStorage"];
        (!more.iter().any(|key| input.get(key).is_some())).then_some(overrides)
    }
}

fn texts(list: &Value) -> Option<Vec<String>> {
    list.as_array()?.iter().map(|word| word.as_str().map(str::to_owned)).collect()
}

/// A task or job definition.
#[derive(Debug, Clone, PartialEq)]
pub struct Definition {
    /// Which service runs it.
    pub engine: Engine,
    /// Its ARN with revision.
    pub arn: String,
    /// `name:revision`.
    pub name: String,
    /// CPU units, 1024 to a vCPU.
    pub cpu: Option<u32>,
    /// MiB.
    pub memory: Option<u32>,
    /// Processor architecture.
    pub arch: Arch,
    /// Ephemeral storage in GiB.
    pub storage: Option<u16>,
    /// Seconds after which it is ended; only Batch has one.
    pub timeout_seconds: Option<u64>,
    /// Tries in all.
    pub attempts: u8,
    /// Name of the container; Batch has none.
    pub container: Option<String>,
    /// Its image.
    pub image: String,
    /// Its command; the image's own when empty.
    pub command: Vec<String>,
    /// Its variables, which may hold what should be secret.
    pub environment: BTreeMap<String, String>,
    /// Variables that are filled from Secrets Manager or from a parameter: where that is.
    pub secrets: BTreeMap<String, String>,
    /// ARN of the role that it acts under.
    pub task_role: Option<String>,
    /// Its tags.
    pub tags: Tags,
    /// Why no job can stand in for it; empty where one can.
    pub never: Vec<String>,
    /// What a job that stands in for it does otherwise.
    pub notes: Vec<String>,
}

impl Definition {
    /// As much of it as is compared with what stands in for it: of variables the names, since values may be secret.
    pub fn comparable(&self) -> Value {
        let variables: Vec<&String> = self.environment.keys().chain(self.secrets.keys()).collect();
        json!({
            "cpu": self.cpu, "memory": self.memory, "arch": self.arch, "storage": self.storage, "image": self.image,
            "command": self.command, "variables": sorted(variables), "task_role": self.task_role,
        })
    }
}

fn sorted(mut names: Vec<&String>) -> Vec<&String> {
    names.sort();
    names.dedup();
    names
}

/// Whose a trigger and its definition are, by their own marks, tags and descriptions.
pub fn owner(marker: &Marker, firing: &Firing, definition: Option<&Definition>) -> Owner {
    let own = match marker.owner_by_tags(&firing.tags) {
        Owner::Unknown | Owner::Other(_) => marker.owner_by_note(&firing.description),
        known => known,
    };
    let started = definition.map_or(Owner::Unknown, |definition| marker.owner_by_tags(&definition.tags));
    match (own, started) {
        (Owner::Unknown, Owner::Managed(who)) => Owner::Managed(format!("{who}, which keeps what it starts")),
        (Owner::Unknown, _) => foreign(&firing.tags),
        (own, _) => own,
    }
}

/// A trigger of somebody else that one of ours replaces.
#[derive(Debug, Clone, PartialEq)]
pub struct Taken {
    /// What fires.
    pub firing: Firing,
    /// What it starts.
    pub definition: Option<Definition>,
    /// Whose it is.
    pub owner: Owner,
}

impl Taken {
    /// The definition with what the firing tells it besides.
    pub fn told(&self, definition: &Definition) -> Definition {
        let mut told = definition.clone();
        if let Some(overrides) = self.firing.targets.first().and_then(|target| target.overrides.clone()) {
            told.command = overrides.command.unwrap_or(told.command);
            told.environment.extend(overrides.environment);
        }
        told
    }
}

/// Looks at what the manifests say that triggers of this stack replace: a few calls for each that is still there.
pub(super) async fn observe(clients: &Clients, desired: &Desired, observed: &mut Observed) -> Result<(), AwsError> {
    for (name, replaced) in &desired.replaced {
        let Some(firing) = clients.foreign_trigger(replaced).await? else { continue };
        let target = firing.targets.first();
        let definition = match target.and_then(|target| target.engine.zip(target.definition.as_ref())) {
            Some((engine, definition)) => clients.foreign_definition(engine, definition).await?,
            None => None,
        };
        let owner = owner(&desired.names.marker, &firing, definition.as_ref());
        observed.taken.insert(name.clone(), Taken { firing, definition, owner });
    }
    Ok(())
}

/// What is compared of a definition of ours, in the form of [`Definition::comparable`].
pub fn wanted(body: &Body) -> Option<Value> {
    let (Body::TaskDefinition(_) | Body::JobDefinition(_)) = body else { return None };
    let body = body.json();
    let names = |key: &str| body[key].as_object().into_iter().flatten().map(|(name, _)| name.clone());
    // What the deployer tells every job.
    let told = |name: &String| name.starts_with("FRESHET_") || name == "AWS_REGION";
    let variables: Vec<String> = names("environment").filter(|name| !told(name)).chain(names("secrets")).collect();
    Some(json!({
        "cpu": body["cpu"], "memory": body["memory"], "arch": body["arch"], "storage": body["storage"],
        "image": body["image"], "command": body["command"], "variables": sorted(variables.iter().collect()),
        "task_role": body["task_role"],
    }))
}
