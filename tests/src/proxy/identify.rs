//! From a request to the operation it calls. AWS names an operation in four ways: a header (JSON), a form field (Query), a
//! path of fixed shape (CBOR), or method and path (REST).

use hyper::http::request::Parts;

use super::call::Kind;

/// How input and output are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Protocol {
    /// JSON 1.0 or 1.1 with `X-Amz-Target`.
    Json,
    /// A form with `Action`, answered in XML.
    Query,
    /// JSON at a path of its own.
    RestJson,
    /// Smithy RPC v2.
    Cbor,
    /// S3's XML, and what is not recognised.
    Other,
}

/// What a call is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Identity {
    pub(super) service: String,
    pub(super) operation: String,
    pub(super) kind: Kind,
    pub(super) protocol: Protocol,
}

/// Prefixes of operations that change nothing. `AssumeRole` and the like only hand out.
const READS: [&str; 13] = [
    "Get", "List", "Describe", "BatchGet", "Head", "Filter", "Lookup", "Search", "Simulate", "Test", "Validate",
    "Assume", "Decode",
];

/// Batch writes its operations in lower case into the path.
const BATCH: [&str; 22] = [
    "CancelJob",
    "CreateComputeEnvironment",
    "CreateJobQueue",
    "CreateSchedulingPolicy",
    "DeleteComputeEnvironment",
    "DeleteJobQueue",
    "DeleteSchedulingPolicy",
    "DeregisterJobDefinition",
    "DescribeComputeEnvironments",
    "DescribeJobDefinitions",
    "DescribeJobQueues",
    "DescribeJobs",
    "DescribeSchedulingPolicies",
    "GetJobQueueSnapshot",
    "ListJobs",
    "ListSchedulingPolicies",
    "RegisterJobDefinition",
    "SubmitJob",
    "TerminateJob",
    "UpdateComputeEnvironment",
    "UpdateJobQueue",
    "UpdateSchedulingPolicy",
];

/// Names the operation of a request.
pub(super) fn identify(head: &Parts, body: &[u8]) -> Identity {
    let field = |name: &str| head.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let (method, path) = (head.method.as_str(), head.uri.path());
    let signed_for = signing_name(field("authorization"));
    let (service, operation, protocol) = if let Some((target, operation)) = field("x-amz-target").rsplit_once('.') {
        (signed_for.unwrap_or(target).to_owned(), operation.to_owned(), Protocol::Json)
    } else if let Some((service, operation)) = rpc_path(path) {
        (signed_for.unwrap_or(service).to_owned(), operation.to_owned(), Protocol::Cbor)
    } else if let Some(operation) = form_action(body).filter(|_| method == "POST" && path == "/") {
        (signed_for.unwrap_or("query").to_owned(), operation, Protocol::Query)
    } else if let Some((service, operation)) = rest(method, path, signed_for) {
        (service.to_owned(), operation.to_owned(), Protocol::RestJson)
    } else {
        (signed_for.unwrap_or("unknown").to_owned(), format!("{method} {path}"), Protocol::Other)
    };
    let read = match protocol {
        Protocol::Other => matches!(method, "GET" | "HEAD"),
        _ => READS.iter().any(|prefix| operation.starts_with(prefix)),
    };
    let service = if service == "monitoring" { "cloudwatch".into() } else { service };
    Identity { service, operation, kind: if read { Kind::Read } else { Kind::Write }, protocol }
}

/// The service in the credential scope: `Credential=KEY/20260101/us-east-1/ecs/aws4_request`.
fn signing_name(authorization: &str) -> Option<&str> {
    authorization.split("Credential=").nth(1)?.split(',').next()?.split('/').nth(3)
}

/// `/service/GraniteServiceVersion20100801/operation/PutMetricData`.
pub(super) fn rpc_path(path: &str) -> Option<(&str, &str)> {
    path.strip_prefix("/service/")?.split_once("/operation/")
}

fn form_action(body: &[u8]) -> Option<String> {
    let text = std::str::from_utf8(body).ok()?;
    text.split('&').find_map(|pair| pair.strip_prefix("Action=")).map(str::to_owned)
}

fn rest(method: &str, path: &str, signed_for: Option<&str>) -> Option<(&'static str, &'static str)> {
    if let Some(lower) = path.strip_prefix("/v1/") {
        let tags = lower.starts_with("tags/").then(|| tagging(method)).flatten();
        let named = || BATCH.into_iter().find(|name| name.to_ascii_lowercase() == lower);
        return tags.or_else(named).map(|operation| ("batch", operation));
    }
    let mut segments = path.split('/').skip(1);
    let operation = match (segments.next()?, segments.next(), method) {
        ("schedules", None | Some(""), "GET") => "ListSchedules",
        ("schedules", Some(_), "GET") => "GetSchedule",
        ("schedules", Some(_), "POST") => "CreateSchedule",
        ("schedules", Some(_), "PUT") => "UpdateSchedule",
        ("schedules", Some(_), "DELETE") => "DeleteSchedule",
        ("schedule-groups", None | Some(""), "GET") => "ListScheduleGroups",
        ("schedule-groups", Some(_), "GET") => "GetScheduleGroup",
        ("schedule-groups", Some(_), "POST") => "CreateScheduleGroup",
        ("schedule-groups", Some(_), "DELETE") => "DeleteScheduleGroup",
        ("tags", Some(_), _) if signed_for == Some("scheduler") => tagging(method)?,
        _ => return None,
    };
    Some(("scheduler", operation))
}

fn tagging(method: &str) -> Option<&'static str> {
    match method {
        "GET" => Some("ListTagsForResource"),
        "POST" => Some("TagResource"),
        "DELETE" => Some("UntagResource"),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use hyper::Request;

    fn named(line: &str, target: &str, service: &str, body: &str) -> (String, Kind, Protocol) {
        let (method, uri) = line.split_once(' ').unwrap();
        let scope =
            format!("AWS4-HMAC-SHA256 Credential=AK/20260101/us-east-1/{service}/aws4_request, SignedHeaders=host");
        let request = Request::builder().method(method).uri(uri).header("authorization", scope);
        let request = if target.is_empty() { request } else { request.header("x-amz-target", target) };
        let (head, ()) = request.body(()).unwrap().into_parts();
        let identity = identify(&head, body.as_bytes());
        (format!("{}:{}", identity.service, identity.operation), identity.kind, identity.protocol)
    }

    #[test]
    fn every_protocol_names_its_operation() {
        use {Kind::*, Protocol::*};
        let cases = [
            (
                "POST /",
                "AmazonEC2ContainerServiceV20141113.RegisterTaskDefinition",
                "ecs",
                "{}",
                "ecs:RegisterTaskDefinition",
                Write,
                Json,
            ),
            ("POST /", "Logs_20140328.DescribeLogGroups", "logs", "{}", "logs:DescribeLogGroups", Read, Json),
            ("POST /", "", "iam", "Action=CreateRole&Version=2010-05-08", "iam:CreateRole", Write, Query),
            ("POST /", "", "sts", "Version=2011-06-15&Action=GetCallerIdentity", "sts:GetCallerIdentity", Read, Query),
            ("POST /", "AmazonSQS.CreateQueue", "sqs", "{}", "sqs:CreateQueue", Write, Json),
            ("POST /v1/describejobdefinitions", "", "batch", "{}", "batch:DescribeJobDefinitions", Read, RestJson),
            ("POST /v1/submitjob", "", "batch", "{}", "batch:SubmitJob", Write, RestJson),
            ("DELETE /v1/tags/arn%3Aaws%3Abatch", "", "batch", "", "batch:UntagResource", Write, RestJson),
            ("GET /schedules?ScheduleGroup=g", "", "scheduler", "", "scheduler:ListSchedules", Read, RestJson),
            ("GET /schedules/a.b?groupName=g", "", "scheduler", "", "scheduler:GetSchedule", Read, RestJson),
            ("POST /schedules/a", "", "scheduler", "{}", "scheduler:CreateSchedule", Write, RestJson),
            ("DELETE /schedule-groups/g", "", "scheduler", "", "scheduler:DeleteScheduleGroup", Write, RestJson),
            ("GET /tags/arn%3Aaws", "", "scheduler", "", "scheduler:ListTagsForResource", Read, RestJson),
            (
                "POST /service/GraniteServiceVersion20100801/operation/PutMetricData",
                "",
                "monitoring",
                "",
                "cloudwatch:PutMetricData",
                Write,
                Cbor,
            ),
            ("PUT /bucket/key", "", "s3", "", "s3:PUT /bucket/key", Write, Other),
        ];
        for (line, target, service, body, name, kind, protocol) in cases {
            assert_eq!(named(line, target, service, body), (name.to_owned(), kind, protocol), "{line}");
        }
    }
}
