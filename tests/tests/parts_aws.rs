//! The raw client reads what an endpoint holds, and the account of a control plane is ready for Batch.

use freshet_tests::Error;
use freshet_tests::aws::ControlPlane;
use serde_json::json;

#[test]
fn the_account_has_a_network_and_the_role_that_batch_insists_on() {
    let plane = ControlPlane::start().unwrap();
    assert!(plane.network.subnets.len() > 1 && plane.network.security_group.starts_with("sg-"));
    let role = plane.aws.make_batch_service_role().unwrap();
    assert!(role.ends_with(":role/aws-service-role/batch.amazonaws.com/AWSServiceRoleForBatch"), "{role}");
    let environment = json!({"computeEnvironmentName": "fargate", "type": "MANAGED", "state": "ENABLED", "serviceRole": role,
        "computeResources": {"type": "FARGATE", "maxvCpus": 4, "subnets": plane.network.subnets,
            "securityGroupIds": [plane.network.security_group]}});
    let made = plane.aws.rest("batch", "POST", "/v1/createcomputeenvironment", Some(&environment)).unwrap();
    assert!(made["computeEnvironmentArn"].is_string());
    assert!(plane.proxy.calls().is_empty(), "what is prepared is not on the record");
}

#[test]
fn secrets_definitions_and_logs_are_read_back() {
    let plane = ControlPlane::start().unwrap();
    let aws = &plane.aws;
    aws.put_secret("demo/database", "{\"url\":\"one\"}").unwrap();
    aws.put_secret("demo/database", "{\"url\":\"two\"}").unwrap();
    assert_eq!(aws.get_secret_value("demo/database").unwrap(), "{\"url\":\"two\"}");

    let container = json!({"name": "worker", "image": "worker:1", "memoryReservation": 256, "command": ["load", "a"]});
    let definition = json!({"family": "a", "containerDefinitions": [container]});
    let first = aws.register_task_definition(&definition).unwrap();
    let mut held = aws.describe_task_definition(&first).unwrap();
    held["containerDefinitions"][0]["command"] = json!(["load", "b"]);
    assert!(aws.register_task_definition(&held).unwrap().ends_with("/a:2"));
    assert_eq!(aws.describe_task_definition("a").unwrap()["containerDefinitions"][0]["command"], json!(["load", "b"]));

    let now = jiff::Timestamp::now().as_millisecond();
    let lines: Vec<_> = (0..1500).map(|number| (now + number, format!("line {number}"))).collect();
    assert!(matches!(aws.put_log_stream("/demo", "a/1", &lines), Err(Error::Aws { .. })), "there is no group yet");
    aws.create_log_group("/demo").unwrap();
    aws.put_log_stream("/demo", "a/1", &lines).unwrap();
    aws.put_log_stream("/demo", "a/1", &[(now + 2000, "more".into())]).unwrap();
    let too_old = aws.put_log_stream("/demo", "a/1", &[(now - 15 * 86_400_000, "old".into())]);
    assert!(too_old.unwrap_err().to_string().contains("rejected"));
    let read = aws.log_lines("/demo", "a/1").unwrap();
    assert_eq!((read.len(), read[0].as_str(), read[1500].as_str()), (1501, "line 0", "more"));
    assert_eq!(aws.log_streams("/demo", "a/").unwrap(), ["a/1"]);
}
