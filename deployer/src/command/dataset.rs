//! `deploy dataset new`: a manifest that loads, with its sample and expectation, of a publisher's file or address. The worker drafts it, with
//! the readers that will load it; this finds the worker's binary and hands the question on.

use std::ffi::OsStr;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::{env, io};

use crate::cli::{Format, Global, NewDataset};
use crate::error::{Error, Exit};
use crate::output::{print_markdown, tell};

/// Writes the three files of a new dataset; none that is there already is touched.
pub(super) fn new(global: &Global, options: &NewDataset) -> Result<Exit, Error> {
    let mut worker = Command::new(worker()?);
    worker.arg("draft").arg("--dir").arg(&global.dir).stderr(Stdio::inherit());
    let named = [
        ("--name", options.name.as_ref().map(ToString::to_string)),
        ("--place", options.place.clone()),
        ("--member", options.member.clone()),
    ];
    for (flag, value) in named {
        worker.args(value.map(|value| format!("{flag}={value}")));
    }
    if global.output == Format::Json {
        worker.arg("--json");
    }
    worker.arg("--").arg(&options.source);
    let is_done = if global.output == Format::Markdown {
        let output = worker.output().map_err(Error::Worker)?;
        if output.status.success() {
            print_markdown(&format!("```\n{}```\n", String::from_utf8_lossy(&output.stdout)))?;
        }
        output.status.success()
    } else {
        worker.status().map_err(Error::Worker)?.success()
    };
    if !is_done {
        // It has told why.
        return Ok(Exit::Failed);
    }
    if global.output == Format::Text {
        tell(
            "then write title and publisher, keys that people join by, and name it in a file of schedules/; `deploy check` tells what is missing",
        );
    }
    Ok(Exit::Done)
}

/// The worker's binary: beside this one, else where the shell would find it.
fn worker() -> Result<PathBuf, Error> {
    let name = format!("worker{}", env::consts::EXE_SUFFIX);
    let beside = env::current_exe().ok().and_then(|path| Some(path.parent()?.join(&name)));
    let path = env::var_os("PATH").unwrap_or_default();
    let of_shell = env::split_paths(&path).map(|folder| folder.join(&name));
    let found = beside.into_iter().chain(of_shell).find(|path| path.is_file());
    found.ok_or_else(|| Error::Worker(io::Error::new(io::ErrorKind::NotFound, describe(OsStr::new(&name)))))
}

fn describe(name: &OsStr) -> String {
    format!("`{}` is neither beside `deploy` nor on PATH; build it with `cargo build -p worker`", name.display())
}
