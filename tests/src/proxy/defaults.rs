//! What AWS writes into answers and emulators leave out: defaults, empty lists, lists in an order of its own. A deployer that
//! compares what it reads with what it wrote has to live with all of it (the model of each service; the lists that other
//! tools show as changes for ever).

use bytes::Bytes;
use hyper::Response;
use serde_json::{Value, json};

use super::identify::Identity;

/// The answer as AWS gives it.
pub(super) fn added(identity: &Identity, response: Response<Bytes>) -> Response<Bytes> {
    if !response.status().is_success() {
        return response;
    }
    let Some(add) = adder(&identity.service, &identity.operation) else { return response };
    let Ok(mut answer) = serde_json::from_slice::<Value>(response.body()) else { return response };
    add(&mut answer);
    response.map(|_| answer.to_string().into())
}

fn adder(service: &str, operation: &str) -> Option<fn(&mut Value)> {
    Some(match (service, operation) {
        ("ecs", "DescribeTaskDefinition") => |answer| task_definition(&mut answer["taskDefinition"]),
        ("batch", "DescribeJobDefinitions") => |answer| each(&mut answer["jobDefinitions"], job_definition),
        ("scheduler", "GetSchedule") => schedule,
        ("events", "ListTargetsByRule") => |answer| each(&mut answer["Targets"], target),
        ("events", "ListRules") => {
            |answer| each(&mut answer["Rules"], |rule| fill(rule, &json!({"EventBusName": "default"})))
        }
        ("cloudwatch", "DescribeAlarms") => |answer| each(&mut answer["MetricAlarms"], alarm),
        ("sqs", "GetQueueAttributes") => |answer| queue(&mut answer["Attributes"]),
        ("logs", "DescribeLogGroups") => |answer| each(&mut answer["logGroups"], log_group),
        _ => return None,
    })
}

/// Members that are not there yet.
fn fill(object: &mut Value, members: &Value) {
    let (Some(object), Some(members)) = (object.as_object_mut(), members.as_object()) else { return };
    for (key, value) in members {
        object.entry(key).or_insert_with(|| value.clone());
    }
}

fn each(list: &mut Value, add: fn(&mut Value)) {
    list.as_array_mut().into_iter().flatten().for_each(add);
}

/// In an order that is not the one in which it was given.
fn turned(list: &mut Value) {
    if let Some(list) = list.as_array_mut() {
        list.reverse();
    }
}

fn task_definition(found: &mut Value) {
    let definition = json!({
        "volumes": [], "placementConstraints": [], "compatibilities": ["EC2", "FARGATE"], "enableFaultInjection": false,
        "requiresAttributes": [{"name": "com.amazonaws.ecs.capability.docker-remote-api.1.19"}],
        "registeredAt": 1_700_000_000, "registeredBy": "arn:aws:sts::123456789012:assumed-role/deployer/ci",
    });
    fill(found, &definition);
    each(&mut found["containerDefinitions"], |container| {
        let members = json!({
            "cpu": 0, "essential": true, "portMappings": [], "environment": [], "environmentFiles": [], "mountPoints": [],
            "volumesFrom": [], "secrets": [], "systemControls": [], "dnsServers": [], "dockerLabels": {},
        });
        fill(container, &members);
        turned(&mut container["environment"]);
        turned(&mut container["secrets"]);
    });
}

fn job_definition(found: &mut Value) {
    let definition = json!({"parameters": {}, "containerOrchestrationType": "ECS", "schedulingPriority": 0, "consumableResourceProperties": {"consumableResourceList": []}});
    fill(found, &definition);
    let container = &mut found["containerProperties"];
    let members =
        json!({"volumes": [], "environment": [], "mountPoints": [], "ulimits": [], "secrets": [], "command": []});
    fill(container, &members);
    for list in ["environment", "secrets", "resourceRequirements"] {
        turned(&mut container[list]);
    }
}

fn schedule(found: &mut Value) {
    let members = json!({"ScheduleExpressionTimezone": "UTC", "State": "ENABLED", "ActionAfterCompletion": "NONE"});
    fill(found, &members);
    let target = &mut found["Target"];
    fill(target, &json!({"RetryPolicy": {"MaximumEventAgeInSeconds": 86_400, "MaximumRetryAttempts": 185}}));
    let ecs = &mut target["EcsParameters"];
    let members = json!({
        "EnableECSManagedTags": false, "EnableExecuteCommand": false, "TaskCount": 1, "PlacementConstraints": [],
        "PlacementStrategy": [], "CapacityProviderStrategy": [],
    });
    fill(ecs, &members);
    network(ecs, "AwsvpcConfiguration");
}

fn target(found: &mut Value) {
    let ecs = &mut found["EcsParameters"];
    fill(
        ecs,
        &json!({"EnableECSManagedTags": false, "EnableExecuteCommand": false, "TaskCount": 1, "PlacementConstraints": []}),
    );
    network(ecs, "awsvpcConfiguration");
}

fn network(ecs: &mut Value, name: &str) {
    if let Some(vpc) = ecs.get_mut("NetworkConfiguration").and_then(|network| network.get_mut(name)) {
        turned(&mut vpc["Subnets"]);
        turned(&mut vpc["SecurityGroups"]);
    }
}

fn alarm(found: &mut Value) {
    let members = json!({"ActionsEnabled": true, "OKActions": [], "InsufficientDataActions": [], "StateValue": "INSUFFICIENT_DATA"});
    fill(found, &members);
}

fn queue(attributes: &mut Value) {
    let members = json!({
        "DelaySeconds": "0", "MaximumMessageSize": "1048576", "ReceiveMessageWaitTimeSeconds": "0",
        "VisibilityTimeout": "30", "SqsManagedSseEnabled": "true", "ApproximateNumberOfMessages": "0",
    });
    fill(attributes, &members);
}

fn log_group(found: &mut Value) {
    fill(found, &json!({"logGroupClass": "STANDARD", "storedBytes": 0, "metricFilterCount": 0}));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_given_stays_and_what_was_left_out_is_there() {
        let mut answer = json!({"taskDefinition": {"containerDefinitions": [
            {"cpu": 512, "environment": [{"name": "A"}, {"name": "B"}]},
        ]}});
        adder("ecs", "DescribeTaskDefinition").unwrap()(&mut answer);
        let container = &answer["taskDefinition"]["containerDefinitions"][0];
        assert_eq!((&container["cpu"], &container["essential"]), (&json!(512), &json!(true)));
        assert_eq!(container["environment"], json!([{"name": "B"}, {"name": "A"}]));
        assert_eq!(answer["taskDefinition"]["volumes"], json!([]));
    }

    #[test]
    fn a_target_that_is_no_task_gets_no_parameters_of_one() {
        let mut answer = json!({"Targets": [{"Id": "x", "Arn": "arn:aws:sns:us-east-1:123456789012:x"}]});
        adder("events", "ListTargetsByRule").unwrap()(&mut answer);
        assert!(!answer["Targets"][0]["EcsParameters"].is_object());
    }
}
