//! What goes wrong with AWS calls, when, and what the client then sees.

use std::time::Duration;

use bytes::Bytes;
use hyper::Response;
use serde_json::json;

use super::call::{Call, Kind};
use super::cbor;
use super::gate::Gate;
use super::identify::Protocol;

/// A throttle in one of its disguises.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Throttle {
    /// HTTP 400 `ThrottlingException`, "Rate exceeded": most services.
    Throttling,
    /// HTTP 429 `TooManyRequestsException`: Batch and Scheduler.
    TooManyRequests,
    /// HTTP 503 `RequestLimitExceeded`: EC2 and others of the Query protocol.
    RequestLimitExceeded,
    /// HTTP 400 `ClientException`, "Too many concurrent attempts to create a new revision of the specified family": ECS.
    ConcurrentRevision,
    /// HTTP 400 `InvalidParameterException`, "Rate exceeded": ECS for Fargate's own limit.
    InvalidParameter,
}

/// What happens to a call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fault {
    /// Refused as too fast; the endpoint does not see it.
    Throttle(Throttle),
    /// HTTP 500 `InternalFailure`; the endpoint does not see it.
    ServerError,
    /// The endpoint acts, and the client is told HTTP 500.
    ServerErrorAfter,
    /// Refused with an error of the caller's choice; the endpoint does not see it.
    Refuse {
        /// HTTP status.
        status: u16,
        /// The error's code, such as `AccessDeniedException`.
        code: String,
        /// Its message.
        message: String,
    },
    /// Passed on after this time.
    Delay(Duration),
    /// Passed on once this gate is open.
    Hold(Gate),
    /// The connection is closed; the endpoint does not see the call.
    CutBefore,
    /// The endpoint acts; the connection is closed instead of its answer.
    CutAfter,
    /// The endpoint acts; no answer comes until the client gives up.
    StallAfter,
    /// What the same read was answered the last time, as where a list has not heard yet of what was made or deleted since;
    /// a read that comes for the first time is passed on.
    Lag,
}

impl Fault {
    /// An answer in place of the endpoint's, for the faults that give one before the endpoint is asked.
    pub(super) fn answer_before(&self, protocol: Protocol) -> Option<Response<Bytes>> {
        match self {
            Self::Throttle(throttle) => {
                let (status, code, message) = throttle.words();
                Some(error(protocol, status, code, message))
            }
            Self::ServerError => Some(server_error(protocol)),
            Self::Refuse { status, code, message } => Some(error(protocol, *status, code, message)),
            _ => None,
        }
    }
}

impl Throttle {
    fn words(self) -> (u16, &'static str, &'static str) {
        match self {
            Self::Throttling => (400, "ThrottlingException", "Rate exceeded"),
            Self::TooManyRequests => (429, "TooManyRequestsException", "Too Many Requests"),
            Self::RequestLimitExceeded => (503, "RequestLimitExceeded", "Request limit exceeded."),
            Self::ConcurrentRevision => (
                400,
                "ClientException",
                "Too many concurrent attempts to create a new revision of the specified family.",
            ),
            Self::InvalidParameter => (400, "InvalidParameterException", "Rate exceeded"),
        }
    }
}

pub(super) fn server_error(protocol: Protocol) -> Response<Bytes> {
    error(protocol, 500, "InternalFailure", "The request processing has failed because of an unknown error.")
}

/// An answer that was given before, given again.
pub(super) fn again(protocol: Protocol, body: Bytes) -> Response<Bytes> {
    let content = match protocol {
        Protocol::Json => "application/x-amz-json-1.1",
        Protocol::RestJson => "application/json",
        Protocol::Cbor => "application/cbor",
        Protocol::Query | Protocol::Other => "text/xml",
    };
    let response = Response::builder().header("content-type", content);
    let response =
        if protocol == Protocol::Cbor { response.header("smithy-protocol", "rpc-v2-cbor") } else { response };
    response.body(body).expect("the headers are constants")
}

/// An error in the words of a protocol.
pub(super) fn error(protocol: Protocol, status: u16, code: &str, message: &str) -> Response<Bytes> {
    let response =
        Response::builder().status(status).header("x-amzn-requestid", "00000000-0000-0000-0000-000000000000");
    let as_json = json!({"__type": code, "message": message, "Message": message});
    let (response, body) = match protocol {
        Protocol::Json => {
            (response.header("content-type", "application/x-amz-json-1.1"), as_json.to_string().into_bytes())
        }
        Protocol::RestJson => {
            let response = response.header("content-type", "application/json").header("x-amzn-errortype", code);
            (response, as_json.to_string().into_bytes())
        }
        Protocol::Cbor => {
            let response = response.header("content-type", "application/cbor").header("smithy-protocol", "rpc-v2-cbor");
            (response, cbor::from_json(&as_json))
        }
        Protocol::Query | Protocol::Other => {
            let by = if status < 500 { "Sender" } else { "Receiver" };
            let xml = format!(
                "<ErrorResponse><Error><Type>{by}</Type><Code>{code}</Code><Message>{message}</Message></Error>\
                 <RequestId>00000000-0000-0000-0000-000000000000</RequestId></ErrorResponse>"
            );
            (response.header("content-type", "text/xml"), xml.into_bytes())
        }
    };
    response.body(body.into()).expect("status and headers are constants or checked by the caller")
}

/// Which calls a fault is for. Calls are counted from the moment the fault is injected, and only those that match.
#[derive(Debug, Clone)]
pub struct When {
    matching: Matching,
    first: u64,
    last: u64,
    chance: Option<Chance>,
}

#[derive(Debug, Clone)]
enum Matching {
    Any,
    Writes,
    Lists,
    Operation(String),
}

#[derive(Debug, Clone, Copy)]
struct Chance {
    percent: u8,
    seed: u64,
}

impl When {
    /// Every call.
    pub fn any() -> Self {
        Self { matching: Matching::Any, first: 1, last: u64::MAX, chance: None }
    }

    /// Every call that changes something.
    pub fn writes() -> Self {
        Self { matching: Matching::Writes, ..Self::any() }
    }

    /// Every call that lists what there is of a kind: reads that AWS lets lag behind its writes.
    pub fn lists() -> Self {
        Self { matching: Matching::Lists, ..Self::any() }
    }

    /// Every call of one operation, such as `ecs:RunTask`.
    pub fn operation(name: &str) -> Self {
        Self { matching: Matching::Operation(name.to_owned()), ..Self::any() }
    }

    /// Only the n-th of them, counted from 1.
    #[must_use]
    pub fn nth(self, n: u64) -> Self {
        Self { first: n, last: n, ..self }
    }

    /// The n-th of them and all that follow, counted from 1.
    #[must_use]
    pub fn from(self, n: u64) -> Self {
        Self { first: n, last: u64::MAX, ..self }
    }

    /// The first n of them.
    #[must_use]
    pub fn first(self, n: u64) -> Self {
        Self { first: 1, last: n, ..self }
    }

    /// Each of them with this chance (0–100); the same seed picks the same ones.
    #[must_use]
    pub fn chance(self, percent: u8, seed: u64) -> Self {
        Self { chance: Some(Chance { percent, seed }), ..self }
    }
}

/// A fault with its count of matching calls.
#[derive(Debug)]
pub(super) struct Rule {
    when: When,
    fault: Fault,
    seen: u64,
}

impl Rule {
    pub(super) fn new(when: When, fault: Fault) -> Self {
        Self { when, fault, seen: 0 }
    }

    /// The fault for this call, if it is for it.
    pub(super) fn take(&mut self, call: &Call) -> Option<Fault> {
        let matches = match &self.when.matching {
            Matching::Any => true,
            Matching::Writes => call.kind == Kind::Write,
            Matching::Lists => lists(call),
            Matching::Operation(name) => *name == call.name(),
        };
        if !matches {
            return None;
        }
        self.seen += 1;
        let in_turn = (self.when.first..=self.when.last).contains(&self.seen);
        let lucky =
            self.when.chance.is_none_or(|chance| mix(chance.seed ^ self.seen) % 100 < u64::from(chance.percent));
        (in_turn && lucky).then(|| self.fault.clone())
    }
}

/// Whether a call lists what there is of a kind. What names a thing is no list, whatever it is called.
fn lists(call: &Call) -> bool {
    match call.operation.as_str() {
        "ListTagsForResource" | "ListQueueTags" | "ListTargetsByRule" | "ListSubscriptionsByTopic" => false,
        "DescribeJobDefinitions" => call.input().get("jobDefinitionName").is_none(),
        "DescribeAlarms" | "DescribeLogGroups" => true,
        other => other.starts_with("List"),
    }
}

/// The finaliser of SplitMix64: neighbours become unrelated.
fn mix(number: u64) -> u64 {
    let mut z = number.wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests {
    use super::super::identify::Identity;
    use super::*;

    fn call(operation: &str, kind: Kind) -> Call {
        let identity = Identity { service: "ecs".into(), operation: operation.into(), kind, protocol: Protocol::Json };
        Call::new(&identity, String::new(), Bytes::new())
    }

    fn hits(when: When, calls: &[Call]) -> Vec<bool> {
        let mut rule = Rule::new(when, Fault::CutBefore);
        calls.iter().map(|call| rule.take(call).is_some()).collect()
    }

    #[test]
    fn only_matching_calls_are_counted() {
        let [list, run] = [call("ListTasks", Kind::Read), call("RunTask", Kind::Write)];
        let calls = [list.clone(), run.clone(), list, run.clone(), run];
        assert_eq!(hits(When::operation("ecs:RunTask").nth(2), &calls), [false, false, false, true, false]);
        assert_eq!(hits(When::writes().from(2), &calls), [false, false, false, true, true]);
        assert_eq!(hits(When::any().first(2), &calls), [true, true, false, false, false]);
    }

    #[test]
    fn chance_is_fair_enough_and_repeatable() {
        let calls = vec![call("ListTasks", Kind::Read); 2000];
        let [one, again, other] = [7, 7, 8].map(|seed| hits(When::any().chance(25, seed), &calls));
        let count = one.iter().filter(|hit| **hit).count();
        assert!((400..600).contains(&count), "{count} of 2000");
        assert_eq!(one, again);
        assert_ne!(one, other);
    }
}
