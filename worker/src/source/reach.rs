//! The way to a single source: it is asked for, and its bytes arrive, or they are fetched into the spool and can be sought, or it is only
//! asked whether it has changed.

use std::fs::File;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use manifest::dataset::Source;
use reqwest::header::{ETAG, HeaderMap, HeaderValue, IF_MODIFIED_SINCE, IF_NONE_MATCH, LAST_MODIFIED};
use reqwest::{Method, Response, StatusCode};
use tokio_util::sync::CancellationToken;

use super::access::ReadFrom;
use super::body::{Body, Coding, Pieces};
use super::download::Download;
use super::error::SourceError;
use super::fingerprint::{Content, Digest, SourceFingerprint};
use super::http::{Ask, Http, header};
use super::locate::{Filling, Located, Request, locate};
use crate::spool::{SharedFile, Spool};

/// How often a source that changes while it is read is begun anew.
pub const STARTS: u32 = 3;

/// A source that has answered; its bytes are to come.
pub(super) struct Arrival {
    pub(super) pieces: Pieces,
    pub(super) coding: Coding,
    /// How many bytes, where that was said.
    pub(super) length: Option<u64>,
    pub(super) address: String,
    pub(super) etag: Option<String>,
    pub(super) last_modified: Option<String>,
}

/// A source in the spool.
#[derive(Debug, Clone)]
pub(super) struct Spooled {
    pub(super) file: SharedFile,
    pub(super) coding: Coding,
    pub(super) fingerprint: SourceFingerprint,
}

/// What is needed to reach a source.
pub(super) struct Reach {
    pub(super) from: ReadFrom,
    pub(super) http: Arc<Http>,
    pub(super) spool: Spool,
    pub(super) filling: Filling,
}

impl Reach {
    /// The place of a source.
    pub(super) fn locate(&self, source: &Source) -> Result<Located, SourceError> {
        locate(source, &self.from, &self.filling)
    }

    /// Asks for a source. Its bytes are read by whoever polls for them.
    pub(super) async fn arrive(&self, located: &Located, cancel: &CancellationToken) -> Result<Arrival, SourceError> {
        match located {
            Located::Http(request) => {
                let download = Download::start(&self.http, (**request).clone(), cancel).await?;
                let version = download.version().clone();
                Ok(Arrival {
                    coding: version.coding,
                    length: version.length,
                    address: download.address().to_owned(),
                    etag: version.etag,
                    last_modified: version.last_modified,
                    pieces: download.pieces(),
                })
            }
            Located::Path(path) => {
                let file = open(path)?;
                let length = file.metadata().map_err(|error| SourceError::File { path: path.clone(), error })?.len();
                Ok(Arrival {
                    pieces: Body::of_file(SharedFile::new(file), path.clone()).pieces(),
                    coding: Coding::Identity,
                    length: Some(length),
                    address: path.display().to_string(),
                    etag: None,
                    last_modified: None,
                })
            }
        }
    }

    /// Fetches a source into the spool, anew where it changed meanwhile.
    pub(super) async fn fetch(&self, located: &Located, cancel: &CancellationToken) -> Result<Spooled, SourceError> {
        let mut started = 1;
        loop {
            let arrival = self.arrive(located, cancel).await?;
            match self.spool(arrival, cancel).await {
                Err(SourceError::Changed { .. }) if started < STARTS => started += 1,
                fetched => return fetched,
            }
        }
    }

    /// Takes an arrival to its end.
    pub(super) async fn spool(&self, arrival: Arrival, cancel: &CancellationToken) -> Result<Spooled, SourceError> {
        let Arrival { pieces, coding, length, address, etag, last_modified } = arrival;
        let full = {
            let address = address.clone();
            move |error| SourceError::Spool { address: address.clone(), error }
        };
        let mut file = self.spool.file(length).map_err(&full)?;
        let mut body = Body::of(pieces, cancel.clone());
        let (file, content) = blocking(move || {
            while let Some(bytes) = body.piece()? {
                file.write(&bytes).map_err(&full)?;
            }
            let content = body.content().cloned().ok_or(SourceError::Stopped)?;
            Ok((file.finish(), content))
        })
        .await?;
        Ok(Spooled { file, coding, fingerprint: SourceFingerprint { address, etag, last_modified, content } })
    }

    /// Whether a source still is what a fingerprint says. A publisher is asked by its validators, and one that has none counts as
    /// changed; a local file is hashed.
    pub(super) async fn unchanged(
        &self,
        located: &Located,
        previous: &SourceFingerprint,
        cancel: &CancellationToken,
    ) -> Result<bool, SourceError> {
        match located {
            Located::Path(path) => same_file(path.clone(), previous.content.clone()).await,
            Located::Http(request) => self.same_answer(request, previous, cancel).await,
        }
    }

    async fn same_answer(
        &self,
        request: &Request,
        previous: &SourceFingerprint,
        cancel: &CancellationToken,
    ) -> Result<bool, SourceError> {
        // A validator says nothing about another address, or about the answer to a form.
        if previous.address != request.shown || request.method != Method::GET {
            return Ok(false);
        }
        let mut headers = HeaderMap::new();
        for (name, value) in [(IF_NONE_MATCH, &previous.etag), (IF_MODIFIED_SINCE, &previous.last_modified)] {
            headers.extend(value.as_deref().and_then(|value| HeaderValue::from_str(value).ok()).map(|v| (name, v)));
        }
        if headers.is_empty() {
            return Ok(false);
        }
        let _turn = self.http.turn(&request.url, cancel).await?;
        let ask = Ask { headers, answers: &[StatusCode::NOT_MODIFIED] };
        let response = self.http.get(request, &ask, cancel).await?;
        Ok(response.status() == StatusCode::NOT_MODIFIED || is_same(&response, previous))
    }
}

/// Whether an answer that brings the whole body brings the one that is known.
fn is_same(response: &Response, previous: &SourceFingerprint) -> bool {
    let weak = |tag: &str| tag.trim_start_matches("W/").to_owned();
    match (header(response, &ETAG), &previous.etag) {
        (Some(now), Some(then)) => weak(&now) == weak(then),
        (None, None) => {
            let now = header(response, &LAST_MODIFIED);
            now.is_some() && now == previous.last_modified && response.content_length() == Some(previous.content.bytes)
        }
        _ => false,
    }
}

async fn same_file(path: PathBuf, then: Content) -> Result<bool, SourceError> {
    blocking(move || {
        let file = open(&path)?;
        let length = file.metadata().map_err(|error| SourceError::File { path: path.clone(), error })?.len();
        Ok(length == then.bytes && hash(&path, SharedFile::new(file))? == then)
    })
    .await
}

/// Opens a local file that can be read.
pub(super) fn open(path: &Path) -> Result<File, SourceError> {
    let fail = |error| SourceError::File { path: path.to_owned(), error };
    let file = File::open(path).map_err(fail)?;
    if file.metadata().map_err(fail)?.is_dir() { Err(fail(ErrorKind::IsADirectory.into())) } else { Ok(file) }
}

/// What a local file holds.
pub(super) fn hash(path: &Path, file: SharedFile) -> Result<Content, SourceError> {
    Digest::of(file).map_err(|error| SourceError::File { path: path.to_owned(), error })
}

/// Runs what blocks on a thread for it.
pub(super) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, SourceError> + Send + 'static,
) -> Result<T, SourceError> {
    match tokio::task::spawn_blocking(work).await {
        Ok(result) => result,
        Err(error) if error.is_panic() => std::panic::resume_unwind(error.into_panic()),
        Err(_) => Err(SourceError::Stopped),
    }
}
