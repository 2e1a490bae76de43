//! A manifest that loads, of a publisher's file or address: where its bytes are and what they are packed in is found out, every record is
//! read by the readers that a load uses, and the narrowest types that hold all values are written down with a sample and an expectation.

mod cut;
mod guess;
mod look;
mod origin;
mod records;
mod sample;
mod shape;
mod text;

use std::path::PathBuf;

use manifest::DatasetName;
use tokio_util::sync::CancellationToken;

use crate::fault::{Exit, Fault};
use crate::format::FormatError;
use crate::settings::Settings;
use crate::trouble::Trouble;

pub use text::{Column, Draft};

/// What a draft is made of.
#[derive(Debug, Clone)]
pub struct Wanted {
    /// An address, or a path.
    pub source: String,
    /// The dataset's name; made from the file's when absent.
    pub name: Option<DatasetName>,
    /// A file in an archive, or a pattern for several.
    pub member: Option<String>,
}

/// Nothing can be drafted.
#[derive(Debug, thiserror::Error)]
pub enum DraftError {
    /// It is not what a manifest can be made of.
    #[error("{source_name}: {why}")]
    Unfit {
        /// The file or address.
        source_name: String,
        /// What about it, and what to do.
        why: String,
    },
    /// It cannot be read.
    #[error("{file}: {error}")]
    Unreadable {
        /// File and member.
        file: String,
        /// What is wrong with it.
        #[source]
        error: FormatError,
    },
    /// A file of this machine.
    #[error("{}: {error}", path.display())]
    File {
        /// Its path.
        path: PathBuf,
        /// What the system said.
        #[source]
        error: std::io::Error,
    },
}

impl DraftError {
    fn unfit(source: &str, why: impl Into<String>) -> Self {
        Self::Unfit { source_name: source.to_owned(), why: why.into() }
    }
}

impl Fault for DraftError {
    fn code(&self) -> &'static str {
        match self {
            Self::Unfit { .. } => "draft_unfit",
            Self::Unreadable { error, .. } => error.code(),
            Self::File { .. } => "draft_file",
        }
    }

    fn exit(&self) -> Exit {
        match self {
            Self::Unfit { .. } => Exit::Refused,
            Self::Unreadable { error, .. } => error.exit(),
            Self::File { .. } => Exit::Configuration,
        }
    }

    fn advice(&self) -> Option<String> {
        match self {
            Self::Unreadable { error, .. } => error.advice(),
            _ => None,
        }
    }
}

/// Reads all of a source and drafts its manifest, sample and expectation.
///
/// # Errors
/// What keeps the source from being read, or from being a table.
pub async fn draft(wanted: &Wanted, settings: &Settings, stop: &CancellationToken) -> Result<Draft, Trouble> {
    let mut place = origin::Place::of(&wanted.source)?;
    let hints = place.ask(settings, stop).await?;
    let opened = place.open(settings, stop).await?;
    let source = wanted.source.clone();
    let member = wanted.member.clone();
    let spool = settings.spool.clone();
    let looking = tokio::task::spawn_blocking(move || look::look(&source, opened, member.as_deref(), &hints, &spool));
    let looked = match looking.await {
        Ok(looked) => looked?,
        Err(error) => std::panic::resume_unwind(error.into_panic()),
    };
    let name = match &wanted.name {
        Some(name) => name.clone(),
        None => text::dataset_name(&place.file_name).ok_or_else(|| {
            DraftError::unfit(&wanted.source, "no name for the dataset can be made of it; say one with `--name`")
        })?,
    };
    Ok(text::draft(&name, &place, &looked))
}
