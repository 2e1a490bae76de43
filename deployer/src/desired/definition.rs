//! The definition of a dataset on a task-def. In: manifest, task-def, environment. Out: the body of an ECS task definition
//! or a Batch job definition, whose environment is the whole truth of a run.

use std::collections::{BTreeMap, BTreeSet};

use manifest::contract::{self, PayloadError};
use manifest::dataset::{Alarms, Job};
use manifest::stack::{Environment, SecretReference};
use manifest::task_def::{Compute, Engine, TaskDef};
use manifest::{Dataset, SecretName};

use super::resource::{BatchLimits, Body, Definition, Logs};
use crate::marker::DATASET_TAG;
use crate::names::Names;

/// The one container of every definition.
pub const CONTAINER: &str = "worker";

/// Secrets that the worker itself knows what to do with, beside those that a dataset's sources name.
pub const OF_THE_WORKER: [&str; 2] = [contract::DATABASE_URL, "SLACK_WEBHOOK_URL"];

/// Exit codes of the worker after which another attempt would end the same: usage, data refused, permission, configuration.
/// Where the source or the database was not there (69), the next attempt may find them. Batch takes five conditions in all.
const FINAL_EXITS: [u8; 4] = [64, 65, 77, 78];

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

/// The secrets that a run of this dataset is given: what the worker knows what to do with and what its sources name; of a job
/// those that it names.
pub fn secrets<'a>(environment: &'a Environment, dataset: &Dataset) -> BTreeMap<&'a SecretName, &'a SecretReference> {
    let named = dataset.secrets();
    let given =
        |name: &SecretName| named.contains(name) || dataset.job.is_none() && OF_THE_WORKER.contains(&name.as_str());
    environment.secrets.iter().filter(|(name, _)| given(name)).collect()
}

/// Ids of the secrets that the worker pulls with its own role, and of those that are put into a job's environment before it
/// starts, by the execution role.
pub fn roles_secrets(environment: &Environment, dataset: &Dataset) -> (BTreeSet<String>, BTreeSet<String>) {
    let ids = secret_ids(&secrets(environment, dataset));
    if dataset.job.is_some() { (BTreeSet::new(), ids) } else { (ids, BTreeSet::new()) }
}

/// The image that a run of this dataset starts.
pub fn image<'a>(environment: &'a Environment, dataset: &'a Dataset) -> &'a str {
    dataset.job.as_ref().map_or(&environment.image, |job| &job.image)
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
        public_ip: (task_def.compute == Compute::Fargate).then(|| environment.network.public_ip.as_str().to_owned()),
        compute: task_def.compute,
        // What the codes of a foreign image mean is not known: each is tried again.
        final_exits: if dataset.job.is_some() { Vec::new() } else { FINAL_EXITS.to_vec() },
    });
    let (command, variables) = match &dataset.job {
        Some(job) => (job.command.clone(), job_variables(names, environment, job)),
        None => (vec!["load".to_owned()], variables(names, environment, dataset, task_def)?),
    };
    let definition = Definition {
        cpu: task_def.cpu,
        memory: task_def.memory,
        arch: task_def.arch,
        storage: task_def.storage,
        image: image(environment, dataset).to_owned(),
        command,
        environment: variables,
        secrets: injected(names, environment, dataset),
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
    // What rings is no part of a run: another threshold is no other revision.
    let told = Dataset { alarms: Alarms::default(), ..dataset.clone() };
    let (manifest, payload) = contract::pack(&told)?;
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

/// What a job of a foreign image finds in its environment beside its secrets.
fn job_variables(names: &Names, environment: &Environment, job: &Job) -> BTreeMap<String, String> {
    let told = [
        (contract::STACK, environment.stack.as_str()),
        (contract::ENVIRONMENT, environment.name.as_str()),
        ("AWS_REGION", names.region.as_str()),
    ];
    let told = told.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned()));
    told.chain(job.environment.clone()).collect()
}

/// Secrets that are put into a job's environment, each by the reference that ECS and Batch take:
/// `ARN[:json-key:version-stage:version-id]`, whose colons stand also where nothing is between them.
fn injected(names: &Names, environment: &Environment, dataset: &Dataset) -> BTreeMap<String, String> {
    if dataset.job.is_none() {
        return BTreeMap::new();
    }
    let reference = |reference: &SecretReference| {
        let arn = super::role::plain_secret_arn(names, &reference.id);
        reference.json_key.as_ref().map_or_else(|| arn.clone(), |key| format!("{arn}:{key}::"))
    };
    secrets(environment, dataset).into_iter().map(|(name, secret)| (name.to_string(), reference(secret))).collect()
}
