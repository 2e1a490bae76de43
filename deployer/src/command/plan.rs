//! `deploy plan`: what would change, and when everything fires next. Nothing is touched.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use futures_util::future::join_all;
use jiff::SignedDuration;
use serde::{Deserialize, Serialize};

use super::session::{self, Session};
use super::status::runs;
use crate::apply::Applied;
use crate::cli::{self, Global, Selection};
use crate::clock::{Clock, Machine};
use crate::desired::{Desired, Manifests, secret};
use crate::error::{Error, Exit, most_similar};
use crate::image::{self, Meaning, Resolved};
use crate::observed::{self, Depth, state::Observed};
use crate::output::{Report, print, tell};
use crate::plan::saved::Saved;
use crate::plan::{Options, Plan, Scope, estimate, fires};
use crate::{project, render};

/// A plan, and what became of it where it was applied.
#[derive(Debug, Serialize, Deserialize)]
pub struct PlanReport {
    /// What will happen, or was to happen.
    #[serde(flatten)]
    pub plan: Plan,
    /// What did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub applied: Option<Applied>,
}

impl Report for PlanReport {
    fn text(&self) -> String {
        render::plan::text(&self.plan, self.applied.as_ref())
    }

    fn markdown(&self) -> String {
        render::plan::markdown(&self.plan, self.applied.as_ref())
    }
}

/// Shows the plan.
pub(super) async fn plan(global: &Global, options: &cli::Plan) -> Result<Exit, Error> {
    let plan = if options.offline {
        offline(&project::manifests(global)?, &options.selection)?
    } else {
        let session = Session::open(global).await?;
        let lengths = lengths(&session).await;
        read(&session, &options.selection, &lengths).await?.1
    };
    if let Some(path) = &options.out {
        let saved = serde_json::to_string_pretty(&Saved::of(&plan)).map_err(|error| Error::Output(error.into()))?;
        fs::write(path, saved).map_err(|cause| Error::Unwritable { path: path.clone(), cause })?;
    }
    let report = PlanReport { plan, applied: None };
    print(&report, global.output)?;
    Ok(exit(&report, &options.selection))
}

/// Days of runs that say how long a run takes.
const PAST_DAYS: i64 = 30;

/// How long runs took, as far as the log tells: whoever may not read it sees the plan all the same.
async fn lengths(session: &Session) -> estimate::Lengths {
    let since = session.clock.now().checked_sub(SignedDuration::from_hours(24 * PAST_DAYS));
    let since = since.map_or(0, jiff::Timestamp::as_millisecond);
    runs::lengths(&session.clients, &session.names, since).await.unwrap_or_else(|error| {
        tell(&format!("how long runs take is assumed, because the log could not be read: {error}"));
        estimate::Lengths::new()
    })
}

/// What the manifests would make where nothing exists yet.
fn offline(manifests: &Manifests, selection: &Selection) -> Result<Plan, Error> {
    let desired = Desired::new(manifests, &BTreeSet::new());
    check_adopted(&desired, selection)?;
    let now = Machine.now();
    let plan = Plan::new(
        &desired,
        &Observed::default(),
        &allowed(manifests, selection)?,
        fires::of(&manifests.schedules, now),
    );
    Ok(plan.estimated(estimate::of(manifests, &desired, &estimate::Lengths::new(), now)))
}

/// What the command line allows; names of no dataset are told.
fn allowed(manifests: &Manifests, selection: &Selection) -> Result<Options, Error> {
    for name in selection.only.iter().chain(&selection.exclude) {
        session::dataset(manifests, name)?;
    }
    Ok(Options {
        scope: Scope::Manifests,
        adopt: selection.adopt.iter().cloned().collect(),
        only: selection.only.iter().cloned().collect(),
        exclude: selection.exclude.iter().cloned().collect(),
        allow_deletes: selection.allow_deletes,
    })
}

/// Who takes something over says its whole name: a word that names nothing of this stack is a slip.
fn check_adopted(desired: &Desired, selection: &Selection) -> Result<(), Error> {
    let names = || desired.resources.iter().map(|resource| resource.name.as_str());
    let unknown = selection.adopt.iter().find(|given| names().all(|name| name != given.as_str()));
    unknown
        .map_or(Ok(()), |name| Err(Error::NothingToAdopt { name: name.clone(), similar: most_similar(name, names()) }))
}

/// Reads what exists, and compares.
pub(super) async fn read(
    session: &Session,
    selection: &Selection,
    lengths: &estimate::Lengths,
) -> Result<(Desired, Plan), Error> {
    let options = allowed(&session.manifests, selection)?;
    let World { manifests, desired, observed, images } = observe(session, Depth::Lists).await?;
    check_adopted(&desired, selection)?;
    let now = session.clock.now();
    let plan = Plan::new(&desired, &observed, &options, fires::of(&manifests.schedules, now));
    let mut plan = plan.at(&desired.names, now).estimated(estimate::of(&manifests, &desired, lengths, now));
    plan.images = images;
    Ok((desired, plan))
}

/// What should exist, and what does.
pub(super) struct World {
    pub(super) manifests: Manifests,
    pub(super) desired: Desired,
    pub(super) observed: Observed,
    /// What tags mean now.
    pub(super) images: Vec<Meaning>,
}

/// Reads all that a plan needs to know.
pub(super) async fn observe(session: &Session, depth: Depth) -> Result<World, Error> {
    let mut manifests = session.manifests.clone();
    let needs = secret::needs(&manifests);
    let endpoint = session.endpoint.as_deref();
    let places = manifests.images();
    let asked = places.keys().map(async |image| {
        let resolved = image::resolve(&session.clients, image, endpoint).await;
        (image.clone(), resolved)
    });
    let (states, images) = tokio::join!(observed::secrets(&session.clients, needs.keys()), join_all(asked));
    let images: BTreeMap<String, Resolved> = images.into_iter().collect();
    let secrets = Observed { secrets: states?.into_iter().collect(), ..Observed::default() };
    manifests.pin(&images);
    let missing = secret::missing(&needs, &manifests, &secrets.absent_secrets(&needs));
    let mut desired = Desired::new(&manifests, &missing);
    for (image, resolved) in &images {
        desired.image_is(image, &places[image], resolved);
    }
    if let Some(instance) = &manifests.environment.network.like {
        let found = session.clients.database_network(instance).await?;
        desired.network_is(instance, found.as_ref());
    }
    let observed = Observed { secrets: secrets.secrets, ..observed::observe(&session.clients, &desired, depth).await? };
    let found = |resolved| if let Resolved::Found(meaning) = resolved { Some(meaning) } else { None };
    let images = images.into_values().filter_map(found).collect();
    Ok(World { manifests, desired, observed, images })
}

/// How a command ends whose plan is this.
pub(super) fn exit(report: &PlanReport, selection: &Selection) -> Exit {
    let failed = report.applied.as_ref().is_some_and(|applied| !applied.failures.is_empty());
    if failed {
        Exit::Failed
    } else if report.plan.has_findings() {
        Exit::Findings
    } else if selection.detailed_exitcode && !report.plan.is_empty() {
        Exit::Changes
    } else {
        Exit::Done
    }
}
