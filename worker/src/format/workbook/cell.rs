//! One cell as text.

use std::io::Write as _;

use calamine::{DataRef, ExcelDateTime};

use crate::format::record::Draft;

/// Days that Excel shows as dates: to the end of the year 9999.
const LAST_SERIAL: f64 = 2_958_466.0;

/// Whether a cell holds nothing, or nothing but blanks.
pub(super) fn is_empty(value: &DataRef<'_>) -> bool {
    match value {
        DataRef::Empty => true,
        DataRef::String(text) => text.trim_ascii().is_empty(),
        DataRef::SharedString(text) => text.trim_ascii().is_empty(),
        _ => false,
    }
}

/// Gives a field the text of a cell. An error is a bad value, unless its text is one of those that mean NULL.
pub(super) fn put(draft: &mut Draft, field: usize, value: &DataRef<'_>, nulls: &[String]) {
    draft.set(field, |text| write(value, text));
    if let DataRef::Error(error) = value {
        let name = error.to_string();
        if nulls.iter().any(|null| null.trim() == name) {
            draft.remove(field);
        } else {
            draft.spoil(field);
        }
    }
}

fn write(value: &DataRef<'_>, text: &mut Vec<u8>) {
    // Writing into memory does not fail.
    let _ = match value {
        DataRef::Int(number) => write!(text, "{number}"),
        // The shortest decimal that is this number, without an exponent.
        DataRef::Float(number) => write!(text, "{number}"),
        DataRef::String(string) | DataRef::DateTimeIso(string) | DataRef::DurationIso(string) => {
            text.write_all(string.as_bytes())
        }
        DataRef::SharedString(string) => text.write_all(string.as_bytes()),
        DataRef::Bool(truth) => write!(text, "{truth}"),
        DataRef::DateTime(moment) => write_moment(moment, text),
        DataRef::Error(error) => write!(text, "{error}"),
        DataRef::Empty => Ok(()),
    };
}

fn write_moment(moment: &ExcelDateTime, text: &mut Vec<u8>) -> std::io::Result<()> {
    let serial = moment.as_f64();
    // What Excel itself cannot show as a date is a number that has the wrong format.
    if !(0.0..LAST_SERIAL).contains(&serial) {
        return write!(text, "{serial}");
    }
    let (year, month, day, hour, minute, second, milli) = moment.to_ymd_hms_milli();
    let has_time = (hour, minute, second, milli) != (0, 0, 0, 0);
    if moment.is_duration() {
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a serial is in its range")]
        let hours = serial.trunc() as u64 * 24 + u64::from(hour);
        write!(text, "{hours:02}")?;
    } else if serial >= 1.0 {
        // Serial 60 is a 29 February 1900 that never was: whoever reads it refuses it.
        write!(text, "{year:04}-{month:02}-{day:02}")?;
        if !has_time {
            return Ok(());
        }
        write!(text, " {hour:02}")?;
    } else {
        write!(text, "{hour:02}")?;
    }
    write!(text, ":{minute:02}:{second:02}")?;
    if milli > 0 { write!(text, ".{milli:03}") } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use calamine::{CellErrorType, ExcelDateTimeType};

    use super::*;
    use crate::format::record::Place;

    fn text(value: &DataRef<'_>) -> String {
        let mut text = Vec::new();
        write(value, &mut text);
        String::from_utf8(text).unwrap()
    }

    #[test]
    fn a_number_is_the_shortest_text_that_is_it() {
        for (number, expected) in [
            (1.0, "1"),
            (1_008_300_028.0, "1008300028"),
            (0.1, "0.1"),
            (-12.34, "-12.34"),
            (1e15, "1000000000000000"),
            (1e-7, "0.0000001"),
            (40.750_123_456_789, "40.750123456789"),
        ] {
            assert_eq!(text(&DataRef::Float(number)), expected);
        }
        assert_eq!(text(&DataRef::Int(-7)), "-7");
        assert_eq!(text(&DataRef::Bool(true)), "true");
    }

    #[test]
    fn a_date_is_what_the_sheet_shows() {
        let moment = |serial, kind, is_1904| text(&DataRef::DateTime(ExcelDateTime::new(serial, kind, is_1904)));
        let date = |serial| moment(serial, ExcelDateTimeType::DateTime, false);
        for (serial, expected) in [
            (1.0, "1900-01-01"),
            (59.0, "1900-02-28"),
            (60.0, "1900-02-29"),
            (61.0, "1900-03-01"),
            (45_000.0, "2023-03-15"),
            (45_000.520_833_333_34, "2023-03-15 12:30:00"),
            (45_000.999_988_425_92, "2023-03-15 23:59:59"),
            (0.75, "18:00:00"),
            (0.0, "00:00:00"),
            (2_958_465.0, "9999-12-31"),
            (2_958_466.0, "2958466"),
            (-1.0, "-1"),
        ] {
            assert_eq!(date(serial), expected, "{serial}");
        }
        assert_eq!(moment(43_538.0, ExcelDateTimeType::DateTime, true), "2023-03-15");
        assert_eq!(moment(1.5, ExcelDateTimeType::TimeDelta, false), "36:00:00");
    }

    #[test]
    fn an_error_is_no_value_unless_the_manifest_says_that_it_means_none() {
        let mut draft = Draft::default();
        draft.begin(2);
        put(&mut draft, 0, &DataRef::Error(CellErrorType::NA), &[]);
        put(&mut draft, 1, &DataRef::Error(CellErrorType::NA), &["#N/A".to_owned()]);
        let record = draft.record(Place { line: 1, offset: 0 });
        assert_eq!((record.value(0), record.field(0)), (Err("cell_error"), &b"#N/A"[..]));
        assert_eq!((record.value(1), record.is_absent(1)), (Ok(&b""[..]), true));
    }
}
