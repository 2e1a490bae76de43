//! `deploy schedule-all`: makes AWS what the manifests say. The plan is the same as `deploy plan` shows, and then exactly
//! that happens; a finding that refuses is told before anything is touched.

use std::fs;
use std::path::Path;

use uuid::Uuid;

use super::plan::{PlanReport, exit, read};
use super::session::Session;
use crate::apply;
use crate::cli::{Global, ScheduleAll};
use crate::error::{Error, Exit};
use crate::output::{Bar, print, tell};
use crate::plan::estimate::Lengths;
use crate::plan::saved::Saved;

/// Applies the plan.
pub(super) async fn schedule_all(global: &Global, options: &ScheduleAll) -> Result<Exit, Error> {
    let agreed = options.plan.as_deref().map(saved).transpose()?;
    let session = Session::open(global).await?;
    let (desired, plan) = read(&session, &options.selection, &Lengths::new()).await?;
    if let Some(agreed) = agreed {
        let differences = agreed.differences(&Saved::of(&plan));
        if !differences.is_empty() {
            tell("refused: the saved plan is not what would be done now, and nothing was touched");
            for difference in differences {
                tell(&format!("  {difference}"));
            }
            print(&PlanReport { plan, applied: None }, global.output)?;
            return Ok(Exit::Stale);
        }
    }
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
    Ok(exit(&report, &options.selection))
}

fn saved(path: &Path) -> Result<Saved, Error> {
    let text = fs::read_to_string(path).map_err(|cause| Error::File { path: path.to_owned(), cause })?;
    serde_json::from_str(&text).map_err(|cause| Error::NoPlan { path: path.to_owned(), cause })
}
