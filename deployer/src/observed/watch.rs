//! What tells people: the topic, the alarms, the dashboards.

use futures_util::future::try_join_all;
use serde_json::json;

use super::places::{Places, tagged};
use super::state::Found;
use crate::aws::Clients;
use crate::aws::error::AwsError;
use crate::desired::Desired;
use crate::desired::resource::{Body, Kind};
use crate::hash::Hash;
use crate::marker::Note;

pub(super) async fn topic(clients: &Clients, desired: &Desired) -> Result<Places, AwsError> {
    let name = desired.names.topic();
    let Some(found) = clients.topic(&desired.names.topic_arn()).await? else { return Ok(Vec::new()) };
    // Others may subscribe as they like: of those who are told, only ours are compared.
    let ours = match desired.get(Kind::Topic, &name).map(|resource| &resource.body) {
        Some(Body::Topic(topic)) => topic.subscribers.clone(),
        _ => Vec::new(),
    };
    let told: Vec<_> = ours.into_iter().filter(|address| found.topic.subscribers.contains(address)).collect();
    let body = json!({"subscribers": told, "policy": found.topic.policy});
    Ok(vec![((Kind::Topic, name), tagged(desired, &found.tags, Some(body)))])
}

pub(super) async fn alarms(clients: &Clients, desired: &Desired) -> Result<Places, AwsError> {
    let found = clients.alarms(&desired.names.alarm_prefix()).await?;
    let place = |alarm: crate::aws::cloudwatch::FoundAlarm| {
        let found = Found { body: Some(alarm.body), ..noted(desired, &alarm.description) };
        ((Kind::Alarm, alarm.name), found)
    };
    Ok(found.into_iter().map(place).collect())
}

pub(super) async fn dashboards(clients: &Clients, desired: &Desired) -> Result<Places, AwsError> {
    let listed = clients.dashboards(&desired.names.prefix()).await?;
    let named = listed.iter().filter(|name| desired.names.is_dashboard(name));
    let found = try_join_all(named.map(|name| clients.dashboard(name))).await?;
    let place =
        |found: crate::aws::cloudwatch::FoundDashboard| ((Kind::Dashboard, found.name), noted(desired, &found.note));
    Ok(found.into_iter().flatten().map(place).collect())
}

/// What its text says of a thing.
fn noted(desired: &Desired, text: &str) -> Found {
    Found {
        owner: desired.names.marker.owner_by_note(text),
        hash: Note::read(text).and_then(|note| note.hash).and_then(|hash| Hash::read(&hash)),
        body: None,
        carry: None,
        starts: None,
    }
}
