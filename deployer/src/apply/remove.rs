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
            Kind::Alarm => self.clients.delete_alarm(name).await,
            Kind::Dashboard => self.clients.delete_dashboard(name).await,
            // Only by `destroy`, whose plan alone names them.
            Kind::ScheduleGroup => self.clients.delete_schedule_group(name, (self.id)()).await,
            Kind::Cluster => self.clients.delete_cluster(name).await,
            Kind::Topic => self.clients.delete_topic(&self.desired.names.topic_arn()).await,
            Kind::Queue => self.clients.delete_queue(name).await,
            Kind::LogGroup => self.clients.delete_log_group(name).await,
            Kind::Secret => self.clients.delete_secret(name).await,
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
            Kind::Alarm => {
                let alarms = self.clients.alarms(name).await?;
                by_note(alarms.into_iter().find(|alarm| alarm.name == name).map(|alarm| alarm.description))
            }
            Kind::Dashboard => by_note(self.clients.dashboard(name).await?.map(|found| found.note)),
            Kind::ScheduleGroup => {
                by_tags(self.clients.schedule_group(name, &self.desired.names.schedule_group_arn()).await?)
            }
            Kind::Cluster => by_tags(self.clients.cluster(name).await?.map(|(tags, _)| tags)),
            Kind::Topic => by_tags(self.clients.topic(&self.desired.names.topic_arn()).await?.map(|found| found.tags)),
            Kind::Queue => by_tags(self.clients.queue(name).await?.map(|found| found.tags)),
            // Its name is the mark: `/freshet/<stack>/<environment>`.
            Kind::LogGroup => self.clients.log_group(name).await?.map(|_| Owner::Ours),
            Kind::Secret => by_tags(self.clients.secret(name).await?.map(|found| found.tags)),
        };
        Ok(owner == Some(Owner::Ours))
    }
}
