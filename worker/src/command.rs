//! The worker's subcommands, one file each; beside them what they share: `dataset` finds what is asked for, `prepared` has
//! settings, secrets and the way to the database, and `execution` makes tries of a run and leaves its record.

mod accept;
mod answer;
pub mod check;
mod dataset;
pub mod diff;
pub mod doctor;
pub mod draft;
mod execution;
pub mod fetch;
pub mod load;
mod origin;
mod prepared;
pub mod publish;
pub mod rejects;
pub mod replay;
pub mod rollback;
pub mod sources;

use clap::{Parser, Subcommand};
use tokio_util::sync::CancellationToken;

use crate::settings::Environment;

/// Loads public datasets into PostgreSQL without their readers noticing
#[derive(Debug, Parser)]
#[command(name = "worker", version, max_term_width = 100)]
pub struct Cli {
    /// What to do
    #[command(subcommand)]
    pub verb: Verb,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Verb {
    /// Load one dataset and publish it
    Load(load::Load),
    /// Read everything as a load would, without a database, and show what came of it
    Check(check::Check),
    /// Show the values and rows that a run could not load
    Rejects(rejects::Rejects),
    /// Load the rows and values that the last load could not read, and the manifest can now
    Replay(replay::Replay),
    /// Try what a dataset needs from its database, without changing anything
    Doctor(doctor::Doctor),
    /// Publish what an earlier run left in staging, without loading it again
    Publish(publish::Publish),
    /// Compare rows in staging with those that are live, or those that are live with what they replaced
    Diff(diff::Diff),
    /// Make live again what was live before the last publish
    Rollback(rollback::Rollback),
    /// List what the sources were when they were read, or forget it
    Sources(sources::Sources),
    /// Fetch the files of a dataset into a folder, for `load --from`
    Fetch(fetch::Fetch),
    /// Write a manifest that loads, a sample and an expectation, of a publisher's file or address
    Draft(draft::Draft),
}

impl Verb {
    /// Does it, and returns the process's exit code.
    pub async fn run(self, environment: impl Environment, stop: CancellationToken) -> i32 {
        match self {
            Self::Load(load) => load.run(&environment, &stop).await,
            Self::Check(check) => check.run(&environment, &stop).await,
            Self::Rejects(rejects) => rejects.run(&environment, &stop).await,
            Self::Replay(replay) => replay.run(&environment, &stop).await,
            Self::Doctor(doctor) => doctor.run(&environment, &stop).await,
            Self::Publish(publish) => publish.run(&environment, &stop).await,
            Self::Diff(diff) => diff.run(&environment, &stop).await,
            Self::Rollback(rollback) => rollback.run(&environment, &stop).await,
            Self::Sources(sources) => sources.run(&environment, &stop).await,
            Self::Fetch(fetch) => fetch.run(&environment, &stop).await,
            Self::Draft(draft) => draft.run(&environment, &stop).await,
        }
    }
}
