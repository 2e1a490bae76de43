//! `worker replay`: what a load could not read and the manifest can now goes live, without the rest being loaded again.

use tokio_util::sync::CancellationToken;

use super::dataset::Which;
use super::execution::{Task, execute};
use super::prepared::Prepared;
use crate::report::Lines;
use crate::run::Errand;
use crate::settings::Environment;

/// Load the rows and values that the last load could not read, and the manifest can now
#[derive(Debug, clap::Args)]
pub struct Replay {
    #[command(flatten)]
    which: Which,
    /// Form of the lines on standard error: text at a terminal, else JSON
    #[arg(long, value_enum)]
    log: Option<Lines>,
}

impl Replay {
    /// Replays, and returns the process's exit code.
    pub async fn run(self, environment: &impl Environment, stop: &CancellationToken) -> i32 {
        execute(&self, &self.which, self.log, environment, stop).await
    }
}

impl Task for Replay {
    fn errand(&self, _prepared: &Prepared) -> Errand {
        Errand::Replay
    }
}
