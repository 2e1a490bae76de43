use std::collections::BTreeSet;
use std::str::FromStr as _;

use croner::Cron;
use jiff::civil::{Date, DateTime, Time};
use proptest::prelude::*;

use super::oracle::{days, unix};
use crate::calendar::{AwsCron, UnixCron, translate};

const YEARS: std::ops::Range<i16> = 2023..2029;

fn fires_on(crons: &[AwsCron], day: Date) -> Vec<Time> {
    let mut times: Vec<Time> = crons
        .iter()
        .flat_map(|cron| {
            cron.local_times(day.to_datetime(Time::midnight()).saturating_sub(jiff::Span::new().seconds(1)))
                .take_while(move |time| time.date() == day)
        })
        .map(DateTime::time)
        .collect();
    times.sort_unstable();
    times
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn an_independent_cron_names_the_same_days_and_minutes(text in unix()) {
        let Ok(crons) = UnixCron::parse(&text).and_then(|unix| translate(&unix)) else { return Ok(()) };
        let other = Cron::from_str(&text).map_err(|error| TestCaseError::fail(format!("{text}: {error}")))?;
        let takes = |time: DateTime| other.is_time_matching(&time).expect("a time it can judge");
        let some_start = crons[0].local_times(Date::constant(2024, 1, 1).at(0, 0, 0, 0)).next().expect("it fires");
        let before = Date::constant(YEARS.start - 1, 12, 31).at(23, 59, 0, 0);
        let ours: BTreeSet<Date> = crons
            .iter()
            .flat_map(|cron| cron.local_times(before).take_while(|time| time.year() < YEARS.end))
            .map(DateTime::date)
            .collect();
        let theirs: BTreeSet<Date> =
            days(YEARS).into_iter().filter(|day| takes(day.to_datetime(some_start.time()))).collect();
        prop_assert!(ours == theirs, "{} as {:?}", text, crons);
        let theirs: Vec<Time> = (0..1440).map(|minute| Time::midnight() + jiff::Span::new().minutes(minute))
            .filter(|time| takes(some_start.date().to_datetime(*time)))
            .collect();
        prop_assert_eq!(fires_on(&crons, some_start.date()), theirs, "{}", text);
    }
}
