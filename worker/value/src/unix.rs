//! Counts of seconds or milliseconds since 1970-01-01 00:00 UTC, as web services write instants. Text of a number comes in,
//! microseconds since 2000-01-01 00:00 UTC go out.

use crate::Bad;
use crate::number::Number;

/// What is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Unit {
    Seconds,
    Millis,
}

/// Microseconds from 1970-01-01 to 2000-01-01.
const EPOCH: i64 = 946_684_800_000_000;

/// Reads text that has no outer blanks. What is smaller than a microsecond must be zero.
pub(crate) fn read(text: &[u8], unit: Unit) -> Result<i64, Bad> {
    let number = Number::read(text).map_err(|_| Bad::NotACount)?;
    let micros = crate::integer::from_number(&number.shifted(match unit {
        Unit::Seconds => -6,
        Unit::Millis => -3,
    }));
    let micros = micros.map_err(|bad| if bad == Bad::HasFraction { Bad::TooPrecise } else { bad })?;
    micros.checked_sub(EPOCH).ok_or(Bad::OutOfRange)
}

#[cfg(test)]
mod tests {
    use super::{Unit, read};
    use crate::Bad;
    use crate::date::Order;
    use crate::timestamp;

    #[test]
    fn an_instant_is_counted_from_1970() {
        for (text, unit, time) in [
            ("0", Unit::Seconds, "1970-01-01"),
            ("1589412600", Unit::Seconds, "2020-05-13 23:30"),
            ("1589412600.25", Unit::Seconds, "2020-05-13 23:30:00.25"),
            ("1589412600000", Unit::Millis, "2020-05-13 23:30"),
            ("1.5894126e12", Unit::Millis, "2020-05-13 23:30"),
            ("-1", Unit::Millis, "1969-12-31 23:59:59.999"),
        ] {
            assert_eq!(read(text.as_bytes(), unit), timestamp::read(time.as_bytes(), Order::Auto, None), "{text}");
        }
    }

    #[test]
    fn other_text_is_no_count() {
        for (text, bad) in [
            ("2020-05-13", Bad::NotACount),
            ("", Bad::NotACount),
            ("1.0000001", Bad::TooPrecise),
            ("99999999999999999999", Bad::OutOfRange),
            ("-9223372036854", Bad::OutOfRange),
        ] {
            assert_eq!(read(text.as_bytes(), Unit::Seconds), Err(bad), "{text}");
        }
    }
}
