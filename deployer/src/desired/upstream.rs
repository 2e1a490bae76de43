//! Datasets that are made from others. In: a dataset with `depends_on` and the definitions of those it is made from. Out: a
//! rule that starts it when one of them was loaded. Whether anything new was published is the worker's question: it compares
//! the generations in its ledger and does nothing when they are those that it was made from.

use manifest::schedule::Mode;
use manifest::stack::Environment;
use manifest::task_def::Engine;
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
    /// Required secrets without a value.
    pub waits_for: &'a [SecretName],
}

/// The rule; none where nothing that it is made from is loaded here.
pub fn resource(names: &Names, environment: &Environment, firing: Firing<'_>) -> Option<Resource> {
    let Firing { dataset, definition, upstreams, waits_for } = firing;
    if upstreams.is_empty() {
        return None;
    }
    let schedule = format!("{}-{AFTER}", dataset.dataset);
    let (place, network) = match definition.engine {
        Engine::Fargate => (names.cluster_arn(), Some(trigger::network(environment))),
        Engine::Batch => (names.job_queue_arn(), None),
    };
    let after: Vec<String> = dataset.depends_on.iter().map(ToString::to_string).collect();
    let time = format!("<{}>", trigger::RULE_TIME);
    let body = Trigger {
        schedule: schedule.clone(),
        expression: String::new(),
        pattern: Some(pattern(names, upstreams)),
        timezone: "UTC".to_owned(),
        words: shortened(format!("Loads {} after {}.", dataset.dataset, after.join(", "))),
        mode: Mode::Normal,
        waits_for: waits_for.to_vec(),
        target: Target {
            definition: definition.clone(),
            place,
            input: trigger::overrides(definition.engine, &time, Mode::Normal).to_string(),
            network,
        },
        role: environment.roles.events.clone().unwrap_or_else(|| names.role_arn(role::EVENTS)),
        dead_letters: names.dead_letters_arn(),
        give_up_seconds: trigger::GIVE_UP_SECONDS,
        delivery_attempts: trigger::DELIVERY_ATTEMPTS,
        tags: environment.tags.clone(),
    };
    Some(Resource::new(names.rule(&schedule), Some(dataset.dataset.clone()), Body::Rule(body)))
}

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
    let prefixes = |engine: Engine, service: &str, kind: &str| -> Vec<Value> {
        let of_engine = upstreams.iter().filter(|upstream| upstream.engine == engine);
        of_engine.map(|upstream| json!({"prefix": names.arn(service, &format!("{kind}/{}:", upstream.name))})).collect()
    };
    let tasks = prefixes(Engine::Fargate, "ecs", "task-definition");
    let jobs = prefixes(Engine::Batch, "batch", "job-definition");
    let mut ways = Vec::new();
    if !tasks.is_empty() {
        ways.push(json!({"lastStatus": ["STOPPED"], "containers": {"exitCode": [0]}, "taskDefinitionArn": tasks}));
    }
    if !jobs.is_empty() {
        ways.push(json!({"status": ["SUCCEEDED"], "jobDefinition": jobs}));
    }
    let detail = match <[Value; 1]>::try_from(ways) {
        Ok([only]) => only,
        Err(several) => json!({"$or": several}),
    };
    json!({"source": ["aws.ecs", "aws.batch"], "detail": detail})
}
