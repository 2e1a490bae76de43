//! CloudWatch Logs: the stack's log group, and the run records in it.

use super::Clients;
use super::bucket::Family;
use super::error::{AwsError, Class, Operation, Repeat};
use crate::desired::resource::{LogGroup, Tags};

const fn operation(name: &'static str) -> Operation {
    Operation { service: "logs", name, family: Family::Logs, repeat: Repeat::Safe }
}

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
        Ok(found.map(|group| LogGroup {
            retention_days: group.retention_in_days().and_then(|days| days.try_into().ok()).unwrap_or(0),
        }))
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
