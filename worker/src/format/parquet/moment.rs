//! Days and times as text. What lies beyond the years 1 to 9999 is written as the count that it is, which nobody takes for a day.

use std::io::Write as _;

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use parquet::data_type::Int96;

/// Seconds of a day.
const DAY: i64 = 86_400;

/// The day of the Julian calendar's count on which that of Unix begins.
const EPOCH: i64 = 2_440_588;

const NANOS: i64 = 1_000_000_000;

/// What times are counted in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Unit {
    Millis,
    Micros,
    Nanos,
}

/// Seconds since the beginning of 1970, and nanoseconds beyond them.
pub(super) type Seconds = (i64, i64);

impl Unit {
    fn per_second(self) -> i64 {
        match self {
            Self::Millis => 1_000,
            Self::Micros => 1_000_000,
            Self::Nanos => NANOS,
        }
    }

    /// Parts a count.
    pub(super) fn seconds(self, count: i64) -> Seconds {
        let per_second = self.per_second();
        (count.div_euclid(per_second), count.rem_euclid(per_second) * (NANOS / per_second))
    }
}

/// The moment of a number of twelve bytes: nanoseconds of a day, and the day.
pub(super) fn of_old(old: &Int96) -> Seconds {
    let [low, high, day] = match old.data() {
        &[low, high, day] => [low, high, day],
        _ => [0; 3],
    };
    let nanos = (u64::from(high) << 32 | u64::from(low)).cast_signed();
    let (seconds, nanos) = Unit::Nanos.seconds(nanos);
    ((i64::from(day.cast_signed()) - EPOCH) * DAY + seconds, nanos)
}

/// Writes a day by its number since that of 1 January 1970.
pub(super) fn date(days: i64, out: &mut Vec<u8>) {
    match days.checked_mul(DAY).and_then(|seconds| civil((seconds, 0))) {
        Some(day) => put_date(day, out),
        None => {
            let _ = write!(out, "{days} days since 1970");
        }
    }
}

/// Writes a time of the day.
pub(super) fn time(count: i64, unit: Unit, out: &mut Vec<u8>) {
    match unit.seconds(count) {
        (seconds @ 0..DAY, nanos) => put_time((seconds / 3_600, seconds / 60 % 60, seconds % 60), nanos, out),
        _ => {
            let _ = write!(out, "{count} {unit:?} of a day");
        }
    }
}

/// Writes a moment, with its zone where that is UTC.
pub(super) fn timestamp(moment: Seconds, is_utc: bool, out: &mut Vec<u8>) {
    let Some(civil) = civil(moment) else {
        let _ = write!(out, "{} seconds since 1970", moment.0);
        return;
    };
    put_date(civil, out);
    out.push(b' ');
    put_time((civil.hour().into(), civil.minute().into(), civil.second().into()), moment.1, out);
    if is_utc {
        out.extend_from_slice(b"+00");
    }
}

/// Writes months, days and milliseconds, four bytes each.
pub(super) fn interval(bytes: &[u8], out: &mut Vec<u8>) {
    let (numbers, _) = bytes.as_chunks::<4>();
    if let &[months, days, millis] = numbers {
        let [months, days, millis] = [months, days, millis].map(u32::from_le_bytes);
        let _ = write!(out, "P{months}M{days}DT{}.{:03}S", millis / 1_000, millis % 1_000);
    }
}

fn civil((seconds, nanos): Seconds) -> Option<DateTime> {
    let moment = Timestamp::new(seconds, i32::try_from(nanos).ok()?).ok()?;
    Some(TimeZone::UTC.to_datetime(moment)).filter(|civil| civil.year() > 0)
}

fn put_date(day: DateTime, out: &mut Vec<u8>) {
    let _ = write!(out, "{:04}-{:02}-{:02}", day.year(), day.month(), day.day());
}

fn put_time((hour, minute, second): (i64, i64, i64), nanos: i64, out: &mut Vec<u8>) {
    let _ = write!(out, "{hour:02}:{minute:02}:{second:02}");
    if nanos > 0 {
        let _ = write!(out, ".{nanos:09}");
        while out.last() == Some(&b'0') {
            out.pop();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(write: impl FnOnce(&mut Vec<u8>)) -> String {
        let mut out = Vec::new();
        write(&mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn moments_are_written_to_the_nanosecond_and_with_their_zone() {
        let at = |count, unit: Unit, is_utc| text(|out| timestamp(unit.seconds(count), is_utc, out));
        assert_eq!(at(0, Unit::Millis, true), "1970-01-01 00:00:00+00");
        assert_eq!(at(-1, Unit::Micros, false), "1969-12-31 23:59:59.999999");
        assert_eq!(at(1_767_323_045_000_000_120, Unit::Nanos, true), "2026-01-02 03:04:05.00000012+00");
        assert_eq!(at(i64::MAX, Unit::Millis, true), "9223372036854775 seconds since 1970");
        let mut old = Int96::new();
        old.set_data(1_500_000_000, 0, 2_440_589);
        assert_eq!(text(|out| timestamp(of_old(&old), false, out)), "1970-01-02 00:00:01.5");
    }

    #[test]
    fn days_and_times_beyond_what_there_is_are_counts() {
        let day = |days| text(|out| date(days, out));
        assert_eq!([day(0), day(-1), day(20_455)], ["1970-01-01", "1969-12-31", "2026-01-02"]);
        assert_eq!(day(i64::MAX), "9223372036854775807 days since 1970");
        let at = |count| text(|out| time(count, Unit::Millis, out));
        assert_eq!([at(0), at(86_399_999), at(86_400_000)], ["00:00:00", "23:59:59.999", "86400000 Millis of a day"]);
        let bytes = [[1, 0, 0, 0], [2, 0, 0, 0], [0xdc, 5, 0, 0]].concat();
        assert_eq!(text(|out| interval(&bytes, out)), "P1M2DT1.500S");
    }
}
