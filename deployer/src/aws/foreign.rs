//! What others made to start tasks and jobs: rules, schedules and definitions of anybody, read whole. In: names. Out: the
//! plain words of [`crate::observed::foreign`], which hold what a manifest can say and name what it cannot.

use std::collections::BTreeMap;

use aws_sdk_batch::types::{
    self as batch, ContainerProperties, JobDefinition, PlatformCapability, ResourceType, RetryStrategy,
};
use aws_sdk_ecs::types::{self as ecs, ContainerDefinition, TaskDefinition, TaskDefinitionField};
use aws_sdk_eventbridge::types as events;
use aws_sdk_scheduler::types as scheduler;
use manifest::schedule::Replaced;
use manifest::task_def::{Arch, Engine};
use serde_json::Value;

use super::Clients;
use super::bucket::Family;
use super::error::{AwsError, Class, Operation, Repeat};
use super::jobs::units;
use crate::desired::resource::Tags;
use crate::observed::foreign::{Definition, Firing, Overrides, Target};
use crate::observed::state::State;

const DESCRIBE: Operation =
    Operation { service: "ecs", name: "DescribeTaskDefinition", family: Family::EcsDefinitions, repeat: Repeat::Safe };

const fn of_events(name: &'static str) -> Operation {
    Operation { service: "events", name, family: Family::Events, repeat: Repeat::Safe }
}

impl Clients {
    /// A trigger of somebody else, whole; none when there is no such thing.
    pub async fn foreign_trigger(&self, of: &Replaced) -> Result<Option<Firing>, AwsError> {
        match of {
            Replaced::Rule(name) => self.foreign_rule(name).await,
            Replaced::Schedule { group, name } => self.foreign_schedule(group, name).await,
        }
    }

    async fn foreign_rule(&self, name: &str) -> Result<Option<Firing>, AwsError> {
        let rules = self.rules(name).await?;
        let Some(rule) = rules.into_iter().find(|rule| rule.name == name) else { return Ok(None) };
        let send = || self.events.list_targets_by_rule().rule(name).send();
        let targets = match self.caller.call(of_events("ListTargetsByRule"), send).await {
            Err(error) if error.class() == Class::Absent => return Ok(None),
            answer => answer?,
        };
        Ok(Some(Firing {
            of: Replaced::Rule(name.to_owned()),
            tags: self.rule_tags(&rule.arn).await?,
            description: rule.description,
            expression: rule.expression,
            timezone: "UTC".to_owned(),
            state: rule.state,
            start: None,
            notes: Vec::new(),
            targets: targets.targets().iter().map(of_rule).collect(),
        }))
    }

    async fn foreign_schedule(&self, group: &str, name: &str) -> Result<Option<Firing>, AwsError> {
        let send = || self.scheduler.get_schedule().group_name(group).name(name).send();
        let found = match self.caller.call(super::scheduler::operation("GetSchedule"), send).await {
            Err(error) if error.class() == Class::Absent => return Ok(None),
            answer => answer?,
        };
        let mut notes = Vec::new();
        if let Some(minutes) =
            found.flexible_time_window().and_then(scheduler::FlexibleTimeWindow::maximum_window_in_minutes)
        {
            notes
                .push(format!("it fired within {minutes} minutes of its time; `spread: {minutes}m` is the like of it"));
        }
        if let Some(end) = found.end_date().and_then(|end| jiff::Timestamp::from_second(end.secs()).ok()) {
            notes.push(format!("it was to end at {end}; delete the entry then"));
        }
        // A schedule has no tags of its own: its group has.
        let arn = found.arn().unwrap_or_default().replacen(":schedule/", ":schedule-group/", 1);
        let arn = arn.rsplit_once('/').map_or(arn.clone(), |(group, _)| group.to_owned());
        let tags = self.schedule_group(group, &arn).await?.unwrap_or_default();
        Ok(Some(Firing {
            of: Replaced::Schedule { group: group.to_owned(), name: name.to_owned() },
            tags,
            description: found.description().unwrap_or_default().to_owned(),
            expression: found.schedule_expression().unwrap_or_default().to_owned(),
            timezone: found.schedule_expression_timezone().unwrap_or("UTC").to_owned(),
            state: if found.state() == Some(&scheduler::ScheduleState::Disabled) {
                State::Disabled
            } else {
                State::Enabled
            },
            start: found.start_date().map(aws_sdk_scheduler::primitives::DateTime::secs),
            notes,
            targets: found.target().map(of_schedule).into_iter().collect(),
        }))
    }

    /// A definition of somebody else by ARN or name; none when it is not registered any more.
    pub async fn foreign_definition(&self, engine: Engine, name: &str) -> Result<Option<Definition>, AwsError> {
        match engine {
            Engine::Fargate => {
                let tags = TaskDefinitionField::Tags;
                let send = || self.ecs.describe_task_definition().task_definition(name).include(tags.clone()).send();
                let answer = match self.caller.call(DESCRIBE, send).await {
                    Err(error) if error.class() == Class::Absent || error.message.contains("Unable to describe") => {
                        return Ok(None);
                    }
                    answer => answer?,
                };
                Ok(answer.task_definition().map(|found| of_ecs(found, &super::ecs::plain_tags(answer.tags()))))
            }
            Engine::Batch => {
                let name = name.rsplit('/').next().unwrap_or(name);
                let (plain, revision) = name.split_once(':').map_or((name, None), |(name, n)| (name, n.parse().ok()));
                let found = self.active_jobs(Some(plain)).await?;
                let wanted = |found: &&JobDefinition| revision.is_none_or(|n: i32| found.revision() == Some(n));
                Ok(found.iter().filter(wanted).max_by_key(|found| found.revision()).map(of_batch))
            }
        }
    }

    /// The newest revision of every job definition of the account, by name.
    pub async fn all_job_definitions(&self) -> Result<BTreeMap<String, Definition>, AwsError> {
        let mut found = self.active_jobs(None).await?;
        found.sort_by_key(JobDefinition::revision);
        Ok(found.iter().map(|one| (one.job_definition_name().unwrap_or_default().to_owned(), of_batch(one))).collect())
    }

    /// Deletes a trigger of somebody else together with its targets; one that is gone already is as good.
    pub async fn delete_foreign(&self, of: &Replaced, token: uuid::Uuid) -> Result<(), AwsError> {
        match of {
            Replaced::Rule(name) => {
                // Every target, ours being one that it does not have.
                self.remove_other_targets(name).await?;
                self.delete_rule(name).await
            }
            Replaced::Schedule { group, name } => self.delete_schedule(group, name, token).await,
        }
    }
}

fn of_rule(target: &events::Target) -> Target {
    let ecs = target.ecs_parameters();
    let batch = target.batch_parameters();
    let engine = ecs.map(|_| Engine::Fargate).or_else(|| batch.map(|_| Engine::Batch));
    let definition = ecs.map(|ecs| ecs.task_definition_arn().to_owned());
    let mut notes = Vec::new();
    if let Some(strategy) = ecs.and_then(|ecs| ecs.capacity_provider_strategy().first()) {
        notes.push(format!("it ran on the capacity provider {}", strategy.capacity_provider()));
    }
    if target.input_transformer().is_some() || target.input_path().is_some() {
        notes.push("its input was made from the event; the job is told what its manifest says and no more".to_owned());
    }
    if let Some(size) = batch.and_then(|batch| batch.array_properties()).map(events::BatchArrayProperties::size) {
        notes.push(format!("it was an array of {size}; write `array: {size}` in its job"));
    }
    let vpc = ecs.and_then(|ecs| ecs.network_configuration()).and_then(|network| network.awsvpc_configuration());
    Target {
        engine,
        definition: definition.or_else(|| batch.map(|batch| batch.job_definition().to_owned())),
        place: target.arn().to_owned(),
        count: ecs.and_then(events::EcsParameters::task_count).unwrap_or(1),
        on_instances: ecs.and_then(|ecs| ecs.launch_type()).is_some_and(|launch| *launch == events::LaunchType::Ec2),
        subnets: vpc.map(|vpc| vpc.subnets().to_vec()).unwrap_or_default(),
        overrides: Overrides::read(target.input()),
        notes,
    }
}

fn of_schedule(target: &scheduler::Target) -> Target {
    let ecs = target.ecs_parameters();
    let request: Option<Value> = target.input().and_then(|input| serde_json::from_str(input).ok());
    let of_batch = request.filter(|_| target.arn().ends_with(":aws-sdk:batch:submitJob"));
    let text = |key: &str| of_batch.as_ref().and_then(|request| request[key].as_str()).map(str::to_owned);
    let vpc = ecs.and_then(|ecs| ecs.network_configuration()).and_then(|network| network.awsvpc_configuration());
    let mut notes = Vec::new();
    if let Some(strategy) = ecs.and_then(|ecs| ecs.capacity_provider_strategy().first()) {
        notes.push(format!("it ran on the capacity provider {}", strategy.capacity_provider()));
    }
    if let Some(size) = of_batch.as_ref().and_then(|request| request["ArrayProperties"]["Size"].as_u64()) {
        notes.push(format!("it was an array of {size}; write `array: {size}` in its job"));
    }
    Target {
        engine: ecs.map(|_| Engine::Fargate).or_else(|| of_batch.as_ref().map(|_| Engine::Batch)),
        definition: ecs.map(|ecs| ecs.task_definition_arn().to_owned()).or_else(|| text("JobDefinition")),
        place: text("JobQueue").unwrap_or_else(|| target.arn().to_owned()),
        count: ecs.and_then(scheduler::EcsParameters::task_count).unwrap_or(1),
        on_instances: ecs.and_then(|ecs| ecs.launch_type()).is_some_and(|launch| *launch == scheduler::LaunchType::Ec2),
        subnets: vpc.map(|vpc| vpc.subnets().to_vec()).unwrap_or_default(),
        overrides: Overrides::read(target.input()),
        notes,
    }
}

fn pairs<'a>(pairs: impl Iterator<Item = (Option<&'a str>, Option<&'a str>)>) -> BTreeMap<String, String> {
    pairs.filter_map(|(name, value)| Some((name?.to_owned(), value.unwrap_or_default().to_owned()))).collect()
}

fn of_ecs(found: &TaskDefinition, tags: &Tags) -> Definition {
    let containers = found.container_definitions();
    let first = containers.iter().find(|one| one.essential() != Some(false)).or(containers.first());
    let on_fargate = found.requires_compatibilities().contains(&ecs::Compatibility::Fargate)
        || found.network_mode() == Some(&ecs::NetworkMode::Awsvpc);
    let mut never = Vec::new();
    if !on_fargate {
        never.push("it runs on EC2 instances, and jobs here run on Fargate".to_owned());
    }
    let others: Vec<&str> = containers
        .iter()
        .filter(|one| first.is_none_or(|first| first.name() != one.name()))
        .filter_map(|one| one.name())
        .collect();
    if !others.is_empty() {
        never.push(format!("it has the containers {} besides, and a job is one container", others.join(", ")));
    }
    let volumes: Vec<&str> = found.volumes().iter().filter_map(|volume| volume.name()).collect();
    if !volumes.is_empty() {
        never.push(format!("it mounts {}, and a job mounts nothing", volumes.join(", ")));
    }
    let mut notes = Vec::new();
    if let Some(container) = first {
        container_of_ecs(container, &mut never, &mut notes);
    }
    let number = |text: Option<&str>| text.and_then(|text| text.parse::<u32>().ok());
    let of_container = |value: Option<i32>| value.and_then(|n| u32::try_from(n).ok()).filter(|n| *n > 0);
    let arch = found.runtime_platform().and_then(ecs::RuntimePlatform::cpu_architecture);
    Definition {
        engine: Engine::Fargate,
        arn: found.task_definition_arn().unwrap_or_default().to_owned(),
        name: format!("{}:{}", found.family().unwrap_or_default(), found.revision()),
        cpu: number(found.cpu()).or_else(|| of_container(first.map(ContainerDefinition::cpu))),
        memory: number(found.memory()).or_else(|| of_container(first.and_then(ContainerDefinition::memory))),
        arch: if arch == Some(&ecs::CpuArchitecture::Arm64) { Arch::Arm64 } else { Arch::X86_64 },
        storage: found.ephemeral_storage().and_then(|storage| u16::try_from(storage.size_in_gib()).ok()),
        timeout_seconds: None,
        attempts: 1,
        container: first.and_then(ContainerDefinition::name).map(str::to_owned),
        image: first.and_then(ContainerDefinition::image).unwrap_or_default().to_owned(),
        command: first.map(|one| one.command().to_vec()).unwrap_or_default(),
        environment: pairs(
            first.map(ContainerDefinition::environment).unwrap_or_default().iter().map(|one| (one.name(), one.value())),
        ),
        secrets: pairs(
            first
                .map(ContainerDefinition::secrets)
                .unwrap_or_default()
                .iter()
                .map(|one| (Some(one.name()), Some(one.value_from()))),
        ),
        task_role: found.task_role_arn().map(str::to_owned),
        tags: tags.clone(),
        never,
        notes,
    }
}

fn container_of_ecs(container: &ContainerDefinition, never: &mut Vec<String>, notes: &mut Vec<String>) {
    if !container.entry_point().is_empty() {
        never.push("it has an entry point of its own, and a job has the image's".to_owned());
    }
    if let Some(folder) = container.working_directory() {
        never.push(format!("it works in {folder}, and a job works where the image says"));
    }
    if let Some(user) = container.user() {
        notes.push(format!("it ran as the user {user}; the image's own user runs it now"));
    }
    if !container.environment_files().is_empty() {
        never.push("it reads variables from files in S3".to_owned());
    }
    if !container.ulimits().is_empty() || container.linux_parameters().is_some() {
        notes.push("its ulimits and Linux parameters have no counterpart".to_owned());
    }
    let logs = container.log_configuration();
    if let Some(group) = logs.and_then(|logs| logs.options()).and_then(|options| options.get("awslogs-group")) {
        notes.push(format!("its log was in {group}; it is in the stack's log group now"));
    } else if let Some(logs) = logs {
        notes.push(format!("its log went to {}; it goes to CloudWatch Logs now", logs.log_driver().as_str()));
    }
}

fn of_batch(found: &JobDefinition) -> Definition {
    let container = found.container_properties();
    let need = |kind: &ResourceType| {
        let needs = container.map(ContainerProperties::resource_requirements).unwrap_or_default();
        needs.iter().find(|need| need.r#type() == Some(kind)).and_then(|need| need.value())
    };
    let mut never = Vec::new();
    if !found.platform_capabilities().contains(&PlatformCapability::Fargate) {
        never.push("it runs on EC2 instances, and jobs here run on Fargate".to_owned());
    }
    if container.is_none() {
        never.push("it is not one container".to_owned());
    }
    let volumes = container.map(ContainerProperties::volumes).unwrap_or_default();
    if !volumes.is_empty() {
        never.push("it mounts volumes, and a job mounts nothing".to_owned());
    }
    let mut notes = Vec::new();
    if found.retry_strategy().is_some_and(|retry| !retry.evaluate_on_exit().is_empty()) {
        notes.push("which exits it was tried again after is not carried over; each is".to_owned());
    }
    if found.parameters().is_some_and(|parameters| !parameters.is_empty()) {
        never.push("it has parameters, which its command is made with".to_owned());
    }
    let arch =
        container.and_then(ContainerProperties::runtime_platform).and_then(batch::RuntimePlatform::cpu_architecture);
    let storage =
        container.and_then(ContainerProperties::ephemeral_storage).and_then(batch::EphemeralStorage::size_in_gib);
    Definition {
        engine: Engine::Batch,
        arn: found.job_definition_arn().unwrap_or_default().to_owned(),
        name: format!("{}:{}", found.job_definition_name().unwrap_or_default(), found.revision().unwrap_or_default()),
        cpu: need(&ResourceType::Vcpu).and_then(units),
        memory: need(&ResourceType::Memory).and_then(|text| text.parse().ok()),
        arch: if arch == Some("ARM64") { Arch::Arm64 } else { Arch::X86_64 },
        storage: storage.and_then(|gib| u16::try_from(gib).ok()),
        timeout_seconds: found
            .timeout()
            .and_then(batch::JobTimeout::attempt_duration_seconds)
            .and_then(|n| u64::try_from(n).ok()),
        attempts: found
            .retry_strategy()
            .and_then(RetryStrategy::attempts)
            .and_then(|n| u8::try_from(n).ok())
            .unwrap_or(1),
        container: None,
        image: container.and_then(ContainerProperties::image).unwrap_or_default().to_owned(),
        command: container.map(|container| container.command().to_vec()).unwrap_or_default(),
        environment: pairs(
            container
                .map(ContainerProperties::environment)
                .unwrap_or_default()
                .iter()
                .map(|one| (one.name(), one.value())),
        ),
        secrets: pairs(
            container
                .map(ContainerProperties::secrets)
                .unwrap_or_default()
                .iter()
                .map(|one| (one.name(), one.value_from())),
        ),
        task_role: container.and_then(ContainerProperties::job_role_arn).map(str::to_owned),
        tags: found.tags().map(|tags| tags.clone().into_iter().collect()).unwrap_or_default(),
        never,
        notes,
    }
}
