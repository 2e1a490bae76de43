//! What datasets share: log group, roles, queue, topic, cluster, Batch's places, the schedule group, alarms and dashboards.

use std::collections::BTreeMap;

use serde_json::json;

use super::Depth;
use super::state::{Found, Observed};
use super::watch;
use crate::aws::Clients;
use crate::aws::error::AwsError;
use crate::aws::iam::FoundRole;
use crate::desired::Desired;
use crate::desired::resource::{Body, Kind, Tags};
use crate::hash::Hash;
use crate::marker::{HASH_TAG, Note, without_marks};
use crate::names::BatchPlace;

pub(super) type Places = Vec<((Kind, String), Found)>;

pub(super) async fn observe(clients: &Clients, desired: &Desired, depth: Depth) -> Result<Observed, AwsError> {
    let (logs, roles, queue, cluster, batch, group, topic, alarms, dashboards) = tokio::try_join!(
        log_group(clients, desired),
        roles(clients, desired, depth),
        queue(clients, desired),
        cluster(clients, desired),
        batch(clients, desired),
        schedule_group(clients, desired),
        watch::topic(clients, desired),
        watch::alarms(clients, desired),
        watch::dashboards(clients, desired),
    )?;
    let found: BTreeMap<_, _> =
        [logs, roles, queue, cluster, batch, group, topic, alarms, dashboards].into_iter().flatten().collect();
    Ok(Observed { found, ..Observed::default() })
}

/// A group of this name is ours by its name: `/freshet/<stack>/<environment>`.
async fn log_group(clients: &Clients, desired: &Desired) -> Result<Places, AwsError> {
    let name = desired.names.log_group();
    let found = clients.log_group(&name).await?;
    let body = |group| crate::desired::resource::value(&group);
    Ok(found.map(|group| ((Kind::LogGroup, name), Found::ours(None).with_body(body(group)))).into_iter().collect())
}

/// Roles under the stack's path, and those of a wanted name that are elsewhere: IAM's names are one space per account.
async fn roles(clients: &Clients, desired: &Desired, depth: Depth) -> Result<Places, AwsError> {
    let mut found = clients.roles(desired.names.role_path()).await?;
    for resource in desired.resources.iter().filter(|resource| resource.kind() == Kind::Role) {
        if !found.iter().any(|role| role.name == resource.name) {
            found.extend(clients.role(&resource.name).await?);
        }
    }
    let mut places = Places::new();
    for role in found {
        // The path may be one that IT gave to several stacks.
        let wanted = desired.get(Kind::Role, &role.name);
        let owner = desired.names.marker.owner_by_note(&role.description);
        let hash = Note::read(&role.description).and_then(|note| note.hash).and_then(|hash| Hash::read(&hash));
        let mut body = role_body(&role);
        if let Some(wanted) = wanted
            && (depth == Depth::Everything || hash.as_ref().is_some_and(|hash| *hash != wanted.hash))
        {
            body["policy"] = clients.role_policy(&role.name).await?.unwrap_or_default();
        }
        let found = Found { owner, hash, body: Some(body), carry: None, starts: None };
        places.push(((Kind::Role, role.name), found));
    }
    Ok(places)
}

fn role_body(role: &FoundRole) -> serde_json::Value {
    json!({"path": role.path, "trust": role.trust})
}

async fn queue(clients: &Clients, desired: &Desired) -> Result<Places, AwsError> {
    let name = desired.names.dead_letters();
    let Some(found) = clients.queue(&name).await? else { return Ok(Vec::new()) };
    let body = json!({"retention_seconds": found.queue.retention_seconds, "policy": found.queue.policy});
    Ok(vec![((Kind::Queue, name), tagged(desired, &found.tags, Some(body)))])
}

async fn cluster(clients: &Clients, desired: &Desired) -> Result<Places, AwsError> {
    let name = desired.names.cluster().to_owned();
    let found = clients.cluster(&name).await?;
    let place = |(tags, providers): (Tags, Vec<String>)| {
        ((Kind::Cluster, name), tagged(desired, &tags, Some(json!({"providers": providers}))))
    };
    Ok(found.map(place).into_iter().collect())
}

async fn batch(clients: &Clients, desired: &Desired) -> Result<Places, AwsError> {
    let names: Vec<String> = BatchPlace::ALL.into_iter().map(|place| desired.names.batch(place)).collect();
    let (environments, queues) =
        tokio::try_join!(clients.compute_environments(names.clone()), clients.job_queues(names))?;
    let environments = environments.into_iter().map(|(name, found)| {
        let body = crate::desired::resource::value(&found.body);
        ((Kind::ComputeEnvironment, name), tagged(desired, &found.tags, Some(body)))
    });
    let queues = queues.into_iter().map(|(name, found)| {
        let body = crate::desired::resource::value(&found.body);
        ((Kind::JobQueue, name), tagged(desired, &found.tags, Some(body)))
    });
    Ok(environments.chain(queues).collect())
}

async fn schedule_group(clients: &Clients, desired: &Desired) -> Result<Places, AwsError> {
    let name = desired.names.schedule_group();
    let Some(tags) = clients.schedule_group(&name, &desired.names.schedule_group_arn()).await? else {
        return Ok(Vec::new());
    };
    let body = json!({"tags": without_marks(&tags)});
    Ok(vec![((Kind::ScheduleGroup, name), tagged(desired, &tags, Some(body)))])
}

/// What its tags say of a thing.
pub(super) fn tagged(desired: &Desired, tags: &Tags, body: Option<serde_json::Value>) -> Found {
    Found {
        owner: desired.names.marker.owner_by_tags(tags),
        hash: tags.get(HASH_TAG).and_then(|hash| Hash::read(hash)),
        body,
        carry: None,
        starts: None,
    }
}

/// The definitions that triggers of these bodies start.
pub(super) fn started(body: &Body) -> Option<&crate::desired::resource::DefinitionRef> {
    match body {
        Body::Schedule(trigger) | Body::Rule(trigger) => Some(&trigger.target.definition),
        _ => None,
    }
}
