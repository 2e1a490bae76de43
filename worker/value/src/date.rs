//! Dates in the shapes that sources write. Text comes in, days since 2000-01-01 go out.
//!
//! | shape | example |
//! |---|---|
//! | year first | `2013-10-09`, `2013/10/9`, `20131009` |
//! | month first, unless `dmy` is declared | `10/09/2013`, `10-9-2013`, `10/9/13` |
//! | month by name | `09-OCT-2013`, `9 Oct 2013`, `09OCT2013`, `October 9, 2013` |
//! | with a time that is midnight | `2013-10-09T00:00:00.000`, `10/09/2013 12:00:00 AM` |
//! | before our era, and PostgreSQL's infinities | `0044-03-15 BC`, `-infinity` |
//!
//! With a declared order, points may part the numbers too (`09.10.2013`), and bare digits stand in that order (`10092013`,
//! `100913`). A time other than midnight, or a time zone, is refused, as a date would lose it.

use crate::Bad;
use crate::calendar::Civil;
use crate::cursor::{Cursor, number};
use crate::moment::Moment;
use crate::month;

/// Two-digit years below this are of the 21st century, the others of the 20th.
pub const TWO_DIGIT_PIVOT: u32 = 40;

/// In which order day, month and year stand when the text itself does not tell.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Order {
    /// Month first between slashes or hyphens; bare digits are `YYYYMMDD`; points are refused.
    Auto,
    /// Month, day, year.
    Mdy,
    /// Day, month, year.
    Dmy,
    /// Year, month, day.
    Ymd,
}

/// Reads text that has no outer blanks as days since 2000-01-01.
#[inline]
pub(crate) fn read(text: &[u8], order: Order) -> Result<i32, Bad> {
    if let Ok(&[a, b, c, d, e, f, g, h, i, j]) = <&[u8; 10]>::try_from(text) {
        let civil = match (c, e, f, h, order) {
            (b'/', _, b'/', _, Order::Auto | Order::Mdy) => eight([g, h, i, j, a, b, d, e]),
            (_, b'-', _, b'-', _) => eight([a, b, c, d, f, g, i, j]),
            _ => None,
        };
        if let Some(civil) = civil {
            return civil.days();
        }
    }
    general(text, order)
}

#[cold]
fn general(text: &[u8], order: Order) -> Result<i32, Bad> {
    match Moment::read(text, order) {
        Ok(Moment::Infinity) => Ok(i32::MAX),
        Ok(Moment::MinusInfinity) => Ok(i32::MIN),
        Ok(Moment::At { micros: 1.., .. }) | Err(Bad::TooPrecise) => Err(Bad::HasTime),
        Ok(Moment::At { offset: Some(_), .. }) => Err(Bad::HasZone),
        Ok(Moment::At { day, .. }) => Ok(day),
        Err(Bad::NotATime) => Err(Bad::NotADate),
        Err(bad) => Err(bad),
    }
}

/// Eight characters `YYYYMMDD`, all at once: each step treats the eight bytes of one word.
#[inline]
fn eight(text: [u8; 8]) -> Option<Civil> {
    const HIGH: u64 = 0xf0f0_f0f0_f0f0_f0f0;
    const ZERO: u64 = 0x3030_3030_3030_3030;
    const SIX: u64 = 0x0606_0606_0606_0606;
    let word = u64::from_le_bytes(text);
    // A byte is a digit when its high half is 3, and still is after six was added.
    if word & HIGH != ZERO || word.wrapping_add(SIX) & HIGH != ZERO {
        return None;
    }
    let digits = word ^ ZERO;
    let [century, _, year, _, month, _, day, _] = (digits * 10 + (digits >> 8)).to_le_bytes();
    let year = i32::from(century) * 100 + i32::from(year);
    // The year 0 is left to the general path, which refuses it.
    (year > 0).then_some(Civil { year, month: month.into(), day: day.into() })
}

/// Takes a date, whose year may be of either era.
pub(crate) fn take(cursor: &mut Cursor<'_>, order: Order) -> Result<Civil, Bad> {
    let first = cursor.digits();
    let civil = match (first.len(), cursor.peek()) {
        (0, _) => month::take(cursor),
        (1..=2, Some(_)) if month::follows(*cursor) => month::take_after(first, cursor),
        (_, Some(mark @ (b'/' | b'-' | b'.'))) => three_numbers(first, mark, cursor, order),
        (8, _) => bare_digits(first, 4, order),
        (6, _) if order != Order::Auto => bare_digits(first, 2, order),
        _ => None,
    };
    match civil {
        Some(Civil { year: 0, .. }) => Err(Bad::NoSuchDate),
        Some(civil) => Ok(civil),
        None => Err(Bad::NotADate),
    }
}

/// `2013-10-09`, `10/9/13`: the first number is taken already, and is followed by `mark`.
fn three_numbers(first: &[u8], mark: u8, cursor: &mut Cursor<'_>, order: Order) -> Option<Civil> {
    cursor.mark(mark);
    if first.len() >= 4 {
        let month = if month::follows(*cursor) { month::named(cursor.letters())? } else { short(cursor.digits())? };
        return cursor.mark(mark).then_some(Civil { year: long_year(first)?, month, day: short(cursor.digits())? });
    }
    if mark == b'.' && order == Order::Auto {
        return None;
    }
    let second = short(cursor.digits())?;
    if !cursor.mark(mark) {
        return None;
    }
    let third = cursor.digits();
    match order {
        Order::Auto | Order::Mdy => Some(Civil { month: short(first)?, day: second, year: year(third)? }),
        Order::Dmy => Some(Civil { day: short(first)?, month: second, year: year(third)? }),
        Order::Ymd => Some(Civil { year: year(first)?, month: second, day: short(third)? }),
    }
}

/// `20131009`, or `10092013` and `100913` in a declared order, with `digits` of the year.
fn bare_digits(text: &[u8], digits: usize, order: Order) -> Option<Civil> {
    let (year_text, month, day) = match order {
        Order::Auto | Order::Ymd => (&text[..digits], &text[digits..digits + 2], &text[digits + 2..]),
        Order::Mdy => (&text[4..], &text[..2], &text[2..4]),
        Order::Dmy => (&text[4..], &text[2..4], &text[..2]),
    };
    Some(Civil { year: year(year_text)?, month: number(month), day: number(day) })
}

/// A day or a month: one or two digits.
pub(crate) fn short(digits: &[u8]) -> Option<u32> {
    matches!(digits.len(), 1..=2).then(|| number(digits))
}

/// A year of four digits, or of two around the pivot.
pub(crate) fn year(digits: &[u8]) -> Option<i32> {
    let century = match digits.len() {
        4 => 0,
        2 if number(digits) < TWO_DIGIT_PIVOT => 2000,
        2 => 1900,
        _ => return None,
    };
    i32::try_from(century + number(digits)).ok()
}

/// A year where it stands first, which may be as far as PostgreSQL goes.
fn long_year(digits: &[u8]) -> Option<i32> {
    if matches!(digits.len(), 4..=7) { i32::try_from(number(digits)).ok() } else { None }
}

#[cfg(test)]
mod tests {
    use super::{Order, read};
    use crate::Bad;
    use crate::calendar::Civil;

    fn day(year: i32, month: u32, day: u32) -> Result<i32, Bad> {
        Civil { year, month, day }.days()
    }

    #[test]
    fn every_known_shape_of_a_date_is_the_same_day() {
        for text in [
            "1925-05-01",
            "1925-5-1",
            "1925/05/01",
            "1925.05.01",
            "19250501",
            "05/01/1925",
            "5/1/1925",
            "05-01-1925",
            "1925-May-01",
            "01-MAY-1925",
            "1 May 1925",
            "01MAY1925",
            "May 1, 1925",
            "1/may/1925",
            "1 May. 1925",
            "may. 1 1925",
            "May 1,1925",
            "1925-05-01T00:00:00.000",
            "1925-05-01 00:00",
            "05/01/1925 12:00:00 AM",
            "5/1/1925, 12:00:00 am",
        ] {
            assert_eq!(read(text.as_bytes(), Order::Auto), day(1925, 5, 1), "{text}");
        }
    }

    #[test]
    fn two_digit_years_turn_at_the_pivot() {
        for (text, year) in [("5/1/22", 2022), ("5/1/39", 2039), ("5/1/40", 1940), ("5/1/95", 1995), ("1-MAY-00", 2000)]
        {
            assert_eq!(read(text.as_bytes(), Order::Auto), day(year, 5, 1), "{text}");
        }
    }

    #[test]
    fn iso_with_t_is_a_date_where_the_predecessor_made_it_null() {
        assert_eq!(read(b"2021-02-09T00:00:00.000", Order::Auto), day(2021, 2, 9));
    }

    #[test]
    fn day_first_is_read_where_declared() {
        for text in ["09/10/2013", "9.10.2013", "9-10-13", "09102013", "091013", "2013-10-09", "9 Oct 2013"] {
            assert_eq!(read(text.as_bytes(), Order::Dmy), day(2013, 10, 9), "{text}");
        }
        for text in ["10/09/2013", "10.9.2013", "10-9-13", "10092013", "100913", "2013-10-09"] {
            assert_eq!(read(text.as_bytes(), Order::Mdy), day(2013, 10, 9), "{text}");
        }
        for text in ["13/10/09", "13.10.9", "131009", "20131009", "2013/10/09"] {
            assert_eq!(read(text.as_bytes(), Order::Ymd), day(2013, 10, 9), "{text}");
        }
        assert_eq!(read(b"25/12/2013", Order::Auto), Err(Bad::NoSuchDate));
    }

    #[test]
    fn a_time_of_day_is_not_dropped() {
        for text in [
            "2021-02-09T00:00:01",
            "2021-02-09 12:00:00",
            "05/01/1925 12:00:00 PM",
            "2021-02-09T00:00:00.0000001",
            "2021-02-09 24:00",
        ] {
            assert_eq!(read(text.as_bytes(), Order::Auto), Err(Bad::HasTime), "{text}");
        }
        for text in ["2021-02-09T00:00:00Z", "2021-02-09 00:00:00+05"] {
            assert_eq!(read(text.as_bytes(), Order::Auto), Err(Bad::HasZone), "{text}");
        }
    }

    #[test]
    fn days_that_never_were_are_bad_where_the_predecessor_made_them_null() {
        for text in ["19940231", "1994-02-31", "2/29/2023", "01/01/0000", "00/00/0000", "0000-00-00", "00000000"] {
            assert_eq!(read(text.as_bytes(), Order::Auto), Err(Bad::NoSuchDate), "{text}");
        }
    }

    #[test]
    fn other_text_is_not_a_date() {
        for text in [
            "WHATHAPP",
            "N/A",
            "-",
            "03/04/2015 12:00:00 AM XYZ",
            "1/2/3",
            "1/2",
            "2013-10",
            "2013",
            "131009",
            "1/2/199",
            "9.10.2013",
            "2013-10/09",
            "10/09-2013",
            "2013-10-09-",
            "2013-10-09T",
            "Oct 2013",
            "Octo 9 2013",
            "2013-10-0a",
            "12345678901",
            "today",
            "15-march2013",
            "15march-2013",
            "15-march/2013",
            "15 march,2013",
            "march15 2013",
            "march 15 20133",
            "12/24/12917",
            "1/3/71 BC",
            "01/03/0071 BC",
            "3 JAN 0071 BC",
        ] {
            assert_eq!(read(text.as_bytes(), Order::Auto), Err(Bad::NotADate), "{text}");
        }
    }

    #[test]
    fn the_ends_of_time_are_postgresqls() {
        assert_eq!(read(b"9999-12-31", Order::Auto), day(9999, 12, 31));
        assert_eq!(read(b"5874897-12-31", Order::Auto), day(5_874_897, 12, 31));
        assert_eq!(read(b"5874898-01-01", Order::Auto), Err(Bad::OutOfRange));
        assert_eq!(read(b"0044-03-15 BC", Order::Auto), day(-43, 3, 15));
        assert_eq!(read(b"0001-02-29 BC", Order::Auto), day(0, 2, 29));
        assert_eq!(read(b"4714-11-24 BC", Order::Auto), day(-4713, 11, 24));
        assert_eq!(read(b"Infinity", Order::Auto), Ok(i32::MAX));
        assert_eq!(read(b"-infinity", Order::Auto), Ok(i32::MIN));
    }
}
