//! The forms of dates and times that the worker's documentation declares, told by their shape: how many digits, which marks,
//! where a month's name or AM and PM stand. Written apart from the encoder, so that it can be held against it.

/// How a text is built: a run of digits is its length, a month's name is `M`, AM and PM are `A`, names of UTC are `Z`, any
/// other letters are `x`, marks are themselves.
fn shape(text: &str) -> String {
    let mut shape = String::new();
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let is_kin = |c: char| {
            if first.is_ascii_digit() {
                c.is_ascii_digit()
            } else {
                first.is_ascii_alphabetic() && c.is_ascii_alphabetic()
            }
        };
        let end = rest.find(|c| !is_kin(c)).unwrap_or(rest.len()).max(first.len_utf8());
        let (run, after) = rest.split_at(end);
        rest = after;
        if first.is_ascii_digit() {
            shape.push_str(&run.len().to_string());
        } else if first.is_ascii_alphabetic() {
            shape.push(word(run));
        } else {
            shape.push(first);
        }
    }
    shape
}

fn word(letters: &str) -> char {
    const MONTHS: [&str; 12] = [
        "january",
        "february",
        "march",
        "april",
        "may",
        "june",
        "july",
        "august",
        "september",
        "october",
        "november",
        "december",
    ];
    let letters = letters.to_ascii_lowercase();
    match letters.as_str() {
        "am" | "pm" => 'A',
        "t" => 'T',
        "z" | "utc" | "gmt" => 'Z',
        name if MONTHS.iter().any(|month| *month == name || month[..3] == *name) || name == "sept" => 'M',
        _ => 'x',
    }
}

fn dates() -> Vec<String> {
    let mut dates = vec!["8".to_owned()];
    for one in ["1", "2"] {
        for other in ["1", "2"] {
            dates.extend(["-", "/"].map(|mark| format!("4{mark}{one}{mark}{other}")));
            for year in ["2", "4"] {
                dates.push(format!("{one}/{other}/{year}"));
            }
        }
        dates.extend([format!("{one}-M-4"), format!("{one}M4"), format!("M {one}, 4")]);
    }
    dates
}

fn times() -> Vec<String> {
    let mut times = Vec::new();
    for hour in ["1", "2"] {
        let second = format!("{hour}:2:2");
        times.extend([format!("{hour}:2"), second.clone()]);
        times.extend((1..=12).map(|digits| format!("{second}.{digits}")));
    }
    let with_half = times.iter().flat_map(|time| [format!("{time} A"), format!("{time}A")]).collect::<Vec<_>>();
    times.extend(with_half);
    times
}

/// A leap second is another time in PostgreSQL, and none here.
fn has_leap_second(text: &str) -> bool {
    text.contains(":60")
}

pub(crate) fn is_date(text: &str) -> bool {
    dates().contains(&shape(text))
}

pub(crate) fn is_time(text: &str) -> bool {
    times().contains(&shape(text)) && !has_leap_second(text)
}

/// A date, a date with a time, and such a one with an offset.
pub(crate) fn is_moment(text: &str) -> bool {
    if has_leap_second(text) || has_posix_zone(text) {
        return false;
    }
    let shape = shape(text);
    if dates().contains(&shape) {
        return true;
    }
    let offsets = ["", "Z", " Z", "+2", "-2", "+4", "-4", "+2:2", "-2:2"];
    offsets.iter().filter_map(|offset| shape.strip_suffix(offset)).any(|local| {
        let parted = |mark: char| local.rsplit_once(mark);
        [parted('T'), local.find(':').and_then(|_| split_at_time(local))]
            .into_iter()
            .flatten()
            .any(|(date, time)| dates().iter().any(|known| known == date) && times().iter().any(|known| known == time))
    })
}

/// Parts `M 2, 4 2:2 A` before its time, which begins with the run of digits before the first colon.
fn split_at_time(shape: &str) -> Option<(&str, &str)> {
    let colon = shape.find(':')?;
    let blank = shape[..colon].rfind(' ')?;
    Some((&shape[..blank], &shape[blank + 1..]))
}

/// PostgreSQL takes `pm-07:30` for a zone called `pm` in the spelling of POSIX, which lies east, and drops the half of the day.
pub(crate) fn has_posix_zone(text: &str) -> bool {
    let text = text.to_ascii_lowercase();
    text.contains("am-") || text.contains("pm-")
}

/// Whether a year in it has two digits, as in `3/3/47`.
pub(crate) fn has_short_year(text: &str) -> bool {
    let text = text.replace('\\', "");
    let runs = text.split(|c: char| !c.is_ascii_digit() && c != '/');
    runs.into_iter()
        .any(|run| run.matches('/').count() == 2 && run.rsplit('/').next().is_some_and(|year| year.len() == 2))
}

#[test]
fn shapes_tell_forms_apart() {
    assert_eq!(shape("2019-03-08T10:11:12.345+05"), "4-2-2T2:2:2.3+2");
    assert!(is_date("Nov 30, 1964") && is_date("1/2/03") && is_date("20190308"));
    assert!(!is_date("nov 30, 89645") && !is_date("58709010517"));
    assert!(is_time("3:01:00 PM") && !is_time("14:05:p19") && !is_time("02:36:60"));
    assert!(is_moment("Nov 30, 1964 3:01 pm") && is_moment("1964-11-30 03:01:00Z") && !is_moment("2116-11-14A04:21"));
    assert!(has_short_year("3/3/47 10:00") && !has_short_year("3/3/1947") && !has_short_year("2019-03-08"));
}
