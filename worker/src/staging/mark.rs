//! What a staging schema says about itself in its comment, for whoever finds it: which run made it, from what.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::ledger::{AppendedFile, RunId};

/// The word that tells our schemas from others of the same name.
const MAKER: &str = "freshet";

/// What rows in staging were made from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mark {
    maker: String,
    run: String,
    manifest: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    fingerprint: Option<String>,
    #[serde(default, skip_serializing_if = "Extent::is_whole")]
    extent: Extent,
    #[serde(default)]
    coverage: Coverage,
    /// By table that rows are only added to.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    appended: BTreeMap<String, Vec<AppendedFile>>,
}

/// How much of its sources a run read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Coverage {
    /// All there is: a row that is not among them is gone.
    #[default]
    Whole,
    /// A part, whose silence about a row says nothing.
    Part,
}

/// Whether rows are all that the publisher has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Extent {
    /// They are: a table that is not what is usual is not published.
    #[default]
    Whole,
    /// They are a sample: what is unusual about them is told and not enforced.
    Sample,
}

impl Extent {
    // Takes a reference as serde hands one over.
    #[expect(clippy::trivially_copy_pass_by_ref, reason = "serde's signature")]
    fn is_whole(&self) -> bool {
        *self == Self::Whole
    }
}

impl Mark {
    /// Of this run, from the hash of what of its manifest makes rows and this fingerprint of the sources, when it is known yet.
    pub fn new(run: RunId, manifest: impl Into<String>, fingerprint: Option<String>) -> Self {
        Self {
            maker: MAKER.to_owned(),
            run: run.to_string(),
            manifest: manifest.into(),
            fingerprint,
            extent: Extent::Whole,
            coverage: Coverage::Whole,
            appended: BTreeMap::new(),
        }
    }

    /// The same of rows that are so much of what the sources hold.
    #[must_use]
    pub fn covering(self, coverage: Coverage) -> Self {
        Self { coverage, ..self }
    }

    /// The same of rows that came from these files, by table that rows are only added to.
    #[must_use]
    pub fn appending(self, appended: BTreeMap<String, Vec<AppendedFile>>) -> Self {
        Self { appended, ..self }
    }

    /// The same of rows that another run read.
    #[must_use]
    pub fn of_rows(self, other: &Self) -> Self {
        self.covering(other.coverage).appending(other.appended.clone())
    }

    /// How much of its sources the run read.
    pub fn coverage(&self) -> Coverage {
        self.coverage
    }

    /// The files whose rows are to be added to a table.
    pub fn appended(&self, table: &str) -> &[AppendedFile] {
        self.appended.get(table).map_or(&[], Vec::as_slice)
    }

    /// Of rows that were there before any run of ours.
    pub fn unknown() -> Self {
        Self::new(RunId::new(uuid::Uuid::nil()), "", None)
    }

    /// The same of rows that are so much of what there is.
    #[must_use]
    pub fn of_extent(self, extent: Extent) -> Self {
        Self { extent, ..self }
    }

    /// Reads a schema's comment; `None` when it is none of ours.
    pub fn read(comment: &str) -> Option<Self> {
        serde_json::from_str::<Self>(comment).ok().filter(|mark| mark.maker == MAKER)
    }

    /// The run that made the rows; nil of rows that were there before any run.
    pub fn run(&self) -> RunId {
        RunId::new(self.run.parse().unwrap_or_default())
    }

    /// Hash of what of the manifest made the rows.
    pub fn manifest(&self) -> &str {
        &self.manifest
    }

    /// What the rows were made from. Only rows that are complete have it.
    pub fn fingerprint(&self) -> Option<&str> {
        self.fingerprint.as_deref()
    }

    /// Whether the rows are all that the publisher has.
    pub fn extent(&self) -> Extent {
        self.extent
    }

    /// Whether rows of both would be the same. Without a fingerprint nobody knows.
    pub fn same_rows(&self, other: &Self) -> bool {
        self.manifest == other.manifest && self.fingerprint.is_some() && self.fingerprint == other.fingerprint
    }

    /// As it stands in the comment.
    pub fn to_comment(&self) -> String {
        serde_json::json!(self).to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use uuid::Uuid;

    #[test]
    fn a_mark_is_read_back_and_a_comment_of_somebody_else_is_not_taken_for_one() {
        let mark = Mark::new(RunId::new(Uuid::nil()), "m", Some("f".to_owned()));
        assert_eq!(Mark::read(&mark.to_comment()), Some(mark));
        assert_eq!(Mark::read("my own schema"), None);
        assert_eq!(Mark::read(r#"{"maker":"ana","run":"","manifest":""}"#), None);
    }

    #[test]
    fn rows_of_unknown_origin_are_never_the_same() {
        let mark = |fingerprint: Option<&str>| Mark::new(RunId::new(Uuid::nil()), "m", fingerprint.map(str::to_owned));
        assert!(mark(Some("f")).same_rows(&mark(Some("f"))));
        assert!(!mark(Some("f")).same_rows(&mark(Some("g"))));
        assert!(!mark(None).same_rows(&mark(None)));
    }
}
