//! Values with their place, lists, one-or-many, and mappings that keep their order and the places of their keys.

use std::borrow::Cow;
use std::ops::Deref;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};

use super::{FromNode, Node, Reader, Value};
use crate::finding::{Code, Span};

/// A value with its place.
#[derive(Debug, Clone)]
pub(crate) struct Spanned<T> {
    pub(crate) value: T,
    pub(crate) span: Span,
}

impl<T> Deref for Spanned<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.value
    }
}

impl<T: FromNode> FromNode for Spanned<T> {
    fn from_node(node: &Node, reader: &mut Reader) -> Option<Self> {
        Some(Self { value: T::from_node(node, reader)?, span: node.span })
    }
}

/// A value with the place that names it: its key, or its own first word in a list.
#[derive(Debug, Clone)]
pub(crate) struct Named<T> {
    pub(crate) value: T,
    pub(crate) name: Span,
}

impl<T> Deref for Named<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.value
    }
}

impl<T: FromNode> FromNode for Named<T> {
    fn from_node(node: &Node, reader: &mut Reader) -> Option<Self> {
        Some(Self { value: T::from_node(node, reader)?, name: node.name })
    }
}

impl<T: FromNode> FromNode for Vec<T> {
    fn from_node(node: &Node, reader: &mut Reader) -> Option<Self> {
        let Value::List(items) = &node.value else {
            let message = format!("{} stands here: a list is expected", node.kind());
            let span = if node.is_null() { node.name } else { node.span };
            reader.report(Code::Kind, message, span).help("write [a, b], or one `- ` a line");
            return None;
        };
        every(items.iter().map(|item| T::from_node(item, reader)))
    }
}

/// All, or none when one was not read. Every item is looked at, so that each leaves its finding.
pub(super) fn every<T>(items: impl Iterator<Item = Option<T>>) -> Option<Vec<T>> {
    let read: Vec<Option<T>> = items.collect();
    read.into_iter().collect()
}

/// A text that people often write as a number: `2019`, `1`. It is taken as it stands in the file, leading zeros included.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Text(pub(crate) String);

impl Deref for Text {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}

impl FromNode for Text {
    fn from_node(node: &Node, reader: &mut Reader) -> Option<Self> {
        String::from_node(node, reader).map(Self)
    }
}

impl JsonSchema for Text {
    fn schema_name() -> Cow<'static, str> {
        "Text".into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({"type": ["string", "number", "boolean"]})
    }
}

/// One value, or a list of them.
#[derive(Debug, Clone)]
pub(crate) struct OneOrMany<T>(pub(crate) Vec<T>);

impl<T> Deref for OneOrMany<T> {
    type Target = [T];

    fn deref(&self) -> &[T] {
        &self.0
    }
}

impl<T: FromNode> FromNode for OneOrMany<T> {
    fn from_node(node: &Node, reader: &mut Reader) -> Option<Self> {
        match &node.value {
            Value::List(items) => every(items.iter().map(|item| T::from_node(item, reader))).map(Self),
            Value::Scalar(_) | Value::Mapping(_) => T::from_node(node, reader).map(|one| Self(vec![one])),
        }
    }
}

/// A mapping whose keys are names, in the order of the file.
#[derive(Debug, Clone)]
pub(crate) struct Keyed<K, V>(pub(crate) Vec<(Spanned<K>, V)>);

impl<K, V> Deref for Keyed<K, V> {
    type Target = [(Spanned<K>, V)];

    fn deref(&self) -> &Self::Target {
        &self.0
    }
}

impl<K: FromNode, V: FromNode> FromNode for Keyed<K, V> {
    fn from_node(node: &Node, reader: &mut Reader) -> Option<Self> {
        let Value::Mapping(entries) = &node.value else {
            let message = format!("{} stands here: a mapping is expected", node.kind());
            let span = if node.is_null() { node.name } else { node.span };
            reader.report(Code::Kind, message, span).help("write {name: value}, or one `name: value` a line");
            return None;
        };
        every(entries.iter().map(|entry| {
            let key = Node {
                span: entry.key_span,
                name: entry.key_span,
                value: Value::Scalar(super::Scalar { text: entry.key.clone(), quoted: true }),
            };
            let key = K::from_node(&key, reader).map(|value| Spanned { value, span: entry.key_span });
            let value = V::from_node(&entry.value, reader);
            Some((key?, value?))
        }))
        .map(Self)
    }
}

/// The schema of a value is that of the value, wherever it stands.
macro_rules! transparent {
    ($($wrapper:ident),*) => { $(
        impl<T: JsonSchema> JsonSchema for $wrapper<T> {
            fn schema_name() -> Cow<'static, str> {
                T::schema_name()
            }

            fn schema_id() -> Cow<'static, str> {
                T::schema_id()
            }

            fn inline_schema() -> bool {
                T::inline_schema()
            }

            fn json_schema(generator: &mut SchemaGenerator) -> Schema {
                T::json_schema(generator)
            }
        }
    )* };
}

transparent!(Spanned, Named);

impl<T: JsonSchema> JsonSchema for OneOrMany<T> {
    fn schema_name() -> Cow<'static, str> {
        format!("OneOrMany_{}", T::schema_name()).into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let one = generator.subschema_for::<T>();
        json_schema!({"anyOf": [one, {"type": "array", "items": one}]})
    }
}

impl<K: JsonSchema, V: JsonSchema> JsonSchema for Keyed<K, V> {
    fn schema_name() -> Cow<'static, str> {
        format!("Map_{}_{}", K::schema_name(), V::schema_name()).into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let value = generator.subschema_for::<V>();
        let key = K::json_schema(generator);
        match key.get("pattern") {
            Some(pattern) => {
                json_schema!({"type": "object", "propertyNames": {"pattern": pattern}, "additionalProperties": value})
            }
            None => json_schema!({"type": "object", "additionalProperties": value}),
        }
    }
}
