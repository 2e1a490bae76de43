//! Schedules of the stack's group, and rules by their prefix.

use std::collections::BTreeMap;

use futures_util::stream::{self, StreamExt, TryStreamExt};

use super::SIDE_BY_SIDE;
use super::state::{Carry, Found, Observed};
use crate::aws::Clients;
use crate::aws::error::AwsError;
use crate::desired::Desired;
use crate::desired::resource::Kind;
use crate::hash::{self, Hash};
use crate::marker::{Note, Owner};

pub(super) async fn observe(clients: &Clients, desired: &Desired) -> Result<BTreeMap<(Kind, String), Found>, AwsError> {
    let group = desired.names.schedule_group();
    let prefix = desired.names.rule_prefix();
    let (schedules, rules) = tokio::try_join!(clients.schedules(&group), clients.rules(&prefix))?;
    let mut found = BTreeMap::new();
    for schedule in schedules {
        // Whose the group is, is asked once; what somebody else put into it bears no hash of ours.
        let hash = hash::split(&schedule.name).map(|(_, hash)| hash);
        let owner = if hash.is_some() { Owner::Ours } else { Owner::Unknown };
        let carry = Some(Carry { state: schedule.state, waits_for_secret: false, start: None });
        found.insert((Kind::Schedule, schedule.name), Found { owner, hash, body: None, carry });
    }
    for rule in rules {
        let note = Note::read(&rule.description);
        let carry = Carry {
            state: rule.state,
            // A rule that was left half made is off because we made it so.
            waits_for_secret: note.as_ref().is_none_or(|note| note.waits_for_secret || note.hash.is_none()),
            start: None,
        };
        let entry = Found {
            owner: desired.names.marker.owner_by_note(&rule.description),
            hash: note.and_then(|note| note.hash).and_then(|hash| Hash::read(&hash)),
            body: Some(rule.body()),
            carry: Some(carry),
        };
        found.insert((Kind::Rule, rule.name), entry);
    }
    Ok(found)
}

/// Looks at schedules that are about to go or to be replaced: what they were, and what people decided about them.
pub(super) async fn look_at_changed(
    clients: &Clients,
    desired: &Desired,
    observed: &mut Observed,
) -> Result<(), AwsError> {
    let group = desired.names.schedule_group();
    let changed: Vec<String> = observed
        .names(Kind::Schedule)
        .filter(|name| hash::split(name).is_some() && !super::is_desired(desired, Kind::Schedule, name))
        .map(str::to_owned)
        .collect();
    let looks = changed.into_iter().map(async |name| Ok::<_, AwsError>((clients.schedule(&group, &name).await?, name)));
    let looked: Vec<_> = stream::iter(looks).buffer_unordered(SIDE_BY_SIDE).try_collect().await?;
    for (schedule, name) in looked {
        let key = (Kind::Schedule, name);
        match (schedule, observed.found.get_mut(&key)) {
            (Some(schedule), Some(found)) => {
                // The group's marker says that it may be ours; its own says that it is.
                found.owner = desired.names.marker.owner_by_note(&schedule.description);
                found.carry = Some(schedule.carry);
                found.body = Some(schedule.body);
            }
            (None, _) => drop(observed.found.remove(&key)),
            (Some(_), None) => {}
        }
    }
    Ok(())
}
