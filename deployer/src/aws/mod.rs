//! The border to AWS: one file per service, each translating between the SDK's types and our plain ones. In: a region, an
//! endpoint where it is not AWS's own, credentials from where the SDK finds them. Out: clients that keep to AWS's rates.

pub mod batch;
pub mod bucket;
pub mod call;
pub mod cloudwatch;
pub mod ecr;
pub mod ecs;
pub mod error;
pub mod events;
pub mod foreign;
pub mod iam;
pub mod jobs;
#[cfg(test)]
pub(crate) mod limited;
pub mod logs;
pub mod rds;
#[cfg(test)]
mod replay;
pub mod scheduler;
pub mod secrets;
pub mod sns;
pub mod sqs;
pub mod sts;
pub mod task_definitions;
pub mod turn;

use std::sync::Arc;
use std::time::Duration;

use aws_config::retry::RetryConfig;
use aws_config::timeout::TimeoutConfig;
use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_smithy_http_client::Builder;
use aws_smithy_http_client::tls::{Provider, rustls_provider::CryptoMode};
use aws_smithy_runtime_api::client::http::SharedHttpClient;

use self::bucket::Pace;
use self::call::Caller;
use crate::clock::Clock;

/// Longest wait for a connection.
const CONNECT: Duration = Duration::from_secs(5);
/// Longest wait for an answer.
const ANSWER: Duration = Duration::from_secs(30);

/// A client per service.
#[derive(Debug)]
pub struct Clients {
    /// What every call goes through.
    pub caller: Caller,
    pub(crate) batch: aws_sdk_batch::Client,
    pub(crate) cloudwatch: aws_sdk_cloudwatch::Client,
    pub(crate) ecr: aws_sdk_ecr::Client,
    pub(crate) ecs: aws_sdk_ecs::Client,
    pub(crate) events: aws_sdk_eventbridge::Client,
    pub(crate) iam: aws_sdk_iam::Client,
    pub(crate) logs: aws_sdk_cloudwatchlogs::Client,
    pub(crate) rds: aws_sdk_rds::Client,
    pub(crate) scheduler: aws_sdk_scheduler::Client,
    pub(crate) secrets: aws_sdk_secretsmanager::Client,
    pub(crate) sns: aws_sdk_sns::Client,
    pub(crate) sqs: aws_sdk_sqs::Client,
    pub(crate) sts: aws_sdk_sts::Client,
}

impl Clients {
    /// Clients for this region; at this endpoint instead of AWS's own when there is one.
    pub async fn new(region: &str, endpoint: Option<&str>, clock: Arc<dyn Clock>) -> Self {
        let timeouts = TimeoutConfig::builder().connect_timeout(CONNECT).operation_attempt_timeout(ANSWER).build();
        let mut loader = aws_config::defaults(BehaviorVersion::latest())
            .http_client(http())
            .region(Region::new(region.to_owned()))
            .retry_config(RetryConfig::disabled())
            .timeout_config(timeouts);
        if let Some(endpoint) = endpoint {
            loader = loader.endpoint_url(endpoint);
        }
        let pace = if endpoint.is_some_and(is_loopback) { Pace::Unbounded } else { Pace::Published };
        Self::with(&loader.load().await, Caller::new(clock, pace))
    }

    fn with(config: &SdkConfig, caller: Caller) -> Self {
        Self {
            caller,
            batch: aws_sdk_batch::Client::new(config),
            cloudwatch: aws_sdk_cloudwatch::Client::new(config),
            ecr: aws_sdk_ecr::Client::new(config),
            ecs: aws_sdk_ecs::Client::new(config),
            events: aws_sdk_eventbridge::Client::new(config),
            iam: aws_sdk_iam::Client::new(config),
            logs: aws_sdk_cloudwatchlogs::Client::new(config),
            rds: aws_sdk_rds::Client::new(config),
            scheduler: aws_sdk_scheduler::Client::new(config),
            secrets: aws_sdk_secretsmanager::Client::new(config),
            sns: aws_sdk_sns::Client::new(config),
            sqs: aws_sdk_sqs::Client::new(config),
            sts: aws_sdk_sts::Client::new(config),
        }
    }
}

/// One HTTP client for all services; one TLS provider in the whole program.
fn http() -> SharedHttpClient {
    Builder::new().tls_provider(Provider::Rustls(CryptoMode::Ring)).build_https()
}

/// Whether an endpoint is on this machine.
fn is_loopback(endpoint: &str) -> bool {
    let rest = endpoint.split_once("://").map_or(endpoint, |(_, rest)| rest);
    ["127.", "localhost", "[::1]"].iter().any(|host| rest.starts_with(host))
}

/// A request that could not be put together: a field that the service demands was left out.
pub(crate) fn incomplete(
    operation: error::Operation,
    error: &aws_smithy_types::error::operation::BuildError,
) -> error::AwsError {
    error::AwsError::ours(operation, "IncompleteRequest", format!("the request could not be put together: {error}"))
}
