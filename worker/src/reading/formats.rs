//! Each format's own way from bytes to records.

use encoding_rs::Encoding;
use manifest::dataset::{Format, Reading, Source};

use super::error::ReadError;
use super::geometry::GeometryColumn;
use super::header::HeaderError;
use super::reader::{Reader, delimiter, label};
use crate::format::geopackage::{self, GeoPackage};
use crate::format::parquet::{Parquet, RawBytes};
use crate::format::shapefile::{self, Label};
use crate::format::workbook::{Xls, Xlsx};
use crate::format::{Archive, Blocks, FormatError, csv, encoding, fixed, json, json_text, text};
use crate::source::SourceError;
use crate::spool::{SharedFile, Spool};

/// Bytes of a companion that says which encoding or reference system a file has, and nothing else.
const SMALL: usize = 64 << 10;

impl Reader<'_> {
    /// Reads the unpacked bytes of a source or of one member of an archive.
    pub(super) fn unpacked(
        &mut self,
        source: &Source,
        member: Option<&str>,
        bytes: impl Blocks,
    ) -> Result<(), ReadError> {
        if is_sought(source.reading.format) {
            let file = spooled(self.access.spool(), &label(source, member), bytes, || self.look())?;
            return self.file(source, member, file);
        }
        let wrong = |error| ReadError::format(label(source, member), error);
        match source.reading.format {
            Format::Csv | Format::Tsv => {
                let text = text(bytes, declared(source)?).map_err(wrong)?;
                self.records(source, member, csv::Records::new(text, delimiter(source)))
            }
            Format::Fixed => {
                let text = text(bytes, declared(source)?).map_err(wrong)?;
                let mut records = fixed::Records::new(text, &source.reading.fields);
                if records.is_empty().map_err(wrong)? {
                    return Err(self.nothing(source, member));
                }
                self.records(source, member, records)
            }
            Format::Json | Format::Ndjson | Format::Geojson => self.json(source, member, bytes),
            other => Err(self.unserved(format!("format {}", other.as_str()))),
        }
    }

    /// Reads objects or features.
    fn json(&mut self, source: &Source, member: Option<&str>, bytes: impl Blocks) -> Result<(), ReadError> {
        let wrong = |error| ReadError::format(label(source, member), error);
        let format = source.reading.format;
        let text = json_text(bytes, declared(source)?).map_err(wrong)?;
        let geometry = GeometryColumn::of(self.table);
        let name = geometry.as_ref().map_or("geom", GeometryColumn::name);
        let records = json::Records::new(text, format, name).map_err(wrong)?;
        if records.is_empty() {
            return Err(self.nothing(source, member));
        }
        if let Some(geometry) = geometry.filter(|_| format == Format::Geojson) {
            geometry.check(records.srid(), || label(source, member))?;
        }
        self.records(source, member, records)
    }

    /// A file is empty that would not be if all were well.
    fn nothing(&self, source: &Source, member: Option<&str>) -> ReadError {
        let (table, file) = (self.table.name.clone(), label(source, member));
        ReadError::Header { table, file, error: Box::new(HeaderError::Empty) }
    }

    /// Reads a file of a format that is not read from its first byte to its last.
    pub(super) fn file(&mut self, source: &Source, member: Option<&str>, file: SharedFile) -> Result<(), ReadError> {
        let wrong = |error| ReadError::format(label(source, member), error);
        let Reading { sheet, nulls, .. } = &source.reading;
        match source.reading.format {
            Format::Xlsx => {
                let mut book = Xlsx::open(file).map_err(wrong)?;
                let sheet = book.sheet(sheet.as_deref()).map_err(wrong)?;
                self.records(source, Some(&within(member, &sheet)), book.rows(&sheet, nulls).map_err(wrong)?)
            }
            Format::Xls => {
                let mut book = Xls::open(file).map_err(wrong)?;
                let sheet = book.sheet(sheet.as_deref()).map_err(wrong)?;
                self.records(source, Some(&within(member, &sheet)), book.rows(&sheet, nulls).map_err(wrong)?)
            }
            Format::Geopackage => self.geopackage(source, member, &file),
            Format::Parquet => self.parquet(source, member, file),
            other => Err(self.unserved(format!("format {} outside of a zip archive", other.as_str()))),
        }
    }

    /// Reads a layer of a GeoPackage.
    fn geopackage(&mut self, source: &Source, member: Option<&str>, file: &SharedFile) -> Result<(), ReadError> {
        let wrong = |error| ReadError::format(label(source, member), error);
        let package = GeoPackage::open(file, self.access.spool());
        let full = |error| SourceError::Spool { address: label(source, member), error };
        let package = package.map_err(full)?.map_err(wrong)?;
        let layer = package.layer(source.reading.layer.as_deref()).map_err(wrong)?;
        let within = within(member, &layer.name);
        let geometry = GeometryColumn::of(self.table);
        if let Some(geometry) = &geometry {
            geometry.check(layer.srid(), || label(source, Some(&within)))?;
        }
        let name = geometry.as_ref().map_or("geom", GeometryColumn::name);
        let mut rows = package.rows(&layer).map_err(wrong)?;
        self.records(source, Some(&within), geopackage::Records::new(&mut rows, &layer, name))
    }

    /// Reads the columns of a Parquet file that the table wants.
    fn parquet(&mut self, source: &Source, member: Option<&str>, file: SharedFile) -> Result<(), ReadError> {
        let wrong = |error| ReadError::format(label(source, member), error);
        let parquet = Parquet::open(file).map_err(wrong)?;
        let geometry = GeometryColumn::of(self.table);
        if let Some(geometry) = &geometry {
            geometry.check(parquet.srid(), || label(source, member))?;
        }
        let names = parquet.names(geometry.as_ref().map_or("geom", GeometryColumn::name));
        // Where the names do not fit the table, whoever looks at the header says so.
        let binding = self.layout.wanted.bind(&names).ok();
        let wanted = |field| {
            let place = binding.as_ref()?.fields.iter().position(|bound| *bound == Some(field))?;
            let is_bytes = self.layout.wanted.name(place).and_then(|name| self.table.column(name));
            let is_bytes = is_bytes.is_some_and(|column| column.type_name.as_str() == "bytea");
            Some(if is_bytes { RawBytes::Hex } else { RawBytes::Plain })
        };
        let records = parquet.records(names.clone(), wanted).map_err(wrong)?;
        self.records(source, member, records)
    }

    /// Reads a shapefile, whose parts lie beside each other in an archive.
    pub(super) fn shapefile(&mut self, source: &Source, member: &str, file: &SharedFile) -> Result<(), ReadError> {
        let wrong = |error| ReadError::format(label(source, Some(member)), error);
        // Two members are read at once, each by a reader of its own.
        let (mut shp, mut dbf) =
            (Archive::open(file.clone()).map_err(wrong)?, Archive::open(file.clone()).map_err(wrong)?);
        let members = shapefile::Members::of(member, &shp.files().map_err(wrong)?).map_err(wrong)?;
        let mut companion = |name: &Option<String>| match name {
            Some(name) => shp.read(name).and_then(small).map(Some).map_err(wrong),
            None => Ok(None),
        };
        let (prj, cpg) = (companion(&members.prj)?, companion(&members.cpg)?);
        let srid = prj.and_then(|prj| shapefile::srid(&String::from_utf8_lossy(&prj)));
        let geometry = GeometryColumn::of(self.table);
        if let Some(geometry) = &geometry {
            geometry.check(srid, || label(source, Some(member)))?;
        }
        let encodings = Label {
            declared: source.reading.encoding.is_some().then(|| declared(source)).transpose()?,
            of_cpg: cpg.and_then(|cpg| Label::cpg(&cpg)),
        };
        let (shp, dbf) = (shp.read(&members.shp).map_err(wrong)?, dbf.read(&members.dbf).map_err(wrong)?);
        let name = geometry.as_ref().map_or("geom", GeometryColumn::name);
        let records = shapefile::Records::new(shp, dbf, encodings, name).map_err(wrong)?;
        self.records(source, Some(member), records)
    }
}

/// Unpacks what is not read from its first byte to its last, looking after each block whether it should go on.
pub(super) fn spooled(
    spool: &Spool,
    label: &str,
    mut bytes: impl Blocks,
    look: impl Fn() -> Result<(), ReadError>,
) -> Result<SharedFile, ReadError> {
    let full = |error| SourceError::Spool { address: label.to_owned(), error };
    let mut file = spool.file(None).map_err(full)?;
    loop {
        bytes.advance().map_err(|error| ReadError::format(label.to_owned(), error))?;
        if bytes.block().is_empty() {
            return Ok(file.finish());
        }
        file.write(bytes.block()).map_err(full)?;
        look()?;
    }
}

/// A sheet is to its workbook, and a layer to its GeoPackage, what a member is to its archive.
fn within(member: Option<&str>, part: &str) -> String {
    member.map_or_else(|| part.to_owned(), |member| format!("{member}: {part}"))
}

/// Whether a format has parts that are found by their place in the file.
pub(super) fn is_sought(format: Format) -> bool {
    matches!(format, Format::Xls | Format::Xlsx | Format::Shapefile | Format::Geopackage | Format::Parquet)
}

/// The encoding that the manifest declares; UTF-8 where it does not.
fn declared(source: &Source) -> Result<&'static Encoding, ReadError> {
    let declared = encoding(source.reading.encoding.as_deref());
    declared.map_err(|error| ReadError::Encoding { file: source.file.clone(), error })
}

/// All bytes of a file of a few lines.
fn small(mut bytes: impl Blocks) -> Result<Vec<u8>, FormatError> {
    let mut all = Vec::new();
    loop {
        bytes.advance()?;
        if bytes.block().is_empty() || all.len() > SMALL {
            return Ok(all);
        }
        all.extend_from_slice(bytes.block());
    }
}
