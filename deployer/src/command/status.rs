//! `deploy status`: per dataset its schedules and their state, when they fire next, the definition they start, and the last
//! run, read from the records that workers leave in the stack's log group. The database is not asked.

pub(super) mod runs;

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};
use manifest::DatasetName;
use manifest::run::RunRecord;
use serde::{Deserialize, Serialize};

use super::session::Session;
use super::triggers::{self, Trigger};
use crate::aws::error::AwsError;
use crate::cli::{Global, Status};
use crate::error::{Error, Exit};
use crate::observed::state::{Carry, State};
use crate::output::{Report, print};
use crate::plan::fires::{self, Fire};
use crate::plan::held;
use crate::render::table::Table;

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
    /// How people hold it: paused, pinned.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub held: Vec<String>,
    /// Its expression; empty when it answers to what other datasets do.
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
        (State::Disabled, true) => "waits for secret".to_owned(),
        _ if !schedule.held.is_empty() => schedule.held.join(", "),
        (State::Enabled, _) => "enabled".to_owned(),
        (State::Disabled, false) => "disabled".to_owned(),
    };
    let fires = if schedule.expression.is_empty() { "after others" } else { schedule.expression.as_str() };
    let (local, utc) = schedule.next.as_ref().map_or(("–", "–"), |next| (next.local.as_str(), next.utc.as_str()));
    let revision = schedule.definition.rsplit(':').next().unwrap_or_default();
    [fires, &state, local, utc, revision].map(str::to_owned)
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
    let status = |trigger: Trigger| {
        let status = ScheduleStatus {
            next: next(trigger.carry, &trigger.expression, &trigger.timezone, now),
            name: trigger.name,
            state: trigger.carry.state,
            waits_for_secret: trigger.carry.waits_for_secret,
            held: held::words(trigger.carry),
            expression: trigger.expression,
            timezone: trigger.timezone,
            definition: trigger.definition,
        };
        (trigger.dataset, status)
    };
    Ok(triggers::of(session, wanted).await?.into_iter().map(status).collect())
}

fn next(carry: Carry, expression: &str, timezone: &str, now: Timestamp) -> Option<Fire> {
    let start = carry.start.and_then(|start| Timestamp::from_second(start).ok());
    let from = start.map_or(now, |start| start.max(now));
    (carry.state == State::Enabled).then(|| fires::next(expression, timezone, from)).flatten()
}
