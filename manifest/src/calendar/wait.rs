//! The longest time between two starts of a schedule, which a promise of freshness must exceed.

use std::collections::BTreeMap;

use jiff::SignedDuration;
use jiff::civil::Date;

use super::{AwsCron, Expression};

/// Eight years hold every arrangement of leap day and weekday that matters to a wait.
const FIRST: Date = Date::constant(2025, 1, 1);
const YEARS: i16 = 8;

/// The starts of one day, in minutes since midnight.
#[derive(Clone, Copy)]
struct Day {
    first: i64,
    last: i64,
    longest_between: i64,
}

/// The longest wait between two consecutive starts by local clocks, over the years 2025 to 2032; daylight saving can add the hour it
/// skips. `None` where the expressions start fewer than two times in these years.
pub fn longest_wait(expressions: &[Expression]) -> Option<SignedDuration> {
    let mut crons = Vec::new();
    for expression in expressions {
        match expression {
            Expression::Rate(rate) => return Some(rate.interval()),
            Expression::Cron(cron) => crons.push(cron),
            Expression::At(_) => {}
        }
    }
    let mut firing: BTreeMap<Date, Vec<usize>> = BTreeMap::new();
    for (index, cron) in crons.iter().enumerate() {
        for day in cron.days_from(FIRST).take_while(|day| day.year() < FIRST.year() + YEARS) {
            firing.entry(day).or_default().push(index);
        }
    }
    let mut known: BTreeMap<Vec<usize>, Day> = BTreeMap::new();
    let mut longest = 0;
    let mut previous: Option<i64> = None;
    for (date, indexes) in firing {
        let day = *known.entry(indexes.clone()).or_insert_with(|| starts(&indexes, &crons));
        let midnight = date.duration_since(FIRST).as_mins();
        if let Some(previous) = previous {
            longest = longest.max(midnight + day.first - previous);
        }
        longest = longest.max(day.longest_between);
        previous = Some(midnight + day.last);
    }
    (longest > 0).then(|| SignedDuration::from_mins(longest))
}

fn starts(indexes: &[usize], crons: &[&AwsCron]) -> Day {
    let mut minutes: Vec<i64> =
        indexes.iter().flat_map(|&index| crons[index].minutes_of_day()).map(i64::from).collect();
    minutes.sort_unstable();
    let between = minutes.windows(2).map(|pair| pair[1] - pair[0]).max();
    Day {
        first: minutes.first().copied().unwrap_or(0),
        last: minutes.last().copied().unwrap_or(0),
        longest_between: between.unwrap_or(0),
    }
}
