use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;
use proptest::sample::select;

use crate::calendar::{AwsCron, Expression, SpreadRefusal, expressions, spread, zone};

fn cron(text: &str) -> Expression {
    expressions(text).expect("an expression").remove(0)
}

fn start(cron: &AwsCron) -> (i16, i16) {
    let text = cron.to_string();
    let fields: Vec<&str> = text["cron(".len()..].split(' ').collect();
    (fields[1].parse().expect("one hour"), fields[0].parse().expect("one minute"))
}

proptest! {
    #[test]
    fn a_start_moves_less_than_the_spread_and_never_past_midnight_or_into_the_gap(
        hour in 0i16..24, minute in 0i16..60, minutes in 0u32..600, name in "[a-z_0-9]{1,20}",
        (zone_name, gap) in select(vec![
            ("America/New_York", 120..180), ("Australia/Lord_Howe", 120..150), ("America/Santiago", 0..60), ("UTC", 0..0), ("Asia/Tokyo", 0..0),
        ]),
    ) {
        let zone = zone(zone_name).expect("a zone");
        let expression = cron(&format!("{minute} {hour} * * 1"));
        let before = hour * 60 + minute;
        match spread(&expression, &name, minutes, &zone) {
            Ok(moved) => {
                let (hour, minute) = start(&moved.cron);
                let after = hour * 60 + minute;
                prop_assert_eq!(i64::from(after - before), i64::from(moved.offset), "it moves by its offset within the day");
                prop_assert!(u32::from(moved.offset) < minutes.max(1));
                let could_avoid = (0..minutes.max(1)).map(|offset| i64::from(before) + i64::from(offset)).any(|minute| minute < 1440 && !gap.contains(&minute));
                prop_assert!(!could_avoid || !gap.contains(&i64::from(after)), "{} is in the gap", moved.cron);
                prop_assert_eq!(spread(&expression, &name, minutes, &zone), Ok(moved), "the same each time");
            }
            Err(SpreadRefusal::NoRoom(_)) => prop_assert!(before == 1439 || gap.contains(&(i64::from(before) + 1))),
            Err(other) => return Err(TestCaseError::fail(other.to_string())),
        }
    }
}

#[test]
fn an_offset_belongs_to_the_name_and_no_other_name_moves_it() {
    let zone = zone("America/New_York").expect("a zone");
    let of = |name: &str| spread(&cron("0 22 * * *"), name, 45, &zone).expect("room").cron.to_string();
    // Written down so that a change of the hash is seen: it would move every start of every stack.
    assert_eq!(of("hpd_violations"), "cron(38 22 * * ? *)");
    assert_eq!(of("acris"), "cron(18 22 * * ? *)");
}

#[test]
fn a_hundred_names_are_spread_over_the_whole_of_the_spread() {
    let zone = zone("America/New_York").expect("a zone");
    let mut taken: BTreeMap<u16, usize> = BTreeMap::new();
    for number in 0..1000 {
        let moved = spread(&cron("0 23 * * *"), &format!("dataset_{number}"), 45, &zone).expect("room");
        *taken.entry(moved.offset).or_default() += 1;
    }
    assert_eq!(taken.keys().copied().collect::<BTreeSet<_>>(), (0..45).collect());
    assert!(taken.values().all(|count| *count < 60), "{taken:?}");
}

#[test]
fn several_starts_of_a_day_move_together() {
    let zone = zone("America/New_York").expect("a zone");
    for name in ["a", "b", "c", "d", "e", "f", "g", "h"] {
        let moved = spread(&cron("30 8,20 * * *"), name, 60, &zone).expect("room");
        let (carry, minute) = ((30 + moved.offset) / 60, (30 + moved.offset) % 60);
        assert_eq!(moved.cron.to_string(), format!("cron({minute} {},{} * * ? *)", 8 + carry, 20 + carry));
        let moved = spread(&cron("*/15 * * * *"), name, 60, &zone).expect("room within the quarter");
        assert!(moved.offset < 15);
        assert_eq!(moved.cron.to_string(), format!("cron({}/15 * * * ? *)", moved.offset));
    }
}

#[test]
fn what_has_no_time_of_day_or_no_room_is_refused_with_the_reason() {
    let zone = zone("America/New_York").expect("a zone");
    let refused = |text: &str, minutes| spread(&cron(text), "x", minutes, &zone).expect_err(text);
    assert!(matches!(refused("rate(1 day)", 45), SpreadRefusal::NoTimeOfDay(_)));
    assert!(matches!(refused("at(2027-01-01T09:00:00)", 45), SpreadRefusal::NoTimeOfDay(_)));
    assert!(matches!(refused("* * * * *", 45), SpreadRefusal::NoRoom(_)));
    assert!(matches!(refused("59 23 * * *", 45), SpreadRefusal::NoRoom(_)));
    assert_eq!(refused("0 22 * * *", 2000), SpreadRefusal::MoreThanADay(2000));
    assert_eq!(spread(&cron("* * * * *"), "x", 0, &zone).map(|s| s.offset), Ok(0), "no spread moves nothing");
}
