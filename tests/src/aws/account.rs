//! What an AWS account has before anything is deployed: a default network and the roles that belong to services.

use super::{Aws, tags};
use crate::error::{Error, Result};
use crate::http::percent_decode;

/// The default network of the account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Network {
    /// Ids of the default subnets, sorted.
    pub subnets: Vec<String>,
    /// Id of the default security group.
    pub security_group: String,
}

impl Aws {
    /// Reads the ids of the default network.
    pub fn default_network(&self) -> Result<Network> {
        let default = [("Filter.1.Name", "default-for-az"), ("Filter.1.Value.1", "true")];
        let mut subnets = tags(&self.query("ec2", "DescribeSubnets", &default)?, "subnetId");
        subnets.sort();
        let default = [("Filter.1.Name", "group-name"), ("Filter.1.Value.1", "default")];
        let groups = tags(&self.query("ec2", "DescribeSecurityGroups", &default)?, "groupId");
        let security_group = groups.into_iter().next();
        match security_group.filter(|_| !subnets.is_empty()) {
            Some(security_group) => Ok(Network { subnets, security_group }),
            None => Err(Error::failed(&self.endpoint, "there is no default network at this endpoint")),
        }
    }

    /// Fails when a role is missing, or its trust policy does not let this service assume it.
    pub fn check_role(&self, arn: &str, service: &str) -> Result<()> {
        let name = arn.rsplit('/').next().unwrap_or_default();
        let role = self.query("iam", "GetRole", &[("RoleName", name)])?;
        let trust = tags(&role, "AssumeRolePolicyDocument").into_iter().next().unwrap_or_default();
        if percent_decode(&trust).contains(&format!("\"{service}\"")) {
            return Ok(());
        }
        Err(Error::failed(arn, format!("{service} is not allowed to assume this role")))
    }

    /// Makes the role that AWS Batch makes for itself in a real account, and returns its ARN. Nothing happens when it is
    /// there already.
    pub fn make_batch_service_role(&self) -> Result<String> {
        const NAME: &str = "AWSServiceRoleForBatch";
        let trust = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"batch.amazonaws.com"},"Action":"sts:AssumeRole"}]}"#;
        let parameters = [
            ("RoleName", NAME),
            ("Path", "/aws-service-role/batch.amazonaws.com/"),
            ("AssumeRolePolicyDocument", trust),
        ];
        let made = match self.query("iam", "CreateRole", &parameters) {
            Err(Error::Aws { code, .. }) if code == "EntityAlreadyExists" => {
                self.query("iam", "GetRole", &[("RoleName", NAME)])
            }
            other => other,
        };
        tags(&made?, "Arn").into_iter().next().ok_or_else(|| Error::failed("iam:CreateRole", "the answer holds no ARN"))
    }
}
