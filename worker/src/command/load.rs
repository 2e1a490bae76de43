//! `worker load`: one dataset, from its sources to its readers. Without a name it loads what its definition handed over.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::Arc;

use manifest::dataset::Table;
use manifest::schedule::Mode;
use manifest::{Dataset, SecretName};
use tokio_util::sync::CancellationToken;

use super::accept::AcceptDrop;
use super::dataset::Which;
use super::execution::{Task, execute};
use super::prepared::{Prepared, database_only};
use crate::fault::{Exit, Fault};
use crate::report::Lines;
use crate::run::{self, Errand, WhenUnchanged};
use crate::settings::{Environment, Settings};
use crate::source::{Access, Means, Missing, Patience, ReadFrom};
use crate::spool::Spool;
use crate::staging::Extent;
use crate::trouble::Trouble;

/// Load one dataset and publish it
#[derive(Debug, clap::Args)]
pub struct Load {
    #[command(flatten)]
    which: Which,
    /// Read every source from DIR/FILE instead of its address, with no network
    #[arg(long, value_name = "DIR")]
    from: Option<PathBuf>,
    /// Skip tables of which DIR has no file
    #[arg(long, requires = "from")]
    partial: bool,
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

/// With `--partial`, no table has a file.
#[derive(Debug, thiserror::Error)]
#[error("{} has a file of none of the tables of {dataset}", folder.display())]
struct SourcesAbsent {
    folder: PathBuf,
    dataset: String,
}

impl Fault for SourcesAbsent {
    fn code(&self) -> &'static str {
        "sources_absent"
    }

    fn exit(&self) -> Exit {
        Exit::Configuration
    }
}

impl Load {
    /// Loads, and returns the process's exit code.
    pub async fn run(self, environment: &impl Environment, stop: &CancellationToken) -> i32 {
        execute(&self, &self.which, self.log, environment, stop).await
    }

    fn read_from(&self, settings: &Settings) -> ReadFrom {
        match (&self.from, &settings.sources) {
            (Some(folder), _) => ReadFrom::Folder {
                folder: folder.clone(),
                missing: if self.partial { Missing::Skip } else { Missing::Refuse },
            },
            (None, Some(base)) => ReadFrom::Mirror(base.clone()),
            (None, None) => ReadFrom::Publisher,
        }
    }
}

impl Task for Load {
    fn narrow(&self, dataset: &mut Dataset, _settings: &Settings) -> Result<(), Trouble> {
        let Some(folder) = self.from.as_ref().filter(|_| self.partial) else { return Ok(()) };
        let has_file = |table: &Table| table.sources().iter().any(|source| folder.join(&source.file).is_file());
        if dataset.tables.iter().all(|table| table.sources().is_empty() || has_file(table)) {
            return Ok(());
        }
        // What SQL makes of the tables, it makes of all of them.
        dataset.tables.retain(has_file);
        dataset.views.clear();
        dataset.after.clear();
        if dataset.tables.is_empty() {
            return Err(SourcesAbsent { folder: folder.clone(), dataset: dataset.dataset.to_string() }.into());
        }
        Ok(())
    }

    fn secrets(&self, dataset: &Dataset, settings: &Settings) -> BTreeSet<SecretName> {
        let mut needed = database_only();
        // Those of its sources, where these are asked themselves.
        if self.read_from(settings) == ReadFrom::Publisher {
            needed.extend(dataset.secrets());
        }
        needed
    }

    fn errand(&self, prepared: &Prepared) -> Errand {
        let settings = &prepared.settings;
        let from = self.read_from(settings);
        let extent = if from == ReadFrom::Publisher || self.expect { Extent::Whole } else { Extent::Sample };
        let when_unchanged =
            if self.force || settings.mode == Mode::Full { WhenUnchanged::Load } else { WhenUnchanged::Leave };
        let secrets = Arc::clone(prepared.secrets());
        let lookup = Arc::new(move |name: &SecretName| secrets.get(name).cloned());
        let means = Means {
            spool: Spool::new(&settings.spool),
            secrets: lookup,
            patience: Patience::default(),
            today: prepared.today(),
        };
        let access = Access::new(&prepared.dataset, from, means);
        Errand::Load(run::Load { access: Arc::new(access), when_unchanged, extent, accept: self.accept.accept() })
    }
}
