//! One table on its way: the thread that reads, and the handle by which the runtime takes its chunks.

use std::collections::BTreeSet;
use std::sync::Arc;

use bytes::Bytes;
use manifest::dataset::{Container, Format, HeaderRow, Load, Source, Table};
use tokio::runtime::Handle;
use tokio::sync::mpsc;
use tokio::sync::mpsc::error::TrySendError;
use tokio::task::JoinHandle;
use tokio_util::sync::{CancellationToken, DropGuard};

use super::error::ReadError;
use super::header::{Binding, HeaderError};
use super::incoming::Incoming;
use super::layout::Layout;
use super::outcome::{Drift, TableReading};
use super::plan::Plan;
use super::reject::Reject;
use super::rows::{Place, Rows};
use super::unserved::of_table;
use crate::format::blocks::Peeked;
use crate::format::{Archive, Blocks, FormatError, Impostor, Records, encoding, gunzip, is_gzip, text};
use crate::source::{Access, Coding, Input, SourceError, Use};

/// A chunk is sent when it has so many bytes.
const CHUNK: usize = 128 << 10;

/// Chunks that wait to be taken.
const CHUNKS: usize = 4;

/// Rows at the start of a file among which `header: find` looks.
const HEADER_ROWS: usize = 100;

/// Records between two looks at the cancellation token.
const LOOK_EVERY: u32 = 4_096;

/// The binary `COPY` stream of one table while it is read. Dropping it stops the reading.
#[derive(Debug)]
pub struct TableStream {
    chunks: mpsc::Receiver<Bytes>,
    reader: JoinHandle<Result<TableReading, ReadError>>,
    outcome: Outcome,
    _stop: DropGuard,
}

#[derive(Debug)]
enum Outcome {
    Pending,
    Complete(Box<TableReading>),
    Failed,
}

impl TableStream {
    /// The next chunk of the stream; `None` when it is complete, with header and trailer. After an error there is nothing more, and
    /// the `COPY` must be aborted: PostgreSQL takes a stream without a trailer for a complete one. Cancel-safe.
    pub async fn chunk(&mut self) -> Option<Result<Bytes, ReadError>> {
        if let Some(chunk) = self.chunks.recv().await {
            return Some(Ok(chunk));
        }
        match self.outcome {
            Outcome::Pending => {}
            Outcome::Complete(_) => return None,
            Outcome::Failed => return Some(Err(SourceError::Stopped.into())),
        }
        let ended = (&mut self.reader).await;
        self.outcome = Outcome::Failed;
        match ended {
            Ok(Ok(reading)) => {
                self.outcome = Outcome::Complete(Box::new(reading));
                None
            }
            Ok(Err(error)) => Some(Err(error)),
            Err(error) if error.is_panic() => std::panic::resume_unwind(error.into_panic()),
            Err(_) => Some(Err(SourceError::Stopped.into())),
        }
    }

    /// What was read, once [`chunk`](Self::chunk) has given `None`.
    pub fn finish(self) -> Result<TableReading, ReadError> {
        match self.outcome {
            Outcome::Complete(reading) => Ok(*reading),
            Outcome::Pending | Outcome::Failed => Err(SourceError::Stopped.into()),
        }
    }
}

/// Begins to read a table on a blocking thread of the current runtime. Each value or row that cannot be loaded is sent to `rejects`;
/// cancelling the token ends the reading with the error `stopped`. Where rows are only added, a source whose bytes have one
/// of the SHA-256 of `appended` is left out, as is one that has the same bytes as another.
pub fn spawn(
    access: Arc<Access>,
    table: Table,
    appended: BTreeSet<String>,
    rejects: mpsc::UnboundedSender<Reject>,
    cancel: &CancellationToken,
) -> TableStream {
    let (sender, chunks) = mpsc::channel(CHUNKS);
    let cancel = cancel.child_token();
    let stop = cancel.clone().drop_guard();
    let runtime = Handle::current();
    let reader = tokio::task::spawn_blocking(move || {
        let layout = Layout::new(&table, access.timezone());
        let Ok(layout) = layout else {
            let unserved = of_table(&table, access.from()).into_iter().next();
            return Err(unserved.map_or_else(|| SourceError::Stopped.into(), ReadError::Unserved));
        };
        let rows = Rows::new(table.name.clone(), &layout, rejects);
        let chunks = Chunks { sender, runtime: runtime.clone(), cancel: cancel.clone() };
        let reading = TableReading::default();
        let (access, table, layout) = (&access, &table, &layout);
        Reader { access, table, layout, appended, runtime, cancel, rows, chunks, reading }.read()
    });
    TableStream { chunks, reader, outcome: Outcome::Pending, _stop: stop }
}

/// Sends chunks and waits while the database is busy.
struct Chunks {
    sender: mpsc::Sender<Bytes>,
    runtime: Handle,
    cancel: CancellationToken,
}

impl Chunks {
    /// Takes the buffer away and leaves an empty one.
    fn send(&self, buffer: &mut Vec<u8>) -> Result<(), ReadError> {
        // A record may end a little behind the mark.
        let full = std::mem::replace(buffer, Vec::with_capacity(CHUNK + CHUNK / 8));
        match self.sender.try_send(full.into()) {
            Ok(()) => Ok(()),
            Err(TrySendError::Closed(_)) => Err(SourceError::Stopped.into()),
            Err(TrySendError::Full(chunk)) => self.runtime.block_on(async {
                tokio::select! {
                    biased;
                    () = self.cancel.cancelled() => Err(SourceError::Stopped.into()),
                    sent = self.sender.send(chunk) => sent.map_err(|_| SourceError::Stopped.into()),
                }
            }),
        }
    }
}

/// Reads the sources of one table, one after the other.
struct Reader<'t> {
    access: &'t Access,
    table: &'t Table,
    layout: &'t Layout,
    /// SHA-256 of what was added before.
    appended: BTreeSet<String>,
    runtime: Handle,
    cancel: CancellationToken,
    rows: Rows,
    chunks: Chunks,
    reading: TableReading,
}

impl Reader<'_> {
    fn read(mut self) -> Result<TableReading, ReadError> {
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
        let label = || match member {
            Some(member) => format!("{}: {member}", source.file),
            None => source.file.clone(),
        };
        let wrong = |error| ReadError::format(label(), error);
        let declared = encoding(source.reading.encoding.as_deref())
            .map_err(|error| ReadError::Encoding { file: source.file.clone(), error })?;
        let delimiter = delimiter(source);
        let mut records = Records::new(text(bytes, declared).map_err(wrong)?, delimiter);
        let binding = self.header(source.reading.header, &mut records, &label)?;
        let plan = Plan::new(self.table, self.layout, source, &binding, delimiter);
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
    fn header<B: Blocks>(
        &self,
        which: HeaderRow,
        records: &mut Records<B>,
        label: &impl Fn() -> String,
    ) -> Result<Binding, ReadError> {
        if which == HeaderRow::None {
            return Ok(self.layout.wanted.in_order());
        }
        let refuse =
            |error| ReadError::Header { table: self.table.name.clone(), file: label(), error: Box::new(error) };
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

fn delimiter(source: &Source) -> u8 {
    let default = if source.reading.format == Format::Tsv { b'\t' } else { b',' };
    source.reading.delimiter.and_then(|delimiter| u8::try_from(delimiter).ok()).unwrap_or(default)
}

/// Undoes what the publisher packed for the way, and the gzip that the manifest declares. Some servers undo the latter by declaring it
/// as the former.
fn unpack<'b>(bytes: &'b mut Incoming, coding: Coding, is_packed: bool) -> Result<Box<dyn Blocks + 'b>, FormatError> {
    if !is_packed {
        return Ok(match coding {
            Coding::Identity => Box::new(bytes),
            Coding::Gzip => Box::new(gunzip(bytes)),
        });
    }
    match coding {
        Coding::Identity => {
            let peeked = Peeked::new(bytes, 2)?;
            if is_gzip(peeked.head()) {
                return Ok(Box::new(gunzip(peeked)));
            }
            let impostor = Impostor::of(peeked.head()).map(FormatError::Impostor);
            Err(impostor.unwrap_or_else(|| FormatError::GzipCorrupt("it does not begin like gzip".to_owned())))
        }
        Coding::Gzip => {
            let peeked = Peeked::new(gunzip(bytes), 2)?;
            Ok(if is_gzip(peeked.head()) { Box::new(gunzip(peeked)) } else { Box::new(peeked) })
        }
    }
}
