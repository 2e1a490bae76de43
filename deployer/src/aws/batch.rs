//! AWS Batch: compute environment, job queue, job definitions, and submitting a job now.

use std::collections::BTreeMap;
use std::time::Duration;

use aws_sdk_batch::types::{
    ArrayProperties, CeState, CeStatus, ComputeEnvironmentOrder, ComputeResource, ComputeResourceUpdate,
    CrAllocationStrategy, CrType, JqState, JqStatus,
};

use super::Clients;
use super::bucket::Family;
use super::ecs::Overrides;
use super::error::{AwsError, Class, Operation, Repeat};
use crate::desired::resource::{ComputeEnvironment, Instances, JobQueue, Tags};

pub(super) const fn operation(name: &'static str, repeat: Repeat) -> Operation {
    Operation { service: "batch", name, family: Family::Batch, repeat }
}

/// How long a compute environment or a queue may take to become what it is told.
const SETTLED_WITHIN: Duration = Duration::from_mins(10);
/// Between two looks at it.
const LOOK_EVERY: Duration = Duration::from_secs(2);

/// A thing of Batch that exists.
#[derive(Debug, Clone, PartialEq)]
pub struct FoundPlace<T> {
    /// What it is.
    pub body: T,
    /// Whether it takes jobs.
    pub condition: Condition,
    /// Batch's words about its condition.
    pub reason: String,
    /// Its tags.
    pub tags: Tags,
}

/// Whether a compute environment or a queue takes jobs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Condition {
    /// Valid and enabled.
    Ready,
    /// Valid and disabled.
    Disabled,
    /// On its way.
    Changing,
    /// It will not become valid by itself.
    Invalid,
}

impl Clients {
    /// The compute environment of that name.
    pub async fn compute_environment(&self, name: &str) -> Result<Option<FoundPlace<ComputeEnvironment>>, AwsError> {
        Ok(self.compute_environments(vec![name.to_owned()]).await?.into_values().next())
    }

    /// Those of these names that are there, at most 100.
    pub async fn compute_environments(
        &self,
        names: Vec<String>,
    ) -> Result<BTreeMap<String, FoundPlace<ComputeEnvironment>>, AwsError> {
        let send = || self.batch.describe_compute_environments().set_compute_environments(Some(names.clone())).send();
        let answer = self.caller.call(operation("DescribeComputeEnvironments", Repeat::Safe), send).await?;
        let there = answer.compute_environments().iter().filter(|found| found.status() != Some(&CeStatus::Deleted));
        Ok(there
            .map(|found| {
                let resources = found.compute_resources();
                let ids = |ids: Option<&[String]>| crate::desired::trigger::sorted(ids.unwrap_or_default());
                let place = FoundPlace {
                    body: ComputeEnvironment {
                        subnets: ids(resources.map(ComputeResource::subnets)),
                        security_groups: ids(resources.map(ComputeResource::security_group_ids)),
                        max_vcpus: resources
                            .and_then(ComputeResource::maxv_cpus)
                            .and_then(|n| n.try_into().ok())
                            .unwrap_or_default(),
                        compute: resources
                            .and_then(ComputeResource::r#type)
                            .map_or_else(String::new, |kind| kind.as_str().to_owned()),
                        instances: resources.and_then(|resources| {
                            let profile = resources.instance_role()?.to_owned();
                            Some(Instances { types: resources.instance_types().to_vec(), profile })
                        }),
                    },
                    condition: match (found.status(), found.state()) {
                        (Some(CeStatus::Valid), Some(CeState::Disabled)) => Condition::Disabled,
                        (Some(CeStatus::Valid), _) => Condition::Ready,
                        (Some(CeStatus::Invalid), _) => Condition::Invalid,
                        _ => Condition::Changing,
                    },
                    reason: found.status_reason().unwrap_or_default().to_owned(),
                    tags: found.tags().map(|tags| tags.clone().into_iter().collect()).unwrap_or_default(),
                };
                (found.compute_environment_name().unwrap_or_default().to_owned(), place)
            })
            .collect())
    }

    /// Makes a compute environment under this service role, and waits until it is valid.
    pub async fn create_compute_environment(
        &self,
        name: &str,
        body: &ComputeEnvironment,
        service_role: &str,
        tags: &Tags,
    ) -> Result<(), AwsError> {
        let kind = CrType::from(body.compute.as_str());
        let instances = body.instances.as_ref();
        let strategy = instances.map(|_| match kind {
            CrType::Spot => CrAllocationStrategy::SpotPriceCapacityOptimized,
            _ => CrAllocationStrategy::BestFitProgressive,
        });
        let resources = ComputeResource::builder()
            .r#type(kind)
            // Nothing is kept running between jobs.
            .set_minv_cpus(instances.map(|_| 0))
            .set_allocation_strategy(strategy)
            .set_instance_types(instances.map(|instances| instances.types.clone()))
            .set_instance_role(instances.map(|instances| instances.profile.clone()))
            .maxv_cpus(i32::try_from(body.max_vcpus).unwrap_or(i32::MAX))
            .set_subnets(Some(body.subnets.clone()))
            .set_security_group_ids(Some(body.security_groups.clone()))
            .build();
        let send = || {
            self.batch
                .create_compute_environment()
                .compute_environment_name(name)
                .r#type(aws_sdk_batch::types::CeType::Managed)
                .state(CeState::Enabled)
                .service_role(service_role)
                .compute_resources(resources.clone())
                .set_tags(Some(tags.clone().into_iter().collect()))
                .send()
        };
        self.caller.call(operation("CreateComputeEnvironment", Repeat::LookFirst), send).await?;
        self.compute_environment_settled(name, Condition::Ready).await
    }

    /// Changes what can be changed in place, and waits until it is.
    pub async fn update_compute_environment(
        &self,
        name: &str,
        body: &ComputeEnvironment,
        arn: &str,
        tags: &Tags,
    ) -> Result<(), AwsError> {
        let instances = body.instances.as_ref();
        let resources = ComputeResourceUpdate::builder()
            .set_instance_types(instances.map(|instances| instances.types.clone()))
            .set_instance_role(instances.map(|instances| instances.profile.clone()))
            .maxv_cpus(i32::try_from(body.max_vcpus).unwrap_or(i32::MAX))
            .set_subnets(Some(body.subnets.clone()))
            .set_security_group_ids(Some(body.security_groups.clone()))
            .build();
        let send = || {
            let request = self.batch.update_compute_environment().compute_environment(name).state(CeState::Enabled);
            request.compute_resources(resources.clone()).send()
        };
        self.caller.call(operation("UpdateComputeEnvironment", Repeat::Safe), send).await?;
        self.tag_batch(arn, tags).await?;
        self.compute_environment_settled(name, Condition::Ready).await
    }

    /// Disables and deletes a compute environment that no queue uses any more, and waits until it is gone.
    pub async fn delete_compute_environment(&self, name: &str) -> Result<(), AwsError> {
        let Some(found) = self.compute_environment(name).await? else { return Ok(()) };
        if found.condition == Condition::Ready {
            let send =
                || self.batch.update_compute_environment().compute_environment(name).state(CeState::Disabled).send();
            self.caller.call(operation("UpdateComputeEnvironment", Repeat::Safe), send).await?;
            self.compute_environment_settled(name, Condition::Disabled).await?;
        }
        let send = || self.batch.delete_compute_environment().compute_environment(name).send();
        self.caller.call(operation("DeleteComputeEnvironment", Repeat::Safe), send).await?;
        let deadline = self.deadline();
        while self.compute_environment(name).await?.is_some() {
            self.look_again(deadline, "DeleteComputeEnvironment", name).await?;
        }
        Ok(())
    }

    /// Waits until a compute environment is in this condition.
    pub async fn compute_environment_settled(&self, name: &str, wanted: Condition) -> Result<(), AwsError> {
        let deadline = self.deadline();
        loop {
            let found = self.compute_environment(name).await?;
            let (condition, reason) =
                found.map_or((Condition::Changing, String::new()), |found| (found.condition, found.reason));
            if settled("CreateComputeEnvironment", name, condition, wanted, &reason)? {
                return Ok(());
            }
            self.look_again(deadline, "DescribeComputeEnvironments", name).await?;
        }
    }

    /// The job queue of that name.
    pub async fn job_queue(&self, name: &str) -> Result<Option<FoundPlace<JobQueue>>, AwsError> {
        Ok(self.job_queues(vec![name.to_owned()]).await?.into_values().next())
    }

    /// Those of these names that are there, at most 100.
    pub async fn job_queues(&self, names: Vec<String>) -> Result<BTreeMap<String, FoundPlace<JobQueue>>, AwsError> {
        let send = || self.batch.describe_job_queues().set_job_queues(Some(names.clone())).send();
        let answer = self.caller.call(operation("DescribeJobQueues", Repeat::Safe), send).await?;
        let there = answer.job_queues().iter().filter(|found| found.status() != Some(&JqStatus::Deleted));
        Ok(there
            .map(|found| {
                let environment =
                    found.compute_environment_order().first().and_then(|order| order.compute_environment());
                let place = FoundPlace {
                    body: JobQueue {
                        compute_environment: environment
                            .and_then(|arn| arn.rsplit('/').next())
                            .unwrap_or_default()
                            .to_owned(),
                        priority: found.priority().and_then(|n| n.try_into().ok()).unwrap_or_default(),
                    },
                    condition: match (found.status(), found.state()) {
                        (Some(JqStatus::Valid), Some(JqState::Disabled)) => Condition::Disabled,
                        (Some(JqStatus::Valid), _) => Condition::Ready,
                        (Some(JqStatus::Invalid), _) => Condition::Invalid,
                        _ => Condition::Changing,
                    },
                    reason: found.status_reason().unwrap_or_default().to_owned(),
                    tags: found.tags().map(|tags| tags.clone().into_iter().collect()).unwrap_or_default(),
                };
                (found.job_queue_name().unwrap_or_default().to_owned(), place)
            })
            .collect())
    }

    /// Makes a job queue over one compute environment, and waits until it is valid.
    pub async fn create_job_queue(&self, name: &str, body: &JobQueue, tags: &Tags) -> Result<(), AwsError> {
        let send = || {
            self.batch
                .create_job_queue()
                .job_queue_name(name)
                .state(JqState::Enabled)
                .priority(i32::try_from(body.priority).unwrap_or(1))
                .compute_environment_order(order(body))
                .set_tags(Some(tags.clone().into_iter().collect()))
                .send()
        };
        self.caller.call(operation("CreateJobQueue", Repeat::LookFirst), send).await?;
        self.job_queue_settled(name, Condition::Ready).await
    }

    /// Changes a job queue, and waits until it is valid.
    pub async fn update_job_queue(&self, name: &str, body: &JobQueue, arn: &str, tags: &Tags) -> Result<(), AwsError> {
        let send = || {
            let request = self.batch.update_job_queue().job_queue(name).state(JqState::Enabled);
            let request = request.priority(i32::try_from(body.priority).unwrap_or(1));
            request.compute_environment_order(order(body)).send()
        };
        self.caller.call(operation("UpdateJobQueue", Repeat::Safe), send).await?;
        self.tag_batch(arn, tags).await?;
        self.job_queue_settled(name, Condition::Ready).await
    }

    /// Disables and deletes a job queue, and waits until it is gone.
    pub async fn delete_job_queue(&self, name: &str) -> Result<(), AwsError> {
        let Some(found) = self.job_queue(name).await? else { return Ok(()) };
        if found.condition == Condition::Ready {
            let send = || self.batch.update_job_queue().job_queue(name).state(JqState::Disabled).send();
            self.caller.call(operation("UpdateJobQueue", Repeat::Safe), send).await?;
            self.job_queue_settled(name, Condition::Disabled).await?;
        }
        let send = || self.batch.delete_job_queue().job_queue(name).send();
        self.caller.call(operation("DeleteJobQueue", Repeat::Safe), send).await?;
        let deadline = self.deadline();
        while self.job_queue(name).await?.is_some() {
            self.look_again(deadline, "DeleteJobQueue", name).await?;
        }
        Ok(())
    }

    /// Waits until a job queue is in this condition.
    pub async fn job_queue_settled(&self, name: &str, wanted: Condition) -> Result<(), AwsError> {
        let deadline = self.deadline();
        loop {
            let found = self.job_queue(name).await?;
            let (condition, reason) =
                found.map_or((Condition::Changing, String::new()), |found| (found.condition, found.reason));
            if settled("CreateJobQueue", name, condition, wanted, &reason)? {
                return Ok(());
            }
            self.look_again(deadline, "DescribeJobQueues", name).await?;
        }
    }

    /// Submits one job. Batch has no token for this: after a lost answer the queue is searched for the job's name, which
    /// the caller has made unique.
    pub async fn submit_job(
        &self,
        job: &str,
        queue: &str,
        definition: &str,
        array: Option<u16>,
        told: Overrides<'_>,
    ) -> Result<String, AwsError> {
        let submit = operation("SubmitJob", Repeat::LookFirst);
        let pair = |(name, value): (&String, &String)| {
            aws_sdk_batch::types::KeyValuePair::builder().name(name).value(value).build()
        };
        let overrides = aws_sdk_batch::types::ContainerOverrides::builder()
            .set_environment(Some(told.variables.iter().map(pair).collect()))
            .set_command(told.command())
            .build();
        let array = array.map(|size| ArrayProperties::builder().size(i32::from(size)).build());
        let send = || {
            let request = self.batch.submit_job().job_name(job).job_queue(queue).job_definition(definition);
            let request = request.set_array_properties(array.clone());
            request.container_overrides(overrides.clone()).send()
        };
        for _ in 0..3 {
            match self.caller.call(submit, send).await {
                Err(error) if error.class() == Class::Unknown => {
                    if let Some(id) = self.job_named(job, queue).await? {
                        return Ok(id);
                    }
                }
                answer => {
                    let id = answer?.job_id().map(str::to_owned);
                    return id.ok_or_else(|| AwsError::ours(submit, "IncompleteAnswer", "it holds no job id"));
                }
            }
        }
        Err(AwsError::ours(submit, "LostAnswers", "three answers were lost, and the queue holds no such job"))
    }

    async fn job_named(&self, job: &str, queue: &str) -> Result<Option<String>, AwsError> {
        let filter = aws_sdk_batch::types::KeyValuesPair::builder().name("JOB_NAME").values(job).build();
        let send = || self.batch.list_jobs().job_queue(queue).filters(filter.clone()).send();
        let answer = self.caller.call(operation("ListJobs", Repeat::Safe), send).await?;
        let named = answer.job_summary_list().iter().find(|summary| summary.job_name() == Some(job));
        Ok(named.and_then(|summary| summary.job_id()).map(str::to_owned))
    }

    async fn tag_batch(&self, arn: &str, tags: &Tags) -> Result<(), AwsError> {
        let send =
            || self.batch.tag_resource().resource_arn(arn).set_tags(Some(tags.clone().into_iter().collect())).send();
        self.caller.call(operation("TagResource", Repeat::Safe), send).await.map(drop)
    }

    fn deadline(&self) -> Option<jiff::Timestamp> {
        self.caller.clock().now().checked_add(SETTLED_WITHIN).ok()
    }

    async fn look_again(
        &self,
        deadline: Option<jiff::Timestamp>,
        name: &'static str,
        what: &str,
    ) -> Result<(), AwsError> {
        let clock = self.caller.clock();
        if deadline.is_some_and(|deadline| clock.now() >= deadline) {
            let message = format!("{what} did not settle within {} minutes", SETTLED_WITHIN.as_secs() / 60);
            return Err(AwsError::ours(operation(name, Repeat::Safe), "NotSettled", message));
        }
        clock.wait(LOOK_EVERY).await;
        Ok(())
    }
}

/// Whether it is as wanted; an error when it will never be.
fn settled(name: &'static str, what: &str, is: Condition, wanted: Condition, reason: &str) -> Result<bool, AwsError> {
    if is == Condition::Invalid {
        let message = format!("{what} is INVALID: {reason}");
        return Err(AwsError::ours(operation(name, Repeat::Safe), "Invalid", message));
    }
    Ok(is == wanted)
}

fn order(body: &JobQueue) -> ComputeEnvironmentOrder {
    ComputeEnvironmentOrder::builder().order(1).compute_environment(&body.compute_environment).build()
}
