//! What fires datasets, as it is in AWS. In: a session and the datasets that are meant. Out: their schedules and rules, each
//! with what it starts and how it is held. Only what carries our mark is among them.

use std::collections::BTreeSet;

use futures_util::stream::{self, StreamExt, TryStreamExt};
use manifest::DatasetName;

use super::session::Session;
use crate::aws::error::AwsError;
use crate::desired::resource::Kind;
use crate::hash;
use crate::marker::{Note, Owner};
use crate::names::dataset_of_schedule;
use crate::observed::state::Carry;

/// Schedules that are looked at side by side.
pub(super) const SIDE_BY_SIDE: usize = 8;

/// A schedule or rule of a dataset.
#[derive(Debug, Clone)]
pub(super) struct Trigger {
    pub(super) dataset: DatasetName,
    /// [`Kind::Schedule`] or [`Kind::Rule`].
    pub(super) kind: Kind,
    pub(super) name: String,
    pub(super) carry: Carry,
    /// Empty for a rule that answers to events.
    pub(super) expression: String,
    pub(super) timezone: String,
    /// ARN, with revision, of what it starts.
    pub(super) definition: String,
}

/// Triggers of these datasets, or of all where none is named, by dataset and name.
pub(super) async fn of(session: &Session, wanted: &BTreeSet<DatasetName>) -> Result<Vec<Trigger>, AwsError> {
    let Session { names, clients, .. } = session;
    let group = names.schedule_group();
    let prefix = names.rule_prefix();
    let (listed, rules) = tokio::try_join!(clients.schedules(&group), clients.rules(&prefix))?;
    let is_wanted = |dataset: &DatasetName| wanted.is_empty() || wanted.contains(dataset);
    let of_scheduler = listed.into_iter().filter_map(|schedule| {
        let dataset =
            hash::split(&schedule.name).and_then(|(entry, _)| dataset_of_schedule(entry)).filter(is_wanted)?;
        Some((dataset, schedule.name))
    });
    let group = group.as_str();
    let looks = of_scheduler.map(async |(dataset, name)| {
        let Some(found) = clients.schedule(group, &name).await? else { return Ok(None) };
        if names.marker.owner_by_note(&found.description) != Owner::Ours {
            return Ok(None);
        }
        let text = |key: &str| found.body[key].as_str().unwrap_or_default().to_owned();
        let trigger = Trigger {
            dataset,
            kind: Kind::Schedule,
            expression: text("expression"),
            timezone: text("timezone"),
            name,
            carry: found.carry,
            definition: found.definition,
        };
        Ok::<_, AwsError>(Some(trigger))
    });
    let looks = stream::iter(looks).buffer_unordered(SIDE_BY_SIDE).try_filter_map(async |found| Ok(found));
    let mut triggers: Vec<Trigger> = looks.try_collect().await?;
    for rule in rules {
        let dataset = rule.name.strip_prefix(&prefix).and_then(dataset_of_schedule).filter(is_wanted);
        let ours = names.marker.owner_by_note(&rule.description) == Owner::Ours;
        let Some(dataset) = dataset.filter(|_| ours) else { continue };
        let waits_for_secret = Note::read(&rule.description).is_some_and(|note| note.waits_for_secret);
        triggers.push(Trigger {
            dataset,
            kind: Kind::Rule,
            carry: Carry { state: rule.state, waits_for_secret, start: None, pinned: None },
            timezone: "UTC".to_owned(),
            definition: clients
                .rule_targets(&rule.name)
                .await?
                .and_then(|targets| targets.own?.definition)
                .unwrap_or_default(),
            expression: rule.expression,
            name: rule.name,
        });
    }
    triggers.sort_by(|a, b| (&a.dataset, &a.name).cmp(&(&b.dataset, &b.name)));
    Ok(triggers)
}

/// The same of datasets that a person named; of all only when told so.
pub(super) async fn named(session: &Session, names: &[DatasetName]) -> Result<Vec<Trigger>, crate::error::Error> {
    for name in names {
        session.dataset(name)?;
    }
    let wanted: BTreeSet<DatasetName> = names.iter().cloned().collect();
    Ok(of(session, &wanted).await?)
}
