//! The two channels: data on standard output, talk on standard error. In: a report. Out: text, JSON or Markdown of it. Who
//! closes the pipe early has read enough, which is no error.

use std::io::{self, IsTerminal, Write};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};
use serde::Serialize;

use crate::apply::Progress;
use crate::cli::Format;
use crate::error::Error;
use crate::plan::change::Change;

/// What a command found out: one type for every format, so that they never tell different things.
pub trait Report: Serialize {
    /// For people.
    fn text(&self) -> String;
    /// For a pull request.
    fn markdown(&self) -> String;
}

/// Writes a report to standard output.
pub fn print(report: &impl Report, format: Format) -> Result<(), Error> {
    let text = match format {
        Format::Text => report.text(),
        Format::Markdown => report.markdown(),
        Format::Json => serde_json::to_string_pretty(report).map_err(|error| Error::Output(error.into()))?,
    };
    write(&text)
}

/// Writes Markdown that is there already to standard output.
pub fn print_markdown(text: &str) -> Result<(), Error> {
    write(text)
}

fn write(text: &str) -> Result<(), Error> {
    let mut out = io::stdout().lock();
    let written =
        out.write_all(text.as_bytes()).and_then(|()| if text.ends_with('\n') { Ok(()) } else { out.write_all(b"\n") });
    match written.and_then(|()| out.flush()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(Error::Output(error)),
        _ => Ok(()),
    }
}

/// Lines as a list in Markdown.
pub fn bullets<T: AsRef<str>>(lines: impl IntoIterator<Item = T>) -> String {
    lines.into_iter().fold(String::new(), |list, line| list + "- " + line.as_ref() + "\n")
}

/// Tells a person something, on standard error. Nobody listening is no error.
pub fn tell(words: &str) {
    let _ = writeln!(io::stderr().lock(), "{words}");
}

/// A progress bar on a terminal, silence elsewhere.
#[derive(Debug)]
pub struct Bar(ProgressBar);

impl Bar {
    /// A bar that shows itself only on a terminal.
    pub fn new() -> Self {
        if !io::stderr().is_terminal() {
            return Self(ProgressBar::hidden());
        }
        let bar = ProgressBar::no_length();
        let style = ProgressStyle::with_template("{bar:24} {pos}/{len} {wide_msg} {eta}")
            .unwrap_or_else(|_| ProgressStyle::default_bar());
        bar.set_style(style);
        bar.enable_steady_tick(Duration::from_millis(250));
        Self(bar)
    }
}

impl Default for Bar {
    fn default() -> Self {
        Self::new()
    }
}

impl Progress for Bar {
    fn begin(&self, changes: usize) {
        self.0.set_length(changes as u64);
    }

    fn done(&self, change: &Change) {
        self.0.set_message(format!("{} {} {}", change.action, change.kind, change.name));
        self.0.inc(1);
        if self.0.length().is_some_and(|length| self.0.position() >= length) {
            self.0.finish_and_clear();
        }
    }
}
