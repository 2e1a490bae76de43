//! The way to a dataset's sources: decides for each whether it is read while it comes, from a local file, or from the spool, and fetches
//! an address that several tables read only once.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use jiff::tz::TimeZone;
use manifest::Dataset;
use manifest::dataset::{Source, Table};
use reqwest::header::{ETAG, HeaderMap, HeaderValue, IF_MODIFIED_SINCE, IF_NONE_MATCH, LAST_MODIFIED};
use reqwest::{Method, Response, StatusCode};
use tokio::sync::OnceCell;
use tokio_util::sync::CancellationToken;

use super::body::{Body, Coding};
use super::error::SourceError;
use super::fingerprint::{Content, Digest, SourceFingerprint};
use super::http::{Http, Patience, coding, header};
use super::locate::{Located, Request, SecretLookup, locate};
use crate::spool::{SharedFile, Spool};

/// Where sources are read from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ReadFrom {
    /// Their own addresses.
    Publisher,
    /// `<base>/<file>`, over http, https or from a `file:` folder.
    Mirror(String),
    /// `<folder>/<file>`, without a network.
    Folder {
        /// The folder.
        folder: PathBuf,
        /// What to do about a file that is not there.
        missing: Missing,
    },
}

/// What to do about a file that the folder does not have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Missing {
    /// Refuse.
    Refuse,
    /// Leave it out, and a table of which no file is there.
    Skip,
}

/// How the bytes are going to be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Use {
    /// From the first byte to the last.
    Stream,
    /// In any order.
    Seek,
}

/// A source that is open.
#[derive(Debug)]
pub struct Opened {
    /// Its bytes.
    pub input: Input,
    /// How they are packed for the way.
    pub coding: Coding,
    address: String,
    etag: Option<String>,
    last_modified: Option<String>,
}

/// Bytes of a source.
#[derive(Debug)]
pub enum Input {
    /// From the first to the last. Whoever reads them learns their hash at the end.
    Body(Body),
    /// A file, and what it holds.
    File(SharedFile, Content),
}

impl Opened {
    /// The bytes, and what makes a fingerprint of them once their content is known.
    pub fn into_parts(self) -> (Input, impl FnOnce(Content) -> SourceFingerprint) {
        let Self { input, address, etag, last_modified, .. } = self;
        (input, move |content| SourceFingerprint { address, etag, last_modified, content })
    }
}

/// The way to a dataset's sources, for one attempt of a run.
pub struct Access {
    from: ReadFrom,
    timezone: Option<TimeZone>,
    http: Http,
    spool: Spool,
    secrets: SecretLookup,
    /// Addresses that several tables read, by the name of their file.
    shared: Mutex<BTreeMap<String, Shared>>,
}

struct Shared {
    /// Tables that have yet to open it.
    left: usize,
    spooled: Arc<OnceCell<Spooled>>,
}

#[derive(Debug, Clone)]
struct Spooled {
    file: SharedFile,
    coding: Coding,
    fingerprint: SourceFingerprint,
}

impl Access {
    /// A way that spools into this folder and asks this function for secrets. Nothing is opened yet.
    pub fn new(dataset: &Dataset, from: ReadFrom, spool: Spool, secrets: SecretLookup, patience: Patience) -> Self {
        let mut shared = BTreeMap::<String, Shared>::new();
        for source in dataset.tables.iter().flat_map(Table::sources) {
            let none = || Shared { left: 0, spooled: Arc::default() };
            shared.entry(source.file.clone()).or_insert_with(none).left += 1;
        }
        shared.retain(|_, shared| shared.left > 1);
        let timezone = dataset.timezone.as_deref().and_then(|name| TimeZone::get(name).ok());
        Self { from, timezone, http: Http::new(patience), spool, secrets, shared: Mutex::new(shared) }
    }

    /// Where sources are read from.
    pub fn from(&self) -> &ReadFrom {
        &self.from
    }

    /// The zone of local times in the sources.
    pub fn timezone(&self) -> Option<&TimeZone> {
        self.timezone.as_ref()
    }

    /// The sources of a table that are there. Only a folder may lack some: none at all says that the table is to be skipped.
    pub fn sources<'t>(&self, table: &'t Table) -> Result<Vec<&'t Source>, SourceError> {
        let ReadFrom::Folder { folder, missing } = &self.from else {
            return Ok(table.sources().iter().collect());
        };
        let (there, absent): (Vec<_>, Vec<_>) =
            table.sources().iter().partition(|source| folder.join(&source.file).is_file());
        if absent.is_empty() || *missing == Missing::Skip {
            return Ok(there);
        }
        let files = absent.into_iter().map(|source| source.file.clone()).collect();
        Err(SourceError::Absent { folder: folder.clone(), files })
    }

    /// Opens a source. Within a runtime; the body is read by a task of its own until the token is cancelled.
    pub async fn open(&self, source: &Source, usage: Use, cancel: &CancellationToken) -> Result<Opened, SourceError> {
        let request = match locate(source, &self.from, &self.secrets)? {
            Located::Path(path) => return open_file(path, usage).await,
            Located::Http(request) => request,
        };
        if let Some(Spooled { file, coding, fingerprint }) = self.spooled(source, &request, usage, cancel).await? {
            let SourceFingerprint { address, etag, last_modified, content } = fingerprint;
            return Ok(Opened { input: Input::File(file, content), coding, address, etag, last_modified });
        }
        let response = self.http.get(&request, &HeaderMap::new(), cancel).await?;
        let address = request.shown;
        let coding = coding(&response, &address)?;
        let (etag, last_modified) = (header(&response, &ETAG), header(&response, &LAST_MODIFIED));
        let body = Body::start(response, address.clone(), self.http.patience, cancel.clone());
        Ok(Opened { input: Input::Body(body), coding, address, etag, last_modified })
    }

    /// Whether a source still is what a fingerprint says. A publisher is asked by its validators, and one that has none counts as
    /// changed; a local file is hashed.
    pub async fn unchanged(
        &self,
        source: &Source,
        previous: &SourceFingerprint,
        cancel: &CancellationToken,
    ) -> Result<bool, SourceError> {
        let request = match locate(source, &self.from, &self.secrets)? {
            Located::Path(path) => return same_file(path, previous.content.clone()).await,
            Located::Http(request) => request,
        };
        // A validator says nothing about another address, or about the answer to a form.
        if previous.address != request.shown || request.method != Method::GET {
            return Ok(false);
        }
        let mut conditions = HeaderMap::new();
        for (name, value) in [(IF_NONE_MATCH, &previous.etag), (IF_MODIFIED_SINCE, &previous.last_modified)] {
            conditions.extend(value.as_deref().and_then(|value| HeaderValue::from_str(value).ok()).map(|v| (name, v)));
        }
        if conditions.is_empty() {
            return Ok(false);
        }
        let response = self.http.get(&request, &conditions, cancel).await?;
        Ok(response.status() == StatusCode::NOT_MODIFIED || is_same(&response, previous))
    }

    /// The source's spooled file, where it must be sought or several tables read it; `None` where it is to be read as it comes.
    async fn spooled(
        &self,
        source: &Source,
        request: &Request,
        usage: Use,
        cancel: &CancellationToken,
    ) -> Result<Option<Spooled>, SourceError> {
        let shared = self.lock().get(&source.file).map(|shared| Arc::clone(&shared.spooled));
        let Some(cell) = shared else {
            return if usage == Use::Seek { self.fetch(request, cancel).await.map(Some) } else { Ok(None) };
        };
        let spooled = cell.get_or_try_init(|| self.fetch(request, cancel)).await?.clone();
        let mut shared = self.lock();
        if let Some(entry) = shared.get_mut(&source.file) {
            entry.left -= 1;
            if entry.left == 0 {
                // The last reader's handle keeps the file until it is read.
                shared.remove(&source.file);
            }
        }
        Ok(Some(spooled))
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, BTreeMap<String, Shared>> {
        self.shared.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Downloads into the spool, again where the body was cut off.
    async fn fetch(&self, request: &Request, cancel: &CancellationToken) -> Result<Spooled, SourceError> {
        let mut tried = 0;
        loop {
            let response = self.http.get(request, &HeaderMap::new(), cancel).await?;
            tried += 1;
            match self.spool_body(response, &request.shown, cancel).await {
                Ok(spooled) => return Ok(spooled),
                Err(error) => self.http.pause(error, tried, None, cancel).await?,
            }
        }
    }

    async fn spool_body(
        &self,
        response: Response,
        address: &str,
        cancel: &CancellationToken,
    ) -> Result<Spooled, SourceError> {
        let coding = coding(&response, address)?;
        let (etag, last_modified) = (header(&response, &ETAG), header(&response, &LAST_MODIFIED));
        let full = {
            let address = address.to_owned();
            move |error| SourceError::Spool { address: address.clone(), error }
        };
        let mut file = self.spool.file(response.content_length()).map_err(&full)?;
        let mut body = Body::start(response, address.to_owned(), self.http.patience, cancel.clone());
        let (file, content) = blocking(move || {
            while let Some(bytes) = body.piece()? {
                file.write(&bytes).map_err(&full)?;
            }
            let content = body.content().cloned().ok_or(SourceError::Stopped)?;
            Ok((file.finish(), content))
        })
        .await?;
        let fingerprint = SourceFingerprint { address: address.to_owned(), etag, last_modified, content };
        Ok(Spooled { file, coding, fingerprint })
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

async fn open_file(path: PathBuf, usage: Use) -> Result<Opened, SourceError> {
    blocking(move || {
        let address = path.display().to_string();
        let file = SharedFile::new(open(&path)?);
        let input = match usage {
            Use::Stream => Input::Body(Body::of_file(file, path)),
            Use::Seek => Input::File(file.clone(), hash(&path, file)?),
        };
        Ok(Opened { input, coding: Coding::Identity, address, etag: None, last_modified: None })
    })
    .await
}

async fn same_file(path: PathBuf, then: Content) -> Result<bool, SourceError> {
    blocking(move || {
        let file = open(&path)?;
        let length = file.metadata().map_err(|error| SourceError::File { path: path.clone(), error })?.len();
        Ok(length == then.bytes && hash(&path, SharedFile::new(file))? == then)
    })
    .await
}

fn open(path: &Path) -> Result<File, SourceError> {
    let fail = |error| SourceError::File { path: path.to_owned(), error };
    let file = File::open(path).map_err(fail)?;
    if file.metadata().map_err(fail)?.is_dir() { Err(fail(ErrorKind::IsADirectory.into())) } else { Ok(file) }
}

fn hash(path: &Path, file: SharedFile) -> Result<Content, SourceError> {
    Digest::of(file).map_err(|error| SourceError::File { path: path.to_owned(), error })
}

/// Runs what blocks on a thread for it.
async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, SourceError> + Send + 'static,
) -> Result<T, SourceError> {
    match tokio::task::spawn_blocking(work).await {
        Ok(result) => result,
        Err(error) if error.is_panic() => std::panic::resume_unwind(error.into_panic()),
        Err(_) => Err(SourceError::Stopped),
    }
}
