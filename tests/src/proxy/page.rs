//! Lists in pages as AWS gives them. Emulators answer some lists whole, others with pages of another size: here the whole
//! list is fetched from the endpoint, and the page that AWS would give is cut from it.

use std::fmt::Write as _;

use hyper::http::request::Parts;
use hyper::{Request, Response};

use bytes::Bytes;
use serde_json::{Map, Value};

use super::fault::error;
use super::identify::{Identity, Protocol};
use crate::error::Result;
use crate::http::{percent_decode, percent_encode};

/// Our own tokens: the position of the page's first item.
const TOKEN: &str = "freshet-page-";

/// A list operation: what AWS calls its parts, and how many items it gives at most, which is also its default.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Paged {
    name: &'static str,
    items: &'static str,
    token: &'static str,
    limit: &'static str,
    most: usize,
    /// The error for a limit above `most`.
    refusal: &'static str,
}

const fn paged(name: &'static str, items: &'static str, most: usize, style: &'static Style) -> Paged {
    Paged { name, items, token: style.0, limit: style.1, most, refusal: style.2 }
}

/// Token, limit, refusal.
type Style = (&'static str, &'static str, &'static str);
const ECS: Style = ("nextToken", "maxResults", "InvalidParameterException");
const BATCH: Style = ("nextToken", "maxResults", "ClientException");
const SCHEDULER: Style = ("NextToken", "MaxResults", "ValidationException");
const EVENTS: Style = ("NextToken", "Limit", "ValidationException");
const LOGS: Style = ("nextToken", "limit", "InvalidParameterException");
const SECRETS: Style = ("NextToken", "MaxResults", "InvalidParameterException");

const LISTS: [Paged; 12] = [
    paged("ecs:ListTaskDefinitions", "taskDefinitionArns", 100, &ECS),
    paged("ecs:ListTaskDefinitionFamilies", "families", 100, &ECS),
    paged("ecs:ListClusters", "clusterArns", 100, &ECS),
    paged("batch:DescribeJobDefinitions", "jobDefinitions", 100, &BATCH),
    paged("batch:DescribeJobQueues", "jobQueues", 100, &BATCH),
    paged("batch:DescribeComputeEnvironments", "computeEnvironments", 100, &BATCH),
    paged("scheduler:ListSchedules", "Schedules", 100, &SCHEDULER),
    paged("scheduler:ListScheduleGroups", "ScheduleGroups", 100, &SCHEDULER),
    paged("events:ListRules", "Rules", 100, &EVENTS),
    paged("events:ListTargetsByRule", "Targets", 100, &EVENTS),
    paged("logs:DescribeLogGroups", "logGroups", 50, &LOGS),
    paged("secretsmanager:ListSecrets", "SecretList", 100, &SECRETS),
];

/// The list that a call asks for, if it is one that AWS gives in pages.
pub(super) fn paged_list(identity: &Identity) -> Option<&'static Paged> {
    let of_service = |list: &&Paged| list.name.split_once(':') == Some((&identity.service, &identity.operation));
    LISTS.iter().find(of_service)
}

/// Answers one page. `ask` puts a request to the endpoint.
pub(super) async fn answer<F>(
    list: &Paged,
    protocol: Protocol,
    head: &Parts,
    body: &Bytes,
    ask: impl Fn(Request<Bytes>) -> F,
) -> Result<Response<Bytes>>
where
    F: Future<Output = Result<Response<Bytes>>>,
{
    let asked = Parameters::of(head, body);
    let page = asked.get(list.limit).map_or(Some(list.most), |limit| limit.parse().ok());
    let Some(page) = page.filter(|page| (1..=list.most).contains(page)) else {
        let message = format!("{} must be between 1 and {}", list.limit, list.most);
        return Ok(error(protocol, 400, list.refusal, &message));
    };
    let start = match asked.get(list.token) {
        None => 0,
        Some(token) => match token.strip_prefix(TOKEN).and_then(|position| position.parse().ok()) {
            Some(position) => position,
            None => return Ok(error(protocol, 400, list.refusal, &format!("{} is not one of ours", list.token))),
        },
    };

    let mut whole = Vec::new();
    let mut token = None;
    loop {
        let response = ask(asked.with(list, token.as_deref())).await?;
        let answer = serde_json::from_slice::<Map<String, Value>>(response.body());
        let (true, Ok(mut answer)) = (response.status().is_success(), answer) else { return Ok(response) };
        if let Some(Value::Array(items)) = answer.get_mut(list.items) {
            whole.append(items);
        }
        token = answer.get(list.token).and_then(Value::as_str).map(str::to_owned);
        if token.is_some() {
            continue;
        }
        let end = whole.len().min(start + page);
        answer.remove(list.token);
        if end < whole.len() {
            answer.insert(list.token.into(), Value::String(format!("{TOKEN}{end}")));
        }
        answer.insert(list.items.into(), whole.drain(start.min(end)..end).collect());
        let (mut parts, _) = response.into_parts();
        parts.headers.remove("content-length");
        return Ok(Response::from_parts(parts, Value::Object(answer).to_string().into()));
    }
}

/// The parameters of a list call: the members of a JSON body, or the query of a GET.
struct Parameters<'a> {
    head: &'a Parts,
    body: Option<Map<String, Value>>,
    query: Vec<(String, String)>,
}

impl<'a> Parameters<'a> {
    fn of(head: &'a Parts, body: &Bytes) -> Self {
        let pairs = head.uri.query().unwrap_or_default().split('&').filter_map(|pair| pair.split_once('='));
        let query = pairs.map(|(name, value)| (percent_decode(name), percent_decode(value))).collect();
        Self { head, body: serde_json::from_slice(body).ok(), query }
    }

    fn get(&self, name: &str) -> Option<String> {
        let in_body = self.body.as_ref().and_then(|body| body.get(name)).filter(|value| !value.is_null());
        match in_body {
            Some(Value::String(text)) => Some(text.clone()),
            Some(other) => Some(other.to_string()),
            None => self.query.iter().find(|(key, _)| key == name).map(|(_, value)| value.clone()),
        }
    }

    /// The same call for the endpoint: as much as it gives at once, from its own token on.
    fn with(&self, list: &Paged, token: Option<&str>) -> Request<Bytes> {
        let mut head = self.head.clone();
        head.headers.remove("content-length");
        let Some(body) = &self.body else {
            let mut query = String::new();
            let asked = self.query.iter().map(|(name, value)| (name.as_str(), value.as_str()));
            let others = asked.filter(|(name, _)| *name != list.token && *name != list.limit);
            for (name, value) in others.chain(token.map(|token| (list.token, token))) {
                let _ = write!(query, "{}{name}={}", if query.is_empty() { "" } else { "&" }, percent_encode(value));
            }
            if let Ok(uri) = format!("{}?{query}", self.head.uri.path()).parse() {
                head.uri = uri;
            }
            return Request::from_parts(head, Bytes::new());
        };
        let mut body = body.clone();
        body.remove(list.limit);
        body.remove(list.token);
        if let Some(token) = token {
            body.insert(list.token.into(), token.into());
        }
        Request::from_parts(head, Value::Object(body).to_string().into())
    }
}
