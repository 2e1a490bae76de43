//! SNS: the stack's topic and whom it tells.

use aws_sdk_sns::types::Tag;
use serde_json::Value;

use super::bucket::Family;
use super::error::{AwsError, Class, Operation, Repeat};
use super::{Clients, incomplete};
use crate::desired::resource::Tags;
use crate::desired::watch::Topic;
use crate::hash::canonical;

const fn operation(name: &'static str) -> Operation {
    // CreateTopic and Subscribe give what is there already.
    Operation { service: "sns", name, family: Family::Sns, repeat: Repeat::Safe }
}

/// A topic that exists.
#[derive(Debug, Clone, PartialEq)]
pub struct FoundTopic {
    /// Whom it tells, those included that have not confirmed it yet, and who may publish to it.
    pub topic: Topic,
    /// Its tags.
    pub tags: Tags,
}

impl Clients {
    /// The topic of that ARN.
    pub async fn topic(&self, arn: &str) -> Result<Option<FoundTopic>, AwsError> {
        let send = || self.sns.get_topic_attributes().topic_arn(arn).send();
        let answer = match self.caller.call(operation("GetTopicAttributes"), send).await {
            Err(error) if error.class() == Class::Absent => return Ok(None),
            answer => answer?,
        };
        let policy = answer.attributes().and_then(|attributes| attributes.get("Policy"));
        let policy = policy.and_then(|text| serde_json::from_str(text).ok()).unwrap_or(Value::Null);
        let (subscribers, tags) = tokio::try_join!(self.subscribers(arn), self.topic_tags(arn))?;
        Ok(Some(FoundTopic { topic: Topic { subscribers, policy }, tags }))
    }

    async fn topic_tags(&self, arn: &str) -> Result<Tags, AwsError> {
        let send = || self.sns.list_tags_for_resource().resource_arn(arn).send();
        let answer = self.caller.call(operation("ListTagsForResource"), send).await?;
        Ok(answer.tags().iter().map(|tag| (tag.key().to_owned(), tag.value().to_owned())).collect())
    }

    async fn subscribers(&self, arn: &str) -> Result<Vec<String>, AwsError> {
        let mut subscribers = Vec::new();
        let mut token: Option<String> = None;
        loop {
            let send = || self.sns.list_subscriptions_by_topic().topic_arn(arn).set_next_token(token.clone()).send();
            let answer = self.caller.call(operation("ListSubscriptionsByTopic"), send).await?;
            subscribers.extend(answer.subscriptions().iter().filter_map(|one| one.endpoint().map(str::to_owned)));
            match answer.next_token() {
                Some(next) => token = Some(next.to_owned()),
                None => break,
            }
        }
        subscribers.sort();
        Ok(subscribers)
    }

    /// Makes the topic; one that is there already is given back by SNS as it is.
    pub async fn create_topic(&self, name: &str, tags: &Tags) -> Result<(), AwsError> {
        let operation = operation("CreateTopic");
        let tags = sdk_tags(operation, tags)?;
        let send = || self.sns.create_topic().name(name).set_tags(Some(tags.clone())).send();
        self.caller.call(operation, send).await.map(drop)
    }

    /// Says who may publish to the topic, and tells those who are not told yet.
    pub async fn complete_topic(&self, arn: &str, topic: &Topic, tags: &Tags) -> Result<(), AwsError> {
        let policy = canonical(&topic.policy);
        let send = || {
            let request = self.sns.set_topic_attributes().topic_arn(arn);
            request.attribute_name("Policy").attribute_value(&policy).send()
        };
        self.caller.call(operation("SetTopicAttributes"), send).await?;
        let known = self.subscribers(arn).await?;
        for address in topic.subscribers.iter().filter(|address| !known.contains(address)) {
            let protocol = if address.starts_with("https:") { "https" } else { "email" };
            let send = || self.sns.subscribe().topic_arn(arn).protocol(protocol).endpoint(address).send();
            self.caller.call(operation("Subscribe"), send).await?;
        }
        let tag = operation("TagResource");
        let tags = sdk_tags(tag, tags)?;
        let send = || self.sns.tag_resource().resource_arn(arn).set_tags(Some(tags.clone())).send();
        self.caller.call(tag, send).await.map(drop)
    }

    /// Deletes a topic of ours with its subscriptions.
    pub async fn delete_topic(&self, arn: &str) -> Result<(), AwsError> {
        let send = || self.sns.delete_topic().topic_arn(arn).send();
        match self.caller.call(operation("DeleteTopic"), send).await {
            Err(error) if error.class() != Class::Absent => Err(error),
            _ => Ok(()),
        }
    }
}

fn sdk_tags(operation: Operation, tags: &Tags) -> Result<Vec<Tag>, AwsError> {
    let tag = |(key, value): (&String, &String)| Tag::builder().key(key).value(value).build();
    tags.iter().map(tag).collect::<Result<_, _>>().map_err(|error| incomplete(operation, &error))
}
