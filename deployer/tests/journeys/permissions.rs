//! The generated policy is what is called, and what AWS asks for besides: no more and no less.

use std::collections::BTreeSet;

use deployer::desired::policy::{DEPENDENT, LONGEST, RARE};
use serde_json::{Value, json};

use crate::stage::{Stage, four};

fn actions(policy: &Value) -> BTreeSet<String> {
    let statements = policy["Statement"].as_array().unwrap();
    let actions = statements.iter().flat_map(|statement| statement["Action"].as_array().unwrap());
    actions.map(|action| action.as_str().unwrap().to_owned()).collect()
}

#[test]
fn whoever_deploys_is_allowed_what_is_called_and_nothing_else() {
    let stage = Stage::with(&four());
    stage.set_secret();
    stage
        .deploy(["secrets", "set", "DATABASE_URL"])
        .stdin("postgres://loader@elsewhere.example.org/city")
        .expect_code(0);
    let stack = stage.read("freshet.yml");
    stage.deploy(["schedule-all"]).expect_code(0);
    // Everything is changed in place once.
    let changed =
        stack.replace("tags: {team: data}", "tags: {team: other}\nnotify: [a@example.org]\nlog_retention: 30");
    stage.write("freshet.yml", &changed);
    let mut entries = four();
    for entry in &mut entries {
        entry.cron = "0 4 * * *".to_owned();
    }
    stage.datasets(&entries);
    let queue = json!({"QueueName": "freshet-nycdb-prod-dead-letters"});
    let url = stage.aws.json("sqs", "GetQueueUrl", &queue).unwrap()["QueueUrl"].clone();
    let shorter = json!({"QueueUrl": url, "Attributes": {"MessageRetentionPeriod": "60"}});
    stage.aws.json("sqs", "SetQueueAttributes", &shorter).unwrap();
    for command in [
        &["schedule-all"][..],
        &["secrets", "check"],
        &["run", "acris"],
        &["run", "hpd_violations"],
        &["status"],
        &["pause", "--all"],
        &["resume", "--all"],
        &["drift", "--repair"],
    ] {
        stage.deploy(command.iter().copied()).expect_code(0);
    }
    stage.deploy(["gc", "--keep", "1"]).expect_code(0);
    stage.deploy(["destroy", "--data", "--confirm", "nycdb/prod"]).expect_code(0);
    let called: BTreeSet<String> = stage.proxy.calls().iter().map(freshet_tests::proxy::Call::name).collect();

    let policy = stage.json(["iam", "policy"]);
    let allowed = actions(&policy);
    let known =
        |list: &[(&str, &str)]| list.iter().map(|(action, _)| (*action).to_owned()).collect::<BTreeSet<String>>();
    let (dependent, rare) = (known(DEPENDENT), known(RARE));
    let denied: Vec<&String> = called.difference(&allowed).collect();
    assert!(denied.is_empty(), "called and not allowed: {denied:?}");
    let needless: Vec<&String> = allowed
        .iter()
        .filter(|action| !called.contains(*action) && !dependent.contains(*action) && !rare.contains(*action))
        .collect();
    assert!(needless.is_empty(), "allowed and never called: {needless:?}");
    assert!(dependent.is_subset(&allowed) && rare.is_subset(&allowed));
    assert!(policy.to_string().len() <= LONGEST, "{} characters", policy.to_string().len());
    assert!(!policy.to_string().contains("\"iam:*\""));
}

#[test]
fn a_role_that_was_changed_is_told() {
    let stage = Stage::deployed(&four());
    stage.deploy(["iam", "diff"]).expect_code(0);
    let policy = json!({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:ListAllMyBuckets", "Resource": "*"}]}).to_string();
    let emptied = [("RoleName", "freshet-nycdb-prod-events"), ("PolicyName", "freshet"), ("PolicyDocument", &policy)];
    stage.aws.query("iam", "PutRolePolicy", &emptied).unwrap();
    let told = stage.deploy(["iam", "diff"]).expect_code(4).stdout;
    assert!(told.contains("freshet-nycdb-prod-events") && told.contains("1 of 4"), "{told}");
}
