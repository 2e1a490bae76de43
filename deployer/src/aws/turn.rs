//! Changes of a schedule that leave its name, and so its content, as it is: pause, resume, and the revision that it starts.
//! UpdateSchedule replaces everything, so what is there is read first and sent back whole.

use aws_sdk_scheduler::operation::get_schedule::GetScheduleOutput;
use aws_sdk_scheduler::primitives::DateTime;
use aws_sdk_scheduler::types::{
    ActionAfterCompletion, EcsParameters, FlexibleTimeWindow, FlexibleTimeWindowMode, ScheduleState, Target,
};
use serde_json::{Value, json};
use uuid::Uuid;

use super::error::AwsError;
use super::scheduler::{NewSchedule, is_off, operation, target};
use super::{Clients, incomplete};
use crate::marker::{Marker, Note};

/// A change of a schedule.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Turn<'a> {
    /// It does not fire before this time, in seconds since 1970.
    PauseUntil(i64),
    /// It does not fire until it is resumed.
    Pause,
    /// It fires again; one that waits for a secret stays off.
    Resume,
    /// It starts this revision, whatever is newest: ARN and number.
    Pin(&'a str, u32),
    /// It starts this revision, which is the newest.
    Unpin(&'a str),
}

impl Clients {
    /// Changes a schedule of ours. Sending it twice does the same as once.
    pub async fn turn_schedule(&self, group: &str, name: &str, turn: Turn<'_>, token: Uuid) -> Result<(), AwsError> {
        let get = || self.scheduler.get_schedule().group_name(group).name(name).send();
        let found = self.caller.call(operation("GetSchedule"), get).await?;
        let description = found.description().unwrap_or_default();
        let (description, definition) = match turn {
            Turn::Pin(arn, revision) => (Marker::pinned(description, Some(revision)), Some(arn)),
            Turn::Unpin(arn) => (Marker::pinned(description, None), Some(arn)),
            Turn::PauseUntil(_) | Turn::Pause | Turn::Resume => (description.to_owned(), None),
        };
        let waits = Note::read(&description).is_some_and(|note| note.waits_for_secret);
        let (state, start) = match turn {
            Turn::PauseUntil(start) => (found.state().cloned(), Some(DateTime::from_secs(start))),
            Turn::Pause => (Some(ScheduleState::Disabled), None),
            Turn::Resume if waits => (Some(ScheduleState::Disabled), None),
            Turn::Resume => (Some(ScheduleState::Enabled), None),
            Turn::Pin(..) | Turn::Unpin(_) => {
                (found.state().cloned(), self.ahead(found.start_date()).map(DateTime::from_secs))
            }
        };
        let target = started(&found, definition)?;
        let update = operation("UpdateSchedule");
        let send = || {
            self.scheduler
                .update_schedule()
                .group_name(group)
                .name(name)
                .description(&description)
                .set_schedule_expression(found.schedule_expression().map(str::to_owned))
                .set_schedule_expression_timezone(found.schedule_expression_timezone().map(str::to_owned))
                .set_start_date(start)
                .set_end_date(found.end_date().copied())
                .set_kms_key_arn(found.kms_key_arn().map(str::to_owned))
                .set_flexible_time_window(found.flexible_time_window().cloned())
                .set_action_after_completion(found.action_after_completion().cloned())
                .set_state(state.clone())
                .target(target.clone())
                .client_token(token.to_string())
                .send()
        };
        self.caller.call(update, send).await.map(drop)
    }
}

impl Clients {
    /// Makes a schedule that is there what it should be, and what people decided about it.
    pub async fn put_schedule(&self, group: &str, new: &NewSchedule<'_>, token: Uuid) -> Result<(), AwsError> {
        let update = operation("UpdateSchedule");
        let NewSchedule { name, trigger, definition_arn, description, carry } = *new;
        let target = target(update, trigger, definition_arn)?;
        let window = FlexibleTimeWindow::builder().mode(FlexibleTimeWindowMode::Off).build();
        let window = window.map_err(|error| incomplete(update, &error))?;
        let send = || {
            self.scheduler
                .update_schedule()
                .group_name(group)
                .name(name)
                .description(description)
                .schedule_expression(&trigger.expression)
                .schedule_expression_timezone(&trigger.timezone)
                .set_start_date(carry.and_then(|carry| carry.start).map(DateTime::from_secs))
                .state(if is_off(trigger, carry) { ScheduleState::Disabled } else { ScheduleState::Enabled })
                .flexible_time_window(window.clone())
                .action_after_completion(ActionAfterCompletion::None)
                .target(target.clone())
                .client_token(token.to_string())
                .send()
        };
        self.caller.call(update, send).await.map(drop)
    }
}

/// The target as it is, but for the definition that it starts.
fn started(found: &GetScheduleOutput, definition: Option<&str>) -> Result<Target, AwsError> {
    let update = operation("UpdateSchedule");
    let Some(target) = found.target() else {
        return Err(AwsError::ours(update, "IncompleteAnswer", "the schedule has no target"));
    };
    let Some(definition) = definition else { return Ok(target.clone()) };
    let mut changed = target.clone();
    if let Some(parameters) = target.ecs_parameters() {
        let mut parameters: EcsParameters = parameters.clone();
        definition.clone_into(&mut parameters.task_definition_arn);
        changed.ecs_parameters = Some(parameters);
        return Ok(changed);
    }
    let request = target.input().and_then(|input| serde_json::from_str::<Value>(input).ok());
    let Some(mut request) = request.filter(|request| request.get("JobDefinition").is_some()) else {
        return Err(AwsError::ours(update, "IncompleteAnswer", "the schedule starts no definition"));
    };
    request["JobDefinition"] = json!(definition);
    changed.input = Some(request.to_string());
    Ok(changed)
}
