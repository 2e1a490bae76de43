//! What AWS is told: one of its three kinds of schedule expression, and the door through which every text a person writes comes in.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::{AwsAt, AwsCron, AwsRate, Refusal, UnixCron, translate};

/// A schedule expression as AWS takes it; serialised as its canonical text.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Expression {
    /// `cron(…)`
    Cron(AwsCron),
    /// `rate(…)`
    Rate(AwsRate),
    /// `at(…)`
    At(AwsAt),
}

/// Reads what a person wrote: AWS's `cron(…)`, `rate(…)`, `at(…)`, or unix cron with its `@daily` kin. Unix cron may need two expressions
/// (never more); the places in a refusal are byte offsets in `text`.
pub fn expressions(text: &str) -> Result<Vec<Expression>, Refusal> {
    if text.contains('(') {
        return text.parse().map(|expression| vec![expression]);
    }
    let crons = translate(&UnixCron::parse(text)?)?;
    Ok(crons.into_iter().map(Expression::Cron).collect())
}

impl FromStr for Expression {
    type Err = Refusal;

    fn from_str(text: &str) -> Result<Self, Refusal> {
        if text.starts_with("rate(") {
            AwsRate::parse(text).map(Self::Rate)
        } else if text.starts_with("at(") {
            AwsAt::parse(text).map(Self::At)
        } else if text.starts_with("cron(") {
            AwsCron::parse(text).map(Self::Cron)
        } else {
            Err(Refusal::new(0, text.len(), format!("`{text}` is not a schedule expression"))
                .with_help("write cron(…), rate(…) or at(…)"))
        }
    }
}

impl fmt::Display for Expression {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Cron(cron) => cron.fmt(f),
            Self::Rate(rate) => rate.fmt(f),
            Self::At(at) => at.fmt(f),
        }
    }
}

impl Serialize for Expression {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Expression {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}
