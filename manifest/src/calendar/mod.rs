//! When things fire. In comes the text a person wrote (five-field cron, `@daily`, or AWS's own `cron(…)`, `rate(…)`, `at(…)`) and the
//! name of a time zone; out go the expressions AWS accepts, the instants they fire at, what daylight saving does to them, and how starts
//! are spread over a day. Nothing here reads a clock: every instant is handed in.

mod at;
mod cron;
mod days;
mod dst;
mod expression;
mod field;
mod fires;
mod histogram;
mod rate;
mod refusal;
mod spread;
mod translate;
mod unix;
mod wait;
mod zone;

#[cfg(test)]
mod tests;

pub use at::AwsAt;
pub use cron::AwsCron;
pub use dst::{Affected, DstNotice, dst_notices};
pub use expression::{Expression, expressions};
pub use fires::{fires, fires_of_all};
pub use histogram::{Histogram, Start};
pub use rate::{AwsRate, RateUnit};
pub use refusal::Refusal;
pub use spread::{Spread, SpreadRefusal, spread};
pub use translate::translate;
pub use unix::UnixCron;
pub use wait::longest_wait;
pub use zone::zone;
