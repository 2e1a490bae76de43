//! One call of an API, with patience. In: an operation and a way to send it. Out: its answer, or the error after which more
//! patience would not help. The SDK's own retries are off: it cannot know which requests may be sent twice.

use std::future::Future;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;
use jiff::Timestamp;

use super::bucket::{Buckets, Pace};
use super::error::{AwsError, Class, Operation, Repeat};
use crate::clock::Clock;

/// Tries against a throttle; the waits between them add up to about a minute.
const THROTTLED_TRIES: u32 = 8;
/// Tries against lost answers and failing servers, where asking twice does no harm.
const UNKNOWN_TRIES: u32 = 4;
/// How long a new role may take until every service knows it.
const PROPAGATION: Duration = Duration::from_mins(2);
/// Between two tries while a role spreads.
const PROPAGATION_WAIT: Duration = Duration::from_secs(5);

/// Sends requests: at AWS's rates, and again where that is right.
#[derive(Debug)]
pub struct Caller {
    clock: Arc<dyn Clock>,
    buckets: Buckets,
    propagating_until: Mutex<Option<Timestamp>>,
}

impl Caller {
    /// A caller that keeps this time.
    pub fn new(clock: Arc<dyn Clock>, pace: Pace) -> Self {
        Self { clock, buckets: Buckets::new(pace), propagating_until: Mutex::new(None) }
    }

    /// The clock that it keeps.
    pub fn clock(&self) -> &dyn Clock {
        &*self.clock
    }

    /// A role or policy was just made: for two minutes, errors that say it is not there are not believed.
    pub fn role_made(&self) {
        let until = self.clock.now().checked_add(PROPAGATION).ok();
        *self.propagating_until.lock().unwrap_or_else(PoisonError::into_inner) = until;
    }

    fn may_be_propagating(&self) -> bool {
        let until = *self.propagating_until.lock().unwrap_or_else(PoisonError::into_inner);
        until.is_some_and(|until| self.clock.now() < until)
    }

    /// Sends a request until it is answered, refused, or patience ends. A request that may not be sent twice comes back
    /// with [`Class::Unknown`] after one lost answer: the one who asked has to look.
    pub async fn call<T, E, F, S>(&self, operation: Operation, send: S) -> Result<T, AwsError>
    where
        E: ProvideErrorMetadata + std::error::Error + 'static,
        F: Future<Output = Result<T, SdkError<E, HttpResponse>>>,
        S: Fn() -> F,
    {
        let mut tries: u32 = 0;
        loop {
            self.clock.wait(self.buckets.take(operation.family, self.clock.now())).await;
            // Boxed: the SDK's futures are large, and there are many of them side by side.
            let error = match Box::pin(send()).await {
                Ok(answer) => {
                    tracing::debug!(service = operation.service, operation = operation.name, "answered");
                    return Ok(answer);
                }
                Err(error) => AwsError::new(operation, &error),
            };
            tracing::debug!(service = operation.service, operation = operation.name, %error, "failed");
            tries += 1;
            match self.pause(operation, &error, tries) {
                Some(pause) => self.clock.wait(self.buckets.patience(pause)).await,
                None => return Err(error),
            }
        }
    }

    /// How long to wait before the next try; none when there is to be none.
    fn pause(&self, operation: Operation, error: &AwsError, tries: u32) -> Option<Duration> {
        match error.class() {
            Class::Throttled if tries < THROTTLED_TRIES => {
                self.buckets.drain(operation.family);
                Some(Duration::from_millis(500).saturating_mul(1 << (tries - 1)))
            }
            Class::Propagating if self.may_be_propagating() => Some(PROPAGATION_WAIT),
            Class::Unknown if operation.repeat == Repeat::Safe && tries < UNKNOWN_TRIES => {
                Some(Duration::from_millis(200).saturating_mul(1 << (tries - 1)))
            }
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};

    use aws_smithy_types::error::ErrorMetadata;

    use super::*;
    use crate::aws::bucket::Family;
    use crate::clock::counting::Counting;

    #[derive(Debug, thiserror::Error)]
    #[error("service error")]
    struct Answer(ErrorMetadata);

    impl ProvideErrorMetadata for Answer {
        fn meta(&self) -> &ErrorMetadata {
            &self.0
        }
    }

    const REGISTER: Operation = Operation {
        service: "ecs",
        name: "RegisterTaskDefinition",
        family: Family::EcsRegister,
        repeat: Repeat::LookFirst,
    };

    #[expect(clippy::result_large_err, reason = "the size of the SDK's own error")]
    fn refuse<T>(code: &str, message: &str, status: u16) -> Result<T, SdkError<Answer, HttpResponse>> {
        let meta = ErrorMetadata::builder().code(code).message(message).build();
        let response = HttpResponse::new(status.try_into().unwrap(), aws_smithy_types::body::SdkBody::empty());
        Err(SdkError::service_error(Answer(meta), response))
    }

    /// Answers with errors until they run out; returns how often it was asked, and how long that took.
    async fn ask(operation: Operation, roles: bool, errors: &[(&str, &str, u16)]) -> (Result<u32, AwsError>, u32, i64) {
        let clock = Arc::new(Counting::at(Timestamp::UNIX_EPOCH));
        let caller = Caller::new(clock.clone(), Pace::Published);
        if roles {
            caller.role_made();
        }
        let asked = AtomicU32::new(0);
        let result = caller
            .call(operation, async || {
                let n = asked.fetch_add(1, Ordering::SeqCst);
                let error = errors.get(n as usize).or_else(|| errors.last().filter(|_| errors.len() == 1));
                match error {
                    Some((code, message, status)) => refuse(code, message, *status),
                    None => Ok(n),
                }
            })
            .await;
        (result, asked.into_inner(), clock.now().as_second())
    }

    #[tokio::test]
    async fn a_throttle_is_waited_out_even_when_asking_twice_would_do_harm() {
        let family = "Too many concurrent attempts to create a new revision of the specified family.";
        let throttles = [("ClientException", family, 400), ("ThrottlingException", "Rate exceeded", 400)];
        let (result, asked, _) = ask(REGISTER, false, &throttles).await;
        assert_eq!((result, asked), (Ok(2), 3));
    }

    #[tokio::test]
    async fn a_request_that_may_not_be_sent_twice_is_not_after_a_lost_answer() {
        let (result, asked, _) = ask(REGISTER, false, &[("InternalError", "", 500)]).await;
        assert_eq!(result.map_err(|e| e.class()), Err(Class::Unknown));
        assert_eq!(asked, 1);
        let read = Operation { repeat: Repeat::Safe, ..REGISTER };
        let (result, asked, _) = ask(read, false, &[("InternalError", "", 500), ("InternalError", "", 503)]).await;
        assert_eq!((result, asked), (Ok(2), 3));
    }

    #[tokio::test]
    async fn a_role_that_spreads_is_given_two_minutes_and_then_reported() {
        let message = "The execution role you provide must allow AWS EventBridge Scheduler to assume the role.";
        let (result, asked, seconds) = ask(REGISTER, true, &[("ValidationException", message, 400)]).await;
        assert!(result.is_err_and(|e| e.to_string().ends_with("does not let the service assume it")));
        assert_eq!((asked, seconds), (25, 120), "a try every five seconds");
        let (_, asked, _) = ask(REGISTER, false, &[("ValidationException", message, 400)]).await;
        assert_eq!(asked, 1, "without a new role the error is believed");
    }

    #[tokio::test]
    async fn a_refusal_is_not_asked_again() {
        let (result, asked, seconds) = ask(REGISTER, true, &[("ValidationException", "bad cron", 400)]).await;
        assert!(result.is_err());
        assert_eq!((asked, seconds), (1, 0));
    }
}
