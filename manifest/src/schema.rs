//! JSON Schemas of the four kinds of file, generated from the types that read them, for editors: each manifest names its schema in a
//! `# yaml-language-server:` line.

use serde_json::{Value, json};

use crate::document::dataset::DatasetDocument;
use crate::document::schedules::SchedulesDocument;
use crate::document::stack::StackDocument;
use crate::document::task_def::TaskDefDocument;

/// A kind of manifest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// `freshet.yml`
    Stack,
    /// `task-defs/<name>.yml`
    TaskDef,
    /// `schedules/<place>.yml`
    Schedules,
    /// `datasets/<place>/<name>.yml`
    Dataset,
}

impl Kind {
    /// All four.
    pub const ALL: [Self; 4] = [Self::Stack, Self::TaskDef, Self::Schedules, Self::Dataset];

    /// The word for it, also the name of its schema's file without `.json`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Stack => "stack",
            Self::TaskDef => "task-def",
            Self::Schedules => "schedules",
            Self::Dataset => "dataset",
        }
    }
}

/// The JSON Schema of a kind of file.
pub fn schema(kind: Kind) -> Value {
    let mut schema = match kind {
        Kind::Stack => schemars::schema_for!(StackDocument),
        Kind::TaskDef => schemars::schema_for!(TaskDefDocument),
        Kind::Schedules => schemars::schema_for!(SchedulesDocument),
        Kind::Dataset => schemars::schema_for!(DatasetDocument),
    };
    schema.insert("title".to_owned(), Value::String(format!("Freshet {}", kind.as_str())));
    let mut schema = schema.to_value();
    if kind == Kind::Dataset {
        schema["anyOf"] = json!([{"required": ["tables"]}, {"required": ["job"]}]);
    }
    without_null(&mut schema);
    schema
}

/// A key without a value is a mistake to the reader, so it is one to the schema: what may be absent is not therefore `null`.
fn without_null(schema: &mut Value) {
    match schema {
        Value::Object(map) => {
            if let Some(Value::Array(types)) = map.get_mut("type") {
                types.retain(|kind| kind != "null");
                if let [only] = &types[..] {
                    let only = only.clone();
                    map.insert("type".to_owned(), only);
                }
            }
            if let Some(Value::Array(words)) = map.get_mut("enum") {
                words.retain(|word| !word.is_null());
            }
            if let Some(Value::Array(any)) = map.get_mut("anyOf") {
                any.retain(|option| option.get("type").is_none_or(|kind| kind != "null"));
            }
            map.values_mut().for_each(without_null);
        }
        Value::Array(items) => items.iter_mut().for_each(without_null),
        _ => {}
    }
}
