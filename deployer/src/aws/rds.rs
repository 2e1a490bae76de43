//! RDS: the network that a database is in.

use aws_sdk_rds::types::{DbInstance, DbSubnetGroup};

use super::Clients;
use super::bucket::Family;
use super::error::{AwsError, Operation, Repeat};

const DESCRIBE: Operation =
    Operation { service: "rds", name: "DescribeDBInstances", family: Family::Rds, repeat: Repeat::Safe };

/// Where a database is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DatabaseNetwork {
    /// Ids of its subnets, sorted.
    pub subnets: Vec<String>,
    /// Ids of its active security groups, sorted.
    pub security_groups: Vec<String>,
    /// Whether it has a public address.
    pub public: bool,
}

impl Clients {
    /// The network of the database instance of that name; none when there is no such instance.
    pub async fn database_network(&self, instance: &str) -> Result<Option<DatabaseNetwork>, AwsError> {
        let send = || self.rds.describe_db_instances().db_instance_identifier(instance).send();
        let answer = match self.caller.call(DESCRIBE, send).await {
            Err(error) if error.code == "DBInstanceNotFound" || error.code == "DBInstanceNotFoundFault" => {
                return Ok(None);
            }
            answer => answer?,
        };
        Ok(answer.db_instances().first().map(network))
    }
}

fn network(instance: &DbInstance) -> DatabaseNetwork {
    let subnets = instance.db_subnet_group().map(DbSubnetGroup::subnets).unwrap_or_default();
    let ids = |ids: Vec<String>| crate::desired::trigger::sorted(&ids);
    let active = |group: &&aws_sdk_rds::types::VpcSecurityGroupMembership| {
        group.status().is_none_or(|status| status == "active")
    };
    let groups = instance.vpc_security_groups().iter().filter(active);
    DatabaseNetwork {
        subnets: ids(subnets.iter().filter_map(|subnet| subnet.subnet_identifier().map(str::to_owned)).collect()),
        security_groups: ids(groups.filter_map(|group| group.vpc_security_group_id().map(str::to_owned)).collect()),
        public: instance.publicly_accessible().unwrap_or(false),
    }
}
