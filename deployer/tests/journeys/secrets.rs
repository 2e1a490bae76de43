//! Secrets: looked for, never invented, never seen.

use freshet_tests::binaries::{assert_no_secret, assert_no_secret_in};
use serde_json::{Value, json};

use crate::stage::{CANARY, Stage, codes, four, lines};

fn states(stage: &Stage) -> Vec<(String, bool)> {
    let mut states: Vec<(String, bool)> = Vec::new();
    for name in &stage.everything()["schedules"] {
        let schedule = stage.aws.get_schedule("freshet-nycdb-prod", name).unwrap();
        states.push((name.split('.').next().unwrap().to_owned(), schedule["State"] == "ENABLED"));
    }
    let rules = stage.aws.json("events", "ListRules", &json!({})).unwrap();
    // The rule that tells people needs no secret.
    let starts = |rule: &&Value| !rule["Name"].as_str().unwrap().ends_with("-stopped");
    for rule in rules["Rules"].as_array().unwrap().iter().filter(starts) {
        let name = rule["Name"].as_str().unwrap().rsplit('.').next().unwrap();
        states.push((name.to_owned(), rule["State"] == "ENABLED"));
    }
    states
}

#[test]
fn schedules_of_a_missing_secret_are_registered_disabled_until_it_has_a_value() {
    let stage = Stage::with(&four());
    let run = stage.deploy(["schedule-all", "--output", "json"]).expect_code(4);
    let applied: Value = serde_json::from_str(&run.stdout).unwrap();
    assert_eq!(codes(&applied), ["D201"]);
    assert!(applied["findings"][0]["remedy"].as_str().unwrap().contains("deploy secrets set DATABASE_URL"));
    assert_eq!(applied["applied"]["failures"], json!([]));
    assert_eq!(states(&stage).iter().filter(|(_, enabled)| *enabled).count(), 0);
    assert_eq!(stage.proxy.calls_of("secretsmanager:CreateSecret").len(), 0, "a value is never invented");
    assert_eq!(stage.plan(), [] as [&str; 0]);

    stage.set_secret();
    let plan = stage.json(["plan"]);
    assert_eq!(lines(&plan).len(), 4, "every trigger, and nothing else: {plan:#}");
    assert!(plan.to_string().contains("is enabled: its secrets have values"), "{plan:#}");
    stage.deploy(["schedule-all"]).expect_code(0);
    assert_eq!(states(&stage).iter().filter(|(_, enabled)| *enabled).count(), 4, "{:?}", states(&stage));
    assert_eq!(stage.plan(), [] as [&str; 0]);
}

#[test]
fn a_secrets_value_is_seen_nowhere() {
    let stage = Stage::with(&four());
    let file = stage.path().join("value");
    std::fs::write(&file, format!("{CANARY}\n")).unwrap();
    let secrets = [CANARY, "canary-7c1f9e"];
    let set = stage.deploy(["-v", "secrets", "set", "DATABASE_URL", "--file", file.to_str().unwrap()]).expect_code(0);
    let again = stage.deploy(["secrets", "set", "DATABASE_URL"]).stdin(CANARY).expect_code(0);
    assert!(set.stdout.contains("created") && again.stdout.contains("unchanged"), "{}{}", set.stdout, again.stdout);
    let runs = [set, again].into_iter().chain(
        [
            &["secrets", "list"][..],
            &["secrets", "check"],
            &["-v", "schedule-all"],
            &["plan"],
            &["status"],
            &["run", "acris"],
        ]
        .map(|arguments| stage.deploy(arguments.iter().copied()).expect_code(0)),
    );
    for run in runs {
        assert_no_secret(&run, &secrets);
    }
    // Neither in a request, but for the one that sets it, nor in what AWS holds.
    for call in stage.proxy.calls() {
        if !["secretsmanager:CreateSecret", "secretsmanager:GetSecretValue"].contains(&call.name().as_str()) {
            assert_no_secret_in(&call.name(), &String::from_utf8_lossy(&call.body), &secrets);
            assert_no_secret_in(&call.name(), &String::from_utf8_lossy(&call.answer), &secrets);
        }
    }
    let held: Value = serde_json::from_str(&stage.aws.get_secret_value("nycdb/database").unwrap()).unwrap();
    assert_eq!(held, json!({"url": CANARY}));
}

#[test]
fn a_key_is_set_beside_others_and_a_secret_of_others_only_when_told() {
    let stage = Stage::with(&four());
    stage.aws.put_secret("nycdb/database", r#"{"user": "loader"}"#).unwrap();
    let run = stage.deploy(["secrets", "set", "DATABASE_URL"]).stdin(CANARY).expect_code(1);
    assert!(run.stderr.contains("--adopt"), "{}", run.stderr);
    let check = stage.deploy(["secrets", "check"]).expect_code(4);
    assert!(check.stdout.contains("lacks the key `url`"), "{}", check.stdout);
    stage.deploy(["secrets", "set", "DATABASE_URL", "--adopt"]).stdin(CANARY).expect_code(0);
    let held: Value = serde_json::from_str(&stage.aws.get_secret_value("nycdb/database").unwrap()).unwrap();
    assert_eq!(held, json!({"user": "loader", "url": CANARY}));
    stage.deploy(["secrets", "check"]).expect_code(0);
}

#[test]
fn an_empty_value_and_an_unknown_name_are_refused_before_anything_is_asked() {
    let stage = Stage::with(&four());
    stage.deploy(["secrets", "set", "DATABASE_URL"]).stdin("\n").expect_code(1);
    assert!(stage.proxy.calls().is_empty());
    let run = stage.deploy(["secrets", "set", "DATABASE_URI"]).stdin(CANARY).expect_code(1);
    assert!(run.stderr.contains("did you mean DATABASE_URL?"), "{}", run.stderr);
    assert!(stage.proxy.writes().is_empty());
}
