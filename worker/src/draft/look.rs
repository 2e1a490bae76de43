//! An open source is looked at and read to its end: packing, archive, format, header, and then every record.

use std::io::Read as _;
use std::path::Path;

use encoding_rs::UTF_8;
use manifest::dataset::Format;

use super::DraftError;
use super::guess::Guess;
use super::origin::{Hints, Opened};
use super::records::{Manner, Row, Table, Wrong};
use super::sample::{self, Sample};
use super::shape::{HEAD, Inner, Shape, packing};
use crate::format::geopackage::{self, GeoPackage};
use crate::format::parquet::{Parquet, RawBytes};
use crate::format::shapefile::{self, Label, Members};
use crate::format::workbook::{Xls, Xlsx};
use crate::format::{Archive, Blocks, FormatError, Packing, ReadBlocks, csv, json, json_text, text};
use crate::source::Coding;
use crate::spool::{SharedFile, Spool};

/// Endings of the members that may be a table.
const TABLES: &[&str] = &["csv", "tsv", "txt", "geojson", "ndjson", "jsonl", "json"];

/// What a source holds.
pub(super) struct Looked {
    pub(super) shape: Shape,
    pub(super) headers: Vec<String>,
    /// What each column is, in the order of the headers.
    pub(super) columns: Vec<Guess>,
    /// Columns that some record lacks.
    pub(super) lacking: Vec<bool>,
    pub(super) rows: u64,
    /// The sample's rows, as they stand in the source.
    pub(super) sample_rows: Vec<Row>,
    /// The sample as a file; `None` where its format is not written.
    pub(super) sample: Option<Sample>,
}

/// Reads all of it.
pub(super) fn look(
    source: &str,
    opened: Opened,
    member: Option<&str>,
    hints: &Hints,
    spool: &Path,
) -> Result<Looked, DraftError> {
    let looking = Looking { source, name: opened.name, hints, spool: Spool::new(spool) };
    let mut file = opened.file;
    if opened.coding == Coding::Gzip {
        file = looking.unpacked(Packing::Gzip, file)?;
    }
    let mut shape = Shape { packing: packing(&looking.head(&file)?), ..Shape::default() };
    if let Some(packing) = shape.packing {
        file = looking.unpacked(packing, file)?;
    }
    let mut table = Table::default();
    looking.inside(&file, member, &mut shape, &mut table)?;
    if table.rows == 0 {
        return Err(DraftError::unfit(source, "it has a header and no rows, which tell no types"));
    }
    shape.is_header_found = !table.above.is_empty();
    shape.is_latin = table.is_latin && matches!(shape.inner, Inner::Delimited(_));
    let sample = sample::write(&shape, &table, &file).map_err(|error| looking.wrong(FormatError::Read(error)))?;
    let lacking = (0..table.headers.len()).map(|at| table.is_lacking(at)).collect();
    let columns = table.guesses();
    let Table { headers, rows, sample: sample_rows, .. } = table;
    Ok(Looked { shape, headers, columns, lacking, rows, sample_rows, sample })
}

struct Looking<'s> {
    source: &'s str,
    name: String,
    hints: &'s Hints,
    spool: Spool,
}

impl Looking<'_> {
    fn wrong(&self, error: FormatError) -> DraftError {
        DraftError::Unreadable { file: self.name.clone(), error }
    }

    fn unfit(&self, why: impl Into<String>) -> DraftError {
        DraftError::unfit(self.source, why)
    }

    fn head(&self, file: &SharedFile) -> Result<Vec<u8>, DraftError> {
        let mut head = Vec::new();
        let read = file.clone().take(HEAD as u64).read_to_end(&mut head);
        read.map(|_| head).map_err(|error| self.wrong(FormatError::Read(error)))
    }

    /// The same without its packing, in a file of its own.
    fn unpacked(&self, packing: Packing, file: SharedFile) -> Result<SharedFile, DraftError> {
        let blocks = packing.unpack(ReadBlocks::new(file)).map_err(|error| self.wrong(error))?;
        self.spooled(blocks)
    }

    fn spooled(&self, mut blocks: impl Blocks) -> Result<SharedFile, DraftError> {
        let full = |error: crate::spool::SpoolError| self.unfit(error.to_string());
        let mut file = self.spool.file(None).map_err(full)?;
        loop {
            blocks.advance().map_err(|error| self.wrong(error))?;
            if blocks.block().is_empty() {
                return Ok(file.finish());
            }
            file.write(blocks.block()).map_err(full)?;
        }
    }

    fn inside(
        &self,
        file: &SharedFile,
        member: Option<&str>,
        shape: &mut Shape,
        table: &mut Table,
    ) -> Result<(), DraftError> {
        let head = self.head(file)?;
        if head.starts_with(b"PK\x03\x04") {
            let mut archive = Archive::open(file.clone()).map_err(|error| self.wrong(error))?;
            let files = archive.files().map_err(|error| self.wrong(error))?;
            if files.iter().any(|name| name == "xl/workbook.xml") {
                return self.workbook(file, Inner::Xlsx, shape, table);
            }
            return self.archive(file, &mut archive, &files, member, shape, table);
        }
        if head.starts_with(b"\xd0\xcf\x11\xe0") {
            return self.workbook(file, Inner::Xls, shape, table);
        }
        if head.starts_with(b"SQLite format 3\0") {
            return self.geopackage(file, shape, table);
        }
        if head.starts_with(b"PAR1") {
            return self.parquet(file, shape, table);
        }
        shape.inner = Inner::of_text(&head).map_err(|why| self.unfit(why))?;
        self.text(ReadBlocks::new(file.clone()), shape, table)
    }

    fn workbook(
        &self,
        file: &SharedFile,
        inner: Inner,
        shape: &mut Shape,
        table: &mut Table,
    ) -> Result<(), DraftError> {
        shape.inner = inner;
        let manner = self.manner(&[], None);
        let manner = Manner { is_even: false, ..manner };
        let wrong = |error| self.wrong(error);
        if inner == Inner::Xlsx {
            let mut book = Xlsx::open(file.clone()).map_err(wrong)?;
            let sheet = book.sheet(None).map_err(wrong)?;
            let mut rows = book.rows(&sheet, &[]).map_err(wrong)?;
            return table.read(&mut rows, manner).map_err(|error| self.told(error));
        }
        let mut book = Xls::open(file.clone()).map_err(wrong)?;
        let sheet = book.sheet(None).map_err(wrong)?;
        let mut rows = book.rows(&sheet, &[]).map_err(wrong)?;
        table.read(&mut rows, manner).map_err(|error| self.told(error))
    }

    fn archive(
        &self,
        file: &SharedFile,
        archive: &mut Archive<SharedFile>,
        files: &[String],
        member: Option<&str>,
        shape: &mut Shape,
        table: &mut Table,
    ) -> Result<(), DraftError> {
        let picked = match member {
            Some(member) => archive.members(member).map_err(|error| self.wrong(error))?,
            None => self.members(files)?,
        };
        let shapes: Vec<_> = picked.iter().filter(|name| ending(name) == "shp").collect();
        if let [one, ..] = shapes[..] {
            shape.member = Some(one.clone());
            return self.shapefile(file, one, shape, table);
        }
        shape.member = Some(match (member, &picked[..]) {
            (Some(member), _) => member.to_owned(),
            (None, [one]) => one.clone(),
            (None, several) => format!("*.{}", several.first().map(|name| ending(name)).unwrap_or_default()),
        });
        let mut reading = Archive::open(file.clone()).map_err(|error| self.wrong(error))?;
        for (at, name) in picked.iter().enumerate() {
            let unpacked = self.spooled(reading.read(name).map_err(|error| self.wrong(error))?)?;
            let inner = Inner::of_text(&self.head(&unpacked)?).map_err(|why| self.unfit(format!("{name}: {why}")))?;
            if at > 0 && inner != shape.inner {
                return Err(self.unfit("its files are of different formats; say with `--member` which of them it is"));
            }
            shape.inner = inner;
            self.text(ReadBlocks::new(unpacked), shape, table)?;
        }
        Ok(())
    }

    /// The members that are tables: shapes, else the files of the first ending that there is.
    fn members(&self, files: &[String]) -> Result<Vec<String>, DraftError> {
        for wanted in std::iter::once(&"shp").chain(TABLES) {
            let found: Vec<_> = files.iter().filter(|name| ending(name) == *wanted).cloned().collect();
            if !found.is_empty() {
                return Ok(if *wanted == "shp" { found.into_iter().take(1).collect() } else { found });
            }
        }
        let files = files.join(", ");
        Err(self.unfit(format!("the archive holds no table that is looked into; it has {files}")))
    }

    fn shapefile(&self, file: &SharedFile, name: &str, shape: &mut Shape, table: &mut Table) -> Result<(), DraftError> {
        let wrong = |error| self.wrong(error);
        let open = || Archive::open(file.clone()).map_err(wrong);
        let (mut shp, mut dbf, mut third) = (open()?, open()?, open()?);
        let members = Members::of(name, &shp.files().map_err(wrong)?).map_err(wrong)?;
        let mut companion = |name: &Option<String>| -> Result<Option<Vec<u8>>, DraftError> {
            let Some(name) = name else { return Ok(None) };
            let unpacked = self.spooled(third.read(name).map_err(wrong)?)?;
            self.head(&unpacked).map(Some)
        };
        shape.inner = Inner::Shapefile;
        shape.srid = companion(&members.prj)?.and_then(|prj| shapefile::srid(&String::from_utf8_lossy(&prj)));
        let label = Label { declared: None, of_cpg: companion(&members.cpg)?.and_then(|cpg| Label::cpg(&cpg)) };
        let (shp, dbf) = (shp.read(&members.shp).map_err(wrong)?, dbf.read(&members.dbf).map_err(wrong)?);
        let mut records = shapefile::Records::new(shp, dbf, label, "geom").map_err(wrong)?;
        let described = records.columns();
        let manner =
            Manner { takes_first: true, is_typed: true, is_even: false, ..self.manner(&described, shape.srid) };
        table.read(&mut records, manner).map_err(|error| self.told(error))
    }

    fn geopackage(&self, file: &SharedFile, shape: &mut Shape, table: &mut Table) -> Result<(), DraftError> {
        let wrong = |error| self.wrong(error);
        let package = GeoPackage::open(file, &self.spool).map_err(|error| self.unfit(error.to_string()))?;
        let package = package.map_err(wrong)?;
        let layer = package.layer(None).map_err(wrong)?;
        shape.inner = Inner::Geopackage;
        shape.srid = layer.srid();
        let described = layer.columns();
        let mut statement = package.rows(&layer).map_err(wrong)?;
        let mut records = geopackage::Records::new(&mut statement, &layer, "geom");
        let manner = self.manner(&described, shape.srid);
        let manner = Manner { takes_first: true, is_typed: true, is_even: false, ..manner };
        table.read(&mut records, manner).map_err(|error| self.told(error))
    }

    fn parquet(&self, file: &SharedFile, shape: &mut Shape, table: &mut Table) -> Result<(), DraftError> {
        let wrong = |error| self.wrong(error);
        let parquet = Parquet::open(file.clone()).map_err(wrong)?;
        shape.inner = Inner::Parquet;
        shape.srid = parquet.srid();
        let described = parquet.columns();
        let mut names = parquet.names("geom");
        // Lists, maps and structures are not read, and get no name.
        for name in &mut names {
            if name != "geom" && !described.iter().any(|column| column.name == *name) {
                name.clear();
            }
        }
        let is_read: Vec<bool> = names.iter().map(|name| !name.is_empty()).collect();
        let wanted = |field: usize| is_read[field].then_some(RawBytes::Hex);
        let mut records = parquet.records(names, wanted).map_err(wrong)?;
        let manner = self.manner(&described, shape.srid);
        let manner = Manner { takes_first: true, is_typed: true, is_even: false, ..manner };
        table.read(&mut records, manner).map_err(|error| self.told(error))
    }

    fn text(&self, blocks: impl Blocks, shape: &mut Shape, table: &mut Table) -> Result<(), DraftError> {
        let wrong = |error| self.wrong(error);
        let format = match shape.inner {
            Inner::Delimited(mark) => {
                let text = text(blocks, UTF_8).map_err(wrong)?;
                let mut records = csv::Records::new(text, mark);
                return table.read(&mut records, self.manner(&[], None)).map_err(|error| self.told(error));
            }
            Inner::Geojson => Format::Geojson,
            Inner::Json => Format::Json,
            _ => Format::Ndjson,
        };
        let text = json_text(blocks, UTF_8).map_err(wrong)?;
        let mut records = json::Records::new(text, format, "geom").map_err(wrong)?;
        if records.is_empty() {
            return Err(self.unfit("it holds no object"));
        }
        shape.srid = records.srid();
        let described = records.columns();
        let manner = Manner { takes_first: true, is_even: false, ..self.manner(&described, shape.srid) };
        table.read(&mut records, manner).map_err(|error| self.told(error))
    }

    fn manner<'m>(&'m self, described: &'m [crate::format::SourceColumn], srid: Option<u32>) -> Manner<'m> {
        Manner { hints: self.hints, described, srid, is_typed: false, is_even: true, takes_first: false }
    }

    fn told(&self, wrong: Wrong) -> DraftError {
        match wrong {
            Wrong::Unfit(why) => self.unfit(why),
            Wrong::Format(error) => self.wrong(error),
        }
    }
}

/// The last part of a name, in lower case.
fn ending(name: &str) -> String {
    Path::new(name).extension().map(|end| end.to_string_lossy().to_lowercase()).unwrap_or_default()
}

#[cfg(test)]
mod tests;
