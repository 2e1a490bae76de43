//! Alarms of one dataset's own, beside those of the stack. Each costs as much as any alarm of CloudWatch.

use serde::{Deserialize, Serialize};

use crate::quantity::Span;

/// From when on someone is told. What is absent has no alarm.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Alarms {
    /// Runs that fail or are refused within a day, at least 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failures: Option<u32>,
    /// Values that cannot be read, of all runs within a day, at least 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bad_values: Option<u32>,
    /// How long one run takes, at least a second.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub longer_than: Option<Span>,
}
