//! What ends a command before it is done, and with which exit code.

use std::path::PathBuf;

use manifest::Findings;

use crate::aws::error::AwsError;

/// How the process ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// Done.
    Done = 0,
    /// Failed.
    Failed = 1,
    /// The plan has changes, and `--detailed-exitcode` asked for that to be told.
    Changes = 2,
    /// The saved plan is no longer what would be done.
    Stale = 3,
    /// There are findings.
    Findings = 4,
    /// The command line is wrong.
    Usage = 64,
}

impl From<Exit> for std::process::ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}

/// What ends a command before it is done.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The manifests do not hold together.
    #[error("the manifests do not hold together")]
    Manifests(Findings),
    /// `--env` is missing although there are several, or names none.
    #[error("{given}; the environments are: {known}")]
    Environment {
        /// What is wrong.
        given: String,
        /// Those there are.
        known: String,
    },
    /// The shell holds an endpoint that the command line does not.
    #[error(
        "{variable} is set in this shell to {value}; unset it, or say the same with `--endpoint`, so that nothing is deployed to a place that was forgotten"
    )]
    Endpoint {
        /// The variable.
        variable: String,
        /// Its value.
        value: String,
    },
    /// An environment for an emulator, without the emulator.
    #[error(
        "environment {environment} is for an emulator; say `--endpoint {endpoint}`, or take `endpoint` out of freshet.yml"
    )]
    Emulator {
        /// The environment.
        environment: String,
        /// Its endpoint.
        endpoint: String,
    },
    /// The credentials are those of another account.
    #[error(
        "these credentials are of account {found} ({arn}), environment {environment} is pinned to {expected}; sign in to {expected}, or choose another `--env`"
    )]
    Account {
        /// The environment.
        environment: String,
        /// The account it is pinned to.
        expected: String,
        /// The account of the credentials.
        found: String,
        /// Whose they are.
        arn: String,
    },
    /// The worker, which reads publishers' files, cannot be started.
    #[error("the worker drafts manifests, and cannot be started: {0}")]
    Worker(#[source] std::io::Error),
    /// No dataset of that name.
    #[error("there is no dataset `{name}`{}", did_you_mean(.similar.as_deref()))]
    NoDataset {
        /// What was asked for.
        name: String,
        /// One that looks like it.
        similar: Option<String>,
    },
    /// `--adopt` names nothing that this stack has.
    #[error("the manifests ask for nothing of the name `{name}`, so that there is nothing to adopt{}", did_you_mean(.similar.as_deref()))]
    NothingToAdopt {
        /// What was given.
        name: String,
        /// One that looks like it.
        similar: Option<String>,
    },
    /// The dataset is not registered.
    #[error("{name} is not registered in {stack}; run `deploy schedule-all` first")]
    NotRegistered {
        /// The dataset.
        name: String,
        /// Stack and environment.
        stack: String,
    },
    /// A secret that cannot be set as asked.
    #[error("{0}")]
    Secret(String),
    /// Something that is asked for and cannot be.
    #[error("{0}")]
    Refused(String),
    /// A file that cannot be read.
    #[error("{path} cannot be read: {cause}")]
    File {
        /// The file.
        path: PathBuf,
        /// Why.
        cause: std::io::Error,
    },
    /// A file that cannot be written.
    #[error("{path} cannot be written: {cause}")]
    Unwritable {
        /// The file.
        path: PathBuf,
        /// Why.
        cause: std::io::Error,
    },
    /// A saved plan that cannot be understood.
    #[error("{path} is no saved plan: {cause}; write one with `deploy plan --out FILE`")]
    NoPlan {
        /// The file.
        path: PathBuf,
        /// Why.
        cause: serde_json::Error,
    },
    /// The output could not be written.
    #[error("the output cannot be written: {0}")]
    Output(std::io::Error),
    /// AWS.
    #[error(transparent)]
    Aws(#[from] AwsError),
}

impl Error {
    /// What a person is told: of manifests each line with a caret, else the words of the error.
    pub fn told(&self) -> String {
        match self {
            Self::Manifests(findings) => crate::project::drawn(findings),
            other => format!("error: {other}"),
        }
    }

    /// How the process ends.
    pub fn exit(&self) -> Exit {
        match self {
            Self::Environment { .. }
            | Self::Endpoint { .. }
            | Self::Emulator { .. }
            | Self::NoDataset { .. }
            | Self::NothingToAdopt { .. } => Exit::Usage,
            Self::Manifests(_) => Exit::Findings,
            _ => Exit::Failed,
        }
    }
}

fn did_you_mean(similar: Option<&str>) -> String {
    similar.map(|name| format!("; did you mean `{name}`?")).unwrap_or_default()
}

/// The candidate that looks most like what was given, if any does.
pub fn most_similar<'a>(given: &str, candidates: impl Iterator<Item = &'a str>) -> Option<String> {
    const ALIKE: f64 = 0.75;
    candidates
        .map(|candidate| (strsim::jaro_winkler(given, candidate), candidate))
        .filter(|(score, _)| *score >= ALIKE)
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, candidate)| candidate.to_owned())
}
