//! The reading thread of one table: each source is opened, unpacked, and read record by record into rows, one after the other.

use std::collections::BTreeSet;

use encoding_rs::Encoding;
use manifest::dataset::{Container, Format, HeaderRow, Load, Reading, Source, Table};
use tokio::runtime::Handle;
use tokio_util::sync::CancellationToken;

use super::charset;
use super::error::ReadError;
use super::geometry::GeometryColumn;
use super::header::{Binding, HeaderError};
use super::incoming::{Incoming, packing, unpack};
use super::layout::Layout;
use super::outcome::TableReading;
use super::plan::Plan;
use super::rows::{Place, Rows};
use super::stream::{CHUNK, Chunks};
use super::unserved::Unserved;
use crate::format::shapefile::{self, Label};
use crate::format::workbook::{Xls, Xlsx};
use crate::format::{Archive, Blocks, FormatError, ReadRecords, csv, encoding, text};
use crate::source::{Access, Coding, Input, SourceError, Use};
use crate::spool::SharedFile;

/// Rows at the start of a file among which `header: find` looks.
const HEADER_ROWS: usize = 100;

/// Bytes of a companion that says which encoding or reference system a file has, and nothing else.
const SMALL: usize = 64 << 10;

/// Records between two looks at the cancellation token.
const LOOK_EVERY: u32 = 4_096;

/// Reads the sources of one table, one after the other.
pub(super) struct Reader<'t> {
    pub(super) access: &'t Access,
    pub(super) table: &'t Table,
    pub(super) layout: &'t Layout,
    /// SHA-256 of what was added before.
    pub(super) appended: BTreeSet<String>,
    pub(super) runtime: Handle,
    pub(super) cancel: CancellationToken,
    pub(super) rows: Rows,
    pub(super) chunks: Chunks,
    pub(super) reading: TableReading,
}

impl Reader<'_> {
    /// Reads all of them.
    pub(super) fn read(mut self) -> Result<TableReading, ReadError> {
        for source in self.access.sources(self.table)? {
            self.source(source)?;
        }
        let (mut last, counted) = self.rows.finish();
        self.chunks.send(&mut last)?;
        let TableReading { bytes, drift, fingerprints, left_out, .. } = self.reading;
        Ok(TableReading { bytes, drift, fingerprints, left_out, ..counted })
    }

    fn source(&mut self, source: &Source) -> Result<(), ReadError> {
        // What is only added is known by its bytes before the first row is sent.
        let is_added = self.table.load == Load::Append;
        let is_zip = matches!(source.reading.container, Container::Zip { .. });
        let packing = packing(&source.reading.container);
        let is_sought = is_sought(source.reading.format) && packing.is_none();
        let usage = if is_zip || is_added || is_sought { Use::Seek } else { Use::Stream };
        let opened = self.runtime.block_on(self.access.open(source, usage, &self.cancel))?;
        let coding = opened.coding;
        let (input, fingerprint) = opened.into_parts();
        let in_file = |error| ReadError::format(source.file.clone(), error);
        if let (true, Input::File(_, content)) = (is_added, &input)
            && !self.appended.insert(content.sha256.clone())
        {
            self.reading.left_out.insert(source.file.clone());
            self.reading.fingerprints.insert(source.file.clone(), fingerprint(content.clone()));
            return Ok(());
        }
        let content = match (&source.reading.container, input) {
            (Container::Zip { member }, Input::File(file, content)) => {
                if coding != Coding::Identity {
                    let (address, coding) = (source.file.clone(), "gzip".to_owned());
                    return Err(SourceError::Coding { address, coding }.into());
                }
                self.archive(source, member, &file)?;
                content
            }
            (_, Input::File(file, content)) if is_sought && coding == Coding::Identity => {
                self.file(source, None, file)?;
                content
            }
            (_, input) => {
                let mut incoming = Incoming::new(input);
                let unpacked = unpack(&mut incoming, coding, packing).map_err(in_file)?;
                self.unpacked(source, None, unpacked)?;
                incoming.finish().map_err(in_file)?
            }
        };
        self.reading.fingerprints.insert(source.file.clone(), fingerprint(content));
        Ok(())
    }

    /// Reads the members of an archive that the manifest picks.
    fn archive(&mut self, source: &Source, member: &str, file: &SharedFile) -> Result<(), ReadError> {
        let in_file = |error| ReadError::format(source.file.clone(), error);
        let mut archive = Archive::open(file.clone()).map_err(in_file)?;
        for name in archive.members(member).map_err(in_file)? {
            if source.reading.format == Format::Shapefile {
                // The companions of a shape are picked by its name.
                if name.to_lowercase().ends_with(".shp") {
                    self.shapefile(source, &name, file)?;
                }
                continue;
            }
            let in_member = |error| ReadError::format(label(source, Some(&name)), error);
            self.unpacked(source, Some(&name), archive.read(&name).map_err(in_member)?)?;
        }
        Ok(())
    }

    /// Reads the unpacked bytes of a source or of one member of an archive.
    fn unpacked(&mut self, source: &Source, member: Option<&str>, bytes: impl Blocks) -> Result<(), ReadError> {
        if is_sought(source.reading.format) {
            let file = self.spool(source, member, bytes)?;
            return self.file(source, member, file);
        }
        let wrong = |error| ReadError::format(label(source, member), error);
        let text = text(bytes, declared(source)?).map_err(wrong)?;
        match source.reading.format {
            Format::Csv | Format::Tsv => self.records(source, member, csv::Records::new(text, delimiter(source))),
            other => Err(self.unserved(format!("format {}", other.as_str()))),
        }
    }

    /// Reads a file of a format that is not read from its first byte to its last.
    fn file(&mut self, source: &Source, member: Option<&str>, file: SharedFile) -> Result<(), ReadError> {
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
    fn shapefile(&mut self, source: &Source, member: &str, file: &SharedFile) -> Result<(), ReadError> {
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

    /// Ends the reading where it is told to stop.
    fn look(&self) -> Result<(), ReadError> {
        if self.cancel.is_cancelled() { Err(SourceError::Stopped.into()) } else { Ok(()) }
    }

    /// Reads records to their end. There is one copy of this for each format, so that none pays for another.
    fn records(
        &mut self,
        source: &Source,
        member: Option<&str>,
        mut records: impl ReadRecords,
    ) -> Result<(), ReadError> {
        let label = || label(source, member);
        let wrong = |error| ReadError::format(label(), error);
        let binding = self.header(source.reading.header, &mut records, &label)?;
        let plan = Plan::new(self.table, self.layout, source, member, &binding, delimiter(source));
        self.reading.drift.extend(binding.drift(&label()));
        let place = Place { file: &source.file, member };
        self.rows.begin(label());
        let mut until_look = LOOK_EVERY;
        while let Some(record) = records.read().map_err(wrong)? {
            self.rows.push(&plan, place, &record);
            if self.rows.out.len() >= CHUNK {
                self.chunks.send(&mut self.rows.out)?;
            }
            until_look -= 1;
            if until_look == 0 {
                until_look = LOOK_EVERY;
                self.look()?;
            }
        }
        self.reading.bytes += records.bytes();
        Ok(())
    }

    /// Finds the header row and where the columns are.
    fn header(
        &self,
        which: HeaderRow,
        records: &mut impl ReadRecords,
        label: &impl Fn() -> String,
    ) -> Result<Binding, ReadError> {
        let refuse =
            |error| ReadError::Header { table: self.table.name.clone(), file: label(), error: Box::new(error) };
        if let Some(names) = records.names() {
            return self.layout.wanted.bind(names).map_err(refuse);
        }
        if which == HeaderRow::None {
            return Ok(self.layout.wanted.in_order());
        }
        let limit = if which == HeaderRow::First { 1 } else { HEADER_ROWS };
        let mut nearest: Option<(u64, Vec<_>)> = None;
        let mut rows = 0;
        while rows < limit {
            let Some(record) = records.read().map_err(|error| ReadError::format(label(), error))? else { break };
            if record.is_blank_line() {
                continue;
            }
            rows += 1;
            let header: Vec<_> = record.fields().map(|field| String::from_utf8_lossy(field).into_owned()).collect();
            let bound = self.layout.wanted.bind(&header);
            if bound.is_err() && which == HeaderRow::First {
                let unreadable =
                    header.iter().zip(record.fields()).filter(|(_, raw)| std::str::from_utf8(raw).is_err());
                let headers: Vec<_> = unreadable.map(|(header, _)| header.clone()).collect();
                if !headers.is_empty() {
                    return Err(refuse(HeaderError::NotUtf8 {
                        headers,
                        guess: charset::guess(&record.fields().collect::<Vec<_>>()),
                    }));
                }
            }
            match bound {
                Ok(binding) => return Ok(binding),
                Err(HeaderError::Missing(missing)) if which == HeaderRow::Find => {
                    if nearest.as_ref().is_none_or(|(_, least)| missing.len() < least.len()) {
                        nearest = Some((record.place().line, missing));
                    }
                }
                Err(error) => return Err(refuse(error)),
            }
        }
        Err(refuse(match nearest {
            Some((line, missing)) => HeaderError::NotFound { rows, line, missing },
            None => HeaderError::Empty,
        }))
    }

    fn unserved(&self, what: String) -> ReadError {
        ReadError::Unserved(Unserved { table: Some(self.table.name.clone()), what })
    }
}

/// Whether a format has parts that are found by their place in the file.
fn is_sought(format: Format) -> bool {
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

fn label(source: &Source, member: Option<&str>) -> String {
    match member {
        Some(member) => format!("{}: {member}", source.file),
        None => source.file.clone(),
    }
}

fn delimiter(source: &Source) -> u8 {
    let default = if source.reading.format == Format::Tsv { b'\t' } else { b',' };
    source.reading.delimiter.and_then(|delimiter| u8::try_from(delimiter).ok()).unwrap_or(default)
}
