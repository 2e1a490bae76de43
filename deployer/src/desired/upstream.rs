//! Datasets that are made from others. In: a dataset with `depends_on` and the definitions of those it is made from. Out: a
//! rule that starts it when one of them was loaded. Whether anything new was published is the worker's question: it compares
//! the generations in its ledger and does nothing when they are those that it was made from.

use std::collections::BTreeMap;

use manifest::schedule::Mode;
use manifest::stack::Environment;
use manifest::task_def::{Engine, TaskDef};
use manifest::{Dataset, SecretName};
use serde_json::{Value, json};

use super::resource::{Body, DefinitionRef, Resource, Target, Trigger};
use super::{role, trigger};
use crate::names::Names;

/// What the names of such rules end with.
const AFTER: &str = "after";

/// A dataset and what it follows.
#[derive(Debug, Clone, Copy)]
pub struct Firing<'a> {
    /// What is started.
    pub dataset: &'a Dataset,
    /// Its definition.
    pub definition: &'a DefinitionRef,
    /// Definitions of the datasets that it is made from.
    pub upstreams: &'a [&'a DefinitionRef],
    /// What it runs on.
    pub task_def: &'a TaskDef,
    /// Required secrets without a value.
    pub waits_for: &'a [SecretName],
}

/// The rule; none where nothing that it is made from is loaded here.
pub fn resource(names: &Names, environment: &Environment, firing: Firing<'_>) -> Option<Resource> {
    let Firing { dataset, definition, upstreams, task_def, waits_for } = firing;
    if upstreams.is_empty() {
        return None;
    }
    let schedule = format!("{}-{AFTER}", dataset.dataset);
    let after: Vec<String> = dataset.depends_on.iter().map(ToString::to_string).collect();
    let words = shortened(format!("Loads {} after {}.", dataset.dataset, after.join(", ")));
    let target = trigger::target(names, environment, definition, task_def);
    let array = dataset.job.as_ref().and_then(|job| job.array);
    let target = Target { array, ..target };
    Some(rule(
        names,
        environment,
        Answer { schedule, words, pattern: pattern(names, upstreams), target, waits_for },
        dataset,
    ))
}

/// A rule that starts a dataset when something happens.
struct Answer<'a> {
    /// Its name in the stack.
    schedule: String,
    words: String,
    pattern: Value,
    target: Target,
    waits_for: &'a [SecretName],
}

fn rule(names: &Names, environment: &Environment, answer: Answer<'_>, dataset: &Dataset) -> Resource {
    let time = format!("<{}>", trigger::RULE_TIME);
    let Answer { schedule, words, pattern, target, waits_for } = answer;
    let name = names.rule(&schedule);
    let body = Trigger {
        schedule,
        expression: String::new(),
        pattern: Some(pattern),
        timezone: "UTC".to_owned(),
        words,
        mode: Mode::Normal,
        waits_for: waits_for.to_vec(),
        target: Target {
            input: trigger::overrides(target.definition.engine, &time, Mode::Normal).to_string(),
            ..target
        },
        role: environment.roles.events.clone().unwrap_or_else(|| names.role_arn(role::EVENTS)),
        dead_letters: names.dead_letters_arn(),
        give_up_seconds: trigger::GIVE_UP_SECONDS,
        delivery_attempts: trigger::DELIVERY_ATTEMPTS,
        tags: environment.tags.clone(),
    };
    Resource::new(name, Some(dataset.dataset.clone()), Body::Rule(body))
}

/// A definition that runs on Spot.
#[derive(Debug, Clone, Copy)]
pub struct OnSpot<'a> {
    /// What is started.
    pub dataset: &'a Dataset,
    /// On what.
    pub task_def: &'a TaskDef,
    /// Its definition.
    pub definition: &'a DefinitionRef,
}

/// What the names of rules end with that start again what was taken away.
const AGAIN: &str = "again";

/// ECS makes no second attempt of a task whose machine was taken away: this rule starts the dataset again, on demand, so that
/// it is not taken away twice.
pub fn again(names: &Names, environment: &Environment, on_spot: OnSpot<'_>) -> Resource {
    let OnSpot { dataset, task_def, definition } = on_spot;
    // Another task-def has a definition, and so a rule, of its own.
    let prefix = names.definition_prefix();
    let entry = definition.name.strip_prefix(&prefix).unwrap_or(&definition.name);
    let target = trigger::target(names, environment, definition, task_def);
    let answer = Answer {
        schedule: format!("{entry}-{AGAIN}"),
        words: format!("Starts {} again after its machine was taken away.", dataset.dataset),
        pattern: json!({
            "source": ["aws.ecs"],
            "detail": {
                "lastStatus": ["STOPPED"],
                "stopCode": [SPOT_INTERRUPTION],
                "taskDefinitionArn": arns_by_engine(names, &[definition]).remove(&Engine::Fargate),
            },
        }),
        target: Target { capacity_provider: None, ..target },
        waits_for: &[],
    };
    rule(names, environment, answer, dataset)
}

/// Why ECS stops a task whose machine is taken away.
pub(super) const SPOT_INTERRUPTION: &str = "SpotInterruption";

/// A Description takes 512 bytes, marker and hash among them.
fn shortened(words: String) -> String {
    const MOST: usize = 300;
    if words.len() <= MOST {
        return words;
    }
    let end = words.char_indices().map(|(at, _)| at).take_while(|at| *at < MOST).last().unwrap_or(0);
    format!("{}….", &words[..end])
}

/// The successful end of a task or job of one of these definitions, in whichever revision.
fn pattern(names: &Names, upstreams: &[&DefinitionRef]) -> Value {
    let ways = arns_by_engine(names, upstreams).into_iter().map(|(engine, arns)| match engine {
        Engine::Fargate => {
            json!({"lastStatus": ["STOPPED"], "containers": {"exitCode": [0]}, "taskDefinitionArn": arns})
        }
        Engine::Batch => json!({"status": ["SUCCEEDED"], "jobDefinition": arns}),
    });
    json!({"source": ["aws.ecs", "aws.batch"], "detail": any_of(ways.collect())})
}

/// What the ARNs of all revisions of these definitions begin with, as event patterns say it.
pub(super) fn arns_by_engine(names: &Names, definitions: &[&DefinitionRef]) -> BTreeMap<Engine, Vec<Value>> {
    let mut arns: BTreeMap<Engine, Vec<Value>> = BTreeMap::new();
    for definition in definitions {
        let (service, kind) = match definition.engine {
            Engine::Fargate => ("ecs", "task-definition"),
            Engine::Batch => ("batch", "job-definition"),
        };
        let prefix = json!({"prefix": names.arn(service, &format!("{kind}/{}:", definition.name))});
        arns.entry(definition.engine).or_default().push(prefix);
    }
    arns
}

/// An event's detail that is one of these.
pub(super) fn any_of(ways: Vec<Value>) -> Value {
    match <[Value; 1]>::try_from(ways) {
        Ok([only]) => only,
        Err(several) => json!({"$or": several}),
    }
}
