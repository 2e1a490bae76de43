//! Things of others: never changed, never deleted, and taken over only when told.

use serde_json::{Value, json};

use crate::stage::{Stage, codes, four, lines, names};

const QUEUE: &str = "freshet-nycdb-prod-dead-letters";

fn refused(stage: &Stage, name: &str) {
    let run = stage.deploy(["schedule-all", "--output", "json"]).expect_code(4);
    let plan: Value = serde_json::from_str(&run.stdout).unwrap();
    assert_eq!(codes(&plan), ["D202"], "{plan:#}");
    let finding = &plan["findings"][0];
    assert_eq!(finding["place"], name);
    assert!(finding["remedy"].as_str().unwrap().contains(&format!("--adopt {name}")), "{finding}");
    assert_eq!(names(&stage.proxy.writes()), [] as [&str; 0], "nothing was touched");
}

#[test]
fn a_queue_of_another_is_refused_by_name_and_can_be_adopted() {
    let stage = Stage::with(&four());
    stage.set_secret();
    let tags = json!({"aws:cloudformation:stack-name": "legacy"});
    stage.aws.json("sqs", "CreateQueue", &json!({"QueueName": QUEUE, "tags": tags})).unwrap();
    stage.proxy.reset();
    refused(&stage, QUEUE);
    let message = &stage.json(["plan"])["findings"][0]["message"];
    assert!(message.as_str().unwrap().contains("CloudFormation stack legacy"), "{message}");

    let adopted = stage.json(["schedule-all", "--adopt", QUEUE]);
    assert!(lines(&adopted).contains(&format!("adopt queue {QUEUE}")), "{adopted:#}");
    assert_eq!(adopted["applied"]["failures"], json!([]));
    assert_eq!(stage.plan(), [] as [&str; 0]);
}

#[test]
fn a_rule_a_role_and_a_definition_of_others_are_refused() {
    let stage = Stage::with(&four());
    stage.set_secret();
    let rule = json!({"Name": "freshet-nycdb-prod.pluto_16v2", "ScheduleExpression": "rate(1 day)"});
    stage.aws.json("events", "PutRule", &rule).unwrap();
    let family = json!({"family": "freshet-nycdb-prod-hpd_violations", "containerDefinitions": [{"name": "x", "image": "x", "memory": 128}]});
    stage.aws.json("ecs", "RegisterTaskDefinition", &family).unwrap();
    // Elsewhere in IAM's paths, but role names are one space per account.
    let trust = r#"{"Version":"2012-10-17","Statement":[]}"#;
    let scheduler = [("RoleName", "freshet-nycdb-prod-scheduler"), ("AssumeRolePolicyDocument", trust)];
    stage.aws.query("iam", "CreateRole", &scheduler).unwrap();
    stage.proxy.reset();
    let run = stage.deploy(["schedule-all", "--output", "json"]).expect_code(4);
    let plan: Value = serde_json::from_str(&run.stdout).unwrap();
    assert_eq!(codes(&plan), ["D202", "D202", "D204"], "{plan:#}");
    assert_eq!(names(&stage.proxy.writes()), [] as [&str; 0]);
}

#[test]
fn a_cluster_of_others_is_used_and_left_as_it_is() {
    let stage = Stage::with(&four());
    stage.set_secret();
    stage.aws.json("ecs", "CreateCluster", &json!({"clusterName": "civic"})).unwrap();
    stage.deploy(["schedule-all"]).expect_code(0);
    assert!(stage.proxy.calls_of("ecs:CreateCluster").is_empty());
    let shown =
        stage.aws.json("ecs", "DescribeClusters", &json!({"clusters": ["civic"], "include": ["TAGS"]})).unwrap();
    assert_eq!(shown["clusters"][0]["tags"].as_array().map_or(0, Vec::len), 0);
}

#[test]
fn two_environments_of_one_stack_do_not_touch_each_other() {
    let stage = Stage::deployed(&four());
    let prod = stage.everything();
    let stack = stage.read("freshet.yml");
    stage.write(
        "freshet.yml",
        &format!("{stack}  test: {{account: \"123456789012\", region: us-east-1, cluster: civic}}\n"),
    );
    let run = stage.deploy(["plan"]).run().unwrap();
    assert_eq!(run.code(), Some(64), "{}", run.stderr);
    assert!(run.stderr.contains("prod, test"), "{}", run.stderr);

    stage.deploy(["schedule-all", "--env", "test"]).expect_code(0);
    stage.datasets(&four()[..1]);
    stage.deploy(["schedule-all", "--env", "test", "--allow-deletes", "20"]).expect_code(0);
    for (kind, names) in &stage.everything() {
        assert!(prod[kind].is_subset(names), "{kind}: {names:?}");
    }
}

#[test]
fn the_credentials_of_another_account_are_refused_before_anything_is_asked() {
    let stage = Stage::with(&four());
    stage.write("freshet.yml", &stage.read("freshet.yml").replace("123456789012", "999999999999"));
    let run = stage.deploy(["schedule-all"]).expect_code(1);
    assert!(run.stderr.contains("123456789012") && run.stderr.contains("pinned to 999999999999"), "{}", run.stderr);
    assert_eq!(names(&stage.proxy.calls()), ["sts:GetCallerIdentity"]);
}
