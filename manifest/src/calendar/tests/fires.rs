use std::collections::BTreeSet;

use jiff::civil::{Date, DateTime};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp, ToSpan as _};
use proptest::prelude::*;
use proptest::sample::select;

use super::oracle::{aws, aws_takes};
use crate::calendar::{Expression, Histogram, Start, dst_notices, expressions, fires, fires_of_all, zone};

fn at(text: &str) -> Timestamp {
    text.parse().expect("a time stamp")
}

fn new_york() -> TimeZone {
    zone("America/New_York").expect("a zone")
}

fn cron(text: &str) -> Expression {
    expressions(text).expect("an expression").remove(0)
}

fn local(expression: &Expression, zone: &TimeZone, after: &str, count: usize) -> Vec<String> {
    fires(expression, zone, at(after))
        .take(count)
        .map(|zoned| zoned.strftime("%m-%d %H:%M %Z %a").to_string())
        .collect()
}

/// Walks the instants minute by minute and looks at the zone's clock: a local time fires the first time the clock shows it.
fn scan(text: &str, zone: &TimeZone, after: Timestamp, until: Timestamp) -> Vec<Timestamp> {
    let mut seen: BTreeSet<DateTime> = BTreeSet::new();
    let mut found = Vec::new();
    let mut instant = after - SignedDuration::from_hours(30);
    while instant < until {
        let local = zone.to_datetime(instant);
        if seen.insert(local) && instant > after && aws_takes(text, local) {
            found.push(instant);
        }
        instant += SignedDuration::from_mins(1);
    }
    found
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn fire_times_are_what_a_walk_through_every_minute_finds(
        text in aws(),
        (name, around) in select(vec![
            ("America/New_York", "2027-03-14T07:00:00Z"),
            ("America/New_York", "2027-11-07T06:00:00Z"),
            ("America/Los_Angeles", "2026-11-01T09:00:00Z"),
            ("Australia/Lord_Howe", "2026-04-04T15:00:00Z"),
            ("Australia/Lord_Howe", "2026-10-03T15:30:00Z"),
            ("America/Santiago", "2026-09-06T04:00:00Z"),
            ("Africa/Casablanca", "2026-02-15T02:00:00Z"),
            ("Asia/Kathmandu", "2026-07-01T00:00:00Z"),
            ("UTC", "2028-02-29T00:00:00Z"),
        ]),
        minutes_before in 0i64..3000,
    ) {
        let Ok(expression) = format!("cron({text})").parse::<Expression>() else { return Ok(()) };
        let zone = zone(name).expect("a zone");
        let after = at(around) - SignedDuration::from_mins(minutes_before);
        let until = at(around) + SignedDuration::from_hours(80);
        let ours: Vec<Timestamp> =
            fires(&expression, &zone, after).map(|zoned| zoned.timestamp()).take_while(|instant| *instant < until).collect();
        prop_assert_eq!(ours, scan(&text, &zone, after, until), "{} in {} after {}", text, name, after);
    }
}

#[test]
fn a_local_time_that_spring_skips_is_skipped() {
    assert_eq!(
        local(&cron("30 2 * * *"), &new_york(), "2027-03-13T00:00:00Z", 3),
        ["03-13 02:30 EST Sat", "03-15 02:30 EDT Mon", "03-16 02:30 EDT Tue"]
    );
}

#[test]
fn a_local_time_that_autumn_repeats_starts_once_at_the_first() {
    assert_eq!(
        local(&cron("30 1 * * *"), &new_york(), "2027-11-06T00:00:00Z", 3),
        ["11-06 01:30 EDT Sat", "11-07 01:30 EDT Sun", "11-08 01:30 EST Mon"]
    );
    // Asked between the two, the next is tomorrow's.
    assert_eq!(local(&cron("30 1 * * *"), &new_york(), "2027-11-07T06:10:00Z", 1), ["11-08 01:30 EST Mon"]);
}

#[test]
fn a_day_that_a_zone_left_out_has_no_starts() {
    let apia = zone("Pacific/Apia").expect("a zone");
    assert_eq!(
        local(&cron("0 9 * * *"), &apia, "2011-12-29T12:00:00Z", 2),
        ["12-29 09:00 -10 Thu", "12-31 09:00 +14 Sat"]
    );
}

#[test]
fn a_rate_counts_elapsed_time() {
    assert_eq!(
        local(&cron("rate(1 day)"), &new_york(), "2027-03-13T17:00:00Z", 2),
        ["03-14 13:00 EDT Sun", "03-15 13:00 EDT Mon"]
    );
}

#[test]
fn a_single_time_fires_once_and_not_when_it_is_past() {
    let once = cron("at(2027-03-14T09:00:00)");
    assert_eq!(local(&once, &new_york(), "2027-03-13T00:00:00Z", 5), ["03-14 09:00 EDT Sun"]);
    assert!(local(&once, &new_york(), "2027-03-14T13:00:00Z", 5).is_empty());
    assert!(local(&cron("at(2027-03-14T02:30:00)"), &new_york(), "2027-03-13T00:00:00Z", 5).is_empty());
}

#[test]
fn two_expressions_fire_as_one_sequence() {
    let both = expressions("0 9 1-2 * 1#2").expect("two expressions");
    assert_eq!(both.len(), 2);
    let days: Vec<i8> =
        fires_of_all(&both, &TimeZone::UTC, at("2026-06-01T00:00:00Z")).take(5).map(|zoned| zoned.day()).collect();
    assert_eq!(days, [1, 2, 8, 1, 2]);
}

#[test]
fn an_expression_of_past_years_has_no_fire_times() {
    assert!(local(&cron("cron(0 8 * * ? 2020-2021)"), &new_york(), "2026-01-01T00:00:00Z", 1).is_empty());
}

#[test]
fn daylight_saving_is_told_in_a_sentence() {
    let told = |text: &str| -> Vec<String> {
        dst_notices(&cron(text), &new_york(), at("2027-01-01T00:00:00Z"), at("2028-01-01T00:00:00Z"))
            .iter()
            .map(ToString::to_string)
            .collect()
    };
    assert_eq!(told("30 2 * * *"), ["02:30 on 2027-03-14 does not exist in America/New_York: skipped"]);
    assert_eq!(
        told("30 1 * * *"),
        ["01:30 on 2027-11-07 happens twice in America/New_York: started once, at the first"]
    );
    assert_eq!(
        told("*/20 * * * *"),
        [
            "02:00 to 02:40 (3 starts) on 2027-03-14 do not exist in America/New_York: skipped",
            "01:00 to 01:40 (3 starts) on 2027-11-07 happen twice in America/New_York: started once, at the first",
        ]
    );
    assert!(told("0 22 * * *").is_empty());
    assert!(told("30 2 * * 1").is_empty());
    assert!(told("rate(1 hour)").is_empty());
    assert_eq!(told("at(2027-03-14T02:30:00)").len(), 1);
}

#[test]
fn the_busiest_minute_names_who_starts_in_it() {
    let (new_york, utc) = (new_york(), TimeZone::UTC);
    let (ten_pm, two_am, noon) = (cron("0 22 * * *"), cron("0 2 * * *"), cron("0 12 * * *"));
    let starts = [
        Start { name: "local", expression: &ten_pm, zone: &new_york },
        Start { name: "utc", expression: &two_am, zone: &utc },
        Start { name: "noon", expression: &noon, zone: &utc },
    ];
    // 22:00 in New York's summer is 02:00 UTC.
    let day = Date::constant(2026, 7, 1);
    let from = at(&format!("{day}T00:00:00Z"));
    let histogram = Histogram::new(starts, from, from + 24.hours());
    let (minute, names) = histogram.busiest().expect("some start");
    assert_eq!((minute, names), (at("2026-07-01T02:00:00Z"), &["local".to_owned(), "utc".to_owned()][..]));
    assert_eq!(histogram.minutes().count(), 2);
    assert_eq!(Histogram::default().busiest(), None);
}

#[test]
fn a_zone_that_is_misspelt_is_answered_with_the_one_that_was_meant() {
    let help = |name: &str| zone(name).expect_err(name).help.unwrap_or_default();
    assert_eq!(help("America/NewYork"), "did you mean America/New_York?");
    assert_eq!(help("america/new_york"), "did you mean America/New_York?");
    assert_eq!(help("PST"), "did you mean America/Los_Angeles?");
    // A zone of the database, five hours behind all year.
    assert_eq!(help("EST"), "did you mean America/New_York?");
    assert_eq!(help("the moon"), "write an IANA name such as America/New_York or UTC");
    assert!(zone("UTC").is_ok());
}
