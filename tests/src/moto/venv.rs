//! Installs moto once per target directory: a lock keeps other installers out, and a file that is written last says that
//! the environment is complete and of which packages.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use crate::error::{Error, Result};
use crate::process::{Input, Process, Run};

const VERSION: &str = "5.2.5";
const REQUIREMENTS: &str = include_str!("requirements.txt");
/// The oldest Python that all pinned packages support.
const OLDEST_PYTHON: (u32, u32) = (3, 10);
const INSTALL_LIMIT: Duration = Duration::from_mins(10);

/// A virtual environment that holds moto, or will.
#[derive(Debug)]
pub(super) struct Environment {
    folder: PathBuf,
}

impl Environment {
    /// The environment of moto's pinned version under a folder of tools.
    pub(super) fn under(tools: &Path) -> Self {
        Self { folder: tools.join(format!("moto-{VERSION}")) }
    }

    pub(super) fn python(&self) -> PathBuf {
        self.folder.join("bin/python")
    }

    /// Written last, with what was installed.
    fn seal(&self) -> PathBuf {
        self.folder.join("installed-requirements.txt")
    }

    pub(super) fn is_complete(&self) -> bool {
        fs::read_to_string(self.seal()).is_ok_and(|installed| installed == REQUIREMENTS) && self.python().exists()
    }

    /// Installs what is missing. Callers in other processes wait for the first one.
    pub(super) fn complete(&self) -> Result<()> {
        if self.is_complete() {
            return Ok(());
        }
        let tools = self.folder.parent().unwrap_or(&self.folder);
        let lock_path = tools.join(format!("moto-{VERSION}.lock"));
        fs::create_dir_all(tools).map_err(Error::io(format!("make {}", tools.display())))?;
        let lock = File::create(&lock_path).map_err(Error::io(format!("make {}", lock_path.display())))?;
        lock.lock().map_err(Error::io(format!("lock {}", lock_path.display())))?;
        // The lock is free again when `lock` is dropped, also after an error.
        if self.is_complete() { Ok(()) } else { self.install() }
    }

    fn install(&self) -> Result<()> {
        check_python()?;
        let Self { folder } = self;
        if folder.exists() {
            fs::remove_dir_all(folder).map_err(Error::io(format!("remove {}", folder.display())))?;
        }
        let mut venv = Command::new("python3");
        venv.args(["-m", "venv"]).arg(folder);
        run("make a virtual environment", venv)?;
        let requirements = folder.join("requirements.txt");
        fs::write(&requirements, REQUIREMENTS).map_err(Error::io(format!("write {}", requirements.display())))?;
        let mut pip = Command::new(self.python());
        pip.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-deps", "--requirement"]);
        pip.arg(&requirements);
        run("install moto from PyPI", pip)?;
        fs::rename(&requirements, self.seal()).map_err(Error::io(format!("write {}", self.seal().display())))
    }
}

/// Says what to install when Python, or the part of it that Debian packs apart, is missing.
fn check_python() -> Result<()> {
    let missing = |what: &str| Error::Missing {
        what: format!("moto needs python3 with venv and ensurepip: {what}"),
        install: "apt-get install python3 python3-venv".into(),
    };
    let mut command = Command::new("python3");
    command.args(["-c", "import sys, venv, ensurepip; print('%d.%d' % sys.version_info[:2])"]);
    let process = Process::spawn(command, Input::Empty).map_err(|error| missing(&error.to_string()))?;
    let run = process.finish(INSTALL_LIMIT)?;
    if run.code() != Some(0) {
        return Err(missing(run.stderr.trim().lines().last().unwrap_or("python3 failed")));
    }
    match parse_version(run.stdout.trim()) {
        Some(version) if version < OLDEST_PYTHON => {
            Err(missing(&format!("this one is {}, the oldest that will do is 3.10", run.stdout.trim())))
        }
        _ => Ok(()),
    }
}

fn parse_version(text: &str) -> Option<(u32, u32)> {
    let (major, minor) = text.split_once('.')?;
    Some((major.parse().ok()?, minor.parse().ok()?))
}

fn run(step: &str, command: Command) -> Result<Run> {
    let run = Process::spawn(command, Input::Empty)?.finish(INSTALL_LIMIT)?;
    if run.code() == Some(0) { Ok(run) } else { Err(Error::failed(step, run.to_string())) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_environment_is_complete_only_when_sealed_with_the_same_packages() {
        let tools = tempfile::tempdir().unwrap();
        let environment = Environment::under(tools.path());
        fs::create_dir_all(environment.folder.join("bin")).unwrap();
        fs::write(environment.python(), "").unwrap();
        assert!(!environment.is_complete(), "an installation was cut off here");
        fs::write(environment.seal(), REQUIREMENTS.replace("==", "==1")).unwrap();
        assert!(!environment.is_complete(), "these are the packages of another commit");
        fs::write(environment.seal(), REQUIREMENTS).unwrap();
        assert!(environment.is_complete());
    }

    #[test]
    fn the_folder_is_named_after_the_pinned_version() {
        assert!(REQUIREMENTS.contains(&format!("\nmoto=={VERSION}\n")));
        assert!(REQUIREMENTS.lines().skip(1).all(|line| line.contains("==")));
    }

    #[test]
    fn versions_are_compared_as_numbers() {
        assert!(parse_version("3.9").unwrap() < OLDEST_PYTHON);
        assert!(parse_version("3.14").unwrap() > OLDEST_PYTHON);
    }
}
