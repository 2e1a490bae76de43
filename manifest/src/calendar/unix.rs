//! Unix cron: five fields, lists, ranges, steps, names, `7` for Sunday, `@daily` and its kin, `?` where it means `*`, and the extensions
//! `1#2` (second Monday), `5L` (last Friday) and `L` (last day of the month). What crons disagree about is refused, not guessed.

use super::Refusal;
use super::cron::nth;
use super::days::Days;
use super::field::{DAY_OF_MONTH, Dialect, Field, HOUR, MINUTE, MONTH, Set, Token, UNIX_WEEKDAY};
use crate::yaml::nearest;

const NAMES: [&str; 7] = ["@yearly", "@annually", "@monthly", "@weekly", "@daily", "@midnight", "@hourly"];
const FORM: &str = "write minute hour day-of-month month day-of-week, such as `0 22 * * *`, or @daily";

/// A unix cron expression, read but not yet put into AWS's terms.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnixCron {
    pub(super) minutes: Set,
    pub(super) hours: Set,
    pub(super) of_month: DayField,
    pub(super) months: Set,
    pub(super) of_week: DayField,
}

/// One of the two fields for days.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct DayField {
    pub(super) text: String,
    pub(super) at: usize,
    pub(super) says: Says,
}

/// What a field for days says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Says {
    /// `*`, `?` or `*/1`: every day, and the other field decides.
    Nothing,
    /// `*/2`: a restriction for some crons and not for others, when the other field is restricted as well.
    Stepped(Vec<Days>),
    /// Any of these.
    AnyOf(Vec<Days>),
}

impl UnixCron {
    /// Reads five fields or one of `@yearly @annually @monthly @weekly @daily @midnight @hourly`.
    pub fn parse(text: &str) -> Result<Self, Refusal> {
        let trimmed = text.trim();
        let whole = |why: String| Refusal::new(0, text.len(), why).with_help(FORM);
        if trimmed.starts_with('@') {
            let fields = match trimmed {
                "@yearly" | "@annually" => "0 0 1 1 *",
                "@monthly" => "0 0 1 * *",
                "@weekly" => "0 0 * * 0",
                "@daily" | "@midnight" => "0 0 * * *",
                "@hourly" => "0 * * * *",
                "@reboot" => return Err(whole("@reboot has no meaning here: nothing is kept running".to_owned())),
                other => {
                    let refusal = whole(format!("`{other}` is not a name for a schedule"));
                    return Err(match nearest(other, NAMES.iter().copied()) {
                        Some(near) => refusal.with_help(format!("did you mean {near}?")),
                        None => refusal,
                    });
                }
            };
            return Self::parse(fields);
        }
        let words = Token::words(text, 0);
        let [minute, hour, day, month, weekday] = words[..] else {
            let refusal = whole(format!("cron has five fields, this has {}", words.len()));
            return Err(if words.len() == 6 {
                refusal.with_help(format!("for AWS's six fields write cron({trimmed})"))
            } else {
                refusal
            });
        };
        Ok(Self {
            minutes: MINUTE.set(minute, Dialect::Unix)?,
            hours: HOUR.set(hour, Dialect::Unix)?,
            of_month: day_field(day, &DAY_OF_MONTH)?,
            months: MONTH.set(month, Dialect::Unix)?,
            of_week: day_field(weekday, &UNIX_WEEKDAY)?,
        })
    }
}

fn day_field(token: Token<'_>, field: &Field) -> Result<DayField, Refusal> {
    let field_says = |says| DayField { text: token.text.to_owned(), at: token.at, says };
    if token.text == "?" {
        return Ok(field_says(Says::Nothing));
    }
    let mut set = Set::new();
    let mut days = Vec::new();
    let mut stepped = false;
    for item in token.split(',') {
        match item.text {
            "*" | "*/1" => return Ok(field_says(Says::Nothing)),
            text if text.starts_with("*/") => stepped = true,
            _ => {}
        }
        match special(item, field)? {
            Some(rule) => days.push(rule),
            None => set.extend(field.set(item, Dialect::Unix)?),
        }
    }
    if !set.is_empty() {
        days.insert(
            0,
            if field.name == UNIX_WEEKDAY.name {
                Days::OfWeek(set.iter().map(|day| day % 7).collect())
            } else {
                Days::OfMonth(set)
            }
            .simplified(),
        );
    }
    Ok(field_says(if stepped { Says::Stepped(days) } else { Says::AnyOf(days) }))
}

/// `L`, `5L` and `1#2`, which name days but are no sets.
fn special(item: Token<'_>, field: &Field) -> Result<Option<Days>, Refusal> {
    if field.name == UNIX_WEEKDAY.name {
        if let Some((weekday, week)) = item.split_once('#') {
            return Ok(Some(Days::NthWeekday(field.value(weekday)? % 7, nth(week)?)));
        }
        if item.text.eq_ignore_ascii_case("L") {
            return Err(item
                .refuse("`L` alone is read differently by different crons")
                .with_help("write 6 for Saturday, or 5L for the last Friday of the month"));
        }
        if let Some(weekday) = item.text.strip_suffix(['L', 'l']) {
            let weekday = Token { text: weekday, at: item.at };
            return Ok(Some(Days::LastWeekday(field.value(weekday)? % 7)));
        }
    } else {
        if item.text.eq_ignore_ascii_case("L") {
            return Ok(Some(Days::LastOfMonth));
        }
        if item.text.contains(['W', 'w']) {
            return Err(item
                .refuse(format!("`{}` is not unix cron", item.text))
                .with_help("write AWS's form, such as cron(0 9 15W * ? *)"));
        }
    }
    Ok(None)
}
