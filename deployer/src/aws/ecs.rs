//! ECS: the cluster, task definitions, and running one now.

use std::collections::BTreeMap;

use aws_sdk_ecs::types::{
    AssignPublicIp, AwsVpcConfiguration, ClusterField, Compatibility, ContainerDefinition, ContainerOverride,
    CpuArchitecture, EphemeralStorage, KeyValuePair, LaunchType, LogConfiguration, LogDriver, NetworkConfiguration,
    NetworkMode, OsFamily, PropagateTags, RuntimePlatform, Tag, TaskDefinition, TaskDefinitionFamilyStatus,
    TaskDefinitionField, TaskDefinitionStatus, TaskOverride,
};
use manifest::task_def::Arch;
use serde_json::{Value, json};

use super::bucket::Family;
use super::error::{AwsError, Class, Operation, Repeat};
use super::{Clients, incomplete};
use crate::desired::definition::CONTAINER;
use crate::desired::resource::{Definition, Network, Tags};

const fn operation(name: &'static str, family: Family, repeat: Repeat) -> Operation {
    Operation { service: "ecs", name, family, repeat }
}

const REGISTER: Operation = operation("RegisterTaskDefinition", Family::EcsRegister, Repeat::LookFirst);
const DEREGISTER: Operation = operation("DeregisterTaskDefinition", Family::EcsRegister, Repeat::Safe);
const DESCRIBE: Operation = operation("DescribeTaskDefinition", Family::EcsDefinitions, Repeat::Safe);
const LIST: Operation = operation("ListTaskDefinitions", Family::EcsDefinitions, Repeat::Safe);
const FAMILIES: Operation = operation("ListTaskDefinitionFamilies", Family::EcsDefinitions, Repeat::Safe);
const CLUSTERS: Operation = operation("DescribeClusters", Family::EcsCluster, Repeat::Safe);
// Of a name that is there already, CreateCluster gives the cluster.
const CREATE_CLUSTER: Operation = operation("CreateCluster", Family::EcsCluster, Repeat::Safe);
const DELETE_CLUSTER: Operation = operation("DeleteCluster", Family::EcsCluster, Repeat::Safe);
const LIST_TASKS: Operation = operation("ListTasks", Family::EcsCluster, Repeat::Safe);
const DESCRIBE_TASKS: Operation = operation("DescribeTasks", Family::EcsCluster, Repeat::Safe);
// Carries a client token.
const RUN_TASK: Operation = operation("RunTask", Family::EcsRun, Repeat::Safe);

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

/// What one run is told besides its definition.
#[derive(Debug, Clone, Copy)]
pub struct Overrides<'a> {
    /// Variables that are added to its environment.
    pub variables: &'a BTreeMap<String, String>,
    /// What the worker is told instead; the definition's own command when empty.
    pub command: &'a [String],
}

impl Overrides<'_> {
    /// The command, if there is one.
    pub fn command(&self) -> Option<Vec<String>> {
        (!self.command.is_empty()).then(|| self.command.to_vec())
    }
}

/// A task that was started.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Started {
    /// Its id.
    pub id: String,
    /// Its ARN.
    pub arn: String,
}

impl Clients {
    /// Whether the cluster is there and takes tasks.
    pub async fn cluster(&self, name: &str) -> Result<Option<Tags>, AwsError> {
        let send = || self.ecs.describe_clusters().clusters(name).include(ClusterField::Tags).send();
        let answer = self.caller.call(CLUSTERS, send).await?;
        let active = answer.clusters().iter().find(|cluster| cluster.status() == Some("ACTIVE"));
        Ok(active.map(|cluster| plain_tags(cluster.tags())))
    }

    /// Makes a cluster.
    pub async fn create_cluster(&self, name: &str, tags: &Tags) -> Result<(), AwsError> {
        let send = || self.ecs.create_cluster().cluster_name(name).set_tags(Some(sdk_tags(tags))).send();
        self.caller.call(CREATE_CLUSTER, send).await.map(drop)
    }

    /// Deletes a cluster of ours in which nothing runs any more.
    pub async fn delete_cluster(&self, name: &str) -> Result<(), AwsError> {
        match self.caller.call(DELETE_CLUSTER, || self.ecs.delete_cluster().cluster(name).send()).await {
            Err(error) if error.class() != Class::Absent => Err(error),
            _ => Ok(()),
        }
    }

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

    /// ARNs, with revision, of the definitions of which tasks run or are about to, all pages.
    pub async fn running_definitions(&self, cluster: &str) -> Result<Vec<String>, AwsError> {
        let mut definitions = Vec::new();
        let mut token: Option<String> = None;
        loop {
            let send = || self.ecs.list_tasks().cluster(cluster).max_results(100).set_next_token(token.clone()).send();
            let answer = match self.caller.call(LIST_TASKS, send).await {
                Err(error) if error.class() == Class::Absent => return Ok(definitions),
                answer => answer?,
            };
            if !answer.task_arns().is_empty() {
                let tasks = answer.task_arns().to_vec();
                let send = || self.ecs.describe_tasks().cluster(cluster).set_tasks(Some(tasks.clone())).send();
                let tasks = self.caller.call(DESCRIBE_TASKS, send).await?;
                definitions
                    .extend(tasks.tasks().iter().filter_map(|task| Some(task.task_definition_arn()?.to_owned())));
            }
            match answer.next_token() {
                Some(next) => token = Some(next.to_owned()),
                None => return Ok(definitions),
            }
        }
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

    /// Starts one task now. The token makes it one task, however often the request is sent.
    pub async fn run_task(
        &self,
        cluster: &str,
        definition: &str,
        network: &Network,
        told: Overrides<'_>,
        started_by: &str,
        token: uuid::Uuid,
    ) -> Result<Started, AwsError> {
        let container = ContainerOverride::builder().name(CONTAINER).set_environment(Some(pairs(told.variables)));
        let container = container.set_command(told.command()).build();
        let overrides = TaskOverride::builder().container_overrides(container).build();
        let network = network_configuration(RUN_TASK, network)?;
        let send = || {
            self.ecs
                .run_task()
                .cluster(cluster)
                .task_definition(definition)
                .launch_type(LaunchType::Fargate)
                .count(1)
                .network_configuration(network.clone())
                .overrides(overrides.clone())
                .propagate_tags(PropagateTags::TaskDefinition)
                .enable_ecs_managed_tags(true)
                .started_by(started_by)
                .client_token(token.to_string())
                .send()
        };
        let answer = self.caller.call(RUN_TASK, send).await?;
        // HTTP 200 with failures is how ECS says that nothing was started.
        if let Some(failure) = answer.failures().first() {
            let words: Vec<&str> = [failure.reason(), failure.detail()].into_iter().flatten().collect();
            return Err(AwsError::ours(RUN_TASK, "NotStarted", words.join(" ")));
        }
        let arn = answer.tasks().first().and_then(|task| task.task_arn());
        let arn =
            arn.ok_or_else(|| AwsError::ours(RUN_TASK, "IncompleteAnswer", "it holds neither a task nor a failure"))?;
        Ok(Started { id: arn.rsplit('/').next().unwrap_or(arn).to_owned(), arn: arn.to_owned() })
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

fn network_configuration(operation: Operation, network: &Network) -> Result<NetworkConfiguration, AwsError> {
    let vpc = AwsVpcConfiguration::builder()
        .set_subnets(Some(network.subnets.clone()))
        .set_security_groups(Some(network.security_groups.clone()))
        .assign_public_ip(AssignPublicIp::from(network.public_ip.as_str()))
        .build()
        .map_err(|error| incomplete(operation, &error))?;
    Ok(NetworkConfiguration::builder().awsvpc_configuration(vpc).build())
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
    Ok(ContainerDefinition::builder()
        .name(CONTAINER)
        .image(&definition.image)
        .essential(true)
        .set_command(Some(definition.command.clone()))
        .set_environment(Some(pairs(&definition.environment)))
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

fn pairs(variables: &BTreeMap<String, String>) -> Vec<KeyValuePair> {
    variables.iter().map(|(name, value)| KeyValuePair::builder().name(name).value(value).build()).collect()
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
    let arch = found.runtime_platform().and_then(RuntimePlatform::cpu_architecture);
    let mut body = json!({
        "cpu": found.cpu().and_then(|text| text.parse::<u32>().ok()),
        "memory": found.memory().and_then(|text| text.parse::<u32>().ok()),
        "arch": if arch == Some(&CpuArchitecture::Arm64) { Arch::Arm64 } else { Arch::X86_64 },
        "storage": found.ephemeral_storage().map(EphemeralStorage::size_in_gib),
        "image": container.and_then(ContainerDefinition::image),
        "command": container.map(ContainerDefinition::command).unwrap_or_default(),
        "environment": environment,
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

pub(super) fn plain_tags(tags: &[Tag]) -> Tags {
    tags.iter().filter_map(|tag| Some((tag.key()?.to_owned(), tag.value().unwrap_or_default().to_owned()))).collect()
}

fn sdk_tags(tags: &Tags) -> Vec<Tag> {
    tags.iter().map(|(key, value)| Tag::builder().key(key).value(value).build()).collect()
}

#[cfg(test)]
mod tests {
    use super::super::replay::clients;
    use super::*;

    fn network() -> Network {
        Network {
            subnets: vec!["subnet-a".to_owned()],
            security_groups: vec!["sg-1".to_owned()],
            public_ip: "ENABLED".to_owned(),
        }
    }

    #[tokio::test]
    async fn a_task_that_was_not_started_is_an_error_although_the_request_was_answered() {
        let answer = r#"{"tasks": [], "failures": [{"reason": "Capacity is unavailable at this time."}]}"#;
        let clients = clients(200, answer).await;
        let told = Overrides { variables: &BTreeMap::new(), command: &[] };
        let run = clients.run_task("civic", "arn:1", &network(), told, "t", uuid::Uuid::nil()).await;
        let words = run.unwrap_err().to_string();
        assert!(words.contains("NotStarted: Capacity is unavailable at this time."), "{words}");
    }

    #[tokio::test]
    async fn a_page_of_html_is_told_by_its_status_and_never_quoted() {
        let clients = clients(500, "<!doctype html><title>500</title>").await;
        let words = clients.cluster("civic").await.unwrap_err().to_string();
        assert!(words.contains("HTTP 500") && !words.contains("token") && !words.contains('<'), "{words}");
    }

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
