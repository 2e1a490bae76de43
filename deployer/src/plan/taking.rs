//! A trigger of somebody else that one of ours replaces, because its manifest says so. It is one change: ours is made, then the
//! other goes, neither near a firing. What it starts is registered as ours and shown as adopted, with what differs.

use super::change::{Action, Change, Reason};
use super::{diff, held};
use crate::desired::Desired;
use crate::desired::resource::{Body, Kind, Resource, Trigger};
use crate::finding::{Code, Finding};
use crate::marker::Owner;
use crate::observed::foreign::{Definition, Taken, wanted};
use crate::observed::state::{Carry, Observed, State};

/// Why a trigger may not be taken over; none when it may.
pub(super) fn refusal(taken: &Taken) -> Option<Finding> {
    let of = &taken.firing.of;
    let (message, remedy) = match &taken.owner {
        Owner::Ours => ("it is this stack's own".to_owned(), "take `replaces` out of the schedule".to_owned()),
        Owner::Managed(who) => (
            format!("it belongs to {who}"),
            format!("let {who} give it up, and take `replaces` out of the schedule: it is not taken over"),
        ),
        _ if taken.firing.targets.len() > 1 => (
            format!("it starts {} things, and all of them would go with it", taken.firing.targets.len()),
            "take the other targets off it first".to_owned(),
        ),
        _ => return None,
    };
    Some(Finding::new(Code::Foreign, of, message, remedy))
}

/// The change with which a trigger takes the place of the other.
pub(super) fn trigger(mut change: Change, trigger: &Trigger, taken: &Taken, desired: &Desired) -> Change {
    let firing = &taken.firing;
    let mut same = Vec::new();
    let mut differs = Vec::new();
    let times = (firing.expression.as_str(), firing.timezone.as_str());
    if times == (trigger.expression.as_str(), trigger.timezone.as_str()) {
        same.push("same firing");
        if trigger.expression.starts_with("rate(") {
            differs.push(Reason::Says("counts from when it is made".to_owned()));
        }
    } else {
        let (from, to) = (format!("{} {}", times.0, times.1), format!("{} {}", trigger.expression, trigger.timezone));
        differs.push(Reason::Field { field: "firing".to_owned(), from: Some(from), to: Some(to) });
    }
    let definition = &trigger.target.definition;
    let kind =
        [Kind::TaskDefinition, Kind::JobDefinition].into_iter().find_map(|kind| desired.get(kind, &definition.name));
    let changes = kind.zip(taken.definition.as_ref()).map(|(ours, theirs)| compared(ours, theirs, taken));
    if changes.is_some_and(|changes| changes.iter().all(is_of_the_stack)) {
        same.push("same target");
    }
    let same = if same.is_empty() { String::new() } else { format!(": {}", same.join(", ")) };
    change.reasons.insert(0, Reason::Says(format!("takes over from {}{same}", firing.of)));
    change.reasons.extend(differs);
    // One that is there already was made as the other was held.
    let mut carry = change.carry.unwrap_or(Carry {
        state: firing.state,
        waits_for_secret: false,
        start: firing.start,
        pinned: None,
    });
    if change.kind == Kind::Rule && carry.start.take().is_some() {
        change.reasons.push(Reason::Says("was to begin at a time, which a rule does not know".to_owned()));
        carry.state = State::Disabled;
    }
    let words = held::words(carry);
    if !words.is_empty() && change.carry.is_none() {
        change.reasons.extend(words.into_iter().map(|words| Reason::Says(format!("stays {words}"))));
        change.carry = Some(carry);
    }
    if change.action == Action::Create {
        change.action = Action::Replace;
        change.fires = Some((firing.expression.clone(), firing.timezone.clone()));
    }
    change.takes = Some(firing.of.clone());
    change
}

/// The change with which a definition that such a trigger starts becomes ours, if this is one.
pub(super) fn definition(mut change: Change, resource: &Resource, observed: &Observed, desired: &Desired) -> Change {
    let starts = |name: &str| {
        let of = |kind: Kind| desired.get(kind, name).map(|resource| &resource.body);
        match of(Kind::Schedule).or_else(|| of(Kind::Rule)) {
            Some(Body::Schedule(trigger) | Body::Rule(trigger)) => trigger.target.definition.name == resource.name,
            _ => false,
        }
    };
    let mut taken = observed.taken.iter().filter(|(name, _)| starts(name)).map(|(_, taken)| taken);
    let Some((taken, theirs)) = taken.find_map(|taken| Some((taken, taken.definition.as_ref()?))) else {
        return change;
    };
    change.action = Action::Adopt;
    change.reasons = vec![Reason::Says(format!("as {}, which {} starts", theirs.name, taken.firing.of))];
    change.reasons.extend(compared(resource, theirs, taken));
    change
}

/// How ours differs from theirs, with what the firing tells it.
fn compared(ours: &Resource, theirs: &Definition, taken: &Taken) -> Vec<Reason> {
    let theirs = taken.told(theirs).comparable();
    wanted(&ours.body).map(|ours| diff::compare(&theirs, &ours)).unwrap_or_default()
}

/// Roles are the stack's own; all else that differs makes it another job.
fn is_of_the_stack(reason: &Reason) -> bool {
    matches!(reason, Reason::Field { field, .. } if field == "task_role")
}
