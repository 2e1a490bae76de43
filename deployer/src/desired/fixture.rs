//! Manifests for tests of the pure parts: small, and every field that matters can be changed.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::Manifests;

/// The environment `nycdb/prod`.
pub(crate) fn environment() -> Value {
    json!({
        "stack": "nycdb", "name": "prod", "account": "123456789012", "region": "us-east-1", "cluster": "civic",
        "image": "ghcr.io/example/freshet-worker@sha256:5f0c",
        "secrets": {
            "DATABASE_URL": {"id": "nycdb/database", "json_key": "url"},
            "SOCRATA_TOKEN": {"id": "nycdb/socrata"},
            "SLACK_WEBHOOK_URL": {"id": "nycdb/slack", "need": "optional"},
        },
        "network": {"subnets": ["subnet-b", "subnet-a"], "security_groups": ["sg-1"], "public_ip": "ENABLED"},
        "tags": {"team": "data"},
    })
}

/// A dataset of one table; with a secret in a header of its source when there is one.
pub(crate) fn dataset(name: &str, secret: Option<&str>) -> Value {
    let headers: BTreeMap<&str, String> =
        secret.map(|secret| ("X-App-Token", format!("${{secret:{secret}}}"))).into_iter().collect();
    json!({
        "dataset": name, "title": name, "publisher": "a city",
        "tables": [{
            "name": name,
            "content": {"sources": [{
                "origin": {"url": {"url": format!("https://data.example.org/{name}.csv"), "headers": headers}},
                "file": format!("{name}.csv"), "reading": {"format": "csv"},
            }]},
            "columns": [{"name": "id", "type": "integer"}],
        }],
    })
}

/// A schedule of a dataset at ten in the evening, New York; `changes` replace its fields.
pub(crate) fn schedule(name: &str, task_def: &str, changes: &Value) -> Value {
    let mut schedule = json!({
        "name": name, "dataset": name.split('-').next(), "expression": "cron(0 22 * * ? *)", "written": "0 22 * * *",
        "timezone": "America/New_York", "task_def": task_def,
    });
    for (key, value) in changes.as_object().into_iter().flatten() {
        schedule[key] = value.clone();
    }
    schedule
}

/// The manifests of these datasets and schedules, over the task-defs `small` (Fargate) and `batch`.
pub(crate) fn manifests(datasets: &[Value], schedules: &[Value]) -> Manifests {
    let datasets: BTreeMap<&str, &Value> =
        datasets.iter().map(|dataset| (dataset["dataset"].as_str().unwrap(), dataset)).collect();
    let json = json!({
        "environment": environment(),
        "datasets": datasets,
        "task_defs": {
            "small": {"name": "small", "engine": "fargate", "cpu": 512, "memory": 1024, "timeout": "2h", "attempts": 2},
            "batch": {"name": "batch", "engine": "batch", "cpu": 1024, "memory": 2048, "timeout": "6h", "attempts": 3, "arch": "arm64", "storage": 100},
        },
        "schedules": schedules,
        "manual": {},
    });
    serde_json::from_value(json).unwrap()
}

/// One dataset per way in which the scheduled time is handed over: both engines of EventBridge, both services.
pub(crate) fn four() -> Manifests {
    let rule = json!({"trigger": "rule", "timezone": "UTC"});
    let names = ["hpd_violations", "acris", "dhs_daily_shelter_count", "pluto_16v2"];
    let datasets = names.map(|name| dataset(name, (name == "acris").then_some("SOCRATA_TOKEN")));
    let schedules = [
        schedule("hpd_violations", "small", &json!({})),
        schedule("acris", "batch", &json!({"mode": "full"})),
        schedule("dhs_daily_shelter_count", "small", &rule),
        schedule("pluto_16v2", "batch", &rule),
    ];
    manifests(&datasets, &schedules)
}

/// So many datasets of one schedule each, every third on Batch.
pub(crate) fn many(names: &[String]) -> Manifests {
    let datasets: Vec<Value> = names.iter().map(|name| dataset(name, None)).collect();
    let task_def = |name: &str| if name.len().is_multiple_of(3) { "batch" } else { "small" };
    let schedules: Vec<Value> = names.iter().map(|name| schedule(name, task_def(name), &json!({}))).collect();
    manifests(&datasets, &schedules)
}
