//! `deploy schedule-all`: makes AWS what the manifests say. The plan is the same as `deploy plan` shows, and then exactly
//! that happens; a finding that refuses is told before anything is touched.

use uuid::Uuid;

use super::plan::{PlanReport, exit, read};
use super::session::Session;
use crate::apply;
use crate::cli::{Global, Selection};
use crate::error::{Error, Exit};
use crate::output::{Bar, print, tell};

/// Applies the plan.
pub(super) async fn schedule_all(global: &Global, selection: &Selection) -> Result<Exit, Error> {
    let session = Session::open(global).await?;
    let (desired, plan) = read(&session, selection).await?;
    if plan.refusals().next().is_some() {
        tell("refused: nothing was touched");
        print(&PlanReport { plan, applied: None }, global.output)?;
        return Ok(Exit::Findings);
    }
    let applied = if plan.is_empty() {
        None
    } else {
        Some(apply::apply(&session.clients, &desired, &plan, Uuid::new_v4, &Bar::new()).await)
    };
    let report = PlanReport { plan, applied };
    print(&report, global.output)?;
    Ok(exit(&report, selection))
}
