//! One field of a cron expression: from its text to the set of values it names, and back to the shortest text AWS documents.
//! The two dialects differ in `5/15` (AWS counts up from 5, unix implementations disagree), in `7` for Sunday, and in steps of weekdays.

use std::collections::BTreeSet;

use super::Refusal;

/// The values a field names, in order.
pub(super) type Set = BTreeSet<i16>;

/// Who reads the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Dialect {
    Aws,
    Unix,
}

/// A field's range and names.
#[derive(Debug)]
pub(super) struct Field {
    pub(super) name: &'static str,
    pub(super) min: i16,
    pub(super) max: i16,
    /// Names of the values from `min` on; empty where there are none.
    names: &'static [&'static str],
}

const MONTHS: &[&str] = &["JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"];
const WEEKDAYS: &[&str] = &["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"];

pub(super) const MINUTE: Field = Field { name: "minute", min: 0, max: 59, names: &[] };
pub(super) const HOUR: Field = Field { name: "hour", min: 0, max: 23, names: &[] };
pub(super) const DAY_OF_MONTH: Field = Field { name: "day-of-month", min: 1, max: 31, names: &[] };
pub(super) const MONTH: Field = Field { name: "month", min: 1, max: 12, names: MONTHS };
/// AWS: 1 = SUN … 7 = SAT.
pub(super) const AWS_WEEKDAY: Field = Field { name: "day-of-week", min: 1, max: 7, names: WEEKDAYS };
/// Unix: 0 = SUN … 6 = SAT, and 7 is Sunday again.
pub(super) const UNIX_WEEKDAY: Field = Field { name: "day-of-week", min: 0, max: 7, names: WEEKDAYS };
/// The years AWS knows.
pub(super) const YEAR: Field = Field { name: "year", min: 1970, max: 2199, names: &[] };

/// A part of the text that was read, with its place.
#[derive(Debug, Clone, Copy)]
pub(super) struct Token<'a> {
    pub(super) text: &'a str,
    pub(super) at: usize,
}

impl<'a> Token<'a> {
    /// The tokens of `text`, which itself starts at byte `at`, between runs of blanks.
    pub(super) fn words(text: &'a str, at: usize) -> Vec<Self> {
        let mut words = Vec::new();
        let mut start = None;
        for (index, c) in text.char_indices().chain([(text.len(), ' ')]) {
            match (c.is_whitespace(), start) {
                (true, Some(from)) => {
                    words.push(Token { text: &text[from..index], at: at + from });
                    start = None;
                }
                (false, None) => start = Some(index),
                _ => {}
            }
        }
        words
    }

    pub(super) fn split(self, separator: char) -> impl Iterator<Item = Token<'a>> {
        let mut at = self.at;
        self.text.split(separator).map(move |text| {
            let token = Token { text, at };
            at += text.len() + separator.len_utf8();
            token
        })
    }

    pub(super) fn split_once(self, separator: char) -> Option<(Token<'a>, Token<'a>)> {
        let (before, after) = self.text.split_once(separator)?;
        let at = self.at + before.len() + separator.len_utf8();
        Some((Token { text: before, at: self.at }, Token { text: after, at }))
    }

    pub(super) fn refuse(self, why: impl Into<String>) -> Refusal {
        Refusal::new(self.at, self.text.len(), why)
    }
}

impl Field {
    pub(super) fn full(&self) -> Set {
        (self.min..=self.max).collect()
    }

    fn one(&self) -> String {
        let article = if self.name == HOUR.name { "an" } else { "a" };
        format!("{article} {}", self.name)
    }

    /// One value: a number in the field's range, or one of its names in any case.
    pub(super) fn value(&self, token: Token<'_>) -> Result<i16, Refusal> {
        let text = token.text;
        if text.is_empty() {
            return Err(token.refuse(format!("a value of the {} field is missing", self.name)));
        }
        if let Some(index) = self.names.iter().position(|name| name.eq_ignore_ascii_case(text)) {
            return Ok(self.min + i16::try_from(index).expect("at most twelve names"));
        }
        if text.bytes().all(|byte| byte.is_ascii_digit()) {
            return match text.parse::<i16>() {
                Ok(value) if (self.min..=self.max).contains(&value) => Ok(value),
                _ => Err(token.refuse(format!(
                    "{text} is not {}: it goes from {} to {}",
                    self.one(),
                    self.min,
                    self.max
                ))),
            };
        }
        let refusal = token.refuse(format!("`{text}` is not {}", self.one()));
        Err(match self.names {
            [] => refusal.with_help(format!("write a number from {} to {}", self.min, self.max)),
            [first, .., last] => refusal.with_help(format!(
                "write a number from {} to {} or a name from {first} to {last}",
                self.min, self.max
            )),
            [only] => refusal.with_help(format!("write {only}")),
        })
    }

    /// A list of values, ranges and steps.
    pub(super) fn set(&self, token: Token<'_>, dialect: Dialect) -> Result<Set, Refusal> {
        let mut set = Set::new();
        for item in token.split(',') {
            self.item(item, dialect, &mut set)?;
        }
        Ok(set)
    }

    fn item(&self, item: Token<'_>, dialect: Dialect, set: &mut Set) -> Result<(), Refusal> {
        if item.text.is_empty() {
            return Err(item.refuse(format!("the list of the {} field has an empty place", self.name)));
        }
        let (range, step) = match item.split_once('/') {
            None => (item, None),
            Some((range, step)) => (range, Some(self.step(item, step, dialect)?)),
        };
        let (from, to) = if range.text == "*" {
            (self.min, self.max)
        } else if let Some((from, to)) = range.split_once('-') {
            self.range(range, from, to, dialect)?
        } else {
            let from = self.value(range)?;
            match (step, dialect) {
                (None, _) => (from, from),
                (Some(_), Dialect::Aws) => (from, self.max),
                (Some(_), Dialect::Unix) => {
                    return Err(item
                        .refuse(format!("`{}` is read differently by different crons", item.text))
                        .with_help(format!("write {}-{}/{}", range.text, self.max, step.unwrap_or(1))));
                }
            }
        };
        set.extend((from..=to).step_by(step.map_or(1, |step| usize::from(step.unsigned_abs()))));
        Ok(())
    }

    fn step(&self, item: Token<'_>, step: Token<'_>, dialect: Dialect) -> Result<i16, Refusal> {
        if dialect == Dialect::Aws && self.name == AWS_WEEKDAY.name {
            return Err(item
                .refuse("AWS does not take a step (/) in the day-of-week field")
                .with_help("list the days, such as MON,WED,FRI"));
        }
        match step.text.parse::<i16>() {
            Ok(value) if step.text.bytes().all(|b| b.is_ascii_digit()) && (1..=self.max).contains(&value) => Ok(value),
            _ => Err(step.refuse(format!(
                "`{}` is not a step of the {} field: it goes from 1 to {}",
                step.text, self.name, self.max
            ))),
        }
    }

    fn range(&self, range: Token<'_>, from: Token<'_>, to: Token<'_>, dialect: Dialect) -> Result<(i16, i16), Refusal> {
        let first = self.value(from)?;
        let mut last = self.value(to)?;
        // FRI-SUN: unix Sunday is 7 as well as 0.
        if dialect == Dialect::Unix
            && self.name == UNIX_WEEKDAY.name
            && last == 0
            && first > 0
            && !to.text.starts_with('0')
        {
            last = 7;
        }
        if first > last {
            return Err(range
                .refuse(format!("the range `{}` runs backwards", range.text))
                .with_help(format!("write {}-{},{}-{}", from.text, self.max, self.min, to.text)));
        }
        Ok((first, last))
    }

    /// The shortest text for the set, in forms AWS documents for every field: `*`, `5`, `1-5`, `1,3,5`, and `0/15` where it counts to the
    /// end of the field. Steps are not used for months and weekdays, where a list reads better.
    pub(super) fn render(&self, set: &Set) -> String {
        if set.len() == usize::from((self.max - self.min + 1).unsigned_abs()) {
            return "*".to_owned();
        }
        if let Some((start, step)) = self.progression(set) {
            return format!("{start}/{step}");
        }
        let mut parts: Vec<String> = Vec::new();
        let mut values = set.iter().copied().peekable();
        while let Some(first) = values.next() {
            let mut last = first;
            while let Some(next) = values.next_if_eq(&(last + 1)) {
                last = next;
            }
            match last - first {
                0 => parts.push(first.to_string()),
                1 => parts.push(format!("{first},{last}")),
                _ => parts.push(format!("{first}-{last}")),
            }
        }
        parts.join(",")
    }

    fn progression(&self, set: &Set) -> Option<(i16, i16)> {
        if ![MINUTE.name, HOUR.name, DAY_OF_MONTH.name, YEAR.name].contains(&self.name) || set.len() < 3 {
            return None;
        }
        let values: Vec<i16> = set.iter().copied().collect();
        let step = values[1] - values[0];
        let even = values.windows(2).all(|pair| pair[1] - pair[0] == step);
        (even && step > 1 && values[values.len() - 1] + step > self.max).then_some((values[0], step))
    }
}
