//! Scalars: texts, numbers, booleans, names with a rule, words from a list.

use super::{Environment, FromNode, Node, Reader, Value};
use crate::finding::Code;

/// A type that was cut at its comma.
pub(crate) const QUOTE_COMMAS: &str = "inside {} quote what holds a comma or a bracket: \"numeric(9,6)\", \"text[]\"";

/// The text of a scalar node, or a finding that says what is expected.
pub(crate) fn text<'a>(node: &'a Node, expected: &str, reader: &mut Reader) -> Option<&'a str> {
    if node.is_null() {
        let comment = reader.file.text()[node.name.end..].lines().next().is_some_and(|line| line.contains('#'));
        let key = reader.file.text().get(node.name.start..node.name.end).unwrap_or_default();
        let cut = key.contains([')', '(', ']', '[']);
        let finding = reader.report(Code::Kind, format!("a value is missing: {expected} is expected"), node.name);
        if cut {
            finding.help(QUOTE_COMMAS);
        } else if comment {
            finding.help("what follows # is a comment; put the value in quotes if it belongs to it");
        }
        return None;
    }
    match &node.value {
        Value::Scalar(scalar) => Some(&scalar.text),
        Value::List(_) | Value::Mapping(_) => {
            reader.report(Code::Kind, format!("{} stands here: {expected} is expected", node.kind()), node.span);
            None
        }
    }
}

/// A placeholder stands for a value that only the environment of a later command tells.
fn is_placeholder(text: &str, reader: &Reader) -> bool {
    reader.environment == Environment::Unresolved && text.contains("${env:")
}

impl FromNode for String {
    fn from_node(node: &Node, reader: &mut Reader) -> Option<Self> {
        text(node, "a text", reader).map(str::to_owned)
    }
}

impl FromNode for bool {
    fn from_node(node: &Node, reader: &mut Reader) -> Option<Self> {
        match text(node, "true or false", reader)? {
            "true" => Some(true),
            "false" => Some(false),
            other if is_placeholder(other, reader) => Some(false),
            other => {
                let message = format!("`{other}` is neither true nor false");
                let finding = reader.report(Code::Value, message, node.span);
                match other.to_lowercase().as_str() {
                    "yes" | "on" | "1" => finding.help("write true"),
                    "no" | "off" | "0" => finding.help("write false"),
                    _ => finding,
                };
                None
            }
        }
    }
}

macro_rules! numbers {
    ($($type:ty),*) => { $(
        impl FromNode for $type {
            fn from_node(node: &Node, reader: &mut Reader) -> Option<Self> {
                let text = text(node, "a whole number", reader)?;
                if is_placeholder(text, reader) {
                    return Some(Self::default());
                }
                if !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()) {
                    if let Ok(number) = text.parse() {
                        return Some(number);
                    }
                    let message = format!("{text} is too large: at most {} is possible here", Self::MAX);
                    reader.report(Code::Value, message, node.span);
                    return None;
                }
                let finding = reader.report(Code::Value, format!("`{text}` is not a whole number"), node.span);
                if let Some(number) = meant(text) {
                    finding.help(format!("write {number}"));
                }
                None
            }
        }
    )* };
}

numbers!(u8, u16, u32, u64);

/// The number that a person meant with separators or a unit: `4,000,000`, `2GB` of memory in MiB, `1 vCPU` in units, `90 days`.
fn meant(text: &str) -> Option<u64> {
    let plain: String = text.chars().filter(|c| !matches!(c, ',' | '_' | ' ' | '\'')).collect();
    let digits = plain.find(|c: char| !c.is_ascii_digit()).unwrap_or(plain.len());
    let number: u64 = plain[..digits].parse().ok()?;
    match plain[digits..].to_lowercase().as_str() {
        "" | "mb" | "mib" | "m" | "d" | "day" | "days" | "rows" => Some(number),
        "gb" | "gib" | "g" | "vcpu" | "vcpus" => number.checked_mul(1024),
        _ => None,
    }
}

impl FromNode for char {
    fn from_node(node: &Node, reader: &mut Reader) -> Option<Self> {
        let text = text(node, "one character", reader)?;
        let mut chars = text.chars();
        match (chars.next(), chars.next()) {
            (Some(only), None) => Some(only),
            _ if text == "tab" || text == "\\t" => Some('\t'),
            _ => {
                let message = format!("`{text}` is not one character");
                reader.report(Code::Value, message, node.span).help("write one character in quotes, or tab");
                None
            }
        }
    }
}

/// Reads types that parse from a text, with the error they give.
macro_rules! scalars {
    ($($type:ty, $expected:literal;)*) => { $(
        impl $crate::yaml::FromNode for $type {
            fn from_node(node: &$crate::yaml::Node, reader: &mut $crate::yaml::Reader) -> Option<Self> {
                let text = $crate::yaml::text(node, $expected, reader)?;
                match text.parse() {
                    Ok(value) => Some(value),
                    Err(error) => {
                        let message = format!("{error}");
                        let finding = reader.report($crate::finding::Code::Value, message, node.span);
                        let snake = text.trim().replace([' ', '-', '.'], "_");
                        let meant = [format!("{}%", text.trim()), snake.to_lowercase(), snake.to_uppercase()];
                        if let Some(meant) = meant.iter().find(|meant| meant.parse::<$type>().is_ok()) {
                            finding.help(format!("write {meant}"));
                        }
                        None
                    }
                }
            }
        }
    )* };
}
pub(crate) use scalars;

/// Reads an enum from its words, and knows its JSON Schema.
macro_rules! words {
    ($type:ty, $expected:literal: $($word:literal => $variant:expr),* $(,)?) => {
        impl $crate::yaml::FromNode for $type {
            fn from_node(node: &$crate::yaml::Node, reader: &mut $crate::yaml::Reader) -> Option<Self> {
                match $crate::yaml::text(node, $expected, reader)? {
                    $($word => Some($variant),)*
                    other => {
                        let message = format!("`{other}` is not {}", $expected);
                        let finding = reader.report($crate::finding::Code::Value, message, node.span);
                        finding.suggest(other, [$($word),*]);
                        None
                    }
                }
            }
        }

        impl schemars::JsonSchema for $type {
            fn schema_name() -> std::borrow::Cow<'static, str> {
                stringify!($type).into()
            }

            fn schema_id() -> std::borrow::Cow<'static, str> {
                concat!(module_path!(), "::", stringify!($type)).into()
            }

            fn inline_schema() -> bool {
                true
            }

            fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
                schemars::json_schema!({"enum": [$($word),*]})
            }
        }
    };
}
pub(crate) use words;
