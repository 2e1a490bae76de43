//! A file behind SSH, from its first byte to its last, over as many connections as that takes. A place comes in; what goes out is the
//! file piece by piece, each byte once. The host proves first that it is the one whose key the manifest names. After a cut the rest is
//! read from where it stopped, if size and time of change are what they were; a file that has changed is an error that says so, and
//! whoever reads starts over.

mod connection;
mod key;
mod place;

use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use jiff::Timestamp;
use russh_sftp::client::fs::{File, Metadata};
use tokio::io::{AsyncReadExt, AsyncSeekExt};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use super::error::SourceError;
use super::hosts::Turn;
use super::http::Http;
use super::pull::Pull;
use connection::Connection;

pub(super) use place::Place;

/// A connection that brought so many bytes was worth it.
const PROGRESS: u64 = 64 << 10;

/// Bytes that are handed on at once.
const PIECE: usize = 128 << 10;

/// What tells one version of a file from another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Version {
    /// Bytes of the file.
    pub(super) length: Option<u64>,
    /// Seconds since 1970.
    modified: Option<u32>,
}

impl Version {
    fn of(metadata: &Metadata) -> Self {
        Self { length: metadata.size, modified: metadata.mtime }
    }

    /// Its time of change, as it is kept.
    pub(super) fn last_modified(self) -> Option<String> {
        Timestamp::from_second(self.modified?.into()).ok().map(|at| at.to_string())
    }
}

/// What the file is by now, without reading it.
pub(super) async fn version(http: &Http, place: &Place, cancel: &CancellationToken) -> Result<Version, SourceError> {
    let _turn = http.turn(&place.url, cancel).await?;
    Ok(patiently(http, place, cancel).await?.version)
}

/// A file that is open.
struct Opened {
    version: Version,
    file: File,
    /// Holds the file's connection.
    _connection: Connection,
}

impl Opened {
    async fn new(http: &Http, place: &Place) -> Result<Self, SourceError> {
        let connection = Connection::open(&http.patience, place).await?;
        let answered = timeout(http.patience.answer, async {
            let file = connection.sftp.open(&place.path).await?;
            let metadata = file.metadata().await?;
            Ok::<_, russh_sftp::client::error::Error>((file, metadata))
        });
        let (file, metadata) = match answered.await {
            Ok(answer) => answer.map_err(|error| connection::fault(place, &error))?,
            Err(_) => return Err(place.silent(http.patience.answer, 0)),
        };
        if metadata.is_dir() {
            return Err(SourceError::Withheld { address: place.shown.clone(), detail: "it is a folder".to_owned() });
        }
        Ok(Self { version: Version::of(&metadata), file, _connection: connection })
    }
}

/// Opens a file, a few times where it may pass.
async fn patiently(http: &Http, place: &Place, cancel: &CancellationToken) -> Result<Opened, SourceError> {
    let mut tried = 0;
    loop {
        let opened = tokio::select! {
            biased;
            () = cancel.cancelled() => return Err(SourceError::Stopped),
            opened = Opened::new(http, place) => opened,
        };
        match opened {
            Ok(opened) => return Ok(opened),
            Err(error) => {
                tried += 1;
                http.pause(error, tried, None, cancel).await?;
            }
        }
    }
}

/// A file that is being read.
pub(super) struct Remote {
    http: Arc<Http>,
    place: Place,
    cancel: CancellationToken,
    opened: Opened,
    received: u64,
    /// Bytes there were when the connection was lost last.
    mark: u64,
    tried: u32,
    _turn: Turn,
}

impl Remote {
    /// Opens the file.
    pub(super) async fn open(http: &Arc<Http>, place: Place, cancel: &CancellationToken) -> Result<Self, SourceError> {
        let turn = http.turn(&place.url, cancel).await?;
        let opened = patiently(http, &place, cancel).await?;
        let (http, cancel) = (Arc::clone(http), cancel.clone());
        Ok(Self { http, place, cancel, opened, received: 0, mark: 0, tried: 0, _turn: turn })
    }

    /// What it said of itself.
    pub(super) fn version(&self) -> Version {
        self.opened.version
    }

    fn address(&self) -> String {
        self.place.shown.clone()
    }

    fn changed(&self) -> SourceError {
        SourceError::Changed { address: self.address(), received: self.received }
    }

    /// Whether the file still is what it was, now that all of it has come.
    async fn end(&mut self) -> Result<(), SourceError> {
        loop {
            let lost = match timeout(self.http.patience.stall, self.opened.file.metadata()).await {
                Ok(Ok(metadata)) if Version::of(&metadata) != self.opened.version => return Err(self.changed()),
                Ok(Ok(_)) => {
                    let expected = self.opened.version.length;
                    if expected.is_none_or(|length| length == self.received) {
                        return Ok(());
                    }
                    return Err(SourceError::Length { address: self.address(), received: self.received, expected });
                }
                Ok(Err(error)) => connection::fault(&self.place, &error),
                Err(_) => self.place.silent(self.http.patience.stall, self.received),
            };
            self.go_on(lost).await?;
        }
    }

    /// Opens another connection where the last one was lost.
    async fn go_on(&mut self, mut lost: SourceError) -> Result<(), SourceError> {
        loop {
            self.tried = if self.received - self.mark >= PROGRESS { 0 } else { self.tried + 1 };
            self.mark = self.received;
            if self.tried > 0 {
                self.http.pause(lost, self.tried, None, &self.cancel).await?;
            }
            match Opened::new(&self.http, &self.place).await {
                Ok(again) if again.version != self.opened.version => return Err(self.changed()),
                // Without a time of change nobody knows whether it is the same file.
                Ok(again) if again.version.modified.is_none() && self.received > 0 => return Err(self.changed()),
                Ok(mut again) => match again.file.seek(std::io::SeekFrom::Start(self.received)).await {
                    Ok(_) => {
                        self.opened = again;
                        return Ok(());
                    }
                    Err(_) => lost = self.cut_off(),
                },
                Err(error) => lost = error,
            }
        }
    }

    fn cut_off(&self) -> SourceError {
        let (address, received) = (self.address(), self.received);
        SourceError::CutOff { address, received, expected: self.opened.version.length }
    }
}

impl Pull for Remote {
    async fn next(&mut self) -> Result<Option<Bytes>, SourceError> {
        loop {
            let missing = self.opened.version.length.map_or(u64::MAX, |length| length - self.received);
            if missing == 0 {
                return self.end().await.map(|()| None);
            }
            // What is appended meanwhile is not read: it shows at the end.
            let room = usize::try_from(missing).unwrap_or(PIECE).min(PIECE);
            let mut piece = BytesMut::zeroed(room);
            let lost = match timeout(self.http.patience.stall, self.opened.file.read(&mut piece)).await {
                Ok(Ok(0)) => return self.end().await.map(|()| None),
                Ok(Ok(read)) => {
                    self.received += read as u64;
                    piece.truncate(read);
                    return Ok(Some(piece.freeze()));
                }
                Ok(Err(_)) => self.cut_off(),
                Err(_) => self.place.silent(self.http.patience.stall, self.received),
            };
            self.go_on(lost).await?;
        }
    }
}
