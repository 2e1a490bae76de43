//! ESRI shapefiles: shapes in one file, their attributes in another, record by record beside each other; what encodes the texts and
//! which system the coordinates are of in two more. All are members of one zip archive under one name. What goes out is the shape in
//! well-known binary and the attributes as text, exactly as they are written.

mod dbf;
mod prj;
mod shp;

use manifest::dataset::Format;

pub use dbf::Label;
pub use prj::srid;

use super::FormatError;
use super::blocks::Blocks;
use super::record::{Draft, Place, ReadRecords, Record};
use super::source_column::SourceColumn;
use dbf::Attributes;
use shp::Shapes;

/// The members that make up one shapefile.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Members {
    /// Shapes.
    pub shp: String,
    /// Attributes.
    pub dbf: String,
    /// Reference system.
    pub prj: Option<String>,
    /// Encoding.
    pub cpg: Option<String>,
}

impl Members {
    /// The companions of a `.shp` among all files of an archive, whatever the case of their names.
    pub fn of(shp: &str, files: &[String]) -> Result<Self, FormatError> {
        let stem = shp.rsplit_once('.').map_or(shp, |(stem, _)| stem).to_lowercase();
        let companion = |ending: &str| {
            let wanted = format!("{stem}.{ending}");
            files.iter().find(|file| file.to_lowercase() == wanted).cloned()
        };
        let dbf = companion("dbf").ok_or_else(|| {
            FormatError::Corrupt(Format::Shapefile, format!("the archive has no {stem}.dbf with its attributes"))
        })?;
        Ok(Self { shp: shp.to_owned(), dbf, prj: companion("prj"), cpg: companion("cpg").or_else(|| companion("cst")) })
    }
}

/// Reads shapes with their attributes.
pub struct Records<S, D> {
    shapes: Shapes<S>,
    attributes: Attributes<D>,
    names: Vec<String>,
    draft: Draft,
    /// Records so far, those that are deleted among them.
    number: u64,
}

impl<S: Blocks, D: Blocks> Records<S, D> {
    /// Reads the heads of both files. The shape becomes a field of this name.
    pub fn new(shp: S, dbf: D, label: Label, geometry: &str) -> Result<Self, FormatError> {
        let shapes = Shapes::new(shp)?;
        let attributes = Attributes::new(dbf, label)?;
        let names = std::iter::once(geometry.to_owned()).chain(attributes.names()).collect();
        Ok(Self { shapes, attributes, names, draft: Draft::default(), number: 0 })
    }

    /// The columns of its attributes, as it describes them.
    pub fn columns(&self) -> Vec<SourceColumn> {
        self.attributes.columns()
    }
}

impl<S: Blocks, D: Blocks> ReadRecords for Records<S, D> {
    fn read(&mut self) -> Result<Option<Record<'_>>, FormatError> {
        loop {
            let offset = self.shapes.bytes();
            self.draft.begin(self.names.len());
            let shape = self.shapes.read(&mut self.draft)?;
            let attributes = self.attributes.read(&mut self.draft)?;
            match (shape, attributes) {
                (false, dbf::Row::End) => return Ok(None),
                (true, dbf::Row::End) | (false, _) => {
                    let detail = format!(
                        "its .shp and .dbf do not have the same number of records; one ends after {}",
                        self.number
                    );
                    return Err(FormatError::Corrupt(Format::Shapefile, detail));
                }
                (true, dbf::Row::Deleted) => self.number += 1,
                (true, dbf::Row::Read) => {
                    self.number += 1;
                    return Ok(Some(self.draft.record(Place { line: self.number, offset })));
                }
            }
        }
    }

    fn bytes(&self) -> u64 {
        self.shapes.bytes() + self.attributes.bytes()
    }

    fn names(&self) -> Option<&[String]> {
        Some(&self.names)
    }
}

#[cfg(test)]
mod tests;
