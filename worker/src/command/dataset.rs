//! The dataset that a subcommand is about: a path or a name comes in, its manifest goes out.

use std::path::Path;

use manifest::contract;
use manifest::finding::Style;
use manifest::{Dataset, Findings};

use crate::fault::{Exit, Fault};
use crate::settings::Environment;

/// Which dataset.
#[derive(Debug, Clone, clap::Args)]
pub(super) struct Which {
    /// A manifest's path, or a dataset's name in `datasets/`; what the definition handed over when absent
    dataset: Option<String>,
}

/// A dataset that cannot be found or read.
#[derive(Debug, thiserror::Error)]
pub(super) enum DatasetError {
    /// No manifest of that name or path.
    #[error("there is no dataset `{given}`{}", near(.close.as_deref()))]
    Unknown {
        /// What was asked for.
        given: String,
        /// The closest name there is.
        close: Option<String>,
        /// All names there are.
        known: Vec<String>,
    },
    /// The manifest does not hold.
    #[error("the manifest does not hold\n{}", .0.draw(Style::Plain, 100).trim_end())]
    Manifest(Findings),
    /// What the definition handed over cannot be read.
    #[error(transparent)]
    Payload(#[from] contract::PayloadError),
}

fn near(close: Option<&str>) -> String {
    close.map(|name| format!("; did you mean `{name}`?")).unwrap_or_default()
}

impl Fault for DatasetError {
    fn code(&self) -> &'static str {
        match self {
            Self::Unknown { .. } => "dataset_unknown",
            Self::Manifest(_) => "manifest",
            Self::Payload(_) => "payload",
        }
    }

    fn exit(&self) -> Exit {
        Exit::Configuration
    }

    fn advice(&self) -> Option<String> {
        match self {
            Self::Unknown { known, .. } if known.is_empty() => {
                Some("there is no folder `datasets` here; give the manifest's path".to_owned())
            }
            Self::Unknown { known, .. } => Some(format!("known are {}", known.join(", "))),
            _ => None,
        }
    }
}

impl Which {
    /// What was asked for, as it was written; empty when the definition says it.
    pub(super) fn given(&self) -> &str {
        self.dataset.as_deref().unwrap_or_default()
    }

    /// Reads its manifest.
    pub(super) fn find(&self, environment: &impl Environment) -> Result<Dataset, DatasetError> {
        let Some(given) = &self.dataset else { return Ok(contract::unpack(environment)?) };
        let path = Path::new(given);
        if path.extension().is_some_and(|extension| extension == "yml" || extension == "yaml") && path.is_file() {
            return manifest::load_dataset(path).map_err(DatasetError::Manifest);
        }
        let known = manifest::list_datasets(Path::new("."));
        if let Some((_, path)) = known.iter().find(|(name, _)| name == given) {
            return manifest::load_dataset(path).map_err(DatasetError::Manifest);
        }
        let known: Vec<String> = known.into_iter().map(|(name, _)| name).collect();
        let close = known
            .iter()
            .map(|name| (strsim::damerau_levenshtein(name, given), name))
            .filter(|(distance, name)| *distance <= name.len() / 3)
            .min()
            .map(|(_, name)| name.clone());
        Err(DatasetError::Unknown { given: given.clone(), close, known })
    }
}
