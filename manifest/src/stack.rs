//! Everything one project owns in one AWS account and region, for one environment: `freshet.yml`, resolved.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::dataset::is_default;
use crate::name::{EnvironmentName, SecretName, StackName};

/// A stack in one environment, its overrides applied.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Environment {
    /// The stack's name.
    pub stack: StackName,
    /// The environment's name.
    pub name: EnvironmentName,
    /// Twelve digits; compared with the caller's before anything is touched.
    pub account: String,
    /// Region, such as `us-east-1`; every client uses it.
    pub region: String,
    /// ECS cluster.
    pub cluster: String,
    /// The worker's image: a reference with a tag or a digest.
    pub image: String,
    /// What the worker can know, by the name it knows it under.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub secrets: BTreeMap<SecretName, SecretReference>,
    /// Where tasks run.
    pub network: Network,
    /// Roles that IT makes; absent ones are the stack's own.
    #[serde(default, skip_serializing_if = "is_default")]
    pub roles: Roles,
    /// ARN of a permissions boundary for the stack's own roles.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub permissions_boundary: Option<String>,
    /// IAM path of the stack's own roles, begins and ends with `/`; `/freshet/<stack>/<environment>/` when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub role_path: Option<String>,
    /// Tags of everything made.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub tags: BTreeMap<String, String>,
    /// Who is told when something is wrong: addresses of mail, or `https:` addresses.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub notify: Vec<String>,
    /// When set, every source is read from `<sources>/<file>`: test data, a mirror, the demo.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sources: Option<String>,
    /// Endpoint that the worker in this environment uses instead of AWS's own; only for emulators.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub endpoint: Option<String>,
    /// Days that the log group keeps its events; one of CloudWatch's steps.
    #[serde(default = "ninety", skip_serializing_if = "is_ninety")]
    pub log_retention: u32,
}

fn ninety() -> u32 {
    90
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands in a reference")]
fn is_ninety(days: &u32) -> bool {
    *days == 90
}

/// One secret: a Secrets Manager secret, or one key of its JSON.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SecretReference {
    /// Secrets Manager name, such as `nycdb/database`.
    pub id: String,
    /// Key in the secret's JSON object; the whole text when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub json_key: Option<String>,
    /// Whether a run can do without it.
    #[serde(default, skip_serializing_if = "is_default")]
    pub need: Need,
}

/// `id`, `id:json-key`, either with a trailing `?` when optional.
impl fmt::Display for SecretReference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.id)?;
        if let Some(key) = &self.json_key {
            write!(f, ":{key}")?;
        }
        if self.need == Need::Optional { f.write_str("?") } else { Ok(()) }
    }
}

/// A reference to a secret that names none.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` names no secret; write the Secrets Manager name, or `name:json-key`")]
pub struct SecretReferenceError(String);

impl FromStr for SecretReference {
    type Err = SecretReferenceError;
    fn from_str(given: &str) -> Result<Self, SecretReferenceError> {
        let fail = || SecretReferenceError(given.to_owned());
        let (text, need) = match given.strip_suffix('?') {
            Some(text) => (text, Need::Optional),
            None => (given, Need::Required),
        };
        // An ARN holds six colons of its own; a seventh begins the JSON key.
        let key_at =
            if text.starts_with("arn:") { text.match_indices(':').nth(6) } else { text.match_indices(':').next() };
        let (id, json_key) = match key_at {
            Some((at, _)) => (&text[..at], Some(&text[at + 1..])),
            None => (text, None),
        };
        if id.is_empty() || json_key.is_some_and(str::is_empty) {
            return Err(fail());
        }
        Ok(Self { id: id.to_owned(), json_key: json_key.map(str::to_owned), need })
    }
}

/// Whether a run can do without a secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Need {
    /// It cannot.
    #[default]
    Required,
    /// It can.
    Optional,
}

/// Where tasks run.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Network {
    /// Subnet ids, 1 to 16.
    pub subnets: Vec<String>,
    /// Security group ids, 1 to 5.
    pub security_groups: Vec<String>,
    /// Whether tasks get a public address, which a public subnet needs to reach anything.
    #[serde(default, skip_serializing_if = "is_default")]
    pub public_ip: PublicIp,
    /// The database instance whose network is asked for; subnets and groups are empty then, and nothing can be deployed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub like: Option<String>,
}

/// Whether tasks get a public address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum PublicIp {
    /// They do not.
    #[default]
    Disabled,
    /// They do.
    Enabled,
}

impl PublicIp {
    /// AWS's word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Disabled => "DISABLED",
            Self::Enabled => "ENABLED",
        }
    }
}

/// Role ARNs that IT makes.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Roles {
    /// Pulls the image, writes logs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub execution: Option<String>,
    /// The worker's own: reads secrets, puts metrics.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub task: Option<String>,
    /// Scheduler's: runs tasks, submits jobs, sends dead letters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scheduler: Option<String>,
    /// EventBridge rules'.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub events: Option<String>,
    /// Name or ARN of the instance profile of Batch's EC2 instances.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub instance: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_reference_reads_back_as_it_was_written() {
        for text in [
            "nycdb/database",
            "nycdb/database:url",
            "nycdb/slack?",
            "nycdb/slack:hook?",
            "arn:aws:secretsmanager:us-east-1:123456789012:secret:nycdb/db-AbCdEf:url",
        ] {
            assert_eq!(text.parse::<SecretReference>().map(|r| r.to_string()), Ok(text.to_owned()));
        }
        for bad in ["", ":key", "id:", "?"] {
            assert!(bad.parse::<SecretReference>().is_err(), "{bad}");
        }
    }
}
