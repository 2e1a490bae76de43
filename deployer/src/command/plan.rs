//! `deploy plan`: what would change, and when everything fires next. Nothing is touched.

use std::collections::BTreeSet;
use std::fs;

use serde::{Deserialize, Serialize};

use super::session::{self, Session};
use crate::apply::Applied;
use crate::cli::{self, Global, Selection};
use crate::clock::{Clock, Machine};
use crate::desired::{Desired, Manifests, secret};
use crate::error::{Error, Exit, most_similar};
use crate::image::{self, Meaning, Resolved};
use crate::observed::{self, Depth, state::Observed};
use crate::output::{Report, print};
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
        read(&session, &options.selection).await?.1
    };
    if let Some(path) = &options.out {
        let saved = serde_json::to_string_pretty(&Saved::of(&plan)).map_err(|error| Error::Output(error.into()))?;
        fs::write(path, saved).map_err(|cause| Error::Unwritable { path: path.clone(), cause })?;
    }
    let report = PlanReport { plan, applied: None };
    print(&report, global.output)?;
    Ok(exit(&report, &options.selection))
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
    Ok(plan.estimated(estimate::of(manifests, &desired, now)))
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
pub(super) async fn read(session: &Session, selection: &Selection) -> Result<(Desired, Plan), Error> {
    let options = allowed(&session.manifests, selection)?;
    let World { manifests, desired, observed, image } = observe(session, Depth::Lists).await?;
    check_adopted(&desired, selection)?;
    let now = session.clock.now();
    let plan = Plan::new(&desired, &observed, &options, fires::of(&manifests.schedules, now));
    let mut plan = plan.estimated(estimate::of(&manifests, &desired, now));
    plan.image = image;
    Ok((desired, plan))
}

/// What should exist, and what does.
pub(super) struct World {
    pub(super) manifests: Manifests,
    pub(super) desired: Desired,
    pub(super) observed: Observed,
    pub(super) image: Option<Meaning>,
}

/// Reads all that a plan needs to know.
pub(super) async fn observe(session: &Session, depth: Depth) -> Result<World, Error> {
    let mut manifests = session.manifests.clone();
    let needs = secret::needs(&manifests);
    let endpoint = session.endpoint.as_deref();
    let (states, image) = tokio::join!(
        observed::secrets(&session.clients, needs.keys()),
        image::resolve(&session.clients, &manifests.environment.image, endpoint)
    );
    let secrets = Observed { secrets: states?.into_iter().collect(), ..Observed::default() };
    if let Resolved::Found(meaning) = &image {
        manifests.environment.image.clone_from(&meaning.pinned);
    }
    let missing = secret::missing(&needs, &manifests, &secrets.absent_secrets(&needs));
    let mut desired = Desired::new(&manifests, &missing);
    desired.image_is(&manifests.environment.image, &image);
    if let Some(instance) = &manifests.environment.network.like {
        let found = session.clients.database_network(instance).await?;
        desired.network_is(instance, found.as_ref());
    }
    let observed = Observed { secrets: secrets.secrets, ..observed::observe(&session.clients, &desired, depth).await? };
    let image = if let Resolved::Found(meaning) = image { Some(meaning) } else { None };
    Ok(World { manifests, desired, observed, image })
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
