//! The AWS control plane for tests: moto, pinned, in a virtual environment of its own under `target/tools`, one server
//! per handle on a free loopback port. It reads every field back; it fires and runs nothing. Out comes an endpoint URL.

mod venv;

use std::env;
use std::process::Command;
use std::time::Duration;

use bytes::Bytes;
use hyper::Request;

use crate::error::{Error, Result};
use crate::process::{Input, Process};
use crate::target;
use crate::transport;
use venv::Environment;

/// Python compiles moto's modules at the very first start.
const START_LIMIT: Duration = Duration::from_mins(1);
const RUNNING_ON: &str = "Running on ";

/// The account that moto plays.
pub const ACCOUNT: &str = "123456789012";

/// moto looks at who signs, and at no signature.
const SIGNED: &str =
    "AWS4-HMAC-SHA256 Credential=test/20260101/us-east-1/s3/aws4_request, SignedHeaders=host, Signature=0";

fn environment() -> Environment {
    Environment::under(&target::target_dir().join("tools"))
}

/// A running moto server. Dropping it ends it, and everything in it is forgotten.
#[derive(Debug)]
pub struct Moto {
    server: Process,
    url: String,
}

impl Moto {
    /// Whether `start` will find moto installed, or download it first.
    pub fn is_installed() -> bool {
        environment().is_complete()
    }

    /// Starts a server, after installing moto when this target directory has none yet: half a minute, once, from PyPI.
    /// Fails with the command that installs Python's parts when they are missing.
    pub fn start() -> Result<Self> {
        let environment = environment();
        environment.complete()?;
        let mut command = Command::new(environment.python());
        command.args(["-m", "moto.server", "-H", "127.0.0.1", "-p", "0"]);
        command.env_clear().env("PATH", env::var_os("PATH").unwrap_or_default());
        // Roles attach AWS's own policies, which moto knows only when told to load them.
        command.envs([("MOTO_IAM_LOAD_MANAGED_POLICIES", "true"), ("PYTHONUNBUFFERED", "1"), ("NO_COLOR", "1")]);
        let server = Process::spawn(command, Input::Empty)?;
        let line = server.wait_for_line(START_LIMIT, |line| line.text.contains(RUNNING_ON))?;
        let url = line.text.split(RUNNING_ON).nth(1).unwrap_or_default().trim().to_owned();
        let moto = Self { server, url };
        // Without Docker a job is registered all the same; nothing here is run by moto.
        moto.post("/moto-api/config", r#"{"batch": {"use_docker": false}}"#)?;
        Ok(moto)
    }

    /// The endpoint URL, without a slash at its end.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Forgets everything in the server.
    pub fn reset(&self) -> Result<()> {
        self.post("/moto-api/reset", "")
    }

    /// Puts an object into a bucket, which is made when it is not there.
    pub fn put_object(&self, bucket: &str, key: &str, content: &str) -> Result<()> {
        for (path, body) in [(bucket.to_owned(), ""), (format!("{bucket}/{key}"), content)] {
            let request = Request::put(format!("{}/{path}", self.url)).header("Authorization", SIGNED);
            let request = request.body(Bytes::copy_from_slice(body.as_bytes()));
            Self::send(&path, request)?;
        }
        Ok(())
    }

    /// What S3 answers to a question about a bucket (`bucket?uploads`) or an object (`bucket/key`), where there is such.
    pub fn s3(&self, path: &str) -> Result<Option<Bytes>> {
        let request = Request::get(format!("{}/{path}", self.url)).header("Authorization", SIGNED);
        let request = request.body(Bytes::new()).map_err(|error| Error::failed("moto", error.to_string()))?;
        let answer = transport::send_and_wait(request)?;
        Ok(answer.status().is_success().then(|| answer.into_body()))
    }

    /// The server's log so far: a line per request, and Python's traceback where moto broke.
    pub fn log(&self) -> String {
        self.server.output()
    }

    fn post(&self, path: &str, body: &'static str) -> Result<()> {
        let request = Request::post(format!("{}{path}", self.url)).body(Bytes::from_static(body.as_bytes()));
        Self::send(path, request)
    }

    fn send(path: &str, request: std::result::Result<Request<Bytes>, hyper::http::Error>) -> Result<()> {
        let request = request.map_err(|error| Error::failed("moto", error.to_string()))?;
        let answer = transport::send_and_wait(request)?;
        if answer.status().is_success() {
            return Ok(());
        }
        Err(Error::failed(
            format!("moto {path}"),
            format!("{}: {}", answer.status(), String::from_utf8_lossy(answer.body())),
        ))
    }
}
