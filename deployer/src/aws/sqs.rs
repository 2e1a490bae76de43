//! SQS: the dead-letter queue.

use std::collections::HashMap;

use aws_sdk_sqs::types::QueueAttributeName;
use serde_json::Value;

use super::Clients;
use super::bucket::Family;
use super::error::{AwsError, Class, Operation, Repeat};
use crate::desired::resource::{Queue, Tags};
use crate::hash::canonical;

const fn operation(name: &'static str) -> Operation {
    // CreateQueue with the same attributes gives the queue that is there.
    Operation { service: "sqs", name, family: Family::Sqs, repeat: Repeat::Safe }
}

/// A queue that exists.
#[derive(Debug, Clone, PartialEq)]
pub struct FoundQueue {
    /// Its address.
    pub url: String,
    /// What we would say of it.
    pub queue: Queue,
    /// Its tags.
    pub tags: Tags,
}

impl Clients {
    /// The queue of that name.
    pub async fn queue(&self, name: &str) -> Result<Option<FoundQueue>, AwsError> {
        let answer =
            self.caller.call(operation("GetQueueUrl"), || self.sqs.get_queue_url().queue_name(name).send()).await;
        let url = match answer {
            Err(error) if error.class() == Class::Absent => return Ok(None),
            answer => answer?.queue_url().unwrap_or_default().to_owned(),
        };
        let send = || self.sqs.get_queue_attributes().queue_url(&url).attribute_names(QueueAttributeName::All).send();
        let answer = self.caller.call(operation("GetQueueAttributes"), send).await?;
        let attribute = |name: &QueueAttributeName| answer.attributes().and_then(|attributes| attributes.get(name));
        let queue = Queue {
            retention_seconds: attribute(&QueueAttributeName::MessageRetentionPeriod)
                .and_then(|text| text.parse().ok())
                .unwrap_or_default(),
            policy: attribute(&QueueAttributeName::Policy)
                .filter(|text| !text.is_empty())
                .map(|text| serde_json::from_str(text).unwrap_or_else(|_| Value::String(text.clone()))),
        };
        let answer =
            self.caller.call(operation("ListQueueTags"), || self.sqs.list_queue_tags().queue_url(&url).send()).await?;
        let tags = answer.tags().map(|tags| tags.clone().into_iter().collect()).unwrap_or_default();
        Ok(Some(FoundQueue { url, queue, tags }))
    }

    /// Makes the queue.
    pub async fn create_queue(&self, name: &str, queue: &Queue, tags: &Tags) -> Result<(), AwsError> {
        let send = || {
            self.sqs
                .create_queue()
                .queue_name(name)
                .set_attributes(Some(attributes(queue)))
                .set_tags(Some(tags.clone().into_iter().collect()))
                .send()
        };
        self.caller.call(operation("CreateQueue"), send).await.map(drop)
    }

    /// Changes the queue, and marks it.
    pub async fn update_queue(&self, name: &str, queue: &Queue, tags: &Tags) -> Result<(), AwsError> {
        let url =
            self.caller.call(operation("GetQueueUrl"), || self.sqs.get_queue_url().queue_name(name).send()).await?;
        let url = url.queue_url().unwrap_or_default();
        // An empty policy takes away the one that is there.
        let mut changed = attributes(queue);
        changed.entry(QueueAttributeName::Policy).or_default();
        let send = || self.sqs.set_queue_attributes().queue_url(url).set_attributes(Some(changed.clone())).send();
        self.caller.call(operation("SetQueueAttributes"), send).await?;
        let tags: HashMap<String, String> = tags.clone().into_iter().collect();
        let send = || self.sqs.tag_queue().queue_url(url).set_tags(Some(tags.clone())).send();
        self.caller.call(operation("TagQueue"), send).await.map(drop)
    }

    /// Deletes the queue with what is in it. Its name is taken for another minute.
    pub async fn delete_queue(&self, name: &str) -> Result<(), AwsError> {
        let answer =
            self.caller.call(operation("GetQueueUrl"), || self.sqs.get_queue_url().queue_name(name).send()).await;
        let url = match answer {
            Err(error) if error.class() == Class::Absent => return Ok(()),
            answer => answer?.queue_url().unwrap_or_default().to_owned(),
        };
        match self.caller.call(operation("DeleteQueue"), || self.sqs.delete_queue().queue_url(&url).send()).await {
            Err(error) if error.class() != Class::Absent => Err(error),
            _ => Ok(()),
        }
    }
}

/// What a queue is made with.
fn attributes(queue: &Queue) -> HashMap<QueueAttributeName, String> {
    let mut attributes = HashMap::from([
        (QueueAttributeName::MessageRetentionPeriod, queue.retention_seconds.to_string()),
        (QueueAttributeName::SqsManagedSseEnabled, "true".to_owned()),
    ]);
    if let Some(policy) = &queue.policy {
        attributes.insert(QueueAttributeName::Policy, canonical(policy));
    }
    attributes
}
