//! The project's two binaries as a user has them: found beside the running executable, started with an environment that
//! holds nothing of the caller's but `PATH`, `HOME` and `TMPDIR`, so that no profile or token of a laptop has a part in
//! a test. Out comes a finished run, or a running process.

use std::env;
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::error::{Error, Result};
use crate::process::{Input, Process, Run};
use crate::target;

/// How long a run may take unless the caller says otherwise.
const RUN_LIMIT: Duration = Duration::from_mins(2);
/// What is passed on from the caller's environment.
const INHERITED: [&str; 3] = ["PATH", "HOME", "TMPDIR"];
/// Keeps an SDK from asking the instance metadata service, and gives it what it insists on.
const DUMMY_AWS: [(&str, &str); 6] = [
    ("AWS_EC2_METADATA_DISABLED", "true"),
    ("AWS_REGION", REGION),
    ("AWS_ACCESS_KEY_ID", "test"),
    ("AWS_SECRET_ACCESS_KEY", "test"),
    ("AWS_CONFIG_FILE", "/dev/null"),
    ("AWS_SHARED_CREDENTIALS_FILE", "/dev/null"),
];

/// The region of every part here.
pub const REGION: &str = "us-east-1";

/// An executable of this workspace.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Binary {
    path: PathBuf,
}

/// The deployer, built with the profile of the running executable.
pub fn deploy() -> Result<Binary> {
    beside("deploy")
}

/// The worker, built with the profile of the running executable.
pub fn worker() -> Result<Binary> {
    beside("worker")
}

/// A binary of another profile: `in_profile("release", "worker")` is `target/release/worker`.
pub fn in_profile(profile: &str, name: &str) -> Result<Binary> {
    let flag = if profile == "debug" { String::new() } else { format!(" --profile {profile}") };
    find(&target::target_dir().join(profile), name, &flag)
}

fn beside(name: &str) -> Result<Binary> {
    let folder = target::profile_dir()
        .ok_or_else(|| Error::failed(name, "the running executable has no path to look beside"))?;
    let flag = if folder.ends_with("debug") { "" } else { " --release" };
    find(&folder, name, flag)
}

fn find(folder: &Path, name: &str, flag: &str) -> Result<Binary> {
    let path = folder.join(format!("{name}{}", env::consts::EXE_SUFFIX));
    if path.is_file() {
        return Ok(Binary { path });
    }
    Err(Error::failed(name, format!("{} does not exist; run first: cargo build{flag} --bins", path.display())))
}

impl Binary {
    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// A call with these arguments, to be completed and run.
    pub fn call<A: AsRef<OsStr>>(&self, arguments: impl IntoIterator<Item = A>) -> Invocation {
        Invocation::of(&self.path).args(arguments)
    }
}

/// A program to be run with a scrubbed environment.
#[derive(Debug, Clone)]
pub struct Invocation {
    program: PathBuf,
    arguments: Vec<OsString>,
    environment: Vec<(OsString, OsString)>,
    folder: Option<PathBuf>,
    input: Input,
    limit: Duration,
}

impl Invocation {
    /// A program that is given `PATH`, `HOME` and `TMPDIR`, dummy AWS credentials and a region, and nothing else.
    pub fn of(program: impl Into<PathBuf>) -> Self {
        let inherited = INHERITED.into_iter().filter_map(|name| Some((name, env::var_os(name)?)));
        let with_inherited = inherited.fold(Self::bare(program), |call, (name, value)| call.env(name, value));
        DUMMY_AWS.into_iter().fold(with_inherited, |call, (name, value)| call.env(name, value))
    }

    /// A program that is given `PATH` and nothing else.
    pub fn bare(program: impl Into<PathBuf>) -> Self {
        let path = env::var_os("PATH").map(|path| ("PATH".into(), path));
        Self {
            program: program.into(),
            arguments: Vec::new(),
            environment: path.into_iter().collect(),
            folder: None,
            input: Input::Empty,
            limit: RUN_LIMIT,
        }
    }

    /// Adds arguments.
    #[must_use]
    pub fn args<A: AsRef<OsStr>>(mut self, arguments: impl IntoIterator<Item = A>) -> Self {
        self.arguments.extend(arguments.into_iter().map(|argument| argument.as_ref().to_owned()));
        self
    }

    /// Sets a variable.
    #[must_use]
    pub fn env(mut self, name: impl AsRef<OsStr>, value: impl AsRef<OsStr>) -> Self {
        self.environment.push((name.as_ref().to_owned(), value.as_ref().to_owned()));
        self
    }

    /// Takes a variable away, one of the dummies for example.
    #[must_use]
    pub fn env_remove(mut self, name: impl AsRef<OsStr>) -> Self {
        self.environment.retain(|(key, _)| key != name.as_ref());
        self
    }

    /// Sends all AWS calls to this URL (`AWS_ENDPOINT_URL`).
    #[must_use]
    pub fn endpoint(self, url: &str) -> Self {
        self.env("AWS_ENDPOINT_URL", url)
    }

    /// Runs it in this folder.
    #[must_use]
    pub fn current_dir(mut self, folder: impl Into<PathBuf>) -> Self {
        self.folder = Some(folder.into());
        self
    }

    /// Gives it these bytes on standard input.
    #[must_use]
    pub fn stdin(mut self, bytes: impl Into<Vec<u8>>) -> Self {
        self.input = Input::Bytes(bytes.into());
        self
    }

    /// Kills it after this time instead of two minutes.
    #[must_use]
    pub fn limit(mut self, limit: Duration) -> Self {
        self.limit = limit;
        self
    }

    /// Starts it and returns at once.
    pub fn start(&self) -> Result<Process> {
        let mut command = Command::new(&self.program);
        command.args(&self.arguments).env_clear().envs(self.environment.iter().map(|(name, value)| (name, value)));
        if let Some(folder) = &self.folder {
            command.current_dir(folder);
        }
        Process::spawn(command, self.input.clone())
    }

    /// Runs it to its end, whatever its exit code.
    pub fn run(&self) -> Result<Run> {
        self.start()?.finish(self.limit)
    }

    /// Runs it to its end; fails the test, with the whole output, when it cannot run or ends with another code.
    #[track_caller]
    pub fn expect_code(&self, code: i32) -> Run {
        match self.run() {
            Ok(run) => {
                run.expect_code(code);
                run
            }
            Err(error) => panic!("{error}"),
        }
    }
}

/// Fails the test when one of these secrets stands in the output of a run: as it is, percent-encoded, or in base64. The
/// message names the place of the secret in the list, never the secret.
#[track_caller]
pub fn assert_no_secret(run: &Run, secrets: &[&str]) {
    for (stream, text) in [("standard output", &run.stdout), ("standard error", &run.stderr)] {
        assert_no_secret_in(stream, text, secrets);
    }
}

/// The same for any text: a log stream, a recorded request, what an endpoint holds.
#[track_caller]
pub fn assert_no_secret_in(place: &str, text: &str, secrets: &[&str]) {
    for (position, secret) in secrets.iter().enumerate() {
        assert!(!secret.is_empty(), "secret {position} is empty: nothing would be checked");
        let found = text.lines().position(|line| forms(secret).iter().any(|form| line.contains(form.as_str())));
        if let Some(line) = found {
            panic!("secret {position} of {} stands in {place}, line {}", secrets.len(), line + 1);
        }
    }
}

fn forms(secret: &str) -> [String; 3] {
    let base64 = STANDARD.encode(secret);
    // The tail of a base64 text changes with what follows the secret.
    let whole = base64.trim_end_matches('=');
    let stable = &whole[..whole.len().saturating_sub(2).max(1)];
    [secret.to_owned(), crate::http::percent_encode(secret), stable.to_owned()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_of_the_callers_environment_is_passed_on() {
        let run = Invocation::of("/usr/bin/env").env("GIVEN", "1").endpoint("http://127.0.0.1:1").expect_code(0);
        let mut names: Vec<_> = run.stdout.lines().filter_map(|line| line.split('=').next()).collect();
        names.retain(|name| !INHERITED.contains(name) && !DUMMY_AWS.iter().any(|(dummy, _)| dummy == name));
        names.sort_unstable();
        assert_eq!(names, ["AWS_ENDPOINT_URL", "GIVEN"]);
    }

    #[test]
    fn a_missing_binary_is_named_with_the_command_that_builds_it() {
        let error = beside("no-such-binary").unwrap_err().to_string();
        assert!(error.contains("cargo build") && error.contains("no-such-binary"), "{error}");
    }

    #[test]
    fn secrets_are_found_in_all_their_forms_and_not_repeated() {
        let secret = "p@ss/word-7c1f";
        for text in
            [format!("a\n{secret}"), "x=p%40ss%2Fword-7c1f".into(), STANDARD.encode(format!("{secret} and more"))]
        {
            let caught = std::panic::catch_unwind(|| assert_no_secret_in("a log", &text, &["other", secret]));
            let message = *caught.unwrap_err().downcast::<String>().unwrap();
            assert!(message.contains("secret 1 of 2") && !message.contains(secret), "{message}");
        }
        assert_no_secret_in("a log", "nothing here", &[secret]);
    }
}
