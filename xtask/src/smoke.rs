//! `cargo xtask smoke-aws`: for people with an account. It deploys a stack of its own, looks whether AWS does what its
//! documentation says and no emulator can prove, and takes the stack away again: less than ten minutes, less than a dollar.
//! The load itself fails, because there is no database at the end of its address: what is looked at is the way to it.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::command::{Outcome, cargo, root, say, step};

/// How long the first firing may take: the schedule's two minutes, Fargate's start, the worker's attempt.
const FIRING: Duration = Duration::from_mins(8);

/// Where the stack is made.
#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    /// AWS account, twelve digits
    #[arg(long)]
    account: String,
    /// AWS region
    #[arg(long, default_value = "us-east-1")]
    region: String,
    /// A subnet in which tasks reach AWS by a public address
    #[arg(long)]
    subnet: String,
    /// A security group that lets tasks out
    #[arg(long)]
    security_group: String,
    /// The worker's image, in a registry that Fargate reaches
    #[arg(long)]
    image: String,
    /// An emulator instead of AWS, on which nothing fires
    #[arg(long, hide = true)]
    endpoint: Option<String>,
}

pub(crate) fn run(options: &Options) -> Outcome {
    step("build", cargo().args(["build", "--quiet", "--bins", "--locked"]))?;
    let folder = tempfile::tempdir().map_err(|error| error.to_string())?;
    write_project(folder.path(), options).map_err(|error| error.to_string())?;
    let smoke = Smoke { folder: folder.path(), options };
    let checked = smoke.check();
    say("taking the stack away");
    let gone = smoke.deploy(&["destroy", "--data", "--confirm", "smoke/test"], "").map(drop);
    if let Err(error) = &gone {
        say(&format!("it could not be taken away whole: {error}\nlook for things named freshet-smoke-test"));
    }
    checked.and(gone)
}

struct Smoke<'a> {
    folder: &'a Path,
    options: &'a Options,
}

impl Smoke<'_> {
    fn check(&self) -> Outcome {
        let address = "postgres://nobody@192.0.2.1:5432/none?connect_timeout=5";
        self.deploy(&["secrets", "set", "DATABASE_URL"], address)?;
        self.deploy(&["schedule-all"], "")?;
        told("AWS takes every policy, pattern, alarm, schedule and definition that is generated");
        let again = self.deploy(&["schedule-all"], "")?;
        holds(again["changes"].as_array().is_some_and(Vec::is_empty), "a second run changes nothing")?;
        holds(again.get("held").is_none(), "a schedule that nobody touched does not look as if somebody had")?;
        let drift = self.deploy(&["drift"], "")?;
        holds(drift["drifted"].as_array().is_some_and(Vec::is_empty), "what AWS adds of its own is no drift")?;
        if self.options.endpoint.is_some() {
            return Ok(());
        }
        say("waiting for the first firing");
        let run = self.first_run()?;
        told("a schedule starts the worker, whose log can be read");
        let scheduled = run["scheduled_time"].as_str().is_some_and(|time| time.contains('T') && !time.contains('<'));
        holds(scheduled, "Scheduler puts the time of the firing into what it hands over")
    }

    /// The record of the first run.
    fn first_run(&self) -> Result<Value, String> {
        let deadline = Instant::now() + FIRING;
        while Instant::now() < deadline {
            let status = self.deploy(&["status", "tick"], "")?;
            if let Some(run) = status["datasets"][0].get("last_run") {
                return Ok(run.clone());
            }
            thread::sleep(Duration::from_secs(15));
        }
        Err(format!("nothing ran within {} minutes; look into the dead-letter queue", FIRING.as_secs() / 60))
    }

    /// What a command prints, as JSON; an error unless it ends well.
    fn deploy(&self, arguments: &[&str], input: &str) -> Result<Value, String> {
        let value = self.folder.join("input");
        fs::write(&value, input).map_err(|error| error.to_string())?;
        let mut call = Command::new(root().join("target/debug/deploy"));
        call.args(["--output", "json", "--dir"]).arg(self.folder).args(arguments);
        if let Some(endpoint) = &self.options.endpoint {
            call.args(["--endpoint", endpoint]);
        }
        let input = fs::File::open(&value).map_err(|error| error.to_string())?;
        let output = call.stdin(input).output().map_err(|error| error.to_string())?;
        if !output.status.success() {
            let words = String::from_utf8_lossy(&output.stderr);
            let report = String::from_utf8_lossy(&output.stdout);
            return Err(format!("deploy {} ended with {}\n{words}{report}", arguments.join(" "), output.status));
        }
        serde_json::from_slice(&output.stdout).map_err(|error| error.to_string())
    }
}

fn holds(claim: bool, words: &str) -> Outcome {
    if claim {
        told(words);
        return Ok(());
    }
    Err(format!("does not hold: {words}"))
}

fn told(words: &str) {
    say(&format!("holds: {words}"));
}

fn write_project(folder: &Path, options: &Options) -> std::io::Result<()> {
    for name in ["datasets/smoke", "schedules", "task-defs"] {
        fs::create_dir_all(folder.join(name))?;
    }
    let Options { account, region, subnet, security_group, image, .. } = options;
    let stack = format!(
        "stack: smoke\nimage: {image}\nsecrets: {{DATABASE_URL: smoke-test/database}}\nlog_retention: 1\n\
         network: {{subnets: [{subnet}], security_groups: [{security_group}], public_ip: true}}\n\
         environments:\n  test: {{account: \"{account}\", region: {region}, cluster: freshet-smoke}}\n"
    );
    fs::write(folder.join("freshet.yml"), stack)?;
    fs::write(
        folder.join("task-defs/small.yml"),
        "engine: fargate\ncpu: 256\nmemory: 512\ntimeout: 1m\nattempts: 1\n",
    )?;
    let dataset = |name: &str, rest: &str| {
        let text = format!(
            "dataset: {name}\ntitle: {name}\npublisher: nobody\n{rest}tables:\n  {name}:\n    \
             sources: [{{url: \"https://example.org/{name}.csv\", file: {name}.csv}}]\n    \
             columns: {{id: integer not null}}\n"
        );
        fs::write(folder.join(format!("datasets/smoke/{name}.yml")), text)
    };
    dataset("tick", "")?;
    dataset("follows", "depends_on: [tick]\n")?;
    fs::write(
        folder.join("schedules/smoke.yml"),
        "task-def: small\nschedules:\n  tick: {cron: \"rate(2 minutes)\"}\n  follows: manual\n",
    )
}
