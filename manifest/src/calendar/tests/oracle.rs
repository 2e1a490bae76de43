//! Slow, plain readings of both crons, minute by minute, that share no code with the calendar.

use jiff::ToSpan as _;
use jiff::civil::{Date, DateTime, Time};
use proptest::prelude::*;
use proptest::sample::{select, subsequence};

/// Whether AWS's cron text (without `cron(` and `)`) takes this minute: the text is interpreted anew each time.
pub(super) fn aws_takes(text: &str, time: DateTime) -> bool {
    aws_takes_time(text, time.time()) && aws_takes_date(text, time.date())
}

pub(super) fn aws_takes_time(text: &str, time: Time) -> bool {
    let fields: Vec<&str> = text.split(' ').collect();
    takes(fields[0], i32::from(time.minute()), 0, 59) && takes(fields[1], i32::from(time.hour()), 0, 23)
}

pub(super) fn aws_takes_date(text: &str, date: Date) -> bool {
    let fields: Vec<&str> = text.split(' ').collect();
    takes(fields[3], i32::from(date.month()), 1, 12)
        && takes(fields[5], i32::from(date.year()), 1970, 2199)
        && (fields[2] == "?" || takes_day(fields[2], date))
        && (fields[4] == "?" || takes_weekday(fields[4], date))
}

pub(super) fn takes(field: &str, value: i32, min: i32, max: i32) -> bool {
    field.split(',').any(|item| {
        let (range, step) = item.split_once('/').map_or((item, 1), |(range, step)| (range, number(step)));
        let (from, to) = match range.split_once('-') {
            Some((from, to)) => (number(from), number(to)),
            None if range == "*" => (min, max),
            None if item.contains('/') => (number(range), max),
            None => (number(range), number(range)),
        };
        value >= from && value <= to && (value - from) % step == 0
    })
}

fn number(text: &str) -> i32 {
    const MONTHS: &str = "JANFEBMARAPRMAYJUNJULAUGSEPOCTNOVDEC";
    const DAYS: &str = "SUNMONTUEWEDTHUFRISAT";
    text.parse().unwrap_or_else(|_| {
        let upper = text.to_uppercase();
        let at = MONTHS.find(&upper).or_else(|| DAYS.find(&upper)).expect("a name");
        i32::try_from(at / 3).expect("small") + 1
    })
}

/// 1 = Sunday.
fn weekday(date: Date) -> i32 {
    i32::from(date.weekday().to_sunday_one_offset())
}

fn takes_day(field: &str, date: Date) -> bool {
    if field == "L" {
        return date == date.last_of_month();
    }
    if let Some(day) = field.strip_suffix('W') {
        let Ok(wanted) = Date::new(date.year(), date.month(), i8::try_from(number(day)).expect("a day")) else {
            return false;
        };
        // The working day of the same month at the least distance; Saturday's neighbour is Friday, Sunday's is Monday.
        let nearest = (1..=date.days_in_month())
            .map(|day| Date::new(date.year(), date.month(), day).expect("a day"))
            .filter(|day| (2..=6).contains(&weekday(*day)))
            .min_by_key(|day| (*day - wanted).get_days().abs());
        return nearest == Some(date);
    }
    takes(field, i32::from(date.day()), 1, 31)
}

fn takes_weekday(field: &str, date: Date) -> bool {
    if field == "L" {
        return weekday(date) == 7;
    }
    if let Some((day, n)) = field.split_once('#') {
        let before = (1..date.day())
            .filter(|day| weekday(Date::new(date.year(), date.month(), *day).expect("a day")) == weekday(date))
            .count();
        return weekday(date) == number(day) && before + 1 == usize::try_from(number(n)).expect("small");
    }
    if let Some(day) = field.strip_suffix('L') {
        return weekday(date) == number(day) && (date + 7.days()).month() != date.month();
    }
    takes(field, weekday(date), 1, 7)
}

/// Whether unix cron (numbers only) takes this day: by either field when both are restricted.
pub(super) fn unix_takes_date(text: &str, date: Date) -> bool {
    let fields: Vec<&str> = text.split(' ').collect();
    let (day_said, weekday_said) = (fields[2] != "*", fields[4] != "*");
    let day = takes(fields[2], i32::from(date.day()), 1, 31);
    let sunday_zero = weekday(date) - 1;
    let weekday = fields[4].split(',').any(|item| {
        item.split_once('#').map_or_else(
            || takes(item, sunday_zero, 0, 7) || (sunday_zero == 0 && takes(item, 7, 0, 7)),
            |(day, week)| number(day) % 7 == sunday_zero && (i32::from(date.day()) - 1) / 7 + 1 == number(week),
        )
    });
    takes(fields[3], i32::from(date.month()), 1, 12)
        && match (day_said, weekday_said) {
            (true, true) => day || weekday,
            (true, false) => day,
            (false, true) => weekday,
            (false, false) => true,
        }
}

/// The minutes of these years whose day and time of day are both taken; no field of a cron sees both.
pub(super) fn scan(
    years: std::ops::Range<i16>,
    takes_date: impl Fn(Date) -> bool,
    takes_time: impl Fn(Time) -> bool,
) -> Vec<DateTime> {
    let times: Vec<Time> =
        (0..1440).map(|minute| Time::midnight() + minute.minutes()).filter(|time| takes_time(*time)).collect();
    let days = days(years).into_iter().filter(|day| takes_date(*day));
    days.flat_map(|day| times.iter().map(move |time| day.to_datetime(*time))).collect()
}

/// Every day of these years.
pub(super) fn days(years: std::ops::Range<i16>) -> Vec<Date> {
    let first = Date::new(years.start, 1, 1).expect("a date");
    first.series(1.day()).take_while(|day| day.year() < years.end).collect()
}

fn list(min: i32, max: i32) -> impl Strategy<Value = String> {
    let value = move || min..=max;
    prop_oneof![
        3 => value().prop_map(|v| v.to_string()),
        1 => (value(), value()).prop_map(|(a, b)| format!("{}-{}", a.min(b), a.max(b))),
        1 => (value(), value(), 1..=7i32).prop_map(|(a, b, n)| format!("{}-{}/{n}", a.min(b), a.max(b))),
        1 => subsequence((min..=max).collect::<Vec<_>>(), 1..4)
            .prop_map(|all| all.iter().map(ToString::to_string).collect::<Vec<_>>().join(",")),
    ]
}

/// Unix cron of every kind, sparse in minutes so that years can be enumerated.
pub(super) fn unix() -> impl Strategy<Value = String> {
    let minute = prop_oneof![4 => list(0, 59), 1 => (7..=59i32).prop_map(|n| format!("*/{n}"))];
    let hour =
        prop_oneof![4 => list(0, 23), 1 => Just("*".to_owned()), 1 => (2..=23i32).prop_map(|n| format!("*/{n}"))];
    let month =
        prop_oneof![2 => Just("*".to_owned()), 2 => list(1, 12), 1 => (2..=12i32).prop_map(|n| format!("*/{n}"))];
    let day = prop_oneof![2 => Just("*".to_owned()), 2 => list(1, 31), 1 => (2..=31i32).prop_map(|n| format!("*/{n}"))];
    let weekday = prop_oneof![
        3 => Just("*".to_owned()),
        2 => list(0, 7),
        1 => (2..=6i32).prop_map(|n| format!("*/{n}")),
        1 => (0..=7i32, 1..=5i32).prop_map(|(d, n)| format!("{d}#{n}")),
    ];
    (minute, hour, day, month, weekday).prop_map(|(a, b, c, d, e)| format!("{a} {b} {c} {d} {e}"))
}

/// AWS cron of every kind, without its `cron(` and `)`.
pub(super) fn aws() -> impl Strategy<Value = String> {
    let minute = prop_oneof![3 => list(0, 59), 1 => (0..=59i32, 7..=59i32).prop_map(|(a, n)| format!("{a}/{n}"))];
    let hour = prop_oneof![3 => list(0, 23), 1 => Just("*".to_owned()), 1 => (0..=23i32, 2..=23i32).prop_map(|(a, n)| format!("{a}/{n}"))];
    let month =
        prop_oneof![Just("*".to_owned()), list(1, 12), select(vec!["JAN,JUL".to_owned(), "feb-APR".to_owned()])];
    let days = prop_oneof![
        2 => list(1, 31).prop_map(|day| (day, "?".to_owned())),
        1 => (1..=31i32, 2..=31i32).prop_map(|(a, n)| (format!("{a}/{n}"), "?".to_owned())),
        1 => Just(("*".to_owned(), "?".to_owned())),
        1 => Just(("L".to_owned(), "?".to_owned())),
        2 => (1..=31i32).prop_map(|day| (format!("{day}W"), "?".to_owned())),
        1 => (1..=7i32, 1..=7i32).prop_map(|(a, b)| ("?".to_owned(), format!("{a},{b}"))),
        1 => select(vec!["MON-FRI", "SAT", "L", "*", "sun"]).prop_map(|w| ("?".to_owned(), w.to_owned())),
        2 => (1..=7i32, 1..=5i32).prop_map(|(d, n)| ("?".to_owned(), format!("{d}#{n}"))),
        2 => (1..=7i32).prop_map(|d| ("?".to_owned(), format!("{d}L"))),
    ];
    let year =
        prop_oneof![4 => Just("*".to_owned()), 1 => Just("2025-2027".to_owned()), 1 => Just("2024/2".to_owned())];
    (minute, hour, days, month, year).prop_map(|(a, b, (c, e), d, f)| format!("{a} {b} {c} {d} {e} {f}"))
}
