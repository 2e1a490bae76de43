//! Alarms of a dataset's own, beside the four of the stack.

use serde_json::{Value, json};

use crate::stage::{Entry, Stage};

fn alarms(stage: &Stage, dataset: &str) -> Vec<Value> {
    let all = stage.aws.json("monitoring", "DescribeAlarms", &json!({})).unwrap();
    let of_dataset = |alarm: &&Value| alarm["AlarmName"].as_str().unwrap().contains(&format!(".{dataset}-"));
    all["MetricAlarms"].as_array().unwrap().iter().filter(of_dataset).cloned().collect()
}

#[test]
fn a_datasets_own_alarms_come_cost_drift_and_go_with_its_manifest() {
    let entries = [Entry::new("acris", "small", "scheduler"), Entry::new("pluto_16v2", "batch", "scheduler")];
    let stage = Stage::deployed(&entries);
    let cost = |stage: &Stage| stage.json(["plan"])["estimate"]["dollars"]["alarms"].as_f64().unwrap();
    assert!((cost(&stage) - 0.40).abs() < 0.001);
    let file = "datasets/nyc/acris.yml";
    let without = stage.read(file);
    stage.write(file, &format!("alarms: {{failures: 2, bad_values: 1000, longer_than: 90m}}\n{without}"));
    let mut planned = stage.plan();
    planned.sort();
    let expected = ["bad-values", "failures", "longer-than"];
    assert_eq!(
        planned,
        expected.map(|what| format!("create alarm freshet-nycdb-prod.acris-{what}")),
        "and no revision"
    );
    assert!((cost(&stage) - 0.70).abs() < 0.001);
    stage.deploy(["schedule-all"]).expect_code(0);
    assert_eq!(stage.plan(), [] as [&str; 0]);
    let made = alarms(&stage, "acris");
    let thresholds: Vec<f64> = made.iter().map(|alarm| alarm["Threshold"].as_f64().unwrap()).collect();
    assert_eq!(thresholds, [1000.0, 2.0, 5400.0], "{made:#?}");
    let dimensions = made[0]["Dimensions"].to_string();
    assert!(dimensions.contains("acris") && dimensions.contains("prod"), "{dimensions}");

    // Somebody at the console.
    let mut changed = made[1].clone();
    changed["Threshold"] = json!(50.0);
    changed.as_object_mut().unwrap().retain(|key, value| {
        !value.is_null() && !key.starts_with("State") && !key.ends_with("Timestamp") && key != "AlarmArn"
    });
    stage.aws.json("monitoring", "PutMetricAlarm", &changed).unwrap();
    let told = stage.deploy(["drift"]).expect_code(4).stdout;
    assert!(told.contains("acris-failures") && told.contains("threshold: 50 → 2"), "{told}");
    stage.deploy(["drift", "--repair"]).expect_code(0);
    stage.deploy(["drift"]).expect_code(0);

    // Left alone where its dataset is excluded; gone with its key, and nothing else with it.
    stage.write(file, &without);
    let excluded = stage.json(["plan", "--exclude", "acris"]);
    assert_eq!(crate::stage::lines(&excluded), [] as [&str; 0]);
    stage.deploy(["schedule-all"]).expect_code(0);
    assert!(alarms(&stage, "acris").is_empty());
    assert_eq!(stage.everything()["alarms"].len(), 4);
}
