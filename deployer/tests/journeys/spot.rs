//! Capacity that AWS may take away, on ECS and on Batch, and Batch's own instances.

use serde_json::{Value, json};

use crate::stage::{Entry, Stage, codes, names};

const PLACES: [(&str, &str); 3] = [
    ("spot", "engine: fargate\ncapacity: spot\ncpu: 512\nmemory: 1024\nattempts: 2\n"),
    ("batch-spot", "engine: batch\ncapacity: spot\ncpu: 512\nmemory: 1024\nattempts: 3\narch: arm64\n"),
    ("instances", "engine: batch\ncompute: ec2\ncapacity: spot\ncpu: 4096\nmemory: 7000\nattempts: 3\n"),
];

fn stage() -> Stage {
    let stage = Stage::with(&[
        Entry::new("acris", "spot", "scheduler"),
        Entry::new("pluto_16v2", "batch-spot", "rule"),
        Entry::new("hpd_violations", "instances", "scheduler"),
    ]);
    for (name, text) in PLACES {
        stage.write(&format!("task-defs/{name}.yml"), text);
    }
    stage.set_secret();
    stage
}

fn with_profile(stage: &Stage) {
    let trust = json!({"Version": "2012-10-17", "Statement": []}).to_string();
    let role = [("RoleName", "ecsInstanceRole"), ("AssumeRolePolicyDocument", &trust)];
    stage.aws.query("iam", "CreateRole", &role).unwrap();
    stage.aws.query("iam", "CreateInstanceProfile", &[("InstanceProfileName", "ecsInstanceRole")]).unwrap();
    let stack = stage.read("freshet.yml");
    let profile = "arn:aws:iam::123456789012:instance-profile/ecsInstanceRole";
    stage.write("freshet.yml", &format!("roles: {{instance: \"{profile}\"}}\n{stack}"));
}

#[test]
fn what_may_be_taken_away_is_started_again_and_runs_in_places_of_its_own() {
    let stage = stage();
    let plan = stage.json(["plan"]);
    assert!(codes(&plan).contains(&"D209".to_owned()), "instances without a profile: {plan:#}");
    stage.proxy.reset();
    stage.deploy(["schedule-all"]).expect_code(4);
    assert_eq!(names(&stage.proxy.writes()), [] as [&str; 0]);

    with_profile(&stage);
    stage.deploy(["schedule-all"]).expect_code(0);
    assert_eq!(stage.plan(), [] as [&str; 0]);
    stage.deploy(["drift"]).expect_code(0);
    let everything = stage.everything();
    let places = ["freshet-nycdb-prod--ec2-spot", "freshet-nycdb-prod--spot"].map(str::to_owned).into();
    assert_eq!((&everything["job queues"], &everything["compute environments"]), (&places, &places));

    // On ECS by the capacity provider, and after an interruption once more without it.
    let name = everything["schedules"].iter().find(|name| name.starts_with("acris.")).unwrap();
    let parameters = stage.aws.get_schedule("freshet-nycdb-prod", name).unwrap()["Target"]["EcsParameters"].clone();
    assert_eq!(parameters["CapacityProviderStrategy"][0]["capacityProvider"], "FARGATE_SPOT", "{parameters}");
    assert_eq!(parameters["LaunchType"], Value::Null);
    let rule = "freshet-nycdb-prod.acris-again";
    let pattern: Value =
        serde_json::from_str(stage.aws.describe_rule(rule).unwrap()["EventPattern"].as_str().unwrap()).unwrap();
    assert_eq!(pattern["detail"]["stopCode"], json!(["SpotInterruption"]));
    let targets = stage.aws.json("events", "ListTargetsByRule", &json!({"Rule": rule})).unwrap();
    assert_eq!(targets["Targets"][0]["EcsParameters"]["LaunchType"], "FARGATE", "{targets}");
    let cluster = stage.aws.json("ecs", "DescribeClusters", &json!({"clusters": ["civic"]})).unwrap();
    assert_eq!(cluster["clusters"][0]["capacityProviders"], json!(["FARGATE", "FARGATE_SPOT"]));

    let active = json!({"status": "ACTIVE"});
    let jobs = stage.aws.rest("batch", "POST", "/v1/describejobdefinitions", Some(&active)).unwrap();
    let on = |dataset: &str| {
        let found = jobs["jobDefinitions"].as_array().unwrap().iter();
        let named = |job: &&Value| job["jobDefinitionName"].as_str().unwrap().ends_with(dataset);
        found.clone().find(named).unwrap()["platformCapabilities"].clone()
    };
    assert_eq!((on("pluto_16v2"), on("hpd_violations")), (json!(["FARGATE"]), json!(["EC2"])));

    // Back on demand: the places and the rule go.
    stage.datasets(&[Entry::new("acris", "small", "scheduler"), Entry::new("pluto_16v2", "batch", "rule")]);
    stage.deploy(["schedule-all", "--allow-deletes", "20"]).expect_code(0);
    let everything = stage.everything();
    assert_eq!(everything["job queues"], ["freshet-nycdb-prod".to_owned()].into());
    assert!(!everything["rules"].contains(rule));
    assert_eq!(stage.plan(), [] as [&str; 0]);
}

#[test]
fn a_cluster_of_others_is_told_what_it_lacks_and_one_of_ours_is_given_it() {
    let stage = Stage::with(&[Entry::new("acris", "spot", "scheduler")]);
    stage.write("task-defs/spot.yml", PLACES[0].1);
    stage.set_secret();
    stage.aws.json("ecs", "CreateCluster", &json!({"clusterName": "civic"})).unwrap();
    let plan = stage.json(["plan"]);
    let found = plan["findings"].as_array().unwrap().iter().find(|finding| finding["code"] == "D210").unwrap();
    assert!(found["remedy"].as_str().unwrap().contains("put-cluster-capacity-providers --cluster civic"), "{found}");

    let ours = Stage::deployed(&[Entry::new("acris", "small", "scheduler")]);
    ours.write("task-defs/small.yml", PLACES[0].1);
    let text = ours.deploy(["plan"]).expect_code(0).stdout;
    assert!(text.contains("does not offer FARGATE and FARGATE_SPOT yet"), "{text}");
    ours.deploy(["schedule-all"]).expect_code(0);
    assert_eq!(ours.plan(), [] as [&str; 0]);
}
