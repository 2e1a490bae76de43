//! Timestamps with time zone: an instant. Text comes in, microseconds since 2000-01-01 00:00 UTC go out. The text's own offset
//! counts; without one it is the time on the clocks of the column's declared zone, for the years to 9999.

use crate::Bad;
use crate::date::Order;
use crate::moment::Moment;
use crate::time::DAY;
use crate::timestamp::{micros_since_2000, within};
use jiff::Timestamp;
use jiff::tz::{AmbiguousOffset, TimeZone};

/// Days from 1970-01-01 to 2000-01-01.
const UNIX_DAYS: i64 = 10_957;

/// Which instant is meant by a local time that the clocks showed twice, when they were set back. A local time that they never
/// showed, when they were set forward, is always refused.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Overlap {
    /// Neither: the value is refused.
    #[default]
    Refuse,
    /// The first, in daylight saving time.
    Earlier,
    /// The second, in standard time.
    Later,
}

/// The clocks that a text without offset was read from.
#[derive(Debug, Clone)]
pub(crate) struct Clocks {
    pub(crate) zone: TimeZone,
    pub(crate) overlap: Overlap,
}

/// Reads text that has no outer blanks, for a type with `digits` behind the second.
pub(crate) fn read(text: &[u8], order: Order, digits: Option<u8>, clocks: Option<&Clocks>) -> Result<i64, Bad> {
    let (day, micros, offset) = match Moment::read(text, order) {
        Ok(Moment::Infinity) => return Ok(i64::MAX),
        Ok(Moment::MinusInfinity) => return Ok(i64::MIN),
        Ok(Moment::At { day, micros, offset }) => (day, micros, offset),
        Err(Bad::NotADate | Bad::NotATime) => return Err(Bad::NotATimestamp),
        Err(bad) => return Err(bad),
    };
    let local = micros_since_2000(day, micros)?;
    match offset {
        Some(offset) => within(utc(local, offset)?, digits),
        None => within(instant(local, clocks)?, digits),
    }
}

/// The instant at which clocks showed a local time.
pub(crate) fn instant(local: i64, clocks: Option<&Clocks>) -> Result<i64, Bad> {
    utc(local, clocks.ok_or(Bad::NoZone)?.offset(local)?)
}

fn utc(local: i64, offset: i32) -> Result<i64, Bad> {
    local.checked_sub(i64::from(offset) * 1_000_000).ok_or(Bad::OutOfRange)
}

impl Clocks {
    /// How many seconds the clocks were ahead of UTC when they showed the local time.
    fn offset(&self, local: i64) -> Result<i32, Bad> {
        let since_1970 = local.checked_add(UNIX_DAYS * DAY).ok_or(Bad::OutOfRange)?;
        // An error of its own would be allocated.
        if !(Timestamp::MIN.as_microsecond()..=Timestamp::MAX.as_microsecond()).contains(&since_1970) {
            return Err(Bad::OutOfRange);
        }
        let shown = Timestamp::from_microsecond(since_1970).map_err(|_| Bad::OutOfRange)?;
        let shown = TimeZone::UTC.to_datetime(shown);
        let offset = match (self.zone.to_ambiguous_timestamp(shown).offset(), self.overlap) {
            (AmbiguousOffset::Unambiguous { offset }, _) => offset,
            (AmbiguousOffset::Fold { before, .. }, Overlap::Earlier) => before,
            (AmbiguousOffset::Fold { after, .. }, Overlap::Later) => after,
            (AmbiguousOffset::Fold { .. }, Overlap::Refuse) => return Err(Bad::AmbiguousTime),
            (AmbiguousOffset::Gap { .. }, _) => return Err(Bad::NoSuchTime),
        };
        Ok(offset.seconds())
    }
}

#[cfg(test)]
mod tests {
    use super::{Clocks, Overlap, read};
    use crate::Bad;
    use crate::date::Order;
    use crate::timestamp;
    use jiff::tz::TimeZone;

    fn utc(text: &str) -> Result<i64, Bad> {
        timestamp::read(text.as_bytes(), Order::Auto, None)
    }

    fn new_york(text: &str, overlap: Overlap) -> Result<i64, Bad> {
        let clocks = Clocks { zone: TimeZone::get("America/New_York").unwrap(), overlap };
        read(text.as_bytes(), Order::Auto, None, Some(&clocks))
    }

    #[test]
    fn an_offset_in_the_text_counts() {
        for text in [
            "2021-02-09T12:00:00Z",
            "2021-02-09 12:00:00+00",
            "2021-02-09 12:00 UTC",
            "2021-02-09T07:00:00-05:00",
            "2021-02-09T17:30:00.000+0530",
            "02/09/2021 07:00:00 AM -05",
        ] {
            assert_eq!(read(text.as_bytes(), Order::Auto, None, None), utc("2021-02-09 12:00"), "{text}");
            assert_eq!(new_york(text, Overlap::Refuse), utc("2021-02-09 12:00"), "{text}");
        }
    }

    #[test]
    fn local_time_needs_a_declared_zone() {
        assert_eq!(read(b"2021-02-09 12:00", Order::Auto, None, None), Err(Bad::NoZone));
        assert_eq!(new_york("2021-02-09 12:00", Overlap::Refuse), utc("2021-02-09 17:00"));
        assert_eq!(new_york("2021-07-09", Overlap::Refuse), utc("2021-07-09 04:00"));
    }

    #[test]
    fn the_hour_that_never_was_is_refused() {
        for overlap in [Overlap::Refuse, Overlap::Earlier, Overlap::Later] {
            assert_eq!(new_york("2021-03-14 02:30", overlap), Err(Bad::NoSuchTime));
        }
    }

    #[test]
    fn the_hour_that_was_twice_follows_the_declared_rule() {
        assert_eq!(new_york("2021-11-07 01:30", Overlap::Refuse), Err(Bad::AmbiguousTime));
        assert_eq!(new_york("2021-11-07 01:30", Overlap::Earlier), utc("2021-11-07 05:30"));
        assert_eq!(new_york("2021-11-07 01:30", Overlap::Later), utc("2021-11-07 06:30"));
    }

    #[test]
    fn the_ends_of_time_need_no_zone() {
        assert_eq!(read(b"infinity", Order::Auto, None, None), Ok(i64::MAX));
        assert_eq!(new_york("12000-01-01", Overlap::Refuse), Err(Bad::OutOfRange));
        assert_eq!(read(b"2021-02-09 12:00:00+16", Order::Auto, None, None), Err(Bad::OutOfRange));
        assert_eq!(read(b"soon", Order::Auto, None, None), Err(Bad::NotATimestamp));
        assert_eq!(read(b"2021-02-09 12:00 A-05", Order::Auto, None, None), Err(Bad::NotATimestamp));
        assert_eq!(read(b"2021-02-09 12:00 A Z", Order::Auto, None, None), utc("2021-02-09 00:00"));
    }
}
