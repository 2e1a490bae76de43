//! The way to a dataset's sources: decides for each whether it is read while it comes, from a local file, or from the spool, and fetches
//! an address that several tables read only once.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use aws_config::SdkConfig;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use manifest::Dataset;
use manifest::dataset::{Origin, Source, Table};
use secrecy::SecretString;
use tokio::sync::OnceCell;
use tokio_util::sync::CancellationToken;

use super::ahead::Ahead;
use super::archive::{Archive, Archived};
use super::body::{Body, Coding};
use super::error::SourceError;
use super::filling::{Filling, SecretLookup};
use super::fingerprint::{Content, SourceFingerprint};
use super::http::{Http, Patience};
use super::locate::Located;
use super::reach::{Arrival, Reach, Spooled, blocking, hash, open};
use super::s3::S3;
use super::socrata::{Since, ToldColumn};
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
    reach: Arc<Reach>,
    timezone: Option<TimeZone>,
    /// Addresses that several tables read, by the name of their file.
    shared: Mutex<BTreeMap<String, Shared>>,
    ahead: Ahead,
}

struct Shared {
    /// Tables that have yet to open it.
    left: usize,
    spooled: Arc<OnceCell<Spooled>>,
}

/// What a way to sources is made with.
pub struct Means {
    /// Takes what must be sought.
    pub spool: Spool,
    /// Finds secrets.
    pub secrets: SecretLookup,
    /// How long publishers are waited for.
    pub patience: Patience,
    /// The day of dates in addresses.
    pub today: Date,
    /// How AWS is asked; `None` to read it from where every AWS tool does, once it is needed.
    pub aws: Option<SdkConfig>,
}

impl Access {
    /// A way to the sources of a dataset. Nothing is opened yet.
    pub fn new(dataset: &Dataset, from: ReadFrom, means: Means) -> Self {
        let Means { spool, secrets, patience, today, aws } = means;
        let mut shared = BTreeMap::<String, Shared>::new();
        for source in dataset.tables.iter().flat_map(Table::sources) {
            let none = || Shared { left: 0, spooled: Arc::default() };
            shared.entry(source.file.clone()).or_insert_with(none).left += 1;
        }
        // Where a source tells the columns of its table, it is opened once more, before all others.
        for table in dataset.tables.iter().filter(|table| table.source_columns_at.is_some()) {
            let is_opened = |source: &&Source| !matches!(source.origin, Origin::Socrata { .. });
            if let Some(first) =
                table.sources().first().filter(is_opened).and_then(|source| shared.get_mut(&source.file))
            {
                first.left += 1;
            }
        }
        shared.retain(|_, shared| shared.left > 1);
        let filling = Filling { secrets, today };
        let (system, since) = (system_fields(dataset), Mutex::default());
        let (http, archive) = (Arc::new(Http::new(patience)), OnceLock::new());
        let s3 = Arc::new(S3::new(aws));
        let reach = Arc::new(Reach { from, http, spool, filling, s3, system, since, archive });
        let timezone = dataset.timezone.as_deref().and_then(|name| TimeZone::get(name).ok());
        let ahead = Ahead::new(dataset, |source| !shared.contains_key(&source.file));
        Self { reach, timezone, shared: Mutex::new(shared), ahead }
    }

    /// Where sources are read from.
    pub fn from(&self) -> &ReadFrom {
        &self.reach.from
    }

    /// Where bytes go that must be sought.
    pub fn spool(&self) -> &Spool {
        &self.reach.spool
    }

    /// The zone of local times in the sources.
    pub fn timezone(&self) -> Option<&TimeZone> {
        self.timezone.as_ref()
    }

    /// The sources of a table that are there. Only a folder may lack some: none at all says that the table is to be skipped.
    pub fn sources<'t>(&self, table: &'t Table) -> Result<Vec<&'t Source>, SourceError> {
        let ReadFrom::Folder { folder, missing } = self.from() else {
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
        let located = self.reach.locate(source)?;
        if let Located::Path(path) = &located
            && self.reach.archive.get().is_none()
        {
            return open_file(path.clone(), usage).await;
        }
        self.ahead.start_behind(source, &self.reach, cancel);
        if let Some(Spooled { file, coding, fingerprint }) = self.spooled(source, &located, usage, cancel).await? {
            let SourceFingerprint { address, etag, last_modified, content } = fingerprint;
            return Ok(Opened { input: Input::File(file, content), coding, address, etag, last_modified });
        }
        let Arrival { pieces, coding, address, etag, last_modified, .. } =
            self.reach.arrive(&source.file, &located, cancel).await?;
        let body = Body::of(pieces, cancel.clone());
        Ok(Opened { input: Input::Body(body), coding, address, etag, last_modified })
    }

    /// The columns that a publisher tells without giving out rows; `None` where a source must be opened for them.
    pub async fn columns(
        &self,
        source: &Source,
        cancel: &CancellationToken,
    ) -> Result<Option<Vec<ToldColumn>>, SourceError> {
        let Located::Socrata(place) = self.reach.locate(source)? else { return Ok(None) };
        let _turn = self.reach.http.turn(&place.base, cancel).await?;
        place.columns(&self.reach.http, cancel).await.map(Some)
    }

    /// Whether a source still is what a fingerprint says. A publisher is asked by its validators, and one that has none counts as
    /// changed; a local file is hashed.
    pub async fn unchanged(
        &self,
        source: &Source,
        previous: &SourceFingerprint,
        cancel: &CancellationToken,
    ) -> Result<bool, SourceError> {
        if self.reach.is_database(source) {
            // Nobody but its rows knows.
            return Ok(false);
        }
        self.reach.unchanged(&self.reach.locate(source)?, previous, cancel).await
    }

    /// The address of another database, with its secrets.
    pub fn filled(&self, address: &str) -> Result<SecretString, SourceError> {
        self.reach.filling.text(address, address)
    }

    /// Reads a source only from one moment on, where its kind can.
    pub fn read_since(&self, source: &Source, since: Since) {
        self.reach.since.lock().unwrap_or_else(PoisonError::into_inner).insert(source.file.clone(), since);
    }

    /// Whether any source is read only from one moment on.
    pub fn is_partial(&self) -> bool {
        !self.reach.since.lock().unwrap_or_else(PoisonError::into_inner).is_empty()
    }

    /// The dataset with the sources that its publishers have by now and its manifest does not list yet: those whose titles it says to
    /// look for, of this year and the one before.
    pub async fn discover(&self, dataset: &Dataset, cancel: &CancellationToken) -> Result<Dataset, SourceError> {
        self.reach.discover(dataset, cancel).await
    }

    /// Keeps the bytes of every source that is opened from now on, in this folder of an archive, as far as they come from their publishers.
    pub fn keep_bytes(&self, archive: &manifest::dataset::Archive, folder: &str) {
        if self.reach.from == ReadFrom::Publisher {
            self.reach.archive.get_or_init(|| Arc::new(Archive::new(Arc::clone(&self.reach.s3), archive, folder)));
        }
    }

    /// Makes the bytes that were kept stand in the archive; `None` where none are.
    pub async fn complete_archive(&self) -> Option<Archived> {
        Some(Box::pin(self.reach.archive.get()?.complete()).await)
    }

    /// Takes back what was kept and is not to stand in the archive.
    pub async fn discard_archive(&self) {
        if let Some(archive) = self.reach.archive.get() {
            archive.discard().await;
        }
    }

    /// Makes ready for a table to be read once more from its first source on, because one changed while it was read.
    pub fn start_over(&self, table: &Table) {
        let mut shared = self.lock();
        for source in table.sources() {
            if let Some(shared) = shared.get_mut(&source.file) {
                shared.left += 1;
            }
        }
    }

    /// The source's spooled file, where it must be sought, was fetched ahead or is read by several tables; `None` where it is to be
    /// read as it comes.
    async fn spooled(
        &self,
        source: &Source,
        located: &Located,
        usage: Use,
        cancel: &CancellationToken,
    ) -> Result<Option<Spooled>, SourceError> {
        let shared = self.lock().get(&source.file).map(|shared| Arc::clone(&shared.spooled));
        let Some(cell) = shared else {
            return match self.ahead.take(source).await {
                Some(spooled) => Ok(Some(spooled)),
                None if usage == Use::Seek => self.reach.fetch(&source.file, located, cancel).await.map(Some),
                None => Ok(None),
            };
        };
        let spooled = cell.get_or_try_init(|| self.reach.fetch(&source.file, located, cancel)).await?.clone();
        let mut shared = self.lock();
        if let Some(entry) = shared.get_mut(&source.file) {
            entry.left = entry.left.saturating_sub(1);
            if entry.left == 0 {
                // The last reader's handle keeps the file until it is read.
                entry.spooled = Arc::default();
            }
        }
        Ok(Some(spooled))
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, BTreeMap<String, Shared>> {
        self.shared.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The fields of a portal's system that tables name in `rename`, by file.
fn system_fields(dataset: &Dataset) -> BTreeMap<String, Vec<String>> {
    let mut fields = BTreeMap::<String, Vec<String>>::new();
    for table in &dataset.tables {
        for name in table.rename.keys().filter(|name| name.starts_with(':') && *name != ":id") {
            for source in table.sources() {
                let fields = fields.entry(source.file.clone()).or_default();
                if !fields.contains(name) {
                    fields.push(name.clone());
                }
            }
        }
    }
    fields
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
