//! `deploy iam`: what whoever deploys must be allowed, and how the stack's roles differ from what they should be.

use serde::Serialize;
use serde_json::Value;

use super::drift::DriftReport;
use super::plan::{World, observe};
use super::session::Session;
use crate::cli::{Global, Iam};
use crate::desired::policy;
use crate::desired::resource::Kind;
use crate::error::{Error, Exit};
use crate::names::Names;
use crate::observed::Depth;
use crate::output::{Report, print};
use crate::plan::drift;
use crate::project;

#[derive(Serialize)]
#[serde(transparent)]
struct Policy(Value);

impl Report for Policy {
    fn text(&self) -> String {
        serde_json::to_string_pretty(&self.0).unwrap_or_default()
    }

    fn markdown(&self) -> String {
        format!("```json\n{}\n```\n", self.text())
    }
}

/// Prints the policy, or compares the roles.
pub(super) async fn iam(global: &Global, command: Iam) -> Result<Exit, Error> {
    match command {
        Iam::Policy => {
            let names = Names::new(&project::manifests(global)?.environment);
            print(&Policy(policy::deployer(&names)), global.output)?;
            Ok(Exit::Done)
        }
        Iam::Diff => {
            let session = Session::open(global).await?;
            let World { desired, observed, .. } = observe(&session, Depth::Everything).await?;
            let mut drifted = drift::of(&desired, &observed);
            drifted.retain(|one| one.kind == Kind::Role);
            let compared = desired.resources.iter().filter(|resource| resource.kind() == Kind::Role).count();
            let none = drifted.is_empty();
            let stack = format!("roles of {}", session.names.marker);
            print(&DriftReport { stack, compared, drifted }, global.output)?;
            Ok(if none { Exit::Done } else { Exit::Findings })
        }
    }
}
