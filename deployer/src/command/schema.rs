//! `deploy schema`: the JSON Schemas of the manifests, for editors.

use std::fs;
use std::path::Path;

use manifest::schema::{Kind, schema as schema_of};
use serde::Serialize;
use serde_json::{Map, Value};

use crate::cli::{Format, Schema};
use crate::error::{Error, Exit};
use crate::output::{Report, print, tell};

/// Schemas by kind of manifest.
#[derive(Debug, Serialize)]
#[serde(transparent)]
struct Schemas(Map<String, Value>);

impl Report for Schemas {
    fn text(&self) -> String {
        format!("{:#}\n", Value::Object(self.0.clone()))
    }

    fn markdown(&self) -> String {
        format!("```json\n{}```\n", self.text())
    }
}

/// Prints the schemas, or writes a file of each.
pub(super) fn schema(format: Format, options: &Schema) -> Result<Exit, Error> {
    if let Some(folder) = &options.out {
        write(folder)?;
    } else {
        let schemas = Kind::ALL.into_iter().map(|kind| (kind.as_str().to_owned(), schema_of(kind)));
        print(&Schemas(schemas.collect()), format)?;
    }
    Ok(Exit::Done)
}

fn write(folder: &Path) -> Result<(), Error> {
    let fail = |path: &Path, cause| Error::File { path: path.to_owned(), cause };
    fs::create_dir_all(folder).map_err(|cause| fail(folder, cause))?;
    for kind in Kind::ALL {
        let path = folder.join(format!("{}.json", kind.as_str()));
        fs::write(&path, format!("{:#}\n", schema_of(kind))).map_err(|cause| fail(&path, cause))?;
        tell(&format!("wrote {}", path.display()));
    }
    Ok(())
}
