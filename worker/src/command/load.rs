//! `worker load`: one dataset, from its sources to its readers. Without a name it loads what its definition handed over.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use manifest::contract;
use manifest::dataset::Table;
use manifest::finding::Style;
use manifest::run::{Outcome, RUN_EVENT, RunRecord};
use manifest::schedule::Mode;
use manifest::{Dataset, Findings, SecretName};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::fault::{Exit, Fault, Retry};
use crate::ledger::RunId;
use crate::postgres::{BUNDLE_PATH, BUNDLE_VARIABLE, Target};
use crate::report::{Fact, Lines, Reporter, metrics};
use crate::run::{Done, Run, RunError, SizeExpectations, WhenUnchanged, manifest_hash, with_advice};
use crate::secrets::{self, SecretError, Secrets};
use crate::settings::{Environment, Settings, Stack};
use crate::source::{Access, Missing, Patience, ReadFrom};
use crate::spool::Spool;
use crate::trouble::Trouble;

/// Before the second try; each further one waits twice as long.
const FIRST_PAUSE: Duration = Duration::from_secs(15);

/// Load one dataset and publish it
#[derive(Debug, clap::Args)]
pub struct Load {
    /// A manifest's path, or a dataset's name in `datasets/`; what the definition handed over when absent
    dataset: Option<String>,
    /// Read every source from DIR/FILE instead of its address, with no network
    #[arg(long, value_name = "DIR")]
    from: Option<PathBuf>,
    /// Skip tables of which DIR has no file
    #[arg(long, requires = "from")]
    partial: bool,
    /// Enforce expected sizes also where rows are a sample
    #[arg(long)]
    expect: bool,
    /// Load although nothing changed; overrides no guard
    #[arg(long)]
    force: bool,
    /// Form of the lines on standard error: text at a terminal, else JSON
    #[arg(long, value_enum)]
    log: Option<Lines>,
}

/// A dataset that cannot be found or read.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// No manifest of that name or path.
    #[error("there is no dataset `{given}`{}", near(.close.as_deref()))]
    Unknown {
        /// What was asked for.
        given: String,
        /// The closest name there is.
        close: Option<String>,
        /// All names there are.
        known: Vec<String>,
    },
    /// The manifest does not hold.
    #[error("the manifest does not hold\n{}", .0.draw(Style::Plain, 100).trim_end())]
    Manifest(Findings),
    /// What the definition handed over cannot be read.
    #[error(transparent)]
    Payload(#[from] contract::PayloadError),
    /// With `--partial`, no table has a file.
    #[error("{} has a file of none of the tables of {dataset}", folder.display())]
    Nothing {
        /// The folder.
        folder: PathBuf,
        /// The dataset.
        dataset: String,
    },
}

fn near(close: Option<&str>) -> String {
    close.map(|name| format!("; did you mean `{name}`?")).unwrap_or_default()
}

impl Fault for LoadError {
    fn code(&self) -> &'static str {
        match self {
            Self::Unknown { .. } => "dataset_unknown",
            Self::Manifest(_) => "manifest",
            Self::Payload(_) => "payload",
            Self::Nothing { .. } => "sources_absent",
        }
    }

    fn exit(&self) -> Exit {
        Exit::Configuration
    }

    fn advice(&self) -> Option<String> {
        match self {
            Self::Unknown { known, .. } if known.is_empty() => {
                Some("there is no folder `datasets` here; give the manifest's path".to_owned())
            }
            Self::Unknown { known, .. } => Some(format!("known are {}", known.join(", "))),
            _ => None,
        }
    }
}

impl Load {
    /// Loads, and returns the process's exit code.
    pub async fn run(self, environment: impl Environment, stop: CancellationToken) -> i32 {
        let lines = self.log.unwrap_or_else(Lines::fitting);
        let started = Timestamp::now();
        let run = RunId::new(Uuid::new_v4());
        let mut reporter = Reporter::new(lines, run.to_string(), self.dataset.clone().unwrap_or_default());
        let mut about = About { dataset: self.dataset.clone().unwrap_or_default(), ..About::default() };
        let (last, done) = match self.prepare(&environment, &mut about).await {
            Ok(prepared) => {
                reporter = Reporter::new(lines, run.to_string(), about.dataset.clone());
                prepared.attempts(run, &reporter, &environment, &stop).await
            }
            Err(trouble) => {
                tell_failure(&reporter, &trouble);
                (run, Err(trouble))
            }
        };
        let record = about.record(last, started, &done);
        if let Some(stack) = &about.stack
            && let Err(detail) = metrics::put(stack, &record, Timestamp::now()).await
        {
            reporter.tell(&Fact::MetricsLost { detail });
        }
        reporter.record(&record);
        record.exit_code
    }

    async fn prepare(&self, environment: &impl Environment, about: &mut About) -> Result<Prepared, Trouble> {
        let settings = Settings::read(environment)?;
        about.stack.clone_from(&settings.stack);
        about.scheduled_time = settings.scheduled_time;
        let mut dataset = self.find(environment)?;
        let manifest = manifest_hash(&dataset);
        about.dataset = dataset.dataset.to_string();
        about.manifest.clone_from(&manifest);
        let from = self.read_from(&settings);
        if let ReadFrom::Folder { folder, missing: Missing::Skip } = &from {
            let has_file = |table: &Table| table.sources().iter().any(|source| folder.join(&source.file).is_file());
            dataset.tables.retain(has_file);
            if dataset.tables.is_empty() {
                let (folder, dataset) = (folder.clone(), dataset.dataset.to_string());
                return Err(LoadError::Nothing { folder, dataset }.into());
            }
        }
        let size = if from == ReadFrom::Publisher || self.expect {
            SizeExpectations::Enforced
        } else {
            SizeExpectations::Reported
        };
        let when_unchanged =
            if self.force || settings.mode == Mode::Full { WhenUnchanged::Load } else { WhenUnchanged::Leave };
        let secrets = Arc::new(fetch(&dataset, &from, &settings, environment).await?);
        Ok(Prepared { settings, dataset, manifest, from, size, when_unchanged, secrets })
    }

    fn find(&self, environment: &impl Environment) -> Result<Dataset, LoadError> {
        let Some(given) = &self.dataset else { return Ok(contract::unpack(environment)?) };
        let path = Path::new(given);
        if path.extension().is_some_and(|extension| extension == "yml" || extension == "yaml") && path.is_file() {
            return manifest::load_dataset(path).map_err(LoadError::Manifest);
        }
        let known = manifest::list_datasets(Path::new("."));
        if let Some((_, path)) = known.iter().find(|(name, _)| name == given) {
            return manifest::load_dataset(path).map_err(LoadError::Manifest);
        }
        let known: Vec<String> = known.into_iter().map(|(name, _)| name).collect();
        let close = known
            .iter()
            .map(|name| (strsim::damerau_levenshtein(name, given), name))
            .filter(|(distance, name)| *distance <= name.len() / 3)
            .min()
            .map(|(_, name)| name.clone());
        Err(LoadError::Unknown { given: given.clone(), close, known })
    }

    fn read_from(&self, settings: &Settings) -> ReadFrom {
        match (&self.from, &settings.sources) {
            (Some(folder), _) => ReadFrom::Folder {
                folder: folder.clone(),
                missing: if self.partial { Missing::Skip } else { Missing::Refuse },
            },
            (None, Some(base)) => ReadFrom::Mirror(base.clone()),
            (None, None) => ReadFrom::Publisher,
        }
    }
}

/// What is known of a run when it ends, however early that is.
#[derive(Debug, Default)]
struct About {
    dataset: String,
    manifest: String,
    stack: Option<Stack>,
    scheduled_time: Option<Timestamp>,
}

impl About {
    #[expect(clippy::cast_precision_loss, reason = "milliseconds of a run are far below 2^52")]
    fn record(&self, run: RunId, started: Timestamp, done: &Result<Done, Trouble>) -> RunRecord {
        let finished = Timestamp::now();
        let stack = self.stack.as_ref();
        let trouble = done.as_ref().err();
        let (attempt, tables, publish_ms) = match done {
            Ok(Done::Published { attempt, tables, lock_ms }) => (*attempt, tables.clone(), Some(*lock_ms)),
            Ok(Done::Unchanged { attempt }) => (*attempt, BTreeMap::new(), None),
            Ok(Done::Duplicate) | Err(_) => (1, BTreeMap::new(), None),
        };
        let outcome = match done {
            Ok(Done::Published { .. }) => Outcome::Published,
            Ok(Done::Unchanged { .. }) => Outcome::Unchanged,
            Ok(Done::Duplicate) => Outcome::Duplicate,
            Err(trouble) => trouble.outcome(),
        };
        RunRecord {
            event: RUN_EVENT.to_owned(),
            run: run.to_string(),
            dataset: self.dataset.clone(),
            stack: stack.map(|stack| stack.name.clone()).unwrap_or_default(),
            environment: stack.map(|stack| stack.environment.clone()).unwrap_or_default(),
            scheduled_time: self.scheduled_time.map(|time| time.to_string()),
            attempt,
            started: format!("{started:.3}"),
            finished: format!("{finished:.3}"),
            seconds: (finished.as_millisecond() - started.as_millisecond()) as f64 / 1e3,
            outcome,
            exit_code: trouble.map_or(0, |trouble| trouble.exit() as i32),
            rows: tables.values().map(|table| table.rows).sum(),
            bad_values: tables.values().map(|table| table.bad_values).sum(),
            rejected_rows: tables.values().map(|table| table.rejected_rows).sum(),
            tables,
            publish_ms,
            code: trouble.map(|trouble| trouble.code().to_owned()),
            message: trouble.map(with_advice),
            manifest: self.manifest.clone(),
        }
    }
}

/// Everything that does not change between tries.
struct Prepared {
    settings: Settings,
    dataset: Dataset,
    manifest: String,
    from: ReadFrom,
    size: SizeExpectations,
    when_unchanged: WhenUnchanged,
    secrets: Arc<Secrets>,
}

/// The secrets of a run: the database's address, and those of its sources where these are asked themselves.
async fn fetch(
    dataset: &Dataset,
    from: &ReadFrom,
    settings: &Settings,
    environment: &impl Environment,
) -> Result<Secrets, SecretError> {
    let mut needed = if *from == ReadFrom::Publisher { dataset.secrets() } else { BTreeSet::new() };
    needed.insert(SecretName::database_url());
    secrets::fetch(&needed, &settings.secrets, environment).await
}

impl Prepared {
    /// Tries until it is done, until nothing more can help, or until there is no try left.
    async fn attempts(
        &self,
        first: RunId,
        reporter: &Reporter,
        environment: &impl Environment,
        stop: &CancellationToken,
    ) -> (RunId, Result<Done, Trouble>) {
        let deadline = Instant::now() + self.settings.timeout;
        let mut secrets = Arc::clone(&self.secrets);
        let mut refetched = false;
        let mut id = first;
        let mut pause = FIRST_PAUSE;
        let mut left = self.settings.attempts.max(1) - 1;
        loop {
            let done = self.attempt(id, reporter, &secrets, deadline, stop).await;
            let Err(trouble) = &done else { return (id, done) };
            // A password that was rotated since the start is there to be had; one try is not lost on it.
            if trouble.code() == "database_password" && !refetched {
                refetched = true;
                if let Ok(fresh) = fetch(&self.dataset, &self.from, &self.settings, environment).await
                    && !fresh.same_as(&secrets)
                {
                    secrets = Arc::new(fresh);
                    id = RunId::new(Uuid::new_v4());
                    continue;
                }
            }
            if trouble.retry() == Retry::Never || left == 0 || Instant::now() + pause >= deadline {
                tell_failure(reporter, trouble);
                return (id, done);
            }
            reporter.tell(&Fact::Retrying {
                code: trouble.code(),
                message: trouble.to_string(),
                seconds: pause.as_secs(),
            });
            tokio::select! {
                () = tokio::time::sleep(pause) => {}
                () = stop.cancelled() => return (id, Err(RunError::Stopped.into())),
            }
            left -= 1;
            pause *= 2;
            id = RunId::new(Uuid::new_v4());
        }
    }

    async fn attempt(
        &self,
        id: RunId,
        reporter: &Reporter,
        secrets: &Arc<Secrets>,
        deadline: Instant,
        stop: &CancellationToken,
    ) -> Result<Done, Trouble> {
        let name = SecretName::database_url();
        let address = secrets.get(&name).ok_or(SecretError::Undeclared(name))?;
        let target = Target::parse(address, certificates())?;
        let spool = Spool::new(&self.settings.spool);
        let secrets = Arc::clone(secrets);
        let lookup = Arc::new(move |name: &SecretName| secrets.get(name).cloned());
        let access = Access::new(&self.dataset, self.from.clone(), spool, lookup, Patience::default());
        let run = Run {
            id,
            dataset: &self.dataset,
            manifest: &self.manifest,
            settings: &self.settings,
            reporter,
            when_unchanged: self.when_unchanged,
            size: self.size,
            deadline,
        };
        Box::pin(run.attempt(&target, Arc::new(access), stop)).await
    }
}

/// Certificates to trust beside the system's: those that the environment names, else Amazon's where the image has them.
fn certificates() -> Option<PathBuf> {
    let named = std::env::var_os(BUNDLE_VARIABLE).filter(|value| !value.is_empty()).map(PathBuf::from);
    named.or_else(|| Some(PathBuf::from(BUNDLE_PATH)).filter(|path| path.is_file()))
}

fn tell_failure(reporter: &Reporter, trouble: &Trouble) {
    reporter.tell(&Fact::Failed {
        code: trouble.code(),
        message: trouble.to_string(),
        advice: trouble.advice(),
        exit: trouble.exit() as i32,
    });
}
