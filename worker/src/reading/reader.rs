//! The reading thread of one table: each source is opened, unpacked, and read record by record into rows, one after the other.

use std::collections::BTreeSet;

use manifest::Identifier;
use manifest::dataset::{Container, Format, HeaderRow, Load, Source, Table};
use tokio::runtime::Handle;
use tokio_util::sync::CancellationToken;

use super::charset;
use super::drift::Drift;
use super::error::ReadError;
use super::formats::is_sought;
use super::header::{Binding, HeaderError};
use super::incoming::{Incoming, packing, unpack};
use super::layout::Layout;
use super::outcome::TableReading;
use super::plan::Plan;
use super::rows::{Place, Rows};
use super::stream::{CHUNK, Chunks};
use super::unserved::Unserved;
use crate::format::{Archive, ReadRecords};
use crate::source::{Access, Coding, Input, SourceError, Use};
use crate::spool::SharedFile;

/// Rows at the start of a file among which `header: find` looks.
const HEADER_ROWS: usize = 100;

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

    /// Ends the reading where it is told to stop.
    pub(super) fn look(&self) -> Result<(), ReadError> {
        if self.cancel.is_cancelled() { Err(SourceError::Stopped.into()) } else { Ok(()) }
    }

    /// Reads records to their end. There is one copy of this for each format, so that none pays for another.
    pub(super) fn records(
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
        self.note_late(&records, &label)
    }

    /// Tells of fields that none of the first records had.
    fn note_late(&mut self, records: &impl ReadRecords, label: &impl Fn() -> String) -> Result<(), ReadError> {
        let late = records.late_names();
        if late.is_empty() {
            return Ok(());
        }
        let first = records.names().unwrap_or_default();
        let bind = |names: &[String]| {
            let refuse =
                |error| ReadError::Header { table: self.table.name.clone(), file: label(), error: Box::new(error) };
            self.layout.wanted.bind(names).map_err(refuse)
        };
        let known = bind(first)?.extra;
        let extra: Vec<String> =
            bind(&[first, &late].concat())?.extra.into_iter().filter(|n| !known.contains(n)).collect();
        if !extra.is_empty() {
            self.reading.drift.push(Drift::Extra { file: label(), headers: extra });
        }
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
            let binding = self.layout.wanted.bind(names).map_err(refuse)?;
            if binding.absent.is_empty() {
                return Ok(binding);
            }
            // Where each record has names of its own, one that has such a column may still come.
            for missing in &binding.absent {
                records.admit(self.header_of(&missing.column));
            }
            let names = records.names().unwrap_or_default();
            let mut admitted = self.layout.wanted.bind(names).map_err(refuse)?;
            admitted.absent = binding.absent;
            return Ok(admitted);
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

    /// How a file names a column.
    fn header_of<'n>(&'n self, column: &'n Identifier) -> &'n str {
        let renamed = self.table.rename.iter().find(|(_, renamed)| *renamed == column);
        renamed.map_or(column.as_str(), |(header, _)| header)
    }

    pub(super) fn unserved(&self, what: String) -> ReadError {
        ReadError::Unserved(Unserved { table: Some(self.table.name.clone()), what })
    }
}

pub(super) fn label(source: &Source, member: Option<&str>) -> String {
    match member {
        Some(member) => format!("{}: {member}", source.file),
        None => source.file.clone(),
    }
}

pub(super) fn delimiter(source: &Source) -> u8 {
    let default = if source.reading.format == Format::Tsv { b'\t' } else { b',' };
    source.reading.delimiter.and_then(|delimiter| u8::try_from(delimiter).ok()).unwrap_or(default)
}
