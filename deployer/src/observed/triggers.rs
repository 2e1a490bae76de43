//! Schedules of the stack's group, and rules by their prefix.

use std::collections::{BTreeMap, BTreeSet};

use futures_util::stream::{self, StreamExt, TryStreamExt};
use serde_json::{Value, json};

use super::state::{Carry, Found, Observed};
use super::{Depth, SIDE_BY_SIDE};
use crate::aws::Clients;
use crate::aws::error::AwsError;
use crate::desired::Desired;
use crate::desired::resource::Kind;
use crate::hash::{self, Hash};
use crate::marker::{Note, Owner};

/// What list calls say of triggers, and the names of schedules that somebody changed after they were made: ourselves when
/// one was paused or pinned, or a person at the console.
pub(super) async fn observe(
    clients: &Clients,
    desired: &Desired,
) -> Result<(BTreeMap<(Kind, String), Found>, BTreeSet<String>), AwsError> {
    let group = desired.names.schedule_group();
    let prefix = desired.names.rule_prefix();
    let (schedules, rules) = tokio::try_join!(clients.schedules(&group), clients.rules(&prefix))?;
    let mut found = BTreeMap::new();
    let mut touched = BTreeSet::new();
    for schedule in schedules {
        // Whose the group is, is asked once; what somebody else put into it bears no hash of ours.
        let hash = hash::split(&schedule.name).map(|(_, hash)| hash);
        let owner = if hash.is_some() { Owner::Ours } else { Owner::Unknown };
        let carry = Some(Carry { state: schedule.state, waits_for_secret: false, start: None, pinned: None });
        if schedule.touched {
            touched.insert(schedule.name.clone());
        }
        found.insert((Kind::Schedule, schedule.name), Found { owner, hash, body: None, carry, starts: None });
    }
    for rule in rules {
        let note = Note::read(&rule.description);
        let carry = Carry {
            state: rule.state,
            // A rule that was left half made is off because we made it so.
            waits_for_secret: note.as_ref().is_none_or(|note| note.waits_for_secret || note.hash.is_none()),
            start: None,
            pinned: None,
        };
        let entry = Found {
            owner: desired.names.marker.owner_by_note(&rule.description),
            hash: note.and_then(|note| note.hash).and_then(|hash| Hash::read(&hash)),
            body: Some(rule.body()),
            carry: Some(carry),
            starts: None,
        };
        found.insert((Kind::Rule, rule.name), entry);
    }
    Ok((found, touched))
}

/// Looks at schedules that are about to go or to be replaced, and at those that somebody changed: what they are, and what
/// people decided about them.
pub(super) async fn look_at_changed(
    clients: &Clients,
    desired: &Desired,
    observed: &mut Observed,
    depth: Depth,
) -> Result<(), AwsError> {
    let group = desired.names.schedule_group();
    let looked_at = |name: &&str| {
        let is_wanted = super::is_desired(desired, Kind::Schedule, name);
        let changed = !is_wanted || observed.touched.contains(*name);
        hash::split(name).is_some() && (changed || depth == Depth::Everything)
    };
    let changed: Vec<String> = observed.names(Kind::Schedule).filter(looked_at).map(str::to_owned).collect();
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
                found.starts = Some(schedule.definition);
            }
            (None, _) => drop(observed.found.remove(&key)),
            (Some(_), None) => {}
        }
    }
    if depth == Depth::Everything {
        look_at_targets(clients, observed).await?;
    }
    Ok(())
}

/// Looks at what rules start or tell, which no list of rules says.
async fn look_at_targets(clients: &Clients, observed: &mut Observed) -> Result<(), AwsError> {
    let rules: Vec<String> = observed.names(Kind::Rule).map(str::to_owned).collect();
    let looks = rules.into_iter().map(async |name| Ok::<_, AwsError>((clients.rule_targets(&name).await?, name)));
    let looked: Vec<_> = stream::iter(looks).buffer_unordered(SIDE_BY_SIDE).try_collect().await?;
    for (targets, name) in looked {
        let (Some(targets), Some(found)) = (targets, observed.found.get_mut(&(Kind::Rule, name))) else { continue };
        let Some(body) = found.body.as_mut().and_then(|body| body.as_object_mut()) else { continue };
        if !targets.others.is_empty() {
            body.insert("other_targets".to_owned(), json!(targets.others));
        }
        match targets.own {
            Some(own) => {
                found.starts = own.definition;
                body.extend(
                    own.body.as_object().into_iter().flatten().map(|(key, value)| (key.clone(), value.clone())),
                );
            }
            // A rule that starts and tells nothing: whichever it should do is missing.
            None => body.extend(["target", "topic"].map(|key| (key.to_owned(), Value::Null))),
        }
    }
    Ok(())
}
