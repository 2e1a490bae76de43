//! How many rows one core parses and encodes: rows of 41 columns, from a file to the chunks of a binary `COPY` that nobody takes, and
//! the values alone.

use std::process::{Command, Stdio};

use super::Outcome;
use crate::command::{cargo, program, say, step, works};

/// Rows a second that are promised.
const PROMISED: f64 = 400_000.0;

pub(super) fn measure(rows: u64) -> Outcome {
    for (package, example) in [("worker", "read_throughput"), ("value", "throughput")] {
        let mut build = cargo();
        build.args(["build", "--quiet", "--release", "--locked", "--package", package, "--example", example]);
        step(&format!("example {example}"), &mut build)?;
    }
    let is_pinned = works(program("taskset").args(["-c", "0", "true"]));
    say(if is_pinned {
        "parsing and encoding, on one core"
    } else {
        "parsing and encoding, on all cores: there is no taskset"
    });
    let values = output(is_pinned, "throughput", &[])?;
    say(values.trim_end());
    let reading = output(is_pinned, "read_throughput", &[rows.min(500_000).to_string()])?;
    say(reading.trim_end());
    let median = reading.lines().find_map(|line| line.strip_prefix("median ")?.split(' ').next()?.parse::<f64>().ok());
    let median = median.ok_or("read_throughput tells no median")?;
    say(&format!("{median:.0} rows/s; {PROMISED:.0} are promised"));
    Ok(())
}

fn output(is_pinned: bool, example: &str, arguments: &[String]) -> Result<String, Box<dyn std::error::Error>> {
    let path = format!("target/release/examples/{example}");
    let mut command = if is_pinned {
        let mut pinned = program("taskset");
        pinned.args(["-c", "0", &path]);
        pinned
    } else {
        program(&path)
    };
    let command: &mut Command = command.args(arguments).stdin(Stdio::null()).stderr(Stdio::inherit());
    let done = command.output()?;
    if !done.status.success() {
        return Err(format!("{example}: {}", done.status).into());
    }
    Ok(String::from_utf8(done.stdout)?)
}
