//! A trigger that moves from one of EventBridge's engines to the other, because its manifest says so. It is one change: the
//! new one is made, then the old one goes, neither near a firing, and what people decided about it goes along.

use super::change::{Action, Change, Reason};
use super::held;
use crate::desired::resource::{Kind, Trigger};
use crate::hash;
use crate::marker::Owner;
use crate::observed::state::{Found, Observed, State};

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
