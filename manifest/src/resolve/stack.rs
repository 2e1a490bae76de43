//! The stack in one environment: what the environment overrides is laid over what stands above it, key by key, and the result is
//! checked against AWS's rules. Without the values of the environment's variables, what holds `${env:NAME}` is not looked at yet.

use std::collections::BTreeMap;

use super::interpolation;
use super::origin::address;
use crate::contract;
use crate::document::stack::{EnvironmentDocument, NetworkDocument, SecretDocument};
use crate::finding::{Code, Finding, Span};
use crate::name::{EnvironmentName, SecretName, StackName};
use crate::stack::{Environment, Need, Network, PublicIp, Roles, SecretReference};
use crate::yaml::{self, Entry, FromNode as _, Keyed, Named, Node, Reader, Spanned, Text, Value};

/// Days that CloudWatch Logs keeps events.
const RETENTION: &[u32] =
    &[1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653];
/// AWS takes 50 tags; the marker takes some of them.
const MAX_TAGS: usize = 40;

/// Keys of `freshet.yml` that are not an environment's.
const OWN_KEYS: &[&str] = &["stack", "environments"];

/// One environment of a parsed `freshet.yml`: the stack's keys with the environment's over them.
pub(crate) fn overlaid(root: &Node, environment: &Node) -> Node {
    let Value::Mapping(entries) = &root.value else { return environment.clone() };
    let kept = entries.iter().filter(|entry| !OWN_KEYS.contains(&entry.key.as_str())).cloned().collect();
    let base = Node { value: Value::Mapping(kept), ..root.clone() };
    let mut overlaid = overlay(&base, environment);
    overlaid.name = environment.name;
    overlaid
}

fn overlay(base: &Node, over: &Node) -> Node {
    let (Value::Mapping(below), Value::Mapping(above)) = (&base.value, &over.value) else { return over.clone() };
    let find = |entries: &[Entry], key: &str| entries.iter().position(|entry| entry.key == key);
    let mut entries: Vec<Entry> = below
        .iter()
        .map(|entry| match find(above, &entry.key) {
            Some(at) => Entry { value: overlay(&entry.value, &above[at].value), ..above[at].clone() },
            None => entry.clone(),
        })
        .collect();
    entries.extend(above.iter().filter(|entry| find(below, &entry.key).is_none()).cloned());
    Node { value: Value::Mapping(entries), ..over.clone() }
}

/// Resolves one environment. `values` are the variables of the environment; without them, what needs them is taken as it stands.
pub(crate) fn resolve(
    stack: &StackName,
    name: &Spanned<EnvironmentName>,
    mut node: Node,
    values: Option<&BTreeMap<String, String>>,
    reader: &mut Reader,
) -> Option<Environment> {
    reader.environment = yaml::Environment::Unresolved;
    if let Some(values) = values {
        let before = reader.findings.len();
        interpolation::substitute(&mut node, values, reader);
        if reader.findings.len() > before {
            return None;
        }
        reader.environment = yaml::Environment::Resolved;
    }
    let document = EnvironmentDocument::from_node(&node, reader)?;
    let mut check = Check { name, reader };
    let account = check.required("account", document.account.as_ref());
    let region = check.required("region", document.region.as_ref());
    let cluster = check.required("cluster", document.cluster.as_ref());
    let image = check.required("image", document.image.as_ref());
    check.names(&document);
    let network = check.network(document.network.as_ref());
    let secrets = check.secrets(document.secrets.as_ref());
    let roles = check.roles(&document);
    check.tags(document.tags.as_ref());
    check.addresses(&document);
    check.notify(&document);
    let text = |value: &Option<Spanned<String>>| value.as_ref().map(|value| value.value.clone());
    Some(Environment {
        stack: stack.clone(),
        name: name.value.clone(),
        account: account?,
        region: region?,
        cluster: cluster?,
        image: image?,
        secrets,
        network: network?,
        roles,
        permissions_boundary: text(&document.permissions_boundary),
        role_path: text(&document.role_path),
        tags: document
            .tags
            .iter()
            .flat_map(|tags| tags.iter())
            .map(|(key, value)| (key.value.clone(), value.value.0.clone()))
            .collect(),
        sources: text(&document.sources),
        endpoint: text(&document.endpoint),
        notify: document.notify.iter().flat_map(|given| &given.value).map(|one| one.value.clone()).collect(),
        log_retention: document.log_retention.as_ref().map_or(90, |days| days.value),
    })
}

struct Check<'a> {
    name: &'a Spanned<EnvironmentName>,
    reader: &'a mut Reader,
}

/// Whether the text is known: a variable of the environment may still stand in it.
fn known(text: &str) -> bool {
    !text.contains("${env:")
}

impl Check<'_> {
    fn refuse(&mut self, why: impl Into<String>, span: Span) -> &mut Finding {
        self.reader.report(Code::Account, why, span)
    }

    fn required(&mut self, key: &str, value: Option<&Spanned<String>>) -> Option<String> {
        if value.is_none() {
            let message = format!("the environment `{}` has no `{key}`, and none stands above it", self.name.value);
            self.reader.report(Code::MissingKey, message, self.name.span);
        }
        value.map(|value| value.value.clone())
    }

    fn text(&mut self, value: Option<&Spanned<String>>, right: impl Fn(&str) -> bool, what: &str, help: &str) {
        if let Some(value) = value.filter(|value| known(&value.value) && !right(&value.value)) {
            let message = format!("`{}` is not {what}", value.value);
            self.refuse(message, value.span).help(help);
        }
    }

    fn names(&mut self, document: &EnvironmentDocument) {
        let digits = |text: &str| text.len() == 12 && text.bytes().all(|byte| byte.is_ascii_digit());
        let account_help = "write its twelve digits in quotes, leading zeros included";
        self.text(document.account.as_ref(), digits, "an AWS account", account_help);
        self.text(document.region.as_ref(), is_region, "an AWS region", "regions look like us-east-1");
        let plain = |text: &str| {
            (1..=255).contains(&text.len()) && text.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_'))
        };
        self.text(document.cluster.as_ref(), plain, "the name of an ECS cluster", "use letters, digits, - and _");
        let image_help = "write registry/name:tag or registry/name@sha256:…";
        self.text(document.image.as_ref(), is_image, "the reference of an image", image_help);
        let boundary = |text: &str| text.starts_with("arn:") && text.contains(":policy/");
        let boundary_help = "a permissions boundary is the ARN of a policy: arn:aws:iam::123456789012:policy/name";
        self.text(document.permissions_boundary.as_ref(), boundary, "the ARN of a policy", boundary_help);
        let path = |text: &str| text.starts_with('/') && text.ends_with('/') && text.len() <= 512;
        self.text(document.role_path.as_ref(), path, "a path of IAM", "a path begins and ends with /");
        if let Some(days) = document.log_retention.as_ref()
            && !RETENTION.contains(&days.value)
            && days.value != 0
        {
            let nearest = RETENTION.iter().find(|step| **step > days.value).unwrap_or(&3653);
            let message = format!("CloudWatch does not keep events for {} days", days.value);
            let help = format!("write {nearest}, or another of {}", list(RETENTION));
            self.refuse(message, days.span).help(help);
        }
    }

    fn network(&mut self, network: Option<&Named<NetworkDocument>>) -> Option<Network> {
        let Some(network) = network else {
            let message = format!("the environment `{}` has no `network`, and none stands above it", self.name.value);
            let finding = self.reader.report(Code::MissingKey, message, self.name.span);
            finding.help("write network: {subnets: [subnet-…], security_groups: [sg-…], public_ip: true}");
            return None;
        };
        if let Some(like) = &network.like {
            let instance = like.value.strip_prefix("rds:").filter(|name| !name.is_empty());
            if network.subnets.is_some() || network.security_groups.is_some() {
                let message = "`like` asks for subnets and security groups, and they stand here";
                self.refuse(message, like.span).help("leave like out");
            } else if instance.is_none() && known(&like.value) {
                let message = format!("`{}` names no database", like.value);
                self.refuse(message, like.span).help("write like: rds:name-of-the-instance");
            }
            return instance.map(|instance| Network { like: Some(instance.to_owned()), ..Network::default() });
        }
        let lists = [
            ("subnets", "subnet-", 16, network.subnets.as_ref()),
            ("security_groups", "sg-", 5, network.security_groups.as_ref()),
        ];
        for (key, prefix, most, given) in lists {
            let Some(ids) = given else {
                let message = format!("the network has no `{key}`");
                self.reader.report(Code::MissingKey, message, network.name);
                continue;
            };
            if !(1..=most).contains(&ids.len()) {
                let message = format!("a task takes 1 to {most} {}, not {}", key.replace('_', " "), ids.len());
                self.refuse(message, ids.span);
            }
            for id in ids.iter().filter(|id| known(&id.value) && !id.value.starts_with(prefix)) {
                let message = format!("`{}` is not an id of {}", id.value, key.replace('_', " "));
                self.refuse(message, id.span).help(format!("ids begin with {prefix}"));
            }
        }
        let ids = |given: &Option<Spanned<Vec<Spanned<String>>>>| -> Option<Vec<String>> {
            Some(given.as_ref()?.iter().map(|id| id.value.clone()).collect())
        };
        Some(Network {
            subnets: ids(&network.subnets)?,
            security_groups: ids(&network.security_groups)?,
            public_ip: if network.public_ip.unwrap_or(false) { PublicIp::Enabled } else { PublicIp::Disabled },
            like: None,
        })
    }

    fn secrets(&mut self, given: Option<&Keyed<SecretName, SecretDocument>>) -> BTreeMap<SecretName, SecretReference> {
        let mut secrets = BTreeMap::new();
        for (name, document) in given.into_iter().flat_map(|given| given.iter()) {
            if name.as_str().starts_with("FRESHET_") {
                let message = format!("`{}` is a name of the worker's own", name.value);
                self.refuse(message, name.span).help("names that begin with FRESHET_ are settings, not secrets");
            }
            let span = document.reference.span;
            match document.reference.parse::<SecretReference>() {
                Ok(mut reference) => {
                    if document.optional {
                        reference.need = Need::Optional;
                    }
                    if known(&document.reference.value) {
                        self.secret_id(&reference.id, span);
                    }
                    secrets.insert(name.value.clone(), reference);
                }
                Err(error) => {
                    self.refuse(error.to_string(), span);
                }
            }
        }
        if !secrets.keys().any(|name| name.as_str() == contract::DATABASE_URL) {
            let message =
                format!("the environment `{}` does not say where {} is", self.name.value, contract::DATABASE_URL);
            let finding = self.reader.report(Code::Secret, message, self.name.span);
            finding.help("write secrets: {DATABASE_URL: name-in-secrets-manager:json-key}");
        }
        secrets
    }

    fn secret_id(&mut self, id: &str, span: Span) {
        if id.starts_with("arn:") {
            return;
        }
        let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '/' | '_' | '+' | '=' | '.' | '@' | '-');
        if id.len() > 512 || !id.chars().all(plain) {
            let message = format!("`{id}` is not a name that Secrets Manager takes");
            self.refuse(message, span).help("use letters, digits and /_+=.@-, at most 512");
        }
        // Secrets Manager puts a hyphen and six characters behind every name; a name of that shape is ambiguous.
        let suffix = id.rsplit_once('-').map(|(_, suffix)| suffix);
        if suffix.is_some_and(|suffix| suffix.len() == 6 && suffix.chars().all(|c| c.is_ascii_alphanumeric())) {
            let message = format!("`{id}` ends like the suffix that Secrets Manager gives to names");
            self.refuse(message, span).help("a name must not end in a hyphen and six characters");
        }
    }

    fn roles(&mut self, document: &EnvironmentDocument) -> Roles {
        let Some(given) = &document.roles else { return Roles::default() };
        let role = |text: &str| text.starts_with("arn:") && text.contains(":role/");
        let help = "roles are ARNs: arn:aws:iam::123456789012:role/name";
        for value in [&given.execution, &given.task, &given.scheduler, &given.events] {
            self.text(value.as_ref(), role, "the ARN of a role", help);
        }
        let profile = |text: &str| {
            text.starts_with("arn:") && text.contains(":instance-profile/")
                || !text.is_empty() && text.chars().all(|c| c.is_ascii_alphanumeric() || "+=,.@_-".contains(c))
        };
        let help = "write its name, such as ecsInstanceRole, or arn:aws:iam::123456789012:instance-profile/name";
        self.text(given.instance.as_ref(), profile, "an instance profile", help);
        let text = |value: &Option<Spanned<String>>| value.as_ref().map(|value| value.value.clone());
        Roles {
            execution: text(&given.execution),
            task: text(&given.task),
            scheduler: text(&given.scheduler),
            events: text(&given.events),
            instance: text(&given.instance),
        }
    }

    fn tags(&mut self, tags: Option<&Keyed<String, Spanned<Text>>>) {
        let Some(tags) = tags else { return };
        if let Some((name, _)) = tags.get(MAX_TAGS) {
            self.refuse(format!("more than {MAX_TAGS} tags: AWS takes 50, the stack's own among them"), name.span);
        }
        for (key, value) in tags.iter() {
            let name = key.value.as_str();
            if name.to_lowercase().starts_with("aws:") || name.starts_with("freshet:") {
                self.refuse(format!("the tag `{name}` belongs to AWS or to the stack itself"), key.span);
            }
            let sign = |c: char| c.is_alphanumeric() || c == ' ' || "_.:/=+-@".contains(c);
            if name.chars().count() > 128 || value.chars().count() > 256 {
                self.refuse("a tag has at most 128 characters, its value 256", key.span);
            } else if known(&value.value) && !(name.chars().all(sign) && value.chars().all(sign)) {
                let finding = self.refuse(format!("AWS does not take the tag `{name}: {}`", value.value.0), key.span);
                finding.help("use letters, digits, blanks and _.:/=+-@");
            }
        }
    }

    fn notify(&mut self, document: &EnvironmentDocument) {
        for address in document.notify.iter().flat_map(|given| &given.value).filter(|address| known(&address.value)) {
            let text = address.value.as_str();
            let mail = || text.split_once('@').is_some_and(|(name, host)| !name.is_empty() && host.contains('.'));
            let plain = !text.contains(char::is_whitespace) && !text.is_empty();
            if !plain || !(text.starts_with("https://") || mail() && !text.contains("://")) {
                let message = format!("`{text}` is neither an address of mail nor an https: address");
                self.refuse(message, address.span).help("write data@example.org, or https://…");
            }
        }
    }

    fn addresses(&mut self, document: &EnvironmentDocument) {
        for (value, schemes) in
            [(&document.sources, &["https", "http", "file", "s3"][..]), (&document.endpoint, &["https", "http"][..])]
        {
            if let Some(value) = value.as_ref().filter(|value| known(&value.value))
                && let Err(why) = address(&value.value, schemes)
            {
                let whole = value.contains("://");
                let help = format!("write https://{}", value.value);
                let finding = self.refuse(why, value.span);
                if !whole {
                    finding.help(help);
                }
            }
        }
    }
}

fn is_region(text: &str) -> bool {
    let parts: Vec<&str> = text.split('-').collect();
    parts.len() >= 3
        && parts.iter().all(|part| !part.is_empty())
        && parts[parts.len() - 1].bytes().all(|byte| byte.is_ascii_digit())
        && parts[..parts.len() - 1].iter().all(|part| part.bytes().all(|byte| byte.is_ascii_lowercase()))
}

/// A reference of an image: no blanks, no scheme, and a name in lower case; tags and digests may have capitals.
pub(super) fn is_image(text: &str) -> bool {
    let name = text.split('@').next().unwrap_or_default();
    let (folder, last) = name.rsplit_once('/').unwrap_or(("", name));
    let last = last.split(':').next().unwrap_or_default();
    let lower = |part: &str| !part.chars().any(char::is_uppercase);
    !last.is_empty() && lower(folder) && lower(last) && !text.contains(char::is_whitespace) && !text.contains("://")
}

fn list(numbers: &[u32]) -> String {
    numbers.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}
