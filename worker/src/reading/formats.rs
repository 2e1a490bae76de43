//! Each format's own way from bytes to records.

use encoding_rs::Encoding;
use manifest::dataset::{Format, Reading, Source};

use super::error::ReadError;
use super::geometry::GeometryColumn;
use super::header::HeaderError;
use super::reader::{Reader, delimiter, label};
use crate::format::shapefile::{self, Label};
use crate::format::workbook::{Xls, Xlsx};
use crate::format::{Archive, Blocks, FormatError, csv, encoding, json, json_text, text};
use crate::source::SourceError;
use crate::spool::SharedFile;

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
            let file = self.spool(source, member, bytes)?;
            return self.file(source, member, file);
        }
        let wrong = |error| ReadError::format(label(source, member), error);
        match source.reading.format {
            Format::Csv | Format::Tsv => {
                let text = text(bytes, declared(source)?).map_err(wrong)?;
                self.records(source, member, csv::Records::new(text, delimiter(source)))
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
            let (table, file) = (self.table.name.clone(), label(source, member));
            return Err(ReadError::Header { table, file, error: Box::new(HeaderError::Empty) });
        }
        if let Some(geometry) = geometry.filter(|_| format == Format::Geojson) {
            geometry.check(records.srid(), || label(source, member))?;
        }
        self.records(source, member, records)
    }

    /// Reads a file of a format that is not read from its first byte to its last.
    pub(super) fn file(&mut self, source: &Source, member: Option<&str>, file: SharedFile) -> Result<(), ReadError> {
        let wrong = |error| ReadError::format(label(source, member), error);
        let Reading { sheet, nulls, .. } = &source.reading;
        // A sheet is to its workbook what a member is to its archive.
        let within = |sheet: &str| member.map_or_else(|| sheet.to_owned(), |member| format!("{member}: {sheet}"));
        match source.reading.format {
            Format::Xlsx => {
                let mut book = Xlsx::open(file).map_err(wrong)?;
                let sheet = book.sheet(sheet.as_deref()).map_err(wrong)?;
                self.records(source, Some(&within(&sheet)), book.rows(&sheet, nulls).map_err(wrong)?)
            }
            Format::Xls => {
                let mut book = Xls::open(file).map_err(wrong)?;
                let sheet = book.sheet(sheet.as_deref()).map_err(wrong)?;
                self.records(source, Some(&within(&sheet)), book.rows(&sheet, nulls).map_err(wrong)?)
            }
            other => Err(self.unserved(format!("format {} outside of a zip archive", other.as_str()))),
        }
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

    /// Unpacks what is not read from its first byte to its last.
    fn spool(&self, source: &Source, member: Option<&str>, mut bytes: impl Blocks) -> Result<SharedFile, ReadError> {
        let full = |error| SourceError::Spool { address: label(source, member), error };
        let mut file = self.access.spool().file(None).map_err(full)?;
        loop {
            bytes.advance().map_err(|error| ReadError::format(label(source, member), error))?;
            if bytes.block().is_empty() {
                return Ok(file.finish());
            }
            file.write(bytes.block()).map_err(full)?;
            self.look()?;
        }
    }
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
