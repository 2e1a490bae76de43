//! `deploy run DATASET`: starts one run now, with the definition that is registered, whatever the manifests here say.

use std::collections::BTreeMap;

use manifest::task_def::Engine;
use manifest::{DatasetName, contract};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::session::Session;
use crate::aws::ecs::Overrides;
use crate::aws::task_definitions::FoundDefinition;
use crate::cli::{Global, Run};
use crate::desired::definition::CONTAINER;
use crate::error::{Error, Exit};
use crate::marker::Owner;
use crate::names::BatchPlace;
use crate::output::{Report, print};

/// Who started a task, as ECS and its events show it.
const STARTED_BY: &str = "deploy-run";

/// A run that was started.
#[derive(Debug, Serialize, Deserialize)]
pub struct Started {
    /// The dataset.
    pub dataset: DatasetName,
    /// Which service runs it.
    pub engine: Engine,
    /// Id of the task or of the job.
    pub id: String,
    /// ARN, with revision, of the definition.
    pub definition: String,
    /// The log group that it writes to.
    pub log_group: String,
    /// Its log stream; a job's is known once it runs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub log_stream: Option<String>,
    /// A command that shows the log as it is written.
    pub follow: String,
}

impl Report for Started {
    fn text(&self) -> String {
        let what = match self.engine {
            Engine::Fargate => "task",
            Engine::Batch => "job",
        };
        let revision = self.definition.rsplit('/').next().unwrap_or(&self.definition);
        format!("{}: {what} {} started from {revision}\nfollow it: {}\n", self.dataset, self.id, self.follow)
    }

    fn markdown(&self) -> String {
        format!("`{}` started: `{}`, follow it with `{}`\n", self.dataset, self.id, self.follow)
    }
}

/// Starts a run.
pub(super) async fn run(global: &Global, options: &Run) -> Result<Exit, Error> {
    let session = Session::open(global).await?;
    let name = &options.dataset;
    let array = session.dataset(name)?.job.as_ref().and_then(|job| job.array);
    let (engine, found) = registered(&session, name).await?;
    let mut variables = BTreeMap::new();
    if options.full {
        variables.insert(contract::MODE.to_owned(), "full".to_owned());
    }
    let overrides = Overrides { variables: &variables, command: &options.worker };
    let log_group = session.names.log_group();
    let region = &session.names.region;
    let (id, log_stream) = match engine {
        Engine::Fargate => {
            let clients = &session.clients;
            let cluster = session.names.cluster();
            let task = clients
                .run_task(cluster, &found.arn, &session.network(), overrides, STARTED_BY, Uuid::new_v4())
                .await?;
            let stream = format!("{name}/{CONTAINER}/{}", task.id);
            (task.id, Some(stream))
        }
        Engine::Batch => {
            // Unique, so that it can be found again when the answer is lost.
            let job = format!("{name}-{}", Uuid::new_v4().simple());
            let placements = session.manifests.placements();
            let first = placements.get(name).and_then(|task_defs| session.manifests.task_defs.get(task_defs[0]));
            let place = first.map_or(BatchPlace::ALL[0], BatchPlace::of);
            let queue = session.names.batch(place);
            (session.clients.submit_job(&job, &queue, &found.arn, array, overrides).await?, None)
        }
    };
    let prefix = log_stream.clone().unwrap_or_else(|| format!("{name}/"));
    let follow = format!("aws logs tail {log_group} --follow --region {region} --log-stream-name-prefix {prefix}");
    let report = Started { dataset: name.clone(), engine, id, definition: found.arn, log_group, log_stream, follow };
    print(&report, global.output)?;
    Ok(Exit::Done)
}

/// The definition of the dataset that is registered, on whichever service.
async fn registered(session: &Session, name: &DatasetName) -> Result<(Engine, FoundDefinition), Error> {
    let definition = session.names.definition(name, None);
    let marker = &session.names.marker;
    let ours = |found: &FoundDefinition| marker.owner_by_tags(&found.tags) == Owner::Ours;
    if let Some(found) = session.clients.task_definition(&definition).await?.filter(ours) {
        return Ok((Engine::Fargate, found));
    }
    if let Some(found) = session.clients.job_definition(&definition).await?.filter(ours) {
        return Ok((Engine::Batch, found));
    }
    Err(Error::NotRegistered { name: name.to_string(), stack: marker.to_string() })
}
