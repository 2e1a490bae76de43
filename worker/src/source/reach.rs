//! The way to a single source: it is asked for, and its bytes arrive, or they are fetched into the spool and can be sought, or it is only
//! asked whether it has changed.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use manifest::dataset::{Origin, Source};
use reqwest::header::{ETAG, HeaderMap, HeaderValue, IF_MODIFIED_SINCE, IF_NONE_MATCH, LAST_MODIFIED};
use reqwest::{Method, Response, StatusCode};
use tokio_util::sync::CancellationToken;

use super::access::ReadFrom;
use super::arcgis;
use super::archive::Archive;
use super::body::{Body, Coding, Pieces, hashed};
use super::download::{Download, Version};
use super::error::SourceError;
use super::filling::Filling;
use super::fingerprint::{Content, Digest, SourceFingerprint};
use super::http::{Ask, Http, header};
use super::locate::{Located, Request, locate};
use super::pull::pulled;
use super::s3::S3;
use super::sftp;
use super::socrata::{self, Since};
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

impl Arrival {
    /// Of a length that nobody knows.
    fn of(pieces: Pieces, address: String, last_modified: Option<String>) -> Self {
        Self { pieces, coding: Coding::Identity, length: None, address, etag: None, last_modified }
    }
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
    pub(super) s3: Arc<S3>,
    /// By file: fields of the system that its tables take.
    pub(super) system: BTreeMap<String, Vec<String>>,
    /// By file: from where on it is read.
    pub(super) since: Mutex<BTreeMap<String, Since>>,
    /// Keeps the bytes that come.
    pub(super) archive: OnceLock<Arc<Archive>>,
}

impl Reach {
    /// The place of a source.
    pub(super) fn locate(&self, source: &Source) -> Result<Located, SourceError> {
        let mut located = locate(source, &self.from, &self.filling)?;
        if let Located::Socrata(place) = &mut located {
            place.system = self.system.get(&source.file).cloned().unwrap_or_default();
            place.since = self.since.lock().unwrap_or_else(PoisonError::into_inner).get(&source.file).cloned();
        }
        Ok(located)
    }

    /// Whether a source is rows of another database, which are no bytes of a file.
    pub(super) fn is_database(&self, source: &Source) -> bool {
        self.from == ReadFrom::Publisher && matches!(source.origin, Origin::Database { .. })
    }

    /// Asks for a source, which is known by the name of its file. Its bytes are read, and kept where that was asked for, by whoever
    /// polls for them.
    pub(super) async fn arrive(
        &self,
        file: &str,
        located: &Located,
        cancel: &CancellationToken,
    ) -> Result<Arrival, SourceError> {
        let arrival = self.ask(located, cancel).await?;
        let Some(archive) = self.archive.get() else { return Ok(arrival) };
        Ok(Arrival { pieces: Arc::clone(archive).keeping(file, arrival.pieces), ..arrival })
    }

    async fn ask(&self, located: &Located, cancel: &CancellationToken) -> Result<Arrival, SourceError> {
        match located {
            Located::Http(request) => self.download((**request).clone(), cancel).await,
            Located::Item(item) => self.download(item.resolve(&self.http, cancel).await?, cancel).await,
            Located::Arcgis(place) => {
                let turn = self.http.turn(&place.layer, cancel).await?;
                // What is edited from here on is a later version.
                let layer = place.layer(&self.http, cancel).await?;
                let (address, last_modified) = (place.shown.clone(), layer.edited.clone());
                let pages = arcgis::pages(&self.http, turn, (**place).clone(), layer, cancel).await?;
                Ok(Arrival::of(hashed(pages), address, last_modified))
            }
            Located::S3(place) => {
                let object = self.s3.open(&self.http, place, None, cancel).await?;
                let (length, etag, last_modified) = (object.length, object.etag.clone(), object.last_modified.clone());
                let pieces = hashed(pulled(object));
                Ok(Arrival { length, etag, ..Arrival::of(pieces, place.shown.clone(), last_modified) })
            }
            Located::Sftp(place) => {
                let remote = sftp::Remote::open(&self.http, (**place).clone(), cancel).await?;
                let (address, version) = (place.shown.clone(), remote.version());
                let arrival = Arrival::of(hashed(pulled(remote)), address, version.last_modified());
                Ok(Arrival { length: version.length, ..arrival })
            }
            Located::Socrata(place) => {
                // What is written from here on is a later version.
                let turn = self.http.turn(&place.base, cancel).await?;
                let last_modified = place.updated(&self.http, cancel).await?;
                let (address, place) = (place.shown.clone(), (**place).clone());
                let pages = socrata::pages(&self.http, turn, place, cancel).await?;
                Ok(Arrival::of(hashed(pages), address, last_modified))
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

    async fn download(&self, request: Request, cancel: &CancellationToken) -> Result<Arrival, SourceError> {
        let download = Download::start(&self.http, request, cancel).await?;
        let (address, version) = (download.address().to_owned(), download.version().clone());
        let Version { etag, last_modified, coding, length, .. } = version;
        Ok(Arrival { pieces: download.pieces(), coding, length, address, etag, last_modified })
    }

    /// Fetches a source into the spool, anew where it changed meanwhile.
    pub(super) async fn fetch(
        &self,
        file: &str,
        located: &Located,
        cancel: &CancellationToken,
    ) -> Result<Spooled, SourceError> {
        let mut started = 1;
        loop {
            let arrival = self.arrive(file, located, cancel).await?;
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
            Located::Item(item) => {
                let request = item.resolve(&self.http, cancel).await?;
                self.same_answer(&request, previous, cancel).await
            }
            Located::Arcgis(place) => {
                if previous.address != place.shown || previous.last_modified.is_none() {
                    return Ok(false);
                }
                let _turn = self.http.turn(&place.layer, cancel).await?;
                Ok(place.layer(&self.http, cancel).await?.edited == previous.last_modified)
            }
            Located::S3(place) => {
                if previous.address != place.shown || previous.etag.is_none() {
                    return Ok(false);
                }
                match self.s3.open(&self.http, place, previous.etag.as_deref(), cancel).await {
                    Err(SourceError::Status { status: 304, .. }) => Ok(true),
                    answer => Ok(answer?.etag == previous.etag),
                }
            }
            Located::Sftp(place) => {
                if previous.address != place.shown || previous.last_modified.is_none() {
                    return Ok(false);
                }
                let now = sftp::version(&self.http, place, cancel).await?;
                Ok(now.last_modified() == previous.last_modified && now.length == Some(previous.content.bytes))
            }
            Located::Socrata(place) => {
                if previous.address != place.shown || previous.last_modified.is_none() {
                    return Ok(false);
                }
                let _turn = self.http.turn(&place.base, cancel).await?;
                Ok(place.updated(&self.http, cancel).await? == previous.last_modified)
            }
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
    // Some give every version one tag.
    let length = response.content_length().is_none_or(|length| length == previous.content.bytes);
    match (header(response, &ETAG), &previous.etag) {
        (Some(now), Some(then)) => weak(&now) == weak(then) && length,
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
