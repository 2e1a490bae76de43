//! Rows on their way into a table: a bounded channel of bytes comes in, one binary `COPY` goes out. The channel's end
//! alone does not say whether the rows are complete (a stream cut after a NULL ends in the bytes of a trailer), so whoever
//! reads them says so; otherwise the `COPY` is failed and the server forgets it.

use std::future::Future;
use std::pin::pin;

use bytes::Bytes;
use futures_util::SinkExt as _;
use tokio::sync::mpsc;
use tokio_postgres::CopyInSink;

use super::connection::Connection;
use super::error::Error;

/// Why rows did not arrive.
#[derive(Debug)]
pub enum Failed<E> {
    /// Whoever reads them gave up.
    Reading(E),
    /// The database did.
    Database(Error),
}

/// Sends chunks that together are one complete binary `COPY` stream, header to trailer. `reading` is the work that fills
/// the channel: it is driven here if nobody else does, and the rows count only when it ends well. Returns the rows that
/// the server stored, and what `reading` returned.
///
/// On any failure the `COPY` has ended with `CopyFail`, and the transaction around it can only be rolled back.
pub async fn copy_in<R, E>(
    connection: &Connection,
    what: &str,
    statement: &str,
    mut rows: mpsc::Receiver<Bytes>,
    reading: impl Future<Output = Result<R, E>>,
) -> Result<(u64, R), Failed<E>> {
    let sink: CopyInSink<Bytes> = match connection.client().copy_in(statement).await {
        Ok(sink) => sink,
        Err(error) => return Err(Failed::Database(connection.explain(what, error).await)),
    };
    let mut sink = pin!(sink);
    let mut reading = pin!(reading);
    let mut outcome = None;
    loop {
        let chunk = tokio::select! {
            // Rows first: an outcome that is there already must not overtake those still in the channel.
            biased;
            chunk = rows.recv() => chunk,
            ended = &mut reading, if outcome.is_none() => match ended {
                Ok(told) => { outcome = Some(told); continue }
                // The sink is dropped, and that sends CopyFail.
                Err(error) => return Err(Failed::Reading(error)),
            },
        };
        let Some(chunk) = chunk else { break };
        if let Err(error) = sink.send(chunk).await {
            return Err(Failed::Database(connection.explain(what, error).await));
        }
    }
    let told = match outcome {
        Some(told) => told,
        None => reading.await.map_err(Failed::Reading)?,
    };
    match sink.finish().await {
        Ok(stored) => Ok((stored, told)),
        Err(error) => Err(Failed::Database(connection.explain(what, error).await)),
    }
}
