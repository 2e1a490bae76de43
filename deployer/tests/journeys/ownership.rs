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
    let tags = json!({"owner": "platform"});
    stage.aws.json("sqs", "CreateQueue", &json!({"QueueName": QUEUE, "tags": tags})).unwrap();
    stage.proxy.reset();
    refused(&stage, QUEUE);
    let message = &stage.json(["plan"])["findings"][0]["message"];
    assert!(message.as_str().unwrap().contains("owned by the owner platform"), "{message}");

    let adopted = stage.json(["schedule-all", "--adopt", QUEUE]);
    assert!(lines(&adopted).contains(&format!("adopt queue {QUEUE}")), "{adopted:#}");
    assert_eq!(adopted["applied"]["failures"], json!([]));
    assert_eq!(stage.plan(), [] as [&str; 0]);
}

#[test]
fn what_cloudformation_terraform_or_another_stack_keeps_is_never_taken_over() {
    let stage = Stage::with(&four());
    stage.set_secret();
    let stack = json!({"aws:cloudformation:stack-name": "legacy"});
    stage.aws.json("sqs", "CreateQueue", &json!({"QueueName": QUEUE, "tags": stack})).unwrap();
    let terraform = json!([{"Key": "ManagedBy", "Value": "terraform"}]);
    let rule = "freshet-nycdb-prod.pluto_16v2";
    stage
        .aws
        .json("events", "PutRule", &json!({"Name": rule, "ScheduleExpression": "rate(1 day)", "Tags": terraform}))
        .unwrap();
    let theirs = [
        ("RoleName", "freshet-nycdb-prod-scheduler"),
        ("Path", "/freshet/nycdb/prod/"),
        ("AssumeRolePolicyDocument", r#"{"Version":"2012-10-17","Statement":[]}"#),
        ("Description", "Managed by Terraform"),
    ];
    stage.aws.query("iam", "CreateRole", &theirs).unwrap();
    let family = "freshet-nycdb-prod-hpd_violations";
    let other = json!([{"key": "freshet:stack", "value": "other"}, {"key": "freshet:environment", "value": "prod"}]);
    let container = json!([{"name": "x", "image": "x", "memory": 128}]);
    let definition = json!({"family": family, "containerDefinitions": container, "tags": other});
    stage.aws.json("ecs", "RegisterTaskDefinition", &definition).unwrap();
    stage.proxy.reset();

    let names_of = [QUEUE, rule, "freshet-nycdb-prod-scheduler", family];
    let adopt = names_of.iter().flat_map(|name| ["--adopt", name]);
    let run = stage.deploy(["schedule-all", "--output", "json"].into_iter().chain(adopt)).expect_code(4);
    let plan: Value = serde_json::from_str(&run.stdout).unwrap();
    let mut told: Vec<&str> =
        plan["findings"].as_array().unwrap().iter().map(|finding| finding["message"].as_str().unwrap()).collect();
    told.sort_unstable();
    let owners = [
        "CloudFormation stack legacy",
        "Terraform, as its description says",
        "Terraform (tag ManagedBy=terraform)",
        "stack other/prod",
    ];
    let expected = ["a queue", "a role", "a rule", "a task definition"].into_iter().zip(owners);
    let expected: Vec<String> =
        expected.map(|(what, who)| format!("{what} of this name exists without our marker, owned by {who}")).collect();
    assert_eq!(told, expected, "{plan:#}");
    assert!(!run.stdout.contains("take it over with"), "{}", run.stdout);
    assert_eq!(names(&stage.proxy.writes()), [] as [&str; 0]);

    let run = stage.deploy(["secrets", "set", "DATABASE_URL", "--adopt"]).stdin("x").expect_code(0);
    assert!(run.stdout.contains("updated"), "ours already: {}", run.stdout);
    let run = stage.deploy(["plan", "--adopt", "freshet-nycdb-prod-dead-leters"]).expect_code(64);
    assert!(run.stderr.contains(&format!("did you mean `{QUEUE}`")), "{}", run.stderr);
}

#[test]
fn an_adopted_rule_starts_what_the_manifest_says_and_nothing_else() {
    let stage = Stage::with(&four());
    stage.set_secret();
    let rule = "freshet-nycdb-prod.dhs_daily_shelter_count";
    stage.aws.json("events", "PutRule", &json!({"Name": rule, "ScheduleExpression": "rate(1 day)"})).unwrap();
    let queue = json!({"Id": "mine", "Arn": "arn:aws:sqs:us-east-1:123456789012:mine"});
    stage.aws.json("events", "PutTargets", &json!({"Rule": rule, "Targets": [queue]})).unwrap();
    let adopted = stage.json(["schedule-all", "--adopt", rule]);
    assert!(lines(&adopted).contains(&format!("adopt rule {rule}")), "{adopted:#}");
    let targets = stage.aws.list_targets_by_rule(rule).unwrap();
    assert_eq!(targets.len(), 1, "{targets:?}");
    assert_eq!(stage.plan(), [] as [&str; 0]);

    // Somebody adds one: a plan believes the hash, drift does not.
    stage.aws.json("events", "PutTargets", &json!({"Rule": rule, "Targets": [queue]})).unwrap();
    assert_eq!(stage.plan(), [] as [&str; 0]);
    let told = stage.deploy(["drift"]).expect_code(4).stdout;
    assert!(told.contains("other_targets"), "{told}");
    stage.aws.json("events", "RemoveTargets", &json!({"Rule": rule, "Ids": ["worker"]})).unwrap();
    stage.deploy(["drift", "--repair"]).expect_code(0);
    stage.deploy(["drift"]).expect_code(0);
    assert_eq!(stage.aws.list_targets_by_rule(rule).unwrap().len(), 1);

    // Its mark is taken off: it is not repaired behind anybody's back.
    stage.aws.json("events", "PutRule", &json!({"Name": rule, "ScheduleExpression": "rate(1 day)"})).unwrap();
    stage.proxy.reset();
    let told = stage.deploy(["drift", "--repair"]).expect_code(4).stdout;
    assert!(told.contains(&format!("--adopt {rule}")), "{told}");
    assert_eq!(names(&stage.proxy.writes()), [] as [&str; 0]);
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
