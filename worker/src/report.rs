//! What happened, told while it happens: one line per fact on standard error, one run record on standard output, and a few
//! metrics.

mod fact;
pub mod metrics;

use std::io::{IsTerminal, Write};

use jiff::Timestamp;
use manifest::run::RunRecord;
use serde::Serialize;

pub use fact::Fact;

/// The form of a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Lines {
    /// One JSON object a line, for CloudWatch.
    Json,
    /// For a person at a terminal.
    Text,
}

impl Lines {
    /// JSON unless a person is watching.
    pub fn fitting() -> Self {
        if std::io::stderr().is_terminal() { Self::Text } else { Self::Json }
    }
}

/// Tells facts about one run.
#[derive(Debug, Clone)]
pub struct Reporter {
    lines: Lines,
    run: String,
    dataset: String,
}

#[derive(Serialize)]
struct Line<'a> {
    time: String,
    level: &'static str,
    run: &'a str,
    dataset: &'a str,
    #[serde(flatten)]
    fact: &'a Fact,
}

impl Reporter {
    /// A reporter for this run.
    pub fn new(lines: Lines, run: impl Into<String>, dataset: impl Into<String>) -> Self {
        Self { lines, run: run.into(), dataset: dataset.into() }
    }

    /// Writes one line to standard error.
    pub fn tell(&self, fact: &Fact) {
        let now = Timestamp::now();
        let text = match self.lines {
            Lines::Json => {
                let line = Line {
                    time: format!("{now:.3}"),
                    level: fact.level(),
                    run: &self.run,
                    dataset: &self.dataset,
                    fact,
                };
                serde_json::to_string(&line).unwrap_or_else(|error| format!("a fact that cannot be written: {error}"))
            }
            Lines::Text => format!("{} {fact}", now.strftime("%H:%M:%S")),
        };
        // A closed standard error is no reason to fail a load.
        let _ = writeln!(std::io::stderr().lock(), "{text}");
    }

    /// Writes the run record to standard output.
    pub fn record(&self, record: &RunRecord) {
        let mut out = std::io::stdout().lock();
        let written = match self.lines {
            Lines::Json => serde_json::to_writer(&mut out, record).map_err(Into::into).and_then(|()| writeln!(out)),
            Lines::Text => writeln!(out, "{}", fact::summary(record)),
        };
        let _ = written.and_then(|()| out.flush());
    }
}
