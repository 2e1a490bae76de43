//! CloudWatch Logs: the stack's log group, and the run records in it.

use aws_sdk_cloudwatchlogs::types::MetricTransformation;
use manifest::contract;

use super::bucket::Family;
use super::error::{AwsError, Class, Operation, Repeat};
use super::{Clients, incomplete};
use crate::desired::resource::{LogGroup, Tags};

const fn operation(name: &'static str) -> Operation {
    Operation { service: "logs", name, family: Family::Logs, repeat: Repeat::Safe }
}

/// The metric filter that counts failed runs.
const FILTER: &str = "freshet-runs-failed";

/// One event of a log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogEvent {
    /// Milliseconds since 1970.
    pub time: i64,
    /// The stream it is in.
    pub stream: String,
    /// What was written.
    pub message: String,
}

impl Clients {
    /// The log group of that name; a retention of 0 days means for ever.
    pub async fn log_group(&self, name: &str) -> Result<Option<LogGroup>, AwsError> {
        let send = || self.logs.describe_log_groups().log_group_name_prefix(name).limit(50).send();
        let answer = self.caller.call(operation("DescribeLogGroups"), send).await?;
        let found = answer.log_groups().iter().find(|group| group.log_group_name() == Some(name));
        let Some(found) = found else { return Ok(None) };
        let retention_days = found.retention_in_days().and_then(|days| days.try_into().ok()).unwrap_or(0);
        let send = || self.logs.describe_metric_filters().log_group_name(name).filter_name_prefix(FILTER).send();
        let answer = self.caller.call(operation("DescribeMetricFilters"), send).await?;
        let filter = answer.metric_filters().iter().find(|filter| filter.filter_name() == Some(FILTER));
        let failures = filter.and_then(|filter| filter.filter_pattern()).unwrap_or_default().to_owned();
        Ok(Some(LogGroup { retention_days, failures }))
    }

    /// Counts the run records that match as failures of their stack.
    pub async fn put_failures_filter(&self, name: &str, pattern: &str) -> Result<(), AwsError> {
        let operation = operation("PutMetricFilter");
        let metric = MetricTransformation::builder()
            .metric_namespace(contract::METRIC_NAMESPACE)
            .metric_name(contract::METRIC_FAILURES)
            .metric_value("1")
            .dimensions("Stack", "$.stack")
            .dimensions("Environment", "$.environment")
            .build()
            .map_err(|error| incomplete(operation, &error))?;
        let send = || {
            let request = self.logs.put_metric_filter().log_group_name(name).filter_name(FILTER);
            request.filter_pattern(pattern).metric_transformations(metric.clone()).send()
        };
        self.caller.call(operation, send).await.map(drop)
    }

    /// Deletes the log group with everything in it.
    pub async fn delete_log_group(&self, name: &str) -> Result<(), AwsError> {
        let send = || self.logs.delete_log_group().log_group_name(name).send();
        match self.caller.call(operation("DeleteLogGroup"), send).await {
            Err(error) if error.class() != Class::Absent => Err(error),
            _ => Ok(()),
        }
    }

    /// Makes the log group; one that is there already is as good.
    pub async fn create_log_group(&self, name: &str, tags: &Tags) -> Result<(), AwsError> {
        let send = || {
            self.logs.create_log_group().log_group_name(name).set_tags(Some(tags.clone().into_iter().collect())).send()
        };
        match self.caller.call(operation("CreateLogGroup"), send).await {
            Err(error) if error.class() != Class::Exists => Err(error),
            _ => Ok(()),
        }
    }

    /// Says how long the log group keeps its events; 0 days means for ever.
    pub async fn put_retention(&self, name: &str, days: u32) -> Result<(), AwsError> {
        if days == 0 {
            let send = || self.logs.delete_retention_policy().log_group_name(name).send();
            return self.caller.call(operation("DeleteRetentionPolicy"), send).await.map(drop);
        }
        let days = i32::try_from(days).unwrap_or(i32::MAX);
        let send = || self.logs.put_retention_policy().log_group_name(name).retention_in_days(days).send();
        self.caller.call(operation("PutRetentionPolicy"), send).await.map(drop)
    }

    /// Events since a time that match a pattern, all pages. A log group that is not there has none.
    pub async fn filter_events(&self, group: &str, pattern: &str, since_ms: i64) -> Result<Vec<LogEvent>, AwsError> {
        let mut events = Vec::new();
        let mut token: Option<String> = None;
        loop {
            let send = || {
                self.logs
                    .filter_log_events()
                    .log_group_name(group)
                    .filter_pattern(pattern)
                    .start_time(since_ms)
                    .set_next_token(token.clone())
                    .send()
            };
            let answer = match self.caller.call(operation("FilterLogEvents"), send).await {
                Err(error) if error.class() == Class::Absent => return Ok(events),
                answer => answer?,
            };
            events.extend(answer.events().iter().map(|event| LogEvent {
                time: event.timestamp().unwrap_or_default(),
                stream: event.log_stream_name().unwrap_or_default().to_owned(),
                message: event.message().unwrap_or_default().to_owned(),
            }));
            match answer.next_token() {
                Some(next) if token.as_deref() != Some(next) => token = Some(next.to_owned()),
                _ => return Ok(events),
            }
        }
    }
}
