//! What fires a dataset, by either of EventBridge's engines. In: a schedule and the definition it starts. Out: the body of a
//! Scheduler schedule or of a rule. There are four ways to hand over the scheduled time, one per engine and service:
//!
//! | | ECS | Batch |
//! |---|---|---|
//! | Scheduler | templated target, `containerOverrides` with `<aws.scheduler.scheduled-time>` | universal target `batch:submitJob`, `ContainerOverrides` |
//! | rule | input transformer to `containerOverrides`, `$.time` | input transformer to `ContainerOverrides` |

use manifest::contract;
use manifest::schedule::{Mode, Schedule, Trigger as Engine};
use manifest::stack::Environment;
use manifest::task_def::{Capacity, Engine as Service, TaskDef};
use manifest::{DatasetName, SecretName};
use serde_json::{Value, json};

use super::definition::CONTAINER;
use super::resource::{Body, DefinitionRef, Network, Resource, Tags, Target, Trigger};
use super::role;
use crate::names::{BatchPlace, Names};

/// AWS retries a firing 185 times in 24 hours unless told otherwise: far too late for a nightly load.
pub(super) const GIVE_UP_SECONDS: u32 = 3_600;
/// Tries to deliver a firing within [`GIVE_UP_SECONDS`].
pub(super) const DELIVERY_ATTEMPTS: u32 = 20;

/// Scheduler's keyword for the time that a firing was due.
const SCHEDULER_TIME: &str = "<aws.scheduler.scheduled-time>";
/// Name of a rule's input path for the same.
pub const RULE_TIME: &str = "time";
/// Where a rule's event has it.
pub const RULE_TIME_PATH: &str = "$.time";

/// One firing to be registered.
#[derive(Debug, Clone, Copy)]
pub struct Firing<'a> {
    /// When and what.
    pub schedule: &'a Schedule,
    /// What is started.
    pub definition: &'a DefinitionRef,
    /// What it runs on.
    pub task_def: &'a TaskDef,
    /// Copies of a Batch job that are started side by side.
    pub array: Option<u16>,
    /// Required secrets without a value.
    pub waits_for: &'a [SecretName],
}

/// One of EventBridge's two engines.
pub trait Fires {
    /// The resource that makes this firing happen.
    fn resource(&self, names: &Names, environment: &Environment, firing: Firing<'_>) -> Resource;
}

/// EventBridge Scheduler: zones, retries, dead letters, a name that holds the content hash.
#[derive(Debug)]
pub struct Scheduler;

/// EventBridge rules: UTC, a name of their own, the hash in the Description.
#[derive(Debug)]
pub struct Rules;

/// The engine that a schedule asks for.
pub fn engine(trigger: Engine) -> &'static dyn Fires {
    match trigger {
        Engine::Scheduler => &Scheduler,
        Engine::Rule => &Rules,
    }
}

impl Fires for Scheduler {
    fn resource(&self, names: &Names, environment: &Environment, firing: Firing<'_>) -> Resource {
        let own_role = || names.role_arn(role::SCHEDULER);
        let role = environment.roles.scheduler.clone().unwrap_or_else(own_role);
        let trigger = trigger(names, environment, firing, role, SCHEDULER_TIME, Tags::new());
        let body = Body::Schedule(trigger);
        let hash = body.hash();
        let name = format!("{}.{hash}", firing.schedule.name);
        Resource { name, dataset: Some(firing.schedule.dataset.clone()), hash, body }
    }
}

impl Fires for Rules {
    fn resource(&self, names: &Names, environment: &Environment, firing: Firing<'_>) -> Resource {
        let own_role = || names.role_arn(role::EVENTS);
        let role = environment.roles.events.clone().unwrap_or_else(own_role);
        let time = format!("<{RULE_TIME}>");
        let trigger = trigger(names, environment, firing, role, &time, environment.tags.clone());
        let dataset = Some(firing.schedule.dataset.clone());
        Resource::new(names.rule(&firing.schedule.name), dataset, Body::Rule(trigger))
    }
}

fn trigger(
    names: &Names,
    environment: &Environment,
    firing: Firing<'_>,
    role: String,
    time: &str,
    tags: Tags,
) -> Trigger {
    let schedule = firing.schedule;
    Trigger {
        schedule: schedule.name.clone(),
        expression: schedule.expression.clone(),
        pattern: None,
        timezone: schedule.timezone.clone(),
        words: format!("Loads {}: {} on {}.", schedule.dataset, schedule.written, schedule.task_def),
        mode: schedule.mode,
        waits_for: firing.waits_for.to_vec(),
        target: Target {
            input: overrides(firing.definition.engine, time, schedule.mode).to_string(),
            array: firing.array,
            ..target(names, environment, firing.definition, firing.task_def)
        },
        role,
        dead_letters: names.dead_letters_arn(),
        give_up_seconds: GIVE_UP_SECONDS,
        delivery_attempts: DELIVERY_ATTEMPTS,
        tags,
    }
}

/// ECS's word for what it may take away.
pub const FARGATE_SPOT: &str = "FARGATE_SPOT";

/// Where a definition is started that runs on this task-def, with nothing handed over yet.
pub(super) fn target(
    names: &Names,
    environment: &Environment,
    definition: &DefinitionRef,
    task_def: &TaskDef,
) -> Target {
    let (place, network, spot) = match definition.engine {
        Service::Fargate => (names.cluster_arn(), Some(network(environment)), task_def.capacity == Capacity::Spot),
        // A queue knows by itself what its jobs run on.
        Service::Batch => (names.job_queue_arn(BatchPlace::of(task_def)), None, false),
    };
    let capacity_provider = spot.then(|| FARGATE_SPOT.to_owned());
    Target { definition: definition.clone(), place, input: String::new(), array: None, capacity_provider, network }
}

/// Where tasks of this environment run.
pub fn network(environment: &Environment) -> Network {
    Network {
        subnets: sorted(&environment.network.subnets),
        security_groups: sorted(&environment.network.security_groups),
        public_ip: environment.network.public_ip.as_str().to_owned(),
    }
}

/// AWS returns lists of ids in an order of its own.
pub fn sorted(ids: &[String]) -> Vec<String> {
    let mut ids = ids.to_vec();
    ids.sort();
    ids.dedup();
    ids
}

/// What a firing adds to the definition's environment, in the words of the service that takes it.
pub fn overrides(service: Service, time: &str, mode: Mode) -> Value {
    let mut variables = vec![(contract::SCHEDULED_TIME, time)];
    if mode == Mode::Full {
        variables.push((contract::MODE, "full"));
    }
    match service {
        Service::Fargate => {
            let variables: Vec<_> =
                variables.iter().map(|(name, value)| json!({"name": name, "value": value})).collect();
            json!({"containerOverrides": [{"name": CONTAINER, "environment": variables}]})
        }
        Service::Batch => {
            let variables: Vec<_> =
                variables.iter().map(|(name, value)| json!({"Name": name, "Value": value})).collect();
            json!({"ContainerOverrides": {"Environment": variables}})
        }
    }
}

/// The whole request that Scheduler's universal target sends to Batch.
pub fn submit_job(dataset: &DatasetName, definition_arn: &str, target: &Target) -> String {
    let overrides: Value = serde_json::from_str(&target.input).unwrap_or_else(|_| json!({}));
    let mut request = json!({
        "JobName": dataset,
        "JobQueue": target.place,
        "JobDefinition": definition_arn,
        "ContainerOverrides": overrides["ContainerOverrides"],
    });
    if let Some(size) = target.array {
        request["ArrayProperties"] = json!({"Size": size});
    }
    request.to_string()
}
