//! Container jobs of other images, beside datasets that the worker loads: registered, told of, found again and taken away
//! like any other.

use std::fs;

use serde_json::{Value, json};

use crate::stage::{Entry, Stage, codes, lines, names};

const SCRAPER: &str = "ghcr.io/example/scraper@sha256:0000000000000000000000000000000000000000000000000000000000000001";

/// Two jobs beside a dataset: one on ECS that follows the dataset, one on Batch in three copies that follows the job.
fn stage() -> Stage {
    let stage = Stage::with(&[Entry::new("acris", "small", "scheduler")]);
    let stack = stage.read("freshet.yml");
    let secrets = "{DATABASE_URL: \"nycdb/database:url\", OCA_TOKEN: nycdb/oca}";
    stage.write("freshet.yml", &stack.replace("{DATABASE_URL: \"nycdb/database:url\"}", secrets));
    stage.write(
        "datasets/nyc/oca_filings.yml",
        &format!(
            "dataset: oca_filings\ntitle: Filings, scraped\npublisher: a court\ndepends_on: acris\njob:\n  image: {SCRAPER}\n  \
             command: [python, -m, scrape]\n  secrets: [DATABASE_URL, OCA_TOKEN]\n  environment: {{SINCE: 2016}}\n"
        ),
    );
    stage.write(
        "datasets/nyc/oca_summary.yml",
        &format!(
            "dataset: oca_summary\ntitle: Their summary\npublisher: a court\ndepends_on: oca_filings\njob:\n  \
             image: {SCRAPER}\n  array: 3\n"
        ),
    );
    let schedules = stage.read("schedules/nyc.yml");
    let entries = "  oca_filings: {cron: \"0 4 * * *\", task-def: small}\n  oca_summary: {cron: \"0 6 1 * *\", task-def: batch}\n";
    stage.write("schedules/nyc.yml", &format!("{schedules}{entries}"));
    stage
}

fn task_definition(stage: &Stage, family: &str) -> Value {
    stage.aws.json("ecs", "DescribeTaskDefinition", &json!({"taskDefinition": family})).unwrap()["taskDefinition"]
        .clone()
}

#[test]
fn a_job_is_registered_scheduled_told_of_and_taken_away_like_any_other() {
    let stage = stage();
    stage.set_secret();
    // A required secret of a job that has no value: registered all the same, and off.
    let plan = stage.json(["schedule-all"]);
    assert_eq!(codes(&plan), ["D201"], "{plan:#}");
    let off = schedule(&stage, "oca_filings.");
    assert_eq!(off["State"], "DISABLED");
    stage.deploy(["secrets", "set", "OCA_TOKEN"]).stdin("token-1").expect_code(0);
    stage.deploy(["schedule-all"]).expect_code(0);
    assert_eq!(schedule(&stage, "oca_filings.")["State"], "ENABLED");
    assert_eq!(stage.plan(), [] as [&str; 0]);
    stage.deploy(["drift"]).expect_code(0);

    let registered = task_definition(&stage, "freshet-nycdb-prod-oca_filings");
    let container = &registered["containerDefinitions"][0];
    assert_eq!((&container["image"], &container["command"]), (&json!(SCRAPER), &json!(["python", "-m", "scrape"])));
    let secret = |name: &str| format!("arn:aws:secretsmanager:us-east-1:123456789012:secret:nycdb/{name}");
    assert_eq!(
        container["secrets"],
        json!([
            {"name": "DATABASE_URL", "valueFrom": format!("{}:url::", secret("database"))},
            {"name": "OCA_TOKEN", "valueFrom": secret("oca")},
        ])
    );
    let variables = container["environment"].to_string();
    assert!(variables.contains("SINCE") && !variables.contains("MANIFEST"), "{variables}");
    let role = registered["executionRoleArn"].as_str().unwrap().rsplit('/').next().unwrap();
    let own = [("RoleName", role), ("PolicyName", "freshet")];
    let policy = stage.aws.query("iam", "GetRolePolicy", &own).unwrap();
    assert!(policy.contains("secretsmanager") && policy.contains("nycdb/oca"), "{policy}");

    // Batch starts three copies, and again those whose host went away.
    let input: Value =
        serde_json::from_str(schedule(&stage, "oca_summary.")["Target"]["Input"].as_str().unwrap()).unwrap();
    assert_eq!(input["ArrayProperties"], json!({"Size": 3}));
    let jobs =
        stage.aws.rest("batch", "POST", "/v1/describejobdefinitions", Some(&json!({"status": "ACTIVE"}))).unwrap();
    let retry = &jobs["jobDefinitions"][0]["retryStrategy"];
    assert_eq!(retry["attempts"], 3);
    assert!(retry["evaluateOnExit"].to_string().contains("Host EC2"), "{retry}");

    // Only the exit code tells whether a job did well: 0 starts what follows, all others are told.
    let pattern = |rule: &str| -> Value {
        let found = stage.aws.describe_rule(&format!("freshet-nycdb-prod.{rule}")).unwrap();
        serde_json::from_str(found["EventPattern"].as_str().unwrap()).unwrap()
    };
    assert_eq!(pattern("oca_summary-after")["detail"]["containers"], json!({"exitCode": [0]}));
    assert_eq!(pattern("-failed-oca_filings")["detail"]["containers"], json!({"exitCode": [{"anything-but": [0]}]}));
    assert_eq!(pattern("-failed-oca_summary")["detail"]["status"], json!(["FAILED"]));

    fs::remove_file(stage.path().join("datasets/nyc/oca_filings.yml")).unwrap();
    fs::remove_file(stage.path().join("datasets/nyc/oca_summary.yml")).unwrap();
    let kept = stage.read("schedules/nyc.yml");
    let kept: Vec<&str> = kept.lines().filter(|line| !line.contains("oca_")).collect();
    stage.write("schedules/nyc.yml", &(kept.join("\n") + "\n"));
    stage.deploy(["schedule-all", "--allow-deletes", "20"]).expect_code(0);
    let left: Vec<String> = stage.everything().into_values().flatten().filter(|name| name.contains("oca_")).collect();
    assert_eq!(left.iter().filter(|name| !name.contains("task-definition/")).count(), 0, "{left:?}");
    assert_eq!(stage.plan(), [] as [&str; 0]);
}

#[test]
fn what_a_job_cannot_be_is_refused_before_anything_is_touched() {
    let stage = stage();
    stage.set_secret();
    let stack = stage.read("freshet.yml");
    stage
        .write("freshet.yml", &stack.replace("OCA_TOKEN: nycdb/oca", "OCA_TOKEN: {secret: nycdb/oca, optional: true}"));
    let plan = stage.json(["plan"]);
    assert!(codes(&plan).contains(&"D207".to_owned()), "{plan:#}");
    assert!(!lines(&plan).is_empty());
    stage.proxy.reset();
    stage.deploy(["schedule-all"]).expect_code(4);
    assert_eq!(names(&stage.proxy.writes()), [] as [&str; 0]);

    // A dataset that the worker makes cannot follow what the worker knows nothing of.
    let text = stage.read("datasets/nyc/acris.yml").replace("title: acris", "title: acris\ndepends_on: oca_summary");
    stage.write("datasets/nyc/acris.yml", &text);
    let told = stage.deploy(["check"]).expect_code(4).stdout;
    assert!(told.contains("only jobs can follow jobs"), "{told}");
}

fn schedule(stage: &Stage, prefix: &str) -> Value {
    let schedules = &stage.everything()["schedules"];
    let name = schedules.iter().find(|name| name.starts_with(prefix)).unwrap();
    stage.aws.get_schedule("freshet-nycdb-prod", name).unwrap()
}
