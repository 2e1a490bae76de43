//! ECS: the cluster, what runs in it, and running a task now.

use std::collections::BTreeMap;

use aws_sdk_ecs::types::{
    AssignPublicIp, AwsVpcConfiguration, ClusterField, ContainerOverride, KeyValuePair, LaunchType,
    NetworkConfiguration, PropagateTags, Tag, TaskOverride,
};

use super::bucket::Family;
use super::error::{AwsError, Class, Operation, Repeat};
use super::{Clients, incomplete};
use crate::desired::definition::CONTAINER;
use crate::desired::resource::{Network, Tags};

pub(super) const fn operation(name: &'static str, family: Family, repeat: Repeat) -> Operation {
    Operation { service: "ecs", name, family, repeat }
}

const CLUSTERS: Operation = operation("DescribeClusters", Family::EcsCluster, Repeat::Safe);
// Of a name that is there already, CreateCluster gives the cluster.
const CREATE_CLUSTER: Operation = operation("CreateCluster", Family::EcsCluster, Repeat::Safe);
const PUT_PROVIDERS: Operation = operation("PutClusterCapacityProviders", Family::EcsCluster, Repeat::Safe);
const DELETE_CLUSTER: Operation = operation("DeleteCluster", Family::EcsCluster, Repeat::Safe);
const LIST_TASKS: Operation = operation("ListTasks", Family::EcsCluster, Repeat::Safe);
const DESCRIBE_TASKS: Operation = operation("DescribeTasks", Family::EcsCluster, Repeat::Safe);
// Carries a client token.
const RUN_TASK: Operation = operation("RunTask", Family::EcsRun, Repeat::Safe);

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
    /// Tags and capacity providers of the cluster, where it is there and takes tasks.
    pub async fn cluster(&self, name: &str) -> Result<Option<(Tags, Vec<String>)>, AwsError> {
        let send = || self.ecs.describe_clusters().clusters(name).include(ClusterField::Tags).send();
        let answer = self.caller.call(CLUSTERS, send).await?;
        let active = answer.clusters().iter().find(|cluster| cluster.status() == Some("ACTIVE"));
        Ok(active.map(|cluster| (plain_tags(cluster.tags()), cluster.capacity_providers().to_vec())))
    }

    /// Makes a cluster that offers these capacity providers.
    pub async fn create_cluster(&self, name: &str, providers: &[String], tags: &Tags) -> Result<(), AwsError> {
        let providers = (!providers.is_empty()).then(|| providers.to_vec());
        let send = || {
            let request = self.ecs.create_cluster().cluster_name(name).set_capacity_providers(providers.clone());
            request.set_tags(Some(sdk_tags(tags))).send()
        };
        self.caller.call(CREATE_CLUSTER, send).await.map(drop)
    }

    /// Makes a cluster of ours offer these capacity providers, and start by none of them what names none.
    pub async fn put_capacity_providers(&self, name: &str, providers: &[String]) -> Result<(), AwsError> {
        let send = || {
            let request = self.ecs.put_cluster_capacity_providers().cluster(name);
            let request = request.set_capacity_providers(Some(providers.to_vec()));
            request.set_default_capacity_provider_strategy(Some(Vec::new())).send()
        };
        self.caller.call(PUT_PROVIDERS, send).await.map(drop)
    }

    /// Deletes a cluster of ours in which nothing runs any more.
    pub async fn delete_cluster(&self, name: &str) -> Result<(), AwsError> {
        match self.caller.call(DELETE_CLUSTER, || self.ecs.delete_cluster().cluster(name).send()).await {
            Err(error) if error.class() != Class::Absent => Err(error),
            _ => Ok(()),
        }
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

fn network_configuration(operation: Operation, network: &Network) -> Result<NetworkConfiguration, AwsError> {
    let vpc = AwsVpcConfiguration::builder()
        .set_subnets(Some(network.subnets.clone()))
        .set_security_groups(Some(network.security_groups.clone()))
        .assign_public_ip(AssignPublicIp::from(network.public_ip.as_str()))
        .build()
        .map_err(|error| incomplete(operation, &error))?;
    Ok(NetworkConfiguration::builder().awsvpc_configuration(vpc).build())
}

pub(super) fn pairs(variables: &BTreeMap<String, String>) -> Vec<KeyValuePair> {
    variables.iter().map(|(name, value)| KeyValuePair::builder().name(name).value(value).build()).collect()
}

pub(super) fn plain_tags(tags: &[Tag]) -> Tags {
    tags.iter().filter_map(|tag| Some((tag.key()?.to_owned(), tag.value().unwrap_or_default().to_owned()))).collect()
}

pub(super) fn sdk_tags(tags: &Tags) -> Vec<Tag> {
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
}
