//! Day two: holding what fires, going back, taking a stack away.

use serde_json::{Value, json};

use crate::stage::{Entry, Stage, four, lines, names};

/// The one schedule of a dataset, as it is at the endpoint.
fn schedule(stage: &Stage, dataset: &str) -> (String, Value) {
    let prefix = format!("{dataset}.");
    let schedules = &stage.everything()["schedules"];
    let name = schedules.iter().find(|name| name.starts_with(&prefix)).unwrap();
    (name.clone(), stage.aws.get_schedule("freshet-nycdb-prod", name).unwrap())
}

fn rule_state(stage: &Stage, dataset: &str) -> Value {
    stage.aws.describe_rule(&format!("freshet-nycdb-prod.{dataset}")).unwrap()["State"].clone()
}

/// The task or job definition that a schedule starts, `name:revision`.
fn started(schedule: &Value) -> String {
    let target = &schedule["Target"];
    let job: Value = serde_json::from_str(target["Input"].as_str().unwrap()).unwrap();
    let arn = target["EcsParameters"]["TaskDefinitionArn"].as_str().or(job["JobDefinition"].as_str()).unwrap();
    arn.rsplit('/').next().unwrap().to_owned()
}

fn held(plan: &Value) -> Vec<String> {
    let held = plan["held"].as_array().into_iter().flatten();
    held.map(|held| format!("{}: {}", held["name"].as_str().unwrap().split('.').next().unwrap(), held["how"])).collect()
}

#[test]
fn a_paused_dataset_fires_again_when_it_is_resumed_and_the_plan_shows_it_meanwhile() {
    let stage = Stage::deployed(&four());
    let before = schedule(&stage, "hpd_violations");
    stage.deploy(["pause", "hpd_violations", "dhs_daily_shelter_count"]).expect_code(0);
    assert_eq!(schedule(&stage, "hpd_violations").1["State"], "DISABLED");
    assert_eq!(rule_state(&stage, "dhs_daily_shelter_count"), "DISABLED");
    assert_eq!(rule_state(&stage, "pluto_16v2"), "ENABLED");
    let plan = stage.json(["plan"]);
    assert_eq!(lines(&plan), [] as [&str; 0], "a decision of a person is no change");
    assert_eq!(held(&plan), ["hpd_violations: [\"disabled\"]", "freshet-nycdb-prod: [\"disabled\"]"]);

    stage.deploy(["resume", "--all"]).expect_code(0);
    let (name, after) = schedule(&stage, "hpd_violations");
    assert_eq!(name, before.0);
    let content = |schedule: &Value| {
        let mut schedule = schedule.clone();
        schedule.as_object_mut().unwrap().remove("LastModificationDate");
        // What AWS writes into an answer is written back with it: defaults and empty lists.
        let parameters = schedule["Target"]["EcsParameters"].as_object_mut().unwrap();
        parameters.retain(|name, value| *value != json!([]) && name != "EnableExecuteCommand");
        schedule
    };
    assert_eq!(content(&after), content(&before.1), "nothing but the pause was touched");
    assert_eq!(rule_state(&stage, "dhs_daily_shelter_count"), "ENABLED");
    assert_eq!(held(&stage.json(["plan"])), [] as [&str; 0]);
}

#[test]
fn a_pause_until_a_time_ends_by_itself_and_rules_do_not_know_it() {
    let stage = Stage::deployed(&four());
    stage.deploy(["pause", "acris", "--until", "2031-01-01T00:00Z"]).expect_code(0);
    assert_eq!(schedule(&stage, "acris").1["State"], "ENABLED");
    assert_eq!(held(&stage.json(["plan"])), ["acris: [\"paused until 2031-01-01 00:00Z\"]"]);
    let status = stage.deploy(["status", "acris"]).expect_code(0).stdout;
    assert!(status.contains("paused until 2031-01-01 00:00Z") && status.contains("2031-01-0"), "{status}");

    stage.proxy.reset();
    let run = stage.deploy(["pause", "--all", "--until", "12h"]).expect_code(1);
    assert!(run.stderr.contains("leave `--until` out"), "{}", run.stderr);
    assert_eq!(names(&stage.proxy.writes()), [] as [&str; 0]);
    stage.deploy(["pause", "acris", "--until", "2001-01-01T00:00Z"]).expect_code(1);
    stage.deploy(["pause", "acris", "--until", "tomorrow"]).expect_code(64);
    stage.deploy(["pause"]).expect_code(64);
}

/// Two revisions of each of these datasets.
fn twice_deployed(datasets: &[&str]) -> Stage {
    let stage = Stage::deployed(&four());
    for dataset in datasets {
        retitle(&stage, dataset, "Another title");
    }
    stage.deploy(["schedule-all"]).expect_code(0);
    stage
}

fn retitle(stage: &Stage, dataset: &str, title: &str) {
    let file = format!("datasets/nyc/{dataset}.yml");
    let rest: Vec<String> =
        stage.read(&file).lines().filter(|line| !line.starts_with("title:")).map(str::to_owned).collect();
    stage.write(&file, &format!("title: {title}\n{}\n", rest.join("\n")));
}

#[test]
fn a_rolled_back_dataset_stays_there_until_its_manifest_changes() {
    let mut entries = four();
    let stage = twice_deployed(&["hpd_violations", "acris"]);
    for (dataset, family) in
        [("hpd_violations", "freshet-nycdb-prod-hpd_violations"), ("acris", "freshet-nycdb-prod-acris")]
    {
        assert_eq!(started(&schedule(&stage, dataset).1), format!("{family}:2"));
        let back = stage.json(["rollback", dataset]);
        assert_eq!((&back["from"], &back["to"], &back["pinned"]), (&json!(2), &json!(1), &json!(true)), "{back}");
        assert_eq!(started(&schedule(&stage, dataset).1), format!("{family}:1"));
    }
    let plan = stage.json(["plan"]);
    assert_eq!(lines(&plan), [] as [&str; 0]);
    assert_eq!(held(&plan), ["acris: [\"pinned to revision 1\"]", "hpd_violations: [\"pinned to revision 1\"]"]);

    // Another hour is no other manifest: the pin goes along.
    for entry in &mut entries {
        entry.cron = "0 4 * * *".to_owned();
    }
    let title = |dataset: &str| stage.read(&format!("datasets/nyc/{dataset}.yml"));
    let kept: Vec<(String, String)> =
        ["hpd_violations", "acris"].map(|dataset| (dataset.to_owned(), title(dataset))).into();
    stage.datasets(&entries);
    for (dataset, text) in kept {
        stage.write(&format!("datasets/nyc/{dataset}.yml"), &text);
    }
    stage.deploy(["schedule-all"]).expect_code(0);
    let (_, moved) = schedule(&stage, "hpd_violations");
    assert_eq!(moved["ScheduleExpression"], "cron(0 4 * * ? *)");
    assert_eq!(started(&moved), "freshet-nycdb-prod-hpd_violations:1");

    // A changed manifest ends it, and says so.
    retitle(&stage, "hpd_violations", "A third title");
    let text = stage.deploy(["plan"]).expect_code(0).stdout;
    assert!(text.contains("is no longer pinned to revision 1: its manifest changed"), "{text}");
    stage.deploy(["schedule-all"]).expect_code(0);
    assert_eq!(started(&schedule(&stage, "hpd_violations").1), "freshet-nycdb-prod-hpd_violations:3");

    stage.deploy(["rollback", "acris", "--unpin"]).expect_code(0);
    assert_eq!(started(&schedule(&stage, "acris").1), "freshet-nycdb-prod-acris:2");
    assert_eq!(held(&stage.json(["plan"])), [] as [&str; 0]);
    let run = stage.deploy(["rollback", "acris", "--to", "7"]).expect_code(1);
    assert!(run.stderr.contains("there is no active revision 7; there are 1, 2"), "{}", run.stderr);
    let run = stage.deploy(["rollback", "pluto_16v2"]).expect_code(1);
    assert!(run.stderr.contains("a rule starts it"), "{}", run.stderr);
}

#[test]
fn a_destroyed_stack_leaves_logs_secrets_and_everything_of_others() {
    let stage = Stage::with(&four());
    stage.set_secret();
    let foreign = json!({"family": "freshet-nycdb-prod-parcels", "containerDefinitions": [{"name": "x", "image": "x", "memory": 128}]});
    stage.aws.json("ecs", "RegisterTaskDefinition", &foreign).unwrap();
    stage
        .aws
        .json("events", "PutRule", &json!({"Name": "freshet-nycdb-prod.x", "ScheduleExpression": "rate(1 day)"}))
        .unwrap();
    let before = stage.everything();
    stage.deploy(["schedule-all"]).expect_code(0);
    stage.proxy.reset();

    for arguments in [&["destroy"][..], &["destroy", "--confirm", "nycdb/test"]] {
        let run = stage.deploy(arguments.iter().copied()).expect_code(4);
        assert!(run.stdout.contains("--confirm nycdb/prod"), "{}", run.stdout);
    }
    assert_eq!(names(&stage.proxy.writes()), [] as [&str; 0]);

    stage.deploy(["destroy", "--confirm", "nycdb/prod"]).expect_code(0);
    assert_eq!(stage.everything(), before);
    assert!(stage.aws.log_group_exists("/freshet/nycdb/prod").unwrap());
    assert!(stage.aws.get_secret_value("nycdb/database").is_ok());
    let again = stage.deploy(["destroy", "--confirm", "nycdb/prod"]).expect_code(0);
    assert!(again.stdout.contains("Nothing to do"), "{}", again.stdout);

    stage.deploy(["destroy", "--data", "--confirm", "nycdb/prod"]).expect_code(0);
    assert!(!stage.aws.log_group_exists("/freshet/nycdb/prod").unwrap());
    assert!(stage.aws.get_secret_value("nycdb/database").is_err());
}

#[test]
fn a_dataset_that_is_made_from_others_is_started_by_their_success() {
    let mut entries = four();
    entries.push(Entry::new("districts", "small", "scheduler"));
    let stage = Stage::with(&entries);
    stage.set_secret();
    let file = "datasets/nyc/districts.yml";
    stage.write(file, &format!("depends_on: [hpd_violations, acris]\n{}", stage.read(file)));
    stage.deploy(["schedule-all"]).expect_code(0);
    let rule = stage.aws.describe_rule("freshet-nycdb-prod.districts-after").unwrap();
    let pattern: Value = serde_json::from_str(rule["EventPattern"].as_str().unwrap()).unwrap();
    let arn =
        |service: &str, rest: &str| json!([{"prefix": format!("arn:aws:{service}:us-east-1:123456789012:{rest}:")}]);
    let expected = json!({"source": ["aws.ecs", "aws.batch"], "detail": {"$or": [
        {
            "lastStatus": ["STOPPED"], "containers": {"exitCode": [0]},
            "taskDefinitionArn": arn("ecs", "task-definition/freshet-nycdb-prod-hpd_violations"),
        },
        {"status": ["SUCCEEDED"], "jobDefinition": arn("batch", "job-definition/freshet-nycdb-prod-acris")},
    ]}});
    assert_eq!(pattern, expected);
    assert_eq!(rule["State"], "ENABLED");
    let target = &stage.aws.list_targets_by_rule("freshet-nycdb-prod.districts-after").unwrap()[0];
    let definition = target["EcsParameters"]["TaskDefinitionArn"].as_str().unwrap();
    assert!(definition.ends_with("freshet-nycdb-prod-districts:1"), "{target}");
    assert_eq!(stage.plan(), [] as [&str; 0]);
    let status = stage.deploy(["status", "districts"]).expect_code(0).stdout;
    assert!(status.contains("after others"), "{status}");
}

#[test]
fn a_saved_plan_is_applied_as_it_is_or_not_at_all() {
    let stage = Stage::with(&four());
    stage.set_secret();
    let file = stage.path().join("plan.json").display().to_string();
    stage.deploy(["plan", "--out", &file]).expect_code(0);
    stage.aws.json("ecs", "CreateCluster", &json!({"clusterName": "civic"})).unwrap();
    stage.proxy.reset();
    let refused = stage.deploy(["schedule-all", "--plan", &file]).expect_code(3);
    assert!(refused.stderr.contains("no longer to be done: create cluster civic"), "{}", refused.stderr);
    assert_eq!(names(&stage.proxy.writes()), [] as [&str; 0]);

    stage.deploy(["plan", "--out", &file]).expect_code(0);
    stage.deploy(["schedule-all", "--plan", &file]).expect_code(0);
    assert_eq!(stage.plan(), [] as [&str; 0]);
    let refused = stage.deploy(["schedule-all", "--plan", &file]).expect_code(3);
    assert!(refused.stderr.contains("no longer to be done"), "{}", refused.stderr);
    stage.write("plan.json", "{}");
    let run = stage.deploy(["schedule-all", "--plan", &file]).expect_code(1);
    assert!(run.stderr.contains("is no saved plan"), "{}", run.stderr);
}

#[test]
fn excluded_datasets_are_left_as_they_are() {
    let mut entries = four();
    let stage = Stage::deployed(&entries);
    entries.retain(|entry| entry.name != "pluto_16v2");
    for entry in &mut entries {
        entry.cron = "0 4 * * *".to_owned();
    }
    stage.datasets(&entries);
    let plan = stage.json(["plan", "--exclude", "acris"]);
    let changes = lines(&plan);
    assert!(changes.contains(&"replace schedule hpd_violations".to_owned()), "{changes:?}");
    assert!(changes.iter().any(|line| line.starts_with("delete") && line.contains("pluto_16v2")), "{changes:?}");
    assert!(!changes.iter().any(|line| line.contains("acris")), "{changes:?}");
}

#[test]
fn people_are_told_by_one_topic_four_alarms_and_a_row_per_dataset() {
    let stage = Stage::with(&four());
    stage.set_secret();
    let stack = stage.read("freshet.yml");
    stage.write("freshet.yml", &format!("notify: [data@example.org]\n{stack}"));
    stage.deploy(["schedule-all"]).expect_code(0);
    let alarms = stage.aws.json("monitoring", "DescribeAlarms", &json!({})).unwrap();
    let alarms = alarms["MetricAlarms"].as_array().unwrap();
    let names: Vec<&str> = alarms.iter().map(|alarm| alarm["AlarmName"].as_str().unwrap()).collect();
    let expected = ["dead-letters", "firings-refused", "runs-failed", "tasks-lost"];
    let mut sorted = names.clone();
    sorted.sort_unstable();
    assert_eq!(sorted, expected.map(|name| format!("freshet-nycdb-prod.{name}")));
    for alarm in alarms {
        assert_eq!(alarm["AlarmActions"], json!(["arn:aws:sns:us-east-1:123456789012:freshet-nycdb-prod-alerts"]));
        assert_eq!(alarm["TreatMissingData"], "notBreaching");
    }
    let shown = stage.aws.json("monitoring", "GetDashboard", &json!({"DashboardName": "freshet-nycdb-prod"})).unwrap();
    let body: Value = serde_json::from_str(shown["DashboardBody"].as_str().unwrap()).unwrap();
    assert_eq!(body["widgets"].as_array().unwrap().len(), 5, "a row per dataset, and the text on top");
    let topic = [("TopicArn", "arn:aws:sns:us-east-1:123456789012:freshet-nycdb-prod-alerts")];
    let told = stage.aws.query("sns", "ListSubscriptionsByTopic", &topic).unwrap();
    assert!(told.contains("<Endpoint>data@example.org</Endpoint>"), "{told}");
    assert_eq!(stage.plan(), [] as [&str; 0]);

    // Somebody at the console: it is seen, told field by field, and mended.
    let mut changed =
        alarms.iter().find(|alarm| alarm["AlarmName"] == "freshet-nycdb-prod.runs-failed").unwrap().clone();
    changed["AlarmDescription"] = json!("mine now");
    let keep = [
        "AlarmName",
        "AlarmDescription",
        "MetricName",
        "Namespace",
        "Statistic",
        "Period",
        "EvaluationPeriods",
        "Threshold",
        "ComparisonOperator",
        "Dimensions",
    ];
    changed.as_object_mut().unwrap().retain(|key, _| keep.contains(&key.as_str()));
    stage.aws.json("monitoring", "PutMetricAlarm", &changed).unwrap();
    let run = stage.deploy(["schedule-all"]).expect_code(4);
    assert!(run.stdout.contains("D202 freshet-nycdb-prod.runs-failed"), "{}", run.stdout);
    stage.deploy(["schedule-all", "--adopt", "freshet-nycdb-prod.runs-failed"]).expect_code(0);
    assert_eq!(stage.plan(), [] as [&str; 0]);
}

#[test]
fn what_somebody_changed_at_the_console_is_told_field_by_field_and_repaired() {
    let stage = Stage::deployed(&four());
    let clean = stage.deploy(["drift"]).expect_code(0).stdout;
    assert!(clean.contains("are as they should be"), "{clean}");

    let (name, mut changed) = schedule(&stage, "hpd_violations");
    changed["ScheduleExpression"] = json!("cron(0 9 * * ? *)");
    changed["Target"]["RetryPolicy"]["MaximumRetryAttempts"] = json!(185);
    stage.aws.update_schedule(&name, &changed).unwrap();
    let rule = "freshet-nycdb-prod.pluto_16v2";
    let mut target = stage.aws.list_targets_by_rule(rule).unwrap().remove(0);
    target["RetryPolicy"]["MaximumRetryAttempts"] = json!(1);
    stage.aws.json("events", "PutTargets", &json!({"Rule": rule, "Targets": [target]})).unwrap();
    let policy =
        r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:ListAllMyBuckets","Resource":"*"}]}"#;
    let emptied = [("RoleName", "freshet-nycdb-prod-scheduler"), ("PolicyName", "freshet"), ("PolicyDocument", policy)];
    stage.aws.query("iam", "PutRolePolicy", &emptied).unwrap();
    let family = stage.aws.describe_task_definition("freshet-nycdb-prod-dhs_daily_shelter_count").unwrap();
    stage.aws.register_task_definition(&family).unwrap();
    assert_eq!(stage.plan(), [] as [&str; 0], "a plan believes hashes, where they are");

    stage.deploy(["pause", "acris"]).expect_code(0);
    let report = stage.json(["drift"]);
    let drifted: Vec<String> =
        report["drifted"].as_array().unwrap().iter().map(|one| one["name"].to_string()).collect();
    let has = |name: &str| drifted.iter().any(|drifted| drifted.contains(name));
    assert!(has(&name) && has(rule) && has("prod-scheduler") && has("prod-dhs_daily"), "{drifted:?}");
    assert!(!has("acris"), "a pause is no drift: {drifted:?}");
    let text = stage.deploy(["drift"]).expect_code(4).stdout;
    assert!(text.contains("expression: cron(0 9 * * ? *) → cron(0 22 * * ? *)"), "{text}");
    assert!(text.contains("delivery_attempts: 185 → 20") && text.contains("delivery_attempts: 1 → 20"), "{text}");

    stage.deploy(["drift", "--repair"]).expect_code(0);
    let clean = stage.deploy(["drift"]).expect_code(0).stdout;
    assert!(clean.contains("are as they should be"), "{clean}");
    assert_eq!(schedule(&stage, "acris").1["State"], "DISABLED", "a repair keeps what people decided");
    assert_eq!(stage.plan(), [] as [&str; 0]);
}

#[test]
fn old_revisions_go_and_none_to_which_anything_refers() {
    let stage = Stage::deployed(&four());
    for round in 0..8 {
        retitle(&stage, "hpd_violations", &format!("title {round}"));
        retitle(&stage, "acris", &format!("title {round}"));
        stage.deploy(["schedule-all"]).expect_code(0);
    }
    stage.deploy(["rollback", "hpd_violations", "--to", "2"]).expect_code(0);
    // Somebody else's rule starts an old revision of ours: deregistering that would let it fail without a word.
    let definition = "arn:aws:ecs:us-east-1:123456789012:task-definition/freshet-nycdb-prod-hpd_violations:3";
    stage.aws.json("events", "PutRule", &json!({"Name": "backfill", "ScheduleExpression": "rate(1 day)"})).unwrap();
    let cluster = "arn:aws:ecs:us-east-1:123456789012:cluster/civic";
    let target = json!({"Id": "1", "Arn": cluster, "RoleArn": "arn:aws:iam::123456789012:role/x", "EcsParameters": {"TaskDefinitionArn": definition, "TaskCount": 1}});
    stage.aws.json("events", "PutTargets", &json!({"Rule": "backfill", "Targets": [target]})).unwrap();
    stage.proxy.reset();

    let shown = stage.json(["gc", "--dry-run"]);
    assert_eq!(names(&stage.proxy.writes()), [] as [&str; 0]);
    let gone = stage.json(["gc"]);
    assert_eq!(shown["deregistered"], gone["deregistered"], "what is shown is what goes");
    let revisions = |name: &str| -> Vec<String> {
        let all = stage.everything();
        let both = all["task definitions"].iter().chain(&all["job definitions"]);
        let suffix = format!("{name}:");
        both.filter_map(|arn| Some(arn.split_once(&suffix)?.1.to_owned())).collect()
    };
    assert_eq!(revisions("prod-hpd_violations"), ["2", "3", "5", "6", "7", "8", "9"]);
    assert_eq!(revisions("prod-acris"), ["5", "6", "7", "8", "9"]);
    assert_eq!(stage.plan(), [] as [&str; 0]);
    assert_eq!(stage.json(["gc"])["deregistered"], json!([]));
}

#[test]
fn a_network_like_a_databases_is_proposed_and_not_taken() {
    let stage = Stage::with(&four());
    let group = [
        ("DBSubnetGroupName", "civic"),
        ("DBSubnetGroupDescription", "civic"),
        ("SubnetIds.SubnetIdentifier.1", &stage.network.subnets[0]),
        ("SubnetIds.SubnetIdentifier.2", &stage.network.subnets[1]),
    ];
    stage.aws.query("rds", "CreateDBSubnetGroup", &group).unwrap();
    let instance = [
        ("DBInstanceIdentifier", "nycdb-prod"),
        ("DBInstanceClass", "db.t3.micro"),
        ("Engine", "postgres"),
        ("AllocatedStorage", "20"),
        ("MasterUsername", "admin1"),
        ("MasterUserPassword", "not-a-secret-1"),
        ("DBSubnetGroupName", "civic"),
        ("VpcSecurityGroupIds.VpcSecurityGroupId.1", &stage.network.security_group),
    ];
    stage.aws.query("rds", "CreateDBInstance", &instance).unwrap();
    let lines: Vec<String> = stage.read("freshet.yml").lines().map(str::to_owned).collect();
    let like = |line: &String| {
        if line.starts_with("network:") { "network: {like: rds:nycdb-prod}".to_owned() } else { line.clone() }
    };
    stage.write("freshet.yml", &lines.iter().map(|line| like(line) + "\n").collect::<String>());
    let plan = stage.json(["plan"]);
    let finding = plan["findings"].as_array().unwrap().iter().find(|finding| finding["code"] == "D206").unwrap();
    let remedy = finding["remedy"].as_str().unwrap();
    let mut subnets = [stage.network.subnets[0].as_str(), &stage.network.subnets[1]];
    subnets.sort_unstable();
    let expected =
        format!("network: {{subnets: [{}], security_groups: [{}]", subnets.join(", "), stage.network.security_group);
    assert!(remedy.contains(&expected), "{remedy}");
    stage.set_secret();
    stage.proxy.reset();
    stage.deploy(["schedule-all"]).expect_code(4);
    assert_eq!(names(&stage.proxy.writes()), [] as [&str; 0]);
}

#[test]
fn a_dataset_moves_between_schedulers_engines_and_stays_as_people_left_it() {
    let mut entries = four();
    // Far from every firing, whatever the time is.
    let day = (jiff::Timestamp::now() + jiff::SignedDuration::from_hours(24 * 10)).strftime("%-d").to_string();
    for entry in &mut entries {
        entry.cron = format!("0 22 {day} * *");
    }
    let stage = Stage::deployed(&entries);
    stage.deploy(["pause", "dhs_daily_shelter_count"]).expect_code(0);
    for entry in &mut entries {
        entry.trigger = if entry.trigger == "rule" { "scheduler" } else { "rule" };
    }
    stage.datasets(&entries);
    let plan = stage.json(["plan"]);
    let moves = lines(&plan).into_iter().filter(|line| line.starts_with("replace ")).count();
    assert_eq!((moves, lines(&plan).len()), (4, 4), "{:?}", lines(&plan));
    assert!(plan.to_string().contains("moves from a rule to Scheduler"), "{plan:#}");
    stage.deploy(["schedule-all"]).expect_code(0);
    let everything = stage.everything();
    let all: Vec<&String> = everything["schedules"].iter().chain(&everything["rules"]).collect();
    assert_eq!(all.len(), 5, "each fires once, and one rule tells people: {all:?}");
    assert_eq!(schedule(&stage, "dhs_daily_shelter_count").1["State"], "DISABLED");
    assert_eq!(schedule(&stage, "pluto_16v2").1["State"], "ENABLED");
    assert_eq!(stage.plan(), [] as [&str; 0]);
}

#[test]
fn nothing_moves_between_engines_when_it_is_about_to_fire() {
    let soon = jiff::Timestamp::now() + jiff::SignedDuration::from_mins(3);
    let mut entry = Entry::new("hpd_violations", "small", "rule");
    entry.cron = soon.strftime("%-M %-H * * *").to_string();
    let stage = Stage::deployed(&[entry.clone()]);
    entry.trigger = "scheduler";
    stage.datasets(&[entry]);
    let run = stage.deploy(["schedule-all"]).expect_code(4);
    let from =
        (soon + jiff::SignedDuration::from_mins(5)).strftime("run it again at %Y-%m-%d %H:%MZ or later").to_string();
    assert!(run.stdout.contains("D208") && run.stdout.contains(&from), "{}", run.stdout);
    assert_eq!(names(&stage.proxy.writes()), [] as [&str; 0]);
    assert_eq!(rule_state(&stage, "hpd_violations"), "ENABLED");
}
