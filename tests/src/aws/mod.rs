//! A client for an AWS endpoint on loopback that is no SDK: JSON in, JSON out, a signature that is never checked but names
//! the service. The demo and the journeys use it to read what a deployment left at the endpoint, and to prepare what an
//! account has from its first day.

mod account;
mod control_plane;
mod held;
mod placed;

use bytes::Bytes;
use hyper::{Request, Response};
use serde_json::Value;

use crate::binaries::REGION;
use crate::error::{Error, Result};
use crate::http::percent_encode;
use crate::transport;

pub use account::Network;
pub use control_plane::ControlPlane;

/// A service of the JSON protocols: its name in signatures and the prefix of its targets.
const JSON_TARGETS: [(&str, &str); 8] = [
    ("ecs", "AmazonEC2ContainerServiceV20141113"),
    ("events", "AWSEvents"),
    ("logs", "Logs_20140328"),
    ("secretsmanager", "secretsmanager"),
    ("sqs", "AmazonSQS"),
    // moto speaks JSON for CloudWatch where the SDKs speak CBOR.
    ("monitoring", "GraniteServiceVersion20100801"),
    ("resource-groups-tagging-api", "ResourceGroupsTaggingAPI_20170126"),
    ("ssm", "AmazonSSM"),
];

/// The API versions of services of the Query protocol.
const QUERY_VERSIONS: [(&str, &str); 5] =
    [("ec2", "2016-11-15"), ("iam", "2010-05-08"), ("rds", "2014-10-31"), ("sns", "2010-03-31"), ("sts", "2011-06-15")];

/// An AWS endpoint: moto, the proxy in front of it, or any other on loopback.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Aws {
    endpoint: String,
}

impl Aws {
    /// A client of this endpoint URL, in the region `us-east-1`.
    pub fn new(endpoint: &str) -> Self {
        Self { endpoint: endpoint.trim_end_matches('/').to_owned() }
    }

    /// The endpoint URL, without a slash at its end.
    pub fn endpoint(&self) -> &str {
        &self.endpoint
    }

    /// Calls an operation of a JSON service: `ecs`, `events`, `logs`, `secretsmanager`, `sqs`, `monitoring`.
    pub fn json(&self, service: &str, operation: &str, input: &Value) -> Result<Value> {
        let target = lookup(&JSON_TARGETS, service)?;
        let request = self
            .signed(service, "POST", "/")
            .header("x-amz-target", format!("{target}.{operation}"))
            .header("content-type", "application/x-amz-json-1.1");
        as_json(&send(&format!("{service}:{operation}"), request, input.to_string())?)
    }

    /// Calls a REST service at method and path: `batch`, `scheduler`.
    pub fn rest(&self, service: &str, method: &str, path: &str, input: Option<&Value>) -> Result<Value> {
        let request = self.signed(service, method, path).header("content-type", "application/json");
        let body = input.map(Value::to_string).unwrap_or_default();
        as_json(&send(&format!("{service}: {method} {path}"), request, body)?)
    }

    /// Calls an action of a Query service (`ec2`, `iam`, `rds`, `sns`, `sts`) and returns its XML.
    pub fn query(&self, service: &str, action: &str, parameters: &[(&str, &str)]) -> Result<String> {
        let version = lookup(&QUERY_VERSIONS, service)?;
        let mut form = format!("Action={action}&Version={version}");
        for (name, value) in parameters {
            form = format!("{form}&{name}={}", percent_encode(value));
        }
        let request = self.signed(service, "POST", "/").header("content-type", "application/x-www-form-urlencoded");
        let answer = send(&format!("{service}:{action}"), request, form)?;
        Ok(String::from_utf8_lossy(answer.body()).into_owned())
    }

    fn signed(&self, service: &str, method: &str, path: &str) -> hyper::http::request::Builder {
        // Emulators find the service in the credential's scope.
        let scope = format!("test/20260101/{REGION}/{service}/aws4_request");
        let signature = format!("AWS4-HMAC-SHA256 Credential={scope}, SignedHeaders=host, Signature=00");
        Request::builder()
            .method(method)
            .uri(format!("{}{path}", self.endpoint))
            .header("authorization", signature)
            .header("x-amz-date", "20260101T000000Z")
    }
}

fn lookup<'a>(table: &[(&str, &'a str)], service: &str) -> Result<&'a str> {
    let entry = table.iter().find(|(name, _)| *name == service).map(|(_, value)| *value);
    entry.ok_or_else(|| Error::failed("aws client", format!("{service} is not a service of this protocol")))
}

fn send(call: &str, request: hyper::http::request::Builder, body: String) -> Result<Response<Bytes>> {
    let request = request.body(Bytes::from(body)).map_err(|error| Error::failed(call, error.to_string()))?;
    let answer = transport::send_and_wait(request)?;
    if answer.status().is_success() { Ok(answer) } else { Err(refused(call, &answer)) }
}

fn as_json(answer: &Response<Bytes>) -> Result<Value> {
    if answer.body().is_empty() {
        return Ok(Value::Null);
    }
    serde_json::from_slice(answer.body()).map_err(|error| Error::failed("aws client", format!("no JSON: {error}")))
}

/// Finds code and message wherever the protocol puts them.
fn refused(call: &str, answer: &Response<Bytes>) -> Error {
    let text = String::from_utf8_lossy(answer.body()).into_owned();
    let json: Value = serde_json::from_str(&text).unwrap_or_default();
    let member = |name: &str| json.get(name).and_then(Value::as_str).map(str::to_owned);
    let header = answer.headers().get("x-amzn-errortype").and_then(|value| value.to_str().ok()).map(str::to_owned);
    let code =
        member("__type").or(header).or_else(|| member("code")).or_else(|| tag(&text, "Code")).unwrap_or_default();
    let code = code.rsplit('#').next().unwrap_or_default().split(':').next().unwrap_or_default().to_owned();
    let message = member("message").or_else(|| member("Message")).or_else(|| tag(&text, "Message")).unwrap_or(text);
    Error::Aws { call: call.to_owned(), status: answer.status().as_u16(), code, message }
}

/// The text of the first element of this name.
fn tag(xml: &str, name: &str) -> Option<String> {
    tags(xml, name).into_iter().next()
}

/// The texts of all elements of this name, for elements that hold text only.
fn tags(xml: &str, name: &str) -> Vec<String> {
    let (open, close) = (format!("<{name}>"), format!("</{name}>"));
    xml.split(&open).skip(1).filter_map(|rest| Some(rest.split_once(&close)?.0.to_owned())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_are_understood_in_every_protocol() {
        let cases = [
            (r#"{"__type":"com.amazon#ResourceNotFoundException","message":"no such thing"}"#, ""),
            (r#"{"Message":"no such thing"}"#, "ResourceNotFoundException:http://internal"),
            (
                "<ErrorResponse><Error><Code>ResourceNotFoundException</Code><Message>no such thing</Message></Error></ErrorResponse>",
                "",
            ),
        ];
        for (body, header) in cases {
            let answer = Response::builder().status(404).header("x-amzn-errortype", header);
            let answer = if header.is_empty() { Response::builder().status(404) } else { answer };
            let error = refused("ecs:X", &answer.body(Bytes::from(body)).unwrap());
            assert_eq!(error.to_string(), "ecs:X: HTTP 404: ResourceNotFoundException: no such thing");
        }
    }
}
