//! `${env:NAME}` and `${secret:NAME}`: where each may stand, and the substitution of the first. It happens on the tree, after parsing, so
//! that no value can change the shape of a file.

use std::collections::BTreeMap;

use crate::finding::{Code, Span};
use crate::name::SecretName;
use crate::yaml::{Node, Reader, Value};

/// Which references a file may hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Allowed {
    /// None.
    Nothing,
    /// `${env:NAME}` in any value.
    Environment,
    /// `${secret:NAME}` in the values of [`SECRET_KEYS`].
    Secrets,
}

/// Keys of a source that may hold `${secret:NAME}`.
const SECRET_KEYS: &[&str] = &["url", "base", "headers", "body", "private_key", "where", "database"];

/// A `${kind:name}` in a text.
struct Reference<'a> {
    kind: &'a str,
    name: &'a str,
    at: usize,
    len: usize,
}

fn references(text: &str) -> impl Iterator<Item = Reference<'_>> {
    text.match_indices("${").map(move |(at, _)| {
        let inside = &text[at + 2..];
        let end = inside.find('}');
        let inside = &inside[..end.unwrap_or(inside.len())];
        let (kind, name) = inside.split_once(':').unwrap_or(("", inside));
        let name = if end.is_some() { name } else { "" };
        Reference { kind, name, at, len: inside.len() + 2 + usize::from(end.is_some()) }
    })
}

/// The place of a part of a scalar's text in the file: exact where text and source are the same, the whole scalar otherwise.
pub(crate) fn part(reader: &Reader, node_span: Span, text: &str, at: usize, len: usize) -> Span {
    let source = reader.file.text().get(node_span.start..node_span.end).unwrap_or_default();
    match source.find(text) {
        Some(offset) => node_span.part(offset + at, len),
        None => node_span,
    }
}

/// Leaves a finding for every reference that may not stand where it does.
pub(crate) fn check(node: &Node, allowed: Allowed, reader: &mut Reader) {
    walk(node, allowed, allowed != Allowed::Secrets, reader);
}

fn walk(node: &Node, allowed: Allowed, here: bool, reader: &mut Reader) {
    match &node.value {
        Value::List(items) => items.iter().for_each(|item| walk(item, allowed, here, reader)),
        Value::Mapping(entries) => {
            for entry in entries {
                let here = here || SECRET_KEYS.contains(&entry.key.as_str());
                walk(&entry.value, allowed, here, reader);
            }
        }
        Value::Scalar(scalar) => {
            for reference in references(&scalar.text) {
                let span = part(reader, node.span, &scalar.text, reference.at, reference.len);
                judge(&reference, span, allowed, here, reader);
            }
        }
    }
}

fn judge(reference: &Reference<'_>, span: Span, allowed: Allowed, here: bool, reader: &mut Reader) {
    let Reference { kind, name, .. } = *reference;
    match (kind, allowed) {
        ("env", Allowed::Environment) => {
            if !is_variable(name) {
                reader.report(Code::Interpolation, format!("`{name}` is not the name of a variable"), span);
            }
        }
        ("secret", Allowed::Secrets) if here => match name.parse::<SecretName>() {
            Ok(name) => reader.secrets.push((name, span)),
            Err(error) => {
                reader.report(Code::Interpolation, error.to_string(), span);
            }
        },
        ("secret", Allowed::Secrets) => {
            let keys = SECRET_KEYS.join(", ");
            let finding = reader.report(Code::Interpolation, "a secret may not stand in this key", span);
            finding.help(format!("secrets stand in {keys} of a source, where only the worker resolves them"));
        }
        ("env", _) => {
            let finding = reader.report(Code::Interpolation, "${env:…} may stand in freshet.yml only", span);
            match allowed {
                Allowed::Secrets => finding.help("for a secret of the stack write ${secret:NAME}"),
                _ => finding.help("write the value"),
            };
        }
        ("secret", _) => {
            let finding = reader.report(Code::Interpolation, "${secret:…} may stand in sources of datasets only", span);
            if allowed == Allowed::Environment {
                finding.help("under `secrets:` write the Secrets Manager name; its value is never in a file");
            }
        }
        _ => {
            let finding =
                reader.report(Code::Interpolation, "this `${` is neither ${env:NAME} nor ${secret:NAME}", span);
            match allowed {
                Allowed::Environment => finding.help("write ${env:NAME} for a variable of the environment"),
                Allowed::Secrets => finding.help("write ${secret:NAME} for a secret of the stack"),
                Allowed::Nothing => finding.help("write the value"),
            };
        }
    }
}

fn is_variable(name: &str) -> bool {
    let mut chars = name.chars();
    chars.next().is_some_and(|first| first.is_ascii_alphabetic() || first == '_')
        && chars.all(|c| c.is_ascii_alphanumeric() || c == '_')
}

/// Puts the values of the environment in their places. A variable that is not set is a finding.
pub(crate) fn substitute(node: &mut Node, values: &BTreeMap<String, String>, reader: &mut Reader) {
    match &mut node.value {
        Value::List(items) => items.iter_mut().for_each(|item| substitute(item, values, reader)),
        Value::Mapping(entries) => entries.iter_mut().for_each(|entry| substitute(&mut entry.value, values, reader)),
        Value::Scalar(scalar) => {
            let mut text = String::new();
            let mut rest = 0;
            for reference in references(&scalar.text).filter(|reference| reference.kind == "env") {
                text.push_str(&scalar.text[rest..reference.at]);
                if let Some(value) = values.get(reference.name) {
                    text.push_str(value);
                } else {
                    let span = part(reader, node.span, &scalar.text, reference.at, reference.len);
                    let message = format!("the environment variable {} is not set", reference.name);
                    reader.report(Code::EnvironmentVariable, message, span);
                }
                rest = reference.at + reference.len;
            }
            text.push_str(&scalar.text[rest..]);
            // What came from the environment is a text, whatever it looks like.
            scalar.quoted |= rest > 0;
            scalar.text = text;
        }
    }
}
