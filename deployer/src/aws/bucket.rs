//! Politeness: one token bucket per API family, at AWS's published rates. In: a family. Out: how long to wait before the
//! next call. Source of the ECS rates: ECS API reference, "Request throttling"; of the others: each service's quota page.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::Timestamp;

/// APIs that share a rate limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Family {
    /// RegisterTaskDefinition and DeregisterTaskDefinition together.
    EcsRegister,
    /// DescribeTaskDefinition, ListTaskDefinitions, ListTaskDefinitionFamilies.
    EcsDefinitions,
    /// RunTask.
    EcsRun,
    /// DescribeClusters, CreateCluster, DescribeTasks.
    EcsCluster,
    /// Every API of Batch.
    Batch,
    /// Scheduler.
    Scheduler,
    /// EventBridge rules.
    Events,
    /// IAM, which publishes no rates.
    Iam,
    /// Secrets Manager.
    Secrets,
    /// CloudWatch Logs.
    Logs,
    /// CloudWatch's lists, and its dashboards.
    CloudWatch,
    /// PutMetricAlarm and DeleteAlarms.
    Alarms,
    /// SNS.
    Sns,
    /// ECR.
    Ecr,
    /// RDS.
    Rds,
    /// SQS, whose management APIs publish no rates.
    Sqs,
    /// STS.
    Sts,
}

impl Family {
    /// Calls that may come at once, and calls per second after that.
    pub fn rate(self) -> (f64, f64) {
        match self {
            Self::EcsRegister => (20.0, 1.0),
            Self::EcsDefinitions | Self::EcsCluster => (50.0, 20.0),
            // Fargate launches 20 a second, fewer than ECS would take.
            Self::EcsRun | Self::Sqs => (20.0, 20.0),
            Self::Batch | Self::Scheduler | Self::Events | Self::Secrets | Self::Sts => (50.0, 50.0),
            Self::Iam | Self::Sns | Self::Ecr | Self::Rds => (20.0, 10.0),
            // CloudWatch quotas: DescribeAlarms takes 9 a second, dashboards 10, PutMetricAlarm 3.
            Self::CloudWatch => (9.0, 9.0),
            Self::Alarms => (3.0, 3.0),
            Self::Logs => (10.0, 5.0),
        }
    }
}

/// The share of a burst that we leave: calls that left one after the other arrive closer together.
const KEPT: f64 = 0.1;

/// How fast we ask.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pace {
    /// At AWS's published rates.
    Published,
    /// As fast as it answers: an emulator on this machine.
    Unbounded,
}

/// The buckets of all families, shared by every client.
#[derive(Debug)]
pub struct Buckets {
    pace: Pace,
    buckets: Mutex<BTreeMap<Family, Bucket>>,
}

#[derive(Debug, Clone, Copy)]
struct Bucket {
    tokens: f64,
    filled: Timestamp,
}

impl Buckets {
    /// Full buckets.
    pub fn new(pace: Pace) -> Self {
        Self { pace, buckets: Mutex::default() }
    }

    /// How long to wait where AWS would be given this time to recover.
    pub fn patience(&self, span: Duration) -> Duration {
        const QUICKER: u32 = 50;
        if self.pace == Pace::Unbounded { span / QUICKER } else { span }
    }

    /// Takes a token; the caller waits for as long as this says before it calls.
    pub fn take(&self, family: Family, now: Timestamp) -> Duration {
        if self.pace == Pace::Unbounded {
            return Duration::ZERO;
        }
        let (burst, per_second) = family.rate();
        let burst = burst * (1.0 - KEPT);
        let mut buckets = self.lock();
        let bucket = buckets.entry(family).or_insert(Bucket { tokens: burst, filled: now });
        let passed = now.duration_since(bucket.filled).as_secs_f64().max(0.0);
        bucket.tokens = (bucket.tokens + passed * per_second).min(burst);
        bucket.filled = now.max(bucket.filled);
        bucket.tokens -= 1.0;
        if bucket.tokens >= 0.0 { Duration::ZERO } else { Duration::from_secs_f64(-bucket.tokens / per_second) }
    }

    /// After a throttle: somebody else uses the same quota, so what is left of the burst is not ours.
    pub fn drain(&self, family: Family) {
        if let Some(bucket) = self.lock().get_mut(&family) {
            bucket.tokens = bucket.tokens.min(0.0);
        }
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<Family, Bucket>> {
        self.buckets.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hundred_registrations_take_little_more_than_the_eighty_seconds_that_aws_gives_them() {
        let buckets = Buckets::new(Pace::Published);
        let mut now = Timestamp::UNIX_EPOCH;
        for _ in 0..100 {
            let wait = buckets.take(Family::EcsRegister, now);
            now = now.checked_add(wait).unwrap();
        }
        let seconds = now.duration_since(Timestamp::UNIX_EPOCH).as_secs();
        assert!((81..=83).contains(&seconds), "{seconds}");
    }

    #[test]
    fn families_do_not_wait_for_each_other() {
        let buckets = Buckets::new(Pace::Published);
        let now = Timestamp::UNIX_EPOCH;
        for _ in 0..19 {
            buckets.take(Family::EcsRegister, now);
        }
        assert!(buckets.take(Family::EcsRegister, now) > Duration::ZERO);
        assert_eq!(buckets.take(Family::Scheduler, now), Duration::ZERO);
    }
}
