//! The definition of a dataset on a task-def. In: manifest, task-def, environment. Out: the body of an ECS task definition
//! or a Batch job definition, whose environment is the whole truth of a run.

use std::collections::{BTreeMap, BTreeSet};

use manifest::contract::{self, PayloadError};
use manifest::stack::{Environment, SecretReference};
use manifest::task_def::{Engine, TaskDef};
use manifest::{Dataset, SecretName};

use super::resource::{BatchLimits, Body, Definition, Logs};
use crate::marker::DATASET_TAG;
use crate::names::Names;

/// The one container of every definition.
pub const CONTAINER: &str = "worker";

/// Secrets that the worker itself knows what to do with, beside those that a dataset's sources name.
pub const OF_THE_WORKER: [&str; 2] = [contract::DATABASE_URL, "SLACK_WEBHOOK_URL"];

/// Seconds that Batch waits beyond the worker's own deadline, so that the worker is the one who tells.
const BATCH_GRACE: u64 = 120;

/// Batch's shortest timeout, in seconds.
const BATCH_SHORTEST: u64 = 60;

/// ARNs of the two roles of a definition.
#[derive(Debug, Clone)]
pub struct Roles {
    /// Pulls the image, writes the log.
    pub execution: String,
    /// The worker's own.
    pub task: String,
}

/// The secrets that a run of this dataset is given: what the worker knows what to do with and what its sources name.
pub fn secrets<'a>(environment: &'a Environment, dataset: &Dataset) -> BTreeMap<&'a SecretName, &'a SecretReference> {
    let named = dataset.secrets();
    let given = |name: &SecretName| named.contains(name) || OF_THE_WORKER.contains(&name.as_str());
    environment.secrets.iter().filter(|(name, _)| given(name)).collect()
}

/// Ids of these secrets in Secrets Manager.
pub fn secret_ids(secrets: &BTreeMap<&SecretName, &SecretReference>) -> BTreeSet<String> {
    secrets.values().map(|reference| reference.id.clone()).collect()
}

/// The body of the definition.
pub fn body(
    names: &Names,
    environment: &Environment,
    dataset: &Dataset,
    task_def: &TaskDef,
    roles: Roles,
) -> Result<Body, PayloadError> {
    let mut tags = environment.tags.clone();
    tags.insert(DATASET_TAG.to_owned(), dataset.dataset.to_string());
    let batch = (task_def.engine == Engine::Batch).then(|| BatchLimits {
        attempts: task_def.attempts,
        timeout_seconds: (task_def.timeout.seconds() + BATCH_GRACE).max(BATCH_SHORTEST),
        public_ip: environment.network.public_ip.as_str().to_owned(),
    });
    let definition = Definition {
        cpu: task_def.cpu,
        memory: task_def.memory,
        arch: task_def.arch,
        storage: task_def.storage,
        image: environment.image.clone(),
        command: vec!["load".to_owned()],
        environment: variables(names, environment, dataset, task_def)?,
        execution_role: roles.execution,
        task_role: roles.task,
        logs: Logs { group: names.log_group(), region: names.region.clone(), prefix: dataset.dataset.to_string() },
        batch,
        tags,
    };
    Ok(match task_def.engine {
        Engine::Fargate => Body::TaskDefinition(definition),
        Engine::Batch => Body::JobDefinition(definition),
    })
}

fn variables(
    names: &Names,
    environment: &Environment,
    dataset: &Dataset,
    task_def: &TaskDef,
) -> Result<BTreeMap<String, String>, PayloadError> {
    let secrets = secrets(environment, dataset);
    let references = secrets.into_iter().map(|(name, reference)| (name.clone(), reference.clone())).collect();
    // Batch makes its own attempts, so the worker makes one of each.
    let attempts = match task_def.engine {
        Engine::Fargate => task_def.attempts,
        Engine::Batch => 1,
    };
    let (manifest, payload) = contract::pack(dataset)?;
    let mut variables = BTreeMap::from([
        (manifest, payload),
        (contract::SECRETS, contract::secrets_value(&references)),
        (contract::STACK, environment.stack.to_string()),
        (contract::ENVIRONMENT, environment.name.to_string()),
        (contract::TIMEOUT, task_def.timeout.seconds().to_string()),
        (contract::ATTEMPTS, attempts.to_string()),
        // Said, so that the SDK in the worker never asks the metadata service for it.
        ("AWS_REGION", names.region.clone()),
    ]);
    if let Some(sources) = &environment.sources {
        variables.insert(contract::SOURCES, sources.clone());
    }
    if let Some(endpoint) = &environment.endpoint {
        variables.insert("AWS_ENDPOINT_URL", endpoint.clone());
    }
    Ok(variables.into_iter().map(|(name, value)| (name.to_owned(), value)).collect())
}
