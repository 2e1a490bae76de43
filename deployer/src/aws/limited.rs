//! An endpoint in memory that takes everything at the rates which AWS publishes, and refuses what comes faster: for tests of
//! how long an apply takes, on a clock that steps. It answers no more than an apply has to know.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_sdk_sts::config::{Credentials, SharedCredentialsProvider};
use aws_smithy_runtime_api::client::http::{HttpConnector, HttpConnectorFuture, SharedHttpConnector, http_client_fn};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_types::body::SdkBody;
use jiff::Timestamp;
use serde_json::{Value, json};

use super::Clients;
use super::bucket::Pace;
use super::call::Caller;
use crate::clock::Clock;
use crate::clock::stepped::Stepped;

/// What AWS publishes of the operations that make a stack: calls at once, calls per second after that. Operations of one
/// name share them. ECS API reference, "Request throttling"; EventBridge, Scheduler and CloudWatch quotas; Batch's 50 a second.
const PUBLISHED: &[(&str, &[&str], f64, f64)] = &[
    ("registering task definitions", &["RegisterTaskDefinition", "DeregisterTaskDefinition"], 20.0, 1.0),
    ("reading task definitions", &["DescribeTaskDefinition", "ListTaskDefinitions"], 50.0, 20.0),
    ("clusters", &["CreateCluster", "DescribeClusters"], 50.0, 20.0),
    (
        "Batch",
        &[
            "registerjobdefinition",
            "createcomputeenvironment",
            "createjobqueue",
            "describecomputeenvironments",
            "describejobqueues",
            "describejobdefinitions",
        ],
        50.0,
        50.0,
    ),
    // The smallest Regions; others take twenty times as many.
    ("schedules", &["POST schedules"], 250.0, 250.0),
    ("PutRule", &["PutRule"], 50.0, 50.0),
    ("PutTargets", &["PutTargets"], 50.0, 50.0),
    ("PutMetricAlarm", &["PutMetricAlarm"], 3.0, 3.0),
    ("PutDashboard", &["PutDashboard"], 10.0, 10.0),
];

/// One operation's calls and what is left of its rate.
#[derive(Debug)]
struct Bucket {
    calls: u32,
    tokens: f64,
    filled: Timestamp,
}

/// The endpoint.
#[derive(Debug)]
pub(crate) struct Limited {
    clock: Arc<Stepped>,
    /// The least time on the way, in each direction.
    way: Duration,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    buckets: BTreeMap<&'static str, Bucket>,
    calls: u32,
    throttled: Vec<String>,
}

impl Limited {
    /// An endpoint so far away.
    pub(crate) fn new(clock: &Arc<Stepped>, way: Duration) -> Arc<Self> {
        Arc::new(Self { clock: Arc::clone(clock), way, state: Mutex::default() })
    }

    /// Clients of it that keep to the published rates.
    pub(crate) fn clients(self: &Arc<Self>) -> Clients {
        let connector = SharedHttpConnector::new(Connector(Arc::clone(self)));
        let config = SdkConfig::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::new("us-east-1"))
            .credentials_provider(SharedCredentialsProvider::new(Credentials::new("test", "test", None, None, "test")))
            .http_client(http_client_fn(move |_, _| connector.clone()))
            .retry_config(aws_config::retry::RetryConfig::disabled())
            .build();
        Clients::with(&config, Caller::new(Arc::new(Arc::clone(&self.clock)), Pace::Published))
    }

    /// Seconds that the published rates take for the calls that were made, whatever their order.
    pub(crate) fn floor(&self) -> f64 {
        let state = self.state.lock().unwrap();
        let waits = PUBLISHED.iter().filter_map(|(name, _, burst, rate)| {
            let bucket = state.buckets.get(name)?;
            Some((f64::from(bucket.calls) - burst) / rate)
        });
        waits.fold(0.0, f64::max)
    }

    /// Operations that came too fast.
    pub(crate) fn throttled(&self) -> Vec<String> {
        self.state.lock().unwrap().throttled.clone()
    }

    /// Takes a call at this moment, or not.
    fn take(&self, operation: &str) -> bool {
        let now = self.clock.now();
        let mut state = self.state.lock().unwrap();
        let limit = PUBLISHED.iter().find(|(_, operations, _, _)| operations.contains(&operation));
        let Some((name, _, burst, rate)) = limit else { return true };
        let bucket = state.buckets.entry(name).or_insert(Bucket { calls: 0, tokens: *burst, filled: now });
        let passed = now.duration_since(bucket.filled).as_secs_f64();
        bucket.tokens = (bucket.tokens + passed * rate).min(*burst);
        bucket.filled = now;
        if bucket.tokens < 1.0 {
            state.throttled.push(operation.to_owned());
            return false;
        }
        bucket.tokens -= 1.0;
        bucket.calls += 1;
        true
    }

    /// The way of the next call: between once and twice the least, the same in every run.
    fn next_way(&self) -> Duration {
        let mut state = self.state.lock().unwrap();
        state.calls += 1;
        self.way + self.way * (state.calls.wrapping_mul(2_654_435_761) >> 24) / 256
    }
}

/// What the SDK sends through.
#[derive(Debug)]
struct Connector(Arc<Limited>);

impl HttpConnector for Connector {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let endpoint = Arc::clone(&self.0);
        HttpConnectorFuture::new(async move {
            let operation = operation(&request);
            let way = endpoint.next_way();
            Arc::clone(&endpoint.clock).sleep(way).await;
            let (status, body) = if endpoint.take(&operation) {
                (200, answer(&operation, &request))
            } else {
                (400, json!({"__type": "ThrottlingException", "message": "Rate exceeded"}).to_string().into())
            };
            Arc::clone(&endpoint.clock).sleep(way).await;
            let mut response = HttpResponse::new(status.try_into().unwrap(), SdkBody::from(body));
            if request.uri().contains("/operation/") {
                response.headers_mut().insert("smithy-protocol", "rpc-v2-cbor");
            }
            Ok(response)
        })
    }
}

/// What a request asks for: the target's last word, the form's action, or method and first part of the path.
fn operation(request: &HttpRequest) -> String {
    if let Some(target) = request.headers().get("x-amz-target") {
        return target.rsplit('.').next().unwrap_or_default().to_owned();
    }
    let body = String::from_utf8_lossy(request.body().bytes().unwrap_or_default());
    if let Some(action) = body.split('&').find_map(|pair| pair.strip_prefix("Action=")) {
        return action.to_owned();
    }
    let path = request.uri().splitn(4, '/').nth(3).unwrap_or_default();
    if let Some(operation) = path.strip_prefix("v1/").or_else(|| path.split_once("/operation/").map(|(_, name)| name)) {
        return operation.to_owned();
    }
    format!("{} {}", request.method(), path.split('/').next().unwrap_or_default())
}

fn answer(operation: &str, request: &HttpRequest) -> Vec<u8> {
    let asked: Value = serde_json::from_slice(request.body().bytes().unwrap_or_default()).unwrap_or_default();
    let arn = |kind: &str, name: &Value| format!("arn:aws:{kind}/{}:1", name.as_str().unwrap_or_default());
    let ready = json!({"status": "VALID", "state": "ENABLED"});
    let role = "<Role><Path>/</Path><RoleName>r</RoleName><RoleId>r</RoleId><Arn>arn:aws:iam::1:role/r</Arn>\
                <CreateDate>2026-01-01T00:00:00Z</CreateDate></Role>";
    let json = match operation {
        "RegisterTaskDefinition" => {
            json!({"taskDefinition": {"taskDefinitionArn": arn("ecs:us-east-1:1:task-definition", &asked["family"])}})
        }
        "registerjobdefinition" => {
            json!({"jobDefinitionArn": arn("batch:us-east-1:1:job-definition", &asked["jobDefinitionName"])})
        }
        "describecomputeenvironments" => json!({"computeEnvironments": [ready]}),
        "describejobqueues" => json!({"jobQueues": [ready]}),
        "CreateQueue" => json!({"QueueUrl": "https://sqs.us-east-1.amazonaws.com/1/q"}),
        "ListRoles" => {
            let roles = role.replace("Role>", "member>");
            return xml(operation, &format!("<IsTruncated>false</IsTruncated><Roles>{roles}</Roles>"));
        }
        "CreateRole" => return xml(operation, role),
        "PutMetricAlarm" | "PutDashboard" => return vec![0xa0],
        _ if request.body().bytes().is_some_and(|body| body.starts_with(b"Action=")) => return xml(operation, ""),
        _ => json!({}),
    };
    json.to_string().into()
}

/// An answer of the Query protocol.
fn xml(operation: &str, result: &str) -> Vec<u8> {
    format!("<{operation}Response><{operation}Result>{result}</{operation}Result></{operation}Response>").into()
}
