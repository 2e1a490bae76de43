//! EventBridge rules. A rule is whole when its Description holds the hash, which is written last: after its target.

use aws_sdk_eventbridge::types::{
    AssignPublicIp, AwsVpcConfiguration, BatchParameters, DeadLetterConfig, EcsParameters, InputTransformer,
    LaunchType, NetworkConfiguration, PropagateTags, RetryPolicy, RuleState, Tag, Target,
};
use manifest::task_def::Engine;
use serde_json::{Value, json};

use super::bucket::Family;
use super::error::{AwsError, Class, Operation, Repeat};
use super::{Clients, incomplete};
use crate::desired::resource::{Network, Tags, Trigger};
use crate::desired::trigger::{RULE_TIME, RULE_TIME_PATH};
use crate::observed::state::State;

const fn operation(name: &'static str) -> Operation {
    Operation { service: "events", name, family: Family::Events, repeat: Repeat::Safe }
}

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
    /// Its expression.
    pub expression: String,
    /// Whether it is on.
    pub state: State,
}

impl FoundRule {
    /// Its content in the form of [`Trigger`], as far as a list call tells.
    pub fn body(&self) -> Value {
        json!({"expression": self.expression, "words": self.description.split(" freshet:v1").next()})
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
                state: if rule.state() == Some(&RuleState::Disabled) { State::Disabled } else { State::Enabled },
            }));
            match answer.next_token() {
                Some(next) => token = Some(next.to_owned()),
                None => return Ok(rules),
            }
        }
    }

    /// ARN of the definition that a rule of ours starts.
    pub async fn rule_definition(&self, name: &str) -> Result<Option<String>, AwsError> {
        let send = || self.events.list_targets_by_rule().rule(name).send();
        let answer = match self.caller.call(operation("ListTargetsByRule"), send).await {
            Err(error) if error.class() == Class::Absent => return Ok(None),
            answer => answer?,
        };
        let target = answer.targets().iter().find(|target| target.id() == TARGET);
        let of_ecs = target.and_then(Target::ecs_parameters).map(|ecs| ecs.task_definition_arn().to_owned());
        let of_batch = || target.and_then(Target::batch_parameters).map(|batch| batch.job_definition().to_owned());
        Ok(of_ecs.or_else(of_batch))
    }

    /// Makes or changes a rule without touching its target. Tags are taken only when it is made.
    pub async fn put_rule(
        &self,
        name: &str,
        expression: &str,
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
            let request = self.events.put_rule().name(name).description(description).schedule_expression(expression);
            request.state(state.clone()).set_tags(tags.clone()).send()
        };
        self.caller.call(operation, send).await.map(drop)
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
        let operation = operation("PutTargets");
        let target = target(trigger, definition_arn).map_err(|error| incomplete(operation, &error))?;
        let send = || self.events.put_targets().rule(rule).targets(target.clone()).send();
        let answer = self.caller.call(operation, send).await?;
        // HTTP 200 with a count is how EventBridge says that it took no target.
        let entry = answer.failed_entries().first();
        let failed =
            entry.map(|entry| (entry.error_code().unwrap_or_default(), entry.error_message().unwrap_or_default()));
        entries(operation, answer.failed_entry_count(), failed)
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
            let parameters = EcsParameters::builder()
                .task_definition_arn(definition_arn)
                .launch_type(LaunchType::Fargate)
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
            let parameters = BatchParameters::builder().job_definition(definition_arn).job_name(job).build()?;
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
    use crate::desired::resource::{Body, Kind};
    use crate::desired::{Desired, fixture};

    #[tokio::test]
    async fn a_target_that_was_not_taken_is_an_error_although_the_request_was() {
        let answer = r#"{"FailedEntryCount": 1, "FailedEntries": [{"TargetId": "worker", "ErrorCode": "LimitExceededException", "ErrorMessage": "The role has too many targets."}]}"#;
        let clients = clients(200, answer).await;
        let desired = Desired::new(&fixture::four(), &std::collections::BTreeSet::new());
        let rule = desired.resources.iter().find(|resource| resource.kind() == Kind::Rule).unwrap();
        let Body::Rule(trigger) = &rule.body else { panic!("not a rule") };
        let error = clients.put_target(&rule.name, trigger, "arn:definition:1").await.unwrap_err();
        let words = "events:PutTargets LimitExceededException: 1 entry failed: The role has too many targets.";
        assert_eq!(error.to_string(), words);
        let error = clients.delete_rule(&rule.name).await.unwrap_err();
        assert!(error.to_string().starts_with("events:RemoveTargets LimitExceededException"), "{error}");
    }
}
