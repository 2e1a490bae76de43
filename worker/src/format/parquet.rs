//! Parquet: a file that can be sought comes in, its rows go out, each value as the text that is exactly it. Of every column that is wanted
//! a few hundred values are held at a time, beside the page and the dictionary that they are read from.

mod batch;
mod bytes;
mod geo;
mod kind;
mod moment;

use std::panic::{AssertUnwindSafe, catch_unwind};

use manifest::dataset::Format;
use parquet::errors::ParquetError;
use parquet::file::reader::FileReader;
use parquet::file::serialized_reader::SerializedFileReader;

use super::FormatError;
use super::impostor::{Impostor, refuse};
use super::record::{Draft, Place, ReadRecords, Record};
use super::source_column::SourceColumn;
use crate::spool::SharedFile;
use batch::Batch;
pub use bytes::PAGE_MAX;
use bytes::Sought;
use geo::Geo;
use kind::Kind;

/// An open file.
pub struct Parquet {
    reader: SerializedFileReader<Sought>,
    columns: Vec<Column>,
    geo: Option<Geo>,
}

/// A column of the file's top level.
#[derive(Debug)]
struct Column {
    name: String,
    /// Its place among the leaves of the schema, and what its values are; `None` where it holds lists, maps or structures.
    leaf: Option<(usize, Kind)>,
}

/// How values of raw bytes, whose meaning the file does not tell, are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RawBytes {
    /// As they are: they are text, or a shape.
    Plain,
    /// As the digits of a `bytea`.
    Hex,
}

fn damaged(detail: impl Into<String>) -> FormatError {
    FormatError::Corrupt(Format::Parquet, detail.into())
}

fn wrong(error: ParquetError) -> FormatError {
    match error {
        // An error on its way through the parser comes out as it went in.
        ParquetError::External(error) => match error.downcast::<std::io::Error>() {
            Ok(error) => (*error).into(),
            Err(error) => damaged(error.to_string()),
        },
        error => damaged(error.to_string()),
    }
}

/// Calls the parser, which panics on some of what is damaged.
fn guarded<T>(call: impl FnOnce() -> Result<T, FormatError>) -> Result<T, FormatError> {
    catch_unwind(AssertUnwindSafe(call)).unwrap_or_else(|_| Err(damaged("its parts contradict each other")))
}

impl Parquet {
    /// Reads what the file says of itself.
    pub fn open(mut file: SharedFile) -> Result<Self, FormatError> {
        if !refuse(&mut file, Some(Impostor::Parquet))?.starts_with(b"PAR1") {
            return Err(damaged("it does not begin as a Parquet file"));
        }
        let reader = guarded(|| SerializedFileReader::new(Sought::new(file)).map_err(wrong))?;
        let described = reader.metadata().file_metadata();
        let schema = described.schema_descr();
        let mut columns: Vec<Column> = Vec::new();
        for field in schema.root_schema().get_fields() {
            columns.push(Column { name: field.name().to_owned(), leaf: None });
        }
        for leaf in 0..schema.num_columns() {
            let of_leaf = schema.column(leaf);
            let column = &mut columns[schema.get_column_root_idx(leaf)];
            if of_leaf.path().parts().len() == 1 && of_leaf.max_rep_level() == 0 {
                column.leaf = Some((leaf, Kind::of(&of_leaf)));
            }
        }
        let geo = described.key_value_metadata().and_then(|pairs| {
            let pair = pairs.iter().find(|pair| pair.key == "geo")?;
            Geo::read(pair.value.as_deref()?)
        });
        let geo = geo.or_else(|| Geo::annotated(schema));
        Ok(Self { reader, columns, geo })
    }

    /// The names of its columns. Shapes are in the column of the given name, where the file says which are shapes.
    pub fn names(&self, geometry: &str) -> Vec<String> {
        self.columns
            .iter()
            .map(|column| if self.is_shape(column) { geometry.to_owned() } else { column.name.clone() })
            .collect()
    }

    /// Its columns but its shapes. What holds lists, maps or structures is none.
    pub fn columns(&self) -> Vec<SourceColumn> {
        let plain = self.columns.iter().filter(|column| !self.is_shape(column));
        let described = plain.filter_map(|column| {
            let (_, kind) = column.leaf.as_ref()?;
            Some(SourceColumn { name: column.name.clone(), type_name: kind.type_name() })
        });
        described.collect()
    }

    /// The number in EPSG of the reference system of its shapes, where it says so.
    pub fn srid(&self) -> Option<u32> {
        self.geo.as_ref().and_then(|geo| geo.srid)
    }

    fn is_shape(&self, column: &Column) -> bool {
        self.geo.as_ref().is_some_and(|geo| geo.column == column.name)
    }

    /// Its rows. For each column it is asked whether it is wanted, and how; what is not is as if it were not there. `names` are
    /// those of [`names`](Self::names).
    pub fn records(
        &self,
        names: Vec<String>,
        wanted: impl Fn(usize) -> Option<RawBytes>,
    ) -> Result<Records<'_>, FormatError> {
        let mut batches = Vec::new();
        for (field, column) in self.columns.iter().enumerate() {
            let Some(raw) = wanted(field) else { continue };
            let (leaf, kind) = column.leaf.ok_or_else(|| {
                let what = "a list, a map or a structure";
                FormatError::UnreadColumn { column: column.name.clone(), what }
            })?;
            kind.check(&column.name)?;
            batches.push(Batch::new(field, leaf, kind, raw));
        }
        Ok(Records { parquet: self, names, batches, group: 0, left: 0, draft: Draft::default(), number: 0, bytes: 0 })
    }
}

/// Reads rows, one row group after the other.
pub struct Records<'p> {
    parquet: &'p Parquet,
    names: Vec<String>,
    batches: Vec<Batch>,
    /// The next row group.
    group: usize,
    /// Rows of the current one that are left.
    left: u64,
    draft: Draft,
    number: u64,
    bytes: u64,
}

impl Records<'_> {
    /// Goes to the next row group that has rows; `false` at the end.
    fn seek_row(&mut self) -> Result<bool, FormatError> {
        while self.left == 0 {
            let reader = &self.parquet.reader;
            if self.group == reader.num_row_groups() {
                return Ok(false);
            }
            let (group, batches) = (self.group, &mut self.batches);
            self.left = guarded(|| {
                let group = reader.get_row_group(group).map_err(wrong)?;
                let rows =
                    u64::try_from(group.metadata().num_rows()).map_err(|_| damaged("it has fewer rows than none"))?;
                for batch in batches {
                    batch.begin(group.get_column_reader(batch.leaf()).map_err(wrong)?);
                }
                Ok(rows)
            })?;
            self.group += 1;
        }
        Ok(true)
    }
}

impl ReadRecords for Records<'_> {
    fn read(&mut self) -> Result<Option<Record<'_>>, FormatError> {
        if !self.seek_row()? {
            return Ok(None);
        }
        self.draft.begin(self.names.len());
        for batch in &mut self.batches {
            if batch.is_empty() {
                guarded(|| batch.fill())?;
            }
            batch.put(&mut self.draft);
        }
        self.left -= 1;
        self.number += 1;
        self.bytes += self.draft.bytes() as u64;
        Ok(Some(self.draft.record(Place { line: self.number, offset: 0 })))
    }

    fn bytes(&self) -> u64 {
        self.bytes
    }

    fn names(&self) -> Option<&[String]> {
        Some(&self.names)
    }
}

#[cfg(test)]
mod tests;
