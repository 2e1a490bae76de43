//! ECR: the digest that a tag of a private repository means.

use aws_sdk_ecr::config::{Builder, Region};
use aws_sdk_ecr::types::ImageIdentifier;

use super::Clients;
use super::bucket::Family;
use super::error::{AwsError, Operation, Repeat};

const DESCRIBE: Operation =
    Operation { service: "ecr", name: "DescribeImages", family: Family::Ecr, repeat: Repeat::Safe };

impl Clients {
    /// The digest of a tag; none when the repository or the tag is not there. The registry may be another account's.
    pub async fn image_digest(
        &self,
        region: &str,
        account: &str,
        repository: &str,
        tag: &str,
    ) -> Result<Option<String>, AwsError> {
        let image = ImageIdentifier::builder().image_tag(tag).build();
        let send = || {
            let request = self.ecr.describe_images().registry_id(account).repository_name(repository);
            let request = request.image_ids(image.clone()).customize();
            request.config_override(Builder::new().region(Region::new(region.to_owned()))).send()
        };
        match self.caller.call(DESCRIBE, send).await {
            Err(error) if ["ImageNotFoundException", "RepositoryNotFoundException"].contains(&error.code.as_str()) => {
                Ok(None)
            }
            answer => Ok(answer?.image_details().first().and_then(|image| image.image_digest()).map(str::to_owned)),
        }
    }
}
