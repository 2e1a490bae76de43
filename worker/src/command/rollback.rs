//! `worker rollback`: what was live before the last publish goes live again.

use tokio_util::sync::CancellationToken;

use super::dataset::Which;
use super::execution::{Task, execute};
use super::prepared::Prepared;
use crate::report::Lines;
use crate::run::Errand;
use crate::settings::Environment;

/// Make live again what was live before the last publish
#[derive(Debug, clap::Args)]
pub struct Rollback {
    #[command(flatten)]
    which: Which,
    /// How many generations to go back
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u8).range(1..=9))]
    back: u8,
    /// Form of the lines on standard error: text at a terminal, else JSON
    #[arg(long, value_enum)]
    log: Option<Lines>,
}

impl Rollback {
    /// Goes back, and returns the process's exit code.
    pub async fn run(self, environment: &impl Environment, stop: &CancellationToken) -> i32 {
        execute(&self, &self.which, self.log, environment, stop).await
    }
}

impl Task for Rollback {
    fn errand(&self, _prepared: &Prepared) -> Errand {
        Errand::RollBack(self.back)
    }
}
