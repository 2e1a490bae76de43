//! CloudWatch's CBOR and the JSON that moto understands in its place: the same members under the same names, but for
//! timestamps, which CBOR tags and JSON writes as plain seconds.

use std::io::Read as _;

use bytes::Bytes;
use ciborium::Value as Cbor;
use flate2::read::GzDecoder;
use hyper::http::request::Parts;
use hyper::{Request, Response};
use serde_json::{Map, Number, Value};

use super::fault::error;
use super::identify::{Protocol, rpc_path};

/// CBOR's tag for seconds since 1970.
const EPOCH_SECONDS: u64 = 1;
/// Members of CloudWatch's answers whose numbers are floating-point however they are written.
const DOUBLES: [&str; 9] =
    ["Values", "Threshold", "Average", "Sum", "Minimum", "Maximum", "SampleCount", "ExtendedStatistics", "Counts"];

/// Rewrites an RPC request for an endpoint that speaks JSON 1.0 only.
pub(super) fn request_as_json(mut head: Parts, body: &Bytes) -> Request<Bytes> {
    let gzipped = head.headers.get("content-encoding").is_some_and(|encoding| encoding == "gzip");
    let plain = if gzipped { gunzip(body) } else { body.to_vec() };
    if let Some((service, operation)) = rpc_path(head.uri.path()) {
        let target = format!("{service}.{operation}");
        if let (Ok(target), Ok(root)) = (target.parse(), "/".parse()) {
            head.headers.insert("x-amz-target", target);
            head.uri = root;
        }
    }
    head.headers.remove("smithy-protocol");
    head.headers.remove("content-encoding");
    let json = hyper::header::HeaderValue::from_static("application/x-amz-json-1.0");
    head.headers.insert("content-type", json.clone());
    head.headers.insert("accept", json);
    let input = to_json(&plain).unwrap_or_else(|| Value::Object(Map::new()));
    Request::from_parts(head, input.to_string().into())
}

/// Rewrites the JSON answer for the client that asked in CBOR.
pub(super) fn response_as_cbor(response: &Response<Bytes>) -> Response<Bytes> {
    let status = response.status();
    let Ok(answer) = serde_json::from_slice::<Value>(response.body()) else {
        let said = String::from_utf8_lossy(response.body());
        return error(Protocol::Cbor, status.as_u16().max(500), "InternalFailure", &said);
    };
    let rewritten = Response::builder()
        .status(status)
        .header("content-type", "application/cbor")
        .header("smithy-protocol", "rpc-v2-cbor")
        .body(from_json(&answer).into());
    rewritten.expect("the status is one that was received and the headers are constants")
}

fn gunzip(body: &[u8]) -> Vec<u8> {
    let mut plain = Vec::new();
    // What cannot be unpacked is passed on as far as it could be, and refused by the endpoint.
    let _ = GzDecoder::new(body).read_to_end(&mut plain);
    plain
}

/// Reads CBOR as JSON; `None` when it is not CBOR.
pub(super) fn to_json(bytes: &[u8]) -> Option<Value> {
    ciborium::from_reader::<Cbor, _>(bytes).ok().map(json_of)
}

fn json_of(value: Cbor) -> Value {
    match value {
        Cbor::Map(entries) => {
            let entries =
                entries.into_iter().filter_map(|(name, value)| Some((name.into_text().ok()?, json_of(value))));
            Value::Object(entries.collect())
        }
        Cbor::Array(items) => items.into_iter().map(json_of).collect(),
        Cbor::Text(text) => Value::String(text),
        Cbor::Bool(flag) => Value::Bool(flag),
        Cbor::Integer(number) => {
            let number = i128::from(number);
            i64::try_from(number)
                .map(Value::from)
                .or_else(|_| u64::try_from(number).map(Value::from))
                .unwrap_or(Value::Null)
        }
        Cbor::Float(number) => Number::from_f64(number).map_or(Value::Null, Value::Number),
        Cbor::Tag(_, inner) => json_of(*inner),
        _ => Value::Null,
    }
}

/// Writes JSON as CBOR, typed by the names that CloudWatch gives its members.
pub(super) fn from_json(value: &Value) -> Vec<u8> {
    let mut bytes = Vec::new();
    // Writing to memory fails only where memory ends.
    let _ = ciborium::into_writer(&cbor_of("", value), &mut bytes);
    bytes
}

fn cbor_of(member: &str, value: &Value) -> Cbor {
    match value {
        Value::Object(entries) => {
            // A null member is an absent one, and CBOR clients are strict about it.
            let entries = entries.iter().filter(|(_, value)| !value.is_null());
            Cbor::Map(entries.map(|(name, value)| (Cbor::Text(name.clone()), cbor_of(name, value))).collect())
        }
        Value::Array(items) => Cbor::Array(items.iter().map(|item| cbor_of(member, item)).collect()),
        Value::String(text) => Cbor::Text(text.clone()),
        Value::Bool(flag) => Cbor::Bool(*flag),
        Value::Number(number) => number_of(member, number),
        Value::Null => Cbor::Null,
    }
}

fn number_of(member: &str, number: &Number) -> Cbor {
    let float = Cbor::Float(number.as_f64().unwrap_or(f64::NAN));
    if member.ends_with("Timestamp") || member.ends_with("Timestamps") || member == "LastModified" {
        return Cbor::Tag(EPOCH_SECONDS, Box::new(float));
    }
    match number.as_i64() {
        Some(integer) if !DOUBLES.contains(&member) => Cbor::from(integer),
        _ => float,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn timestamps_are_tagged_and_values_are_floating_point() {
        let answer =
            json!({"MetricDataResults": [{"Id": "a", "Timestamps": [1_795_171_583], "Values": [42]}], "Period": 60});
        let cbor: Cbor = ciborium::from_reader(from_json(&answer).as_slice()).unwrap();
        let text = format!("{cbor:?}");
        assert!(text.contains("Tag(1, Float(1795171583.0))") && text.contains("Float(42.0)"), "{text}");
        assert!(text.contains("Integer(Integer(60))"), "{text}");
    }

    #[test]
    fn json_survives_the_way_through_cbor() {
        let input =
            json!({"Namespace": "Freshet", "MetricData": [{"Value": 1.5, "StorageResolution": 60, "ok": true}]});
        assert_eq!(to_json(&from_json(&input)), Some(input));
    }
}
