//! Shares and spans of time as people write them (`1%`, `36h`, `10 days`), kept exactly as integers.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};

/// A quantity that cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{given}` is not {expected}")]
pub struct QuantityError {
    given: String,
    expected: &'static str,
}

/// A share between 0 % and 100 %, in parts per million; written `1%` or `0.25%`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Share(u32);

impl Share {
    /// Nothing: 0 %.
    pub const NONE: Self = Self(0);

    /// So many hundredths; at most 100.
    pub const fn percent(hundredths: u32) -> Self {
        assert!(hundredths <= 100, "a share is at most 100 %");
        Self(hundredths * 10_000)
    }

    /// Parts per million, 0 to 1,000,000.
    pub fn parts_per_million(self) -> u32 {
        self.0
    }

    /// The largest count that is within this share of `total`, rounded down.
    pub fn of(self, total: u64) -> u64 {
        u64::try_from(u128::from(total) * u128::from(self.0) / 1_000_000).unwrap_or(u64::MAX)
    }
}

impl FromStr for Share {
    type Err = QuantityError;
    fn from_str(given: &str) -> Result<Self, QuantityError> {
        let fail =
            || QuantityError { given: given.to_owned(), expected: "a share such as 1% or 0.25%, from 0% to 100%" };
        let number = given.trim().strip_suffix('%').ok_or_else(fail)?.trim_end();
        let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
        let digits = |text: &str| text.bytes().all(|b| b.is_ascii_digit());
        if whole.is_empty() || !digits(whole) || !digits(fraction) || fraction.len() > 4 || number.ends_with('.') {
            return Err(fail());
        }
        let whole: u32 = whole.parse().map_err(|_| fail())?;
        let fraction: u32 = format!("{fraction:0<4}").parse().map_err(|_| fail())?;
        let ppm = whole.checked_mul(10_000).and_then(|n| n.checked_add(fraction)).filter(|n| *n <= 1_000_000);
        ppm.map(Self).ok_or_else(fail)
    }
}

impl TryFrom<String> for Share {
    type Error = QuantityError;
    fn try_from(given: String) -> Result<Self, QuantityError> {
        given.parse()
    }
}

impl JsonSchema for Share {
    fn schema_name() -> Cow<'static, str> {
        "Share".into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({"type": "string", "pattern": "^\\d{1,3}(\\.\\d{1,4})?\\s*%$"})
    }
}

impl From<Share> for String {
    fn from(share: Share) -> String {
        share.to_string()
    }
}

impl fmt::Display for Share {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (whole, fraction) = (self.0 / 10_000, self.0 % 10_000);
        if fraction == 0 {
            write!(f, "{whole}%")
        } else {
            let fraction = format!("{fraction:04}");
            write!(f, "{whole}.{}%", fraction.trim_end_matches('0'))
        }
    }
}

/// A span of time in whole seconds, at least one; written `90s`, `45m`, `2h`, `36h`, `10 days`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Span(u64);

impl Span {
    /// A span of whole seconds.
    pub const fn from_seconds(seconds: u64) -> Self {
        Self(seconds)
    }

    /// The span in seconds.
    pub const fn seconds(self) -> u64 {
        self.0
    }
}

impl FromStr for Span {
    type Err = QuantityError;
    fn from_str(given: &str) -> Result<Self, QuantityError> {
        let fail =
            || QuantityError { given: given.to_owned(), expected: "a span of time such as 90s, 45m, 2h or 10 days" };
        let text = given.trim();
        let unit_at = text.find(|c: char| !c.is_ascii_digit()).ok_or_else(fail)?;
        let (number, unit) = text.split_at(unit_at);
        let seconds: u64 = match unit.trim_start() {
            "s" | "second" | "seconds" => 1,
            "m" | "min" | "minute" | "minutes" => 60,
            "h" | "hour" | "hours" => 3_600,
            "d" | "day" | "days" => 86_400,
            "week" | "weeks" => 604_800,
            _ => return Err(fail()),
        };
        let number: u64 = number.parse().map_err(|_| fail())?;
        number.checked_mul(seconds).filter(|n| *n > 0).map(Self).ok_or_else(fail)
    }
}

impl TryFrom<String> for Span {
    type Error = QuantityError;
    fn try_from(given: String) -> Result<Self, QuantityError> {
        given.parse()
    }
}

impl JsonSchema for Span {
    fn schema_name() -> Cow<'static, str> {
        "Span".into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({"type": "string", "pattern": "^\\d+\\s*(s|seconds?|m|min|minutes?|h|hours?|d|days?|weeks?)$"})
    }
}

impl From<Span> for String {
    fn from(span: Span) -> String {
        span.to_string()
    }
}

impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            n if n % 86_400 == 0 => write!(f, "{}d", n / 86_400),
            n if n % 3_600 == 0 => write!(f, "{}h", n / 3_600),
            n if n % 60 == 0 => write!(f, "{}m", n / 60),
            n => write!(f, "{n}s"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_are_exact_to_a_part_in_a_million() {
        assert_eq!("1%".parse::<Share>().map(Share::parts_per_million), Ok(10_000));
        assert_eq!("0.25%".parse::<Share>().map(Share::parts_per_million), Ok(2_500));
        assert_eq!("100%".parse::<Share>().map(Share::parts_per_million), Ok(1_000_000));
        for bad in ["1", "101%", "-1%", "%", "1.%", "0.00001%", "1e2%"] {
            assert!(bad.parse::<Share>().is_err(), "{bad}");
        }
        assert_eq!("1%".parse::<Share>().map(|s| s.of(199)), Ok(1));
    }

    #[test]
    fn spans_read_as_people_write_them() {
        for (text, seconds) in
            [("90s", 90), ("45m", 2_700), ("36h", 129_600), ("10 days", 864_000), ("1 week", 604_800)]
        {
            assert_eq!(text.parse::<Span>().map(Span::seconds), Ok(seconds), "{text}");
        }
        for bad in ["", "5", "h", "0s", "1.5h", "3 fortnights"] {
            assert!(bad.parse::<Span>().is_err(), "{bad}");
        }
        assert_eq!(Span::from_seconds(129_600).to_string(), "36h");
    }
}
