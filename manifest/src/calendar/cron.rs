//! AWS's six-field cron, `cron(minute hour day-of-month month day-of-week year)`: read exactly as EventBridge documents it, held as sets,
//! written in one canonical form, and enumerated as local times.

use std::fmt;

use jiff::ToSpan as _;
use jiff::civil::{Date, DateTime};

use super::Refusal;
use super::days::Days;
use super::field::{AWS_WEEKDAY, DAY_OF_MONTH, Dialect, HOUR, MINUTE, MONTH, Set, Token, YEAR};

/// The longest expression EventBridge takes, in characters.
const MAX_TEXT: usize = 256;

/// A cron expression as AWS understands it. Two that fire at the same times by the same rule are equal and are written alike.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AwsCron {
    pub(super) minutes: Set,
    pub(super) hours: Set,
    pub(super) days: Days,
    pub(super) months: Set,
    pub(super) years: Set,
}

impl AwsCron {
    /// Reads `cron(…)`. Names are taken in any case; what AWS does not document (`LW`, `L-3`, steps of weekdays, ranges that run
    /// backwards) and what can never fire (30 February) is refused with its place.
    pub fn parse(text: &str) -> Result<Self, Refusal> {
        let inner = text.strip_prefix("cron(").and_then(|rest| rest.strip_suffix(')')).ok_or_else(|| {
            Refusal::new(0, text.len(), format!("`{text}` is not of the form cron(…)"))
                .with_help("write cron(minute hour day-of-month month day-of-week year)")
        })?;
        let words = Token::words(inner, "cron(".len());
        let [minute, hour, day_of_month, month, day_of_week, year] = words[..] else {
            return Err(Refusal::new(
                "cron(".len(),
                inner.len(),
                format!("AWS cron has six fields, this has {}", words.len()),
            )
            .with_help("write cron(minute hour day-of-month month day-of-week year)"));
        };
        let cron = Self {
            minutes: MINUTE.set(minute, Dialect::Aws)?,
            hours: HOUR.set(hour, Dialect::Aws)?,
            days: days(day_of_month, day_of_week)?.simplified(),
            months: MONTH.set(month, Dialect::Aws)?,
            years: YEAR.set(year, Dialect::Aws)?,
        };
        cron.checked().map_err(|why| Refusal::new(0, text.len(), why))
    }

    /// Refuses what AWS would (too long a text) and what would never fire.
    pub(super) fn checked(self) -> Result<Self, String> {
        let text = self.to_string();
        if text.chars().count() > MAX_TEXT {
            return Err(format!(
                "the expression is {} characters long in AWS's form; AWS takes {MAX_TEXT}",
                text.chars().count()
            ));
        }
        if self.days_from(Date::constant(1970, 1, 1)).next().is_none() {
            return Err(format!("{text} never fires: no month it names has such a day"));
        }
        Ok(self)
    }

    /// The days it fires on, from `first` on (inclusive), to the end of 2199.
    pub(super) fn days_from(&self, first: Date) -> impl Iterator<Item = Date> + use<'_> {
        let from = first.max(Date::constant(1970, 1, 1));
        self.years
            .range(from.year()..)
            .flat_map(|&year| self.months.iter().map(move |&month| (year, month)))
            .filter_map(|(year, month)| Date::new(year, i8::try_from(month).ok()?, 1).ok())
            .filter(move |month| month.last_of_month() >= from)
            .flat_map(move |month| month.series(1.day()).take(month.days_in_month().unsigned_abs().into()))
            .filter(move |day| *day >= from && self.days.matches(*day))
    }

    /// The minutes since midnight at which it fires on such a day, in order.
    pub(super) fn minutes_of_day(&self) -> impl Iterator<Item = u16> + use<'_> {
        self.hours.iter().flat_map(|hour| self.minutes.iter().map(move |minute| (hour * 60 + minute).unsigned_abs()))
    }

    /// The local times it fires at, strictly after `after`, to the end of 2199, whatever the zone makes of them.
    pub fn local_times(&self, after: DateTime) -> impl Iterator<Item = DateTime> + use<'_> {
        self.days_from(after.date())
            .flat_map(move |day| {
                self.hours.iter().flat_map(move |&hour| {
                    self.minutes.iter().map(move |&minute| {
                        let part = |value: i16| i8::try_from(value).expect("hours and minutes are below 60");
                        day.at(part(hour), part(minute), 0, 0)
                    })
                })
            })
            .skip_while(move |time| *time <= after)
    }
}

fn days(of_month: Token<'_>, of_week: Token<'_>) -> Result<Days, Refusal> {
    match (of_month.text, of_week.text) {
        ("?", "?") => Err(of_week
            .refuse("day-of-month and day-of-week are both `?`")
            .with_help("write `*` in one of them to mean every day")),
        ("?", _) => days_of_week(of_week),
        (_, "?") => days_of_month(of_month),
        _ => Err(of_week
            .refuse("AWS takes a value in day-of-month or in day-of-week, not in both")
            .with_help("write `?` in the one that does not matter")),
    }
}

fn days_of_month(token: Token<'_>) -> Result<Days, Refusal> {
    if token.text.eq_ignore_ascii_case("L") {
        return Ok(Days::LastOfMonth);
    }
    if let Some(day) = token.text.strip_suffix(['W', 'w']) {
        let day = Token { text: day, at: token.at };
        return DAY_OF_MONTH.value(day).map(Days::NearestWeekday).map_err(|_| {
            token
                .refuse(format!("`{}` is not a form AWS documents", token.text))
                .with_help("write one day and W, such as 15W")
        });
    }
    if token.text.contains(['L', 'l', 'W', 'w']) {
        return Err(token
            .refuse(format!("`{}` is not a form AWS documents", token.text))
            .with_help("L and W stand alone in the field: L, or one day such as 15W"));
    }
    DAY_OF_MONTH.set(token, Dialect::Aws).map(Days::OfMonth)
}

fn days_of_week(token: Token<'_>) -> Result<Days, Refusal> {
    let sunday_zero = |day: i16| day - 1;
    if token.text.eq_ignore_ascii_case("L") {
        return Ok(Days::OfWeek([6].into()));
    }
    if let Some((weekday, n)) = token.split_once('#') {
        if token.text.contains(',') {
            return Err(token
                .refuse("with `#` AWS takes a single expression in day-of-week")
                .with_help("write two schedules"));
        }
        let weekday = AWS_WEEKDAY.value(weekday)?;
        return Ok(Days::NthWeekday(sunday_zero(weekday), nth(n)?));
    }
    // Only JUL ends in L among all names, and it is no weekday.
    if let Some(weekday) = token.text.strip_suffix(['L', 'l']) {
        let weekday = Token { text: weekday, at: token.at };
        return AWS_WEEKDAY.value(weekday).map(|day| Days::LastWeekday(sunday_zero(day))).map_err(|_| {
            token
                .refuse(format!("`{}` is not a form AWS documents", token.text))
                .with_help("write one weekday and L, such as 6L for the last Friday")
        });
    }
    let days = AWS_WEEKDAY.set(token, Dialect::Aws)?;
    Ok(Days::OfWeek(days.into_iter().map(sunday_zero).collect()))
}

/// The number after `#`.
pub(super) fn nth(token: Token<'_>) -> Result<i16, Refusal> {
    match token.text {
        "1" | "2" | "3" | "4" | "5" => Ok(i16::from(token.text.as_bytes()[0] - b'0')),
        other => Err(token.refuse(format!("`{other}` after # is not a week of the month: it goes from 1 to 5"))),
    }
}

impl fmt::Display for AwsCron {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (of_month, of_week) = self.days.render();
        write!(
            f,
            "cron({} {} {of_month} {} {of_week} {})",
            MINUTE.render(&self.minutes),
            HOUR.render(&self.hours),
            MONTH.render(&self.months),
            YEAR.render(&self.years),
        )
    }
}
