//! The last resort against leftovers: one shell process that learns which process groups and folders belong to us, and
//! ends and removes them when its standard input closes, that is when this process is gone, however it went: a static
//! that is never dropped, an abort, a kill.

use std::io::Write;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{ChildStdin, Command, Stdio};
use std::sync::{Mutex, OnceLock, PoisonError};

use rustix::process::{Pid, Signal};

use crate::error::{Error, Result};

/// Lines of `+ group signal`, `- group`, `+dir path`, `-dir path`. At the end of input: signal, wait, kill, remove.
const SCRIPT: &str = include_str!("watchdog.sh");

/// Asks for the group to be sent `stop` when this process is gone, and killed five seconds later.
pub(super) fn guard_group(group: Pid, stop: Signal) {
    tell(&format!("+ {} {}\n", group.as_raw_nonzero(), stop.as_raw()));
}

/// The group has ended.
pub(super) fn release_group(group: Pid) {
    tell(&format!("- {}\n", group.as_raw_nonzero()));
}

fn tell(line: &str) {
    static WATCHDOG: OnceLock<Mutex<Option<ChildStdin>>> = OnceLock::new();
    let watchdog = WATCHDOG.get_or_init(|| Mutex::new(start()));
    let mut input = watchdog.lock().unwrap_or_else(PoisonError::into_inner);
    if input.as_mut().is_some_and(|input| input.write_all(line.as_bytes()).is_err()) {
        // Someone killed it. Handles still clean up when they are dropped.
        *input = None;
    }
}

fn start() -> Option<ChildStdin> {
    // Its own process group, so that an interrupt from the terminal does not end it before its work begins.
    let child = Command::new("/bin/sh")
        .args(["-c", SCRIPT, "freshet-tests-watchdog"])
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .current_dir("/")
        .process_group(0)
        .spawn();
    child.ok().and_then(|mut child| child.stdin.take())
}

/// A folder that is removed when the handle is dropped, or when this process is gone.
#[derive(Debug)]
pub(crate) struct TemporaryDir(PathBuf);

impl TemporaryDir {
    /// Makes a folder under `parent` whose name starts with `prefix`.
    pub(crate) fn create(parent: &Path, prefix: &str) -> Result<Self> {
        let made = tempfile::Builder::new().prefix(prefix).tempdir_in(parent);
        let path = made.map_err(Error::io(format!("make a folder in {}", parent.display())))?.keep();
        tell(&format!("+dir {}\n", path.display()));
        Ok(Self(path))
    }

    pub(crate) fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for TemporaryDir {
    fn drop(&mut self) {
        // What cannot be removed here stays on the watchdog's list.
        if std::fs::remove_dir_all(&self.0).is_ok() {
            tell(&format!("-dir {}\n", self.0.display()));
        }
    }
}
