//! Starts spread over the day, so that a hundred datasets do not begin in one minute. Each name gets its own offset by hash: adding one
//! dataset moves no other, a start never crosses local midnight, and it never moves into an hour that the zone skips in spring.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};

use jiff::civil::{Date, Time};
use jiff::tz::TimeZone;
use sha2::{Digest as _, Sha256};

use super::dst::{Kind, changes};
use super::{AwsCron, Expression};

/// The years whose changes of clocks count. Fixed, so that the offset of a name never depends on the day it is computed.
const GAP_YEARS: (i16, i16) = (2020, 2040);

const DAY: u16 = 24 * 60;

/// A start that was moved.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Spread {
    /// The expression with its minutes and hours moved.
    pub cron: AwsCron,
    /// By how many minutes, below the spread.
    pub offset: u16,
}

/// Why an expression cannot be spread.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SpreadRefusal {
    /// A rate's phase is the moment it is created, and a single time was chosen.
    #[error("`{0}` cannot be spread: only a cron expression has a time of day to move")]
    NoTimeOfDay(String),
    /// The minutes, or the hours, leave no room.
    #[error("`{0}` cannot be spread: every later minute would cross midnight or change how often it fires")]
    NoRoom(String),
    /// A day has 1440 minutes.
    #[error("a spread of {0} minutes is more than a day")]
    MoreThanADay(u32),
}

/// Moves the starts of `expression` by `name`'s offset in `[0, minutes)`. The expression keeps its days and how often it fires; an offset
/// is a candidate when it moves every start within its local day by the same amount and none into the zone's gap.
pub fn spread(expression: &Expression, name: &str, minutes: u32, zone: &TimeZone) -> Result<Spread, SpreadRefusal> {
    let Expression::Cron(cron) = expression else {
        return Err(SpreadRefusal::NoTimeOfDay(expression.to_string()));
    };
    let room = u16::try_from(minutes).ok().filter(|minutes| *minutes <= DAY);
    let room = room.ok_or(SpreadRefusal::MoreThanADay(minutes))?.max(1);
    let gap = gap_minutes(zone);
    let starts: Vec<u16> = cron.minutes_of_day().collect();
    let exact: Vec<u16> = (0..room).filter(|offset| moves_whole(cron, *offset)).collect();
    let in_gap = |offset: u16| starts.iter().filter(|start| gap.contains(&(*start + offset))).count();
    // A start that the manifest itself puts into the gap may leave it; where it cannot (every hour of the day), it is no worse than before.
    let fewest = exact.iter().map(|offset| in_gap(*offset)).min().unwrap_or(0);
    let candidates: Vec<u16> = exact.into_iter().filter(|offset| in_gap(*offset) == fewest).collect();
    if room > 1 && candidates == [0] {
        return Err(SpreadRefusal::NoRoom(cron.to_string()));
    }
    let offset = candidates[index(name, candidates.len())];
    Ok(Spread { cron: moved(cron, offset), offset })
}

fn index(name: &str, candidates: usize) -> usize {
    let digest = Sha256::digest(name.as_bytes());
    let number = digest[..8].iter().fold(0u64, |number, byte| number << 8 | u64::from(*byte));
    let count = u64::try_from(candidates).expect("at most 1440 candidates");
    usize::try_from(number % count).expect("below the number of candidates")
}

/// Whether the starts moved by `offset` are again minutes × hours, on the same local day.
fn moves_whole(cron: &AwsCron, offset: u16) -> bool {
    let carry = |minute: Option<&i16>| minute.map(|minute| (minute.unsigned_abs() + offset) / 60);
    let last_hour = cron.hours.last().copied().map_or(0, i16::unsigned_abs);
    let (first, last) = (carry(cron.minutes.first()), carry(cron.minutes.last()));
    first == last && first.is_some_and(|carry| last_hour + carry <= 23)
}

fn moved(cron: &AwsCron, offset: u16) -> AwsCron {
    let times = || cron.minutes_of_day().map(|start| start + offset);
    let part = |value: u16| i16::try_from(value).expect("hours and minutes are small");
    AwsCron {
        minutes: times().map(|time| part(time % 60)).collect(),
        hours: times().map(|time| part(time / 60)).collect(),
        ..cron.clone()
    }
}

/// The minutes of the day that some spring in `GAP_YEARS` skips. A city has a thousand schedules and one zone: of a zone with a
/// name they are found once.
fn gap_minutes(zone: &TimeZone) -> Arc<BTreeSet<u16>> {
    static FOUND: Mutex<BTreeMap<String, Arc<BTreeSet<u16>>>> = Mutex::new(BTreeMap::new());
    let Some(name) = zone.iana_name() else { return Arc::new(find_gap_minutes(zone)) };
    let mut found = FOUND.lock().unwrap_or_else(PoisonError::into_inner);
    Arc::clone(found.entry(name.to_owned()).or_insert_with(|| Arc::new(find_gap_minutes(zone))))
}

fn find_gap_minutes(zone: &TimeZone) -> BTreeSet<u16> {
    let first_of = |year| Date::new(year, 1, 1).expect("a date").to_datetime(Time::midnight());
    let instant = |year| jiff::tz::Offset::UTC.to_timestamp(first_of(year)).expect("in range");
    changes(zone, instant(GAP_YEARS.0), instant(GAP_YEARS.1))
        .filter(|change| change.kind == Kind::Gap)
        .flat_map(|gap| {
            let start = u16::from(gap.from.hour().unsigned_abs()) * 60 + u16::from(gap.from.minute().unsigned_abs());
            let length = gap.until.duration_since(gap.from).as_mins();
            (0..u16::try_from(length).unwrap_or(DAY).min(DAY)).map(move |minute| (start + minute) % DAY)
        })
        .collect()
}
