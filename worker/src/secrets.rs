//! Secrets, pulled at start: from the environment where one stands under its own name, else from Secrets Manager.
//!
//! What goes out is held as [`SecretString`], which no formatter prints. A run that needs none from Secrets Manager builds
//! no AWS client, so that it works on a machine with neither account nor network.

use std::collections::{BTreeMap, BTreeSet};

use aws_sdk_secretsmanager::Client;
use aws_sdk_secretsmanager::error::{DisplayErrorContext, ProvideErrorMetadata};
use manifest::SecretName;
use manifest::stack::{Need, SecretReference};
use secrecy::{ExposeSecret, SecretString};

use crate::fault::{Exit, Fault, Retry};
use crate::settings::Environment;

/// The secrets of one run.
#[derive(Debug, Default)]
pub struct Secrets(BTreeMap<SecretName, SecretString>);

impl Secrets {
    /// The secret of that name.
    pub fn get(&self, name: &SecretName) -> Option<&SecretString> {
        self.0.get(name)
    }

    /// Whether all of them have the values of the others.
    pub fn same_as(&self, others: &Self) -> bool {
        let exposed = |secrets: &Self| -> Vec<(SecretName, String)> {
            secrets.0.iter().map(|(name, value)| (name.clone(), value.expose_secret().to_owned())).collect()
        };
        exposed(self) == exposed(others)
    }
}

/// A secret that cannot be had. Never holds a value.
#[derive(Debug, thiserror::Error)]
pub enum SecretError {
    /// Nobody says where it is.
    #[error("secret {0} is needed, but neither is it in the environment nor does {variable} say where it is", variable = manifest::contract::SECRETS)]
    Undeclared(SecretName),
    /// Secrets Manager has none of that name, or it has no value yet.
    #[error("secret {name} is needed, but Secrets Manager has no value for `{id}`")]
    Missing {
        /// The worker's name for it.
        name: SecretName,
        /// Secrets Manager's.
        id: String,
    },
    /// It is not a JSON object with that key.
    #[error("secret {name}: `{id}` is not a JSON object with a text under `{key}`")]
    NoSuchKey {
        /// The worker's name for it.
        name: SecretName,
        /// Secrets Manager's.
        id: String,
        /// The key that was asked for.
        key: String,
    },
    /// The task role may not read it.
    #[error("secret {name}: this task may not read `{id}`: {detail}")]
    Denied {
        /// The worker's name for it.
        name: SecretName,
        /// Secrets Manager's.
        id: String,
        /// What AWS said.
        detail: String,
    },
    /// Secrets Manager did not answer.
    #[error("secret {name}: Secrets Manager did not give `{id}`: {detail}")]
    Unavailable {
        /// The worker's name for it.
        name: SecretName,
        /// Secrets Manager's.
        id: String,
        /// What went wrong.
        detail: String,
    },
}

impl Fault for SecretError {
    fn code(&self) -> &'static str {
        match self {
            Self::Undeclared(_) => "secret_undeclared",
            Self::Missing { .. } => "secret_missing",
            Self::NoSuchKey { .. } => "secret_key",
            Self::Denied { .. } => "secret_denied",
            Self::Unavailable { .. } => "secret_unavailable",
        }
    }
    fn exit(&self) -> Exit {
        match self {
            Self::Undeclared(_) | Self::Missing { .. } | Self::NoSuchKey { .. } => Exit::Configuration,
            Self::Denied { .. } => Exit::Permission,
            Self::Unavailable { .. } => Exit::Unavailable,
        }
    }
    fn retry(&self) -> Retry {
        match self {
            Self::Unavailable { .. } => Retry::Later,
            _ => Retry::Never,
        }
    }
    fn advice(&self) -> Option<String> {
        match self {
            Self::Undeclared(name) => {
                Some(format!("name it under `secrets:` in freshet.yml and deploy, or set {name} in the environment"))
            }
            Self::Missing { name, .. } | Self::NoSuchKey { name, .. } => {
                Some(format!("set it with `deploy secrets set {name}`"))
            }
            Self::Denied { .. } => Some("deploy again so that the task role is brought up to date".to_owned()),
            Self::Unavailable { .. } => {
                Some("a task in a private subnet needs a NAT gateway or the secretsmanager endpoint".to_owned())
            }
        }
    }
}

/// Fetches what is needed. `references` says where; optional ones that have no value are left out.
pub async fn fetch(
    needed: &BTreeSet<SecretName>,
    references: &BTreeMap<SecretName, SecretReference>,
    environment: &impl Environment,
) -> Result<Secrets, SecretError> {
    let mut found = BTreeMap::new();
    let mut client = None;
    for name in needed {
        if let Some(value) = environment(name.as_str()).filter(|value| !value.is_empty()) {
            found.insert(name.clone(), SecretString::from(value));
            continue;
        }
        let reference = references.get(name).ok_or_else(|| SecretError::Undeclared(name.clone()))?;
        let client = match &client {
            Some(client) => client,
            None => client.insert(Client::new(&crate::aws::configuration().await)),
        };
        match fetch_one(client, name, reference).await {
            Ok(value) => {
                found.insert(name.clone(), value);
            }
            Err(SecretError::Missing { .. }) if reference.need == Need::Optional => {}
            Err(error) => return Err(error),
        }
    }
    Ok(Secrets(found))
}

async fn fetch_one(
    client: &Client,
    name: &SecretName,
    reference: &SecretReference,
) -> Result<SecretString, SecretError> {
    let (name, id) = (name.clone(), reference.id.clone());
    let answer = client.get_secret_value().secret_id(&id).send().await.map_err(|error| {
        let detail = || match error.message() {
            Some(message) => message.to_owned(),
            None => DisplayErrorContext(&error).to_string(),
        };
        match error.code() {
            Some("ResourceNotFoundException" | "InvalidRequestException") => {
                SecretError::Missing { name: name.clone(), id: id.clone() }
            }
            Some("AccessDeniedException") => {
                SecretError::Denied { name: name.clone(), id: id.clone(), detail: detail() }
            }
            _ => SecretError::Unavailable { name: name.clone(), id: id.clone(), detail: detail() },
        }
    })?;
    let Some(text) = answer.secret_string else { return Err(SecretError::Missing { name, id }) };
    let text = SecretString::from(text);
    match &reference.json_key {
        None => Ok(text),
        Some(key) => json_value(&text, key).ok_or_else(|| SecretError::NoSuchKey { name, id, key: key.clone() }),
    }
}

/// The text under one key of a JSON object; numbers and booleans as JSON writes them.
fn json_value(text: &SecretString, key: &str) -> Option<SecretString> {
    let object: serde_json::Value = serde_json::from_str(text.expose_secret()).ok()?;
    match object.get(key)? {
        serde_json::Value::String(value) => Some(SecretString::from(value.clone())),
        value @ (serde_json::Value::Number(_) | serde_json::Value::Bool(_)) => {
            Some(SecretString::from(value.to_string()))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_json_key_gives_its_text_and_nothing_else() {
        let secret = SecretString::from(r#"{"url": "postgres://u:p@h/d", "port": 5432, "nested": {}}"#.to_owned());
        let get = |key| json_value(&secret, key).map(|value| value.expose_secret().to_owned());
        assert_eq!(get("url").as_deref(), Some("postgres://u:p@h/d"));
        assert_eq!(get("port").as_deref(), Some("5432"));
        assert_eq!(get("nested"), None);
        assert_eq!(get("absent"), None);
    }

    #[tokio::test]
    async fn a_secret_in_the_environment_is_used_without_asking_aws() {
        let name: SecretName = "DATABASE_URL".parse().expect("a name");
        let needed = BTreeSet::from([name.clone()]);
        let environment = |variable: &str| (variable == "DATABASE_URL").then(|| "postgres://here".to_owned());
        let secrets = fetch(&needed, &BTreeMap::new(), &environment).await.expect("from the environment");
        assert_eq!(secrets.get(&name).map(|s| s.expose_secret().to_owned()).as_deref(), Some("postgres://here"));
    }

    #[tokio::test]
    async fn a_secret_that_nobody_declares_is_named_with_what_to_do() {
        let needed = BTreeSet::from(["TOKEN".parse().expect("a name")]);
        let error = fetch(&needed, &BTreeMap::new(), &|_: &str| None).await.expect_err("nowhere to look");
        assert_eq!(error.code(), "secret_undeclared");
        assert!(error.advice().is_some_and(|advice| advice.contains("TOKEN")));
    }
}
