//! How many things start in one minute: the plan shows the busiest minute of a day and who is in it.

use std::collections::BTreeMap;

use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::{Expression, fires};

/// Something that starts by a schedule.
#[derive(Debug, Clone, Copy)]
pub struct Start<'a> {
    /// What starts; one name may have several expressions.
    pub name: &'a str,
    /// When.
    pub expression: &'a Expression,
    /// Where.
    pub zone: &'a TimeZone,
}

/// The starts of a stretch of time by minute.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Histogram {
    minutes: BTreeMap<Timestamp, Vec<String>>,
}

impl Histogram {
    /// Counts the starts at instants in `from..until`. Rates are left out: their phase is the moment AWS creates them.
    pub fn new<'a>(starts: impl IntoIterator<Item = Start<'a>>, from: Timestamp, until: Timestamp) -> Self {
        let mut minutes: BTreeMap<Timestamp, Vec<String>> = BTreeMap::new();
        let just_before = from - jiff::SignedDuration::from_nanos(1);
        for start in starts {
            if matches!(start.expression, Expression::Rate(_)) {
                continue;
            }
            let instants = fires(start.expression, start.zone, just_before)
                .map(|zoned| zoned.timestamp())
                .take_while(|instant| *instant < until);
            for instant in instants {
                minutes.entry(instant).or_default().push(start.name.to_owned());
            }
        }
        Self { minutes }
    }

    /// The minute with most starts, the earliest of equals, with the names in the order they were given.
    pub fn busiest(&self) -> Option<(Timestamp, &[String])> {
        let most = self.minutes.values().map(Vec::len).max()?;
        self.minutes.iter().find(|(_, names)| names.len() == most).map(|(minute, names)| (*minute, names.as_slice()))
    }

    /// Every minute in which something starts, in order.
    pub fn minutes(&self) -> impl Iterator<Item = (Timestamp, &[String])> {
        self.minutes.iter().map(|(minute, names)| (*minute, names.as_slice()))
    }
}
