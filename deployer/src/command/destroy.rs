//! `deploy destroy`: everything of the stack in this environment goes, in the reverse of the order in which it was made, and
//! nothing else. Logs and secrets go only with `--data`; nothing goes before the stack's name was said once more.

use uuid::Uuid;

use super::plan::PlanReport;
use super::session::Session;
use crate::apply;
use crate::cli::{Destroy, Global};
use crate::desired::Desired;
use crate::desired::resource::Kind;
use crate::error::{Error, Exit};
use crate::finding::{Code, Finding};
use crate::observed::{self, Depth, state::Found};
use crate::output::{Bar, print, tell};
use crate::plan::{Options, Plan, Scope};

/// Removes the stack.
pub(super) async fn destroy(global: &Global, options: &Destroy) -> Result<Exit, Error> {
    let session = Session::open(global).await?;
    let marker = &session.names.marker;
    let nothing = Desired::nothing(&session.manifests);
    let mut observed = observed::observe(&session.clients, &nothing, Depth::Lists).await?;
    if options.data {
        for reference in session.manifests.environment.secrets.values() {
            let Some(secret) = session.clients.secret(&reference.id).await? else { continue };
            let owner = marker.owner_by_tags(&secret.tags);
            if secret.state != observed::state::SecretState::Deleted {
                let found = Found { owner, ..Found::ours(None) };
                observed.found.insert((Kind::Secret, reference.id.clone()), found);
            }
        }
    }
    let scope = if options.data { Scope::EverythingWithData } else { Scope::Everything };
    let mut plan = Plan::new(&nothing, &observed, &Options { scope, ..Options::default() }, Vec::new());
    let confirmed = options.confirm.as_deref() == Some(marker.to_string().as_str());
    if !plan.is_empty() && !confirmed {
        let message = format!("all {} things of {marker} would be deleted", plan.changes.len());
        let remedy = format!("if that is meant, say `--confirm {marker}`");
        plan.findings.push(Finding::new(Code::Deletions, "destroy", message, remedy));
        tell("refused: nothing was touched");
        print(&PlanReport { plan, applied: None }, global.output)?;
        return Ok(Exit::Findings);
    }
    let applied = if plan.is_empty() {
        None
    } else {
        Some(apply::apply(&session.clients, &nothing, &plan, Uuid::new_v4, &Bar::new()).await)
    };
    let failed = applied.as_ref().is_some_and(|applied| !applied.failures.is_empty());
    print(&PlanReport { plan, applied }, global.output)?;
    Ok(if failed { Exit::Failed } else { Exit::Done })
}
