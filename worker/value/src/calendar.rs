//! The proleptic Gregorian calendar, as PostgreSQL counts it: year, month and day come in, days since 2000-01-01 go out.

use crate::Bad;

/// A day by its name. The year is astronomical: 0 is 1 BC.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Civil {
    pub(crate) year: i32,
    pub(crate) month: u32,
    pub(crate) day: u32,
}

/// 4714-11-24 BC, Julian day 0: PostgreSQL's first.
const FIRST: i64 = -2_451_545;

/// 5874897-12-31: PostgreSQL's last.
const LAST: i64 = 2_145_031_948;

impl Civil {
    /// Days since 2000-01-01, if there is such a day and a `date` can hold it.
    #[inline]
    pub(crate) fn days(self) -> Result<i32, Bad> {
        let Self { year, month, day } = self;
        if !(1..=12).contains(&month) || day == 0 || day > days_in(year, month) {
            return Err(Bad::NoSuchDate);
        }
        // Years begin in March here, so that the leap day is the last of its year; 4,800 years make them all positive.
        let (year, month) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
        let year = i64::from(year) + 4800;
        let of_year = i64::from((153 * month + 2) / 5 + day - 1);
        let days = year * 365 + year / 4 - year / 100 + year / 400 + of_year - 2_483_589;
        match i32::try_from(days) {
            Ok(date) if (FIRST..=LAST).contains(&days) => Ok(date),
            _ => Err(Bad::OutOfRange),
        }
    }
}

fn days_in(year: i32, month: u32) -> u32 {
    let is_leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    match month {
        2 => 28 + u32::from(is_leap),
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

#[cfg(test)]
mod tests {
    use super::Civil;
    use crate::Bad;

    fn days(year: i32, month: u32, day: u32) -> Result<i32, Bad> {
        Civil { year, month, day }.days()
    }

    #[test]
    fn days_are_counted_from_the_year_2000() {
        assert_eq!(days(2000, 1, 1), Ok(0));
        assert_eq!(days(2000, 3, 1), Ok(60));
        assert_eq!(days(1999, 12, 31), Ok(-1));
        assert_eq!(days(1970, 1, 1), Ok(-10_957));
        assert_eq!(days(2024, 2, 29), Ok(8_825));
        assert_eq!(days(9999, 12, 31), Ok(2_921_939));
    }

    #[test]
    fn every_day_of_four_centuries_follows_the_one_before() {
        let mut expected = days(1900, 1, 1).unwrap();
        for year in 1900..=2300 {
            for month in 1..=12 {
                for day in 1..=31 {
                    if let Ok(days) = days(year, month, day) {
                        assert_eq!(days, expected, "{year}-{month}-{day}");
                        expected += 1;
                    }
                }
            }
        }
        assert_eq!(expected, days(2301, 1, 1).unwrap());
    }

    #[test]
    fn the_range_is_that_of_postgresql() {
        assert_eq!(days(-4713, 11, 24), Ok(-2_451_545));
        assert_eq!(days(-4713, 11, 23), Err(Bad::OutOfRange));
        assert_eq!(days(5_874_897, 12, 31), Ok(2_145_031_948));
        assert_eq!(days(5_874_898, 1, 1), Err(Bad::OutOfRange));
    }

    #[test]
    fn days_that_never_were_are_refused() {
        for (year, month, day) in
            [(2023, 2, 29), (1900, 2, 29), (1994, 2, 31), (2013, 0, 1), (2013, 13, 1), (2013, 1, 0), (2013, 4, 31)]
        {
            assert_eq!(days(year, month, day), Err(Bad::NoSuchDate));
        }
        assert!(days(2000, 2, 29).is_ok());
    }
}
