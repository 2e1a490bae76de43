//! AWS's `rate(value unit)`: elapsed time, counted from the moment AWS creates the schedule.

use std::fmt;

use jiff::{SignedDuration, Timestamp};

use super::Refusal;
use super::field::Token;

/// A fixed interval. `rate(1 day)` is 24 hours of elapsed time, whatever the zone's clocks do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AwsRate {
    value: u32,
    unit: RateUnit,
}

/// The units AWS takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum RateUnit {
    /// 60 seconds.
    Minute,
    /// 60 minutes.
    Hour,
    /// 24 hours.
    Day,
}

impl RateUnit {
    const fn singular(self) -> &'static str {
        match self {
            Self::Minute => "minute",
            Self::Hour => "hour",
            Self::Day => "day",
        }
    }

    const fn minutes(self) -> i64 {
        match self {
            Self::Minute => 1,
            Self::Hour => 60,
            Self::Day => 24 * 60,
        }
    }
}

impl AwsRate {
    /// Reads `rate(…)`: a positive whole number and a unit, singular with 1 and plural above, as AWS demands.
    pub fn parse(text: &str) -> Result<Self, Refusal> {
        let form = "write rate(1 day), rate(12 hours) or the like";
        let inner = text.strip_prefix("rate(").and_then(|rest| rest.strip_suffix(')')).ok_or_else(|| {
            Refusal::new(0, text.len(), format!("`{text}` is not of the form rate(…)")).with_help(form)
        })?;
        let words = Token::words(inner, "rate(".len());
        let [number, unit] = words[..] else {
            return Err(Refusal::new("rate(".len(), inner.len(), "a rate is a number and a unit").with_help(form));
        };
        let digits = !number.text.is_empty() && number.text.bytes().all(|byte| byte.is_ascii_digit());
        let value = match number.text.parse::<u32>() {
            Ok(value) if digits && value > 0 => value,
            _ => {
                return Err(number.refuse(format!("`{}` is not a positive whole number", number.text)).with_help(form));
            }
        };
        let (kind, plural) = match unit.text {
            "minute" => (RateUnit::Minute, false),
            "minutes" => (RateUnit::Minute, true),
            "hour" => (RateUnit::Hour, false),
            "hours" => (RateUnit::Hour, true),
            "day" => (RateUnit::Day, false),
            "days" => (RateUnit::Day, true),
            other => {
                return Err(unit
                    .refuse(format!("`{other}` is not a unit of a rate"))
                    .with_help("write minutes, hours or days"));
            }
        };
        let rate = Self { value, unit: kind };
        if plural == (value == 1) {
            return Err(unit.refuse(format!("AWS refuses `{value} {}`", unit.text)).with_help(format!("write {rate}")));
        }
        Ok(rate)
    }

    /// The interval between two firings.
    pub fn interval(self) -> SignedDuration {
        SignedDuration::from_mins(i64::from(self.value) * self.unit.minutes())
    }

    /// The instants after `anchor`, which is the moment the schedule was created.
    pub fn fires(self, anchor: Timestamp) -> impl Iterator<Item = Timestamp> {
        std::iter::successors(Some(anchor), move |last| last.checked_add(self.interval()).ok()).skip(1)
    }
}

impl fmt::Display for AwsRate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let plural = if self.value == 1 { "" } else { "s" };
        write!(f, "rate({} {}{plural})", self.value, self.unit.singular())
    }
}
