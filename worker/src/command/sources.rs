//! `worker sources`: what the sources of a dataset were when they were read for what is live, and how to forget it.

use std::fmt;

use clap::Subcommand;
use manifest::dataset::Table;
use serde::Serialize;
use tokio_util::sync::CancellationToken;

use super::answer::{self, Form};
use super::dataset::Which;
use super::prepared::{Asked, Prepared, database_only};
use crate::ledger::Ledger;
use crate::postgres::Session;
use crate::settings::{Environment, Settings};
use crate::trouble::Trouble;

/// What the sources of a dataset were when they were read
#[derive(Debug, clap::Args)]
pub struct Sources {
    #[command(subcommand)]
    errand: Errand,
}

#[derive(Debug, Subcommand)]
enum Errand {
    /// List the sources, with what each was when it was read for what is live
    List {
        #[command(flatten)]
        which: Which,
        #[command(flatten)]
        form: Form,
    },
    /// Forget what they were, so that the next run reads every source whole and publishes
    Reset {
        #[command(flatten)]
        which: Which,
    },
}

/// The sources of a dataset.
#[derive(Debug, Serialize)]
struct Listed {
    dataset: String,
    sources: Vec<ListedSource>,
}

/// A source; of one that was not read for what is live there is only the file.
#[derive(Debug, Default, Serialize)]
struct ListedSource {
    file: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    address: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    bytes: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    sha256: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    etag: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    last_modified: Option<String>,
}

impl fmt::Display for Listed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let widest = self.sources.iter().map(|source| source.file.len()).max().unwrap_or_default();
        for ListedSource { file, address, bytes, sha256, etag, last_modified } in &self.sources {
            write!(f, "{file:widest$}")?;
            match (bytes, sha256) {
                (Some(bytes), Some(sha256)) => {
                    write!(f, "  {bytes} bytes  sha256 {}", &sha256[..sha256.len().min(12)])?;
                }
                _ => write!(f, "  not read for what is live")?,
            }
            for (name, value) in [("etag", etag), ("modified", last_modified), ("from", address)] {
                if let Some(value) = value {
                    write!(f, "  {name} {value}")?;
                }
            }
            writeln!(f)?;
        }
        Ok(())
    }
}

impl Sources {
    /// Lists or forgets, and returns the process's exit code.
    pub async fn run(self, environment: &impl Environment, stop: &CancellationToken) -> i32 {
        let done = async {
            match &self.errand {
                Errand::List { which, form } => Ok(form.write(&list(which, environment).await?)),
                Errand::Reset { which } => {
                    let (prepared, ledger) = open(which, environment).await?;
                    let forgotten = ledger.forget_sources(&prepared.dataset.dataset).await?;
                    Ok(format!("{}: {forgotten} sources forgotten\n", prepared.dataset.dataset))
                }
            }
        };
        answer::give(Box::pin(done), stop).await
    }
}

async fn open(which: &Which, environment: &impl Environment) -> Result<(Prepared, Ledger), Trouble> {
    let asked = Asked::of(Settings::read(environment)?, which.find(environment)?);
    let prepared = asked.with_secrets(database_only(), environment).await?;
    let session = Session::new(&prepared.dataset.dataset, "sources");
    let ledger = Ledger::open(&prepared.target()?, &session).await?;
    Ok((prepared, ledger))
}

async fn list(which: &Which, environment: &impl Environment) -> Result<Listed, Trouble> {
    let (prepared, ledger) = open(which, environment).await?;
    let dataset = &prepared.dataset;
    let mut known = ledger.published(&dataset.dataset).await?.map(|published| published.sources).unwrap_or_default();
    let mut sources: Vec<ListedSource> = Vec::new();
    for source in dataset.tables.iter().flat_map(Table::sources) {
        if sources.iter().any(|listed| listed.file == source.file) {
            continue;
        }
        let file = source.file.clone();
        sources.push(match known.remove(&file) {
            None => ListedSource { file, ..ListedSource::default() },
            Some(state) => ListedSource {
                file,
                address: state.address,
                bytes: state.bytes,
                sha256: state.sha256,
                etag: state.etag,
                last_modified: state.last_modified,
            },
        });
    }
    Ok(Listed { dataset: dataset.dataset.to_string(), sources })
}
