//! `cargo xtask smoke-aws`: for people with an account. It deploys a stack of its own, looks whether AWS does what its
//! documentation says and no emulator can prove, and takes the stack away again, also after an error or Ctrl-C: about ten
//! minutes, less than a dollar. Each load fails, because there is no database at the end of its address: what is looked at
//! is the way to it. `docs/unproven.md` names the check of each claim.

use std::fs;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant, SystemTime};

use serde_json::Value;
use tokio::signal::unix::{SignalKind, signal};

use crate::command::{Outcome, cargo, root, say, step, works};

/// How long a firing may take: the schedule's two minutes, Fargate's start, the worker's attempt.
const FIRING: Duration = Duration::from_mins(8);
/// How long CloudWatch may take to show what was counted.
const COUNTED: Duration = Duration::from_mins(5);
/// How long tasks that still run may keep the stack from going.
const LEAVING: Duration = Duration::from_mins(5);
/// Between two looks.
const LOOK_EVERY: Duration = Duration::from_secs(15);

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
    let stopped = listen().map_err(|error| error.to_string())?;
    smoke(options, &root().join("target/debug/deploy"), &stopped)
}

/// Makes the stack, looks, and takes the stack away whatever was seen.
fn smoke(options: &Options, deploy: &Path, stopped: &AtomicBool) -> Outcome {
    let folder = tempfile::tempdir().map_err(|error| error.to_string())?;
    write_project(folder.path(), options).map_err(|error| error.to_string())?;
    let smoke = Smoke { folder: folder.path(), options, deploy, stopped };
    let checked = smoke.check();
    if let Err(error) = &checked {
        say(error);
    }
    say("taking the stack away");
    let gone = smoke.take_away();
    if let Err(error) = &gone {
        say(&format!("it could not be taken away whole: {error}\nlook for things named freshet-smoke-test"));
    }
    checked.and(gone)
}

/// Set by Ctrl-C or SIGTERM, which end nothing by themselves any more.
fn listen() -> std::io::Result<Arc<AtomicBool>> {
    let stopped = Arc::new(AtomicBool::new(false));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let (mut interrupt, mut terminate) = {
        let _context = runtime.enter();
        (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?)
    };
    let told = Arc::clone(&stopped);
    thread::spawn(move || {
        runtime.block_on(async {
            loop {
                tokio::select! {
                    _ = interrupt.recv() => {}
                    _ = terminate.recv() => {}
                }
                told.store(true, Ordering::SeqCst);
                say("stopping: the stack is taken away first");
            }
        });
    });
    Ok(stopped)
}

struct Smoke<'a> {
    folder: &'a Path,
    options: &'a Options,
    deploy: &'a Path,
    stopped: &'a AtomicBool,
}

impl Smoke<'_> {
    fn check(&self) -> Outcome {
        let address = "postgres://nobody@192.0.2.1:5432/none?connect_timeout=5";
        self.deploy(&["secrets", "set", "DATABASE_URL"], address)?;
        self.deploy(&["schedule-all"], "")?;
        told("AWS takes every policy, pattern, alarm, schedule and definition that is generated");
        told("a role that was just made is taken by Scheduler within two minutes");
        let again = self.deploy(&["schedule-all"], "")?;
        holds(again["changes"].as_array().is_some_and(Vec::is_empty), "a second run changes nothing")?;
        holds(again.get("held").is_none(), "a schedule that nobody touched does not look as if somebody had")?;
        let drift = self.deploy(&["drift"], "")?;
        holds(drift["drifted"].as_array().is_some_and(Vec::is_empty), "what AWS adds of its own is no drift")?;
        // A run that ends well without a database, for those that wait for one.
        self.deploy(&["run", "tick", "--", "--version"], "")?;
        if self.options.endpoint.is_some() {
            return Ok(());
        }
        say("waiting for the first firings");
        let is_time =
            |run: &Value| run["scheduled_time"].as_str().is_some_and(|time| time.parse::<jiff::Timestamp>().is_ok());
        holds(is_time(&self.run_of("tick")?), "Scheduler puts the time of the firing into what it hands to ECS")?;
        told("a schedule starts the worker, whose log can be read");
        self.run_of("follows")?;
        told("a task's end is told with its exit code, and starts what depends on it");
        holds(is_time(&self.run_of("tock")?), "Scheduler puts the time of the firing into what it hands to Batch")?;
        self.check_metrics()
    }

    /// What alarms ring by, as far as something was counted: `deploy` reads no metrics, AWS's own command does.
    fn check_metrics(&self) -> Outcome {
        if !works(Command::new("aws").arg("--version")) {
            say("not looked at: what alarms ring by, because there is no `aws` command here");
            return Ok(());
        }
        let dimensions = ["Name=Stack,Value=smoke", "Name=Environment,Value=test"];
        self.counted("Freshet", "RunsFailed", &dimensions)?;
        told("a metric filter's dimensions are fields of the matched JSON");
        self.counted("AWS/Scheduler", "InvocationAttemptCount", &["Name=ScheduleGroup,Value=freshet-smoke-test"])?;
        told("Scheduler's metrics have the dimension ScheduleGroup");
        self.counted("AWS/Events", "TriggeredRules", &["Name=RuleName,Value=freshet-smoke-test.follows"])?;
        told("EventBridge's metrics have the dimension RuleName");
        Ok(())
    }

    /// Waits until a metric has counted something in the last hour.
    fn counted(&self, namespace: &str, metric: &str, dimensions: &[&str]) -> Outcome {
        let now = jiff::Timestamp::now();
        let hour = jiff::SignedDuration::from_hours(1);
        let (from, to) = (now.checked_sub(hour), now.checked_add(hour));
        let (Ok(from), Ok(to)) = (from, to) else { return Err("the clock is out of range".to_owned()) };
        self.wait(COUNTED, &format!("{namespace} {metric} of {}", dimensions.join(" ")), || {
            let mut call = Command::new("aws");
            call.args(["cloudwatch", "get-metric-statistics", "--statistics", "Sum", "--period", "3600"]);
            call.args(["--output", "json", "--region", &self.options.region, "--namespace", namespace]);
            call.args(["--metric-name", metric, "--start-time", &from.to_string(), "--end-time", &to.to_string()]);
            let output = call.arg("--dimensions").args(dimensions).output().map_err(|error| error.to_string())?;
            if !output.status.success() {
                return Err(String::from_utf8_lossy(&output.stderr).trim().to_owned());
            }
            let answer: Value = serde_json::from_slice(&output.stdout).map_err(|error| error.to_string())?;
            let points = answer["Datapoints"].as_array().into_iter().flatten();
            Ok(points.filter_map(|point| point["Sum"].as_f64()).any(|sum| sum > 0.0).then_some(()))
        })
    }

    /// The record of a dataset's newest run, once there is one.
    fn run_of(&self, dataset: &str) -> Result<Value, String> {
        self.wait(FIRING, &format!("a run of {dataset}; look into the dead-letter queue"), || {
            let status = self.deploy(&["status", dataset], "")?;
            Ok(status["datasets"][0].get("last_run").cloned())
        })
    }

    /// Looks until there is something to see.
    fn wait<T>(&self, limit: Duration, what: &str, look: impl Fn() -> Result<Option<T>, String>) -> Result<T, String> {
        let deadline = Instant::now() + limit;
        while Instant::now() < deadline {
            if let Some(seen) = look()? {
                return Ok(seen);
            }
            self.pause(LOOK_EVERY)?;
        }
        Err(format!("not seen within {} minutes: {what}", limit.as_secs() / 60))
    }

    /// Waits, but not beyond being stopped.
    fn pause(&self, time: Duration) -> Outcome {
        let until = Instant::now() + time;
        while Instant::now() < until {
            self.go_on()?;
            thread::sleep(Duration::from_millis(200));
        }
        Ok(())
    }

    fn go_on(&self) -> Outcome {
        if self.stopped.load(Ordering::SeqCst) { Err("stopped by hand".to_owned()) } else { Ok(()) }
    }

    /// Takes everything away. Tasks that still run keep their cluster for a while.
    fn take_away(&self) -> Outcome {
        let deadline = Instant::now() + LEAVING;
        loop {
            match self.ask(&["destroy", "--data", "--confirm", "smoke/test"], "") {
                Err(error) if Instant::now() < deadline && self.options.endpoint.is_none() => {
                    say(&format!("not yet: {error}"));
                    thread::sleep(LOOK_EVERY);
                }
                answer => return answer.map(drop),
            }
        }
    }

    /// The same as `ask`, unless it was stopped.
    fn deploy(&self, arguments: &[&str], input: &str) -> Result<Value, String> {
        self.go_on()?;
        self.ask(arguments, input)
    }

    /// What a command prints, as JSON; an error unless it ends well.
    fn ask(&self, arguments: &[&str], input: &str) -> Result<Value, String> {
        let value = self.folder.join("input");
        fs::write(&value, input).map_err(|error| error.to_string())?;
        let mut call = Command::new(self.deploy);
        // `--` ends what is ours, so that our own options come first. Ctrl-C is for us and not for it.
        call.args(["--output", "json", "--dir"]).arg(self.folder).process_group(0);
        if let Some(endpoint) = &self.options.endpoint {
            // An emulator knows nobody.
            call.args(["--endpoint", endpoint]).env("AWS_ACCESS_KEY_ID", "test").env("AWS_SECRET_ACCESS_KEY", "test");
        }
        let input = fs::File::open(&value).map_err(|error| error.to_string())?;
        let output = call.args(arguments).stdin(input).output().map_err(|error| error.to_string())?;
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
    // A secret that was deleted keeps its name for weeks: each run has one of its own.
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_secs();
    let stack = format!(
        "stack: smoke\nimage: {image}\nsecrets: {{DATABASE_URL: smoke-test/{now}/database}}\nlog_retention: 1\n\
         network: {{subnets: [{subnet}], security_groups: [{security_group}], public_ip: true}}\n\
         environments:\n  test: {{account: \"{account}\", region: {region}, cluster: freshet-smoke}}\n"
    );
    fs::write(folder.join("freshet.yml"), stack)?;
    fs::write(
        folder.join("task-defs/small.yml"),
        "engine: fargate\ncpu: 256\nmemory: 512\ntimeout: 1m\nattempts: 1\n",
    )?;
    fs::write(folder.join("task-defs/job.yml"), "engine: batch\ncpu: 256\nmemory: 512\ntimeout: 1m\nattempts: 1\n")?;
    let dataset = |name: &str, rest: &str| {
        let text = format!(
            "dataset: {name}\ntitle: {name}\npublisher: nobody\n{rest}tables:\n  {name}:\n    \
             sources: [{{url: \"https://example.org/{name}.csv\", file: {name}.csv}}]\n    \
             columns: {{id: integer not null}}\n"
        );
        fs::write(folder.join(format!("datasets/smoke/{name}.yml")), text)
    };
    dataset("tick", "")?;
    dataset("tock", "")?;
    dataset("follows", "depends_on: [tick]\n")?;
    fs::write(
        folder.join("schedules/smoke.yml"),
        "task-def: small\nschedules:\n  tick: {cron: \"rate(2 minutes)\"}\n  \
         tock: {cron: \"rate(2 minutes)\", task-def: job}\n  follows: manual\n",
    )
}

#[cfg(test)]
mod tests {
    use freshet_tests::aws::ControlPlane;
    use freshet_tests::binaries;
    use freshet_tests::proxy::{Fault, When};

    use super::*;

    fn options(plane: &ControlPlane) -> Options {
        Options {
            account: "123456789012".to_owned(),
            region: "us-east-1".to_owned(),
            subnet: plane.network.subnets[0].clone(),
            security_group: plane.network.security_group.clone(),
            image: format!("ghcr.io/example/freshet-worker@sha256:{}", "0".repeat(64)),
            endpoint: Some(plane.url()),
        }
    }

    /// What is left of the stack at the endpoint.
    fn left(plane: &ControlPlane) -> Vec<String> {
        let listed = plane.aws.query("iam", "ListRoles", &[("PathPrefix", "/freshet/")]).unwrap();
        let roles = listed.matches("<RoleName>").count();
        let of_events = plane.aws.list_rules("freshet-smoke-test").unwrap().len();
        let groups = plane.aws.rest("scheduler", "GET", "/schedule-groups", None).unwrap().to_string();
        let groups = groups.matches("freshet-smoke-test").count();
        let found = [("roles", roles), ("rules", of_events), ("groups", groups)];
        found.into_iter().filter(|(_, count)| *count > 0).map(|(kind, count)| format!("{count} {kind}")).collect()
    }

    #[test]
    fn what_was_made_is_taken_away_whatever_was_seen() {
        let plane = ControlPlane::start().unwrap();
        let deploy = binaries::deploy().unwrap();
        let going = AtomicBool::new(false);
        smoke(&options(&plane), deploy.path(), &going).unwrap();
        assert_eq!(left(&plane), [] as [&str; 0]);

        let refusal = Fault::Refuse { status: 400, code: "ClientException".to_owned(), message: "No.".to_owned() };
        plane.proxy.inject(When::operation("ecs:RegisterTaskDefinition").first(2), refusal);
        let error = smoke(&options(&plane), deploy.path(), &going).unwrap_err();
        assert!(error.contains("deploy schedule-all ended with"), "{error}");
        assert_eq!(left(&plane), [] as [&str; 0]);
    }

    #[test]
    fn who_stops_it_leaves_nothing_behind() {
        let plane = ControlPlane::start().unwrap();
        let stopped = AtomicBool::new(true);
        let error = smoke(&options(&plane), binaries::deploy().unwrap().path(), &stopped).unwrap_err();
        assert_eq!(error, "stopped by hand");
        assert_eq!(left(&plane), [] as [&str; 0]);
    }
}
