//! IAM: the stack's roles, each with one inline policy. The hash is written into the Description last, so that a role that
//! was left half made is seen to be.

use aws_sdk_iam::types::Tag;
use serde_json::Value;

use super::bucket::Family;
use super::error::{AwsError, Class, Operation, Repeat};
use super::{Clients, incomplete};
use crate::desired::resource::{Role, Tags};
use crate::hash::canonical;

/// The name of a role's one inline policy.
const POLICY: &str = "freshet";

const fn operation(name: &'static str) -> Operation {
    Operation { service: "iam", name, family: Family::Iam, repeat: Repeat::Safe }
}

/// A role that exists.
#[derive(Debug, Clone, PartialEq)]
pub struct FoundRole {
    /// Its name.
    pub name: String,
    /// Its ARN.
    pub arn: String,
    /// Its path.
    pub path: String,
    /// Its Description.
    pub description: String,
    /// Its trust policy.
    pub trust: Value,
    /// Its tags; a list of roles does not tell them.
    pub tags: Tags,
}

impl FoundRole {
    fn new(role: &aws_sdk_iam::types::Role) -> Self {
        Self {
            name: role.role_name().to_owned(),
            arn: role.arn().to_owned(),
            path: role.path().to_owned(),
            description: role.description().unwrap_or_default().to_owned(),
            trust: document(role.assume_role_policy_document().unwrap_or_default()),
            tags: role.tags().iter().map(|tag| (tag.key().to_owned(), tag.value().to_owned())).collect(),
        }
    }
}

impl Clients {
    /// Roles under a path, all pages.
    pub async fn roles(&self, path: &str) -> Result<Vec<FoundRole>, AwsError> {
        let mut roles = Vec::new();
        let mut marker: Option<String> = None;
        loop {
            let send = || self.iam.list_roles().path_prefix(path).set_marker(marker.clone()).max_items(1_000).send();
            let answer = self.caller.call(operation("ListRoles"), send).await?;
            roles.extend(answer.roles().iter().map(FoundRole::new));
            match answer.marker().filter(|_| answer.is_truncated()) {
                Some(next) => marker = Some(next.to_owned()),
                None => return Ok(roles),
            }
        }
    }

    /// The role of that name, under whatever path.
    pub async fn role(&self, name: &str) -> Result<Option<FoundRole>, AwsError> {
        match self.caller.call(operation("GetRole"), || self.iam.get_role().role_name(name).send()).await {
            Err(error) if error.class() == Class::Absent => Ok(None),
            answer => Ok(answer?.role().map(FoundRole::new)),
        }
    }

    /// The inline policy of a role of ours.
    pub async fn role_policy(&self, name: &str) -> Result<Option<Value>, AwsError> {
        let send = || self.iam.get_role_policy().role_name(name).policy_name(POLICY).send();
        match self.caller.call(operation("GetRolePolicy"), send).await {
            Err(error) if error.class() == Class::Absent => Ok(None),
            answer => Ok(Some(document(answer?.policy_document()))),
        }
    }

    /// Makes a role that may do nothing yet. One of that name that is there already is left to the caller to look at.
    pub async fn create_role(&self, name: &str, role: &Role, description: &str, tags: &Tags) -> Result<(), AwsError> {
        let operation = operation("CreateRole");
        let tags = sdk_tags(operation, tags)?;
        let send = || {
            self.iam
                .create_role()
                .role_name(name)
                .path(&role.path)
                .description(description)
                .assume_role_policy_document(canonical(&role.trust))
                .set_permissions_boundary(role.boundary.clone())
                .set_tags(Some(tags.clone()))
                .send()
        };
        self.caller.call(operation, send).await.map(drop)
    }

    /// Gives a role its policy, then the Description that says it is whole.
    pub async fn complete_role(&self, name: &str, role: &Role, description: &str) -> Result<(), AwsError> {
        let policy = canonical(&role.policy);
        let send = || self.iam.put_role_policy().role_name(name).policy_name(POLICY).policy_document(&policy).send();
        self.caller.call(operation("PutRolePolicy"), send).await?;
        let send = || self.iam.update_role().role_name(name).description(description).send();
        self.caller.call(operation("UpdateRole"), send).await?;
        self.caller.role_made();
        Ok(())
    }

    /// Changes a role's trust, boundary and tags.
    pub async fn update_role(&self, name: &str, role: &Role, tags: &Tags) -> Result<(), AwsError> {
        let trust = canonical(&role.trust);
        let send = || self.iam.update_assume_role_policy().role_name(name).policy_document(&trust).send();
        self.caller.call(operation("UpdateAssumeRolePolicy"), send).await?;
        if let Some(boundary) = &role.boundary {
            let send =
                || self.iam.put_role_permissions_boundary().role_name(name).permissions_boundary(boundary).send();
            self.caller.call(operation("PutRolePermissionsBoundary"), send).await?;
        } else {
            let send = || self.iam.delete_role_permissions_boundary().role_name(name).send();
            absent_is_fine(self.caller.call(operation("DeleteRolePermissionsBoundary"), send).await)?;
        }
        let operation = operation("TagRole");
        let tags = sdk_tags(operation, tags)?;
        let send = || self.iam.tag_role().role_name(name).set_tags(Some(tags.clone())).send();
        self.caller.call(operation, send).await.map(drop)
    }

    /// Deletes a role of ours with its policy.
    pub async fn delete_role(&self, name: &str) -> Result<(), AwsError> {
        let send = || self.iam.delete_role_policy().role_name(name).policy_name(POLICY).send();
        absent_is_fine(self.caller.call(operation("DeleteRolePolicy"), send).await)?;
        let send = || self.iam.delete_role().role_name(name).send();
        absent_is_fine(self.caller.call(operation("DeleteRole"), send).await)
    }

    /// ARN of the role that a service acts under, which is made if it is not there yet.
    pub async fn service_role(&self, service: &str) -> Result<String, AwsError> {
        let path = format!("/aws-service-role/{service}/");
        if let Some(role) = self.roles(&path).await?.into_iter().next() {
            return Ok(role.arn);
        }
        let create = operation("CreateServiceLinkedRole");
        let send = || self.iam.create_service_linked_role().aws_service_name(service).send();
        let answer = match self.caller.call(create, send).await {
            // IAM says InvalidInput when somebody made it in the meantime.
            Err(error) if error.class() == Class::Exists || error.message.contains("has been taken") => None,
            answer => answer?.role().map(|role| role.arn().to_owned()),
        };
        self.caller.role_made();
        match answer {
            Some(arn) => Ok(arn),
            None => self.roles(&path).await?.into_iter().next().map(|role| role.arn).ok_or_else(|| {
                AwsError::ours(create, "IncompleteAnswer", format!("IAM neither makes nor lists the role of {service}"))
            }),
        }
    }
}

/// Something that should be gone and is gone already.
fn absent_is_fine<T>(answer: Result<T, AwsError>) -> Result<(), AwsError> {
    match answer {
        Err(error) if error.class() != Class::Absent => Err(error),
        _ => Ok(()),
    }
}

fn sdk_tags(operation: Operation, tags: &Tags) -> Result<Vec<Tag>, AwsError> {
    let tag = |(key, value): (&String, &String)| Tag::builder().key(key).value(value).build();
    tags.iter().map(tag).collect::<Result<_, _>>().map_err(|error| incomplete(operation, &error))
}

/// A policy document; IAM returns them URL-encoded.
fn document(text: &str) -> Value {
    let decoded = percent_decoded(text);
    serde_json::from_str(&decoded).or_else(|_| serde_json::from_str(text)).unwrap_or(Value::Null)
}

fn percent_decoded(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut decoded = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        let hex = (bytes[at] == b'%').then(|| text.get(at + 1..at + 3)).flatten();
        if let Some(byte) = hex.and_then(|digits| u8::from_str_radix(digits, 16).ok()) {
            decoded.push(byte);
            at += 3;
        } else {
            decoded.push(bytes[at]);
            at += 1;
        }
    }
    String::from_utf8_lossy(&decoded).into_owned()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_policy_reads_back_from_the_form_that_iam_returns() {
        let encoded = "%7B%22Version%22%3A%20%222012-10-17%22%2C%22Resource%22%3A%22é*%22%7D";
        assert_eq!(document(encoded), json!({"Version": "2012-10-17", "Resource": "é*"}));
        assert_eq!(document(r#"{"Condition":{"StringLike":{"k":"50%25"}}}"#)["Condition"]["StringLike"]["k"], "50%");
        assert_eq!(document("%zz"), Value::Null);
    }
}
