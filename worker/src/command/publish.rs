//! `worker publish`: what an earlier run left complete in staging goes live, without being loaded again.

use tokio_util::sync::CancellationToken;

use super::accept::AcceptDrop;
use super::dataset::Which;
use super::execution::{Task, execute};
use super::prepared::Prepared;
use crate::report::Lines;
use crate::run::Errand;
use crate::settings::Environment;

/// Publish what an earlier run left in staging, without loading it again
#[derive(Debug, clap::Args)]
pub struct Publish {
    #[command(flatten)]
    which: Which,
    #[command(flatten)]
    accept: AcceptDrop,
    /// Form of the lines on standard error: text at a terminal, else JSON
    #[arg(long, value_enum)]
    log: Option<Lines>,
}

impl Publish {
    /// Publishes, and returns the process's exit code.
    pub async fn run(self, environment: &impl Environment, stop: &CancellationToken) -> i32 {
        execute(&self, &self.which, self.log, environment, stop).await
    }
}

impl Task for Publish {
    fn errand(&self, _prepared: &Prepared) -> Errand {
        Errand::PublishKept(self.accept.accept())
    }
}
