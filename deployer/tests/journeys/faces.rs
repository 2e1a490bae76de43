//! What a person or a program gets to see.

use std::process::{Command, Stdio};

use freshet_tests::binaries;
use serde_json::{Value, json};

use crate::stage::{Stage, four};

#[test]
fn an_endpoint_that_was_left_in_the_shell_is_refused() {
    let stage = Stage::with(&four());
    let run = stage.bare_deploy(["plan"]).endpoint(&stage.url()).expect_code(64);
    assert!(run.stderr.contains("AWS_ENDPOINT_URL") && run.stderr.contains("--endpoint"), "{}", run.stderr);
    let other = stage.bare_deploy(["plan", "--endpoint", "http://127.0.0.1:1"]).endpoint(&stage.url());
    other.expect_code(64);
    assert!(stage.proxy.calls().is_empty());
    stage.deploy(["plan"]).endpoint(&stage.url()).expect_code(4);
}

#[test]
fn an_environment_for_an_emulator_is_not_deployed_to_aws() {
    let stage = Stage::with(&four());
    stage.write(
        "freshet.yml",
        &format!(
            "{}    endpoint: \"{}\"\n",
            stage.read("freshet.yml").replace(
                "prod: {account: \"123456789012\", region: us-east-1, cluster: civic}",
                "prod:\n    account: \"123456789012\"\n    region: us-east-1\n    cluster: civic"
            ),
            stage.url()
        ),
    );
    let run = stage.bare_deploy(["plan"]).expect_code(64);
    assert!(run.stderr.contains("is for an emulator"), "{}", run.stderr);
}

#[test]
fn every_command_speaks_json_to_programs() {
    let stage = Stage::deployed(&four());
    for arguments in [
        &["check"][..],
        &["schema"],
        &["plan"],
        &["schedule-all"],
        &["secrets", "list"],
        &["secrets", "check"],
        &["status"],
        &["run", "hpd_violations"],
    ] {
        let run = stage.deploy(arguments.iter().copied()).args(["--output", "json"]).expect_code(0);
        let parsed = serde_json::from_str::<Value>(&run.stdout);
        assert!(parsed.is_ok(), "{arguments:?}: {}", run.stdout);
        let markdown = stage.deploy(arguments.iter().copied()).args(["--output", "markdown"]).expect_code(0);
        assert!(!markdown.stdout.is_empty(), "{arguments:?}");
    }
}

#[test]
fn who_stops_reading_is_no_error() {
    let stage = Stage::with(&four());
    let deploy = binaries::deploy().unwrap();
    let mut child = Command::new(deploy.path())
        .args(["schema", "--dir", stage.path().to_str().unwrap()])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let ended = child.wait_with_output().unwrap();
    assert_eq!(ended.status.code(), Some(0), "{}", String::from_utf8_lossy(&ended.stderr));
    assert!(ended.stderr.is_empty());
}

#[test]
fn bad_manifests_are_told_with_file_line_and_caret_and_touch_nothing() {
    let stage = Stage::with(&four());
    stage.write("task-defs/small.yml", "engine: fargate\ncpu: 512\nmemory: 8192\n");
    stage.write("schedules/la.yml", "timezone: UTC\ntask-def: small\nschedules:\n  hpd: {cron: \"61 * * * *\"}\n");
    for arguments in [&["check"][..], &["plan"], &["schedule-all"]] {
        let run = stage.deploy(arguments.iter().copied()).expect_code(4);
        let told = format!("{}{}", run.stdout, run.stderr);
        assert!(told.contains("task-defs/small.yml:3") && told.contains("schedules/la.yml:4"), "{told}");
    }
    let run = stage.deploy(["check", "--output", "json"]).expect_code(4);
    let report: Value = serde_json::from_str(&run.stdout).unwrap();
    assert!(report["manifests"].as_array().unwrap().len() >= 2, "{report:#}");
    assert!(stage.proxy.calls().is_empty());
}

#[test]
fn a_changed_plan_can_be_told_by_its_exit_code() {
    let stage = Stage::with(&four());
    stage.set_secret();
    stage.deploy(["plan", "--detailed-exitcode"]).expect_code(2);
    stage.deploy(["schedule-all"]).expect_code(0);
    stage.deploy(["plan", "--detailed-exitcode"]).expect_code(0);
}

#[test]
fn a_run_is_started_from_what_is_registered_and_its_record_is_the_status() {
    let stage = Stage::with(&four());
    let run = stage.deploy(["run", "acris"]).expect_code(1);
    assert!(run.stderr.contains("deploy schedule-all"), "{}", run.stderr);
    let run = stage.deploy(["run", "acriss"]).expect_code(64);
    assert!(run.stderr.contains("did you mean `acris`?"), "{}", run.stderr);
    stage.set_secret();
    stage.deploy(["schedule-all"]).expect_code(0);

    let task = stage.json(["run", "hpd_violations"]);
    assert_eq!(task["engine"], "fargate");
    assert!(task["definition"].as_str().unwrap().ends_with("freshet-nycdb-prod-hpd_violations:1"), "{task}");
    let sent = stage.proxy.calls_of("ecs:RunTask")[0].input();
    assert_eq!(sent["startedBy"], "deploy-run");
    assert!(sent["clientToken"].as_str().is_some_and(|token| token.len() <= 64));
    let job = stage.json(["run", "acris", "--full"]);
    assert_eq!(job["engine"], "batch");
    let sent = stage.proxy.calls_of("batch:SubmitJob")[0].input();
    assert_eq!(sent["containerOverrides"]["environment"], json!([{"name": "FRESHET_MODE", "value": "full"}]));

    stage.deploy(["run", "hpd_violations", "--", "publish", "--accept-drop"]).expect_code(0);
    let sent = stage.proxy.calls_of("ecs:RunTask")[1].input();
    assert_eq!(sent["overrides"]["containerOverrides"][0]["command"], json!(["publish", "--accept-drop"]));
    stage.deploy(["run", "acris", "--", "rollback"]).expect_code(0);
    let sent = stage.proxy.calls_of("batch:SubmitJob")[1].input();
    assert_eq!(sent["containerOverrides"]["command"], json!(["rollback"]));

    let now: i64 =
        std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_millis().try_into().unwrap();
    let record = json!({
        "event": "run", "run": "5bc51be3", "dataset": "hpd_violations", "stack": "nycdb", "environment": "prod", "attempt": 1,
        "started": "2026-11-20T03:00:00Z", "finished": "2026-11-20T03:12:00Z", "seconds": 720.0, "outcome": "published",
        "exit_code": 0, "rows": 4_123_456, "bad_values": 3, "rejected_rows": 0, "manifest": "3fa9",
    });
    stage.aws.put_log_stream("/freshet/nycdb/prod", "hpd_violations/worker/1", &[(now, record.to_string())]).unwrap();
    let status = stage.json(["status"]);
    let of = |name: &str| {
        let datasets = status["datasets"].as_array().unwrap();
        datasets.iter().find(|dataset| dataset["dataset"] == name).unwrap().clone()
    };
    assert_eq!(of("hpd_violations")["last_run"]["rows"], 4_123_456);
    assert_eq!(of("acris")["last_run"], Value::Null);
    for name in ["hpd_violations", "acris", "dhs_daily_shelter_count", "pluto_16v2"] {
        let schedule = &of(name)["schedules"][0];
        assert_eq!(schedule["state"], "enabled", "{name}");
        assert!(schedule["next"]["utc"].as_str().unwrap().ends_with('Z'), "{name}");
        assert!(
            schedule["definition"].as_str().unwrap().ends_with(&format!("freshet-nycdb-prod-{name}:1")),
            "{schedule}"
        );
    }
    let text = stage.deploy(["status"]).expect_code(0).stdout;
    assert!(text.contains("2026-11-20 03:12Z  published  4123456"), "{text}");
    assert_eq!(stage.proxy.calls_of("logs:FilterLogEvents").len(), 2, "one sweep each");
}
