//! `deploy gc`: old revisions of definitions go; ECS counts them for ever, and a list of a thousand helps nobody. The newest
//! stay, and everything to which anything in the account refers: schedules of whatever group, rules of whatever name, tasks
//! that run. A revision that is deregistered while a schedule starts it lets that schedule fail without a word.

use std::collections::{BTreeMap, BTreeSet};

use futures_util::future::try_join_all;
use futures_util::stream::{self, StreamExt, TryStreamExt};
use serde::{Deserialize, Serialize};

use super::session::Session;
use super::triggers::SIDE_BY_SIDE;
use crate::aws::error::AwsError;
use crate::cli::{Gc, Global};
use crate::error::{Error, Exit};
use crate::marker::Owner;
use crate::names::BatchPlace;
use crate::output::{Report, bullets, print};

/// What went, or would go.
#[derive(Debug, Serialize, Deserialize)]
pub struct Collected {
    /// Whether they were only looked for.
    pub dry_run: bool,
    /// ARNs of revisions that went, oldest first.
    pub deregistered: Vec<String>,
    /// ARNs of older ones that stay because something refers to them.
    pub referred_to: Vec<String>,
}

impl Report for Collected {
    fn text(&self) -> String {
        let name = |arn: &str| arn.rsplit('/').next().unwrap_or(arn).to_owned();
        let word = if self.dry_run { "would go" } else { "deregistered" };
        let mut lines: Vec<String> = self.deregistered.iter().map(|arn| format!("{word}: {}", name(arn))).collect();
        lines.extend(self.referred_to.iter().map(|arn| format!("stays, something starts it: {}", name(arn))));
        lines.push(format!("{} revisions {word}", self.deregistered.len()));
        lines.join("\n") + "\n"
    }

    fn markdown(&self) -> String {
        bullets(self.text().lines())
    }
}

/// Deregisters what nobody needs.
pub(super) async fn gc(global: &Global, options: &Gc) -> Result<Exit, Error> {
    let session = Session::open(global).await?;
    let referred = references(&session).await?;
    let mut report = Collected { dry_run: options.dry_run, deregistered: Vec::new(), referred_to: Vec::new() };
    for revisions in revisions(&session).await?.into_values() {
        let old = revisions.len().saturating_sub(usize::from(options.keep));
        for arn in revisions.into_iter().take(old) {
            if referred.contains(&arn) { &mut report.referred_to } else { &mut report.deregistered }.push(arn);
        }
    }
    if !options.dry_run {
        for arn in &report.deregistered {
            if arn.contains(":job-definition/") {
                session.clients.deregister_job_revision(arn).await?;
            } else {
                session.clients.deregister_task(arn).await?;
            }
        }
    }
    print(&report, global.output)?;
    Ok(Exit::Done)
}

/// Active revisions of every definition that carries our mark, oldest first.
async fn revisions(session: &Session) -> Result<BTreeMap<String, Vec<String>>, AwsError> {
    let Session { names, clients, .. } = session;
    let prefix = names.definition_prefix();
    let (families, jobs) = tokio::try_join!(clients.task_families(&prefix), clients.job_definitions(&prefix))?;
    let ours = |tags: &crate::desired::resource::Tags| names.marker.owner_by_tags(tags) == Owner::Ours;
    let of_ecs = families.into_iter().map(async |family| {
        let newest = clients.task_definition(&family).await?;
        if newest.is_none_or(|newest| !ours(&newest.tags)) {
            return Ok(None);
        }
        Ok::<_, AwsError>(Some((family.clone(), clients.task_revisions(&family).await?)))
    });
    let looks = stream::iter(of_ecs).buffer_unordered(SIDE_BY_SIDE).try_filter_map(async |found| Ok(found));
    let mut revisions: BTreeMap<String, Vec<String>> = looks.try_collect().await?;
    for (name, _) in jobs.into_iter().filter(|(_, newest)| ours(&newest.tags)) {
        let arns = clients.job_revisions(&name).await?;
        revisions.insert(format!("{name} on Batch"), arns);
    }
    Ok(revisions)
}

/// Every revision to which anything refers, whoever made it.
async fn references(session: &Session) -> Result<BTreeSet<String>, AwsError> {
    let Session { names, clients, .. } = session;
    let cluster = names.cluster_arn();
    let queues: Vec<String> = BatchPlace::ALL.into_iter().map(|place| names.job_queue_arn(place)).collect();
    let (schedules, by_cluster, by_queue, running) = tokio::try_join!(
        clients.all_schedules(),
        clients.rules_by_target(&cluster),
        try_join_all(queues.iter().map(|queue| clients.rules_by_target(queue))),
        clients.running_definitions(names.cluster()),
    )?;
    let mut referred: BTreeSet<String> = running.into_iter().collect();
    let looks = schedules.into_iter().map(async |(group, name)| clients.schedule(&group, &name).await);
    let looked: Vec<_> = stream::iter(looks).buffer_unordered(SIDE_BY_SIDE).try_collect().await?;
    referred.extend(looked.into_iter().flatten().map(|schedule| schedule.definition));
    let rules: BTreeSet<String> = by_cluster.into_iter().chain(by_queue.into_iter().flatten()).collect();
    for rule in rules {
        referred.extend(clients.rule_definitions(&rule).await?);
    }
    Ok(referred)
}
