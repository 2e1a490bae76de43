use jiff::civil::{Date, DateTime};
use proptest::prelude::*;

use super::oracle::{aws, aws_takes_date, aws_takes_time, scan};
use crate::calendar::{AwsAt, AwsCron, AwsRate, Expression, Refusal, longest_wait};

const YEARS: std::ops::Range<i16> = 2024..2029;

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn the_local_times_are_the_minutes_that_the_text_names(text in aws()) {
        let scanned = scan(YEARS, |day| aws_takes_date(&text, day), |time| aws_takes_time(&text, time));
        match AwsCron::parse(&format!("cron({text})")) {
            Ok(cron) => {
                let before = Date::constant(YEARS.start - 1, 12, 31).at(23, 59, 0, 0);
                let times: Vec<_> = cron.local_times(before).take_while(|time| time.year() < YEARS.end).collect();
                prop_assert_eq!(times, scanned, "{}", text);
            }
            Err(refusal) => prop_assert!(scanned.is_empty(), "{} was refused: {}", text, refusal),
        }
    }

    #[test]
    fn the_canonical_text_reads_back_as_the_same_expression(text in aws()) {
        if let Ok(cron) = AwsCron::parse(&format!("cron({text})")) {
            prop_assert_eq!(AwsCron::parse(&cron.to_string()), Ok(cron));
        }
    }
}

#[test]
fn expressions_that_mean_the_same_are_written_alike() {
    for (written, canonical) in [
        ("cron(0 8 ? * * *)", "cron(0 8 * * ? *)"),
        ("cron(0,15,30,45 8 * * ? *)", "cron(0/15 8 * * ? *)"),
        ("cron(00 08 1,2,3 jan-mar ? *)", "cron(0 8 1-3 1-3 ? *)"),
        ("cron(0 8 ? * MON-FRI 2026-2027)", "cron(0 8 ? * 2-6 2026,2027)"),
        ("cron(0 8 ? * L *)", "cron(0 8 ? * 7 *)"),
        ("cron(15 10 ? * 6L 2022-2023)", "cron(15 10 ? * 6L 2022,2023)"),
        ("cron(0  8   3W * ? *)", "cron(0 8 3W * ? *)"),
        ("cron(0 8 ? * TUE#2 *)", "cron(0 8 ? * 3#2 *)"),
        ("cron(5/20 8 * * ? *)", "cron(5/20 8 * * ? *)"),
        ("cron(5,25 8 * * ? *)", "cron(5,25 8 * * ? *)"),
    ] {
        assert_eq!(AwsCron::parse(written).map(|cron| cron.to_string()), Ok(canonical.to_owned()), "{written}");
    }
}

#[test]
fn the_weekday_nearest_to_a_day_stays_in_its_month() {
    let first = |text: &str, day| AwsCron::parse(text).expect("valid").local_times(day).next().map(DateTime::date);
    // Saturday 1 August 2026 → Monday the 3rd; Sunday 31 May 2026 → Friday the 29th.
    assert_eq!(
        first("cron(0 0 1W 8 ? *)", Date::constant(2026, 1, 1).at(0, 0, 0, 0)),
        Some(Date::constant(2026, 8, 3))
    );
    assert_eq!(
        first("cron(0 0 31W 5 ? *)", Date::constant(2026, 1, 1).at(0, 0, 0, 0)),
        Some(Date::constant(2026, 5, 29))
    );
}

#[test]
fn what_aws_refuses_is_refused_at_its_place() {
    for (text, at, why) in [
        ("cron(0 8 * * *)", 5, "AWS cron has six fields, this has 5"),
        ("cron(0 8 * * * *)", 13, "AWS takes a value in day-of-month or in day-of-week, not in both"),
        ("cron(0 8 1 * 2 *)", 13, "AWS takes a value in day-of-month or in day-of-week, not in both"),
        ("cron(0 8 ? * ? *)", 13, "day-of-month and day-of-week are both `?`"),
        ("cron(0 8 ? * 0 *)", 13, "0 is not a day-of-week: it goes from 1 to 7"),
        ("cron(0 8 ? * 8 *)", 13, "8 is not a day-of-week: it goes from 1 to 7"),
        ("cron(0 8 ? * 2-6/2 *)", 13, "AWS does not take a step (/) in the day-of-week field"),
        ("cron(0 8 ? * 3#1,6#3 *)", 13, "with `#` AWS takes a single expression in day-of-week"),
        ("cron(0 8 ? * 3#6 *)", 15, "`6` after # is not a week of the month: it goes from 1 to 5"),
        ("cron(0 8 LW * ? *)", 9, "`LW` is not a form AWS documents"),
        ("cron(0 8 L-3 * ? *)", 9, "`L-3` is not a form AWS documents"),
        ("cron(0 8 1W,15W * ? *)", 9, "`1W,15W` is not a form AWS documents"),
        ("cron(0 8 ? * MON,6L *)", 13, "`MON,6L` is not a form AWS documents"),
        ("cron(0 8 ? * SAT-MON *)", 13, "the range `SAT-MON` runs backwards"),
        ("cron(? 8 * * ? *)", 5, "`?` is not a minute"),
        ("cron(0 8 * * ? 1969)", 15, "1969 is not a year: it goes from 1970 to 2199"),
        ("cron(0 8 * * ? 2200)", 15, "2200 is not a year: it goes from 1970 to 2199"),
        ("cron(0/0 8 * * ? *)", 7, "`0` is not a step of the minute field: it goes from 1 to 59"),
        ("cron(0 8 31 4,6 ? *)", 0, "cron(0 8 31 4,6 ? *) never fires: no month it names has such a day"),
        ("cron(0 8 29 2 ? 2025-2027)", 0, "cron(0 8 29 2 ? 2025-2027) never fires: no month it names has such a day"),
        ("cron(0 8 * * ? *", 0, "`cron(0 8 * * ? *` is not of the form cron(…)"),
        ("rate(1 days)", 7, "AWS refuses `1 days`"),
        ("rate(5 minute)", 7, "AWS refuses `5 minute`"),
        ("rate(0 days)", 5, "`0` is not a positive whole number"),
        ("rate(1.5 hours)", 5, "`1.5` is not a positive whole number"),
        ("rate(+2 hours)", 5, "`+2` is not a positive whole number"),
        ("rate(2 weeks)", 7, "`weeks` is not a unit of a rate"),
        ("rate(5minutes)", 5, "a rate is a number and a unit"),
        ("at(2027-03-14 09:00:00)", 3, "`2027-03-14 09:00:00` is not a time of the form yyyy-mm-ddThh:mm:ss"),
        ("at(2027-03-14T09:00:00Z)", 3, "`2027-03-14T09:00:00Z` is not a time of the form yyyy-mm-ddThh:mm:ss"),
        ("at(2027-02-30T09:00:00)", 3, "`2027-02-30T09:00:00` is not a date and time of the calendar"),
        ("CRON(0 8 * * ? *)", 0, "`CRON(0 8 * * ? *)` is not a schedule expression"),
    ] {
        let refusal: Refusal = text.parse::<Expression>().expect_err(text);
        assert_eq!((refusal.at, refusal.why.as_str()), (at, why), "{text}");
    }
    assert_eq!(AwsRate::parse("rate(1 days)").expect_err("plural").help.as_deref(), Some("write rate(1 day)"));
}

#[test]
fn an_expression_longer_than_aws_takes_is_refused() {
    let years: Vec<String> =
        (1970..2150).filter(|year| year % 3 != 0 && year % 4 != 0).map(|year| year.to_string()).collect();
    let refusal = AwsCron::parse(&format!("cron(0 8 * * ? {})", years.join(","))).expect_err("too long");
    assert!(refusal.why.contains("AWS takes 256"), "{refusal}");
}

#[test]
fn rates_and_single_times_read_back_as_written() {
    for text in ["rate(1 minute)", "rate(12 hours)", "rate(365 days)", "at(2027-03-14T02:30:00)", "cron(0 8 * * ? *)"] {
        assert_eq!(text.parse::<Expression>().map(|e| e.to_string()), Ok(text.to_owned()));
    }
    assert_eq!(
        AwsAt::parse("at(2027-03-14T02:30:00)").map(AwsAt::time),
        Ok(Date::constant(2027, 3, 14).at(2, 30, 0, 0))
    );
}

#[test]
fn an_expression_is_its_text_in_json() {
    let expression: Expression = "rate(2 days)".parse().expect("valid");
    assert_eq!(serde_json::to_string(&expression).expect("json"), r#""rate(2 days)""#);
    assert!(serde_json::from_str::<Expression>(r#""rate(2 day)""#).is_err());
}

#[test]
fn the_longest_wait_is_the_longest_of_all_years() {
    let hours = |texts: &[&str]| {
        let expressions: Vec<Expression> = texts.iter().map(|text| text.parse().expect("valid")).collect();
        longest_wait(&expressions).map(|wait| wait.as_mins() / 60)
    };
    assert_eq!(hours(&["cron(0 22 * * ? *)"]), Some(24));
    assert_eq!(hours(&["cron(0 22 ? * MON-FRI *)"]), Some(72));
    assert_eq!(hours(&["cron(0 0 1 * ? *)"]), Some(31 * 24));
    assert_eq!(hours(&["cron(0 0 1 1 ? *)"]), Some(366 * 24));
    // Odd days: the 31st and the 1st follow each other, so the wait is two days at most.
    assert_eq!(hours(&["cron(0 23 1/2 * ? *)"]), Some(48));
    assert_eq!(hours(&["cron(0 6,18 * * ? *)"]), Some(12));
    assert_eq!(hours(&["cron(0 9 1-7 * ? *)", "cron(0 9 ? * 2#2 *)"]), Some(24 * 24));
    assert_eq!(hours(&["rate(36 hours)"]), Some(36));
    assert_eq!(hours(&["at(2027-03-14T02:30:00)"]), None);
    assert_eq!(hours(&["cron(0 0 1 1 ? 2026)"]), None);
}
