//! When schedules fire next. In: schedules and the time now. Out: the next times of each, local and UTC.

use jiff::{SignedDuration, Timestamp, Zoned};
use manifest::calendar::{self, Expression};
use manifest::schedule::Schedule;
use serde::{Deserialize, Serialize};

/// Times that a plan tells of each schedule.
const SHOWN: usize = 5;

/// The next times of one schedule.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fires {
    /// The schedule's name.
    pub schedule: String,
    /// As the manifest says it.
    pub written: String,
    /// Its expression.
    pub expression: String,
    /// Its zone.
    pub timezone: String,
    /// The next times, soonest first.
    pub next: Vec<Fire>,
}

/// One time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fire {
    /// In the schedule's zone, with its offset.
    pub local: String,
    /// In UTC.
    pub utc: String,
}

/// The next times of each schedule.
pub fn of(schedules: &[Schedule], now: Timestamp) -> Vec<Fires> {
    let entry = |schedule: &Schedule| Fires {
        schedule: schedule.name.clone(),
        written: schedule.written.clone(),
        expression: schedule.expression.clone(),
        timezone: schedule.timezone.clone(),
        next: times(&schedule.expression, &schedule.timezone, now, SHOWN),
    };
    let mut fires: Vec<Fires> = schedules.iter().map(entry).collect();
    fires.sort_by(|a, b| (soonest(a), &a.schedule).cmp(&(soonest(b), &b.schedule)));
    fires
}

/// The next time of an expression as AWS holds it; none when it is over, or not one that can be read.
pub fn next(expression: &str, timezone: &str, now: Timestamp) -> Option<Fire> {
    times(expression, timezone, now, 1).into_iter().next()
}

/// An expression and its zone.
pub type Times<'a> = (&'a str, &'a str);

/// A firing less than so long ago or ahead.
pub fn near((expression, timezone): Times<'_>, now: Timestamp, around: SignedDuration) -> Option<Timestamp> {
    let before = now.checked_sub(around).ok()?;
    next_instant(expression, timezone, before).filter(|firing| firing.duration_since(now) < around)
}

/// Whether two firings are so close that there is hardly a moment between them that is so far from both.
pub fn is_restless((expression, timezone): Times<'_>, now: Timestamp, around: SignedDuration) -> bool {
    let first = next_instant(expression, timezone, now);
    let second = first.and_then(|first| next_instant(expression, timezone, first));
    first.zip(second).is_some_and(|(first, second)| second.duration_since(first) <= around * 3)
}

/// The next instant of an expression.
pub fn next_instant(expression: &str, timezone: &str, now: Timestamp) -> Option<Timestamp> {
    let expression: Expression = expression.parse().ok()?;
    let zone = calendar::zone(timezone).ok()?;
    calendar::fires(&expression, &zone, now).next().map(|time| time.timestamp())
}

fn times(expression: &str, timezone: &str, now: Timestamp, count: usize) -> Vec<Fire> {
    let (Ok(expression), Ok(zone)) = (expression.parse::<Expression>(), calendar::zone(timezone)) else {
        return Vec::new();
    };
    calendar::fires(&expression, &zone, now).take(count).map(|time| Fire::new(&time)).collect()
}

/// UTC times sort as text; those that never fire come last.
fn soonest(fires: &Fires) -> (bool, &str) {
    fires.next.first().map_or((true, ""), |fire| (false, fire.utc.as_str()))
}

impl Fire {
    /// This time, in its zone and in UTC.
    pub fn new(time: &Zoned) -> Self {
        Self {
            local: time.strftime("%a %Y-%m-%d %H:%M %Z").to_string(),
            utc: time.timestamp().strftime("%Y-%m-%d %H:%MZ").to_string(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_local_time_keeps_its_hour_through_the_change_of_clocks() {
        let now = "2026-10-31T12:00:00Z".parse().unwrap();
        let times = times("cron(0 22 * * ? *)", "America/New_York", now, 2);
        let told: Vec<String> = times.into_iter().map(|fire| format!("{} = {}", fire.local, fire.utc)).collect();
        let expected = ["Sat 2026-10-31 22:00 EDT = 2026-11-01 02:00Z", "Sun 2026-11-01 22:00 EST = 2026-11-02 03:00Z"];
        assert_eq!(told, expected);
    }

    #[test]
    fn what_cannot_be_read_or_is_over_has_no_next_time() {
        let now = "2026-10-31T12:00:00Z".parse().unwrap();
        assert_eq!(next("at(2020-01-01T00:00:00)", "UTC", now), None);
        assert_eq!(next("cron(0 22 * * ? *)", "Moon/Crater", now), None);
    }
}
