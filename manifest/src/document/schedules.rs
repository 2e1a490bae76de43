//! `schedules/<place>.yml`

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};

use crate::finding::Code;
use crate::name::{DatasetName, TaskDefName};
use crate::quantity;
use crate::schedule::{Mode, Replaced, Trigger};
use crate::yaml::{FromNode, Keyed, Node, Reader, Spanned, Value, document, scalars};

scalars! {
    Replaced, "rule/NAME or schedule/GROUP/NAME";
}

document! {
    /// When datasets are loaded, in which time zone, on which task-def.
    pub(crate) struct SchedulesDocument {
        /// IANA time zone of the expressions, such as America/New_York; UTC when absent.
        timezone: Option<Spanned<String>>,
        /// The task-def of every entry that names none.
        task_def as "task-def": Option<Spanned<TaskDefName>>,
        /// Starts are moved by less than this, each dataset by its own amount; 0m for none.
        spread: Option<Spanned<String>>,
        /// How old a table may become before someone is told, for every entry that says nothing else.
        freshness: Option<Spanned<quantity::Span>>,
        /// Which part of EventBridge fires: scheduler, or a rule, which knows UTC only.
        trigger: Option<Spanned<Trigger>>,
        /// Dataset → `manual`, one entry, or a list of entries.
        schedules: Keyed<DatasetName, Firings>,
    }
}

document! {
    /// One firing.
    pub(crate) struct EntryDocument {
        /// Five-field cron, @daily, or AWS's cron(…), rate(…), at(…); `manual` for none.
        cron: Spanned<String>,
        /// IANA time zone of the expression.
        timezone: Option<Spanned<String>>,
        /// The task-def it runs on.
        task_def as "task-def": Option<Spanned<TaskDefName>>,
        /// The start is moved by less than this; 0m for none.
        spread: Option<Spanned<String>>,
        /// How old the table may become before someone is told, such as `36h`.
        freshness: Option<Spanned<quantity::Span>>,
        /// Which part of EventBridge fires it.
        trigger: Option<Spanned<Trigger>>,
        /// How much of the source is read: `full` reads everything and reconciles.
        mode: Option<Mode>,
        /// What somebody else made to fire the same: rule/NAME or schedule/GROUP/NAME. It goes once this one is there.
        replaces: Option<Spanned<Replaced>>,
    }
}

/// What stands for a dataset.
#[derive(Debug, Clone)]
pub(crate) enum Firings {
    /// Nothing fires it; it can be run by hand.
    Manual,
    Entries(Vec<EntryDocument>),
}

impl FromNode for Firings {
    fn from_node(node: &Node, reader: &mut Reader) -> Option<Self> {
        match &node.value {
            Value::Scalar(scalar) if scalar.text == "manual" => Some(Self::Manual),
            Value::Scalar(_) if !node.is_null() => {
                let message = "`manual`, one entry or a list of entries is expected";
                let finding = reader.report(Code::Kind, message, node.span);
                finding.help("write {cron: \"0 22 * * *\"}, with the expression in quotes");
                None
            }
            Value::List(_) => Vec::from_node(node, reader).map(Self::Entries),
            _ => EntryDocument::from_node(node, reader).map(|entry| Self::Entries(vec![entry])),
        }
    }
}

impl JsonSchema for Firings {
    fn schema_name() -> Cow<'static, str> {
        "Firings".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let entry = generator.subschema_for::<EntryDocument>();
        json_schema!({"anyOf": [{"const": "manual"}, entry, {"type": "array", "items": entry}]})
    }
}
