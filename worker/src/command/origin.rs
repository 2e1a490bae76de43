//! Where a subcommand reads sources from: the same switches for a load and for what only looks.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::Arc;

use manifest::dataset::Table;
use manifest::{Dataset, SecretName};

use super::prepared::Prepared;
use crate::fault::{Exit, Fault};
use crate::settings::Settings;
use crate::source::{Access, Missing, ReadFrom};
use crate::trouble::Trouble;

/// The switches.
#[derive(Debug, clap::Args)]
pub(super) struct Origin {
    /// Read every source from DIR/FILE instead of its address, with no network
    #[arg(long, value_name = "DIR")]
    from: Option<PathBuf>,
    /// Skip tables of which DIR has no file
    #[arg(long, requires = "from")]
    partial: bool,
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

impl Origin {
    /// Where sources are read from.
    pub(super) fn read_from(&self, settings: &Settings) -> ReadFrom {
        match (&self.from, &settings.sources) {
            (Some(folder), _) => ReadFrom::Folder {
                folder: folder.clone(),
                missing: if self.partial { Missing::Skip } else { Missing::Refuse },
            },
            (None, Some(base)) => ReadFrom::Mirror(base.clone()),
            (None, None) => ReadFrom::Publisher,
        }
    }

    /// Leaves out tables of which there is no file, where that was asked for.
    pub(super) fn narrow(&self, dataset: &mut Dataset) -> Result<(), Trouble> {
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

    /// The secrets of the sources, where these are asked themselves.
    pub(super) fn secrets(&self, dataset: &Dataset, settings: &Settings) -> BTreeSet<SecretName> {
        if self.read_from(settings) == ReadFrom::Publisher { dataset.secrets() } else { BTreeSet::new() }
    }

    /// The way to them.
    pub(super) fn access(&self, prepared: &Prepared) -> Arc<Access> {
        Arc::new(prepared.access(self.read_from(&prepared.settings)))
    }
}
