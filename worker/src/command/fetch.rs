//! `worker fetch`: the files of a dataset into a folder, under the names that `worker load --from` looks for. No database is asked.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use futures_util::{StreamExt, TryStreamExt, stream};
use manifest::dataset::{Container, Source, Table};
use serde::Serialize;
use tokio_util::sync::CancellationToken;

use super::answer::{self, Form};
use super::dataset::Which;
use super::prepared::Asked;
use crate::format::blocks::BodyBlocks;
use crate::format::{Blocks, Packing, ReadBlocks};
use crate::reading::ReadError;
use crate::settings::{Environment, Settings};
use crate::source::{Access, Coding, Input, ReadFrom, STARTS, SourceError, Use};
use crate::trouble::Trouble;

/// Files that are fetched at once.
const FILES_AT_ONCE: usize = 4;

/// Fetch the files of a dataset into a folder, for `load --from`
#[derive(Debug, clap::Args)]
pub struct Fetch {
    #[command(flatten)]
    which: Which,
    /// The folder; it is made when it is not there
    #[arg(long, value_name = "DIR")]
    to: PathBuf,
    #[command(flatten)]
    form: Form,
}

/// The files that were fetched.
#[derive(Debug, Serialize)]
struct Fetched {
    folder: PathBuf,
    files: BTreeMap<String, u64>,
}

impl fmt::Display for Fetched {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let widest = self.files.keys().map(String::len).max().unwrap_or_default();
        self.files.iter().try_for_each(|(file, bytes)| writeln!(f, "{file:widest$}  {bytes} bytes"))
    }
}

impl Fetch {
    /// Fetches, and returns the process's exit code.
    pub async fn run(self, environment: &impl Environment, stop: &CancellationToken) -> i32 {
        let answer = Box::pin(async { Ok(self.form.write(&self.fetch(environment, stop).await?)) });
        answer::give(answer, stop).await
    }

    async fn fetch(&self, environment: &impl Environment, stop: &CancellationToken) -> Result<Fetched, Trouble> {
        let asked = Asked::of(Settings::read(environment)?, self.which.find(environment)?);
        let from = asked.settings.sources.clone().map_or(ReadFrom::Publisher, ReadFrom::Mirror);
        // Those of its sources and no others: there is no database.
        let needed = if from == ReadFrom::Publisher { asked.dataset.secrets() } else { BTreeSet::new() };
        let prepared = asked.with_secrets(needed, environment).await?;
        std::fs::create_dir_all(&self.to).map_err(|error| SourceError::File { path: self.to.clone(), error })?;
        let access = prepared.access(from);
        let mut sources: BTreeMap<&str, &Source> = BTreeMap::new();
        for source in prepared.dataset.tables.iter().flat_map(Table::sources) {
            sources.entry(source.file.as_str()).or_insert(source);
        }
        let saving = sources.into_values().map(|source| save(&access, source, &self.to, stop));
        let files = stream::iter(saving).buffer_unordered(FILES_AT_ONCE).try_collect().await?;
        Ok(Fetched { folder: self.to.clone(), files })
    }
}

/// One file, anew where it changed meanwhile. It has its name only when it is complete.
async fn save(
    access: &Access,
    source: &Source,
    folder: &Path,
    stop: &CancellationToken,
) -> Result<(String, u64), ReadError> {
    let mut started = 1;
    loop {
        let opened = access.open(source, Use::Stream, stop).await?;
        // A file that is gzip itself is left as it came; some servers declare that as a coding of theirs.
        let is_packed = source.reading.container == Container::Gzip;
        let coding = if is_packed { Coding::Identity } else { opened.coding };
        let (input, _) = opened.into_parts();
        let (file, folder) = (source.file.clone(), folder.to_owned());
        let written = tokio::task::spawn_blocking(move || write(input, coding, &folder, &file)).await;
        match written {
            Ok(Err(ReadError::Source(SourceError::Changed { .. }))) if started < STARTS => started += 1,
            Ok(written) => return written.map(|bytes| (source.file.clone(), bytes)),
            Err(error) if error.is_panic() => std::panic::resume_unwind(error.into_panic()),
            Err(_) => return Err(SourceError::Stopped.into()),
        }
    }
}

fn write(input: Input, coding: Coding, folder: &Path, file: &str) -> Result<u64, ReadError> {
    let path = folder.join(file);
    let fail = |error: io::Error| ReadError::from(SourceError::File { path: path.clone(), error });
    let bytes: Box<dyn Blocks> = match input {
        Input::Body(body) => Box::new(BodyBlocks::new(body)),
        Input::File(file, _) => Box::new(ReadBlocks::new(file)),
    };
    let mut bytes: Box<dyn Blocks> = match coding {
        Coding::Identity => bytes,
        Coding::Gzip => Packing::Gzip.unpack(bytes).map_err(|error| ReadError::format(file, error))?,
    };
    let mut aside = tempfile::NamedTempFile::new_in(folder).map_err(fail)?;
    let mut written = 0;
    loop {
        bytes.advance().map_err(|error| ReadError::format(file, error))?;
        let block = bytes.block();
        if block.is_empty() {
            break;
        }
        aside.write_all(block).map_err(fail)?;
        written += block.len() as u64;
    }
    aside.persist(&path).map_err(|error| fail(error.error))?;
    Ok(written)
}
