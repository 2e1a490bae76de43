//! What a deployment costs at the size of a city: a thousand datasets planned offline, applied, and applied again when there is
//! nothing to do, with the latency of a laptop. The endpoint is an emulator, so only the runs that wait for AWS rather than
//! for it say something: the offline plan and the one that changes nothing.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use freshet_tests::aws::ControlPlane;
use freshet_tests::binaries;
use freshet_tests::process::Run;
use freshet_tests::proxy::{Fault, When};

use super::Outcome;
use crate::command::{program, say, works};

/// Time on the way to AWS and back.
const LATENCY: Duration = Duration::from_millis(60);
/// The bar of an offline plan.
const OFFLINE: Duration = Duration::from_secs(1);
/// The bar of a run that changes nothing.
const UNCHANGED: Duration = Duration::from_secs(2);
/// The bar of calls of such a run.
const CALLS: usize = 45;
/// The bar of memory, in MiB.
const MEMORY: u64 = 128;
/// Datasets that the AWS CLI registers and schedules: it takes about as long for each.
const BY_HAND: u32 = 10;

pub(super) fn measure(datasets: usize) -> Outcome {
    let plane = ControlPlane::start()?;
    let project = tempfile::tempdir()?;
    write_project(project.path(), &plane, datasets)?;
    let deploy = binaries::in_profile("release", "deploy")?;
    let folder = project.path().display().to_string();
    let endpoint = plane.url();
    let run = |arguments: &[&str]| {
        let call = deploy.call(["--dir", &folder, "--endpoint", &endpoint]).args(arguments);
        call.limit(Duration::from_mins(20))
    };
    run(&["secrets", "set", "DATABASE_URL"]).stdin("postgres://loader@db.example.org/city").run()?;
    let offline = run(&["plan", "--offline"]).run()?;
    say(&format!("{datasets} datasets"));
    told("offline plan", &offline, Some(OFFLINE));
    let first = run(&["schedule-all"]).run()?;
    told("first apply, to the emulator", &first, None);
    by_hand(&endpoint, datasets)?;
    plane.proxy.reset();
    plane.proxy.inject(When::any(), Fault::Delay(LATENCY));
    let unchanged = run(&["schedule-all"]).run()?;
    told("nothing to do, 60 ms away", &unchanged, Some(UNCHANGED));
    say(&format!("calls                         {:>6}        bar {CALLS}", plane.proxy.calls().len()));
    say(&format!("writes                        {:>6}        bar 0", plane.proxy.writes().len()));
    let peak = [&offline, &first, &unchanged].into_iter().filter_map(|run| run.peak_memory).max().unwrap_or(0) >> 20;
    say(&format!("most memory                   {peak:>6} MiB    bar {MEMORY} MiB"));
    Ok(())
}

/// What a loop of the AWS CLI takes for the same datasets, of which it registers and schedules a few.
fn by_hand(endpoint: &str, datasets: usize) -> Outcome {
    if !works(program("aws").arg("--version")) {
        say("a loop of the AWS CLI is not measured: there is no `aws` (`pip install awscli`)");
        return Ok(());
    }
    let containers =
        r#"[{"name": "worker", "image": "ghcr.io/example/freshet-worker:0.1.0", "memory": 512, "essential": true}]"#;
    let target = r#"{"Arn": "arn:aws:scheduler:::aws-sdk:ecs:runTask", "RoleArn": "arn:aws:iam::123456789012:role/by-hand", "Input": "{}"}"#;
    let aws = |arguments: &[&str]| {
        let mut call = program("aws");
        call.args(["--endpoint-url", endpoint, "--region", "us-east-1"]).args(arguments);
        call.envs([("AWS_ACCESS_KEY_ID", "test"), ("AWS_SECRET_ACCESS_KEY", "test")]);
        if works(&mut call) { Ok(()) } else { Err(format!("`aws {}` failed", arguments.join(" "))) }
    };
    let started = Instant::now();
    for n in 0..BY_HAND {
        let name = format!("by-hand-{n}");
        aws(&["ecs", "register-task-definition", "--family", &name, "--container-definitions", containers])?;
        let when = ["--schedule-expression", "cron(0 22 * * ? *)", "--flexible-time-window", "Mode=OFF"];
        aws(&[&["scheduler", "create-schedule", "--name", &name, "--target", target][..], &when].concat())?;
    }
    let each = started.elapsed() / BY_HAND;
    let all = each.as_secs_f64() * f64::from(u32::try_from(datasets)?);
    say(&format!(
        "a loop of the AWS CLI         {all:>6.0} s      as far as {BY_HAND} datasets tell: {:.2} s each, for two calls",
        each.as_secs_f64()
    ));
    Ok(())
}

fn told(what: &str, run: &Run, bar: Option<Duration>) {
    let bar = bar.map(|bar| format!("  bar {:.2} s", bar.as_secs_f64())).unwrap_or_default();
    say(&format!("{what:<30}{:>6.2} s    {bar}", run.elapsed.as_secs_f64()));
}

fn write_project(folder: &Path, plane: &ControlPlane, datasets: usize) -> Outcome {
    for name in ["datasets/city", "schedules", "task-defs"] {
        fs::create_dir_all(folder.join(name))?;
    }
    let stack = format!(
        "stack: city\nimage: ghcr.io/example/freshet-worker@sha256:{}\nsecrets: {{DATABASE_URL: \"city/database:url\"}}\n\
         network: {{subnets: [{}], security_groups: [{}], public_ip: true}}\n\
         environments:\n  prod: {{account: \"123456789012\", region: us-east-1, cluster: city}}\n",
        "0".repeat(64),
        plane.network.subnets[0],
        plane.network.security_group,
    );
    fs::write(folder.join("freshet.yml"), stack)?;
    fs::write(folder.join("task-defs/small.yml"), "engine: fargate\ncpu: 512\nmemory: 1024\ntimeout: 2h\n")?;
    let mut schedules = "timezone: America/New_York\ntask-def: small\nspread: 6h\nschedules:\n".to_owned();
    for n in 0..datasets {
        let name = format!("d{n:04}");
        let text = format!(
            "dataset: {name}\ntitle: Dataset {n}\npublisher: a city\ntables:\n  {name}:\n    \
             sources: [{{url: \"https://data.example.org/{name}.csv\", file: {name}.csv}}]\n    columns:\n      \
             id: integer not null\n      name: text\n      made: date\n      amount: numeric\n    primary_key: id\n"
        );
        fs::write(folder.join(format!("datasets/city/{name}.yml")), text)?;
        writeln!(schedules, "  {name}: {{cron: \"0 22 * * *\"}}")?;
    }
    fs::write(folder.join("schedules/city.yml"), schedules)?;
    Ok(())
}
