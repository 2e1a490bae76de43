//! STS: who calls.

use super::Clients;
use super::bucket::Family;
use super::error::{AwsError, Operation, Repeat};

const GET_CALLER_IDENTITY: Operation =
    Operation { service: "sts", name: "GetCallerIdentity", family: Family::Sts, repeat: Repeat::Safe };

/// Who calls.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Caller {
    /// Twelve digits.
    pub account: String,
    /// ARN of the user or role.
    pub arn: String,
}

impl Clients {
    /// Who calls.
    pub async fn caller_identity(&self) -> Result<Caller, AwsError> {
        let answer = self.caller.call(GET_CALLER_IDENTITY, || self.sts.get_caller_identity().send()).await?;
        Ok(Caller {
            account: answer.account().unwrap_or_default().to_owned(),
            arn: answer.arn().unwrap_or_default().to_owned(),
        })
    }
}
