use jiff::civil::{Date, DateTime};
use proptest::prelude::*;

use super::oracle::{aws_takes_time, scan, unix, unix_takes_date};
use crate::calendar::{AwsCron, Refusal, UnixCron, expressions, translate};

const YEARS: std::ops::Range<i16> = 2024..2030;

fn translated(text: &str) -> Result<Vec<AwsCron>, Refusal> {
    translate(&UnixCron::parse(text)?)
}

fn texts(text: &str) -> Vec<String> {
    translated(text).unwrap_or_else(|refusal| panic!("{text}: {refusal}")).iter().map(ToString::to_string).collect()
}

fn refusal(text: &str) -> Refusal {
    match expressions(text) {
        Err(refusal) => refusal,
        Ok(read) => panic!("`{text}` was read as {read:?}"),
    }
}

/// Every minute at which one of them starts, in order, each as often as it starts.
fn minutes(crons: &[AwsCron]) -> Vec<DateTime> {
    let before = Date::constant(YEARS.start - 1, 12, 31).at(23, 59, 0, 0);
    let mut all: Vec<DateTime> =
        crons.iter().flat_map(|cron| cron.local_times(before).take_while(|time| time.year() < YEARS.end)).collect();
    all.sort_unstable();
    all
}

fn scanned(text: &str) -> Vec<DateTime> {
    scan(YEARS, |day| unix_takes_date(text, day), |time| aws_takes_time(text, time))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn what_is_translated_fires_at_exactly_the_same_minutes_for_six_years_and_once_in_each(text in unix()) {
        if let Ok(crons) = translated(&text) {
            prop_assert!(crons.len() <= 2);
            prop_assert!(minutes(&crons) == scanned(&text), "{} as {:?}", text, crons);
        }
    }

    #[test]
    fn a_refused_cron_restricts_both_fields_for_days_or_names_no_day(text in unix()) {
        if translated(&text).is_err() {
            let fields: Vec<&str> = text.split(' ').collect();
            let both = fields[2] != "*" && fields[4] != "*";
            prop_assert!(both || scanned(&text).is_empty(), "{}", text);
        }
    }
}

#[test]
fn copilot_0_9_every_second_day_does_not_become_daily() {
    assert_eq!(texts("0 9 */2 * *"), ["cron(0 9 1/2 * ? *)"]);
}

#[test]
fn copilot_0_9_every_second_weekday_does_not_become_daily() {
    assert_eq!(texts("0 9 * * */2"), ["cron(0 9 ? * 1,3,5,7 *)"]);
}

#[test]
fn copilot_1_5_step_2_in_the_weekday_keeps_its_step() {
    assert_eq!(texts("0 9 * * 1-5/2"), ["cron(0 9 ? * 2,4,6 *)"]);
}

#[test]
fn copilot_weekday_7_is_sunday_and_not_8() {
    assert_eq!(texts("0 9 * * 7"), ["cron(0 9 ? * 1 *)"]);
    assert_eq!(texts("0 9 * * 5-7"), ["cron(0 9 ? * 1,6,7 *)"]);
    assert_eq!(texts("0 9 * * FRI-SUN"), texts("0 9 * * 5-7"));
}

#[test]
fn copilot_yearly_is_the_first_of_january() {
    assert_eq!(texts("@yearly"), ["cron(0 0 1 1 ? *)"]);
    assert_eq!(texts("@annually"), texts("@yearly"));
}

#[test]
fn the_predecessors_schedules_mean_what_they_meant() {
    for (unix, aws) in [
        ("0 8 * * 2-6", "cron(0 8 ? * 3-7 *)"),
        ("0 15 * * 6", "cron(0 15 ? * 7 *)"),
        ("0 10 * * 0", "cron(0 10 ? * 1 *)"),
        ("0 8 * * 1", "cron(0 8 ? * 2 *)"),
        ("0 5 * Jan,Apr,Jul,Oct 0#1", "cron(0 5 ? JAN,APR,JUL,OCT 1#1 *)"),
        ("0 7 1 * *", "cron(0 7 1 * ? *)"),
        ("00 15 * * *", "cron(0 15 * * ? *)"),
        ("0 4 */2 * ?", "cron(0 4 1/2 * ? *)"),
        ("0 23 1-31/2 * ?", "cron(0 23 1/2 * ? *)"),
        ("0 23 2-30/2 * ?", "cron(0 23 2/2 * ? *)"),
        ("0 8 * * ?", "cron(0 8 * * ? *)"),
    ] {
        let aws = AwsCron::parse(aws).expect("as AWS takes it");
        assert_eq!(translated(unix), Ok(vec![aws]), "{unix}");
    }
    let as_is = expressions("cron(0 8 * * ? *)").expect("AWS's own form");
    assert_eq!(as_is.iter().map(ToString::to_string).collect::<Vec<_>>(), ["cron(0 8 * * ? *)"]);
}

#[test]
fn the_named_schedules_are_known() {
    assert_eq!(texts("@hourly"), ["cron(0 * * * ? *)"]);
    assert_eq!(texts("@daily"), ["cron(0 0 * * ? *)"]);
    assert_eq!(texts("@midnight"), texts("@daily"));
    assert_eq!(texts("@weekly"), ["cron(0 0 ? * 1 *)"]);
    assert_eq!(texts("@monthly"), ["cron(0 0 1 * ? *)"]);
    assert!(refusal("@fortnightly").why.contains("not a name"));
    assert!(refusal("@reboot").why.contains("no meaning"));
}

#[test]
fn days_that_never_meet_become_two_expressions() {
    // The second Monday is never among the first seven days.
    assert_eq!(texts("0 9 1-7 * 1#2"), ["cron(0 9 1-7 * ? *)", "cron(0 9 ? * 2#2 *)"]);
    assert_eq!(texts("0 9 * * 1#1,1#3"), ["cron(0 9 ? * 2#1 *)", "cron(0 9 ? * 2#3 *)"]);
}

#[test]
fn days_that_contain_each_other_become_one_expression() {
    assert_eq!(texts("0 9 1-7 * 1#1"), ["cron(0 9 1-7 * ? *)"]);
    assert_eq!(texts("0 9 * * 1,1#2"), ["cron(0 9 ? * 2 *)"]);
    assert_eq!(texts("0 9 1-31 * 1"), ["cron(0 9 * * ? *)"]);
    // Day 29 and later is the last of February whenever there is one.
    assert_eq!(texts("0 9 28-31,L 2 *"), ["cron(0 9 28-31 2 ? *)"]);
}

#[test]
fn a_day_of_the_month_or_of_the_week_that_can_meet_is_refused_with_both_expressions() {
    let refusal = refusal("0 9 1 * 1");
    assert_eq!((refusal.at, refusal.len), (4, 5));
    assert!(refusal.why.contains("a day that is both"), "{refusal}");
    let help = refusal.help.expect("it says how to have both");
    assert!(help.contains(r#"[{cron: "cron(0 9 1 * ? *)"}, {cron: "cron(0 9 ? * 2 *)"}]"#), "{help}");
}

#[test]
fn a_stepped_star_beside_another_restriction_is_refused_because_crons_disagree() {
    assert!(refusal("0 9 */2 * 1").why.contains("because of `*/2`"));
    assert!(refusal("0 9 1 * */2").why.contains("because of `*/2`"));
    // `*/1` is every day to all of them.
    assert_eq!(texts("0 9 */1 * 1"), texts("0 9 * * 1"));
}

#[test]
fn what_cannot_be_cron_is_refused_at_its_place() {
    for (text, at, len, why) in [
        ("60 9 * * *", 0, 2, "60 is not a minute: it goes from 0 to 59"),
        ("0 24 * * *", 2, 2, "24 is not an hour: it goes from 0 to 23"),
        ("0 9 0 * *", 4, 1, "0 is not a day-of-month: it goes from 1 to 31"),
        ("0 9 * 13 *", 6, 2, "13 is not a month: it goes from 1 to 12"),
        ("0 9 * * 8", 8, 1, "8 is not a day-of-week: it goes from 0 to 7"),
        ("0 9 * * MOO", 8, 3, "`MOO` is not a day-of-week"),
        ("0 9 * *", 0, 7, "cron has five fields, this has 4"),
        ("0 9 * * 1,", 10, 0, "the list of the day-of-week field has an empty place"),
        ("0 9 * * 1#6", 10, 1, "`6` after # is not a week of the month: it goes from 1 to 5"),
        ("*/90 * * * *", 2, 2, "`90` is not a step of the minute field: it goes from 1 to 59"),
        ("*/0 * * * *", 2, 1, "`0` is not a step of the minute field: it goes from 1 to 59"),
        ("5/15 * * * *", 0, 4, "`5/15` is read differently by different crons"),
        ("0 9 * * 5-1", 8, 3, "the range `5-1` runs backwards"),
        ("0 9 30 2 *", 4, 6, "cron(0 9 30 2 ? *) never fires: no month it names has such a day"),
        ("0 9 15W * *", 4, 3, "`15W` is not unix cron"),
        ("-5 9 * * *", 0, 0, "a value of the minute field is missing"),
        ("ü 9 * * *", 0, 2, "`ü` is not a minute"),
    ] {
        let refusal = refusal(text);
        assert_eq!((refusal.at, refusal.len, refusal.why.as_str()), (at, len, why), "{text}");
    }
    assert_eq!(refusal("0 9 * * ? *").help.as_deref(), Some("for AWS's six fields write cron(0 9 * * ? *)"));
    assert_eq!(refusal("0 9 * * 5-1").help.as_deref(), Some("write 5-7,0-1"));
}
