//! The instants at which EventBridge Scheduler starts something. A local time that the zone skips in spring is skipped; one that happens
//! twice in autumn is started once. AWS documents "once" and not which of the two: we take the first.

use jiff::civil::DateTime;
use jiff::tz::{AmbiguousOffset, TimeZone};
use jiff::{Timestamp, Zoned};

use super::Expression;

/// The fire times strictly after `after`, in order, each with its local time and instant. A rate is counted from `after`, as if the
/// schedule had been created at that moment.
pub fn fires<'a>(
    expression: &'a Expression,
    zone: &'a TimeZone,
    after: Timestamp,
) -> Box<dyn Iterator<Item = Zoned> + 'a> {
    // An hour that is being repeated has local times behind `after` whose first instant is behind it too; a day back covers every shift.
    let local_after = || zone.to_datetime(after).saturating_sub(jiff::Span::new().days(1));
    let from_local = move |times: Box<dyn Iterator<Item = DateTime> + 'a>| {
        times
            .filter_map(move |time| instant(zone, time))
            .filter(move |instant| *instant > after)
            .map(move |instant| instant.to_zoned(zone.clone()))
    };
    match expression {
        Expression::Cron(cron) => Box::new(from_local(Box::new(cron.local_times(local_after())))),
        Expression::At(at) => Box::new(from_local(Box::new(std::iter::once(at.time())))),
        Expression::Rate(rate) => Box::new(rate.fires(after).map(move |instant| instant.to_zoned(zone.clone()))),
    }
}

/// The fire times of several expressions as one sequence; an instant that two of them share appears once.
pub fn fires_of_all<'a>(
    expressions: &'a [Expression],
    zone: &'a TimeZone,
    after: Timestamp,
) -> impl Iterator<Item = Zoned> + 'a {
    let mut sequences: Vec<_> =
        expressions.iter().map(|expression| fires(expression, zone, after).peekable()).collect();
    std::iter::from_fn(move || {
        let next = sequences.iter_mut().filter_map(|sequence| sequence.peek()).min().cloned()?;
        for sequence in &mut sequences {
            sequence.next_if(|zoned| *zoned <= next);
        }
        Some(next)
    })
}

/// When the zone's clocks first show this local time; `None` where they skip it.
pub(super) fn instant(zone: &TimeZone, time: DateTime) -> Option<Timestamp> {
    match zone.to_ambiguous_timestamp(time).offset() {
        AmbiguousOffset::Unambiguous { offset } => offset.to_timestamp(time).ok(),
        AmbiguousOffset::Fold { before, .. } => before.to_timestamp(time).ok(),
        AmbiguousOffset::Gap { .. } => None,
    }
}
