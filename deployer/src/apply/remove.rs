//! Removes one resource that no manifest asks for. Before anything of ours goes it is asked for its own mark once more:
//! a plan is older than the moment in which it is applied.

use super::Apply;
use crate::aws::error::AwsError;
use crate::desired::resource::{Kind, Tags};
use crate::marker::Owner;
use crate::plan::change::Change;

impl Apply<'_> {
    pub(super) async fn remove(&self, change: &Change) -> Result<(), AwsError> {
        let name = change.name.as_str();
        if !self.still_ours(change).await? {
            return Ok(());
        }
        match change.kind {
            Kind::Role => self.clients.delete_role(name).await,
            Kind::ComputeEnvironment => self.clients.delete_compute_environment(name).await,
            Kind::JobQueue => self.clients.delete_job_queue(name).await,
            Kind::TaskDefinition => self.clients.deregister_family(name).await,
            Kind::JobDefinition => self.clients.deregister_job(name).await,
            Kind::Schedule => {
                self.clients.delete_schedule(&self.desired.names.schedule_group(), name, (self.id)()).await
            }
            Kind::Rule => self.clients.delete_rule(name).await,
            // Data and what others may share is never pruned.
            Kind::Secret | Kind::LogGroup | Kind::Queue | Kind::Cluster | Kind::ScheduleGroup => Ok(()),
        }
    }

    /// Whether it is there and carries our mark.
    async fn still_ours(&self, change: &Change) -> Result<bool, AwsError> {
        let marker = &self.desired.names.marker;
        let name = change.name.as_str();
        let by_tags = |tags: Option<Tags>| tags.map(|tags| marker.owner_by_tags(&tags));
        let by_note = |text: Option<String>| text.map(|text| marker.owner_by_note(&text));
        let owner = match change.kind {
            Kind::Role => by_note(self.clients.role(name).await?.map(|role| role.description)),
            Kind::ComputeEnvironment => by_tags(self.clients.compute_environment(name).await?.map(|found| found.tags)),
            Kind::JobQueue => by_tags(self.clients.job_queue(name).await?.map(|found| found.tags)),
            Kind::TaskDefinition => by_tags(self.clients.task_definition(name).await?.map(|found| found.tags)),
            Kind::JobDefinition => by_tags(self.clients.job_definition(name).await?.map(|found| found.tags)),
            Kind::Schedule => {
                let group = self.desired.names.schedule_group();
                by_note(self.clients.schedule(&group, name).await?.map(|found| found.description))
            }
            Kind::Rule => {
                let rules = self.clients.rules(name).await?;
                by_note(rules.into_iter().find(|rule| rule.name == name).map(|rule| rule.description))
            }
            Kind::Secret | Kind::LogGroup | Kind::Queue | Kind::Cluster | Kind::ScheduleGroup => None,
        };
        Ok(owner == Some(Owner::Ours))
    }
}
