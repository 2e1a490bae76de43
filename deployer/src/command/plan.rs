//! `deploy plan`: what would change, and when everything fires next. Nothing is touched.

use std::collections::BTreeSet;

use manifest::DatasetName;
use serde::{Deserialize, Serialize};

use super::session::Session;
use crate::apply::Applied;
use crate::cli::{Global, Selection};
use crate::desired::{Desired, secret};
use crate::error::{Error, Exit};
use crate::observed::{self, state::Observed};
use crate::output::{Report, print};
use crate::plan::{Options, Plan, fires};
use crate::render;

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
pub(super) async fn plan(global: &Global, selection: &Selection) -> Result<Exit, Error> {
    let session = Session::open(global).await?;
    let (_, plan) = read(&session, selection).await?;
    let report = PlanReport { plan, applied: None };
    print(&report, global.output)?;
    Ok(exit(&report, selection))
}

/// Reads what exists, and compares.
pub(super) async fn read(session: &Session, selection: &Selection) -> Result<(Desired, Plan), Error> {
    let only: BTreeSet<DatasetName> = selection.only.iter().cloned().collect();
    for name in &only {
        session.dataset(name)?;
    }
    let manifests = &session.manifests;
    let needs = secret::needs(manifests);
    let states = observed::secrets(&session.clients, needs.keys()).await?.into_iter().collect();
    let secrets = Observed { secrets: states, ..Observed::default() };
    let missing = secret::missing(&needs, manifests, &secrets.absent_secrets(&needs));
    let desired = Desired::new(manifests, &missing);
    let observed = Observed { secrets: secrets.secrets, ..observed::observe(&session.clients, &desired).await? };
    let options =
        Options { adopt: selection.adopt.iter().cloned().collect(), only, allow_deletes: selection.allow_deletes };
    let fires = fires::of(&manifests.schedules, session.clock.now());
    let plan = Plan::new(&desired, &observed, &options, fires);
    Ok((desired, plan))
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
