//! `worker draft`: the three files of a new dataset, of a publisher's file or address. `deploy dataset new` calls it.

use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};

use manifest::DatasetName;
use serde::Serialize;
use tokio_util::sync::CancellationToken;

use super::answer::{self, Form};
use crate::draft::{Column, DraftError, Wanted, draft};
use crate::settings::{Environment, Settings};
use crate::trouble::Trouble;

/// Write a manifest that loads, a sample and an expectation, of a publisher's file or address
#[derive(Debug, clap::Args)]
pub struct Draft {
    /// The file's address, a portal's dataset, a layer of a map service, or a file of this machine
    #[arg(value_name = "URL|FILE")]
    source: String,
    /// The dataset's name; made from the file's when absent
    #[arg(long)]
    name: Option<DatasetName>,
    /// The folder of datasets/ it goes to; may be left out when there is only one
    #[arg(long, value_name = "FOLDER")]
    place: Option<String>,
    /// A file in an archive, or a pattern for several
    #[arg(long, value_name = "NAME")]
    member: Option<String>,
    /// The project's folder
    #[arg(long, value_name = "DIR", default_value = ".")]
    dir: PathBuf,
    #[command(flatten)]
    form: Form,
}

/// What was written.
#[derive(Debug, Serialize)]
struct Written {
    dataset: DatasetName,
    rows: u64,
    files: Vec<PathBuf>,
    columns: Vec<Column>,
    /// What a person should look at.
    notes: Vec<String>,
    /// The folder of the sample.
    samples: PathBuf,
}

impl fmt::Display for Written {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.files.iter().try_for_each(|file| writeln!(f, "wrote {}", file.display()))?;
        writeln!(f, "\n{} rows, {} columns", self.rows, self.columns.len())?;
        let width = self.columns.iter().map(|column| column.name.chars().count()).max().unwrap_or_default();
        for Column { header, name, type_name } in &self.columns {
            writeln!(f, "  {name:<width$}  {type_name:<12} {header}")?;
        }
        self.notes.iter().try_for_each(|note| writeln!(f, "\n{note}"))?;
        writeln!(f, "\nTry it: worker load {} --from {}", self.dataset, self.samples.display())
    }
}

impl Draft {
    /// Writes, and returns the process's exit code.
    pub async fn run(self, environment: &impl Environment, stop: &CancellationToken) -> i32 {
        let answer = Box::pin(async { Ok(self.form.write(&self.write(environment, stop).await?)) });
        answer::give(answer, stop).await
    }

    async fn write(&self, environment: &impl Environment, stop: &CancellationToken) -> Result<Written, Trouble> {
        let settings = Settings::read(environment)?;
        let place = place(&self.dir, self.place.as_deref()).map_err(|why| self.unfit(why))?;
        let Self { source, name, member, .. } = self;
        let wanted = Wanted { source: source.clone(), name: name.clone(), member: member.clone() };
        let draft = draft(&wanted, &settings, stop).await?;
        let (name, samples) = (&draft.name, place.join("samples"));
        let mut files = vec![(place.join(format!("{name}.yml")), draft.manifest.into_bytes())];
        files.extend(draft.sample.map(|(file, bytes)| (samples.join(file), bytes)));
        files.push((place.join(format!("{name}.expected.json")), draft.expectation.into_bytes()));
        // What is there already is nobody's to overwrite.
        if let Some((path, _)) = files.iter().find(|(path, _)| path.exists()) {
            return Err(self.unfit(format!("{} is there already; say another `--name`", path.display())).into());
        }
        for (path, content) in &files {
            write(path, content)?;
        }
        Ok(Written {
            dataset: draft.name,
            rows: draft.rows,
            files: files.into_iter().map(|(path, _)| path).collect(),
            columns: draft.columns,
            notes: draft.notes,
            samples,
        })
    }

    fn unfit(&self, why: String) -> DraftError {
        DraftError::Unfit { source_name: self.source.clone(), why }
    }
}

/// The folder of the dataset's place: the one that was said, or the only one that there is.
fn place(project: &Path, said: Option<&str>) -> Result<PathBuf, String> {
    // Paths are shown, and nobody writes `./`.
    let datasets = if project == Path::new(".") { PathBuf::from("datasets") } else { project.join("datasets") };
    if let Some(place) = said {
        let is_name = !place.is_empty() && place.chars().all(|c| c.is_ascii_alphanumeric() || c == '_' || c == '-');
        return if is_name {
            Ok(datasets.join(place))
        } else {
            Err(format!("`{place}` is not the name of a folder of datasets/; write one such as nyc"))
        };
    }
    let folders = fs::read_dir(&datasets).into_iter().flatten().flatten().filter(|entry| entry.path().is_dir());
    let mut places: Vec<_> = folders.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
    places.sort();
    match &places[..] {
        [only] => Ok(datasets.join(only)),
        several => Err(format!(
            "say with `--place` which folder of datasets/ it goes to{}",
            if several.is_empty() { String::new() } else { format!(": {}", several.join(", ")) }
        )),
    }
}

fn write(path: &Path, content: &[u8]) -> Result<(), DraftError> {
    let fail = |error| DraftError::File { path: path.to_owned(), error };
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder).map_err(fail)?;
    }
    fs::write(path, content).map_err(fail)
}
