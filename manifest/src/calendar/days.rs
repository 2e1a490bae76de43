//! Which days of a month an expression means. There are only 28 shapes of a month (28 to 31 days, starting on one of seven weekdays), so
//! every question about days (does it match, do two rules meet, does one contain the other) is answered by looking at all of them.

use jiff::civil::Date;

use super::field::{AWS_WEEKDAY, DAY_OF_MONTH, Set};

/// A rule for days. Weekdays are 0 = Sunday … 6 = Saturday.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Days {
    Daily,
    /// Days of the month, 1–31; a month without the day has none.
    OfMonth(Set),
    LastOfMonth,
    /// Monday to Friday nearest to this day, never leaving its month; a month without the day has none.
    NearestWeekday(i16),
    OfWeek(Set),
    /// The n-th (1–5) such weekday of the month; a month without it has none.
    NthWeekday(i16, i16),
    LastWeekday(i16),
}

/// A month as a calendar sheet: how many days, and the weekday of the first.
#[derive(Debug, Clone, Copy)]
pub(super) struct Shape {
    pub(super) length: i16,
    pub(super) first: i16,
}

impl Shape {
    pub(super) fn of(date: Date) -> Self {
        Self {
            length: i16::from(date.days_in_month()),
            first: i16::from(date.first_of_month().weekday().to_sunday_zero_offset()),
        }
    }

    /// Every shape the given months can take in some year.
    pub(super) fn all(months: &Set) -> Vec<Self> {
        let mut lengths = Set::new();
        for month in months {
            match month {
                2 => lengths.extend([28, 29]),
                4 | 6 | 9 | 11 => lengths.extend([30]),
                _ => lengths.extend([31]),
            }
        }
        lengths.iter().flat_map(|&length| (0..7).map(move |first| Self { length, first })).collect()
    }

    fn weekday(self, day: i16) -> i16 {
        (self.first + day - 1).rem_euclid(7)
    }
}

impl Days {
    /// Bit `d` (1–31) is set where day `d` of such a month matches.
    pub(super) fn in_month(&self, shape: Shape) -> u32 {
        (1..=shape.length).filter(|&day| self.takes(day, shape)).fold(0, |bits, day| bits | 1 << day)
    }

    pub(super) fn matches(&self, date: Date) -> bool {
        self.takes(i16::from(date.day()), Shape::of(date))
    }

    fn takes(&self, day: i16, shape: Shape) -> bool {
        match self {
            Self::Daily => true,
            Self::OfMonth(days) => days.contains(&day),
            Self::LastOfMonth => day == shape.length,
            Self::NearestWeekday(wanted) => *wanted <= shape.length && day == nearest_weekday(*wanted, shape),
            Self::OfWeek(days) => days.contains(&shape.weekday(day)),
            Self::NthWeekday(weekday, n) => shape.weekday(day) == *weekday && (day - 1) / 7 + 1 == *n,
            Self::LastWeekday(weekday) => shape.weekday(day) == *weekday && day + 7 > shape.length,
        }
    }

    /// A set that names every day is the daily rule.
    pub(super) fn simplified(self) -> Self {
        match self {
            Self::OfMonth(days) if days.len() == 31 => Self::Daily,
            Self::OfWeek(days) if days.len() == 7 => Self::Daily,
            other => other,
        }
    }

    /// AWS's day-of-month and day-of-week fields; exactly one of them is `?`.
    pub(super) fn render(&self) -> (String, String) {
        let unsaid = || "?".to_owned();
        match self {
            Self::Daily => ("*".to_owned(), unsaid()),
            Self::OfMonth(days) => (DAY_OF_MONTH.render(days), unsaid()),
            Self::LastOfMonth => ("L".to_owned(), unsaid()),
            Self::NearestWeekday(day) => (format!("{day}W"), unsaid()),
            Self::OfWeek(days) => (unsaid(), AWS_WEEKDAY.render(&days.iter().map(|day| day + 1).collect())),
            Self::NthWeekday(weekday, n) => (unsaid(), format!("{}#{n}", weekday + 1)),
            Self::LastWeekday(weekday) => (unsaid(), format!("{}L", weekday + 1)),
        }
    }
}

fn nearest_weekday(day: i16, shape: Shape) -> i16 {
    match shape.weekday(day) {
        0 if day == shape.length => day - 2,
        0 => day + 1,
        6 if day == 1 => 3,
        6 => day - 1,
        _ => day,
    }
}
