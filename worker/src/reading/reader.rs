//! The reading thread of one table: each source is opened, unpacked, and read record by record into rows, one after the other.

use std::collections::BTreeSet;

use manifest::dataset::{Container, Format, HeaderRow, Load, Source, Table};
use tokio::runtime::Handle;
use tokio_util::sync::CancellationToken;

use super::error::ReadError;
use super::header::{Binding, HeaderError};
use super::incoming::{Incoming, unpack};
use super::layout::Layout;
use super::outcome::{Drift, TableReading};
use super::plan::Plan;
use super::rows::{Place, Rows};
use super::stream::{CHUNK, Chunks};
use super::unserved::Unserved;
use crate::format::{Archive, Blocks, ReadRecords, csv, encoding, text};
use crate::source::{Access, Coding, Input, SourceError, Use};

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
        let usage = if is_zip || is_added { Use::Seek } else { Use::Stream };
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
                let mut archive = Archive::open(file).map_err(in_file)?;
                for name in archive.members(member).map_err(in_file)? {
                    let in_member = |error| ReadError::format(format!("{}: {name}", source.file), error);
                    self.member(source, Some(&name), archive.read(&name).map_err(in_member)?)?;
                }
                content
            }
            (_, input) => {
                let mut incoming = Incoming::new(input);
                let is_packed = source.reading.container == Container::Gzip;
                let unpacked = unpack(&mut incoming, coding, is_packed).map_err(in_file)?;
                self.member(source, None, unpacked)?;
                incoming.finish().map_err(in_file)?
            }
        };
        self.reading.fingerprints.insert(source.file.clone(), fingerprint(content));
        Ok(())
    }

    /// Reads the unpacked bytes of a source or of one member of an archive.
    fn member(&mut self, source: &Source, member: Option<&str>, bytes: impl Blocks) -> Result<(), ReadError> {
        let wrong = |error| ReadError::format(label(source, member), error);
        let declared = encoding(source.reading.encoding.as_deref())
            .map_err(|error| ReadError::Encoding { file: source.file.clone(), error })?;
        let text = text(bytes, declared).map_err(wrong)?;
        match source.reading.format {
            Format::Csv | Format::Tsv => self.records(source, member, csv::Records::new(text, delimiter(source))),
            other => Err(self.unserved(format!("format {}", other.as_str()))),
        }
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
        self.note_drift(binding, &label);
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
                if self.cancel.is_cancelled() {
                    return Err(SourceError::Stopped.into());
                }
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
            match self.layout.wanted.bind(&header) {
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

    fn note_drift(&mut self, binding: Binding, label: &impl Fn() -> String) {
        let Binding { extra, absent, .. } = binding;
        if !extra.is_empty() {
            self.reading.drift.push(Drift::Extra { file: label(), headers: extra });
        }
        if !absent.is_empty() {
            self.reading.drift.push(Drift::Absent { file: label(), columns: absent });
        }
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
