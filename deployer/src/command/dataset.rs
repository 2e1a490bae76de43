//! `deploy dataset new`: a manifest that loads, with its sample and expectation, from a publisher's CSV. Every row is read, so that a type
//! is one that all values of a column have.

mod draft;
mod fetch;
mod guess;

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use manifest::DatasetName;
use serde::Serialize;

use crate::cli::{Format, Global, NewDataset};
use crate::error::{Error, Exit};
use crate::output::{Report, print, tell};

/// What was written.
#[derive(Debug, Serialize)]
struct Written {
    dataset: DatasetName,
    rows: u64,
    files: Vec<PathBuf>,
    columns: Vec<Column>,
    /// What a person should look at.
    notes: Vec<String>,
    #[serde(skip)]
    samples: PathBuf,
}

#[derive(Debug, Serialize)]
struct Column {
    header: String,
    name: String,
    #[serde(rename = "type")]
    type_name: String,
}

impl Report for Written {
    fn text(&self) -> String {
        let mut out = String::new();
        for file in &self.files {
            let _ = writeln!(out, "wrote {}", file.display());
        }
        let _ = writeln!(out, "\n{} rows, {} columns", self.rows, self.columns.len());
        let width = self.columns.iter().map(|column| column.name.chars().count()).max().unwrap_or_default();
        for Column { header, name, type_name } in &self.columns {
            let _ = writeln!(out, "  {name:<width$}  {type_name:<12} {header}");
        }
        for note in &self.notes {
            let _ = writeln!(out, "\n{note}");
        }
        let _ = writeln!(out, "\nTry it: worker load {} --from {}", self.dataset, self.samples.display());
        out
    }

    fn markdown(&self) -> String {
        format!("```\n{}```\n", self.text())
    }
}

/// Writes the three files of a new dataset; none that is there already is touched.
pub(super) async fn new(global: &Global, options: &NewDataset) -> Result<Exit, Error> {
    let source = fetch::source(&options.source).await?;
    let name = match &options.name {
        Some(name) => name.clone(),
        None => draft::dataset_name(&source.file_name).ok_or_else(|| Error::Draft {
            source_name: options.source.clone(),
            why: "no name for the dataset can be made of it; say one with `--name`".to_owned(),
        })?,
    };
    let fail = |why: String| Error::Draft { source_name: options.source.clone(), why };
    let table = guess::table(source.content()).map_err(fail)?;
    let place = place(&global.dir, options)?;
    let draft = draft::draft(&name, &options.source, source.address.as_deref(), &source.file_name, &table);

    let files = [
        (place.join(format!("{name}.yml")), draft.manifest),
        (place.join("samples").join(&draft.sample_name), draft.sample),
        (place.join(format!("{name}.expected.json")), draft.expectation),
    ];
    if let Some((path, _)) = files.iter().find(|(path, _)| path.exists()) {
        return Err(fail(format!("{} is there already; say another `--name`", path.display())));
    }
    for (path, content) in &files {
        write(path, content)?;
    }
    let columns = draft.columns.into_iter().map(|(header, name, type_name)| Column { header, name, type_name });
    let written = Written {
        dataset: name,
        rows: table.rows,
        samples: place.join("samples"),
        files: files.into_iter().map(|(path, _)| path).collect(),
        columns: columns.collect(),
        notes: draft.notes,
    };
    print(&written, global.output)?;
    if global.output == Format::Text {
        tell(
            "then write title and publisher, keys that people join by, and name it in a file of schedules/; `deploy check` tells what is missing",
        );
    }
    Ok(Exit::Done)
}

/// The folder of the dataset's place: the one that was said, or the only one that there is.
fn place(project: &Path, options: &NewDataset) -> Result<PathBuf, Error> {
    let datasets = project.join("datasets");
    if let Some(place) = &options.place {
        let is_name = !place.is_empty() && place.chars().all(|c| c.is_ascii_alphanumeric() || c == '_' || c == '-');
        return if is_name {
            Ok(datasets.join(place))
        } else {
            let why = format!("`{place}` is not the name of a folder of datasets/; write one such as nyc");
            Err(Error::Draft { source_name: options.source.clone(), why })
        };
    }
    let folders = fs::read_dir(&datasets).into_iter().flatten().flatten().filter(|entry| entry.path().is_dir());
    let mut places: Vec<_> = folders.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
    places.sort();
    match &places[..] {
        [only] => Ok(datasets.join(only)),
        several => Err(Error::Draft {
            source_name: options.source.clone(),
            why: format!(
                "say with `--place` which folder of datasets/ it goes to{}",
                if several.is_empty() { String::new() } else { format!(": {}", several.join(", ")) }
            ),
        }),
    }
}

fn write(path: &Path, content: &[u8]) -> Result<(), Error> {
    let fail = |cause| Error::File { path: path.to_owned(), cause };
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder).map_err(fail)?;
    }
    fs::write(path, content).map_err(fail)
}
