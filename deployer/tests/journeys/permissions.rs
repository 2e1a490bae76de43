//! The generated policy is what is called, and what AWS asks for besides: no more and no less.

use std::collections::BTreeSet;

use deployer::desired::policy::{DEPENDENT, LONGEST};
use freshet_tests::proxy::{Call, Fault, When};
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
    // Batch was never used in this account.
    stage.aws.query("iam", "DeleteRole", &[("RoleName", "AWSServiceRoleForBatch")]).unwrap();
    // Whose a thing is that has a name which we want, is asked of the thing.
    let rule = json!({"Name": "freshet-nycdb-prod.dhs_daily_shelter_count", "ScheduleExpression": "rate(1 day)"});
    stage.aws.json("events", "PutRule", &rule).unwrap();
    let alarm = json!({"AlarmName": "freshet-nycdb-prod.runs-failed", "Namespace": "City", "MetricName": "Age", "Statistic": "Sum",
        "Period": 60, "EvaluationPeriods": 1, "Threshold": 1, "ComparisonOperator": "GreaterThanThreshold"});
    stage.aws.json("monitoring", "PutMetricAlarm", &alarm).unwrap();
    stage.deploy(["plan"]).expect_code(4);
    stage.aws.json("events", "DeleteRule", &json!({"Name": rule["Name"]})).unwrap();
    stage.aws.json("monitoring", "DeleteAlarms", &json!({"AlarmNames": [alarm["AlarmName"]]})).unwrap();
    stage.deploy(["schedule-all"]).expect_code(0);
    // Everything is changed in place once.
    let changed =
        stack.replace("tags: {team: data}", "tags: {team: other}\nnotify: [a@example.org]\nlog_retention: 30\npermissions_boundary: arn:aws:iam::aws:policy/PowerUserAccess");
    stage.write("freshet.yml", &changed);
    let spot = "engine: fargate\ncapacity: spot\ncpu: 512\nmemory: 1024\ntimeout: 2h\nattempts: 2\n";
    stage.write("task-defs/small.yml", spot);
    let mut entries = four();
    for entry in &mut entries {
        entry.cron = "0 4 * * *".to_owned();
    }
    stage.datasets(&entries);
    let queue = json!({"QueueName": "freshet-nycdb-prod-dead-letters"});
    let url = stage.aws.json("sqs", "GetQueueUrl", &queue).unwrap()["QueueUrl"].clone();
    let shorter = json!({"QueueUrl": url, "Attributes": {"MessageRetentionPeriod": "60"}});
    stage.aws.json("sqs", "SetQueueAttributes", &shorter).unwrap();
    let run = |command: &[&str]| stage.deploy(command.iter().copied()).expect_code(0);
    for command in [
        &["plan"][..],
        &["schedule-all"],
        &["secrets", "list"],
        &["secrets", "check"],
        &["run", "hpd_violations"],
        // While its task runs.
        &["gc", "--keep", "5"],
        &["status"],
        &["pause", "--all"],
        &["resume", "--all"],
        &["rollback", "hpd_violations"],
        &["rollback", "hpd_violations", "--unpin"],
        &["drift", "--repair"],
        &["iam", "diff"],
    ] {
        run(command);
    }
    // A boundary goes as it came.
    stage.write("freshet.yml", &changed.replace("permissions_boundary: arn:aws:iam::aws:policy/PowerUserAccess", ""));
    run(&["schedule-all"]);
    // The answer to a job is lost, which is looked for.
    stage.proxy.inject(When::operation("batch:SubmitJob").nth(1), Fault::CutAfter);
    run(&["run", "acris"]);
    run(&["gc", "--keep", "1"]);
    run(&["destroy", "--data", "--confirm", "nycdb/prod"]);
    // What is asked of a registry and of a database's network; neither is there.
    let image = "123456789012.dkr.ecr.us-east-1.amazonaws.com/worker:1";
    let digest = format!("ghcr.io/example/freshet-worker@sha256:{}", "0".repeat(64));
    stage.write("freshet.yml", &stack.replace(&digest, image));
    stage.deploy(["plan"]).expect_code(4);
    let network = stack.lines().find(|line| line.starts_with("network:")).unwrap();
    stage.write("freshet.yml", &stack.replace(network, "network: {like: \"rds:city\"}"));
    stage.deploy(["plan"]).expect_code(4);
    stage.write("freshet.yml", &stack);
    let called: BTreeSet<String> = stage.proxy.calls().iter().map(Call::name).collect();

    let policy = stage.json(["iam", "policy"]);
    let allowed = actions(&policy);
    let dependent: BTreeSet<String> = DEPENDENT.iter().map(|(action, _)| (*action).to_owned()).collect();
    let denied: Vec<&String> = called.difference(&allowed).collect();
    assert!(denied.is_empty(), "called and not allowed: {denied:?}");
    let needless: Vec<&String> =
        allowed.iter().filter(|action| !called.contains(*action) && !dependent.contains(*action)).collect();
    assert!(needless.is_empty(), "allowed and never called: {needless:?}");
    assert!(dependent.is_subset(&allowed));
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
