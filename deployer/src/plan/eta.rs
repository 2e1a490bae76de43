//! How long an apply takes at the least. In: changes. Out: seconds, from the rates at which AWS lets each API be called and
//! from what Batch takes to settle. Places are made side by side, and so are datasets: the slowest API decides. What goes,
//! goes kind by kind.

use std::collections::BTreeMap;

use super::change::{Action, Change};
use crate::aws::bucket::Family;
use crate::desired::resource::Kind;

/// Seconds that a compute environment or a job queue takes until it is valid, or gone.
const SETTLES: f64 = 20.0;

/// Calls of one change, and the rate that they count against.
fn calls(change: &Change) -> (Family, f64) {
    let new = change.action == Action::Create;
    match change.kind {
        Kind::TaskDefinition => (Family::EcsRegister, 1.0),
        Kind::JobDefinition | Kind::ComputeEnvironment | Kind::JobQueue => (Family::Batch, 1.0),
        Kind::Schedule if change.action == Action::Replace => (Family::Scheduler, 2.0),
        Kind::Schedule | Kind::ScheduleGroup => (Family::Scheduler, 1.0),
        Kind::Rule => (Family::Events, 3.0),
        Kind::Role => (Family::Iam, if new { 3.0 } else { 5.0 }),
        Kind::Secret => (Family::Secrets, 1.0),
        Kind::LogGroup => (Family::Logs, 3.0),
        Kind::Queue => (Family::Sqs, 1.0),
        Kind::Topic => (Family::Sns, 4.0),
        Kind::Cluster => (Family::EcsCluster, 1.0),
        Kind::Alarm => (Family::Alarms, 1.0),
        Kind::Dashboard => (Family::CloudWatch, 1.0),
    }
}

/// Seconds that these changes take.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "seconds of an apply")]
pub fn seconds(changes: &[Change]) -> u64 {
    let (going, made): (Vec<&Change>, Vec<&Change>) =
        changes.iter().partition(|change| change.action == Action::Delete);
    let settle = |changes: &[&Change]| {
        let settling = changes.iter().filter(|change| matches!(change.kind, Kind::ComputeEnvironment | Kind::JobQueue));
        settling.map(|_| SETTLES).sum::<f64>()
    };
    let by_rates = waits(&made).into_iter().fold(0.0, f64::max);
    let going_by_rates = waits(&going).into_iter().sum::<f64>();
    (by_rates + settle(&made) + going_by_rates + settle(&going)).ceil() as u64
}

/// Seconds beyond the burst of each family that is called.
fn waits(changes: &[&Change]) -> Vec<f64> {
    let mut by_family: BTreeMap<Family, f64> = BTreeMap::new();
    for change in changes {
        let (family, calls) = calls(change);
        *by_family.entry(family).or_default() += calls;
    }
    let wait = |(family, calls): (Family, f64)| {
        let (burst, per_second) = family.rate();
        ((calls - burst) / per_second).max(0.0)
    };
    by_family.into_iter().map(wait).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn changes(kind: Kind, count: usize) -> Vec<Change> {
        let change = Change {
            action: Action::Create,
            kind,
            name: String::new(),
            dataset: None,
            reasons: Vec::new(),
            old: Vec::new(),
            carry: None,
            fires: None,
            takes: None,
            wanted: None,
        };
        vec![change; count]
    }

    #[test]
    fn registrations_beyond_the_burst_take_a_second_each() {
        assert_eq!(seconds(&changes(Kind::TaskDefinition, 20)), 0);
        assert_eq!(seconds(&changes(Kind::TaskDefinition, 1_000)), 980);
        assert_eq!(seconds(&changes(Kind::Schedule, 1_050)), 20);
        assert_eq!(seconds(&changes(Kind::ComputeEnvironment, 1)), 20);
        let both = [changes(Kind::TaskDefinition, 1_000), changes(Kind::Schedule, 1_050)].concat();
        assert_eq!(seconds(&both), 980, "a schedule follows its definition at once");
        assert_eq!(seconds(&[]), 0);
    }
}
