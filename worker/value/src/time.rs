//! Times of day: `15:1:0`, `3:01:00 PM`, `3 p. m.`, `23:30:00.123456`, `233000`. Text comes in, microseconds since midnight go out. `24:00:00` is
//! a time in PostgreSQL and here; a leap second is not.

use crate::Bad;
use crate::cursor::{Cursor, number};

/// Microseconds of a day.
pub(crate) const DAY: i64 = 86_400_000_000;

/// Reads text that has no outer blanks.
pub(crate) fn read(text: &[u8]) -> Result<i64, Bad> {
    let mut cursor = Cursor::new(text);
    let micros = take(&mut cursor)?;
    match (take_offset(&mut cursor)?, cursor.at_end()) {
        (_, false) => Err(Bad::NotATime),
        (Some(_), true) => Err(Bad::HasZone),
        (None, true) => Ok(micros),
    }
}

/// Takes a time of day, with AM or PM if they follow.
pub(crate) fn take(cursor: &mut Cursor<'_>) -> Result<i64, Bad> {
    let first = cursor.digits();
    let mut is_hour_alone = false;
    let (hour, minute, second) = match first.len() {
        1 | 2 if cursor.mark(b':') => {
            let minute = two(cursor.digits())?;
            let second = if cursor.mark(b':') { Some(two(cursor.digits())?) } else { None };
            (number(first), minute, second)
        }
        1 | 2 => {
            is_hour_alone = true;
            (number(first), 0, None)
        }
        4 => (number(&first[..2]), number(&first[2..]), None),
        6 => (number(&first[..2]), number(&first[2..4]), Some(number(&first[4..]))),
        _ => return Err(Bad::NotATime),
    };
    let fraction = if second.is_some() && cursor.mark(b'.') { fraction(cursor.digits())? } else { 0 };
    let second = second.unwrap_or(0);
    let hour = match half(cursor) {
        None if is_hour_alone => return Err(Bad::NotATime),
        None => hour,
        Some(_) if hour > 12 => return Err(Bad::NotATime),
        Some(Half::Morning) => hour % 12,
        Some(Half::Afternoon) => hour % 12 + 12,
    };
    let micros = (i64::from(hour * 3600 + minute * 60 + second)) * 1_000_000 + fraction;
    if minute > 59 || second > 59 || micros > DAY {
        return Err(Bad::NotATime);
    }
    Ok(micros)
}

enum Half {
    Morning,
    Afternoon,
}

/// Takes ` AM`, `pm`, ` a.m.`, `a. m.`, ` A`.
fn half(cursor: &mut Cursor<'_>) -> Option<Half> {
    let mut ahead = *cursor;
    ahead.blanks();
    let (half, rest) = match ahead.letters() {
        [b'A' | b'a', rest @ ..] => (Half::Morning, rest),
        [b'P' | b'p', rest @ ..] => (Half::Afternoon, rest),
        _ => return None,
    };
    match rest {
        [] if ahead.mark(b'.') => {
            ahead.blanks();
            if !matches!(ahead.letters(), [b'M' | b'm']) || !ahead.mark(b'.') {
                return None;
            }
        }
        // PostgreSQL takes `A-05` for a zone of that name, in the spelling of POSIX.
        [] if matches!(ahead.peek(), Some(b'+' | b'-')) => return None,
        [b'M' | b'm'] | [] => {}
        _ => return None,
    }
    *cursor = ahead;
    Some(half)
}

/// Takes `Z`, ` UTC`, ` GMT`, `+05`, `-05:30`, `+0530` or `+05:30:15`: seconds east of UTC.
pub(crate) fn take_offset(cursor: &mut Cursor<'_>) -> Result<Option<i32>, Bad> {
    let mut ahead = *cursor;
    ahead.blanks();
    let west = match ahead.peek() {
        Some(b'+') => false,
        Some(b'-') => true,
        _ => {
            let name = ahead.letters();
            if [&b"z"[..], b"utc", b"gmt"].iter().any(|utc| name.eq_ignore_ascii_case(utc)) {
                *cursor = ahead;
                return Ok(Some(0));
            }
            return Ok(None);
        }
    };
    ahead.mark(if west { b'-' } else { b'+' });
    let first = ahead.digits();
    let (hour, minute, second) = match first.len() {
        1 | 2 => {
            let minute = if ahead.mark(b':') { two(ahead.digits())? } else { 0 };
            let second = if ahead.mark(b':') { two(ahead.digits())? } else { 0 };
            (number(first), minute, second)
        }
        4 => (number(&first[..2]), number(&first[2..]), 0),
        _ => return Err(Bad::NotATime),
    };
    // PostgreSQL's own limit is 15:59:59.
    if hour > 15 || minute > 59 || second > 59 {
        return Err(Bad::OutOfRange);
    }
    let seconds = i32::try_from(hour * 3600 + minute * 60 + second).map_err(|_| Bad::OutOfRange)?;
    *cursor = ahead;
    Ok(Some(if west { -seconds } else { seconds }))
}

fn two(digits: &[u8]) -> Result<u32, Bad> {
    if matches!(digits.len(), 1..=2) { Ok(number(digits)) } else { Err(Bad::NotATime) }
}

/// Digits behind the second as microseconds; what is smaller must be zero.
fn fraction(digits: &[u8]) -> Result<i64, Bad> {
    const POWERS: [i64; 7] = [1_000_000, 100_000, 10_000, 1_000, 100, 10, 1];
    let (micros, beyond) = digits.split_at(digits.len().min(6));
    if digits.is_empty() {
        return Err(Bad::NotATime);
    }
    if beyond.iter().any(|digit| *digit != b'0') {
        return Err(Bad::TooPrecise);
    }
    Ok(i64::from(number(micros)) * POWERS[micros.len()])
}

/// Refuses what a type with `digits` behind the second would round away.
pub(crate) fn within(micros: i64, digits: Option<u8>) -> Result<i64, Bad> {
    let step = 10_i64.pow(6 - u32::from(digits.unwrap_or(6).min(6)));
    if micros % step == 0 { Ok(micros) } else { Err(Bad::TooPrecise) }
}

#[cfg(test)]
mod tests {
    use super::{DAY, read, within};
    use crate::Bad;

    fn at(hour: i64, minute: i64, second: i64) -> i64 {
        ((hour * 60 + minute) * 60 + second) * 1_000_000
    }

    #[test]
    fn clocks_of_12_and_24_hours_agree() {
        for (text, time) in [
            ("15:1:0", at(15, 1, 0)),
            ("3:01:00 PM", at(15, 1, 0)),
            ("3:01 pm", at(15, 1, 0)),
            ("03:01:00PM", at(15, 1, 0)),
            ("3:01 p.m.", at(15, 1, 0)),
            ("3:01 P. M.", at(15, 1, 0)),
            ("3:01\u{202f}p.\u{a0}m.", at(15, 1, 0)),
            ("3:01P", at(15, 1, 0)),
            ("3:01:00 a", at(3, 1, 0)),
            ("3 PM", at(15, 0, 0)),
            ("12am", 0),
            ("1501", at(15, 1, 0)),
            ("150100", at(15, 1, 0)),
            ("12:45:41 AM", at(0, 45, 41)),
            ("12:45:41 PM", at(12, 45, 41)),
            ("0:45 PM", at(12, 45, 0)),
            ("0:30 AM", at(0, 30, 0)),
            ("00:00", at(0, 0, 0)),
            ("24:00:00", DAY),
            ("23:59:59.999999", DAY - 1),
            ("00:00:00.5", 500_000),
            ("00:00:00.123456000", 123_456),
        ] {
            assert_eq!(read(text.as_bytes()), Ok(time), "{text}");
        }
    }

    #[test]
    fn other_text_is_not_a_time() {
        for text in [
            "",
            "12",
            "1:2:3:4",
            "25:00",
            "24:00:01",
            "12:60",
            "12:00:60",
            "13:00 PM",
            "12:00 XM",
            "3:01 p.m",
            "3:01 p.",
            "3:01 pn",
            "13 PM",
            "12:00:",
            "12:00:00.",
            "12:00.5",
            "noon",
            "123",
            "12345",
            "003:01",
            "12:00 AM PM",
        ] {
            assert_eq!(read(text.as_bytes()), Err(Bad::NotATime), "{text}");
        }
    }

    #[test]
    fn a_time_loses_neither_its_zone_nor_its_digits() {
        assert_eq!(read(b"12:00Z"), Err(Bad::HasZone));
        assert_eq!(read(b"12:00:00+05:30"), Err(Bad::HasZone));
        assert_eq!(read(b"12:00:00.1234567"), Err(Bad::TooPrecise));
        assert_eq!(within(1_500_000, Some(0)), Err(Bad::TooPrecise));
        assert_eq!(within(1_500_000, Some(1)), Ok(1_500_000));
    }
}
