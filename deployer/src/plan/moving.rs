//! A trigger that moves from one of EventBridge's engines to the other, because its manifest says so. It is one change: the
//! new one is made, then the old one goes, neither near a firing, and what people decided about it goes along.

use jiff::{SignedDuration, Timestamp};

use super::change::{Action, Change, Reason};
use super::fires::{is_restless, near};
use super::held;
use crate::desired::resource::{Body, Kind, Trigger};
use crate::finding::{Code, Finding};
use crate::hash;
use crate::marker::Owner;
use crate::names::Names;
use crate::observed::state::{Found, Observed, State};

/// Before and after a firing nothing moves: neither engine could say afterwards whether it was delivered.
pub const APART: SignedDuration = SignedDuration::from_mins(5);
/// Firings that are looked at for a moment at which it may move.
const LOOKS: usize = 1_000;

/// A firing that a move would come too near to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TooNear {
    /// The firing.
    pub firing: Timestamp,
    /// From when on it may move.
    pub from: Timestamp,
}

impl TooNear {
    /// What is told.
    pub fn words(self) -> String {
        let minute = |time: Timestamp| time.strftime("%Y-%m-%d %H:%MZ").to_string();
        format!(
            "it fires at {}, and moves between Scheduler and rules only {} minutes away from a firing: run it again at {} or \
             later",
            minute(self.firing),
            APART.as_mins(),
            minute(self.from)
        )
    }
}

/// Whether a change moves a trigger from one engine to the other.
pub fn is_move(change: &Change, names: &Names) -> bool {
    let is_rule = |name: &String| name.starts_with(&names.rule_prefix());
    match change.kind {
        Kind::Rule => change.old.iter().any(|old| !is_rule(old)),
        Kind::Schedule => change.old.iter().any(is_rule),
        _ => false,
    }
}

/// What a move would come too near to, of the old trigger's firings and of the new one's. What fires every few minutes is
/// moved at any time: there is no better one.
pub fn too_near(change: &Change, names: &Names, now: Timestamp) -> Option<TooNear> {
    if !is_move(change, names) {
        return None;
    }
    let new = change.wanted.as_ref().and_then(|resource| match &resource.body {
        Body::Schedule(trigger) | Body::Rule(trigger) => Some((trigger.expression.as_str(), trigger.timezone.as_str())),
        _ => None,
    });
    let old = change.fires.as_ref().map(|(expression, timezone)| (expression.as_str(), timezone.as_str()));
    let times: Vec<_> = [old, new].into_iter().flatten().filter(|times| !is_restless(*times, now, APART)).collect();
    let firing_near = |time: Timestamp| times.iter().filter_map(|times| near(*times, time, APART)).max();
    let firing = firing_near(now)?;
    let mut from = firing.checked_add(APART).ok()?;
    for _ in 0..LOOKS {
        let Some(next) = firing_near(from) else { break };
        from = next.checked_add(APART).ok()?;
    }
    Some(TooNear { firing, from })
}

/// The refusal of a move that would come too near to a firing.
pub(super) fn refusal(change: &Change, names: &Names, now: Timestamp) -> Option<Finding> {
    let near = too_near(change, names, now)?;
    let remedy = "wait until then, or leave the dataset out with `--exclude`";
    Some(Finding::new(Code::NearFiring, &change.name, near.words(), remedy))
}

/// The change as a move, when the other engine has this entry.
pub(super) fn between_engines(mut change: Change, trigger: &Trigger, observed: &Observed) -> Change {
    let others = others(change.kind, trigger, observed);
    let Some((_, newest)) = others.last().filter(|_| change.action == Action::Create) else { return change };
    change.action = Action::Replace;
    let (from, to) = if change.kind == Kind::Rule { ("Scheduler", "a rule") } else { ("a rule", "Scheduler") };
    change.reasons.push(Reason::Says(format!("moves from {from} to {to}")));
    let text = |key: &str| newest.body.as_ref().and_then(|body| body[key].as_str()).map(str::to_owned);
    let timezone = text("timezone").or_else(|| (change.kind == Kind::Schedule).then(|| "UTC".to_owned()));
    change.fires = text("expression").zip(timezone);
    let mut carry = newest.carry;
    if let Some(carry) = carry.as_mut().filter(|_| change.kind == Kind::Rule) {
        if carry.start.is_some() {
            // A rule knows no date: it must not fire earlier than it was told to.
            change.reasons.push(Reason::Says("was paused until a time, which a rule does not know".to_owned()));
            carry.state = State::Disabled;
        }
        (carry.start, carry.pinned) = (None, None);
    }
    let carry = carry.filter(|carry| !held::words(*carry).is_empty());
    change
        .reasons
        .extend(carry.map(held::words).into_iter().flatten().map(|words| Reason::Says(format!("stays {words}"))));
    change.carry = carry;
    change.old = others.into_iter().map(|(name, _)| name).collect();
    change
}

/// Triggers of the same entry on the other engine.
fn others<'a>(kind: Kind, trigger: &Trigger, observed: &'a Observed) -> Vec<(String, &'a Found)> {
    let is_of_entry = |found: Kind, name: &str| match (kind, found) {
        (Kind::Rule, Kind::Schedule) => hash::split(name).is_some_and(|(entry, _)| entry == trigger.schedule),
        (Kind::Schedule, Kind::Rule) => name.split_once('.').is_some_and(|(_, entry)| entry == trigger.schedule),
        _ => false,
    };
    let found = observed.found.iter().filter(|((found, name), _)| is_of_entry(*found, name));
    found.filter(|(_, found)| found.owner == Owner::Ours).map(|((_, name), found)| (name.clone(), found)).collect()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::desired::{Desired, fixture};

    /// The move of a schedule that fires at ten in the evening, UTC, to a rule that does the same.
    fn near_ten(now: &str, old: (&str, &str)) -> Option<String> {
        let desired = Desired::new(&fixture::four(), &BTreeSet::new());
        let rule = desired.get(Kind::Rule, "freshet-nycdb-prod.dhs_daily_shelter_count").unwrap();
        let change = Change {
            action: Action::Replace,
            kind: Kind::Rule,
            name: rule.name.clone(),
            dataset: rule.dataset.clone(),
            reasons: Vec::new(),
            old: vec!["dhs_daily_shelter_count.3fa9c1d2e0".to_owned()],
            takes: None,
            carry: None,
            fires: Some((old.0.to_owned(), old.1.to_owned())),
            wanted: Some(rule.clone()),
        };
        let near = too_near(&change, &desired.names, now.parse().unwrap())?;
        let told = refusal(&change, &desired.names, now.parse().unwrap()).unwrap();
        assert!(told.message.contains(&near.from.strftime("%Y-%m-%d %H:%MZ").to_string()), "{told}");
        Some(near.from.strftime("%H:%M").to_string())
    }

    #[test]
    fn nothing_moves_within_five_minutes_of_a_firing_and_the_refusal_says_from_when_on_it_may() {
        let same = ("cron(0 22 * * ? *)", "UTC");
        assert_eq!(near_ten("2026-11-20T21:55:00Z", same), None);
        assert_eq!(near_ten("2026-11-20T21:56:00Z", same).as_deref(), Some("22:05"));
        assert_eq!(near_ten("2026-11-20T22:04:59Z", same).as_deref(), Some("22:05"));
        assert_eq!(near_ten("2026-11-20T22:05:00Z", same), None);
    }

    #[test]
    fn firings_of_the_old_and_of_the_new_one_count_one_after_the_other() {
        assert_eq!(near_ten("2026-11-20T21:50:00Z", ("cron(53 21 * * ? *)", "UTC")).as_deref(), Some("22:05"));
        assert_eq!(
            near_ten("2026-11-20T21:56:00Z", ("cron(8 17 * * ? *)", "America/New_York")).as_deref(),
            Some("22:13")
        );
    }

    #[test]
    fn what_fires_every_few_minutes_moves_at_any_time() {
        assert_eq!(near_ten("2026-11-20T12:00:00Z", ("rate(5 minutes)", "UTC")), None);
    }
}
