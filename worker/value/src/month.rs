//! Dates whose month stands by its English name, in full or by three letters, before or after the day: `09-OCT-2013`, `9 Oct. 2013`,
//! `09OCT2013`, `October 9, 2013`. A place in a text comes in; the date that was taken from it goes out.

use crate::calendar::Civil;
use crate::cursor::Cursor;
use crate::date::{short, year};

const MONTHS: [&[u8]; 12] = [
    b"january",
    b"february",
    b"march",
    b"april",
    b"may",
    b"june",
    b"july",
    b"august",
    b"september",
    b"october",
    b"november",
    b"december",
];

/// The number of a month by its name, or by `Sept`.
pub(crate) fn named(name: &[u8]) -> Option<u32> {
    if name.eq_ignore_ascii_case(b"sept") {
        return Some(9);
    }
    let is = |month: &[u8]| name.eq_ignore_ascii_case(month) || name.eq_ignore_ascii_case(&month[..3]);
    (1..).zip(MONTHS).find(|(_, month)| is(month)).map(|(number, _)| number)
}

/// Whether a month's name is next, maybe parted from what stands before.
pub(crate) fn follows(mut cursor: Cursor<'_>) -> bool {
    let _ = cursor.mark(b'-') || cursor.mark(b'/') || cursor.blanks();
    cursor.peek().is_some_and(|byte| byte.is_ascii_alphabetic())
}

/// Takes month and year after a day. What parts the one from the day parts the other from the month.
pub(crate) fn take_after(day: &[u8], cursor: &mut Cursor<'_>) -> Option<Civil> {
    let mark = [b'-', b'/'].into_iter().find(|mark| cursor.mark(*mark));
    let blanks = mark.is_none() && cursor.blanks();
    let month = named(cursor.letters())?;
    let parted = match mark {
        Some(mark) => cursor.mark(mark),
        None if blanks => {
            let _ = cursor.mark(b'.') || cursor.mark(b',');
            cursor.blanks()
        }
        None => true,
    };
    parted.then_some(Civil { day: short(day)?, month, year: year(cursor.digits())? })
}

/// Takes month, day and year.
pub(crate) fn take(cursor: &mut Cursor<'_>) -> Option<Civil> {
    let month = named(cursor.letters())?;
    cursor.mark(b'.');
    if !cursor.blanks() {
        return None;
    }
    let day = short(cursor.digits())?;
    let comma = cursor.mark(b',');
    (cursor.blanks() || comma).then_some(Civil { month, day, year: year(cursor.digits())? })
}
