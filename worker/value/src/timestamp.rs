//! Timestamps without time zone: a date in any shape of [`crate::date`], maybe with a time of day. Text comes in, microseconds since
//! 2000-01-01 00:00 go out. A date alone is its midnight; an offset from UTC is refused, as this type would lose it.

use crate::Bad;
use crate::date::Order;
use crate::moment::Moment;
use crate::time::{self, DAY};

/// PostgreSQL's first and last microsecond: 4714-11-24 BC and 294276-12-31.
const FIRST: i64 = -211_813_488_000_000_000;
const LAST: i64 = 9_223_371_331_199_999_999;

/// Reads text that has no outer blanks, for a type with `digits` behind the second.
pub(crate) fn read(text: &[u8], order: Order, digits: Option<u8>) -> Result<i64, Bad> {
    match Moment::read(text, order) {
        Ok(Moment::Infinity) => Ok(i64::MAX),
        Ok(Moment::MinusInfinity) => Ok(i64::MIN),
        Ok(Moment::At { offset: Some(_), .. }) => Err(Bad::HasZone),
        Ok(Moment::At { day, micros, .. }) => within(micros_since_2000(day, micros)?, digits),
        Err(Bad::NotADate | Bad::NotATime) => Err(Bad::NotATimestamp),
        Err(bad) => Err(bad),
    }
}

pub(crate) fn micros_since_2000(day: i32, micros: i64) -> Result<i64, Bad> {
    i64::from(day).checked_mul(DAY).and_then(|midnight| midnight.checked_add(micros)).ok_or(Bad::OutOfRange)
}

/// Refuses what PostgreSQL cannot hold, or would round.
pub(crate) fn within(micros: i64, digits: Option<u8>) -> Result<i64, Bad> {
    if (FIRST..=LAST).contains(&micros) { time::within(micros, digits) } else { Err(Bad::OutOfRange) }
}

#[cfg(test)]
mod tests {
    use super::read;
    use crate::Bad;
    use crate::calendar::Civil;
    use crate::date::Order;

    fn at(year: i32, month: u32, day: u32, second: i64) -> Result<i64, Bad> {
        Ok((i64::from(Civil { year, month, day }.days()?) * 86_400 + second) * 1_000_000)
    }

    #[test]
    fn every_known_shape_of_a_timestamp_is_the_same_instant() {
        for text in [
            "2020-05-13 23:30:00",
            "2020-05-13T23:30:00",
            "2020-05-13t23:30:00.000",
            "05/13/2020 23:30:00",
            "05/13/2020 11:30:00 PM",
            "2020-05-13 11:30:00 PM",
            "5/13/20 11:30 pm",
            "20200513 233000",
            "20200513T2330",
            "20200513233000",
            "20200513233000.000",
            "202005132330",
            "20200513_233000",
            "5/13/2020 11:30 p. m.",
            "13-MAY-2020 23:30",
        ] {
            assert_eq!(read(text.as_bytes(), Order::Auto, None), at(2020, 5, 13, 84_600), "{text}");
        }
        assert_eq!(read(b"03/26/2021 12:45:41 AM", Order::Auto, None), at(2021, 3, 26, 2_741));
        assert_eq!(read(b"2020-05-13", Order::Auto, None), at(2020, 5, 13, 0));
        assert_eq!(read(b"2020-05-13 24:00:00", Order::Auto, None), at(2020, 5, 14, 0));
        assert_eq!(read(b"13/05/2020 23:30", Order::Dmy, None), at(2020, 5, 13, 84_600));
        assert_eq!(read(b"13052020233000", Order::Dmy, None), at(2020, 5, 13, 84_600));
    }

    #[test]
    fn what_a_timestamp_would_lose_is_refused() {
        for (text, bad) in [
            ("2020-02-31 00:00:00", Bad::NoSuchDate),
            ("2020-05-13 23:30:00 XYZ", Bad::NotATimestamp),
            ("2020-05-13 25:00:00", Bad::NotATimestamp),
            ("2020-05-13T23:30:00Z", Bad::HasZone),
            ("2020-05-13T23:30:00.1234567", Bad::TooPrecise),
            ("294277-01-01", Bad::OutOfRange),
            ("soon", Bad::NotATimestamp),
            ("20201313233000", Bad::NoSuchDate),
            ("20200513253000", Bad::NotATimestamp),
            ("2020051323300", Bad::NotATimestamp),
            ("20200513233000Z", Bad::HasZone),
            ("20200513233000 PM", Bad::NotATimestamp),
        ] {
            assert_eq!(read(text.as_bytes(), Order::Auto, None), Err(bad), "{text}");
        }
        assert_eq!(read(b"2020-05-13 23:30:00.5", Order::Auto, Some(0)), Err(Bad::TooPrecise));
        assert!(read(b"2020-05-13 23:30:00.500", Order::Auto, Some(1)).is_ok());
    }
}
