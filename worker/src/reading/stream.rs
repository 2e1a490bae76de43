//! One table on its way: the thread that reads, and the handle by which the runtime takes its chunks.

use std::collections::BTreeSet;
use std::sync::Arc;

use bytes::Bytes;
use tokio::runtime::Handle;
use tokio::sync::mpsc;
use tokio::sync::mpsc::error::TrySendError;
use tokio::task::JoinHandle;
use tokio_util::sync::{CancellationToken, DropGuard};

use super::error::ReadError;
use super::layout::Layout;
use super::outcome::TableReading;
use super::reader::Reader;
use super::reject::Reject;
use super::relay;
use super::rows::Rows;
use super::types::Typed;
use super::unserved::of_table;
use crate::source::{Access, SourceError};

/// A chunk is sent when it has so many bytes.
pub(super) const CHUNK: usize = 128 << 10;

/// Chunks that wait to be taken.
const CHUNKS: usize = 4;

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
    table: impl Into<Typed>,
    appended: BTreeSet<String>,
    rejects: mpsc::UnboundedSender<Reject>,
    cancel: &CancellationToken,
) -> TableStream {
    let Typed { table, types } = table.into();
    let (sender, chunks) = mpsc::channel(CHUNKS);
    let cancel = cancel.child_token();
    let stop = cancel.clone().drop_guard();
    if relay::is_relayed(&table, access.from()) {
        let reader = relay::spawn(access, table, sender, cancel);
        return TableStream { chunks, reader, outcome: Outcome::Pending, _stop: stop };
    }
    let runtime = Handle::current();
    let reader = tokio::task::spawn_blocking(move || {
        let layout = Layout::new(&table, access.timezone(), &types);
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
pub(super) struct Chunks {
    sender: mpsc::Sender<Bytes>,
    runtime: Handle,
    cancel: CancellationToken,
}

impl Chunks {
    /// Takes the buffer away and leaves an empty one.
    pub(super) fn send(&self, buffer: &mut Vec<u8>) -> Result<(), ReadError> {
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
