//! A date with what may follow it: a time of day, an offset from UTC, an era. Dates and timestamps are both read as a [`Moment`], and
//! each then refuses what its type would lose.

use crate::Bad;
use crate::calendar::Civil;
use crate::cursor::Cursor;
use crate::date::{self, Order};
use crate::time;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Moment {
    At {
        /// Days since 2000-01-01.
        day: i32,
        /// Microseconds since midnight, a whole day included.
        micros: i64,
        /// Seconds east of UTC, if the text says so.
        offset: Option<i32>,
    },
    Infinity,
    MinusInfinity,
}

impl Moment {
    /// Reads text that has no outer blanks.
    pub(crate) fn read(text: &[u8], order: Order) -> Result<Self, Bad> {
        if text.eq_ignore_ascii_case(b"infinity") || text.eq_ignore_ascii_case(b"+infinity") {
            return Ok(Self::Infinity);
        }
        if text.eq_ignore_ascii_case(b"-infinity") {
            return Ok(Self::MinusInfinity);
        }
        let mut cursor = Cursor::new(text);
        // A run of twelve or fourteen digits is a date and a time: 202005132330, 20200513233000.
        let is_compact = matches!(cursor.digits().len(), 12 | 14);
        cursor = if is_compact { Cursor::new(&text[8..]) } else { Cursor::new(text) };
        let civil =
            if is_compact { date::take(&mut Cursor::new(&text[..8]), order)? } else { date::take(&mut cursor, order)? };
        let mut micros = 0;
        let mut offset = None;
        if is_compact || time_follows(&mut cursor) {
            micros = time::take(&mut cursor)?;
            offset = time::take_offset(&mut cursor)?;
        }
        let civil = era(&mut cursor, text, civil)?;
        Ok(Self::At { day: civil.days()?, micros, offset })
    }
}

/// Takes a `T`, an underscore, or blanks with maybe a comma before, if a digit comes then.
fn time_follows(cursor: &mut Cursor<'_>) -> bool {
    let mut ahead = *cursor;
    let parted = ahead.mark(b'T') || ahead.mark(b't') || ahead.mark(b'_') || {
        ahead.mark(b',');
        ahead.blanks()
    };
    let follows = parted && ahead.peek().is_some_and(|byte| byte.is_ascii_digit());
    if follows {
        *cursor = ahead;
    }
    follows
}

/// Takes ` BC`, as PostgreSQL writes it behind a date whose year stands first, and demands that it is the end.
fn era(cursor: &mut Cursor<'_>, text: &[u8], civil: Civil) -> Result<Civil, Bad> {
    if cursor.at_end() {
        return Ok(civil);
    }
    let mut start = Cursor::new(text);
    let year_first = start.digits().len() >= 4 && start.mark(b'-');
    if year_first && cursor.blanks() && cursor.letters().eq_ignore_ascii_case(b"BC") && cursor.at_end() {
        return Ok(Civil { year: 1 - civil.year, ..civil });
    }
    Err(Bad::NotADate)
}
