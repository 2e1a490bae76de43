//! CloudWatch: the stack's alarms and dashboards. An alarm is one call and holds its hash in its Description; a dashboard
//! holds it in the text on top.

use aws_sdk_cloudwatch::types::{AlarmType, ComparisonOperator, Dimension, MetricAlarm, Statistic, Tag};
use serde_json::{Value, json};

use super::Clients;
use super::bucket::Family;
use super::error::{AwsError, Class, Operation, Repeat};
use crate::desired::resource::Tags;
use crate::desired::watch::{Alarm, Dashboard, dashboard_json};

const fn operation(name: &'static str) -> Operation {
    Operation { service: "cloudwatch", name, family: Family::CloudWatch, repeat: Repeat::Safe }
}

/// Writes of alarms, which AWS takes more slowly than all else here.
const fn of_alarms(name: &'static str) -> Operation {
    Operation { family: Family::Alarms, ..operation(name) }
}

/// An alarm that exists.
#[derive(Debug, Clone, PartialEq)]
pub struct FoundAlarm {
    /// Its name.
    pub name: String,
    /// Its Description.
    pub description: String,
    /// Its content in the form of [`Alarm`].
    pub body: Value,
}

/// A dashboard that exists.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FoundDashboard {
    /// Its name.
    pub name: String,
    /// The text on top.
    pub note: String,
}

impl Clients {
    /// Alarms whose name begins so, all pages.
    pub async fn alarms(&self, prefix: &str) -> Result<Vec<FoundAlarm>, AwsError> {
        let mut alarms = Vec::new();
        let mut token: Option<String> = None;
        loop {
            let send = || {
                let request = self.cloudwatch.describe_alarms().alarm_name_prefix(prefix).max_records(100);
                request.alarm_types(AlarmType::MetricAlarm).set_next_token(token.clone()).send()
            };
            let answer = self.caller.call(operation("DescribeAlarms"), send).await?;
            alarms.extend(answer.metric_alarms().iter().map(|alarm| FoundAlarm {
                name: alarm.alarm_name().unwrap_or_default().to_owned(),
                description: alarm.alarm_description().unwrap_or_default().to_owned(),
                body: body(alarm),
            }));
            match answer.next_token() {
                Some(next) => token = Some(next.to_owned()),
                None => return Ok(alarms),
            }
        }
    }

    /// The tags of an alarm.
    pub async fn alarm_tags(&self, arn: &str) -> Result<Tags, AwsError> {
        let send = || self.cloudwatch.list_tags_for_resource().resource_arn(arn).send();
        let answer = self.caller.call(operation("ListTagsForResource"), send).await?;
        Ok(answer.tags().iter().filter_map(|tag| Some((tag.key()?.to_owned(), tag.value()?.to_owned()))).collect())
    }

    /// Makes an alarm, or makes it what it should be. Tags are taken only when it is made.
    pub async fn put_alarm(&self, name: &str, alarm: &Alarm, description: &str, tags: &Tags) -> Result<(), AwsError> {
        let dimension = |(name, value): (&String, &String)| Dimension::builder().name(name).value(value).build();
        let dimensions: Vec<Dimension> = alarm.metric.dimensions.iter().map(dimension).collect();
        let tags: Vec<Tag> = tags.iter().map(|(key, value)| Tag::builder().key(key).value(value).build()).collect();
        let send = || {
            self.cloudwatch
                .put_metric_alarm()
                .alarm_name(name)
                .alarm_description(description)
                .namespace(&alarm.metric.namespace)
                .metric_name(&alarm.metric.name)
                .set_dimensions(Some(dimensions.clone()))
                .statistic(Statistic::from(alarm.statistic.as_str()))
                .period(i32::try_from(alarm.period_seconds).unwrap_or(i32::MAX))
                .evaluation_periods(1)
                .threshold(f64::from(alarm.threshold))
                .comparison_operator(ComparisonOperator::GreaterThanOrEqualToThreshold)
                .treat_missing_data("notBreaching")
                .alarm_actions(&alarm.topic)
                .set_tags(Some(tags.clone()))
                .send()
        };
        self.caller.call(of_alarms("PutMetricAlarm"), send).await.map(drop)
    }

    /// Deletes an alarm of ours; one that is gone already is as good.
    pub async fn delete_alarm(&self, name: &str) -> Result<(), AwsError> {
        let send = || self.cloudwatch.delete_alarms().alarm_names(name).send();
        match self.caller.call(of_alarms("DeleteAlarms"), send).await {
            Err(error) if error.class() != Class::Absent => Err(error),
            _ => Ok(()),
        }
    }

    /// Names of dashboards that begin so, all pages.
    pub async fn dashboards(&self, prefix: &str) -> Result<Vec<String>, AwsError> {
        let mut names = Vec::new();
        let mut token: Option<String> = None;
        loop {
            let send =
                || self.cloudwatch.list_dashboards().dashboard_name_prefix(prefix).set_next_token(token.clone()).send();
            let answer = self.caller.call(operation("ListDashboards"), send).await?;
            names.extend(answer.dashboard_entries().iter().filter_map(|one| one.dashboard_name().map(str::to_owned)));
            match answer.next_token() {
                Some(next) => token = Some(next.to_owned()),
                None => return Ok(names),
            }
        }
    }

    /// The dashboard of that name.
    pub async fn dashboard(&self, name: &str) -> Result<Option<FoundDashboard>, AwsError> {
        let send = || self.cloudwatch.get_dashboard().dashboard_name(name).send();
        let answer = match self.caller.call(operation("GetDashboard"), send).await {
            Err(error) if error.class() == Class::Absent => return Ok(None),
            answer => answer?,
        };
        let body: Value = serde_json::from_str(answer.dashboard_body().unwrap_or_default()).unwrap_or_default();
        let note = body["widgets"][0]["properties"]["markdown"].as_str().unwrap_or_default().to_owned();
        Ok(Some(FoundDashboard { name: name.to_owned(), note }))
    }

    /// Makes a dashboard, or makes it what it should be.
    pub async fn put_dashboard(&self, name: &str, dashboard: &Dashboard, note: &str) -> Result<(), AwsError> {
        let operation = operation("PutDashboard");
        let body = dashboard_json(dashboard, note).to_string();
        let send = || self.cloudwatch.put_dashboard().dashboard_name(name).dashboard_body(&body).send();
        let answer = self.caller.call(operation, send).await?;
        // HTTP 200 with messages is how CloudWatch says that it will not show some of it.
        match answer.dashboard_validation_messages().first().and_then(|message| message.message()) {
            Some(message) => Err(AwsError::ours(operation, "NotValid", message)),
            None => Ok(()),
        }
    }

    /// Deletes a dashboard of ours; one that is gone already is as good.
    pub async fn delete_dashboard(&self, name: &str) -> Result<(), AwsError> {
        let send = || self.cloudwatch.delete_dashboards().dashboard_names(name).send();
        match self.caller.call(operation("DeleteDashboards"), send).await {
            Err(error) if error.class() != Class::Absent => Err(error),
            _ => Ok(()),
        }
    }
}

/// A registered alarm in the form of ours.
fn body(alarm: &MetricAlarm) -> Value {
    let dimensions: std::collections::BTreeMap<&str, &str> =
        alarm.dimensions().iter().filter_map(|dimension| Some((dimension.name()?, dimension.value()?))).collect();
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "shown to people only")]
    let threshold = alarm.threshold().map(|threshold| threshold as u32);
    json!({
        "words": alarm.alarm_description().unwrap_or_default().split(" freshet:v1").next(),
        "metric": {"namespace": alarm.namespace(), "name": alarm.metric_name(), "dimensions": dimensions},
        "statistic": alarm.statistic().map(Statistic::as_str),
        "period_seconds": alarm.period(),
        "threshold": threshold,
        "topic": alarm.alarm_actions().first(),
    })
}
