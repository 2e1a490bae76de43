//! What daylight saving does to a schedule: the starts that fall into an hour the zone skips, and those in an hour it repeats.

use std::fmt;

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;

use super::Expression;

/// Starts of one schedule at one change of the zone's clocks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DstNotice {
    /// These local times do not exist, so nothing starts.
    Skipped(Affected),
    /// These local times happen twice; each starts once, at the first.
    Once(Affected),
}

/// The local times a change of clocks affects.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Affected {
    /// The first of them.
    pub first: DateTime,
    /// The last of them; the same where there is one.
    pub last: DateTime,
    /// How many starts, at least one.
    pub starts: usize,
    /// The zone's IANA name.
    pub zone: String,
}

/// A change of the zone's clocks as the local times that are skipped or repeated.
#[derive(Debug, Clone, Copy)]
pub(super) struct Change {
    pub(super) from: DateTime,
    /// Exclusive.
    pub(super) until: DateTime,
    pub(super) kind: Kind,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Gap,
    Fold,
}

/// The changes of the zone's clocks at instants in `from..until`.
pub(super) fn changes(zone: &TimeZone, from: Timestamp, until: Timestamp) -> impl Iterator<Item = Change> {
    let just_before = |instant: Timestamp| instant - jiff::SignedDuration::from_secs(1);
    zone.following(just_before(from))
        .map(|transition| transition.timestamp())
        .take_while(move |instant| *instant < until)
        .filter_map(move |instant| {
            let (before, after) = (zone.to_offset(just_before(instant)), zone.to_offset(instant));
            let (old, new) = (before.to_datetime(instant), after.to_datetime(instant));
            match old.cmp(&new) {
                std::cmp::Ordering::Less => Some(Change { from: old, until: new, kind: Kind::Gap }),
                std::cmp::Ordering::Greater => Some(Change { from: new, until: old, kind: Kind::Fold }),
                std::cmp::Ordering::Equal => None,
            }
        })
}

/// The notices for changes of clocks at instants in `from..until`, in order. A rate knows no local time and has none.
pub fn dst_notices(expression: &Expression, zone: &TimeZone, from: Timestamp, until: Timestamp) -> Vec<DstNotice> {
    changes(zone, from, until)
        .filter_map(|change| {
            let times = local_times(expression, change);
            let affected = Affected {
                first: *times.first()?,
                last: *times.last()?,
                starts: times.len(),
                zone: zone.iana_name().unwrap_or("this zone").to_owned(),
            };
            Some(match change.kind {
                Kind::Gap => DstNotice::Skipped(affected),
                Kind::Fold => DstNotice::Once(affected),
            })
        })
        .collect()
}

fn local_times(expression: &Expression, change: Change) -> Vec<DateTime> {
    match expression {
        Expression::Cron(cron) => cron
            .local_times(change.from.saturating_sub(jiff::Span::new().nanoseconds(1)))
            .take_while(|time| *time < change.until)
            .collect(),
        Expression::At(at) => {
            Some(at.time()).filter(|time| (change.from..change.until).contains(time)).into_iter().collect()
        }
        Expression::Rate(_) => Vec::new(),
    }
}

impl fmt::Display for Affected {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.first.strftime("%H:%M"))?;
        if self.starts > 1 {
            write!(f, " to {} ({} starts)", self.last.strftime("%H:%M"), self.starts)?;
        }
        write!(f, " on {}", self.first.date())
    }
}

impl fmt::Display for DstNotice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Skipped(times) => {
                let verb = if times.starts > 1 { "do" } else { "does" };
                write!(f, "{times} {verb} not exist in {}: skipped", times.zone)
            }
            Self::Once(times) => {
                let verb = if times.starts > 1 { "happen" } else { "happens" };
                write!(f, "{times} {verb} twice in {}: started once, at the first", times.zone)
            }
        }
    }
}
