//! What every error of the worker can tell: a stable code, the exit code it ends in, whether another try can help, and
//! what a person should do.

/// How the process ends when this error ends it (`sysexits.h`, and 128 + SIGTERM).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Exit {
    /// The command line is wrong.
    Usage = 64,
    /// The data did not pass: guard, budget or drift.
    Refused = 65,
    /// A source or the database did not answer, after retries.
    Unavailable = 69,
    /// A defect of ours, or something we did not think of.
    Internal = 70,
    /// Another run of the same dataset held the lease to the deadline.
    Leased = 75,
    /// A right is missing.
    Permission = 77,
    /// The manifest, environment or target cannot work as they are.
    Configuration = 78,
    /// Stopped by SIGTERM; nothing changed.
    Stopped = 143,
}

/// Whether another try of the same run can help.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Retry {
    /// The same would happen again.
    Never,
    /// It may pass: a network, a lock, a publisher that is being deployed.
    Later,
}

/// An error that knows its consequences. Each stage's error enum implements it; `run` only ever asks.
pub trait Fault: std::error::Error + Send + Sync + 'static {
    /// Stable and greppable, in snake case, such as `source_status`.
    fn code(&self) -> &'static str;
    /// How the process ends.
    fn exit(&self) -> Exit;
    /// Whether another try can help.
    fn retry(&self) -> Retry {
        Retry::Never
    }
    /// What a person should do, one sentence without a full stop; `None` when the message already says it.
    fn advice(&self) -> Option<String> {
        None
    }
}
