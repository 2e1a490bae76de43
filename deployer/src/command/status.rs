//! `deploy status`: per dataset its schedules and their state, when they fire next, the definition they start, and the last
//! run, read from the records that workers leave in the stack's log group. The database is not asked.

mod runs;

use std::collections::{BTreeMap, BTreeSet};

use futures_util::stream::{self, StreamExt, TryStreamExt};
use jiff::{SignedDuration, Timestamp};
use manifest::DatasetName;
use manifest::run::RunRecord;
use serde::{Deserialize, Serialize};

use super::session::Session;
use crate::aws::error::AwsError;
use crate::cli::{Global, Status};
use crate::error::{Error, Exit};
use crate::hash;
use crate::marker::{Note, Owner};
use crate::names::dataset_of_schedule;
use crate::observed::state::State;
use crate::output::{Report, print};
use crate::plan::fires::{self, Fire};
use crate::render::table::Table;

/// Schedules that are looked at side by side.
const SIDE_BY_SIDE: usize = 8;

/// The state of a stack.
#[derive(Debug, Serialize, Deserialize)]
pub struct StatusReport {
    /// Stack and environment.
    pub stack: String,
    /// Datasets by name.
    pub datasets: Vec<DatasetStatus>,
}

/// The state of a dataset.
#[derive(Debug, Serialize, Deserialize)]
pub struct DatasetStatus {
    /// Its name.
    pub dataset: DatasetName,
    /// What fires it; nothing when it is loaded by hand.
    pub schedules: Vec<ScheduleStatus>,
    /// Its last run, if the log knows one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_run: Option<RunRecord>,
}

/// The state of a schedule or rule, as it is in AWS.
#[derive(Debug, Serialize, Deserialize)]
pub struct ScheduleStatus {
    /// Its name in AWS.
    pub name: String,
    /// Whether it is on.
    pub state: State,
    /// Whether it is off only because a required secret has no value.
    pub waits_for_secret: bool,
    /// Its expression.
    pub expression: String,
    /// Its zone.
    pub timezone: String,
    /// When it fires next; nothing when it is off.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<Fire>,
    /// The definition that it starts, with its revision.
    pub definition: String,
}

impl StatusReport {
    fn table(&self) -> Table {
        let headings =
            ["dataset", "schedule", "state", "next, local", "next, UTC", "revision", "last run", "outcome", "rows"];
        let mut table = Table::new(&headings);
        for status in &self.datasets {
            let run = run_cells(status.last_run.as_ref());
            if status.schedules.is_empty() {
                let cells = ["", "no schedule", "", "", ""].map(str::to_owned);
                table.row(std::iter::once(status.dataset.to_string()).chain(cells).chain(run));
                continue;
            }
            for (place, schedule) in status.schedules.iter().enumerate() {
                let first = place == 0;
                let dataset = if first { status.dataset.to_string() } else { String::new() };
                let run = if first { run.clone() } else { [const { String::new() }; 3] };
                table.row(std::iter::once(dataset).chain(schedule_cells(schedule)).chain(run));
            }
        }
        table
    }
}

fn schedule_cells(schedule: &ScheduleStatus) -> [String; 5] {
    let state = match (schedule.state, schedule.waits_for_secret) {
        (State::Enabled, _) => "enabled",
        (State::Disabled, true) => "waits for secret",
        (State::Disabled, false) => "disabled",
    };
    let (local, utc) = schedule.next.as_ref().map_or(("–", "–"), |next| (next.local.as_str(), next.utc.as_str()));
    let revision = schedule.definition.rsplit(':').next().unwrap_or_default();
    [schedule.expression.as_str(), state, local, utc, revision].map(str::to_owned)
}

fn run_cells(run: Option<&RunRecord>) -> [String; 3] {
    let Some(run) = run else { return ["none found", "", ""].map(str::to_owned) };
    let outcome = match (&run.code, run.exit_code) {
        (Some(code), exit) => format!("{} ({code}, exit {exit})", runs::outcome(run.outcome)),
        (None, _) => runs::outcome(run.outcome).to_owned(),
    };
    [runs::minute(&run.finished), outcome, run.rows.to_string()]
}

impl Report for StatusReport {
    fn text(&self) -> String {
        format!("{}\n\n{}", self.stack, self.table().text())
    }

    fn markdown(&self) -> String {
        format!("### {}\n\n{}", self.stack, self.table().markdown())
    }
}

/// Shows the state of the stack.
pub(super) async fn status(global: &Global, options: &Status) -> Result<Exit, Error> {
    let session = Session::open(global).await?;
    let wanted: BTreeSet<DatasetName> = options.datasets.iter().cloned().collect();
    for name in &wanted {
        session.dataset(name)?;
    }
    let now = session.clock.now();
    let since =
        now.checked_sub(SignedDuration::from_hours(24 * i64::from(options.days))).unwrap_or(Timestamp::UNIX_EPOCH);
    let (schedules, mut runs) = tokio::try_join!(
        schedules(&session, &wanted, now),
        runs::latest(&session.clients, &session.names, since.as_millisecond()),
    )?;
    let mut datasets: BTreeMap<DatasetName, Vec<ScheduleStatus>> = BTreeMap::new();
    for name in session.manifests.placed() {
        datasets.entry(name.clone()).or_default();
    }
    for (name, schedule) in schedules {
        datasets.entry(name).or_default().push(schedule);
    }
    datasets.retain(|name, _| wanted.is_empty() || wanted.contains(name));
    let datasets = datasets.into_iter().map(|(dataset, mut schedules)| {
        schedules.sort_by(|a, b| a.name.cmp(&b.name));
        let last_run = runs.remove(&dataset);
        DatasetStatus { dataset, schedules, last_run }
    });
    let report = StatusReport { stack: session.names.marker.to_string(), datasets: datasets.collect() };
    print(&report, global.output)?;
    Ok(Exit::Done)
}

/// Schedules and rules of the stack as they are in AWS, each with its dataset.
async fn schedules(
    session: &Session,
    wanted: &BTreeSet<DatasetName>,
    now: Timestamp,
) -> Result<Vec<(DatasetName, ScheduleStatus)>, AwsError> {
    let Session { names, clients, .. } = session;
    let group = names.schedule_group();
    let prefix = names.rule_prefix();
    let (listed, rules) = tokio::try_join!(clients.schedules(&group), clients.rules(&prefix))?;
    let is_wanted = |dataset: &DatasetName| wanted.is_empty() || wanted.contains(dataset);
    let of_scheduler = listed.into_iter().filter_map(|schedule| {
        let dataset =
            hash::split(&schedule.name).and_then(|(entry, _)| dataset_of_schedule(entry)).filter(is_wanted)?;
        Some((dataset, schedule.name))
    });
    let group = group.as_str();
    let looks = of_scheduler.map(async |(dataset, name)| {
        let Some(found) = clients.schedule(group, &name).await? else { return Ok(None) };
        if names.marker.owner_by_note(&found.description) != Owner::Ours {
            return Ok(None);
        }
        let text = |key: &str| found.body[key].as_str().unwrap_or_default().to_owned();
        let (expression, timezone) = (text("expression"), text("timezone"));
        let next = next(found.carry.state, &expression, &timezone, now);
        let status = ScheduleStatus {
            name,
            state: found.carry.state,
            waits_for_secret: found.carry.waits_for_secret,
            expression,
            timezone,
            next,
            definition: found.definition,
        };
        Ok::<_, AwsError>(Some((dataset, status)))
    });
    let mut statuses: Vec<_> = stream::iter(looks)
        .buffer_unordered(SIDE_BY_SIDE)
        .try_filter_map(async |found| Ok(found))
        .try_collect()
        .await?;
    for rule in rules {
        let dataset = rule.name.strip_prefix(&prefix).and_then(dataset_of_schedule).filter(is_wanted);
        let ours = names.marker.owner_by_note(&rule.description) == Owner::Ours;
        let Some(dataset) = dataset.filter(|_| ours) else { continue };
        let status = ScheduleStatus {
            state: rule.state,
            waits_for_secret: Note::read(&rule.description).is_some_and(|note| note.waits_for_secret),
            timezone: "UTC".to_owned(),
            next: next(rule.state, &rule.expression, "UTC", now),
            definition: clients.rule_definition(&rule.name).await?.unwrap_or_default(),
            expression: rule.expression,
            name: rule.name,
        };
        statuses.push((dataset, status));
    }
    Ok(statuses)
}

fn next(state: State, expression: &str, timezone: &str, now: Timestamp) -> Option<Fire> {
    (state == State::Enabled).then(|| fires::next(expression, timezone, now)).flatten()
}
