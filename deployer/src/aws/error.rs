//! What AWS answers when it does not do as asked. In: an SDK error. Out: service, operation, code, message, HTTP status and
//! request id in plain words, the class that decides what we do next, and what a person should do.

use std::fmt;

use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;

/// One API operation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Operation {
    /// The service as IAM spells it, such as `ecs`.
    pub service: &'static str,
    /// The operation, such as `RunTask`.
    pub name: &'static str,
    /// Whose rate limit it counts against.
    pub family: super::bucket::Family,
    /// Whether asking twice does the same as asking once.
    pub repeat: Repeat,
}

/// Whether asking twice does the same as asking once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Repeat {
    /// It does: a read, a put, a delete, or a request with a token.
    Safe,
    /// It does not: after an answer that was lost, look first.
    LookFirst,
}

/// What an error means for what we do next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Class {
    /// Too fast; it was not done.
    Throttled,
    /// A role or policy that was just made is not known everywhere yet; it was not done.
    Propagating,
    /// The answer was lost or the server failed: it may have been done.
    Unknown,
    /// There is no such thing.
    Absent,
    /// There is one already, or another change of it is under way.
    Exists,
    /// The caller may not.
    Denied,
    /// It will not be done.
    Refused,
}

/// An API call that failed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub struct AwsError {
    /// The service.
    pub service: &'static str,
    /// The operation.
    pub operation: &'static str,
    /// AWS's code, such as `ThrottlingException`; empty when there was no answer to read one from.
    pub code: String,
    /// AWS's words, or ours when there were none.
    pub message: String,
    /// HTTP status; none when there was no answer.
    pub status: Option<u16>,
    /// AWS's id of the request.
    pub request_id: Option<String>,
}

impl fmt::Display for AwsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.service, self.operation)?;
        if !self.code.is_empty() {
            write!(f, " {}", self.code)?;
        }
        if let Some(status) = self.status {
            write!(f, " (HTTP {status})")?;
        }
        write!(f, ": {}", self.message)?;
        if let Some(id) = &self.request_id {
            write!(f, " [request {id}]")?;
        }
        if let Some(advice) = self.advice() {
            write!(f, "; {advice}")?;
        }
        Ok(())
    }
}

impl AwsError {
    /// The plain words of an SDK error.
    pub fn new<E>(operation: Operation, error: &SdkError<E, HttpResponse>) -> Self
    where
        E: ProvideErrorMetadata + std::error::Error + 'static,
    {
        let response = error.raw_response();
        let header = |name: &str| response.and_then(|response| response.headers().get(name)).map(str::to_owned);
        let metadata = error.as_service_error().map(ProvideErrorMetadata::meta);
        let code = metadata.and_then(|meta| meta.code()).unwrap_or_default().to_owned();
        // The typed `message()` of some services is empty although the metadata has the text.
        let words = metadata.and_then(|meta| meta.message()).filter(|text| !text.is_empty()).map(str::to_owned);
        Self {
            service: operation.service,
            operation: operation.name,
            message: words.unwrap_or_else(|| wordless(&code, error)),
            code,
            status: response.map(|response| response.status().as_u16()),
            request_id: header("x-amzn-requestid").or_else(|| header("x-amz-request-id")),
        }
    }

    /// An error of our own: about an answer that cannot be right, or a request that cannot be made.
    pub fn ours(operation: Operation, code: &str, message: impl Into<String>) -> Self {
        Self {
            service: operation.service,
            operation: operation.name,
            code: code.to_owned(),
            message: message.into(),
            status: None,
            request_id: None,
        }
    }

    /// What the error means for what we do next.
    pub fn class(&self) -> Class {
        let says = |text: &str| self.message.contains(text);
        let code = |texts: &[&str]| texts.iter().any(|text| self.code.eq_ignore_ascii_case(text));
        // Two throttles that come under another name: ECS on one family, and a subnet look-up inside RunTask.
        let disguised = says("Too many concurrent attempts to create a new revision") || says("Rate exceeded");
        if disguised || self.status == Some(429) || code(&THROTTLES) {
            return Class::Throttled;
        }
        if PROPAGATIONS.iter().any(|text| says(text)) {
            return Class::Propagating;
        }
        if code(&ABSENT) || says("does not exist") || says("is not found") {
            return Class::Absent;
        }
        if code(&EXISTS) || says("already exists") {
            return Class::Exists;
        }
        if code(&DENIED) || self.status == Some(403) {
            return Class::Denied;
        }
        match self.status {
            None if self.code.is_empty() => Class::Unknown,
            Some(500..) => Class::Unknown,
            _ => Class::Refused,
        }
    }

    /// What a person should do, where the message does not say it.
    pub fn advice(&self) -> Option<String> {
        Some(match self.class() {
            Class::Denied
                if self.code.contains("Token") || self.code.contains("Signature") || self.code.contains("ClientId") =>
            {
                "sign in again: these credentials are not, or no longer, valid".to_owned()
            }
            Class::Denied => format!("allow {}:{} to whoever deploys", self.service, self.operation),
            Class::Throttled => "AWS is busy with this account; run it again later".to_owned(),
            Class::Propagating => "the role's trust policy does not let the service assume it".to_owned(),
            Class::Unknown => "run it again: what was done is found and kept".to_owned(),
            Class::Absent | Class::Exists | Class::Refused => return None,
        })
    }
}

const THROTTLES: [&str; 9] = [
    "ThrottlingException",
    "Throttling",
    "ThrottledException",
    "TooManyRequestsException",
    "RequestLimitExceeded",
    "ConcurrentModificationException",
    "RequestThrottled",
    // A queue's name can be taken again after a minute.
    "QueueDeletedRecently",
    "AWS.SimpleQueueService.QueueDeletedRecently",
];

/// What services say of a role that IAM has not told them of yet. Also what they say for good when its trust is wrong.
const PROPAGATIONS: [&str; 5] = [
    "must allow AWS EventBridge Scheduler to assume the role",
    "Role is not valid",
    "is not authorized to perform AssumeRole on role",
    "unable to assume the role",
    "Invalid principal in policy",
];

const ABSENT: [&str; 10] = [
    "ResourceNotFoundException",
    "NoSuchEntity",
    "NoSuchEntityException",
    "ClusterNotFoundException",
    "QueueDoesNotExist",
    "NotFound",
    "ResourceNotFound",
    "NotFoundException",
    "DashboardNotFoundError",
    "AWS.SimpleQueueService.NonExistentQueue",
];

const EXISTS: [&str; 6] = [
    "ResourceAlreadyExistsException",
    "ResourceExistsException",
    "EntityAlreadyExists",
    "EntityAlreadyExistsException",
    "ConflictException",
    "QueueAlreadyExists",
];

const DENIED: [&str; 8] = [
    "AccessDenied",
    "AccessDeniedException",
    "UnauthorizedOperation",
    "UnrecognizedClientException",
    "InvalidClientTokenId",
    "ExpiredToken",
    "ExpiredTokenException",
    "SignatureDoesNotMatch",
];

/// Our words where AWS had none. The SDK's own text of an answer that it cannot read quotes the parser, not the matter.
fn wordless<E>(code: &str, error: &SdkError<E, HttpResponse>) -> String
where
    E: std::error::Error + 'static,
{
    match error {
        SdkError::ConstructionFailure(_) => "the request could not be put together".to_owned(),
        SdkError::TimeoutError(_) => "no answer in time".to_owned(),
        SdkError::DispatchFailure(failure) => {
            let cause = failure.as_connector_error().map(|error| root(error)).unwrap_or_default();
            format!("no connection to the endpoint: {cause}")
        }
        SdkError::ServiceError(_) if !code.is_empty() => "the service gave no reason".to_owned(),
        _ => "the endpoint answered with something that is not an answer of this service".to_owned(),
    }
}

/// The innermost cause, which is the one that tells.
fn root(error: &(dyn std::error::Error + 'static)) -> String {
    let mut cause = error;
    while let Some(inner) = cause.source() {
        cause = inner;
    }
    cause.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(code: &str, message: &str, status: Option<u16>) -> AwsError {
        AwsError {
            service: "ecs",
            operation: "RunTask",
            code: code.to_owned(),
            message: message.to_owned(),
            status,
            request_id: None,
        }
    }

    #[test]
    fn throttles_are_recognised_in_every_disguise() {
        let plain = error("ThrottlingException", "Rate exceeded", Some(400));
        let family = "Too many concurrent attempts to create a new revision of the specified family.";
        let subnet = "Error retrieving subnet information for [subnet-a]: Rate exceeded (Service: AmazonEC2)";
        let disguised = [
            error("ClientException", family, Some(400)),
            error("InvalidParameterException", subnet, Some(400)),
            error("", "slow down", Some(429)),
            error("TooManyRequestsException", "", Some(400)),
            error("ConcurrentModificationException", "", Some(400)),
        ];
        for error in disguised.iter().chain([&plain]) {
            assert_eq!(error.class(), Class::Throttled, "{error}");
        }
    }

    #[test]
    fn a_lost_answer_is_told_from_a_refusal() {
        assert_eq!(error("", "no answer in time", None).class(), Class::Unknown);
        assert_eq!(error("InternalFailure", "", Some(500)).class(), Class::Unknown);
        assert_eq!(error("ValidationException", "bad cron", Some(400)).class(), Class::Refused);
        assert_eq!(error("AccessDeniedException", "no", Some(400)).class(), Class::Denied);
    }

    #[test]
    fn a_role_that_iam_has_not_told_of_yet_is_recognised() {
        let message = "The execution role you provide must allow AWS EventBridge Scheduler to assume the role.";
        assert_eq!(error("ValidationException", message, Some(400)).class(), Class::Propagating);
    }

    #[test]
    fn an_error_says_who_what_and_what_to_do() {
        let mut error = error("AccessDeniedException", "User is not authorized", Some(400));
        error.request_id = Some("abc".to_owned());
        assert_eq!(
            error.to_string(),
            "ecs:RunTask AccessDeniedException (HTTP 400): User is not authorized [request abc]; \
             allow ecs:RunTask to whoever deploys"
        );
    }
}
