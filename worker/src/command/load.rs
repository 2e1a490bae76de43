//! `worker load`: one dataset, from its sources to its readers. Without a name it loads what its definition handed over.

use std::collections::BTreeSet;

use manifest::schedule::Mode;
use manifest::{Dataset, SecretName};
use tokio_util::sync::CancellationToken;

use super::accept::AcceptDrop;
use super::dataset::Which;
use super::execution::{Task, execute};
use super::origin::Origin;
use super::prepared::{Prepared, database_only};
use crate::report::Lines;
use crate::run::{self, Errand, WhenUnchanged};
use crate::settings::{Environment, Settings};
use crate::source::ReadFrom;
use crate::staging::Extent;
use crate::trouble::Trouble;

/// Load one dataset and publish it
#[derive(Debug, clap::Args)]
pub struct Load {
    #[command(flatten)]
    which: Which,
    #[command(flatten)]
    origin: Origin,
    /// Enforce expected sizes also where rows are a sample
    #[arg(long)]
    expect: bool,
    /// Load although nothing changed; overrides no guard
    #[arg(long)]
    force: bool,
    #[command(flatten)]
    accept: AcceptDrop,
    /// Form of the lines on standard error: text at a terminal, else JSON
    #[arg(long, value_enum)]
    log: Option<Lines>,
}

impl Load {
    /// Loads, and returns the process's exit code.
    pub async fn run(self, environment: &impl Environment, stop: &CancellationToken) -> i32 {
        execute(&self, &self.which, self.log, environment, stop).await
    }
}

impl Task for Load {
    fn narrow(&self, dataset: &mut Dataset, _settings: &Settings) -> Result<(), Trouble> {
        self.origin.narrow(dataset)
    }

    fn secrets(&self, dataset: &Dataset, settings: &Settings) -> BTreeSet<SecretName> {
        let mut needed = database_only();
        needed.extend(self.origin.secrets(dataset, settings));
        needed
    }

    fn errand(&self, prepared: &Prepared) -> Errand {
        let settings = &prepared.settings;
        let is_whole = self.origin.read_from(settings) == ReadFrom::Publisher || self.expect;
        let extent = if is_whole { Extent::Whole } else { Extent::Sample };
        let when_unchanged =
            if self.force || settings.mode == Mode::Full { WhenUnchanged::Load } else { WhenUnchanged::Leave };
        let access = self.origin.access(prepared);
        Errand::Load(run::Load { access, when_unchanged, extent, accept: self.accept.accept() })
    }
}
