//! CloudWatch metrics of a run. They are worth five seconds and never a failed load.

use std::time::Duration;

use aws_sdk_cloudwatch::Client;
use aws_sdk_cloudwatch::error::DisplayErrorContext;
use aws_sdk_cloudwatch::types::{Dimension, MetricDatum, StandardUnit};
use aws_smithy_types::DateTime;
use jiff::Timestamp;
use manifest::contract;
use manifest::run::{Outcome, RunRecord};

use crate::settings::Stack;

/// How long a run waits for CloudWatch.
pub const PATIENCE: Duration = Duration::from_secs(5);

/// Puts the metrics of a run that belongs to a stack; says what went wrong, if anything did.
pub async fn put(stack: &Stack, record: &RunRecord, now: Timestamp) -> Result<(), String> {
    let send = async {
        let client = Client::new(&crate::aws::configuration().await);
        client
            .put_metric_data()
            .namespace(contract::METRIC_NAMESPACE)
            .set_metric_data(Some(data(stack, record, now)))
            .send()
            .await
            .map_err(|error| DisplayErrorContext(error).to_string())
    };
    match tokio::time::timeout(PATIENCE, send).await {
        Ok(answer) => answer.map(|_| ()),
        Err(_) => Err(format!("no answer within {} s", PATIENCE.as_secs())),
    }
}

#[expect(clippy::cast_precision_loss, reason = "CloudWatch keeps doubles")]
fn data(stack: &Stack, record: &RunRecord, now: Timestamp) -> Vec<MetricDatum> {
    let dimensions = [("Stack", &stack.name), ("Environment", &stack.environment), ("Dataset", &record.dataset)]
        .map(|(name, value)| Dimension::builder().name(name).value(value).build());
    let failed = matches!(record.outcome, Outcome::Failed | Outcome::Refused | Outcome::Stopped);
    let mut values = vec![
        (contract::METRIC_SECONDS, record.seconds, StandardUnit::Seconds),
        (contract::METRIC_FAILURES, f64::from(u8::from(failed)), StandardUnit::Count),
    ];
    if record.outcome == Outcome::Published {
        values.push((contract::METRIC_ROWS, record.rows as f64, StandardUnit::Count));
        values.push((contract::METRIC_BAD_VALUES, record.bad_values as f64, StandardUnit::Count));
    }
    values
        .into_iter()
        .map(|(name, value, unit)| {
            MetricDatum::builder()
                .metric_name(name)
                .set_dimensions(Some(dimensions.to_vec()))
                .timestamp(DateTime::from_millis(now.as_millisecond()))
                .value(value)
                .unit(unit)
                .build()
        })
        .collect()
}
