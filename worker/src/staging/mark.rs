//! What a staging schema says about itself in its comment, for whoever finds it: which run made it, from what.

use serde::{Deserialize, Serialize};

use crate::ledger::RunId;

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
}

impl Mark {
    /// Of this run, from this manifest's hash and this fingerprint of the sources, when it is known yet.
    pub fn new(run: RunId, manifest: impl Into<String>, fingerprint: Option<String>) -> Self {
        Self { maker: MAKER.to_owned(), run: run.to_string(), manifest: manifest.into(), fingerprint }
    }

    /// Reads a schema's comment; `None` when it is none of ours.
    pub fn read(comment: &str) -> Option<Self> {
        serde_json::from_str::<Self>(comment).ok().filter(|mark| mark.maker == MAKER)
    }

    /// The run that made the rows.
    pub fn run(&self) -> &str {
        &self.run
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
