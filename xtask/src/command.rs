//! Running other programs: where the workspace is, what they are called with, and how they are told about.

use std::env;
use std::io::Write;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::Instant;

/// What went wrong, for a person; nothing here is handled further.
pub(crate) type Outcome<T = ()> = Result<T, String>;

/// The workspace's root.
pub(crate) fn root() -> PathBuf {
    PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))
}

/// The cargo that runs this.
pub(crate) fn cargo() -> Command {
    program(env::var("CARGO").unwrap_or_else(|_| "cargo".to_owned()))
}

/// A program in the workspace's root that cannot ask a metadata service for credentials.
pub(crate) fn program(name: impl AsRef<std::ffi::OsStr>) -> Command {
    let mut command = Command::new(name);
    command.current_dir(root()).env("AWS_EC2_METADATA_DISABLED", "true");
    command
}

/// Runs it under a heading; an error names the heading.
pub(crate) fn step(heading: &str, command: &mut Command) -> Outcome {
    say(&format!("── {heading}"));
    let started = Instant::now();
    let status = command.stdin(Stdio::null()).status().map_err(|error| format!("{heading}: {error}"))?;
    if !status.success() {
        return Err(format!("{heading}: {status}"));
    }
    say(&format!("   {heading}: passed in {:.0} s", started.elapsed().as_secs_f64()));
    Ok(())
}

/// Whether it can be run at all; its output is of no interest.
pub(crate) fn works(command: &mut Command) -> bool {
    let quiet = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    quiet.status().is_ok_and(|status| status.success())
}

/// Writes one line to standard output, which a pipe may have closed.
pub(crate) fn say(line: &str) {
    let _ = writeln!(std::io::stdout().lock(), "{line}");
}
