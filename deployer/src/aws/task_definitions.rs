//! ECS: task definitions. Every registration makes a revision, so the hash in the tags decides whether one is needed.

use std::collections::BTreeMap;

use aws_sdk_ecs::types::{
    Compatibility, ContainerDefinition, CpuArchitecture, EphemeralStorage, LogConfiguration, LogDriver, NetworkMode,
    OsFamily, RuntimePlatform, Secret, TaskDefinition, TaskDefinitionFamilyStatus, TaskDefinitionField,
    TaskDefinitionStatus,
};
use manifest::task_def::Arch;
use serde_json::{Value, json};

use super::bucket::Family;
use super::ecs::{operation, pairs, plain_tags, sdk_tags};
use super::error::{AwsError, Class, Operation, Repeat};
use super::{Clients, incomplete};
use crate::desired::definition::CONTAINER;
use crate::desired::resource::{Definition, Tags};

const REGISTER: Operation = operation("RegisterTaskDefinition", Family::EcsRegister, Repeat::LookFirst);
const DEREGISTER: Operation = operation("DeregisterTaskDefinition", Family::EcsRegister, Repeat::Safe);
const DESCRIBE: Operation = operation("DescribeTaskDefinition", Family::EcsDefinitions, Repeat::Safe);
const LIST: Operation = operation("ListTaskDefinitions", Family::EcsDefinitions, Repeat::Safe);
const FAMILIES: Operation = operation("ListTaskDefinitionFamilies", Family::EcsDefinitions, Repeat::Safe);

/// A definition that is registered.
#[derive(Debug, Clone, PartialEq)]
pub struct FoundDefinition {
    /// ARN with its revision.
    pub arn: String,
    /// Its revision.
    pub revision: i32,
    /// Its tags.
    pub tags: Tags,
    /// Its content in the form of [`Definition`].
    pub body: Value,
}

impl Clients {
    /// Families with an active revision whose name begins so, all pages.
    pub async fn task_families(&self, prefix: &str) -> Result<Vec<String>, AwsError> {
        let mut families = Vec::new();
        let mut token: Option<String> = None;
        loop {
            let send = || {
                let request = self.ecs.list_task_definition_families().family_prefix(prefix).max_results(100);
                request.status(TaskDefinitionFamilyStatus::Active).set_next_token(token.clone()).send()
            };
            let answer = self.caller.call(FAMILIES, send).await?;
            families.extend(answer.families().iter().cloned());
            match answer.next_token() {
                Some(next) => token = Some(next.to_owned()),
                None => return Ok(families),
            }
        }
    }

    /// The newest active revision of a family.
    pub async fn task_definition(&self, family: &str) -> Result<Option<FoundDefinition>, AwsError> {
        let send =
            || self.ecs.describe_task_definition().task_definition(family).include(TaskDefinitionField::Tags).send();
        let answer = match self.caller.call(DESCRIBE, send).await {
            // ECS has no code of its own for a family without active revisions.
            Err(error) if error.class() == Class::Absent || error.message.contains("Unable to describe") => {
                return Ok(None);
            }
            answer => answer?,
        };
        let tags = plain_tags(answer.tags());
        let active = answer.task_definition().filter(|found| found.status() != Some(&TaskDefinitionStatus::Inactive));
        Ok(active.map(|found| FoundDefinition {
            arn: found.task_definition_arn().unwrap_or_default().to_owned(),
            revision: found.revision(),
            body: plain(found, &tags),
            tags,
        }))
    }

    /// Registers a revision and gives its ARN. Not repeated after a lost answer: the caller looks.
    pub async fn register_task(&self, family: &str, definition: &Definition, tags: &Tags) -> Result<String, AwsError> {
        let container = container(definition)?;
        let storage = definition.storage.map(|gib| EphemeralStorage::builder().size_in_gib(i32::from(gib)).build());
        let platform =
            RuntimePlatform::builder().operating_system_family(OsFamily::Linux).cpu_architecture(arch(definition.arch));
        let platform = platform.build();
        let send = || {
            self.ecs
                .register_task_definition()
                .family(family)
                .requires_compatibilities(Compatibility::Fargate)
                .network_mode(NetworkMode::Awsvpc)
                .cpu(definition.cpu.to_string())
                .memory(definition.memory.to_string())
                .execution_role_arn(&definition.execution_role)
                .task_role_arn(&definition.task_role)
                .runtime_platform(platform.clone())
                .set_ephemeral_storage(storage.clone())
                .container_definitions(container.clone())
                .set_tags(Some(sdk_tags(tags)))
                .send()
        };
        let answer = self.caller.call(REGISTER, send).await?;
        let arn = answer.task_definition().and_then(TaskDefinition::task_definition_arn);
        arn.map(str::to_owned).ok_or_else(|| AwsError::ours(REGISTER, "IncompleteAnswer", "it holds no ARN"))
    }

    /// Deregisters every active revision of a family: nothing may refer to them any more.
    pub async fn deregister_family(&self, family: &str) -> Result<(), AwsError> {
        for arn in self.task_revisions(family).await? {
            self.deregister_task(&arn).await?;
        }
        Ok(())
    }

    /// Deregisters one revision: nothing may refer to it any more.
    pub async fn deregister_task(&self, arn: &str) -> Result<(), AwsError> {
        let send = || self.ecs.deregister_task_definition().task_definition(arn).send();
        self.caller.call(DEREGISTER, send).await.map(drop)
    }

    /// ARNs of the active revisions of a family, all pages, oldest first.
    pub async fn task_revisions(&self, family: &str) -> Result<Vec<String>, AwsError> {
        let mut arns = Vec::new();
        let mut token: Option<String> = None;
        loop {
            let send = || {
                let request =
                    self.ecs.list_task_definitions().family_prefix(family).status(TaskDefinitionStatus::Active);
                request.max_results(100).set_next_token(token.clone()).send()
            };
            let answer = self.caller.call(LIST, send).await?;
            arns.extend(answer.task_definition_arns().iter().filter(|arn| is_of(arn, family)).cloned());
            token = answer.next_token().map(str::to_owned);
            if token.is_none() {
                arns.sort_by_key(|arn| revision(arn));
                return Ok(arns);
            }
        }
    }
}

/// The revision that an ARN ends with.
pub fn revision(arn: &str) -> Option<u32> {
    arn.rsplit_once(':')?.1.parse().ok()
}

fn is_of(arn: &str, family: &str) -> bool {
    let name = arn.rsplit('/').next().unwrap_or(arn);
    name.rsplit_once(':').is_some_and(|(found, _)| found == family)
}

fn container(definition: &Definition) -> Result<ContainerDefinition, AwsError> {
    // The worker answers SIGTERM within seconds; two minutes are what Fargate gives at most.
    const STOP_SECONDS: i32 = 120;
    let logs = LogConfiguration::builder()
        .log_driver(LogDriver::Awslogs)
        .options("awslogs-group", &definition.logs.group)
        .options("awslogs-region", &definition.logs.region)
        .options("awslogs-stream-prefix", &definition.logs.prefix)
        // A load goes on when CloudWatch Logs does not answer.
        .options("mode", "non-blocking")
        .options("max-buffer-size", "25m")
        .build()
        .map_err(|error| incomplete(REGISTER, &error))?;
    let secret = |(name, place): (&String, &String)| Secret::builder().name(name).value_from(place).build();
    let secrets: Vec<Secret> = definition
        .secrets
        .iter()
        .map(secret)
        .collect::<Result<_, _>>()
        .map_err(|error| incomplete(REGISTER, &error))?;
    let secrets = (!secrets.is_empty()).then_some(secrets);
    let command = (!definition.command.is_empty()).then(|| definition.command.clone());
    Ok(ContainerDefinition::builder()
        .name(CONTAINER)
        .image(&definition.image)
        .essential(true)
        .set_command(command)
        .set_environment(Some(pairs(&definition.environment)))
        .set_secrets(secrets)
        // The whole task is one container.
        .memory_reservation(i32::try_from(definition.memory).unwrap_or(i32::MAX))
        .stop_timeout(STOP_SECONDS)
        .log_configuration(logs)
        .build())
}

fn arch(arch: Arch) -> CpuArchitecture {
    match arch {
        Arch::X86_64 => CpuArchitecture::X8664,
        Arch::Arm64 => CpuArchitecture::Arm64,
    }
}

/// A registered definition in the form of ours: what AWS added is left out.
fn plain(found: &TaskDefinition, tags: &Tags) -> Value {
    let container = found.container_definitions().iter().find(|container| container.name() == Some(CONTAINER));
    let logs = container.and_then(ContainerDefinition::log_configuration).and_then(LogConfiguration::options);
    let option = |name: &str| logs.and_then(|options| options.get(name));
    let environment: BTreeMap<&str, &str> = container
        .map(|container| {
            container.environment().iter().filter_map(|pair| Some((pair.name()?, pair.value()?))).collect()
        })
        .unwrap_or_default();
    let secrets: BTreeMap<&str, &str> = container
        .map(|container| container.secrets().iter().map(|secret| (secret.name(), secret.value_from())).collect())
        .unwrap_or_default();
    let arch = found.runtime_platform().and_then(RuntimePlatform::cpu_architecture);
    let mut body = json!({
        "cpu": found.cpu().and_then(|text| text.parse::<u32>().ok()),
        "memory": found.memory().and_then(|text| text.parse::<u32>().ok()),
        "arch": if arch == Some(&CpuArchitecture::Arm64) { Arch::Arm64 } else { Arch::X86_64 },
        "storage": found.ephemeral_storage().map(EphemeralStorage::size_in_gib),
        "image": container.and_then(ContainerDefinition::image),
        "command": container.map(ContainerDefinition::command).unwrap_or_default(),
        "environment": environment,
        "secrets": (!secrets.is_empty()).then_some(secrets),
        "execution_role": found.execution_role_arn(),
        "task_role": found.task_role_arn(),
        "logs": {
            "group": option("awslogs-group"),
            "region": option("awslogs-region"),
            "prefix": option("awslogs-stream-prefix"),
        },
        "tags": crate::marker::without_marks(tags),
    });
    // Ours have one container and mount nothing.
    let others: Vec<_> =
        found.container_definitions().iter().filter_map(|one| one.name()).filter(|name| *name != CONTAINER).collect();
    if !others.is_empty() {
        body["other_containers"] = json!(others);
    }
    if !found.volumes().is_empty() {
        body["volumes"] = json!(found.volumes().iter().filter_map(|volume| volume.name()).collect::<Vec<_>>());
    }
    body
}

#[cfg(test)]
mod tests {
    use super::super::replay::clients;
    use super::*;

    #[tokio::test]
    async fn a_family_without_active_revisions_is_absent() {
        let answer = r#"{"__type": "ClientException", "message": "Unable to describe task definition."}"#;
        let clients = clients(400, answer).await;
        assert_eq!(clients.task_definition("freshet-nycdb-prod-acris").await, Ok(None));
    }

    #[test]
    fn a_family_that_another_begins_with_is_another() {
        let arn = "arn:aws:ecs:us-east-1:123456789012:task-definition/freshet-nycdb-prod-acris-large:3";
        assert!(is_of(arn, "freshet-nycdb-prod-acris-large"));
        assert!(!is_of(arn, "freshet-nycdb-prod-acris"));
    }
}
