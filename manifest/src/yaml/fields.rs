//! Mappings with a fixed set of keys: `document!` declares one as a struct, and derives how it is read and its JSON Schema.

use super::{Entry, FromNode, Node, Reader, Value};
use crate::finding::Code;

/// A field of a document: required, or an `Option`.
pub(crate) trait Field: Sized {
    fn from_field(key: &'static str, entry: Option<&Entry>, parent: &Node, reader: &mut Reader) -> Option<Self>;
}

impl<T: FromNode> Field for T {
    fn from_field(key: &'static str, entry: Option<&Entry>, parent: &Node, reader: &mut Reader) -> Option<Self> {
        if let Some(entry) = entry {
            return T::from_node(&entry.value, reader);
        }
        reader.report(Code::MissingKey, format!("the key `{key}` is missing"), parent.name);
        None
    }
}

impl<T: FromNode> Field for Option<T> {
    fn from_field(_: &'static str, entry: Option<&Entry>, _: &Node, reader: &mut Reader) -> Option<Self> {
        match entry {
            Some(entry) => T::from_node(&entry.value, reader).map(Some),
            None => Some(None),
        }
    }
}

/// The entries of a mapping, after a finding for every key that is not among `known`.
pub(crate) fn entries<'a>(node: &'a Node, known: &[&str], reader: &mut Reader) -> Option<&'a [Entry]> {
    let Value::Mapping(entries) = &node.value else {
        let message = format!("{} stands here: a mapping is expected", node.kind());
        let span = if node.is_null() { node.name } else { node.span };
        reader.report(Code::Kind, message, span).help(format!("its keys are: {}", known.join(", ")));
        return None;
    };
    for entry in entries {
        if !known.contains(&entry.key.as_str()) {
            let message = format!("`{}` is not a key that is known here", entry.key);
            reader.report(Code::UnknownKey, message, entry.key_span).suggest(&entry.key, known.iter().copied());
        }
    }
    Some(entries)
}

/// Declares a document: `field: Type`, or `field as "key": Type` where the key is no Rust word.
macro_rules! document {
    (
        $(#[$meta:meta])*
        $vis:vis struct $name:ident {
            $( $(#[$field_meta:meta])* $field:ident $(as $key:literal)? : $type:ty ),* $(,)?
        }
    ) => {
        $(#[$meta])*
        #[derive(Debug, Clone, schemars::JsonSchema)]
        #[schemars(deny_unknown_fields)]
        $vis struct $name {
            $( $(#[$field_meta])* $(#[schemars(rename = $key)])? $vis $field: $type, )*
        }

        impl $crate::yaml::FromNode for $name {
            fn from_node(node: &$crate::yaml::Node, reader: &mut $crate::yaml::Reader) -> Option<Self> {
                let known = [$( $crate::yaml::document!(@key $field $($key)?) ),*];
                let entries = $crate::yaml::entries(node, &known, reader)?;
                $(
                    let key = $crate::yaml::document!(@key $field $($key)?);
                    let entry = entries.iter().find(|entry| entry.key == key);
                    let $field = <$type as $crate::yaml::Field>::from_field(key, entry, node, reader);
                )*
                Some(Self { $( $field: $field? ),* })
            }
        }
    };
    (@key $field:ident) => { stringify!($field) };
    (@key $field:ident $key:literal) => { $key };
}
pub(crate) use document;
