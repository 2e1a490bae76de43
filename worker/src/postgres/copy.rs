//! Rows on their way into a table or out of a query: chunks of bytes on one side, one binary `COPY` on the other. A stream
//! that breaks off is never taken for one that is complete: whoever makes it says so with an error in place of a chunk, and
//! the `COPY` is failed.

use std::pin::pin;

use bytes::{Bytes, BytesMut};
use futures_util::{SinkExt as _, Stream, StreamExt as _, stream};
use tokio_postgres::{Column, CopyInSink};

use super::connection::Connection;
use super::error::Error;

/// The last bytes of a complete stream: the field count -1.
const TRAILER: [u8; 2] = (-1_i16).to_be_bytes();

/// Rows that come out are gathered up to this, in bytes: the server sends each by itself.
const CHUNK: usize = 64 * 1024;

/// Why rows did not arrive.
#[derive(Debug)]
pub enum Failed<E> {
    /// Whoever makes them gave up.
    Reading(E),
    /// The database did.
    Database(Error),
}

/// Sends chunks that together are one complete binary `COPY` stream, header to trailer, and returns the rows that the
/// server stored. No more than two chunks wait for the server.
///
/// On any failure, also when the future is dropped, the `COPY` ends with `CopyFail`, and the transaction around it can only
/// be rolled back. PostgreSQL's own refusal of a row is only heard after the last chunk.
pub async fn copy_in<E>(
    connection: &Connection,
    what: &str,
    statement: &str,
    rows: impl Stream<Item = Result<Bytes, E>>,
) -> Result<u64, Failed<E>> {
    let sink: CopyInSink<Bytes> = match connection.client().copy_in(statement).await {
        Ok(sink) => sink,
        Err(error) => return Err(Failed::Database(connection.explain(what, error).await)),
    };
    let (mut sink, mut rows) = (pin!(sink), pin!(rows));
    let mut last = [0; 2];
    loop {
        let chunk = tokio::select! {
            biased;
            chunk = rows.next() => chunk,
            // A source that is slow, or has stalled, does not hide that there is nobody left to send its rows to.
            reason = connection.ended() => {
                return Err(Failed::Database(Error::Lost { what: what.to_owned(), reason }));
            }
        };
        let Some(chunk) = chunk else { break };
        let chunk = chunk.map_err(Failed::Reading)?;
        for byte in &chunk[chunk.len().saturating_sub(2)..] {
            last = [last[1], *byte];
        }
        if let Err(error) = sink.send(chunk).await {
            return Err(Failed::Database(connection.explain(what, error).await));
        }
    }
    // PostgreSQL itself takes a stream without a trailer for complete.
    if last != TRAILER {
        let reason = "the rows end without the mark of their end".to_owned();
        return Err(Failed::Database(Error::Answer { what: what.to_owned(), reason }));
    }
    match sink.finish().await {
        Ok(stored) => Ok(stored),
        Err(error) => Err(Failed::Database(connection.explain(what, error).await)),
    }
}

/// The columns of a `SELECT`, each with its type as PostgreSQL spells it.
///
/// # Errors
/// The database's own.
pub async fn described(connection: &Connection, what: &str, select: &str) -> Result<Vec<(String, String)>, Error> {
    let statement = match connection.client().prepare(select).await {
        Ok(statement) => statement,
        Err(error) => return Err(connection.explain(what, error).await),
    };
    let types: Vec<u32> = statement.columns().iter().map(|column| column.type_().oid()).collect();
    let limits: Vec<i32> = statement.columns().iter().map(Column::type_modifier).collect();
    let sql = "SELECT pg_catalog.format_type(type, CASE WHEN modifier < 0 THEN NULL ELSE modifier END)
               FROM unnest($1::oid[], $2::int4[]) WITH ORDINALITY AS u (type, modifier, place) ORDER BY place";
    let spelled = connection.rows(what, sql, &[&types, &limits]).await?;
    let names = statement.columns().iter().map(|column| column.name().to_owned());
    Ok(names.zip(spelled.iter().map(|row| row.get(0))).collect())
}

/// Sends a `COPY … TO STDOUT (FORMAT binary)` and gives its rows as chunks that together are one complete stream. The session
/// is busy until the last of them has been taken.
///
/// # Errors
/// The database's own, also in place of a chunk; there is nothing more after it.
pub async fn copy_out<'a>(
    connection: &'a Connection,
    what: &'a str,
    statement: &str,
) -> Result<impl Stream<Item = Result<Bytes, Error>> + use<'a>, Error> {
    let rows = match connection.client().copy_out(statement).await {
        // Asked again after its end, the driver takes the next message for a part of it.
        Ok(rows) => Box::pin(rows.fuse()),
        Err(error) => return Err(connection.explain(what, error).await),
    };
    Ok(stream::try_unfold(rows, move |mut rows| async move {
        let mut chunk = BytesMut::with_capacity(CHUNK);
        while chunk.len() < CHUNK {
            match rows.next().await {
                Some(Ok(row)) => chunk.extend_from_slice(&row),
                Some(Err(error)) => return Err(connection.explain(what, error).await),
                None => break,
            }
        }
        Ok((!chunk.is_empty()).then(|| (chunk.freeze(), rows)))
    }))
}
