//! AWS Scheduler's `at(yyyy-mm-ddThh:mm:ss)`: once, at a local time in the schedule's zone.

use std::fmt;

use jiff::civil::DateTime;

use super::Refusal;

/// A single local time. EventBridge rules do not know this form; EventBridge Scheduler does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AwsAt {
    time: DateTime,
}

impl AwsAt {
    /// Reads `at(2027-03-14T02:30:00)`; no zone, no fraction of a second, as AWS demands.
    pub fn parse(text: &str) -> Result<Self, Refusal> {
        let form = "write at(yyyy-mm-ddThh:mm:ss), such as at(2027-03-14T09:00:00)";
        let inner = text
            .strip_prefix("at(")
            .and_then(|rest| rest.strip_suffix(')'))
            .ok_or_else(|| Refusal::new(0, text.len(), format!("`{text}` is not of the form at(…)")).with_help(form))?;
        let refuse = |why: String| Refusal::new("at(".len(), inner.len(), why).with_help(form);
        let shape: String = inner.chars().map(|c| if c.is_ascii_digit() { '0' } else { c }).collect();
        if shape != "0000-00-00T00:00:00" {
            return Err(refuse(format!("`{inner}` is not a time of the form yyyy-mm-ddThh:mm:ss")));
        }
        let time: DateTime =
            inner.parse().map_err(|_| refuse(format!("`{inner}` is not a date and time of the calendar")))?;
        Ok(Self { time })
    }

    /// The local time.
    pub fn time(self) -> DateTime {
        self.time
    }
}

impl fmt::Display for AwsAt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "at({})", self.time.strftime("%Y-%m-%dT%H:%M:%S"))
    }
}
