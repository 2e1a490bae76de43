//! What the manifests of the four ways ask for, field by field, as it is put to AWS.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::resource::{Body, Kind};
use super::{Desired, Manifests, fixture};
use crate::finding::Code;

fn desired(manifests: &Manifests) -> Desired {
    Desired::new(manifests, &BTreeSet::new())
}

fn body(desired: &Desired, kind: Kind, name: &str) -> Value {
    let found = desired.resources.iter().find(|resource| resource.kind() == kind && resource.name.starts_with(name));
    found.unwrap_or_else(|| panic!("no {kind} {name}")).body.json()
}

fn codes(desired: &Desired) -> Vec<Code> {
    desired.findings.iter().map(|finding| finding.code).collect()
}

#[test]
fn the_scheduled_time_is_handed_over_in_four_ways() {
    let desired = desired(&fixture::four());
    insta::assert_json_snapshot!("scheduler_to_ecs", body(&desired, Kind::Schedule, "hpd_violations."));
    insta::assert_json_snapshot!("scheduler_to_batch", body(&desired, Kind::Schedule, "acris."));
    insta::assert_json_snapshot!("rule_to_ecs", body(&desired, Kind::Rule, "freshet-nycdb-prod.dhs"));
    insta::assert_json_snapshot!("rule_to_batch", body(&desired, Kind::Rule, "freshet-nycdb-prod.pluto"));
}

#[test]
fn the_whole_request_to_batch_names_queue_definition_and_time() {
    let desired = desired(&fixture::four());
    let acris = body(&desired, Kind::Schedule, "acris.");
    let target = serde_json::from_value(acris["target"].clone()).unwrap();
    let request = super::trigger::submit_job(&"acris".parse().unwrap(), "arn:definition:7", &target);
    insta::assert_json_snapshot!("submit_job", serde_json::from_str::<Value>(&request).unwrap());
}

#[test]
fn a_definition_is_the_whole_truth_of_a_run() {
    let desired = desired(&fixture::four());
    insta::assert_json_snapshot!(
        "task_definition",
        body(&desired, Kind::TaskDefinition, "freshet-nycdb-prod-hpd_violations")
    );
    insta::assert_json_snapshot!("job_definition", body(&desired, Kind::JobDefinition, "freshet-nycdb-prod-acris"));
}

#[test]
fn roles_hold_the_least_that_they_need() {
    let desired = desired(&fixture::four());
    let roles: Vec<(String, Value)> = desired
        .resources
        .iter()
        .filter(|resource| resource.kind() == Kind::Role)
        .map(|resource| {
            (
                resource.name.clone(),
                json!({"trust": resource.body.json()["trust"], "policy": resource.body.json()["policy"]}),
            )
        })
        .collect();
    insta::assert_json_snapshot!("roles", roles);
    insta::assert_json_snapshot!("dead_letters", body(&desired, Kind::Queue, "freshet"));
}

#[test]
fn a_worker_that_reads_or_keeps_objects_of_s3_may_do_so_with_these_and_no_others() {
    let mut open = fixture::dataset("trees", None);
    open["tables"][0]["content"]["sources"][0]["origin"] =
        json!({"url": {"url": "s3://city-open-data/trees/{today:%Y}.csv"}});
    let mut kept = fixture::dataset("permits", None);
    kept["archive"] = json!({"to": "s3://civic-archive/raw"});
    let schedules = ["trees", "permits"].map(|name| fixture::schedule(name, "small", &json!({})));
    let mut manifests = fixture::manifests(&[open, kept], &schedules);
    let statements = |manifests: &Manifests| -> Vec<Value> {
        let roles = desired(manifests).resources;
        let tasks = roles.iter().filter(|resource| resource.name.contains("-task-"));
        let statements = tasks.flat_map(|task| task.body.json()["policy"]["Statement"].as_array().unwrap().clone());
        statements.filter(|statement| statement["Action"][0].as_str().unwrap().starts_with("s3:")).collect()
    };
    let given = statements(&manifests);
    assert_eq!(given.len(), 2);
    assert!(given.contains(&json!({
        "Effect": "Allow", "Action": ["s3:GetObject"], "Resource": ["arn:aws:s3:::city-open-data/trees/*"],
    })));
    assert!(given.contains(&json!({
        "Effect": "Allow", "Action": ["s3:AbortMultipartUpload", "s3:PutObject"],
        "Resource": ["arn:aws:s3:::civic-archive/raw/nycdb/prod/*"],
    })));
    manifests.environment.sources = Some("https://mirror.example.org".to_owned());
    assert_eq!(statements(&manifests), Vec::<Value>::new(), "a mirror stands in the place of all sources");
}

#[test]
fn there_is_a_task_role_per_distinct_set_of_secrets() {
    let desired = desired(&fixture::four());
    let tasks = desired.resources.iter().filter(|resource| resource.name.contains("-task-")).count();
    assert_eq!(tasks, 2, "acris reads a token more than the three others");
    let roles: BTreeSet<String> = ["hpd_violations", "dhs_daily_shelter_count"]
        .map(|name| {
            body(&desired, Kind::TaskDefinition, &format!("freshet-nycdb-prod-{name}"))["task_role"].to_string()
        })
        .into_iter()
        .collect();
    assert_eq!(roles.len(), 1);
}

#[test]
fn no_role_is_made_where_it_makes_them() {
    let mut environment = fixture::environment();
    let arn = |name: &str| format!("arn:aws:iam::123456789012:role/it/{name}");
    environment["roles"] = json!({"execution": arn("e"), "task": arn("t"), "scheduler": arn("s"), "events": arn("r")});
    let four = fixture::four();
    let manifests = Manifests { environment: serde_json::from_value(environment).unwrap(), ..four };
    let desired = desired(&manifests);
    assert!(desired.resources.iter().all(|resource| resource.kind() != Kind::Role));
    assert_eq!(body(&desired, Kind::Schedule, "hpd_violations.")["role"], arn("s"));
    assert_eq!(body(&desired, Kind::Rule, "freshet-nycdb-prod.pluto")["role"], arn("r"));
}

#[test]
fn triggers_of_a_dataset_that_lacks_a_required_secret_are_off() {
    let missing = BTreeSet::from(["SOCRATA_TOKEN".parse().unwrap()]);
    let desired = Desired::new(&fixture::four(), &missing);
    assert_eq!(body(&desired, Kind::Schedule, "acris.")["waits_for"], json!(["SOCRATA_TOKEN"]));
    assert_eq!(body(&desired, Kind::Schedule, "hpd_violations.").get("waits_for"), None);
}

#[test]
fn a_dataset_on_two_task_defs_has_a_definition_of_each() {
    let schedules = [
        fixture::schedule("acris-full", "batch", &json!({"mode": "full"})),
        fixture::schedule("acris", "small", &json!({})),
    ];
    let manifests = fixture::manifests(&[fixture::dataset("acris", None)], &schedules);
    let desired = desired(&manifests);
    assert!(desired.get(Kind::TaskDefinition, "freshet-nycdb-prod-acris").is_some());
    assert!(desired.get(Kind::JobDefinition, "freshet-nycdb-prod-acris-batch").is_some());
    let full = body(&desired, Kind::Schedule, "acris-full.");
    assert_eq!(full["target"]["definition"]["name"], "freshet-nycdb-prod-acris-batch");
}

#[test]
fn nothing_is_made_for_batch_where_nothing_runs_on_it() {
    let manifests =
        fixture::manifests(&[fixture::dataset("acris", None)], &[fixture::schedule("acris", "small", &json!({}))]);
    let kinds: BTreeSet<Kind> = desired(&manifests).resources.iter().map(super::Resource::kind).collect();
    assert!(!kinds.contains(&Kind::ComputeEnvironment) && !kinds.contains(&Kind::JobQueue));
}

#[test]
fn a_dataset_that_is_unavailable_has_neither_definition_nor_trigger() {
    let mut gone = fixture::dataset("acris", None);
    gone["status"] = json!("unavailable");
    let schedules = [fixture::schedule("acris", "small", &json!({}))];
    let manifests = fixture::manifests(&[gone], &schedules);
    assert!(desired(&manifests).resources.iter().all(|resource| resource.dataset.is_none()));
}

#[test]
fn the_order_of_the_manifests_does_not_reach_a_hash() {
    let mut turned = fixture::four();
    turned.schedules.reverse();
    turned.environment.network.subnets.reverse();
    assert_eq!(desired(&turned).resources, desired(&fixture::four()).resources);
}

#[test]
fn a_changed_manifest_changes_its_own_definition_and_trigger_only() {
    let four = fixture::four();
    let mut changed = fixture::four();
    changed.datasets.get_mut(&"acris".parse().unwrap()).unwrap().title = "Another title".to_owned();
    let (before, after) = (desired(&four), desired(&changed));
    let differ: Vec<&str> = before
        .resources
        .iter()
        .zip(&after.resources)
        .filter(|(before, after)| before.hash != after.hash)
        .map(|(before, _)| before.dataset.as_ref().map_or(before.name.as_str(), |dataset| dataset.as_str()))
        .collect();
    let expected = ["acris", "acris", "freshet-nycdb-prod"];
    assert_eq!(differ, expected, "its job definition, its schedule, and its title on the dashboard");
}

fn incompressible(numbers: u32) -> String {
    (0..numbers).map(|n| n.wrapping_mul(2_654_435_761).to_string()).collect()
}

#[test]
fn what_aws_would_refuse_is_found_before_it_is_asked() {
    let assert_found = |manifests: &Manifests, code: Code| {
        let desired = desired(manifests);
        assert!(codes(&desired).contains(&code), "{code}: {:?}", desired.findings);
    };
    assert_eq!(codes(&desired(&fixture::four())), []);

    let mut large = fixture::four();
    let acris = large.datasets.get_mut(&"acris".parse().unwrap()).unwrap();
    // Text that does not shrink.
    acris.title = incompressible(40_000);
    assert_found(&large, Code::JobDefinitionSize);

    let mut unpinned = fixture::four();
    unpinned.environment.image = "ghcr.io/example/freshet-worker:1".to_owned();
    assert_found(&unpinned, Code::ImageTag);

    let mut unused = fixture::four();
    unused.environment.secrets.insert("LEFTOVER".parse().unwrap(), "nycdb/leftover".parse().unwrap());
    assert_found(&unused, Code::UnusedSecret);

    let rule = json!({"trigger": "rule", "timezone": "UTC"});
    let entries: Vec<Value> = (0..301).map(|n| fixture::schedule(&format!("acris-{n}"), "small", &rule)).collect();
    let crowded = fixture::manifests(&[fixture::dataset("acris", None)], &entries);
    assert_found(&crowded, Code::RuleCount);
}

#[test]
fn no_body_holds_a_reference_that_only_the_worker_may_resolve_in_the_clear() {
    let desired = desired(&fixture::four());
    for resource in &desired.resources {
        if let Body::TaskDefinition(definition) | Body::JobDefinition(definition) = &resource.body {
            let secrets = &definition.environment["FRESHET_SECRETS"];
            assert!(secrets.contains("nycdb/database:url"), "{secrets}");
        }
    }
}

#[test]
fn no_arn_names_the_partition_of_another_region() {
    let mut china = fixture::four();
    china.environment.region = "cn-north-1".to_owned();
    for resource in desired(&china).resources {
        let text = resource.body.json().to_string();
        assert!(!text.contains("arn:aws:"), "{}: {text}", resource.name);
    }
}
