//! `freshet.yml`

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};

use crate::name::{EnvironmentName, SecretName, StackName};
use crate::yaml::{FromNode, Keyed, Named, Node, Reader, Spanned, Text, Value, document};

/// The keys that an environment may override stand in the stack and in each environment alike.
macro_rules! stack_and_environment {
    ($( $(#[$meta:meta])* $field:ident : $type:ty ),* $(,)?) => {
        document! {
            /// Everything one project owns in AWS. An environment may override any key that stands above it.
            #[expect(dead_code, reason = "what an environment may override is read through the environment")]
            pub(crate) struct StackDocument {
                /// The stack's name: it stands in the name of everything that is made.
                stack: Spanned<StackName>,
                $( $(#[$meta])* $field: $type, )*
                /// The environments, each with what it overrides.
                environments: Spanned<Keyed<EnvironmentName, EnvironmentDocument>>,
            }
        }

        document! {
            /// One environment: what stands here overrides the stack's own; secrets and tags are added to its own one by one.
            pub(crate) struct EnvironmentDocument {
                $( $(#[$meta])* $field: $type, )*
            }
        }
    };
}

stack_and_environment! {
    /// The worker's image, with a tag or a digest.
    image: Option<Spanned<String>>,
    /// AWS account, twelve digits in quotes; compared with the caller's before anything is touched.
    account: Option<Spanned<String>>,
    /// AWS region, such as us-east-1.
    region: Option<Spanned<String>>,
    /// ECS cluster.
    cluster: Option<Spanned<String>>,
    /// Name in the worker → Secrets Manager name, or name:json-key.
    secrets: Option<Keyed<SecretName, SecretDocument>>,
    /// Where tasks run.
    network: Option<Named<NetworkDocument>>,
    /// ARNs of roles that exist already.
    roles: Option<RolesDocument>,
    /// ARN of a permissions boundary for the stack's own roles.
    permissions_boundary: Option<Spanned<String>>,
    /// IAM path of the stack's own roles, beginning and ending with /.
    role_path: Option<Spanned<String>>,
    /// Tags of everything made.
    tags: Option<Keyed<String, Spanned<Text>>>,
    /// Days that the log group keeps its events; 90 when absent.
    log_retention: Option<Spanned<u32>>,
    /// Who is told when something is wrong: addresses of mail, or https: addresses.
    notify: Option<Spanned<Vec<Spanned<String>>>>,
    /// Every source is read from this address and its file name instead of its own.
    sources: Option<Spanned<String>>,
    /// Endpoint of an AWS emulator.
    endpoint: Option<Spanned<String>>,
}

document! {
    /// Where tasks run.
    pub(crate) struct NetworkDocument {
        /// Subnet ids, 1 to 16.
        subnets: Option<Spanned<Vec<Spanned<String>>>>,
        /// Security group ids, 1 to 5.
        security_groups: Option<Spanned<Vec<Spanned<String>>>>,
        /// Whether tasks get a public address, which a public subnet needs to reach anything.
        public_ip: Option<bool>,
        /// Proposes subnets and security groups like those of a database: rds:<instance>.
        like: Option<Spanned<String>>,
    }
}

document! {
    /// ARNs of roles that exist already.
    pub(crate) struct RolesDocument {
        /// Pulls the image, writes logs.
        execution: Option<Spanned<String>>,
        /// The worker's own: reads secrets, puts metrics.
        task: Option<Spanned<String>>,
        /// EventBridge Scheduler's.
        scheduler: Option<Spanned<String>>,
        /// EventBridge rules'.
        events: Option<Spanned<String>>,
        /// Instance profile of Batch's EC2 instances, by name or ARN; only for compute: ec2.
        instance: Option<Spanned<String>>,
    }
}

document! {
    /// A secret in full.
    pub(crate) struct SecretFields {
        /// Secrets Manager name, or name:json-key.
        secret: Spanned<String>,
        /// Whether a run can do without it.
        optional: Option<bool>,
    }
}

/// A secret: its reference as a text, or in full.
#[derive(Debug, Clone)]
pub(crate) struct SecretDocument {
    pub(crate) reference: Spanned<String>,
    pub(crate) optional: bool,
}

impl FromNode for SecretDocument {
    fn from_node(node: &Node, reader: &mut Reader) -> Option<Self> {
        if matches!(node.value, Value::Mapping(_)) {
            let fields = SecretFields::from_node(node, reader)?;
            return Some(Self { reference: fields.secret, optional: fields.optional.unwrap_or(false) });
        }
        Spanned::from_node(node, reader).map(|reference| Self { reference, optional: false })
    }
}

impl JsonSchema for SecretDocument {
    fn schema_name() -> Cow<'static, str> {
        "Secret".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let fields = generator.subschema_for::<SecretFields>();
        json_schema!({"anyOf": [{"type": "string"}, fields]})
    }
}
