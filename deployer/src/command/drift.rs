//! `deploy drift`: every resource of the stack as it is, field by field, beside what it should be. Hashes, which make a plan
//! cheap, are not believed here: what somebody changed at the console keeps its hash. With `--repair` it is made right again.

use std::fmt::Write as _;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::plan::{PlanReport, World, exit, observe};
use super::session::Session;
use crate::apply;
use crate::cli::{Drift, Global, Selection};
use crate::error::{Error, Exit};
use crate::observed::Depth;
use crate::output::{Bar, Report, bullets, print};
use crate::plan::Plan;
use crate::plan::drift::{self, Drifted};

/// What is otherwise than it should be.
#[derive(Debug, Serialize, Deserialize)]
pub struct DriftReport {
    /// Stack and environment.
    pub stack: String,
    /// Resources that were compared.
    pub compared: usize,
    /// Those that differ.
    pub drifted: Vec<Drifted>,
}

impl Report for DriftReport {
    fn text(&self) -> String {
        if self.drifted.is_empty() {
            return format!("{}: all {} resources are as they should be\n", self.stack, self.compared);
        }
        let mut text = format!("{}: {} of {} resources drifted\n", self.stack, self.drifted.len(), self.compared);
        for one in &self.drifted {
            let _ = writeln!(text, "\n  {} {}", one.kind, one.name);
            for reason in &one.reasons {
                let _ = writeln!(text, "      {reason}");
            }
        }
        text.push_str("\n`deploy drift --repair` makes them what the manifests say\n");
        text
    }

    fn markdown(&self) -> String {
        let line = |one: &Drifted| {
            let reasons: Vec<String> = one.reasons.iter().map(ToString::to_string).collect();
            format!("{} `{}`: {}", one.kind, one.name, reasons.join("; "))
        };
        let lines = bullets(self.drifted.iter().map(line));
        format!("### {}: {} of {} drifted\n\n{lines}", self.stack, self.drifted.len(), self.compared)
    }
}

/// Compares everything, and repairs it when told.
pub(super) async fn drift(global: &Global, options: &Drift) -> Result<Exit, Error> {
    let session = Session::open(global).await?;
    let World { desired, observed, .. } = observe(&session, Depth::Everything).await?;
    let drifted = drift::of(&desired, &observed);
    if !options.repair {
        let none = drifted.is_empty();
        let stack = session.names.marker.to_string();
        print(&DriftReport { stack, compared: desired.resources.len(), drifted }, global.output)?;
        return Ok(if none { Exit::Done } else { Exit::Findings });
    }
    let plan = Plan::repair(&desired, &observed, &drifted);
    let applied = if plan.is_empty() {
        None
    } else {
        Some(apply::apply(&session.clients, &desired, &plan, Uuid::new_v4, &Bar::new()).await)
    };
    let report = PlanReport { plan, applied };
    print(&report, global.output)?;
    Ok(exit(&report, &Selection::default()))
}
