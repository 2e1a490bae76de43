//! What must hold of a table before it is published, and how much of it may fail to parse.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::is_default;
use crate::name::Identifier;
use crate::quantity::{Share, Span};

/// What must hold before a table is published.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Expectations {
    /// At least so many rows.
    #[serde(default, skip_serializing_if = "is_default")]
    pub rows: u64,
    /// At most this share fewer rows than are live.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_drop: Option<Share>,
    /// At most this share of NULL.
    #[serde(default, skip_serializing_if = "is_default")]
    pub max_nulls: NullLimit,
    /// The newest value of these columns is at most so old.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub latest: BTreeMap<Identifier, Span>,
    /// Whether no rows at all is a good day's result.
    #[serde(default, skip_serializing_if = "is_default")]
    pub empty: Emptiness,
}

/// Whether a table may be published without rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Emptiness {
    /// No rows at all is refused.
    #[default]
    Refused,
    /// `allow_empty: true`.
    Allowed,
}

/// The largest share of NULL.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NullLimit {
    /// In every column that is not named.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub all: Option<Share>,
    /// In these.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub columns: BTreeMap<Identifier, Share>,
}

/// How many values of a column may fail to parse. They are NULL in their rows and kept in `freshet.rejects`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BadValues {
    /// In every column that is not named; none by default.
    #[serde(default, skip_serializing_if = "is_default")]
    pub allow: Share,
    /// In these.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub columns: BTreeMap<Identifier, Share>,
}

impl BadValues {
    /// The share that a column may lose.
    pub fn allowed(&self, column: &Identifier) -> Share {
        self.columns.get(column).copied().unwrap_or(self.allow)
    }
}
