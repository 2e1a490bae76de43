//! Dates and times in every shape, checked against a calendar that is not the encoder's.

use crate::{decoder, encode, encode_with, encoder, value};
use jiff::civil::{Date, DateTime, Time, date};
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan};
use proptest::prelude::*;
use value::{Bad, Overlap, Parser};

fn any_day() -> impl Strategy<Value = Date> {
    (0_i64..3_652_059).prop_map(|days| date(1, 1, 1).checked_add(days.days()).unwrap())
}

fn any_time() -> impl Strategy<Value = Time> {
    (0_i8..24, 0_i8..60, 0_i8..60, prop_oneof![Just(0), 0_i32..1_000_000])
        .prop_map(|(hour, minute, second, micros)| Time::new(hour, minute, second, micros * 1_000).unwrap())
}

/// Every shape of a day that needs no declared parser.
fn shapes(day: Date) -> Vec<String> {
    let (y, m, d) = (day.year(), day.month(), day.day());
    let name = day.strftime("%B").to_string();
    vec![
        format!("{y:04}-{m:02}-{d:02}"),
        format!("{y:04}-{m}-{d}"),
        format!("{y:04}/{m:02}/{d:02}"),
        format!("{y:04}.{m:02}.{d:02}"),
        format!("{y:04}{m:02}{d:02}"),
        format!("{m:02}/{d:02}/{y:04}"),
        format!("{m}/{d}/{y:04}"),
        format!("{m}-{d}-{y:04}"),
        format!("{d:02}-{}-{y:04}", name[..3].to_uppercase()),
        format!("{d}{}{y:04}", name[..3].to_lowercase()),
        format!("{d} {name} {y:04}"),
        format!("{name} {d}, {y:04}"),
    ]
}

/// Every shape of a time of day.
fn clocks(time: Time) -> Vec<String> {
    let (hour, minute, second) = (time.hour(), time.minute(), time.second());
    let micros = time.subsec_nanosecond() / 1_000;
    let fraction = if micros == 0 { String::new() } else { format!(".{micros:06}") };
    let (half, letter) = (if hour < 12 { "AM" } else { "PM" }, if hour < 12 { 'a' } else { 'p' });
    let twelve = (hour + 11) % 12 + 1;
    let mut clocks = vec![
        format!("{hour:02}:{minute:02}:{second:02}{fraction}"),
        format!("{hour}:{minute}:{second}.{micros:06}000"),
        format!("{hour:02}{minute:02}{second:02}{fraction}"),
        format!("{twelve}:{minute:02}:{second:02}{fraction} {half}"),
        format!("{twelve:02}:{minute:02}:{second:02}{fraction}{letter}m"),
        format!("{twelve}:{minute:02}:{second:02}{fraction} {letter}.m."),
    ];
    if second == 0 && micros == 0 {
        clocks.extend([
            format!("{hour}:{minute:02}"),
            format!("{twelve}:{minute:02} {half}"),
            format!("{hour:02}{minute:02}"),
        ]);
    }
    clocks
}

proptest! {
    #[test]
    fn every_shape_of_a_date_is_that_day(day in any_day()) {
        for text in shapes(day) {
            prop_assert_eq!(decoder::day(&value("date", &text)), day, "{}", text);
            prop_assert_eq!(decoder::day(&value("date", &format!("{text} 00:00:00"))), day, "{}", text);
            prop_assert_eq!(decoder::timestamp(&value("timestamp", &text)), day.at(0, 0, 0, 0), "{}", text);
        }
    }

    #[test]
    fn a_declared_order_is_followed(day in any_day(), mark in prop::sample::select(&["/", "-", "."][..])) {
        let (y, m, d) = (day.year(), day.month(), day.day());
        for (parser, text) in [
            (Parser::Dmy, format!("{d}{mark}{m}{mark}{y:04}")),
            (Parser::Mdy, format!("{m}{mark}{d}{mark}{y:04}")),
            (Parser::Ymd, format!("{y:04}{mark}{m}{mark}{d}")),
            (Parser::Dmy, format!("{d:02}{m:02}{y:04}")),
            (Parser::Mdy, format!("{m:02}{d:02}{y:04}")),
            (Parser::Ymd, format!("{y:04}{m:02}{d:02}")),
        ] {
            let payload = encode("date", parser, &text).unwrap().unwrap();
            prop_assert_eq!(decoder::day(&payload), day, "{} by {}", text, parser);
        }
    }

    #[test]
    fn a_date_column_loses_no_time_of_day(day in any_day(), time in any_time()) {
        prop_assume!(time != Time::midnight());
        for text in shapes(day) {
            prop_assert_eq!(encode("date", Parser::Auto, &format!("{text} {time}")), Err(Bad::HasTime), "{}", text);
        }
    }

    #[test]
    fn every_shape_of_a_time_is_that_time(time in any_time()) {
        let micros = time.duration_since(Time::midnight()).as_micros();
        for text in clocks(time) {
            prop_assert_eq!(i128::from(decoder::int(&value("time", &text))), micros, "{}", text);
        }
    }

    #[test]
    fn every_shape_of_a_timestamp_is_that_instant(day in any_day(), time in any_time(), gap in prop::sample::select(&[" ", "T", "  ", ", "][..])) {
        let expected = DateTime::from_parts(day, time);
        for text in shapes(day).iter().flat_map(|day| clocks(time).into_iter().map(move |time| format!("{day}{gap}{time}"))) {
            prop_assert_eq!(decoder::timestamp(&value("timestamp", &text)), expected, "{}", text);
        }
    }

    #[test]
    fn digits_of_a_second_are_kept_or_refused(day in any_day(), time in any_time(), digits in 0_u32..7) {
        let text = format!("{day} {time}");
        let answer = encode(&format!("timestamp({digits})"), Parser::Auto, &text);
        if (time.subsec_nanosecond() / 1_000).unsigned_abs() % 10_u32.pow(6 - digits) == 0 {
            prop_assert_eq!(decoder::timestamp(&answer.unwrap().unwrap()), DateTime::from_parts(day, time));
        } else {
            prop_assert_eq!(answer, Err(Bad::TooPrecise));
        }
    }

    #[test]
    fn an_instant_is_the_same_by_any_clock(second in -5_000_000_000_i64..5_000_000_000, zone in prop::sample::select(&["America/New_York", "America/Los_Angeles", "Asia/Kolkata", "UTC"][..])) {
        let instant = Timestamp::from_second(second).unwrap();
        let expected = TimeZone::UTC.to_datetime(instant);
        let zone = TimeZone::get(zone).unwrap();
        let local = instant.to_zoned(zone.clone());
        let column = encoder("timestamptz", Parser::Auto);
        // Offsets of the nineteenth century have seconds.
        let offset = local.offset().seconds();
        let (sign, offset) = (if offset < 0 { '-' } else { '+' }, offset.abs());
        let offset = format!("{sign}{:02}:{:02}:{:02}", offset / 3600, offset / 60 % 60, offset % 60);
        let written = format!("{}{offset}", local.datetime());
        prop_assert_eq!(decoder::timestamp(&encode_with(&column, &written).unwrap().unwrap()), expected, "{}", written);
        prop_assert_eq!(encode_with(&column, &local.datetime().to_string()), Err(Bad::NoZone));
        let bare = local.datetime().to_string();
        match encode_with(&column.clone().zone(zone.clone(), Overlap::Refuse), &bare) {
            Ok(payload) => prop_assert_eq!(decoder::timestamp(&payload.unwrap()), expected, "{}", bare),
            Err(bad) => {
                prop_assert_eq!(bad, Bad::AmbiguousTime);
                let either = [Overlap::Earlier, Overlap::Later].map(|overlap| {
                    decoder::timestamp(&encode_with(&column.clone().zone(zone.clone(), overlap), &bare).unwrap().unwrap())
                });
                prop_assert!(either.contains(&expected) && either[0] < either[1], "{}", bare);
            }
        }
    }

    #[test]
    fn a_serial_of_excel_is_days_after_its_epoch(serial in 61_i64..2_958_466) {
        let payload = encode("date", Parser::ExcelDate, &serial.to_string()).unwrap().unwrap();
        prop_assert_eq!(decoder::day(&payload), date(1899, 12, 30).checked_add(serial.days()).unwrap());
        if let Ok(payload) = encode("date", Parser::Excel1904, &serial.to_string()) {
            prop_assert_eq!(decoder::day(&payload.unwrap()), date(1904, 1, 1).checked_add(serial.days()).unwrap());
        }
    }
}
