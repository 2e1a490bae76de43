//! Excel's serial numbers: days since an epoch, the time of day as a fraction. Text of a number comes in, microseconds since
//! 2000-01-01 00:00 go out.
//!
//! A serial is a binary float in Excel, so a second has no exact fraction: the time of day is the nearest millisecond, which is the
//! finest that Excel itself shows.

use crate::Bad;
use crate::number::Number;
use crate::time::DAY;

/// Where a workbook counts from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Epoch {
    /// Serial 1 is 1900-01-01. Serial 60 is a 29 February 1900 that never was, and is refused.
    Of1900,
    /// Serial 0 is 1904-01-01.
    Of1904,
}

/// 9999-12-31, the last day that Excel knows, as days since 2000-01-01.
const LAST: i64 = 2_921_939;

impl Epoch {
    /// Days since 2000-01-01 of a whole serial.
    fn day(self, serial: i64) -> Result<i64, Bad> {
        let day = match (self, serial) {
            (Self::Of1900, 60) => return Err(Bad::NoSuchDate),
            (Self::Of1900, 1..=59) => serial - 36_525,
            (Self::Of1900, 61..) => serial - 36_526,
            (Self::Of1904, 0..) => serial - 35_064,
            _ => return Err(Bad::OutOfRange),
        };
        if day <= LAST { Ok(day) } else { Err(Bad::OutOfRange) }
    }
}

/// Reads text that has no outer blanks as a timestamp.
pub(crate) fn read(text: &[u8], epoch: Epoch) -> Result<i64, Bad> {
    let number = Number::read(text).map_err(|_| Bad::NotASerial)?;
    let (mut serial, mut fraction, mut unit, mut seen) = (0_i64, 0_i64, 1_i64, 0);
    let point = number.point();
    for digit in number.digits().map(i64::from) {
        if seen < point {
            serial = serial.saturating_mul(10).saturating_add(digit);
        } else if unit < 100_000_000_000_000 {
            // Fourteen digits are a nanosecond of the day.
            fraction = fraction * 10 + digit;
            unit *= 10;
        }
        seen += 1;
    }
    if number.negative || point < 0 || seen < point {
        return Err(Bad::NotASerial);
    }
    let millis = (i128::from(fraction) * 86_400_000 * 2 + i128::from(unit)) / (i128::from(unit) * 2);
    let millis = i64::try_from(millis).map_err(|_| Bad::OutOfRange)?;
    Ok(epoch.day(serial)? * DAY + millis * 1_000)
}

/// Reads text that has no outer blanks as a date.
pub(crate) fn read_date(text: &[u8], epoch: Epoch) -> Result<i32, Bad> {
    let micros = read(text, epoch)?;
    if micros.rem_euclid(DAY) != 0 {
        return Err(Bad::HasTime);
    }
    i32::try_from(micros / DAY).map_err(|_| Bad::OutOfRange)
}

#[cfg(test)]
mod tests {
    use super::{Epoch, read, read_date};
    use crate::Bad;
    use crate::date::Order;
    use crate::{date, timestamp};

    #[test]
    fn serials_are_days_since_the_workbooks_epoch() {
        for (serial, epoch, day) in [
            ("1", Epoch::Of1900, "1900-01-01"),
            ("59", Epoch::Of1900, "1900-02-28"),
            ("61", Epoch::Of1900, "1900-03-01"),
            ("45000", Epoch::Of1900, "2023-03-15"),
            ("45000.0", Epoch::Of1900, "2023-03-15"),
            ("2958465", Epoch::Of1900, "9999-12-31"),
            ("0", Epoch::Of1904, "1904-01-01"),
            ("43538", Epoch::Of1904, "2023-03-15"),
        ] {
            assert_eq!(read_date(serial.as_bytes(), epoch), date::read(day.as_bytes(), Order::Auto), "{serial}");
        }
    }

    #[test]
    fn a_fraction_is_a_time_of_day_to_the_millisecond() {
        for (serial, time) in [
            ("45000.5", "2023-03-15 12:00:00"),
            ("45000.520833333336", "2023-03-15 12:30:00"),
            ("45000.999988425923", "2023-03-15 23:59:59"),
            ("45000.99999999999999", "2023-03-16 00:00:00"),
        ] {
            assert_eq!(
                read(serial.as_bytes(), Epoch::Of1900),
                timestamp::read(time.as_bytes(), Order::Auto, None),
                "{serial}"
            );
        }
        assert_eq!(read_date(b"45000.5", Epoch::Of1900), Err(Bad::HasTime));
    }

    #[test]
    fn days_that_excel_does_not_have_are_refused() {
        for (serial, bad) in [
            ("60", Bad::NoSuchDate),
            ("0", Bad::OutOfRange),
            ("2958466", Bad::OutOfRange),
            ("99999999999999999999", Bad::OutOfRange),
            ("-1", Bad::NotASerial),
            ("2023-03-15", Bad::NotASerial),
            ("4.5e4", Bad::NotASerial),
        ] {
            assert_eq!(read_date(serial.as_bytes(), Epoch::Of1900), Err(bad), "{serial}");
        }
    }
}
