//! Task and job definitions. Names come from list calls; content is proven by a trigger, or looked at.

use std::collections::{BTreeMap, BTreeSet};

use futures_util::stream::{self, StreamExt, TryStreamExt};

use super::places::{started, tagged};
use super::state::{Found, Observed};
use super::{Depth, SIDE_BY_SIDE};
use crate::aws::Clients;
use crate::aws::error::AwsError;
use crate::aws::task_definitions::FoundDefinition;
use crate::desired::Desired;
use crate::desired::resource::Kind;
use crate::names::Names;

/// What list calls say of definitions.
pub(super) struct Listed {
    families: Vec<String>,
    jobs: BTreeMap<String, FoundDefinition>,
}

pub(super) async fn list(clients: &Clients, names: &Names) -> Result<Listed, AwsError> {
    let prefix = names.definition_prefix();
    let (families, jobs) = tokio::try_join!(clients.task_families(&prefix), clients.job_definitions(&prefix))?;
    Ok(Listed { families, jobs })
}

pub(super) async fn observe(
    clients: &Clients,
    desired: &Desired,
    listed: Listed,
    observed: &mut Observed,
    depth: Depth,
) -> Result<(), AwsError> {
    for (name, found) in listed.jobs.into_iter().filter(|(name, _)| desired.names.dataset_of_definition(name).is_some())
    {
        record(desired, observed, Kind::JobDefinition, name, found);
    }
    let proven = if depth == Depth::Everything { BTreeSet::new() } else { proven(desired, observed) };
    let mut looks = Vec::new();
    for family in listed.families {
        match desired.get(Kind::TaskDefinition, &family) {
            Some(wanted) if proven.contains(family.as_str()) => {
                let found = Found::ours(Some(wanted.hash.clone()));
                observed.found.insert((Kind::TaskDefinition, family), found);
            }
            None if desired.names.dataset_of_definition(&family).is_none() => {}
            _ => looks.push(async move { Ok::<_, AwsError>((clients.task_definition(&family).await?, family)) }),
        }
    }
    let looked: Vec<_> = stream::iter(looks).buffer_unordered(SIDE_BY_SIDE).try_collect().await?;
    for (found, family) in looked {
        if let Some(found) = found {
            record(desired, observed, Kind::TaskDefinition, family, found);
        }
    }
    Ok(())
}

/// Definitions all of whose triggers are there under the hash of what they should be. Of those no ARN is needed either:
/// nothing will be made that starts them.
fn proven<'a>(desired: &'a Desired, observed: &Observed) -> BTreeSet<&'a str> {
    let mut proven = BTreeSet::new();
    let mut unproven = BTreeSet::new();
    for resource in &desired.resources {
        let Some(definition) = started(&resource.body) else { continue };
        let found = observed.get(resource.kind(), &resource.name);
        // A takeover that was cut off is finished with the trigger that is there, which is then put once more.
        let is_finished = !desired.replaced.contains_key(&resource.name);
        let is_there = is_finished && found.is_some_and(|found| found.hash.as_ref() == Some(&resource.hash));
        if is_there { &mut proven } else { &mut unproven }.insert(definition.name.as_str());
    }
    &proven - &unproven
}

fn record(desired: &Desired, observed: &mut Observed, kind: Kind, name: String, found: FoundDefinition) {
    let entry = tagged(desired, &found.tags, Some(found.body));
    observed.definitions.insert(name.clone(), found.arn);
    observed.found.insert((kind, name), entry);
}
