//! Secrets Manager: whether a secret is there, and giving it a value that a person hands over.

use aws_sdk_secretsmanager::types::Tag;
use secrecy::{ExposeSecret, SecretString};
use uuid::Uuid;

use super::Clients;
use super::bucket::Family;
use super::error::{AwsError, Class, Operation, Repeat};
use crate::desired::resource::Tags;
use crate::observed::state::SecretState;

const fn operation(name: &'static str) -> Operation {
    // Creates and puts carry a token, which makes them safe to repeat.
    Operation { service: "secretsmanager", name, family: Family::Secrets, repeat: Repeat::Safe }
}

/// A secret that exists; never its value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FoundSecret {
    /// Whether a run can read it.
    pub state: SecretState,
    /// Its tags.
    pub tags: Tags,
    /// When it was last given a value or changed, in seconds since 1970.
    pub changed: Option<i64>,
}

impl Clients {
    /// The secret of that id, without its value.
    pub async fn secret(&self, id: &str) -> Result<Option<FoundSecret>, AwsError> {
        let send = || self.secrets.describe_secret().secret_id(id).send();
        let answer = match self.caller.call(operation("DescribeSecret"), send).await {
            Err(error) if error.class() == Class::Absent => return Ok(None),
            answer => answer?,
        };
        let current = answer
            .version_ids_to_stages()
            .is_some_and(|versions| versions.values().flatten().any(|stage| stage == "AWSCURRENT"));
        let state = match (answer.deleted_date(), current) {
            (Some(_), _) => SecretState::Deleted,
            (None, true) => SecretState::Present,
            (None, false) => SecretState::Empty,
        };
        let pair = |tag: &Tag| Some((tag.key()?.to_owned(), tag.value().unwrap_or_default().to_owned()));
        let tags = answer.tags().iter().filter_map(pair).collect();
        Ok(Some(FoundSecret { state, tags, changed: answer.last_changed_date().map(aws_smithy_types::DateTime::secs) }))
    }

    /// The secret's text; none when it has no value, or one that is no text.
    pub async fn secret_value(&self, id: &str) -> Result<Option<SecretString>, AwsError> {
        let send = || self.secrets.get_secret_value().secret_id(id).send();
        match self.caller.call(operation("GetSecretValue"), send).await {
            Err(error) if error.class() == Class::Absent => Ok(None),
            answer => Ok(answer?.secret_string().map(|text| SecretString::from(text.to_owned()))),
        }
    }

    /// Makes a secret with this value. The token becomes the id of its version, which others can read.
    pub async fn create_secret(
        &self,
        id: &str,
        value: &SecretString,
        tags: &Tags,
        token: Uuid,
    ) -> Result<(), AwsError> {
        let send = || {
            let request = self.secrets.create_secret().name(id).client_request_token(token.to_string());
            request.secret_string(value.expose_secret()).set_tags(Some(sdk_tags(tags))).send()
        };
        self.caller.call(operation("CreateSecret"), send).await.map(drop)
    }

    /// Gives a secret a new value.
    pub async fn put_secret(&self, id: &str, value: &SecretString, token: Uuid) -> Result<(), AwsError> {
        let send = || {
            let request = self.secrets.put_secret_value().secret_id(id).client_request_token(token.to_string());
            request.secret_string(value.expose_secret()).send()
        };
        self.caller.call(operation("PutSecretValue"), send).await.map(drop)
    }

    /// Schedules a secret of ours for deletion; it can be restored for thirty days.
    pub async fn delete_secret(&self, id: &str) -> Result<(), AwsError> {
        let send = || self.secrets.delete_secret().secret_id(id).recovery_window_in_days(30).send();
        match self.caller.call(operation("DeleteSecret"), send).await {
            Err(error) if error.class() != Class::Absent => Err(error),
            _ => Ok(()),
        }
    }

    /// Marks a secret as ours.
    pub async fn tag_secret(&self, id: &str, tags: &Tags) -> Result<(), AwsError> {
        let send = || self.secrets.tag_resource().secret_id(id).set_tags(Some(sdk_tags(tags))).send();
        self.caller.call(operation("TagResource"), send).await.map(drop)
    }
}

fn sdk_tags(tags: &Tags) -> Vec<Tag> {
    tags.iter().map(|(key, value)| Tag::builder().key(key).value(value).build()).collect()
}
