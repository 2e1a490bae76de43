//! A project folder and an endpoint to deploy it to.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::fs;
use std::ops::Deref;
use std::path::Path;

use freshet_tests::aws::{ControlPlane, Network};
use freshet_tests::binaries::{self, Binary, Invocation};
use freshet_tests::proxy::Call;
use serde_json::Value;
use tempfile::TempDir;

/// What may never be seen anywhere.
pub(crate) const CANARY: &str = "postgres://loader:canary-7c1f9e@db.example.org/nycdb";

/// A dataset of the project.
#[derive(Debug, Clone)]
pub(crate) struct Entry {
    pub(crate) name: String,
    pub(crate) task_def: &'static str,
    pub(crate) trigger: &'static str,
    pub(crate) cron: String,
}

impl Entry {
    pub(crate) fn new(name: &str, task_def: &'static str, trigger: &'static str) -> Self {
        Self { name: name.to_owned(), task_def, trigger, cron: "0 22 * * *".to_owned() }
    }
}

/// A control plane of its own, and a project folder whose files can be changed.
pub(crate) struct Stage {
    pub(crate) plane: ControlPlane,
    folder: TempDir,
    deploy: Binary,
}

impl Deref for Stage {
    type Target = ControlPlane;
    fn deref(&self) -> &ControlPlane {
        &self.plane
    }
}

/// One dataset per way in which the scheduled time is handed over.
pub(crate) fn four() -> Vec<Entry> {
    vec![
        Entry::new("hpd_violations", "small", "scheduler"),
        Entry::new("acris", "batch", "scheduler"),
        Entry::new("dhs_daily_shelter_count", "small", "rule"),
        Entry::new("pluto_16v2", "batch", "rule"),
    ]
}

impl Stage {
    /// A folder with these datasets, and nothing deployed yet.
    pub(crate) fn with(entries: &[Entry]) -> Self {
        let stage = Self {
            plane: ControlPlane::start().unwrap(),
            folder: tempfile::tempdir().unwrap(),
            deploy: binaries::deploy().unwrap(),
        };
        stage.stack(&stage.plane.network);
        let small = "engine: fargate\ncpu: 512\nmemory: 1024\ntimeout: 2h\nattempts: 2\n";
        stage.write("task-defs/small.yml", small);
        stage.write("task-defs/batch.yml", "engine: batch\ncpu: 1024\nmemory: 2048\ntimeout: 6h\nattempts: 3\n");
        stage.datasets(entries);
        stage
    }

    /// Writes `freshet.yml` for this network.
    pub(crate) fn stack(&self, network: &Network) {
        let subnets: Vec<&str> = network.subnets.iter().map(String::as_str).take(2).collect();
        let stack = format!(
            "stack: nycdb\nimage: ghcr.io/example/freshet-worker@sha256:{digest}\n\
             secrets: {{DATABASE_URL: \"nycdb/database:url\"}}\n\
             network: {{subnets: [{subnets}], security_groups: [{group}], public_ip: true}}\ntags: {{team: data}}\n\
             environments:\n  prod: {{account: \"123456789012\", region: us-east-1, cluster: civic}}\n",
            digest = "0".repeat(64),
            subnets = subnets.join(", "),
            group = network.security_group,
        );
        self.write("freshet.yml", &stack);
    }

    /// The same with the secret that every run needs, and everything deployed.
    pub(crate) fn deployed(entries: &[Entry]) -> Self {
        let stage = Self::with(entries);
        stage.set_secret();
        stage.deploy(["schedule-all"]).expect_code(0);
        stage.proxy.reset();
        stage
    }

    pub(crate) fn path(&self) -> &Path {
        self.folder.path()
    }

    pub(crate) fn write(&self, path: &str, text: &str) {
        let path = self.folder.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    pub(crate) fn read(&self, path: &str) -> String {
        fs::read_to_string(self.folder.path().join(path)).unwrap()
    }

    /// Makes the folder hold these datasets and no others.
    pub(crate) fn datasets(&self, entries: &[Entry]) {
        let _ = fs::remove_dir_all(self.folder.path().join("datasets"));
        let mut schedules = "timezone: America/New_York\nschedules:\n".to_owned();
        for Entry { name, task_def, trigger, cron } in entries {
            let text = format!(
                "dataset: {name}\ntitle: {name}\npublisher: a city\ntables:\n  {name}:\n    \
                 sources: [{{url: \"https://data.example.org/{name}.csv\", file: {name}.csv}}]\n    \
                 columns: {{id: integer not null}}\n    primary_key: id\n"
            );
            self.write(&format!("datasets/nyc/{name}.yml"), &text);
            let zone = if *trigger == "rule" { ", timezone: UTC, trigger: rule" } else { "" };
            let _ = writeln!(schedules, "  {name}: {{cron: \"{cron}\", task-def: {task_def}{zone}}}");
        }
        self.write("schedules/nyc.yml", if entries.is_empty() { "timezone: UTC\nschedules: {}\n" } else { &schedules });
    }

    /// A call of `deploy` on this folder and endpoint.
    pub(crate) fn deploy<'a>(&self, arguments: impl IntoIterator<Item = &'a str>) -> Invocation {
        let place = ["--dir".to_owned(), self.path().display().to_string(), "--endpoint".to_owned(), self.plane.url()];
        self.deploy.call(place).args(arguments)
    }

    /// The same in an environment and against an endpoint of the caller's choice.
    pub(crate) fn bare_deploy<'a>(&self, arguments: impl IntoIterator<Item = &'a str>) -> Invocation {
        self.deploy.call(["--dir".to_owned(), self.path().display().to_string()]).args(arguments)
    }

    /// The JSON that a call prints, whatever its exit code.
    pub(crate) fn json<'a>(&self, arguments: impl IntoIterator<Item = &'a str>) -> Value {
        let run = self.deploy(arguments).args(["--output", "json"]).run().unwrap();
        serde_json::from_str(&run.stdout).unwrap_or_else(|error| panic!("{error}\n{}\n{}", run.stdout, run.stderr))
    }

    pub(crate) fn set_secret(&self) {
        self.deploy(["secrets", "set", "DATABASE_URL"]).stdin(CANARY).expect_code(0);
    }

    /// Changes that a plan would make now: `create schedule acris.…`, with the hashes cut off.
    pub(crate) fn plan(&self) -> Vec<String> {
        lines(&self.json(["plan"]))
    }

    /// Names of everything at the endpoint that a stack consists of, by kind.
    pub(crate) fn everything(&self) -> BTreeMap<&'static str, BTreeSet<String>> {
        let aws = &self.plane.aws;
        let empty = serde_json::json!({});
        let list =
            |service: &str, operation: &str, key: &str| strings(&aws.json(service, operation, &empty).unwrap()[key]);
        let rest = |service: &str, method: &str, path: &str, body: Option<&Value>, list: &str, name: &str| {
            let answer = aws.rest(service, method, path, body).unwrap();
            answer[list].as_array().unwrap().iter().map(|item| item[name].as_str().unwrap().to_owned()).collect()
        };
        let active = serde_json::json!({"status": "ACTIVE"});
        let rules = aws.json("events", "ListRules", &empty).unwrap();
        let listed = aws.query("iam", "ListRoles", &[("PathPrefix", "/freshet/")]).unwrap();
        let alarms = aws.json("monitoring", "DescribeAlarms", &empty).unwrap();
        let dashboards = aws.json("monitoring", "ListDashboards", &empty).unwrap();
        let named = |answer: &Value, list: &str, name: &str| {
            let items = answer[list].as_array().into_iter().flatten();
            items.map(|item| item[name].as_str().unwrap().to_owned()).collect()
        };
        let topics = aws.query("sns", "ListTopics", &[]).unwrap();
        // Batch makes clusters of its own, under names of chance.
        let mut clusters = list("ecs", "ListClusters", "clusterArns");
        clusters.retain(|arn| !arn.contains("_Batch_") && aws.cluster_is_active(arn).unwrap());
        BTreeMap::from([
            ("alarms", named(&alarms, "MetricAlarms", "AlarmName")),
            ("dashboards", named(&dashboards, "DashboardEntries", "DashboardName")),
            (
                "topics",
                topics.split("<TopicArn>").skip(1).map(|rest| rest.split('<').next().unwrap().to_owned()).collect(),
            ),
            ("clusters", clusters),
            ("task definitions", list("ecs", "ListTaskDefinitions", "taskDefinitionArns")),
            (
                "job definitions",
                rest(
                    "batch",
                    "POST",
                    "/v1/describejobdefinitions",
                    Some(&active),
                    "jobDefinitions",
                    "jobDefinitionArn",
                ),
            ),
            (
                "compute environments",
                rest(
                    "batch",
                    "POST",
                    "/v1/describecomputeenvironments",
                    Some(&empty),
                    "computeEnvironments",
                    "computeEnvironmentName",
                ),
            ),
            ("job queues", rest("batch", "POST", "/v1/describejobqueues", Some(&empty), "jobQueues", "jobQueueName")),
            ("schedules", rest("scheduler", "GET", "/schedules", None, "Schedules", "Name")),
            ("groups", rest("scheduler", "GET", "/schedule-groups", None, "ScheduleGroups", "Name")),
            ("queues", list("sqs", "ListQueues", "QueueUrls")),
            (
                "rules",
                rules["Rules"]
                    .as_array()
                    .unwrap()
                    .iter()
                    .map(|rule| rule["Name"].as_str().unwrap().to_owned())
                    .collect(),
            ),
            (
                "roles",
                listed.split("<RoleName>").skip(1).map(|rest| rest.split('<').next().unwrap().to_owned()).collect(),
            ),
        ])
    }
}

/// The changes of a plan as lines, with the hashes cut off.
pub(crate) fn lines(plan: &Value) -> Vec<String> {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let line = |change: &Value| {
        let name = text(&change["name"]);
        let name = name.split_once('.').filter(|(_, hash)| hash.len() == 10).map_or(name.as_str(), |(name, _)| name);
        format!("{} {} {name}", text(&change["action"]), text(&change["kind"]))
    };
    plan["changes"].as_array().into_iter().flatten().map(line).collect()
}

/// The codes of a plan's findings.
pub(crate) fn codes(plan: &Value) -> Vec<String> {
    let code = |finding: &Value| finding["code"].as_str().unwrap_or_default().to_owned();
    plan["findings"].as_array().into_iter().flatten().map(code).collect()
}

fn strings(list: &Value) -> BTreeSet<String> {
    list.as_array().into_iter().flatten().filter_map(|item| item.as_str().map(str::to_owned)).collect()
}

/// Names of calls, for a message.
pub(crate) fn names(calls: &[Call]) -> Vec<String> {
    calls.iter().map(Call::name).collect()
}
