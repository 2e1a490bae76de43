//! The proxy in front of moto: what it records, how it pages, how it fails, and what CloudWatch's CBOR becomes.

#![allow(clippy::unwrap_used, reason = "the helpers of a test fail it by panicking")]

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use ciborium::{Value as Cbor, cbor};
use freshet_tests::Error;
use freshet_tests::aws::{Aws, ControlPlane};
use freshet_tests::proxy::{Fault, Kind, Throttle, When};
use serde_json::{Value, json};

const SOON: Duration = Duration::from_secs(20);

fn through(plane: &ControlPlane) -> Aws {
    Aws::new(&plane.url())
}

fn definition(family: &str) -> Value {
    let container = json!({"name": "worker", "image": "worker:1", "memoryReservation": 256});
    json!({"family": family, "containerDefinitions": [container]})
}

fn code(result: freshet_tests::Result<Value>) -> (u16, String) {
    match result.unwrap_err() {
        Error::Aws { status, code, .. } => (status, code),
        other => (0, other.to_string()),
    }
}

#[test]
fn calls_are_recorded_in_order_under_their_iam_names() {
    let plane = ControlPlane::start().unwrap();
    let aws = through(&plane);
    let account = aws.query("sts", "GetCallerIdentity", &[]).unwrap();
    assert!(account.contains(freshet_tests::moto::ACCOUNT));
    aws.json("ecs", "RegisterTaskDefinition", &definition("one")).unwrap();
    aws.rest("batch", "POST", "/v1/describejobdefinitions", Some(&json!({"jobDefinitionName": "x"}))).unwrap();
    aws.rest("scheduler", "POST", "/schedule-groups/g", Some(&json!({"ClientToken": "t"}))).unwrap();
    assert_eq!(aws.list_schedules("g").unwrap(), Vec::<Value>::new());
    assert_eq!(
        code(aws.json("secretsmanager", "GetSecretValue", &json!({"SecretId": "no"}))).1,
        "ResourceNotFoundException"
    );

    let calls = plane.proxy.calls();
    let seen: Vec<_> = calls.iter().map(|call| (call.name(), call.kind, call.status)).collect();
    let expected = [
        ("sts:GetCallerIdentity", Kind::Read, 200),
        ("ecs:RegisterTaskDefinition", Kind::Write, 200),
        ("batch:DescribeJobDefinitions", Kind::Read, 200),
        ("scheduler:CreateScheduleGroup", Kind::Write, 200),
        ("scheduler:ListSchedules", Kind::Read, 200),
        ("secretsmanager:GetSecretValue", Kind::Read, 404),
    ];
    assert_eq!(seen, expected.map(|(name, kind, status)| (name.to_owned(), kind, Some(status))));
    assert_eq!(calls[1].input()["family"], "one");
    assert!(calls[0].input()["Action"] == "GetCallerIdentity" && calls[0].reached_endpoint);
    assert_eq!(plane.proxy.writes().len(), 2);
    assert_eq!(plane.proxy.count_by_operation()["scheduler:ListSchedules"], 1);
    plane.proxy.reset();
    assert!(plane.proxy.calls().is_empty());
}

#[test]
fn lists_come_in_pages_of_awss_size() {
    let plane = ControlPlane::start().unwrap();
    for number in 0..120 {
        plane.aws.json("ecs", "RegisterTaskDefinition", &definition(&format!("family-{number:03}"))).unwrap();
        let rule = json!({"Name": format!("rule-{number:03}"), "ScheduleExpression": "rate(1 day)"});
        plane.aws.json("events", "PutRule", &rule).unwrap();
        let job = json!({"jobDefinitionName": format!("job-{number:03}"), "type": "container", "containerProperties":
            {"image": "worker:1", "vcpus": 1, "memory": 512}});
        plane.aws.rest("batch", "POST", "/v1/registerjobdefinition", Some(&job)).unwrap();
        let schedule = json!({"ScheduleExpression": "rate(1 day)", "FlexibleTimeWindow": {"Mode": "OFF"},
            "Target": {"Arn": "arn:aws:sqs:us-east-1:123456789012:q", "RoleArn": "arn:aws:iam::123456789012:role/r"}});
        plane.aws.rest("scheduler", "POST", &format!("/schedules/s-{number:03}"), Some(&schedule)).unwrap();
        plane.aws.create_log_group(&format!("group-{number:03}")).unwrap();
    }

    let aws = through(&plane);
    let pages_of = |service: &str, operation: &str, items: &str, token: &str| {
        let (mut sizes, mut input) = (Vec::new(), json!({}));
        let mut names = Vec::new();
        loop {
            let page = if service == "batch" {
                aws.rest("batch", "POST", "/v1/describejobdefinitions", Some(&input)).unwrap()
            } else {
                aws.json(service, operation, &input).unwrap()
            };
            let found = page[items].as_array().unwrap();
            sizes.push(found.len());
            names.extend(found.iter().map(Value::to_string));
            if page.get(token).is_none_or(Value::is_null) {
                names.sort();
                names.dedup();
                assert_eq!(names.len(), 120, "{operation} repeats or loses items");
                return sizes;
            }
            input[token] = page[token].clone();
        }
    };
    assert_eq!(pages_of("ecs", "ListTaskDefinitions", "taskDefinitionArns", "nextToken"), [100, 20]);
    assert_eq!(pages_of("ecs", "ListTaskDefinitionFamilies", "families", "nextToken"), [100, 20]);
    assert_eq!(pages_of("batch", "DescribeJobDefinitions", "jobDefinitions", "nextToken"), [100, 20]);
    assert_eq!(pages_of("events", "ListRules", "Rules", "NextToken"), [100, 20]);
    assert_eq!(pages_of("logs", "DescribeLogGroups", "logGroups", "nextToken"), [50, 50, 20]);
    plane.proxy.reset();
    assert_eq!(aws.list_schedules("default").unwrap().len(), 120);
    assert_eq!(plane.proxy.count_by_operation()["scheduler:ListSchedules"], 2);

    let small = aws.rest("scheduler", "GET", "/schedules?MaxResults=7&NamePrefix=s-01", None).unwrap();
    assert_eq!(small["Schedules"].as_array().unwrap().len(), 7);
    assert!(small["NextToken"].is_string());
    let refused = code(aws.json("ecs", "ListTaskDefinitions", &json!({"maxResults": 101})));
    assert_eq!(refused, (400, "InvalidParameterException".into()));
}

#[test]
fn throttles_come_in_all_their_disguises() {
    let plane = ControlPlane::start().unwrap();
    let aws = through(&plane);
    let disguises = [
        (Throttle::Throttling, 400, "ThrottlingException"),
        (Throttle::TooManyRequests, 429, "TooManyRequestsException"),
        (Throttle::RequestLimitExceeded, 503, "RequestLimitExceeded"),
        (Throttle::ConcurrentRevision, 400, "ClientException"),
        (Throttle::InvalidParameter, 400, "InvalidParameterException"),
    ];
    for (throttle, status, name) in disguises {
        plane.proxy.inject(When::any().first(3), Fault::Throttle(throttle));
        let xml = aws.query("iam", "ListRoles", &[]).map(Value::from);
        for answer in
            [aws.json("ecs", "ListClusters", &json!({})), aws.rest("scheduler", "GET", "/schedules", None), xml]
        {
            assert_eq!(code(answer), (status, name.to_owned()));
        }
    }
    assert!(aws.json("ecs", "ListClusters", &json!({})).is_ok());
    let throttled = plane.proxy.calls().into_iter().filter(|call| call.fault.is_some());
    assert!(throttled.clone().count() == 15 && throttled.into_iter().all(|call| !call.reached_endpoint));
}

#[test]
fn a_connection_is_cut_before_or_after_the_endpoint_acted() {
    let plane = ControlPlane::start().unwrap();
    let aws = through(&plane);
    let families = || plane.aws.json("ecs", "ListTaskDefinitionFamilies", &json!({})).unwrap()["families"].clone();
    plane.proxy.inject(When::operation("ecs:RegisterTaskDefinition").nth(1), Fault::CutBefore);
    plane.proxy.inject(When::operation("ecs:RegisterTaskDefinition").nth(2), Fault::CutAfter);
    plane.proxy.inject(When::operation("ecs:RegisterTaskDefinition").nth(3), Fault::ServerErrorAfter);
    let register = |family: &str| code(aws.json("ecs", "RegisterTaskDefinition", &definition(family)));
    assert_eq!(register("before").0, 0);
    assert_eq!(families(), json!([]));
    assert_eq!(register("after").0, 0);
    assert_eq!(register("told-500"), (500, "InternalFailure".into()));
    assert_eq!(families(), json!(["after", "told-500"]));
    let calls = plane.proxy.calls();
    let fates: Vec<_> = calls.iter().map(|call| (call.status, call.reached_endpoint)).collect();
    assert_eq!(fates, [(None, false), (None, true), (Some(500), true)]);
    assert!(!calls[1].answer.is_empty());
}

#[test]
fn an_answer_can_be_late_or_never_come() {
    let plane = ControlPlane::start().unwrap();
    let aws = through(&plane);
    plane.proxy.inject(When::operation("ecs:ListClusters").nth(1), Fault::Delay(Duration::from_millis(200)));
    let started = Instant::now();
    aws.json("ecs", "ListClusters", &json!({})).unwrap();
    assert!(started.elapsed() >= Duration::from_millis(200));

    plane.proxy.inject(When::writes(), Fault::StallAfter);
    let request = "POST / HTTP/1.1\r\nHost: x\r\nX-Amz-Target: AmazonEC2ContainerServiceV20141113.CreateCluster\r\n\
        Content-Type: application/x-amz-json-1.1\r\nContent-Length: 19\r\n\
        Authorization: AWS4-HMAC-SHA256 Credential=a/20260101/us-east-1/ecs/aws4_request\r\n\r\n{\"clusterName\":\"c\"}";
    let mut stream = TcpStream::connect(plane.url().trim_start_matches("http://")).unwrap();
    stream.write_all(request.as_bytes()).unwrap();
    let acted = |calls: &[freshet_tests::proxy::Call]| {
        calls.iter().any(|call| call.operation == "CreateCluster" && call.reached_endpoint)
    };
    assert!(plane.proxy.wait_until(SOON, acted));
    stream.set_read_timeout(Some(Duration::from_millis(100))).unwrap();
    assert!(stream.read(&mut [0; 10]).is_err(), "an answer came");
    assert_eq!(plane.aws.json("ecs", "ListClusters", &json!({})).unwrap()["clusterArns"].as_array().unwrap().len(), 1);
}

fn post_cbor(plane: &ControlPlane, operation: &str, input: &Cbor) -> (String, Cbor) {
    let mut body = Vec::new();
    ciborium::into_writer(input, &mut body).unwrap();
    let mut stream = TcpStream::connect(plane.url().trim_start_matches("http://")).unwrap();
    write!(
        stream,
        "POST /service/GraniteServiceVersion20100801/operation/{operation} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\
         Content-Type: application/cbor\r\nSmithy-Protocol: rpc-v2-cbor\r\nContent-Length: {}\r\n\
         Authorization: AWS4-HMAC-SHA256 Credential=a/20260101/us-east-1/monitoring/aws4_request\r\n\r\n",
        body.len()
    )
    .unwrap();
    stream.write_all(&body).unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).unwrap();
    let split = answer.windows(4).position(|bytes| bytes == b"\r\n\r\n").unwrap();
    let head = String::from_utf8(answer[..split].to_vec()).unwrap().to_ascii_lowercase();
    assert!(head.contains("smithy-protocol: rpc-v2-cbor"), "{head}");
    (head.lines().next().unwrap().to_owned(), ciborium::from_reader(&answer[split + 4..]).unwrap())
}

#[test]
fn metrics_put_as_cbor_are_read_back_as_cbor_and_as_json() {
    let plane = ControlPlane::start().unwrap();
    let now = jiff::Timestamp::now().as_second();
    let seconds = |time: i64| Cbor::Tag(1, Box::new(Cbor::from(time)));
    let dimensions = cbor!([{"Name" => "dataset", "Value" => "hpd"}]).unwrap();
    let put = cbor!({"Namespace" => "Freshet", "MetricData" => [
        {"MetricName" => "rows", "Dimensions" => dimensions, "Timestamp" => seconds(now), "Value" => 42.5, "Unit" => "Count"},
    ]});
    let (status, _) = post_cbor(&plane, "PutMetricData", &put.unwrap());
    assert_eq!(status.split(' ').nth(1), Some("200"));

    let get = cbor!({"StartTime" => seconds(now - 3600), "EndTime" => seconds(now + 3600), "MetricDataQueries" => [
        {"Id" => "a", "MetricStat" => {"Metric" => {"Namespace" => "Freshet", "MetricName" => "rows", "Dimensions" => dimensions},
            "Period" => 60, "Stat" => "Sum"}},
    ]});
    let (_, answer) = post_cbor(&plane, "GetMetricData", &get.unwrap());
    let text = format!("{answer:?}");
    assert!(text.contains("Float(42.5)") && text.contains("Tag(1, "), "{text}");
    let sum = plane.aws.metric_sum("Freshet", "rows", &[("dataset", "hpd")]).unwrap();
    assert!((sum - 42.5).abs() < f64::EPSILON, "{sum}");
    assert_eq!(plane.proxy.count_by_operation()["cloudwatch:PutMetricData"], 1);
    assert_eq!(plane.proxy.calls()[0].input()["MetricData"][0]["MetricName"], "rows");
}

#[test]
fn alarms_and_errors_cross_the_same_bridge() {
    let plane = ControlPlane::start().unwrap();
    let alarm = cbor!({"AlarmName" => "late", "EvaluationPeriods" => 1, "ComparisonOperator" => "GreaterThanThreshold",
        "Threshold" => 3.0, "MetricName" => "age", "Namespace" => "Freshet", "Period" => 60, "Statistic" => "Maximum",
        "ActionsEnabled" => true});
    post_cbor(&plane, "PutMetricAlarm", &alarm.unwrap());
    let (_, answer) = post_cbor(&plane, "DescribeAlarms", &cbor!({"AlarmNamePrefix" => "la"}).unwrap());
    let text = format!("{answer:?}");
    for part in ["Text(\"late\")", "Float(3.0)", "Integer(Integer(60))", "Bool(true)", "Tag(1, Float("] {
        assert!(text.contains(part), "{part} is not in {text}");
    }
    let (status, answer) = post_cbor(&plane, "GetDashboard", &cbor!({"DashboardName" => "none"}).unwrap());
    assert!(status.contains(" 404") && format!("{answer:?}").contains("ResourceNotFound"), "{status} {answer:?}");
    plane.proxy.inject(When::any(), Fault::Throttle(Throttle::Throttling));
    let (status, answer) = post_cbor(&plane, "DescribeAlarms", &cbor!({}).unwrap());
    assert!(status.contains(" 400") && format!("{answer:?}").contains("ThrottlingException"), "{status} {answer:?}");
}
