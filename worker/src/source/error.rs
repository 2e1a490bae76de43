//! Why bytes did not come. Addresses are shown as the manifest has them, with `${secret:NAME}` in the place of a value.

use std::error::Error;
use std::fmt;
use std::io;
use std::path::PathBuf;

use manifest::SecretName;

use crate::fault::{Exit, Fault, Retry};
use crate::spool::SpoolError;

/// Bytes that did not come.
#[derive(Debug, thiserror::Error)]
pub enum SourceError {
    /// The run is being stopped.
    #[error("reading was stopped")]
    Stopped,
    /// An error status.
    #[error("{address} answered {status}{}", reason(*status))]
    Status {
        /// The address.
        address: String,
        /// HTTP status.
        status: u16,
    },
    /// No connection, or none that lasted to the answer.
    #[error("{address} did not answer: {detail}")]
    Unreachable {
        /// The address.
        address: String,
        /// The chain of causes.
        detail: String,
    },
    /// Silence.
    #[error("{address} sent nothing for {seconds} s, after {received} bytes")]
    Stalled {
        /// The address.
        address: String,
        /// Whole seconds of silence.
        seconds: u64,
        /// Bytes before it.
        received: u64,
    },
    /// Fewer bytes than announced, or a connection that ended in the middle.
    #[error("{address} was cut off after {received}{} bytes", of(*expected))]
    CutOff {
        /// The address.
        address: String,
        /// Bytes that came.
        received: u64,
        /// Bytes that were announced.
        expected: Option<u64>,
    },
    /// Another version of the file took its place while it was read: the two are not put together.
    #[error("{address} changed at the publisher while it was read, after {received} bytes")]
    Changed {
        /// The address.
        address: String,
        /// Bytes of the version that is gone.
        received: u64,
    },
    /// It ends before the length that it announced.
    #[error("{address} announced {} bytes and has {received}", expected.unwrap_or_default())]
    Length {
        /// The address.
        address: String,
        /// Bytes that there are.
        received: u64,
        /// Bytes that were announced.
        expected: Option<u64>,
    },
    /// Not what its checksum says.
    #[error("{address} is not what its checksum says ({header})")]
    Checksum {
        /// The address.
        address: String,
        /// The header that has the checksum.
        header: &'static str,
    },
    /// An answer that is not what was asked for.
    #[error("{address} answered with something else than what was asked for: {detail}")]
    Answer {
        /// The address.
        address: String,
        /// What is wrong with it.
        detail: String,
    },
    /// Fewer or more rows than the publisher counts itself.
    #[error("{address} gave {came} rows and counts {counted}")]
    Count {
        /// The address.
        address: String,
        /// Rows that came.
        came: u64,
        /// Rows that the publisher counts.
        counted: u64,
    },
    /// Packed in a way that was not asked for.
    #[error("{address} is sent in the content encoding `{coding}`, which is not read")]
    Coding {
        /// The address.
        address: String,
        /// Value of `Content-Encoding`.
        coding: String,
    },
    /// A host that is not known to be the publisher's.
    #[error("the host of {address} has the key {shown}{}", unlike(pinned.as_deref()))]
    HostKey {
        /// The address.
        address: String,
        /// The fingerprint of its key.
        shown: String,
        /// The one that the manifest names.
        pinned: Option<String>,
    },
    /// A name and password, or a private key, that the host does not take.
    #[error("{address} does not let in who asks{}", instead(methods))]
    Login {
        /// The address.
        address: String,
        /// What the host takes.
        methods: Vec<String>,
    },
    /// A file that the host does not give out.
    #[error("{address} is not given out: {detail}")]
    Withheld {
        /// The address.
        address: String,
        /// The host's words.
        detail: String,
    },
    /// Bytes that were to be kept and could not.
    #[error("the bytes that came cannot be kept as {address}: {detail}")]
    Archive {
        /// The address in the archive.
        address: String,
        /// S3's words.
        detail: String,
    },
    /// A redirect that is not followed.
    #[error("{address} redirects {detail}")]
    Redirect {
        /// The address.
        address: String,
        /// Why it is not followed.
        detail: &'static str,
    },
    /// Not an address.
    #[error("`{address}` is not an address that can be read: {detail}")]
    Address {
        /// The address.
        address: String,
        /// What is wrong with it.
        detail: String,
    },
    /// A secret of the address that the run does not have.
    #[error("{address} needs the secret {name}")]
    Secret {
        /// The address.
        address: String,
        /// The secret's name.
        name: SecretName,
    },
    /// The folder that was given in the place of all sources lacks these.
    #[error("{} has no file {}", folder.display(), files.join(", "))]
    Absent {
        /// The folder.
        folder: PathBuf,
        /// Names of the missing files.
        files: Vec<String>,
    },
    /// A local file cannot be read.
    #[error("{} cannot be read: {error}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// The system's words.
        error: io::Error,
    },
    /// The file does not fit into the spool folder.
    #[error("{address}: {error}")]
    Spool {
        /// The address.
        address: String,
        /// What is wrong with the folder.
        error: SpoolError,
    },
}

fn reason(status: u16) -> impl fmt::Display {
    struct Reason(u16);
    impl fmt::Display for Reason {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            let known = reqwest::StatusCode::from_u16(self.0).ok().and_then(|status| status.canonical_reason());
            known.map_or(Ok(()), |reason| write!(f, " {reason}"))
        }
    }
    Reason(status)
}

fn of(expected: Option<u64>) -> String {
    expected.map(|bytes| format!(" of {bytes}")).unwrap_or_default()
}

fn unlike(pinned: Option<&str>) -> String {
    match pinned {
        Some(pinned) => format!(", and its manifest names {pinned}"),
        None => ", and its manifest names none".to_owned(),
    }
}

fn instead(methods: &[String]) -> String {
    if methods.is_empty() { String::new() } else { format!("; it takes {}", methods.join(", ")) }
}

/// An error and its causes in one line.
pub(super) fn chain(error: &(dyn Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let next = error.to_string();
        if !text.ends_with(&next) {
            text = format!("{text}: {next}");
        }
        cause = error.source();
    }
    text
}

/// Statuses that pass: a publisher that is being deployed, or is busy.
pub(super) fn passes(status: u16) -> bool {
    matches!(status, 408 | 425 | 429 | 500..=599)
}

impl Fault for SourceError {
    fn code(&self) -> &'static str {
        match self {
            Self::Stopped => "stopped",
            Self::Status { .. } => "source_status",
            Self::Unreachable { .. } => "source_unreachable",
            Self::Stalled { .. } => "source_stalled",
            Self::CutOff { .. } => "source_cut_off",
            Self::Changed { .. } => "source_changed",
            Self::Length { .. } => "source_length",
            Self::Checksum { .. } => "source_checksum",
            Self::Answer { .. } => "source_answer",
            Self::Count { .. } => "source_count",
            Self::Coding { .. } => "source_coding",
            Self::HostKey { .. } => "source_host_key",
            Self::Login { .. } => "source_login",
            Self::Withheld { .. } => "source_withheld",
            Self::Archive { .. } => "archive",
            Self::Redirect { .. } => "source_redirect",
            Self::Address { .. } => "source_address",
            Self::Secret { .. } => "source_secret",
            Self::Absent { .. } => "source_absent",
            Self::File { .. } => "source_read",
            Self::Spool { error, .. } => error.code(),
        }
    }

    fn exit(&self) -> Exit {
        match self {
            Self::Stopped => Exit::Stopped,
            Self::Status { status: 401 | 403, .. } | Self::Login { .. } => Exit::Permission,
            Self::Status { .. }
            | Self::Unreachable { .. }
            | Self::Stalled { .. }
            | Self::CutOff { .. }
            | Self::Changed { .. }
            | Self::Length { .. }
            | Self::Checksum { .. }
            | Self::Answer { .. }
            | Self::Count { .. }
            | Self::Coding { .. }
            | Self::Withheld { .. }
            | Self::Archive { .. }
            | Self::Redirect { .. }
            | Self::Absent { .. }
            | Self::File { .. } => Exit::Unavailable,
            Self::Address { .. } | Self::Secret { .. } | Self::HostKey { .. } => Exit::Configuration,
            Self::Spool { error, .. } => error.exit(),
        }
    }

    fn retry(&self) -> Retry {
        match self {
            Self::Unreachable { .. }
            | Self::Stalled { .. }
            | Self::CutOff { .. }
            | Self::Changed { .. }
            | Self::Length { .. }
            | Self::Checksum { .. }
            | Self::Answer { .. }
            | Self::Archive { .. }
            | Self::Count { .. } => Retry::Later,
            Self::Status { status, .. } if passes(*status) => Retry::Later,
            Self::Spool { error, .. } => error.retry(),
            _ => Retry::Never,
        }
    }

    fn advice(&self) -> Option<String> {
        match self {
            Self::Status { status: 404 | 410, .. } => {
                Some("open the publisher's page: the file may have a new address, which belongs in the manifest".into())
            }
            Self::Status { status: 401 | 403, .. } => {
                Some("the publisher wants a key, or does not serve this network".into())
            }
            Self::Unreachable { .. } => Some(
                "check the address, and that this machine or the task's subnets and security groups reach it".into(),
            ),
            Self::Status { status, .. } if passes(*status) => {
                Some("the publisher is busy or out of order: load again later".into())
            }
            Self::HostKey { shown, pinned: None, .. } => Some(format!(
                "compare it with what the publisher tells of its key, then add this line to the source: host_key: {shown}"
            )),
            Self::HostKey { shown, .. } => Some(format!(
                "somebody may stand between: ask the publisher; only where its key is a new one write host_key: {shown}"
            )),
            Self::Login { .. } => {
                Some("compare name and password or key with what the publisher gave out; keys go in private_key:".into())
            }
            Self::Withheld { .. } => Some(
                "look at the path with `sftp`: it begins at the root, or with /~/ in the home of whoever logs in, who must \
                 be allowed to read it"
                    .into(),
            ),
            Self::Archive { .. } => Some(
                "see that the bucket of `archive:` is there and that the task's role may put objects into it; without \
                 `required: true` the rows are published all the same"
                    .into(),
            ),
            Self::Count { .. } => Some("load again later: the publisher may be writing the dataset anew".into()),
            Self::Changed { .. } => Some("load again when the publisher has finished writing".into()),
            Self::Answer { .. } => {
                Some("open the address in a browser: the service may be down, or have changed".into())
            }
            Self::Stalled { .. } | Self::CutOff { .. } | Self::Length { .. } | Self::Checksum { .. } => Some(
                "load again later; where it stays like that, compare with what a browser downloads from that address"
                    .into(),
            ),
            Self::Secret { name, .. } => {
                Some(format!("list {name} under `secrets:` of freshet.yml and set it, or export it"))
            }
            Self::Absent { .. } => {
                Some("add the files, or use --partial to load only the tables that have theirs".into())
            }
            Self::Spool { error, .. } => error.advice(),
            _ => None,
        }
    }
}
