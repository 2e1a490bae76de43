//! What a process that has ended left: its exit, its lines, how long it took and how much memory it held.

use std::fmt;
use std::time::Duration;

/// How a process ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// It returned this code.
    Code(i32),
    /// This signal ended it.
    Signal(i32),
}

/// One of the two output streams.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stream {
    /// Standard output.
    Stdout,
    /// Standard error.
    Stderr,
}

/// A line as the process wrote it, without its line end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// Where it was written.
    pub stream: Stream,
    /// Its text; bytes that are not UTF-8 are replaced.
    pub text: String,
    /// Time since the start of the process when the line was read.
    pub after: Duration,
}

/// A process that has ended.
#[derive(Debug, Clone)]
pub struct Run {
    /// How it ended.
    pub exit: Exit,
    /// All of standard output.
    pub stdout: String,
    /// All of standard error.
    pub stderr: String,
    /// Both streams line by line, in the order of arrival.
    pub lines: Vec<Line>,
    /// Wall time from start to end.
    pub elapsed: Duration,
    /// Highest resident memory in bytes, looked at every few milliseconds; `None` where the system does not tell.
    pub peak_memory: Option<u64>,
}

impl Run {
    /// The exit code, or `None` when a signal ended the process.
    pub fn code(&self) -> Option<i32> {
        match self.exit {
            Exit::Code(code) => Some(code),
            Exit::Signal(_) => None,
        }
    }

    /// Fails the test, with the whole output, unless the process ended with this code.
    #[track_caller]
    pub fn expect_code(&self, code: i32) -> &Self {
        assert!(self.exit == Exit::Code(code), "expected exit code {code}\n{self}");
        self
    }
}

impl fmt::Display for Run {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{:?} after {:?}", self.exit, self.elapsed)?;
        writeln!(f, "--- stdout\n{}\n--- stderr\n{}", self.stdout.trim_end(), self.stderr.trim_end())
    }
}
