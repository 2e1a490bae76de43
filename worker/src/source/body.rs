//! A source while it is read from its first byte to its last. A response or a local file comes in; what goes out is its bytes piece
//! by piece, over a short channel so that memory does not grow with the file, to a thread that may block. Bytes are hashed on this
//! side of the channel, beside the parser: SHA-256 takes as long as parsing does.

use std::io::{ErrorKind, Read};
use std::path::PathBuf;

use bytes::Bytes;
use futures_util::stream::{self, BoxStream};
use futures_util::{Stream, StreamExt};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::error::SourceError;
use super::fingerprint::{Content, Digest};
use crate::spool::SharedFile;

/// Pieces that wait to be read. hyper's pieces grow to 400 KiB at most.
const PIECES: usize = 4;

/// Bytes that are read of a file at once.
const PIECE: usize = 128 << 10;

/// How the publisher packed the body for the way; undone before anything else.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Coding {
    /// Not at all, which is what is asked for.
    Identity,
    /// gzip, which some send regardless.
    Gzip,
}

/// Bytes on their way.
#[derive(Debug)]
pub struct Body {
    pieces: mpsc::Receiver<Result<Piece, SourceError>>,
    content: Option<Content>,
}

/// Some of a source's bytes, or its end.
#[derive(Debug)]
pub(super) enum Piece {
    Bytes(Bytes),
    /// All bytes have come, and this is what they were.
    End(Content),
}

/// A source's bytes in their order, up to a [`Piece::End`] or an error.
pub(super) type Pieces = BoxStream<'static, Result<Piece, SourceError>>;

impl Body {
    /// The next bytes; `None` at the end of a complete body. Blocks, so not to be called by a runtime's own threads.
    pub fn piece(&mut self) -> Result<Option<Bytes>, SourceError> {
        if self.content.is_some() {
            return Ok(None);
        }
        match self.pieces.blocking_recv() {
            Some(Ok(Piece::Bytes(bytes))) => Ok(Some(bytes)),
            Some(Ok(Piece::End(content))) => {
                self.content = Some(content);
                Ok(None)
            }
            Some(Err(error)) => Err(error),
            None => Err(SourceError::Stopped),
        }
    }

    /// What came, once it has come completely.
    pub fn content(&self) -> Option<&Content> {
        self.content.as_ref()
    }

    /// Begins to read a file, on a blocking thread of its own. Ends early when the body is dropped.
    pub(super) fn of_file(mut file: SharedFile, path: PathBuf) -> Self {
        let (sender, pieces) = mpsc::channel(PIECES);
        tokio::task::spawn_blocking(move || {
            let mut digest = Digest::default();
            loop {
                let mut piece = vec![0; PIECE];
                let sent = match file.read(&mut piece) {
                    Ok(0) => {
                        let _ = sender.blocking_send(Ok(Piece::End(digest.finish())));
                        return;
                    }
                    Ok(read) => {
                        piece.truncate(read);
                        digest.update(&piece);
                        sender.blocking_send(Ok(Piece::Bytes(piece.into())))
                    }
                    Err(error) if error.kind() == ErrorKind::Interrupted => Ok(()),
                    Err(error) => {
                        let _ = sender.blocking_send(Err(SourceError::File { path, error }));
                        return;
                    }
                };
                if sent.is_err() {
                    return;
                }
            }
        });
        Self { pieces, content: None }
    }

    /// Its pieces, for a runtime's own threads.
    pub(super) fn pieces(self) -> Pieces {
        stream::unfold(self.pieces, async |mut pieces| Some((pieces.recv().await?, pieces))).boxed()
    }

    /// Begins to take pieces, in a task of their own. Ends early when the token is cancelled or the body is dropped.
    pub(super) fn of(mut coming: Pieces, cancel: CancellationToken) -> Self {
        let (sender, pieces) = mpsc::channel(PIECES);
        tokio::spawn(async move {
            loop {
                let next = tokio::select! {
                    biased;
                    () = cancel.cancelled() => Some(Err(SourceError::Stopped)),
                    () = sender.closed() => return,
                    next = coming.next() => next,
                };
                let Some(piece) = next else { return };
                let is_last = !matches!(piece, Ok(Piece::Bytes(_)));
                if sender.send(piece).await.is_err() || is_last {
                    return;
                }
            }
        });
        Self { pieces, content: None }
    }
}

/// Hashes bytes that come without a hash, and tells at their end what all of them were.
pub(super) fn hashed(bytes: impl Stream<Item = Result<Bytes, SourceError>> + Send + 'static) -> Pieces {
    let start = (bytes.boxed(), Some(Digest::default()));
    stream::unfold(start, async |(mut bytes, digest)| {
        let mut digest = digest?;
        Some(match bytes.next().await {
            Some(Ok(piece)) => {
                digest.update(&piece);
                (Ok(Piece::Bytes(piece)), (bytes, Some(digest)))
            }
            Some(Err(error)) => (Err(error), (bytes, None)),
            None => (Ok(Piece::End(digest.finish())), (bytes, None)),
        })
    })
    .boxed()
}
