//! GeoPackages: a SQLite database comes in, the rows of one of its layers go out, their shapes as well-known binary and their other values
//! as text. The database is foreign: it is opened so that nothing in it is run or written, and only plain tables are read.

mod cell;
mod open;

use manifest::dataset::Format;
use rusqlite::{Connection, OptionalExtension, Rows, Statement};

use super::FormatError;
use super::record::{Draft, Place, ReadRecords, Record};
use super::source_column::SourceColumn;
use crate::spool::{SharedFile, Spool, SpoolError};
use cell::Kind;
pub use open::ROW_MAX;

/// An open GeoPackage.
#[derive(Debug)]
pub struct GeoPackage {
    database: Connection,
}

/// One of its tables.
#[derive(Debug)]
pub struct Layer {
    /// As the GeoPackage calls it.
    pub name: String,
    columns: Vec<Column>,
    /// The package's own number of the reference system.
    system: i32,
    srid: Option<u32>,
}

#[derive(Debug)]
struct Column {
    name: String,
    kind: Kind,
}

fn damaged(detail: impl Into<String>) -> FormatError {
    FormatError::Corrupt(Format::Geopackage, detail.into())
}

fn wrong(error: rusqlite::Error) -> FormatError {
    match error.sqlite_error_code() {
        Some(rusqlite::ErrorCode::TooBig) => FormatError::TooLarge { what: "one row", limit: ROW_MAX },
        Some(rusqlite::ErrorCode::SystemIoFailure) => FormatError::Read(std::io::Error::other(error)),
        _ => damaged(error.to_string()),
    }
}

impl GeoPackage {
    /// Opens a file by a path in the spool folder, where it needs one. Refused where it is no GeoPackage.
    pub fn open(file: &SharedFile, spool: &Spool) -> Result<Result<Self, FormatError>, SpoolError> {
        open::open(file, spool).map(|opened| opened.map(|database| Self { database }))
    }

    /// The layer of that name; without one the only layer, or the only one with shapes.
    pub fn layer(&self, wanted: Option<&str>) -> Result<Layer, FormatError> {
        let kinds =
            "SELECT table_name, data_type FROM gpkg_contents WHERE data_type IN ('features', 'attributes') ORDER BY 1";
        let mut statement = self.database.prepare(kinds).map_err(wrong)?;
        let listed = statement.query_map([], |row| Ok((row.get::<_, String>(0)?, row.get::<_, String>(1)?)));
        let listed = listed.and_then(Iterator::collect::<Result<Vec<_>, _>>).map_err(wrong)?;
        let of_kind = |kind: &str| -> Vec<&String> {
            listed.iter().filter(|(_, found)| kind.is_empty() || found == kind).map(|(name, _)| name).collect()
        };
        let found = match wanted {
            Some(wanted) => of_kind("").into_iter().find(|name| name.eq_ignore_ascii_case(wanted.trim())),
            None => match (of_kind("features").as_slice(), of_kind("").as_slice()) {
                ([only], _) | ([], [only]) => Some(*only),
                _ => None,
            },
        };
        let Some(name) = found else {
            let (layer, layers) = (wanted.map(str::to_owned), listed.iter().map(|(name, _)| name.clone()).collect());
            return Err(FormatError::NoLayer { layer, layers });
        };
        self.describe(name)
    }

    fn describe(&self, name: &str) -> Result<Layer, FormatError> {
        // What a view does is a stranger's program, and so is a virtual table.
        let plain = "SELECT 1 FROM sqlite_schema WHERE name = ?1 COLLATE NOCASE AND type = 'table' AND rootpage > 0";
        let is_plain = self.database.query_row(plain, [name], |_| Ok(())).optional().map_err(wrong)?.is_some();
        if !is_plain {
            return Err(damaged(format!("its layer {name} is not a table, and views are not read")));
        }
        let shapes =
            "SELECT column_name, srs_id FROM gpkg_geometry_columns WHERE table_name = ?1 COLLATE NOCASE LIMIT 1";
        let shapes = if self.has("gpkg_geometry_columns")? {
            let row =
                self.database.query_row(shapes, [name], |row| Ok((row.get::<_, String>(0)?, row.get::<_, i32>(1)?)));
            row.optional().map_err(wrong)?
        } else {
            None
        };
        let (geometry, system) = shapes.unzip();
        let mut statement =
            self.database.prepare("SELECT name, type FROM pragma_table_xinfo(?1) WHERE hidden <> 1").map_err(wrong)?;
        let columns = statement.query_map([name], |row| {
            let (name, declared): (String, String) = (row.get(0)?, row.get(1)?);
            let is_shape = geometry.as_ref().is_some_and(|geometry: &String| geometry.eq_ignore_ascii_case(&name));
            let kind = if is_shape { Kind::Geometry } else { Kind::declared(&declared) };
            Ok(Column { name, kind })
        });
        let columns = columns.and_then(Iterator::collect::<Result<Vec<_>, _>>).map_err(wrong)?;
        let srid = system.map(|system| self.srid(system)).transpose()?.flatten();
        Ok(Layer { name: name.to_owned(), columns, system: system.unwrap_or_default(), srid })
    }

    fn has(&self, table: &str) -> Result<bool, FormatError> {
        let found = "SELECT 1 FROM sqlite_schema WHERE name = ?1 COLLATE NOCASE";
        Ok(self.database.query_row(found, [table], |_| Ok(())).optional().map_err(wrong)?.is_some())
    }

    /// The number in EPSG of one of the package's reference systems; `None` where it is not of EPSG.
    fn srid(&self, system: i32) -> Result<Option<u32>, FormatError> {
        let named = "SELECT organization, organization_coordsys_id FROM gpkg_spatial_ref_sys WHERE srs_id = ?1";
        let row = self.database.query_row(named, [system], |row| Ok((row.get::<_, String>(0)?, row.get::<_, i64>(1)?)));
        let row = row.optional().map_err(wrong)?;
        let of_epsg = row.filter(|(organization, _)| organization.eq_ignore_ascii_case("epsg"));
        Ok(of_epsg.and_then(|(_, number)| u32::try_from(number).ok()).filter(|number| *number > 0))
    }

    /// The query for all rows of a layer.
    pub fn rows(&self, layer: &Layer) -> Result<Statement<'_>, FormatError> {
        let quoted = |name: &str| format!("\"{}\"", name.replace('"', "\"\""));
        let columns: Vec<_> = layer.columns.iter().map(|column| quoted(&column.name)).collect();
        let query = format!("SELECT {} FROM {}", columns.join(", "), quoted(&layer.name));
        self.database.prepare(&query).map_err(wrong)
    }
}

impl Layer {
    /// The number in EPSG of its reference system, where it has one.
    pub fn srid(&self) -> Option<u32> {
        self.srid
    }

    /// Its columns but its shapes, as it declares them.
    pub fn columns(&self) -> Vec<SourceColumn> {
        let plain = self.columns.iter().filter(|column| column.kind != Kind::Geometry);
        plain.map(|column| SourceColumn { name: column.name.clone(), type_name: column.kind.type_name() }).collect()
    }
}

/// Reads rows.
pub struct Records<'s> {
    rows: Rows<'s>,
    layer: &'s Layer,
    names: Vec<String>,
    draft: Draft,
    number: u64,
    bytes: u64,
}

impl<'s> Records<'s> {
    /// The rows of a layer's query. The shape becomes a field of the given name.
    pub fn new(statement: &'s mut Statement<'_>, layer: &'s Layer, geometry: &str) -> Self {
        let name =
            |column: &Column| if column.kind == Kind::Geometry { geometry.to_owned() } else { column.name.clone() };
        let names = layer.columns.iter().map(name).collect();
        Self { rows: statement.raw_query(), layer, names, draft: Draft::default(), number: 0, bytes: 0 }
    }
}

impl ReadRecords for Records<'_> {
    fn read(&mut self) -> Result<Option<Record<'_>>, FormatError> {
        let Some(row) = self.rows.next().map_err(wrong)? else { return Ok(None) };
        self.draft.begin(self.names.len());
        for (index, column) in self.layer.columns.iter().enumerate() {
            let value = row.get_ref(index).map_err(wrong)?;
            if value != rusqlite::types::ValueRef::Null {
                self.draft.set(index, |out| column.kind.write(value, self.layer.system, out));
            }
        }
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
