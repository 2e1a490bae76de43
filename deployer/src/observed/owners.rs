//! Whose things are that stand in our way and bear no mark in their Description: their tags may name a tool. Costs calls only
//! where something of others has a name that we want, which is as good as never.

use super::state::Observed;
use crate::aws::Clients;
use crate::aws::error::AwsError;
use crate::desired::Desired;
use crate::desired::resource::{Kind, Tags};
use crate::marker::{Owner, foreign};

/// Asks for the tags of what nobody names as his own, where a list call did not tell them.
pub(super) async fn ask(clients: &Clients, desired: &Desired, observed: &mut Observed) -> Result<(), AwsError> {
    for ((kind, name), found) in &mut observed.found {
        if found.owner != Owner::Unknown || desired.get(*kind, name).is_none() {
            continue;
        }
        if let Some(tags) = tags(clients, desired, *kind, name).await? {
            found.owner = foreign(&tags);
        }
    }
    Ok(())
}

async fn tags(clients: &Clients, desired: &Desired, kind: Kind, name: &str) -> Result<Option<Tags>, AwsError> {
    let names = &desired.names;
    Ok(match kind {
        Kind::Role => clients.role(name).await?.map(|role| role.tags),
        Kind::Rule => Some(clients.rule_tags(&names.arn("events", &format!("rule/{name}"))).await?),
        Kind::Alarm => Some(clients.alarm_tags(&names.arn("cloudwatch", &format!("alarm:{name}"))).await?),
        // All others were found with their tags, or have none.
        _ => None,
    })
}
