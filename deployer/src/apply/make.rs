//! Makes or changes one resource, kind by kind. Each step can be cut off after any call and repeated: what is written last
//! is the hash that says that the thing is whole. After a lost answer to a request that may not be sent twice, we look.

use super::{Apply, Before, quiet};
use crate::aws::batch::Condition;
use crate::aws::error::{AwsError, Class, Operation, Repeat};
use crate::aws::events::Fires;
use crate::aws::scheduler::NewSchedule;
use crate::desired::resource::{Body, ComputeEnvironment, Definition, JobQueue, Kind, Resource, Role, Tags, Trigger};
use crate::desired::watch::Watch;
use crate::marker::{HASH_TAG, Marker, Owner};
use crate::observed::foreign::owner;
use crate::observed::state::{Carry, State};
use crate::plan::change::{Action, Change};
use crate::plan::moving;

/// How often an answer may be lost before we give up.
const LOST_ANSWERS: usize = 3;

impl Apply<'_> {
    pub(super) async fn make(&self, change: &Change, resource: &Resource) -> Result<(), AwsError> {
        let name = resource.name.as_str();
        let new = change.action == Action::Create;
        let tags = |own: &Tags| self.desired.names.marker.tags(own, Some(resource.hash.as_str()));
        let common = tags(&self.desired.tags);
        match &resource.body {
            Body::LogGroup(group) => {
                if new {
                    // Names in CloudWatch Logs are the mark, so the hash would tell nothing.
                    self.clients
                        .create_log_group(name, &self.desired.names.marker.tags(&self.desired.tags, None))
                        .await?;
                }
                self.clients.put_retention(name, group.retention_days).await?;
                self.clients.put_failures_filter(name, &group.failures).await
            }
            Body::Role(role) => self.role(name, resource, role, new).await,
            Body::Queue(queue) if new => self.clients.create_queue(name, queue, &common).await,
            Body::Queue(queue) => self.clients.update_queue(name, queue, &common).await,
            Body::Topic(topic) => {
                if new {
                    self.clients.create_topic(name, &common).await?;
                }
                self.clients.complete_topic(&self.desired.names.topic_arn(), topic, &common).await
            }
            Body::Cluster(body) if new => self.clients.create_cluster(name, &body.providers, &common).await,
            Body::Cluster(body) => self.clients.put_capacity_providers(name, &body.providers).await,
            Body::ComputeEnvironment(body) => self.compute_environment(name, body, &common, new).await,
            Body::JobQueue(body) => self.job_queue(name, body, &common, new).await,
            Body::TaskDefinition(body) | Body::JobDefinition(body) => {
                let arn = self.register(resource, body, &tags(&body.tags)).await?;
                self.registered(name, arn);
                Ok(())
            }
            Body::ScheduleGroup(body) if new => {
                self.clients.create_schedule_group(name, &tags(&body.tags), (self.id)()).await
            }
            Body::ScheduleGroup(body) => {
                self.clients.tag_schedule_group(&self.desired.names.schedule_group_arn(), &tags(&body.tags)).await
            }
            Body::Schedule(trigger) => self.schedule(change, resource, trigger).await,
            Body::Rule(trigger) => self.rule(change, resource, trigger).await,
            Body::Watch(watch) => self.watch(change, resource, watch).await,
            Body::Alarm(alarm) => {
                let note = self.desired.names.marker.describe(&alarm.words, Some(resource.hash.as_str()), false);
                self.clients.put_alarm(name, alarm, &note, &common).await
            }
            Body::Dashboard(dashboard) => {
                let words = format!("Datasets of {}.", self.desired.names.marker);
                let note = self.desired.names.marker.describe(&words, Some(resource.hash.as_str()), false);
                self.clients.put_dashboard(name, dashboard, &note).await
            }
        }
    }

    async fn role(&self, name: &str, resource: &Resource, role: &Role, new: bool) -> Result<(), AwsError> {
        let marker = &self.desired.names.marker;
        let tags = marker.tags(&role.tags, None);
        if new {
            let unfinished = marker.describe(&role.words, None, false);
            match self.clients.create_role(name, role, &unfinished, &tags).await {
                // Made by a request whose answer was lost, or by somebody in the meantime.
                Err(error) if error.class() == Class::Exists => {
                    let found = self.clients.role(name).await?;
                    if found.is_none_or(|found| marker.owner_by_note(&found.description) != Owner::Ours) {
                        return Err(error);
                    }
                }
                answer => answer?,
            }
        } else {
            self.clients.update_role(name, role, &tags).await?;
        }
        let whole = marker.describe(&role.words, Some(resource.hash.as_str()), false);
        self.clients.complete_role(name, role, &whole).await
    }

    async fn compute_environment(
        &self,
        name: &str,
        body: &ComputeEnvironment,
        tags: &Tags,
        new: bool,
    ) -> Result<(), AwsError> {
        let names = &self.desired.names;
        if !new {
            let arn = names.arn("batch", &format!("compute-environment/{name}"));
            return self.clients.update_compute_environment(name, body, &arn, tags).await;
        }
        // Batch's service-linked role, never one of ours: an environment made under another can never change to it.
        let role = self.clients.service_role("batch.amazonaws.com").await?;
        match self.clients.create_compute_environment(name, body, &role, tags).await {
            Err(error) if may_be_done(&error) && self.clients.compute_environment(name).await?.is_some() => {
                self.clients.compute_environment_settled(name, Condition::Ready).await
            }
            answer => answer,
        }
    }

    async fn job_queue(&self, name: &str, body: &JobQueue, tags: &Tags, new: bool) -> Result<(), AwsError> {
        let names = &self.desired.names;
        if !new {
            return self
                .clients
                .update_job_queue(name, body, &names.arn("batch", &format!("job-queue/{name}")), tags)
                .await;
        }
        // The environment may be one that an earlier run did not wait for.
        self.clients.compute_environment_settled(&body.compute_environment, Condition::Ready).await?;
        match self.clients.create_job_queue(name, body, tags).await {
            Err(error) if may_be_done(&error) && self.clients.job_queue(name).await?.is_some() => {
                self.clients.job_queue_settled(name, Condition::Ready).await
            }
            answer => answer,
        }
    }

    /// Registers a revision. Every registration makes one, so the newest is looked at after a lost answer, and before
    /// anything is asked where an earlier run was.
    async fn register(&self, resource: &Resource, body: &Definition, tags: &Tags) -> Result<String, AwsError> {
        let name = resource.name.as_str();
        if self.before == Before::Something
            && let Some(arn) = self.registered_meanwhile(resource).await?
        {
            return Ok(arn);
        }
        let mut lost = 0;
        loop {
            let answer = match resource.kind() {
                Kind::JobDefinition => self.clients.register_job(name, body, tags).await,
                _ => self.clients.register_task(name, body, tags).await,
            };
            let error = match answer {
                Err(error) if error.class() == Class::Unknown => error,
                answer => return answer,
            };
            if let Some(arn) = self.registered_meanwhile(resource).await? {
                return Ok(arn);
            }
            lost += 1;
            if lost == LOST_ANSWERS {
                return Err(error);
            }
        }
    }

    /// ARN of a newest revision with this content that the plan did not know of.
    async fn registered_meanwhile(&self, resource: &Resource) -> Result<Option<String>, AwsError> {
        let name = resource.name.as_str();
        let newest = match resource.kind() {
            Kind::JobDefinition => self.clients.job_definition(name).await?,
            _ => self.clients.task_definition(name).await?,
        };
        let ours = |found: &Tags| {
            self.desired.names.marker.owner_by_tags(found) == Owner::Ours
                && found.get(HASH_TAG).map(String::as_str) == Some(resource.hash.as_str())
        };
        let known = self.definition_arn(name);
        let newest = newest.filter(|found| ours(&found.tags) && known.as_ref() != Some(&found.arn));
        Ok(newest.map(|found| found.arn))
    }

    /// The new schedule first, then the old ones go: a firing between the two comes twice, and the worker answers once.
    async fn schedule(&self, change: &Change, resource: &Resource, trigger: &Trigger) -> Result<(), AwsError> {
        let marker = &self.desired.names.marker;
        let group = self.desired.names.schedule_group();
        let waits = !trigger.waits_for.is_empty();
        let newest = self.known_definition("scheduler", "CreateSchedule", trigger)?;
        let whole = marker.describe(&trigger.words, Some(resource.hash.as_str()), waits);
        let pinned = change.carry.and_then(|carry| carry.pinned);
        let carry = self.carried(change);
        let new = NewSchedule {
            name: &resource.name,
            trigger,
            definition_arn: &pinned.map_or_else(|| newest.clone(), |revision| at_revision(&newest, revision)),
            description: &Marker::pinned(&whole, pinned),
            carry,
        };
        self.refuse_near_firing(change, "scheduler", "CreateSchedule")?;
        self.wait_for_quiet(change, trigger).await;
        if change.action == Action::Update {
            self.clients.put_schedule(&group, &new, (self.id)()).await?;
            return self.remove_taken(change).await;
        }
        self.clients.create_schedule(&group, &new, (self.id)()).await?;
        self.remove_replaced(change).await
    }

    /// Removes the trigger of somebody else that ours stands in for now, if it still is what the plan saw: nobody's that
    /// keeps it, and with one target.
    async fn remove_taken(&self, change: &Change) -> Result<(), AwsError> {
        let Some(taken) = &change.takes else { return Ok(()) };
        let Some(firing) = self.clients.foreign_trigger(taken).await? else { return Ok(()) };
        let owner = owner(&self.desired.names.marker, &firing, None);
        if matches!(owner, Owner::Ours | Owner::Managed(_)) || firing.targets.len() > 1 {
            let family = crate::aws::bucket::Family::Scheduler;
            let operation = Operation { service: "scheduler", name: "DeleteSchedule", family, repeat: Repeat::Safe };
            let message =
                format!("{taken} is no longer what the plan saw, and stays beside ours; run `deploy plan` again");
            return Err(AwsError::ours(operation, "Moved", message));
        }
        self.clients.delete_foreign(taken, (self.id)()).await
    }

    /// Removes the triggers that another stands in for now, of whichever engine.
    async fn remove_replaced(&self, change: &Change) -> Result<(), AwsError> {
        let names = &self.desired.names;
        for old in &change.old {
            if old.starts_with(&names.rule_prefix()) {
                self.clients.delete_rule(old).await?;
            } else {
                self.clients.delete_schedule(&names.schedule_group(), old, (self.id)()).await?;
            }
        }
        self.remove_taken(change).await
    }

    /// What is kept of the schedule that is replaced. One that takes the place of a rule does not fire for five minutes, in
    /// which the rule goes: no firing is due in them, but a rate would begin at once.
    fn carried(&self, change: &Change) -> Option<Carry> {
        if !moving::is_move(change, &self.desired.names) {
            return change.carry;
        }
        let now = self.clients.caller.clock().now();
        let handover = now.checked_add(moving::APART).ok().map(jiff::Timestamp::as_second);
        let on = Carry { state: State::Enabled, waits_for_secret: false, start: None, pinned: None };
        let carry = change.carry.unwrap_or(on);
        Some(Carry { start: carry.start.max(handover), ..carry })
    }

    fn refuse_near_firing(&self, change: &Change, service: &'static str, name: &'static str) -> Result<(), AwsError> {
        let now = self.clients.caller.clock().now();
        let Some(near) = moving::too_near(change, &self.desired.names, now) else { return Ok(()) };
        let operation =
            Operation { service, name, family: crate::aws::bucket::Family::Scheduler, repeat: Repeat::Safe };
        Err(AwsError::ours(operation, "NearFiring", near.words()))
    }

    /// A schedule is never replaced within two minutes of a firing.
    async fn wait_for_quiet(&self, change: &Change, trigger: &Trigger) {
        let Some((expression, timezone)) = &change.fires else { return };
        let times =
            [(expression.as_str(), timezone.as_str()), (trigger.expression.as_str(), trigger.timezone.as_str())];
        let clock = self.clients.caller.clock();
        if let Some(wait) = quiet::wait(&times, clock.now()) {
            clock.wait(wait).await;
        }
    }

    async fn rule(&self, change: &Change, resource: &Resource, trigger: &Trigger) -> Result<(), AwsError> {
        let marker = &self.desired.names.marker;
        let name = resource.name.as_str();
        let waits = !trigger.waits_for.is_empty();
        let off = waits || change.carry.is_some_and(Carry::off_by_hand);
        let state = if off { State::Disabled } else { State::Enabled };
        let definition = self.known_definition("events", "PutTargets", trigger)?;
        let tags = marker.tags(&trigger.tags, None);
        self.refuse_near_firing(change, "events", "PutRule")?;
        self.wait_for_quiet(change, trigger).await;
        if matches!(change.action, Action::Create | Action::Replace) {
            let unfinished = marker.describe(&trigger.words, None, waits);
            self.clients.put_rule(name, Fires::of(trigger), &unfinished, State::Disabled, Some(&tags)).await?;
        } else {
            let arn = self.desired.names.arn("events", &format!("rule/{name}"));
            self.clients.tag_rule(&arn, &tags).await?;
            self.clients.remove_other_targets(name).await?;
        }
        self.clients.put_target(name, trigger, &definition).await?;
        let whole = marker.describe(&trigger.words, Some(resource.hash.as_str()), waits);
        self.clients.put_rule(name, Fires::of(trigger), &whole, state, None).await?;
        self.remove_replaced(change).await
    }

    /// A rule that tells people: as for others, the hash comes last.
    async fn watch(&self, change: &Change, resource: &Resource, watch: &Watch) -> Result<(), AwsError> {
        let marker = &self.desired.names.marker;
        let name = resource.name.as_str();
        let fires = Fires::On(&watch.pattern);
        let tags = marker.tags(&watch.tags, None);
        if change.action == Action::Create {
            let unfinished = marker.describe(&watch.words, None, false);
            self.clients.put_rule(name, fires, &unfinished, State::Disabled, Some(&tags)).await?;
        } else {
            let arn = self.desired.names.arn("events", &format!("rule/{name}"));
            self.clients.tag_rule(&arn, &tags).await?;
            self.clients.remove_other_targets(name).await?;
        }
        self.clients.put_watch(name, watch).await?;
        let off = change.carry.is_some_and(Carry::off_by_hand);
        let state = if off { State::Disabled } else { State::Enabled };
        let whole = marker.describe(&watch.words, Some(resource.hash.as_str()), false);
        self.clients.put_rule(name, fires, &whole, state, None).await
    }

    fn known_definition(
        &self,
        service: &'static str,
        name: &'static str,
        trigger: &Trigger,
    ) -> Result<String, AwsError> {
        let definition = &trigger.target.definition.name;
        self.definition_arn(definition).ok_or_else(|| {
            let family = crate::aws::bucket::Family::Scheduler;
            let operation = Operation { service, name, family, repeat: Repeat::Safe };
            AwsError::ours(
                operation,
                "NotRegistered",
                format!("the definition {definition} is not registered; run it again"),
            )
        })
    }
}

/// ARN of another revision of the same definition.
fn at_revision(arn: &str, revision: u32) -> String {
    arn.rsplit_once(':').map_or_else(|| arn.to_owned(), |(name, _)| format!("{name}:{revision}"))
}

/// Whether a create that failed may have made the thing nevertheless.
fn may_be_done(error: &AwsError) -> bool {
    matches!(error.class(), Class::Unknown | Class::Exists)
}
