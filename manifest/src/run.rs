//! The record that a run leaves behind, as one JSON log line: what `deploy status` reads without touching the database.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::dataset::is_default;

/// The `event` of the log line that carries a [`RunRecord`].
pub const RUN_EVENT: &str = "run";

/// The `code` of a run that failed although its rows are live: the SQL that follows them has not run.
pub const AFTER_FAILED: &str = "after";

/// One run, told at its end.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RunRecord {
    /// Always [`RUN_EVENT`]; what a log filter looks for.
    pub event: String,
    /// The run's id, a UUID.
    pub run: String,
    /// The dataset's name.
    pub dataset: String,
    /// The stack's name; empty outside a stack.
    #[serde(default)]
    pub stack: String,
    /// The environment's name; empty outside a stack.
    #[serde(default)]
    pub environment: String,
    /// The firing that this run answers to, RFC 3339; absent when a person started it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scheduled_time: Option<String>,
    /// Which try of the same firing, from 1.
    pub attempt: u32,
    /// When it began, RFC 3339 in UTC.
    pub started: String,
    /// When it ended, RFC 3339 in UTC.
    pub finished: String,
    /// Wall-clock seconds.
    pub seconds: f64,
    /// How it ended.
    pub outcome: Outcome,
    /// The process's exit code.
    pub exit_code: i32,
    /// Rows now in staging or live, all tables together.
    pub rows: u64,
    /// Values that could not be read, all columns together.
    pub bad_values: u64,
    /// Rows that were kept out.
    pub rejected_rows: u64,
    /// The same per table.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub tables: BTreeMap<String, TableRecord>,
    /// What did not hold of the rows and was let pass by `--accept-drop`, in words.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub accepted: Vec<String>,
    /// How long the publish transaction held its locks, in milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub publish_ms: Option<f64>,
    /// Code of the error, when it failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
    /// The error and what to do, when it failed; never a secret.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// Hash of the manifest that was loaded.
    pub manifest: String,
}

/// One table of a run.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TableRecord {
    /// Rows loaded, or all that are live where a load changes a table that stays.
    pub rows: u64,
    /// Bytes read from its sources, unpacked.
    pub bytes: u64,
    /// Values that could not be read.
    pub bad_values: u64,
    /// Rows that were kept out.
    pub rejected_rows: u64,
    /// Rows that went because another has the same key.
    #[serde(default, skip_serializing_if = "is_default")]
    pub duplicates: u64,
    /// What changed of the live table; absent where a new one took its place.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub changes: Option<Changes>,
}

/// What a load changed of a table that stays, in rows.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Changes {
    /// Rows that are new.
    pub inserted: u64,
    /// Rows that have other values now.
    pub updated: u64,
    /// Rows that are gone.
    pub deleted: u64,
    /// Rows of the source that changed nothing.
    pub unchanged: u64,
}

impl Changes {
    /// Whether any row is another than before.
    pub fn is_any(&self) -> bool {
        self.inserted + self.updated + self.deleted > 0
    }
}

/// How a run ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Outcome {
    /// New rows are live.
    Published,
    /// Nothing to do: sources and manifest are what was published last.
    Unchanged,
    /// Another run already answers to this firing.
    Duplicate,
    /// The data did not pass; the live tables are as they were.
    Refused,
    /// It could not be done; the live tables are as they were.
    Failed,
    /// Stopped by a signal; the live tables are as they were.
    Stopped,
}
