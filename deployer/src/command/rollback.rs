//! `deploy rollback DATASET`: its schedules start an earlier revision of its definition: image, size, manifest and SQL as they
//! were then. Later applies keep that until its manifest changes, or `--unpin`.

use std::collections::BTreeSet;

use manifest::DatasetName;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::session::Session;
use super::triggers::{self, Trigger};
use crate::aws::error::AwsError;
use crate::aws::task_definitions::revision;
use crate::aws::turn::Turn;
use crate::cli::{Global, Rollback};
use crate::desired::resource::Kind;
use crate::error::{Error, Exit};
use crate::output::{Report, print};

/// What schedules start now.
#[derive(Debug, Serialize, Deserialize)]
pub struct RolledBack {
    /// The dataset.
    pub dataset: DatasetName,
    /// The revision that its schedules started.
    pub from: u32,
    /// The one that they start now.
    pub to: u32,
    /// Whether that stays so when a newer one is there.
    pub pinned: bool,
    /// The schedules.
    pub schedules: Vec<String>,
}

impl Report for RolledBack {
    fn text(&self) -> String {
        let Self { dataset, from, to, pinned, schedules } = self;
        let how = if *pinned {
            format!("pinned until its manifest changes, or `deploy rollback {dataset} --unpin`")
        } else {
            "the newest, no longer pinned".to_owned()
        };
        format!("{dataset}: {} start revision {to} instead of {from}; {how}\n", schedules.join(", "))
    }

    fn markdown(&self) -> String {
        self.text()
    }
}

/// Points the dataset's schedules to another revision.
pub(super) async fn rollback(global: &Global, options: &Rollback) -> Result<Exit, Error> {
    let session = Session::open(global).await?;
    let dataset = &options.dataset;
    let found = triggers::named(&session, std::slice::from_ref(dataset)).await?;
    let (schedules, rules): (Vec<Trigger>, Vec<Trigger>) =
        found.into_iter().partition(|trigger| trigger.kind == Kind::Schedule);
    let main = session.names.definition(dataset, None);
    let is_main = |trigger: &&Trigger| name_of(&trigger.definition) == main;
    let Some(first) = schedules.iter().find(is_main) else {
        let why = if rules.is_empty() {
            "no schedule starts it"
        } else {
            "only schedules can be pinned, and a rule starts it"
        };
        return Err(Error::Refused(format!("{dataset} cannot be rolled back: {why}")));
    };
    let revisions = revisions(&session, &first.definition).await?;
    let from = revision(&first.definition).unwrap_or_default();
    let (to, arn) = chosen(options, from, &revisions).map_err(|why| Error::Refused(format!("{dataset}: {why}")))?;
    let turn = if options.unpin { Turn::Unpin(arn) } else { Turn::Pin(arn, to) };
    let group = session.names.schedule_group();
    let mut turned = Vec::new();
    for schedule in schedules.iter().filter(is_main) {
        session.clients.turn_schedule(&group, &schedule.name, turn, Uuid::new_v4()).await?;
        turned.push(schedule.name.clone());
    }
    let report = RolledBack { dataset: dataset.clone(), from, to, pinned: !options.unpin, schedules: turned };
    print(&report, global.output)?;
    Ok(Exit::Done)
}

async fn revisions(session: &Session, arn: &str) -> Result<Vec<String>, AwsError> {
    let name = name_of(arn);
    if arn.contains(":job-definition/") {
        session.clients.job_revisions(name).await
    } else {
        session.clients.task_revisions(name).await
    }
}

/// The name in the ARN of a definition.
fn name_of(arn: &str) -> &str {
    let last = arn.rsplit('/').next().unwrap_or(arn);
    last.rsplit_once(':').map_or(last, |(name, _)| name)
}

/// The revision that is meant: the newest, the one that was named, or the one before.
fn chosen<'a>(options: &Rollback, from: u32, revisions: &'a [String]) -> Result<(u32, &'a str), String> {
    let active = || {
        let numbers: BTreeSet<u32> = revisions.iter().filter_map(|arn| revision(arn)).collect();
        numbers.iter().map(u32::to_string).collect::<Vec<_>>().join(", ")
    };
    let mut candidates = revisions.iter().filter_map(|arn| Some((revision(arn)?, arn.as_str())));
    let found = match options.to {
        _ if options.unpin => candidates.next_back(),
        Some(to) => candidates.find(|(revision, _)| *revision == to),
        None => candidates.rfind(|(revision, _)| *revision < from),
    };
    found.ok_or_else(|| match options.to {
        Some(to) => format!("there is no active revision {to}; there are {}", active()),
        None => format!("there is no active revision before {from}; there are {}", active()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn options(to: Option<u32>, unpin: bool) -> Rollback {
        Rollback { dataset: "acris".parse().unwrap(), to, unpin }
    }

    #[test]
    fn the_revision_before_is_meant_unless_one_is_named() {
        let arns: Vec<String> = [1, 3, 4, 10].map(|n| format!("arn:aws:ecs:r:a:task-definition/f-acris:{n}")).into();
        let number = |options: &Rollback, from| chosen(options, from, &arns).map(|(number, _)| number);
        assert_eq!(number(&options(None, false), 10), Ok(4));
        assert_eq!(number(&options(None, false), 4), Ok(3));
        assert_eq!(number(&options(Some(1), false), 10), Ok(1));
        assert_eq!(number(&options(None, true), 3), Ok(10));
        assert_eq!(
            number(&options(Some(2), false), 10),
            Err("there is no active revision 2; there are 1, 3, 4, 10".to_owned())
        );
        assert!(number(&options(None, false), 1).is_err());
        assert_eq!(name_of(&arns[0]), "f-acris");
    }
}
