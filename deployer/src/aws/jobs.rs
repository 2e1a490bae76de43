//! AWS Batch: job definitions. Every registration makes a revision, so the hash in the tags decides whether one is needed.

use std::collections::BTreeMap;

use aws_sdk_batch::types::{
    AssignPublicIp, ContainerProperties, EphemeralStorage, EvaluateOnExit, FargatePlatformConfiguration, JobDefinition,
    JobDefinitionType, JobTimeout, KeyValuePair, LogConfiguration, LogDriver, NetworkConfiguration, PlatformCapability,
    ResourceRequirement, ResourceType, RetryAction, RetryStrategy, RuntimePlatform, Secret,
};
use manifest::task_def::{Arch, Compute};
use serde_json::{Value, json};

use super::Clients;
use super::batch::operation;
use super::error::{AwsError, Repeat};
use super::task_definitions::FoundDefinition;
use crate::desired::resource::{BatchLimits, Definition, Tags};

impl Clients {
    /// Active job definitions whose name begins so, the newest revision of each by name.
    pub async fn job_definitions(&self, prefix: &str) -> Result<BTreeMap<String, FoundDefinition>, AwsError> {
        let mut newest: BTreeMap<String, FoundDefinition> = BTreeMap::new();
        for found in self.active_jobs(None).await? {
            let name = found.job_definition_name().unwrap_or_default();
            let revision = found.revision().unwrap_or_default();
            if name.starts_with(prefix) && newest.get(name).is_none_or(|newest| newest.revision < revision) {
                newest.insert(name.to_owned(), plain(&found));
            }
        }
        Ok(newest)
    }

    /// The newest active revision of a job definition.
    pub async fn job_definition(&self, name: &str) -> Result<Option<FoundDefinition>, AwsError> {
        let revisions = self.active_jobs(Some(name)).await?;
        Ok(revisions.iter().max_by_key(|found| found.revision()).map(plain))
    }

    /// ARNs of the active revisions of a job definition, oldest first.
    pub async fn job_revisions(&self, name: &str) -> Result<Vec<String>, AwsError> {
        let mut found = self.active_jobs(Some(name)).await?;
        found.sort_by_key(JobDefinition::revision);
        Ok(found.iter().filter_map(|found| found.job_definition_arn().map(str::to_owned)).collect())
    }

    /// Deregisters one revision: nothing may refer to it any more.
    pub async fn deregister_job_revision(&self, arn: &str) -> Result<(), AwsError> {
        let send = || self.batch.deregister_job_definition().job_definition(arn).send();
        self.caller.call(operation("DeregisterJobDefinition", Repeat::Safe), send).await.map(drop)
    }

    pub(super) async fn active_jobs(&self, name: Option<&str>) -> Result<Vec<JobDefinition>, AwsError> {
        let mut found = Vec::new();
        let mut token: Option<String> = None;
        loop {
            let send = || {
                let request = self.batch.describe_job_definitions().status("ACTIVE").max_results(100);
                request.set_job_definition_name(name.map(str::to_owned)).set_next_token(token.clone()).send()
            };
            let answer = self.caller.call(operation("DescribeJobDefinitions", Repeat::Safe), send).await?;
            found.extend(answer.job_definitions().iter().cloned());
            match answer.next_token() {
                Some(next) => token = Some(next.to_owned()),
                None => return Ok(found),
            }
        }
    }

    /// Registers a revision and gives its ARN. Not repeated after a lost answer: the caller looks.
    pub async fn register_job(&self, name: &str, definition: &Definition, tags: &Tags) -> Result<String, AwsError> {
        let register = operation("RegisterJobDefinition", Repeat::LookFirst);
        let Some(limits) = &definition.batch else {
            return Err(AwsError::ours(register, "IncompleteRequest", format!("{name} has no limits for Batch")));
        };
        let container = container(definition, limits);
        let retry = RetryStrategy::builder()
            .attempts(i32::from(limits.attempts))
            .set_evaluate_on_exit(Some(exits(limits)))
            .build();
        let seconds = i32::try_from(limits.timeout_seconds).unwrap_or(i32::MAX);
        let send = || {
            self.batch
                .register_job_definition()
                .job_definition_name(name)
                .r#type(JobDefinitionType::Container)
                .platform_capabilities(match limits.compute {
                    Compute::Fargate => PlatformCapability::Fargate,
                    Compute::Ec2 => PlatformCapability::Ec2,
                })
                .container_properties(container.clone())
                .retry_strategy(retry.clone())
                .timeout(JobTimeout::builder().attempt_duration_seconds(seconds).build())
                .propagate_tags(true)
                .set_tags(Some(tags.clone().into_iter().collect()))
                .send()
        };
        let answer = self.caller.call(register, send).await?;
        let arn = answer.job_definition_arn().map(str::to_owned);
        arn.ok_or_else(|| AwsError::ours(register, "IncompleteAnswer", "it holds no ARN"))
    }

    /// Deregisters every active revision of a job definition: nothing may refer to them any more.
    pub async fn deregister_job(&self, name: &str) -> Result<(), AwsError> {
        for found in self.active_jobs(Some(name)).await? {
            self.deregister_job_revision(found.job_definition_arn().unwrap_or_default()).await?;
        }
        Ok(())
    }
}

/// What the reason of a job begins with whose instance was taken away.
const HOST_GONE: &str = "Host EC2*";

/// After which ends another attempt is made, five conditions at most; where none holds, Batch makes one.
fn exits(limits: &BatchLimits) -> Vec<EvaluateOnExit> {
    let host = EvaluateOnExit::builder().on_status_reason(HOST_GONE).action(RetryAction::Retry).build();
    let on = |code: &u8| EvaluateOnExit::builder().on_exit_code(code.to_string()).action(RetryAction::Exit).build();
    std::iter::once(host).chain(limits.final_exits.iter().map(on)).collect()
}

fn container(definition: &Definition, limits: &BatchLimits) -> ContainerProperties {
    let need = |kind: ResourceType, value: String| ResourceRequirement::builder().r#type(kind).value(value).build();
    let pair = |(name, value): (&String, &String)| KeyValuePair::builder().name(name).value(value).build();
    let secret = |(name, place): (&String, &String)| Secret::builder().name(name).value_from(place).build();
    let logs = LogConfiguration::builder()
        .log_driver(LogDriver::Awslogs)
        .options("awslogs-group", &definition.logs.group)
        .options("awslogs-region", &definition.logs.region)
        .options("awslogs-stream-prefix", &definition.logs.prefix)
        .options("mode", "non-blocking")
        .options("max-buffer-size", "25m")
        .build();
    let arch = match definition.arch {
        Arch::X86_64 => "X86_64",
        Arch::Arm64 => "ARM64",
    };
    let network = limits
        .public_ip
        .as_deref()
        .map(|assigned| NetworkConfiguration::builder().assign_public_ip(AssignPublicIp::from(assigned)).build());
    let storage = definition.storage.map(|gib| EphemeralStorage::builder().size_in_gib(i32::from(gib)).build());
    let container = ContainerProperties::builder()
        .image(&definition.image)
        .set_command((!definition.command.is_empty()).then(|| definition.command.clone()))
        .job_role_arn(&definition.task_role)
        .execution_role_arn(&definition.execution_role)
        .resource_requirements(need(ResourceType::Vcpu, vcpus(definition.cpu)))
        .resource_requirements(need(ResourceType::Memory, definition.memory.to_string()))
        .set_environment(Some(definition.environment.iter().map(pair).collect()))
        .set_secrets((!definition.secrets.is_empty()).then(|| definition.secrets.iter().map(secret).collect()))
        .log_configuration(logs);
    // Instances have their own network, architecture and disk.
    if limits.compute == Compute::Ec2 {
        return container.build();
    }
    container
        .set_network_configuration(network)
        .fargate_platform_configuration(FargatePlatformConfiguration::builder().platform_version("LATEST").build())
        .runtime_platform(RuntimePlatform::builder().operating_system_family("LINUX").cpu_architecture(arch).build())
        .set_ephemeral_storage(storage)
        .build()
}

/// CPU units as Batch counts them: 512 is `0.5`.
fn vcpus(units: u32) -> String {
    match units {
        256 => "0.25".to_owned(),
        512 => "0.5".to_owned(),
        units => (units / 1_024).to_string(),
    }
}

pub(super) fn units(vcpus: &str) -> Option<u32> {
    match vcpus {
        "0.25" => Some(256),
        "0.5" => Some(512),
        whole => whole.split('.').next()?.parse::<u32>().ok().map(|n| n * 1_024),
    }
}

/// A registered definition in the form of ours: what Batch added is left out.
fn plain(found: &JobDefinition) -> FoundDefinition {
    let container = found.container_properties();
    let need = |kind: &ResourceType| {
        let needs = container.map(ContainerProperties::resource_requirements).unwrap_or_default();
        needs.iter().find(|need| need.r#type() == Some(kind)).and_then(|need| need.value())
    };
    let logs = container.and_then(ContainerProperties::log_configuration).and_then(LogConfiguration::options);
    let option = |name: &str| logs.and_then(|options| options.get(name));
    let environment: BTreeMap<&str, &str> = container
        .map(|container| {
            container.environment().iter().filter_map(|pair| Some((pair.name()?, pair.value()?))).collect()
        })
        .unwrap_or_default();
    let secrets: BTreeMap<&str, &str> = container
        .map(|container| container.secrets().iter().filter_map(|one| Some((one.name()?, one.value_from()?))).collect())
        .unwrap_or_default();
    let exits: Vec<u8> = found
        .retry_strategy()
        .map(RetryStrategy::evaluate_on_exit)
        .unwrap_or_default()
        .iter()
        // Batch takes either case, and so gives either.
        .filter(|exit| exit.action().is_some_and(|action| action.as_str().eq_ignore_ascii_case("exit")))
        .filter_map(|exit| exit.on_exit_code()?.parse().ok())
        .collect();
    let arch = container.and_then(ContainerProperties::runtime_platform).and_then(RuntimePlatform::cpu_architecture);
    let network = container.and_then(ContainerProperties::network_configuration);
    let tags: Tags = found.tags().map(|tags| tags.clone().into_iter().collect()).unwrap_or_default();
    let on_instances = found.platform_capabilities().contains(&PlatformCapability::Ec2);
    let mut body: Value = json!({
        "cpu": need(&ResourceType::Vcpu).and_then(units),
        "memory": need(&ResourceType::Memory).and_then(|text| text.parse::<u32>().ok()),
        "arch": if arch == Some("ARM64") { Arch::Arm64 } else { Arch::X86_64 },
        "storage": container.and_then(ContainerProperties::ephemeral_storage).and_then(EphemeralStorage::size_in_gib),
        "image": container.and_then(ContainerProperties::image),
        "command": container.map(ContainerProperties::command).unwrap_or_default(),
        "environment": environment,
        "secrets": (!secrets.is_empty()).then_some(secrets),
        "execution_role": container.and_then(ContainerProperties::execution_role_arn),
        "task_role": container.and_then(ContainerProperties::job_role_arn),
        "logs": {
            "group": option("awslogs-group"),
            "region": option("awslogs-region"),
            "prefix": option("awslogs-stream-prefix"),
        },
        "batch": {
            "attempts": found.retry_strategy().and_then(RetryStrategy::attempts),
            "timeout_seconds": found.timeout().and_then(JobTimeout::attempt_duration_seconds),
            "public_ip": network.and_then(NetworkConfiguration::assign_public_ip).map(AssignPublicIp::as_str),
            "compute": on_instances.then_some(Compute::Ec2),
            "final_exits": (!exits.is_empty()).then_some(exits),
        },
        "tags": crate::marker::without_marks(&tags),
    });
    // Of instances the compute environment says it.
    if let (true, Some(body)) = (on_instances, body.as_object_mut()) {
        body.remove("arch");
    }
    FoundDefinition {
        arn: found.job_definition_arn().unwrap_or_default().to_owned(),
        revision: found.revision().unwrap_or_default(),
        tags,
        body,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cpu_units_read_back_from_batchs_vcpus() {
        for cpu in [256, 512, 1_024, 4_096, 16_384] {
            assert_eq!(units(&vcpus(cpu)), Some(cpu));
        }
        assert_eq!(units("1.0"), Some(1_024));
    }

    #[test]
    fn batch_takes_at_most_five_conditions_on_exit() {
        let limits = |final_exits: &[u8]| BatchLimits {
            attempts: 2,
            timeout_seconds: 60,
            public_ip: Some("ENABLED".to_owned()),
            compute: Compute::Fargate,
            final_exits: final_exits.to_vec(),
        };
        let exits = exits(&limits(&[64, 65, 77, 78]));
        assert!(exits.len() <= 5);
        assert_eq!(exits[0].action(), Some(&RetryAction::Retry), "a host that was taken away comes first");
    }
}
