//! A dataset that a container of somebody else's loads: what stands in the place of tables.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::is_default;
use crate::name::SecretName;

/// A container of a foreign image that is run instead of the worker. Its exit code is all that is known of its success.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Job {
    /// Its image: a reference with a tag or a digest.
    pub image: String,
    /// What it is told to do; the image's own command when empty.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub command: Vec<String>,
    /// Secrets of the stack that are put into its environment under their names, before it starts.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub secrets: BTreeSet<SecretName>,
    /// Further variables of its environment.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub environment: BTreeMap<String, String>,
    /// So many copies side by side, 2 to 10,000, each with its number in `AWS_BATCH_JOB_ARRAY_INDEX`; one when absent.
    /// Batch only.
    #[serde(default, skip_serializing_if = "is_default")]
    pub array: Option<u16>,
}
