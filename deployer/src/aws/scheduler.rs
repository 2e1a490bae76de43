//! EventBridge Scheduler: the stack's group and its schedules.

use aws_sdk_scheduler::operation::get_schedule::GetScheduleOutput;
use aws_sdk_scheduler::primitives::DateTime;
use aws_sdk_scheduler::types::{
    ActionAfterCompletion, AssignPublicIp, AwsVpcConfiguration, CapacityProviderStrategyItem, DeadLetterConfig,
    EcsParameters, FlexibleTimeWindow, FlexibleTimeWindowMode, LaunchType, NetworkConfiguration, PropagateTags,
    RetryPolicy, ScheduleState, Tag, Target,
};
use manifest::task_def::Engine;
use serde_json::{Value, json};
use uuid::Uuid;

use super::bucket::Family;
use super::error::{AwsError, Class, Operation, Repeat};
use super::{Clients, incomplete};
use crate::desired::resource::{Network, Tags, Trigger};
use crate::desired::trigger::{sorted, submit_job};
use crate::names::dataset_of_schedule;
use crate::observed::state::{Carry, State};

pub(super) const fn operation(name: &'static str) -> Operation {
    // Creates and deletes carry a client token; a schedule's name holds its content besides.
    Operation { service: "scheduler", name, family: Family::Scheduler, repeat: Repeat::Safe }
}

/// Looks at a group that is being deleted, five minutes in all.
const GONE_LOOKS: u32 = 60;
/// Between two of them.
const GONE_WAIT: std::time::Duration = std::time::Duration::from_secs(5);

/// What a list call says of a schedule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListedSchedule {
    /// Its name.
    pub name: String,
    /// Whether it is on.
    pub state: State,
    /// Whether it was changed after it was made.
    pub touched: bool,
}

/// A schedule that was looked at.
#[derive(Debug, Clone, PartialEq)]
pub struct FoundSchedule {
    /// Its Description.
    pub description: String,
    /// Whether it is on, and since when.
    pub carry: Carry,
    /// ARN of the definition that it starts.
    pub definition: String,
    /// Its content in the form of [`Trigger`], as far as it can be told.
    pub body: Value,
}

/// A schedule to be made.
#[derive(Debug, Clone, Copy)]
pub struct NewSchedule<'a> {
    /// Its name, with the hash at its end.
    pub name: &'a str,
    /// What it is.
    pub trigger: &'a Trigger,
    /// ARN, with revision, of the definition that it starts.
    pub definition_arn: &'a str,
    /// Its Description.
    pub description: &'a str,
    /// What it keeps of the one that it replaces.
    pub carry: Option<Carry>,
}

impl Clients {
    /// The tags of a group; none when there is no such group.
    pub async fn schedule_group(&self, name: &str, arn: &str) -> Result<Option<Tags>, AwsError> {
        let send = || self.scheduler.get_schedule_group().name(name).send();
        match self.caller.call(operation("GetScheduleGroup"), send).await {
            Err(error) if error.class() == Class::Absent => return Ok(None),
            answer => answer?,
        };
        let send = || self.scheduler.list_tags_for_resource().resource_arn(arn).send();
        let answer = self.caller.call(operation("ListTagsForResource"), send).await?;
        Ok(Some(answer.tags().iter().map(|tag| (tag.key().to_owned(), tag.value().to_owned())).collect()))
    }

    /// Makes a group; one that is there already is left to the next plan.
    pub async fn create_schedule_group(&self, name: &str, tags: &Tags, token: Uuid) -> Result<(), AwsError> {
        let operation = operation("CreateScheduleGroup");
        let tags = sdk_tags(operation, tags)?;
        let send = || {
            let request = self.scheduler.create_schedule_group().name(name).set_tags(Some(tags.clone()));
            request.client_token(token.to_string()).send()
        };
        match self.caller.call(operation, send).await {
            Err(error) if error.class() != Class::Exists => Err(error),
            _ => Ok(()),
        }
    }

    /// Marks a group.
    pub async fn tag_schedule_group(&self, arn: &str, tags: &Tags) -> Result<(), AwsError> {
        let operation = operation("TagResource");
        let tags = sdk_tags(operation, tags)?;
        let send = || self.scheduler.tag_resource().resource_arn(arn).set_tags(Some(tags.clone())).send();
        self.caller.call(operation, send).await.map(drop)
    }

    /// Every schedule of a group, all pages.
    pub async fn schedules(&self, group: &str) -> Result<Vec<ListedSchedule>, AwsError> {
        let mut schedules = Vec::new();
        let mut token: Option<String> = None;
        loop {
            let send = || {
                self.scheduler.list_schedules().group_name(group).max_results(100).set_next_token(token.clone()).send()
            };
            let answer = match self.caller.call(operation("ListSchedules"), send).await {
                Err(error) if error.class() == Class::Absent => return Ok(schedules),
                answer => answer?,
            };
            schedules.extend(answer.schedules().iter().map(|summary| ListedSchedule {
                name: summary.name().unwrap_or_default().to_owned(),
                state: state(summary.state()),
                touched: touched(summary),
            }));
            match answer.next_token() {
                Some(next) => token = Some(next.to_owned()),
                None => return Ok(schedules),
            }
        }
    }

    /// Group and name of every schedule in the account, all pages.
    pub async fn all_schedules(&self) -> Result<Vec<(String, String)>, AwsError> {
        let mut schedules = Vec::new();
        let mut token: Option<String> = None;
        loop {
            let send = || self.scheduler.list_schedules().max_results(100).set_next_token(token.clone()).send();
            let answer = self.caller.call(operation("ListSchedules"), send).await?;
            let named = |summary: &aws_sdk_scheduler::types::ScheduleSummary| {
                Some((summary.group_name()?.to_owned(), summary.name()?.to_owned()))
            };
            schedules.extend(answer.schedules().iter().filter_map(named));
            match answer.next_token() {
                Some(next) => token = Some(next.to_owned()),
                None => return Ok(schedules),
            }
        }
    }

    /// One schedule.
    pub async fn schedule(&self, group: &str, name: &str) -> Result<Option<FoundSchedule>, AwsError> {
        let send = || self.scheduler.get_schedule().group_name(group).name(name).send();
        let answer = match self.caller.call(operation("GetSchedule"), send).await {
            Err(error) if error.class() == Class::Absent => return Ok(None),
            answer => answer?,
        };
        let description = answer.description().unwrap_or_default().to_owned();
        let note = crate::marker::Note::read(&description);
        let waits_for_secret = note.as_ref().is_some_and(|note| note.waits_for_secret);
        let start = self.ahead(answer.start_date());
        Ok(Some(FoundSchedule {
            carry: Carry {
                state: state(answer.state()),
                waits_for_secret,
                start,
                pinned: note.and_then(|note| note.pinned),
            },
            definition: answer.target().map(definition_arn).unwrap_or_default(),
            body: body(&answer, &description),
            description,
        }))
    }

    /// A start that is still to come, in seconds since 1970. One that has passed holds nothing back any more, and AWS takes
    /// none that is more than five minutes old.
    pub(super) fn ahead(&self, start: Option<&DateTime>) -> Option<i64> {
        let now = self.caller.clock().now().as_second();
        start.map(DateTime::secs).filter(|start| *start > now)
    }

    /// Makes a schedule. One of the same name that is there already has the same content: the name says so.
    pub async fn create_schedule(&self, group: &str, new: &NewSchedule<'_>, token: Uuid) -> Result<(), AwsError> {
        let operation = operation("CreateSchedule");
        let NewSchedule { name, trigger, definition_arn, description, carry } = *new;
        let target = target(operation, trigger, definition_arn)?;
        let window = FlexibleTimeWindow::builder().mode(FlexibleTimeWindowMode::Off).build();
        let window = window.map_err(|error| incomplete(operation, &error))?;
        let off = is_off(trigger, carry);
        let start = carry.and_then(|carry| carry.start).map(DateTime::from_secs);
        let send = || {
            self.scheduler
                .create_schedule()
                .group_name(group)
                .name(name)
                .description(description)
                .schedule_expression(&trigger.expression)
                .schedule_expression_timezone(&trigger.timezone)
                .set_start_date(start)
                .state(if off { ScheduleState::Disabled } else { ScheduleState::Enabled })
                .flexible_time_window(window.clone())
                .action_after_completion(ActionAfterCompletion::None)
                .target(target.clone())
                .client_token(token.to_string())
                .send()
        };
        match self.caller.call(operation, send).await {
            Err(error) if error.class() != Class::Exists => Err(error),
            _ => Ok(()),
        }
    }

    /// Deletes a group in which nothing is any more, and waits until it is gone: until then its name is taken.
    pub async fn delete_schedule_group(&self, name: &str, token: Uuid) -> Result<(), AwsError> {
        let send = || self.scheduler.delete_schedule_group().name(name).client_token(token.to_string()).send();
        match self.caller.call(operation("DeleteScheduleGroup"), send).await {
            Err(error) if error.class() == Class::Absent => return Ok(()),
            answer => answer.map(drop)?,
        }
        for _ in 0..GONE_LOOKS {
            let send = || self.scheduler.get_schedule_group().name(name).send();
            match self.caller.call(operation("GetScheduleGroup"), send).await {
                Err(error) if error.class() == Class::Absent => return Ok(()),
                answer => answer.map(drop)?,
            }
            self.caller.clock().wait(GONE_WAIT).await;
        }
        let message = format!("{name} is still being deleted after {} minutes", GONE_LOOKS / 12);
        Err(AwsError::ours(operation("DeleteScheduleGroup"), "NotSettled", message))
    }

    /// Deletes a schedule; one that is gone already is as good.
    pub async fn delete_schedule(&self, group: &str, name: &str, token: Uuid) -> Result<(), AwsError> {
        let send =
            || self.scheduler.delete_schedule().group_name(group).name(name).client_token(token.to_string()).send();
        match self.caller.call(operation("DeleteSchedule"), send).await {
            Err(error) if error.class() != Class::Absent => Err(error),
            _ => Ok(()),
        }
    }
}

/// A schedule in the form of ours, but for its definition, of which only the ARN is known.
fn body(answer: &GetScheduleOutput, description: &str) -> Value {
    let target = answer.target();
    let retry = target.and_then(Target::retry_policy);
    let request: Option<Value> = target.and_then(Target::input).and_then(|input| serde_json::from_str(input).ok());
    let of_batch = request.filter(|request| request.get("JobQueue").is_some());
    let vpc = target
        .and_then(Target::ecs_parameters)
        .and_then(EcsParameters::network_configuration)
        .and_then(NetworkConfiguration::awsvpc_configuration);
    let network = vpc.map(|vpc| {
        json!({
            "subnets": sorted(vpc.subnets()),
            "security_groups": sorted(vpc.security_groups()),
            "public_ip": vpc.assign_public_ip().map(AssignPublicIp::as_str),
        })
    });
    let strategy = target.and_then(Target::ecs_parameters).map(EcsParameters::capacity_provider_strategy);
    let provider = strategy.and_then(|items| Some(items.first()?.capacity_provider().to_owned()));
    let array = of_batch.as_ref().and_then(|request| request["ArrayProperties"]["Size"].as_u64());
    let (place, input) = match of_batch {
        Some(request) => {
            let overrides = json!({"ContainerOverrides": request["ContainerOverrides"]});
            (request["JobQueue"].as_str().map(str::to_owned), Some(overrides.to_string()))
        }
        None => (target.map(|target| target.arn().to_owned()), target.and_then(Target::input).map(str::to_owned)),
    };
    let mut body = json!({
        "expression": answer.schedule_expression(),
        // Not every endpoint writes down what AWS takes for the default.
        "timezone": answer.schedule_expression_timezone().unwrap_or("UTC"),
        "words": description.split(" freshet:v1").next(),
        "role": target.map(Target::role_arn),
        "dead_letters": target.and_then(Target::dead_letter_config).and_then(DeadLetterConfig::arn),
        "give_up_seconds": retry.and_then(RetryPolicy::maximum_event_age_in_seconds),
        "delivery_attempts": retry.and_then(RetryPolicy::maximum_retry_attempts),
        "target": {"place": place, "input": input, "array": array, "capacity_provider": provider, "network": network},
    });
    if let (Some(body), Value::Object(more)) = (body.as_object_mut(), besides(answer)) {
        body.extend(more);
    }
    body
}

/// What a schedule of ours never has, and a person may have given it.
fn besides(answer: &GetScheduleOutput) -> Value {
    let mut more = serde_json::Map::new();
    let window = answer.flexible_time_window();
    if let Some(window) = window.filter(|window| window.mode() != &FlexibleTimeWindowMode::Off) {
        more.insert("flexible_minutes".to_owned(), json!(window.maximum_window_in_minutes()));
    }
    if let Some(end) = answer.end_date().and_then(|end| jiff::Timestamp::from_second(end.secs()).ok()) {
        more.insert("ends".to_owned(), json!(end.to_string()));
    }
    if answer.action_after_completion() == Some(&ActionAfterCompletion::Delete) {
        more.insert("after_completion".to_owned(), json!("DELETE"));
    }
    let count = answer.target().and_then(Target::ecs_parameters).and_then(EcsParameters::task_count);
    if let Some(count) = count.filter(|count| *count != 1) {
        more.insert("task_count".to_owned(), json!(count));
    }
    Value::Object(more)
}

/// Schedules are made whole and never changed by an apply: what was changed later was paused, pinned, or changed by hand.
fn touched(summary: &aws_sdk_scheduler::types::ScheduleSummary) -> bool {
    /// Some endpoints take the two times one after the other.
    const SAME_MS: i64 = 50;
    let ms = |time: Option<&DateTime>| time.and_then(|time| time.to_millis().ok());
    let (made, changed) = (ms(summary.creation_date()), ms(summary.last_modification_date()));
    made.zip(changed).is_some_and(|(made, changed)| changed - made > SAME_MS)
}

fn state(state: Option<&ScheduleState>) -> State {
    if state == Some(&ScheduleState::Disabled) { State::Disabled } else { State::Enabled }
}

/// The definition that a target starts: a parameter of ECS, or part of the request to Batch.
fn definition_arn(target: &Target) -> String {
    let of_ecs = target.ecs_parameters().map(|parameters| parameters.task_definition_arn().to_owned());
    let of_batch = || {
        let request: Value = serde_json::from_str(target.input()?).ok()?;
        request["JobDefinition"].as_str().map(str::to_owned)
    };
    of_ecs.or_else(of_batch).unwrap_or_default()
}

/// Whether a schedule is off: a secret is missing, or a person turned it off.
pub(super) fn is_off(trigger: &Trigger, carry: Option<Carry>) -> bool {
    !trigger.waits_for.is_empty() || carry.is_some_and(Carry::off_by_hand)
}

pub(super) fn target(operation: Operation, trigger: &Trigger, definition_arn: &str) -> Result<Target, AwsError> {
    let wrong = |error| incomplete(operation, &error);
    let retry = RetryPolicy::builder()
        .maximum_event_age_in_seconds(i32::try_from(trigger.give_up_seconds).unwrap_or(i32::MAX))
        .maximum_retry_attempts(i32::try_from(trigger.delivery_attempts).unwrap_or(i32::MAX))
        .build();
    let target = Target::builder()
        .role_arn(&trigger.role)
        .retry_policy(retry)
        .dead_letter_config(DeadLetterConfig::builder().arn(&trigger.dead_letters).build());
    match trigger.target.definition.engine {
        Engine::Fargate => {
            let strategy =
                trigger.target.capacity_provider.as_ref().map(|provider| {
                    CapacityProviderStrategyItem::builder().capacity_provider(provider).weight(1).build()
                });
            let strategy = strategy.transpose().map_err(wrong)?.map(|item| vec![item]);
            let parameters = EcsParameters::builder()
                .task_definition_arn(definition_arn)
                .set_launch_type(trigger.target.capacity_provider.is_none().then_some(LaunchType::Fargate))
                .set_capacity_provider_strategy(strategy)
                .task_count(1)
                .propagate_tags(PropagateTags::TaskDefinition)
                .enable_ecs_managed_tags(true)
                .set_network_configuration(trigger.target.network.as_ref().map(network).transpose().map_err(wrong)?)
                .build()
                .map_err(wrong)?;
            target
                .arn(&trigger.target.place)
                .ecs_parameters(parameters)
                .input(&trigger.target.input)
                .build()
                .map_err(wrong)
        }
        Engine::Batch => {
            let partition = definition_arn.split(':').nth(1).unwrap_or("aws");
            let dataset = dataset_of_schedule(&trigger.schedule).ok_or_else(|| {
                AwsError::ours(
                    operation,
                    "IncompleteRequest",
                    format!("schedule {} names no dataset", trigger.schedule),
                )
            })?;
            let request = submit_job(&dataset, definition_arn, &trigger.target);
            let arn = format!("arn:{partition}:scheduler:::aws-sdk:batch:submitJob");
            target.arn(arn).input(request).build().map_err(wrong)
        }
    }
}

fn network(network: &Network) -> Result<NetworkConfiguration, aws_smithy_types::error::operation::BuildError> {
    let vpc = AwsVpcConfiguration::builder()
        .set_subnets(Some(network.subnets.clone()))
        .set_security_groups(Some(network.security_groups.clone()))
        .assign_public_ip(AssignPublicIp::from(network.public_ip.as_str()))
        .build()?;
    Ok(NetworkConfiguration::builder().awsvpc_configuration(vpc).build())
}

fn sdk_tags(operation: Operation, tags: &Tags) -> Result<Vec<Tag>, AwsError> {
    let tag = |(key, value): (&String, &String)| Tag::builder().key(key).value(value).build();
    tags.iter().map(tag).collect::<Result<_, _>>().map_err(|error| incomplete(operation, &error))
}
