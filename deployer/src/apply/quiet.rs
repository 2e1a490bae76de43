//! When a schedule may be replaced: never within two minutes of a firing, of the old one or of the new. In: expressions and
//! the time now. Out: how long to wait.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use crate::plan::fires::{Times, is_restless, near};

/// Before and after a firing, nothing is replaced.
const AROUND: SignedDuration = SignedDuration::from_mins(2);

/// How long to wait until none of these fires within two minutes; nothing where they fire so often that there is no such
/// moment.
pub(super) fn wait(times: &[Times<'_>], now: Timestamp) -> Option<Duration> {
    let restful = times.iter().filter(|times| !is_restless(**times, now, AROUND));
    let near = restful.filter_map(|times| near(*times, now, AROUND)).max()?;
    let until = near.checked_add(AROUND).ok()?;
    Duration::try_from(until.duration_since(now)).ok().filter(|wait| !wait.is_zero())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seconds(times: &[Times<'_>], now: &str) -> Option<u64> {
        wait(times, now.parse().unwrap()).map(|wait| wait.as_secs())
    }

    #[test]
    fn a_schedule_is_replaced_two_minutes_from_its_firing_at_the_earliest() {
        let nightly = ("cron(0 22 * * ? *)", "UTC");
        assert_eq!(seconds(&[nightly], "2026-11-20T21:57:00Z"), None);
        assert_eq!(seconds(&[nightly], "2026-11-20T21:59:00Z"), Some(180));
        assert_eq!(seconds(&[nightly], "2026-11-20T22:01:00Z"), Some(60));
        assert_eq!(seconds(&[nightly], "2026-11-20T22:02:00Z"), None);
    }

    #[test]
    fn both_the_old_and_the_new_time_count() {
        let times = [("cron(0 22 * * ? *)", "UTC"), ("cron(1 17 * * ? *)", "America/New_York")];
        assert_eq!(seconds(&times, "2026-11-20T21:59:30Z"), Some(210));
    }

    #[test]
    fn what_fires_every_few_minutes_is_not_waited_for() {
        assert_eq!(seconds(&[("rate(5 minutes)", "UTC")], "2026-11-20T21:59:00Z"), None);
        assert_eq!(seconds(&[("cron(0/5 * * * ? *)", "UTC")], "2026-11-20T21:59:00Z"), None);
        assert_eq!(seconds(&[("nothing", "UTC")], "2026-11-20T21:59:00Z"), None);
    }
}
