//! `deploy pause` and `deploy resume`: what fires datasets is turned off and on where it stands. A later `schedule-all` keeps
//! it so, also when the manifest changes.

use futures_util::stream::{self, StreamExt, TryStreamExt};
use jiff::{SignedDuration, Timestamp};
use manifest::DatasetName;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::session::Session;
use super::triggers::{self, SIDE_BY_SIDE, Trigger};
use crate::aws::turn::Turn;
use crate::cli::{Global, Pause, Resume, Until};
use crate::desired::resource::Kind;
use crate::error::{Error, Exit};
use crate::observed::state::State;
use crate::output::{Report, bullets, print};

/// Triggers that were turned.
#[derive(Debug, Serialize, Deserialize)]
pub struct Turned {
    /// What was done, for people.
    pub done: String,
    /// To these schedules and rules.
    pub triggers: Vec<TurnedTrigger>,
}

/// A schedule or rule that was turned.
#[derive(Debug, Serialize, Deserialize)]
pub struct TurnedTrigger {
    /// Its dataset.
    pub dataset: DatasetName,
    /// Schedule or rule.
    pub kind: Kind,
    /// Its name in AWS.
    pub name: String,
    /// What stays as it was, if anything.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub but: Option<String>,
}

impl Report for Turned {
    fn text(&self) -> String {
        if self.triggers.is_empty() {
            return "nothing fires these datasets\n".to_owned();
        }
        let line = |one: &TurnedTrigger| {
            let but = one.but.as_ref().map(|but| format!("; {but}")).unwrap_or_default();
            format!("{}: {} {} {}{but}\n", one.dataset, one.kind, one.name, self.done)
        };
        self.triggers.iter().map(line).collect()
    }

    fn markdown(&self) -> String {
        bullets(self.text().lines())
    }
}

/// Turns triggers off.
pub(super) async fn pause(global: &Global, options: &Pause) -> Result<Exit, Error> {
    let session = Session::open(global).await?;
    let found = triggers::named(&session, &options.datasets).await?;
    let until = options.until.map(|until| instant(until, session.clock.now())).transpose()?;
    if let (Some(_), Some(rule)) = (until, found.iter().find(|trigger| trigger.kind == Kind::Rule)) {
        let message = format!(
            "the rule {} cannot be paused until a time, only Scheduler can; leave `--until` out, or name other datasets",
            rule.name
        );
        return Err(Error::Refused(message));
    }
    let done = match until {
        Some(until) => format!("is paused until {}", until.strftime("%Y-%m-%d %H:%MZ")),
        None => "is paused until `deploy resume`".to_owned(),
    };
    let turn = until.map_or(Turn::Pause, |until| Turn::PauseUntil(until.as_second()));
    all(&session, &found, turn, State::Disabled).await?;
    report(global, found, done, |_| None)
}

/// Turns triggers on again.
pub(super) async fn resume(global: &Global, options: &Resume) -> Result<Exit, Error> {
    let session = Session::open(global).await?;
    let found = triggers::named(&session, &options.datasets).await?;
    all(&session, &found, Turn::Resume, State::Enabled).await?;
    let waits = |trigger: &Trigger| trigger.carry.waits_for_secret;
    report(global, found, "fires again".to_owned(), |trigger| {
        waits(trigger).then(|| "but stays off until its secret has a value".to_owned())
    })
}

async fn all(session: &Session, found: &[Trigger], turn: Turn<'_>, state: State) -> Result<(), Error> {
    let group = session.names.schedule_group();
    let group = group.as_str();
    let clients = &session.clients;
    let steps = found.iter().map(async |trigger| match trigger.kind {
        Kind::Schedule => clients.turn_schedule(group, &trigger.name, turn, Uuid::new_v4()).await,
        _ if trigger.carry.waits_for_secret && state == State::Enabled => Ok(()),
        _ => clients.turn_rule(&trigger.name, state).await,
    });
    stream::iter(steps).buffer_unordered(SIDE_BY_SIDE).try_collect::<Vec<()>>().await?;
    Ok(())
}

fn report(
    global: &Global,
    found: Vec<Trigger>,
    done: String,
    but: impl Fn(&Trigger) -> Option<String>,
) -> Result<Exit, Error> {
    let turned = |trigger: Trigger| TurnedTrigger {
        but: but(&trigger),
        dataset: trigger.dataset,
        kind: trigger.kind,
        name: trigger.name,
    };
    let triggers = found.into_iter().map(turned).collect();
    print(&Turned { done, triggers }, global.output)?;
    Ok(Exit::Done)
}

/// The instant that is meant; one that has passed is a mistake.
fn instant(until: Until, now: Timestamp) -> Result<Timestamp, Error> {
    let instant = match until {
        Until::At(time) => Some(time),
        Until::In(seconds) => {
            now.checked_add(SignedDuration::from_secs(i64::try_from(seconds).unwrap_or(i64::MAX))).ok()
        }
    };
    instant.filter(|instant| *instant > now).ok_or_else(|| {
        Error::Refused("`--until` names no time that is still to come; write 12h, 3d or 2026-12-01T06:00Z".to_owned())
    })
}
