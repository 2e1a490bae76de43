//! Findings: what is wrong or worth knowing, each with a code that stays the same, the place, and what to do.

use std::fmt;

use serde::{Deserialize, Serialize};

/// What a finding is about. The code never changes its meaning. Findings about the manifests themselves have codes of their
/// own, in the manifests' crate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub enum Code {
    /// A task definition above 64 KiB.
    TaskDefinitionSize,
    /// A job definition above 24 KiB.
    JobDefinitionSize,
    /// What a firing hands over is too long.
    OverridesSize,
    /// A name is longer than AWS takes.
    NameLength,
    /// A policy above what a role holds.
    PolicySize,
    /// More rules than an event bus holds.
    RuleCount,
    /// The events that a rule answers to take too many words.
    PatternSize,
    /// A description, an expression or the like is longer than AWS takes.
    TextLength,
    /// A required secret is not there or has no value.
    MissingSecret,
    /// Something of this name exists and is not ours.
    Foreign,
    /// More would be deleted than one plan may without being told.
    Deletions,
    /// A role of this name is under another path.
    RolePath,
    /// The registry holds no such image.
    MissingImage,
    /// The network is still to be written down.
    Network,
    /// A secret that is put into a job's environment, and is optional.
    OptionalSecret,
    /// A trigger that is to move between Scheduler and rules is about to fire, or just did.
    NearFiring,
    /// Jobs on EC2, and no instance profile for it.
    InstanceProfile,
    /// Tasks on Spot, in a cluster of others that does not offer it.
    ClusterSpot,
    /// The image is named by a tag, which can come to mean another image.
    ImageTag,
    /// A secret that no dataset names and the worker does not know.
    UnusedSecret,
    /// More runs side by side than a new account may run.
    PeakVcpu,
}

/// Every code, in the order of their numbers.
pub const CODES: [Code; 21] = [
    Code::TaskDefinitionSize,
    Code::JobDefinitionSize,
    Code::OverridesSize,
    Code::NameLength,
    Code::PolicySize,
    Code::RuleCount,
    Code::PatternSize,
    Code::TextLength,
    Code::MissingSecret,
    Code::Foreign,
    Code::Deletions,
    Code::RolePath,
    Code::MissingImage,
    Code::Network,
    Code::OptionalSecret,
    Code::NearFiring,
    Code::InstanceProfile,
    Code::ClusterSpot,
    Code::ImageTag,
    Code::UnusedSecret,
    Code::PeakVcpu,
];

/// What a finding does to the plan it is in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// Nothing is applied.
    Refuses,
    /// The rest is applied; the exit code tells.
    Warns,
    /// Worth knowing.
    Notes,
}

impl Code {
    /// The code as people write it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::TaskDefinitionSize => "D101",
            Self::JobDefinitionSize => "D102",
            Self::OverridesSize => "D103",
            Self::NameLength => "D104",
            Self::PolicySize => "D105",
            Self::RuleCount => "D106",
            Self::PatternSize => "D107",
            Self::TextLength => "D108",
            Self::MissingSecret => "D201",
            Self::Foreign => "D202",
            Self::Deletions => "D203",
            Self::RolePath => "D204",
            Self::MissingImage => "D205",
            Self::Network => "D206",
            Self::OptionalSecret => "D207",
            Self::NearFiring => "D208",
            Self::InstanceProfile => "D209",
            Self::ClusterSpot => "D210",
            Self::ImageTag => "D301",
            Self::UnusedSecret => "D302",
            Self::PeakVcpu => "D303",
        }
    }

    /// What it does to the plan.
    pub fn severity(self) -> Severity {
        match self {
            Self::MissingSecret => Severity::Warns,
            Self::ImageTag | Self::UnusedSecret | Self::PeakVcpu => Severity::Notes,
            _ => Severity::Refuses,
        }
    }
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl From<Code> for String {
    fn from(code: Code) -> Self {
        code.as_str().to_owned()
    }
}

impl TryFrom<String> for Code {
    type Error = String;
    fn try_from(text: String) -> Result<Self, String> {
        CODES.into_iter().find(|code| code.as_str() == text).ok_or_else(|| format!("`{text}` is not a finding's code"))
    }
}

/// Something wrong or worth knowing.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Finding {
    /// What it is about.
    pub code: Code,
    /// Where: a dataset, a task-def, a key of `freshet.yml`, a resource.
    pub place: String,
    /// What is the matter.
    pub message: String,
    /// What to do; a command where one does it.
    pub remedy: String,
}

impl Finding {
    /// A finding.
    pub fn new(code: Code, place: impl fmt::Display, message: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self { code, place: place.to_string(), message: message.into(), remedy: remedy.into() }
    }

    /// What it does to the plan.
    pub fn severity(&self) -> Severity {
        self.code.severity()
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}: {}; {}", self.code, self.place, self.message, self.remedy)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_is_listed_once_and_reads_back() {
        let mut texts: Vec<_> = CODES.iter().map(|code| code.as_str()).collect();
        for code in CODES {
            assert_eq!(Code::try_from(String::from(code)), Ok(code));
        }
        assert!(texts.is_sorted());
        texts.dedup();
        assert_eq!(texts.len(), CODES.len());
    }
}
