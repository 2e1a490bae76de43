//! What must hold of a table before it is published, and how much of it may fail to parse.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::{Query, is_default};
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
    /// The share of NULL is at most so much larger than it is live.
    #[serde(default, skip_serializing_if = "is_default")]
    pub max_null_jump: NullLimit,
    /// The newest value of these columns is at most so old.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub latest: BTreeMap<Identifier, Span>,
    /// The newest value of these columns does not lie before the newest that is live.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub never_back: BTreeSet<Identifier>,
    /// Whether no rows at all is a good day's result.
    #[serde(default, skip_serializing_if = "is_default")]
    pub empty: Emptiness,
    /// Queries of rows that should not be there, by what they check.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub checks: BTreeMap<Identifier, Query>,
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

impl NullLimit {
    /// The share that a column may have; `None` where nothing is expected of it.
    pub fn of(&self, column: &Identifier) -> Option<Share> {
        self.columns.get(column).or(self.all.as_ref()).copied()
    }
}

impl BadValues {
    /// The share that a column may lose.
    pub fn allowed(&self, column: &Identifier) -> Share {
        self.columns.get(column).copied().unwrap_or(self.allow)
    }
}
