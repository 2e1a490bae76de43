//! One call on record.

use bytes::Bytes;
use serde_json::{Map, Value};

use super::cbor;
use super::fault::Fault;
use super::identify::{Identity, Protocol};
use crate::http::percent_decode;

/// Whether an operation changes what the endpoint holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// Gets, lists, describes.
    Read,
    /// Everything else.
    Write,
}

/// A call as it arrived, and what became of it.
#[derive(Debug, Clone)]
pub struct Call {
    /// The service by its IAM prefix: `ecs`, `cloudwatch`, `secretsmanager` …
    pub service: String,
    /// The operation by its API name: `RegisterTaskDefinition` …
    pub operation: String,
    /// Read or write.
    pub kind: Kind,
    /// `POST /v1/submitjob`, with the query where there is one.
    pub request_line: String,
    /// The body as it was sent.
    pub body: Bytes,
    /// The status of the answer; `None` while there is none, and when the connection was cut.
    pub status: Option<u16>,
    /// The body of the endpoint's answer, also when the client did not get to see it.
    pub answer: Bytes,
    /// What was done to the call.
    pub fault: Option<Fault>,
    /// Whether the endpoint has acted on it.
    pub reached_endpoint: bool,
    pub(super) protocol: Protocol,
}

impl Call {
    pub(super) fn new(identity: &Identity, request_line: String, body: Bytes) -> Self {
        Self {
            service: identity.service.clone(),
            operation: identity.operation.clone(),
            kind: identity.kind,
            request_line,
            body,
            status: None,
            answer: Bytes::new(),
            fault: None,
            reached_endpoint: false,
            protocol: identity.protocol,
        }
    }

    /// The name that IAM gives it: `ecs:RegisterTaskDefinition`.
    pub fn name(&self) -> String {
        format!("{}:{}", self.service, self.operation)
    }

    /// The operation's input as JSON: a JSON or CBOR body as it is, the fields of a form as strings. `Null` without a
    /// body that can be read.
    pub fn input(&self) -> Value {
        match self.protocol {
            Protocol::Json | Protocol::RestJson => serde_json::from_slice(&self.body).unwrap_or(Value::Null),
            Protocol::Cbor => cbor::to_json(&self.body).unwrap_or(Value::Null),
            Protocol::Query => form(&self.body),
            Protocol::Other => Value::Null,
        }
    }
}

fn form(body: &[u8]) -> Value {
    let text = String::from_utf8_lossy(body);
    let decode = |part: &str| percent_decode(&part.replace('+', " "));
    let pairs = text.split('&').filter_map(|pair| pair.split_once('='));
    Value::Object(pairs.map(|(name, value)| (decode(name), Value::String(decode(value)))).collect::<Map<_, _>>())
}
