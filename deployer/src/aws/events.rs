//! EventBridge rules. A rule is whole when its Description holds the hash, which is written last: after its target.

use aws_sdk_eventbridge::types::{
    AssignPublicIp, AwsVpcConfiguration, BatchArrayProperties, BatchParameters, CapacityProviderStrategyItem,
    DeadLetterConfig, EcsParameters, InputTransformer, LaunchType, NetworkConfiguration, PropagateTags, RetryPolicy,
    RuleState, Tag, Target,
};
use manifest::task_def::Engine;
use serde_json::{Value, json};

use super::bucket::Family;
use super::error::{AwsError, Class, Operation, Repeat};
use super::{Clients, incomplete};
use crate::desired::resource::{Network, Tags, Trigger};
use crate::desired::trigger::{RULE_TIME, RULE_TIME_PATH, sorted};
use crate::desired::watch::Watch;
use crate::hash::canonical;
use crate::observed::state::State;

const fn operation(name: &'static str) -> Operation {
    Operation { service: "events", name, family: Family::Events, repeat: Repeat::Safe }
}

const PUT_TARGETS: Operation = operation("PutTargets");

/// Id of a rule's one target.
const TARGET: &str = "worker";

/// A rule that exists.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FoundRule {
    /// Its name.
    pub name: String,
    /// Its ARN.
    pub arn: String,
    /// Its Description.
    pub description: String,
    /// Its expression; empty when it answers to events.
    pub expression: String,
    /// The events that it answers to.
    pub pattern: Option<Value>,
    /// Whether it is on.
    pub state: State,
}

/// What a rule starts or tells.
#[derive(Debug, Clone, PartialEq)]
pub struct FoundTarget {
    /// ARN, with revision, of the definition that it starts.
    pub definition: Option<String>,
    /// Its content in the form of [`Trigger`] or of [`Watch`].
    pub body: Value,
}

/// The targets of a rule.
#[derive(Debug, Clone, PartialEq)]
pub struct FoundTargets {
    /// Ours.
    pub own: Option<FoundTarget>,
    /// ARNs of what it starts or tells besides.
    pub others: Vec<String>,
}

impl FoundTarget {
    fn new(target: &Target) -> Self {
        let ecs = target.ecs_parameters();
        let batch = target.batch_parameters();
        let definition = ecs.map(|ecs| ecs.task_definition_arn().to_owned());
        let definition = definition.or_else(|| batch.map(|batch| batch.job_definition().to_owned()));
        let dead_letters = target.dead_letter_config().and_then(DeadLetterConfig::arn);
        let input = target.input_transformer().map(InputTransformer::input_template);
        let body = if definition.is_some() {
            let retry = target.retry_policy();
            let strategy = ecs.map(EcsParameters::capacity_provider_strategy);
            let provider = strategy.and_then(|items| Some(items.first()?.capacity_provider().to_owned()));
            let array = batch.and_then(BatchParameters::array_properties).map(BatchArrayProperties::size);
            let vpc = ecs.and_then(EcsParameters::network_configuration);
            let network = vpc.and_then(NetworkConfiguration::awsvpc_configuration).map(|vpc| {
                json!({
                    "subnets": sorted(vpc.subnets()),
                    "security_groups": sorted(vpc.security_groups()),
                    "public_ip": vpc.assign_public_ip().map(AssignPublicIp::as_str),
                })
            });
            json!({
                "role": target.role_arn(),
                "dead_letters": dead_letters,
                "give_up_seconds": retry.and_then(RetryPolicy::maximum_event_age_in_seconds),
                "delivery_attempts": retry.and_then(RetryPolicy::maximum_retry_attempts),
                "target": {"place": target.arn(), "input": input, "array": array, "capacity_provider": provider, "network": network},
            })
        } else {
            json!({"topic": target.arn(), "dead_letters": dead_letters, "message": input})
        };
        Self { definition, body }
    }
}

/// What makes a rule fire.
#[derive(Debug, Clone, Copy)]
pub enum Fires<'a> {
    /// An expression.
    At(&'a str),
    /// Events.
    On(&'a Value),
}

impl<'a> Fires<'a> {
    /// What makes the rule of this trigger fire.
    pub fn of(trigger: &'a Trigger) -> Self {
        trigger.pattern.as_ref().map_or(Self::At(&trigger.expression), Self::On)
    }
}

impl FoundRule {
    /// Its content in the form of [`Trigger`], as far as a list call tells.
    pub fn body(&self) -> Value {
        let mut body = json!({"words": self.description.split(" freshet:v1").next()});
        if let Some(pattern) = &self.pattern {
            body["pattern"] = pattern.clone();
        } else {
            body["expression"] = json!(self.expression);
        }
        body
    }
}

impl Clients {
    /// Rules whose name begins so, all pages.
    pub async fn rules(&self, prefix: &str) -> Result<Vec<FoundRule>, AwsError> {
        let mut rules = Vec::new();
        let mut token: Option<String> = None;
        loop {
            let send = || self.events.list_rules().name_prefix(prefix).limit(100).set_next_token(token.clone()).send();
            let answer = self.caller.call(operation("ListRules"), send).await?;
            rules.extend(answer.rules().iter().map(|rule| FoundRule {
                name: rule.name().unwrap_or_default().to_owned(),
                arn: rule.arn().unwrap_or_default().to_owned(),
                description: rule.description().unwrap_or_default().to_owned(),
                expression: rule.schedule_expression().unwrap_or_default().to_owned(),
                pattern: rule.event_pattern().and_then(|text| serde_json::from_str(text).ok()),
                state: if rule.state() == Some(&RuleState::Disabled) { State::Disabled } else { State::Enabled },
            }));
            match answer.next_token() {
                Some(next) => token = Some(next.to_owned()),
                None => return Ok(rules),
            }
        }
    }

    /// What a rule of ours starts or tells; none when there is no such rule.
    pub async fn rule_targets(&self, name: &str) -> Result<Option<FoundTargets>, AwsError> {
        let Some(targets) = self.targets(name).await? else { return Ok(None) };
        let (own, others): (Vec<_>, Vec<_>) = targets.iter().partition(|target| target.id() == TARGET);
        let others = others.into_iter().map(|target| target.arn().to_owned()).collect();
        Ok(Some(FoundTargets { own: own.first().copied().map(FoundTarget::new), others }))
    }

    async fn targets(&self, rule: &str) -> Result<Option<Vec<Target>>, AwsError> {
        let send = || self.events.list_targets_by_rule().rule(rule).send();
        match self.caller.call(operation("ListTargetsByRule"), send).await {
            Err(error) if error.class() == Class::Absent => Ok(None),
            answer => Ok(Some(answer?.targets().to_vec())),
        }
    }

    /// ARNs, with revision where they have one, of every definition that a rule starts, whoever made it.
    pub async fn rule_definitions(&self, name: &str) -> Result<Vec<String>, AwsError> {
        let targets = self.targets(name).await?.unwrap_or_default();
        Ok(targets.iter().filter_map(|target| FoundTarget::new(target).definition).collect())
    }

    /// Names of the rules that have this target, whoever made them, all pages.
    pub async fn rules_by_target(&self, arn: &str) -> Result<Vec<String>, AwsError> {
        let mut names = Vec::new();
        let mut token: Option<String> = None;
        loop {
            let send = || {
                let request = self.events.list_rule_names_by_target().target_arn(arn).limit(100);
                request.set_next_token(token.clone()).send()
            };
            let answer = self.caller.call(operation("ListRuleNamesByTarget"), send).await?;
            names.extend(answer.rule_names().iter().cloned());
            match answer.next_token() {
                Some(next) => token = Some(next.to_owned()),
                None => return Ok(names),
            }
        }
    }

    /// Makes or changes a rule without touching its target. Tags are taken only when it is made.
    pub async fn put_rule(
        &self,
        name: &str,
        fires: Fires<'_>,
        description: &str,
        state: State,
        tags: Option<&Tags>,
    ) -> Result<(), AwsError> {
        let operation = operation("PutRule");
        let tags = tags.map(|tags| sdk_tags(operation, tags)).transpose()?;
        let state = match state {
            State::Enabled => RuleState::Enabled,
            State::Disabled => RuleState::Disabled,
        };
        let send = || {
            let request = self.events.put_rule().name(name).description(description);
            let request = match &fires {
                Fires::At(expression) => request.schedule_expression(*expression),
                Fires::On(pattern) => request.event_pattern(canonical(pattern)),
            };
            request.state(state.clone()).set_tags(tags.clone()).send()
        };
        self.caller.call(operation, send).await.map(drop)
    }

    /// Turns a rule on or off.
    pub async fn turn_rule(&self, name: &str, state: State) -> Result<(), AwsError> {
        match state {
            State::Enabled => self
                .caller
                .call(operation("EnableRule"), || self.events.enable_rule().name(name).send())
                .await
                .map(drop),
            State::Disabled => {
                let send = || self.events.disable_rule().name(name).send();
                self.caller.call(operation("DisableRule"), send).await.map(drop)
            }
        }
    }

    /// The tags of a rule.
    pub async fn rule_tags(&self, arn: &str) -> Result<Tags, AwsError> {
        let send = || self.events.list_tags_for_resource().resource_arn(arn).send();
        let answer = self.caller.call(operation("ListTagsForResource"), send).await?;
        Ok(answer.tags().iter().map(|tag| (tag.key().to_owned(), tag.value().to_owned())).collect())
    }

    /// Marks a rule that is there already.
    pub async fn tag_rule(&self, arn: &str, tags: &Tags) -> Result<(), AwsError> {
        let operation = operation("TagResource");
        let tags = sdk_tags(operation, tags)?;
        let send = || self.events.tag_resource().resource_arn(arn).set_tags(Some(tags.clone())).send();
        self.caller.call(operation, send).await.map(drop)
    }

    /// Says what a rule starts.
    pub async fn put_target(&self, rule: &str, trigger: &Trigger, definition_arn: &str) -> Result<(), AwsError> {
        let target = target(trigger, definition_arn).map_err(|error| incomplete(PUT_TARGETS, &error))?;
        self.put_one_target(rule, target).await
    }

    /// Says what a rule tells, and whom.
    pub async fn put_watch(&self, rule: &str, watch: &Watch) -> Result<(), AwsError> {
        let target = told(watch).map_err(|error| incomplete(PUT_TARGETS, &error))?;
        self.put_one_target(rule, target).await
    }

    async fn put_one_target(&self, rule: &str, target: Target) -> Result<(), AwsError> {
        let operation = PUT_TARGETS;
        let send = || self.events.put_targets().rule(rule).targets(target.clone()).send();
        let answer = self.caller.call(operation, send).await?;
        // HTTP 200 with a count is how EventBridge says that it took no target.
        let entry = answer.failed_entries().first();
        let failed =
            entry.map(|entry| (entry.error_code().unwrap_or_default(), entry.error_message().unwrap_or_default()));
        entries(operation, answer.failed_entry_count(), failed)
    }

    /// Takes away what a rule starts or tells besides: it was somebody else's, or somebody added it.
    pub async fn remove_other_targets(&self, rule: &str) -> Result<(), AwsError> {
        let targets = self.targets(rule).await?.unwrap_or_default();
        let others: Vec<String> =
            targets.iter().map(Target::id).filter(|id| *id != TARGET).map(str::to_owned).collect();
        if others.is_empty() {
            return Ok(());
        }
        let remove = operation("RemoveTargets");
        let send = || self.events.remove_targets().rule(rule).set_ids(Some(others.clone())).send();
        let answer = self.caller.call(remove, send).await?;
        let entry = answer.failed_entries().first();
        let failed = entry.map(|e| (e.error_code().unwrap_or_default(), e.error_message().unwrap_or_default()));
        entries(remove, answer.failed_entry_count(), failed)
    }

    /// Deletes a rule of ours with its target; one that is gone already is as good.
    pub async fn delete_rule(&self, name: &str) -> Result<(), AwsError> {
        let remove = operation("RemoveTargets");
        let send = || self.events.remove_targets().rule(name).ids(TARGET).send();
        match self.caller.call(remove, send).await {
            Err(error) if error.class() != Class::Absent => return Err(error),
            Err(_) => {}
            Ok(answer) => {
                let entry = answer.failed_entries().first();
                let failed = entry.map(|e| (e.error_code().unwrap_or_default(), e.error_message().unwrap_or_default()));
                if failed.is_none_or(|(code, _)| !code.contains("NotFound")) {
                    entries(remove, answer.failed_entry_count(), failed)?;
                }
            }
        }
        match self.caller.call(operation("DeleteRule"), || self.events.delete_rule().name(name).send()).await {
            Err(error) if error.class() != Class::Absent => Err(error),
            _ => Ok(()),
        }
    }
}

/// An error when entries of a request failed although the request did not.
fn entries(operation: Operation, count: i32, first: Option<(&str, &str)>) -> Result<(), AwsError> {
    if count == 0 && first.is_none() {
        return Ok(());
    }
    let (code, message) = first.unwrap_or(("FailedEntries", "EventBridge gives no reason"));
    Err(AwsError::ours(operation, code, format!("{} entry failed: {message}", count.max(1))))
}

fn told(watch: &Watch) -> Result<Target, aws_smithy_types::error::operation::BuildError> {
    let paths = watch.paths.iter().map(|(name, path)| (name.clone(), path.clone())).collect();
    let input = InputTransformer::builder().set_input_paths_map(Some(paths)).input_template(&watch.message).build()?;
    Target::builder()
        .id(TARGET)
        .arn(&watch.topic)
        .dead_letter_config(DeadLetterConfig::builder().arn(&watch.dead_letters).build())
        .input_transformer(input)
        .build()
}

fn target(trigger: &Trigger, definition_arn: &str) -> Result<Target, aws_smithy_types::error::operation::BuildError> {
    let retry = RetryPolicy::builder()
        .maximum_event_age_in_seconds(i32::try_from(trigger.give_up_seconds).unwrap_or(i32::MAX))
        .maximum_retry_attempts(i32::try_from(trigger.delivery_attempts).unwrap_or(i32::MAX))
        .build();
    let input = InputTransformer::builder()
        .input_paths_map(RULE_TIME, RULE_TIME_PATH)
        .input_template(&trigger.target.input)
        .build()?;
    let target = Target::builder()
        .id(TARGET)
        .arn(&trigger.target.place)
        .role_arn(&trigger.role)
        .retry_policy(retry)
        .dead_letter_config(DeadLetterConfig::builder().arn(&trigger.dead_letters).build())
        .input_transformer(input);
    match trigger.target.definition.engine {
        Engine::Fargate => {
            let strategy =
                trigger.target.capacity_provider.as_ref().map(|provider| {
                    CapacityProviderStrategyItem::builder().capacity_provider(provider).weight(1).build()
                });
            let strategy = strategy.transpose()?.map(|item| vec![item]);
            let parameters = EcsParameters::builder()
                .task_definition_arn(definition_arn)
                .set_launch_type(trigger.target.capacity_provider.is_none().then_some(LaunchType::Fargate))
                .set_capacity_provider_strategy(strategy)
                .task_count(1)
                .propagate_tags(PropagateTags::TaskDefinition)
                .enable_ecs_managed_tags(true)
                .set_network_configuration(trigger.target.network.as_ref().map(network).transpose()?)
                .build()?;
            target.ecs_parameters(parameters).build()
        }
        Engine::Batch => {
            let job = crate::names::dataset_of_schedule(&trigger.schedule).map(|dataset| dataset.to_string());
            let job = job.unwrap_or_else(|| trigger.schedule.clone());
            let parameters = BatchParameters::builder()
                .job_definition(definition_arn)
                .job_name(job)
                .set_array_properties(
                    trigger.target.array.map(|size| BatchArrayProperties::builder().size(i32::from(size)).build()),
                )
                .build()?;
            target.batch_parameters(parameters).build()
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

#[cfg(test)]
mod tests {
    use super::super::replay::clients;
    use crate::desired::resource::Body;
    use crate::desired::{Desired, fixture};

    #[tokio::test]
    async fn a_target_that_was_not_taken_is_an_error_although_the_request_was() {
        let answer = r#"{"FailedEntryCount": 1, "FailedEntries": [{"TargetId": "worker", "ErrorCode": "LimitExceededException", "ErrorMessage": "The role has too many targets."}]}"#;
        let clients = clients(200, answer).await;
        let desired = Desired::new(&fixture::four(), &std::collections::BTreeSet::new());
        let rule = desired.resources.iter().find(|resource| matches!(resource.body, Body::Rule(_))).unwrap();
        let Body::Rule(trigger) = &rule.body else { panic!("not a rule that starts a run") };
        let error = clients.put_target(&rule.name, trigger, "arn:definition:1").await.unwrap_err();
        let words = "events:PutTargets LimitExceededException: 1 entry failed: The role has too many targets.";
        assert_eq!(error.to_string(), words);
        let error = clients.delete_rule(&rule.name).await.unwrap_err();
        assert!(error.to_string().starts_with("events:RemoveTargets LimitExceededException"), "{error}");
    }
}
