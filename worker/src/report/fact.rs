//! Every fact that a run tells, with its name and fields in one place: what a log query can rely on.

use std::fmt;

use manifest::run::{AFTER_FAILED, Changes, Outcome, RunRecord};
use serde::Serialize;

/// One thing that happened. `event` in JSON is its name in snake case.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum Fact {
    /// A run began.
    Started {
        /// Worker's version.
        version: &'static str,
        /// Hash of the manifest.
        manifest: String,
        /// Which try, from 1.
        attempt: u32,
    },
    /// Sources, manifest and table are what was published last.
    Unchanged,
    /// Sources and manifest are what a person took back: they are not loaded again by themselves.
    Withdrawn {
        /// The run that had loaded them.
        run: String,
    },
    /// Rows that an earlier run had complete in staging are taken up.
    TakenUp {
        /// That run.
        of: String,
        /// Tables.
        tables: usize,
        /// Rows.
        rows: u64,
    },
    /// A generation that was live before is about to go live again.
    Restoring {
        /// The run that had published it.
        run: String,
        /// How many publishes ago it was live.
        back: u8,
    },
    /// Another run answers to this firing already.
    Duplicate {
        /// That run.
        by: String,
    },
    /// Another run of the dataset is at work; this one waits.
    Waiting {
        /// That run, when known.
        on: String,
    },
    /// A table's rows are in staging.
    Loaded {
        /// Table.
        table: String,
        /// Rows.
        rows: u64,
        /// Unpacked bytes of its sources.
        bytes: u64,
        /// Wall-clock seconds.
        seconds: f64,
        /// Rows per second.
        rows_per_second: f64,
    },
    /// The rows that a query gives are in staging.
    Derived {
        /// Table.
        table: String,
        /// The query's file.
        file: String,
        /// Rows.
        rows: u64,
        /// Wall-clock seconds.
        seconds: f64,
    },
    /// Values that could not be read; they are NULL in their rows and kept in `freshet.rejects`.
    BadValues {
        /// Table.
        table: String,
        /// Column.
        column: String,
        /// Why, and how many.
        codes: std::collections::BTreeMap<String, u64>,
    },
    /// Rows that were kept out; they are in `freshet.rejects`.
    RejectedRows {
        /// Table.
        table: String,
        /// How many.
        rows: u64,
    },
    /// Rows that went because another has the same key.
    Duplicates {
        /// Table.
        table: String,
        /// How many.
        rows: u64,
    },
    /// A file whose rows were added before: none of them is added again.
    LeftOut {
        /// Table.
        table: String,
        /// File.
        file: String,
    },
    /// A source changed while it was read, and the table is read anew.
    StartedOver {
        /// Table.
        table: String,
        /// Which source, in words.
        reason: String,
    },
    /// The file is not what the manifest says, but can be loaded.
    Drift {
        /// Table.
        table: String,
        /// What differs.
        detail: String,
    },
    /// An expectation that does not hold is told, not enforced.
    Expectation {
        /// Table.
        table: String,
        /// What differs.
        detail: String,
    },
    /// An expectation does not hold, and a person lets it pass.
    Accepted {
        /// Table.
        table: String,
        /// What differs.
        detail: String,
    },
    /// Indexes, keys and statistics are ready.
    Prepared {
        /// Table.
        table: String,
        /// Indexes built.
        indexes: usize,
        /// Wall-clock seconds.
        seconds: f64,
    },
    /// The lock was not to be had; the swap is tried again.
    Blocked {
        /// Which try.
        attempt: u32,
        /// Who is in the way.
        by: String,
    },
    /// A table that stays has its changes; they are live with everything else of the run.
    Merged {
        /// Table.
        table: String,
        /// What changed.
        #[serde(flatten)]
        changes: Changes,
        /// Wall-clock seconds.
        seconds: f64,
    },
    /// Kept records of a table were read again; what could be loaded is live.
    Replayed {
        /// Table.
        table: String,
        /// What changed.
        #[serde(flatten)]
        changes: Changes,
        /// Values and rows that are settled by it.
        settled: usize,
    },
    /// A kept record stays as it is.
    NotReplayed {
        /// Table.
        table: String,
        /// Where it came from.
        place: String,
        /// Why.
        reason: String,
    },
    /// A session that was in the way for longer than the manifest allows was ended.
    Terminated {
        /// The session.
        session: String,
    },
    /// New rows are live.
    Published {
        /// Tables.
        tables: usize,
        /// Rows.
        rows: u64,
        /// How long locks were held, in milliseconds.
        lock_ms: f64,
    },
    /// The dataset's own SQL has run over what is live.
    Followed {
        /// Its files.
        files: Vec<String>,
        /// Wall-clock seconds.
        seconds: f64,
    },
    /// A materialized view over views of the dataset shows the new rows.
    Refreshed {
        /// The view.
        view: String,
        /// Wall-clock seconds.
        seconds: f64,
    },
    /// A materialized view over views of the dataset still shows the rows of before.
    Stale {
        /// The view.
        view: String,
        /// Why.
        detail: String,
    },
    /// A try failed and another follows.
    Retrying {
        /// Code of the error.
        code: &'static str,
        /// The error.
        message: String,
        /// Seconds until the next try.
        seconds: u64,
    },
    /// The run failed.
    Failed {
        /// Code of the error.
        code: &'static str,
        /// The error.
        message: String,
        /// What to do.
        #[serde(skip_serializing_if = "Option::is_none")]
        advice: Option<String>,
        /// Exit code.
        exit: i32,
    },
    /// Something worth knowing that is no reason to stop.
    Notice {
        /// What.
        detail: String,
    },
    /// The bytes of sources are kept as they came.
    Archived {
        /// Where.
        files: Vec<String>,
    },
    /// The bytes of a source could not be kept; the load is not touched by that.
    ArchiveLost {
        /// The source's file.
        file: String,
        /// What went wrong.
        detail: String,
    },
    /// Metrics could not be put; the load is not touched by that.
    MetricsLost {
        /// What went wrong.
        detail: String,
    },
}

impl Fact {
    /// `INFO`, `WARN` or `ERROR`.
    pub fn level(&self) -> &'static str {
        match self {
            Self::Failed { .. } => "ERROR",
            Self::BadValues { .. }
            | Self::RejectedRows { .. }
            | Self::NotReplayed { .. }
            | Self::Duplicates { .. }
            | Self::Drift { .. }
            | Self::Expectation { .. }
            | Self::Accepted { .. }
            | Self::Terminated { .. }
            | Self::Withdrawn { .. }
            | Self::Blocked { .. }
            | Self::Stale { .. }
            | Self::Retrying { .. }
            | Self::Notice { .. }
            | Self::ArchiveLost { .. }
            | Self::MetricsLost { .. } => "WARN",
            _ => "INFO",
        }
    }
}

impl fmt::Display for Fact {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Started { version, manifest, attempt } => {
                write!(f, "worker {version}, manifest {manifest}, attempt {attempt}")
            }
            Self::Unchanged => write!(f, "unchanged: sources, manifest and table are what was published last"),
            Self::Withdrawn { run } => {
                write!(
                    f,
                    "unchanged: sources and manifest are what run {run} loaded and was taken back; --force loads it"
                )
            }
            Self::TakenUp { of, tables, rows } => {
                write!(f, "taken up from run {of}: {}, {rows} rows", counted(*tables, "table", "tables"))
            }
            Self::Restoring { run, back } => {
                write!(
                    f,
                    "going back {}, to what run {run} published",
                    counted((*back).into(), "generation", "generations")
                )
            }
            Self::Duplicate { by } => write!(f, "duplicate: run {by} answers to this firing"),
            Self::Waiting { on } => write!(f, "waiting for run {on} of the same dataset"),
            Self::Loaded { table, rows, bytes, seconds, rows_per_second } => write!(
                f,
                "{table}: {rows} rows from {} in {seconds:.2} s, {rows_per_second:.0} rows/s",
                human_bytes(*bytes)
            ),
            Self::Derived { table, file, rows, seconds } => {
                write!(f, "{table}: {rows} rows by {file} in {seconds:.2} s")
            }
            Self::BadValues { table, column, codes } => {
                let codes: Vec<_> = codes.iter().map(|(code, count)| format!("{count} {code}")).collect();
                write!(f, "{table}.{column}: values that could not be read: {}", codes.join(", "))
            }
            Self::RejectedRows { table, rows } => write!(f, "{table}: {rows} rows kept out; see freshet.rejects"),
            Self::Duplicates { table, rows } => write!(f, "{table}: {rows} rows left out for another with their key"),
            Self::LeftOut { table, file } => write!(f, "{table}: the rows of {file} were added before"),
            Self::StartedOver { table, reason } => write!(f, "{table}: started over: {reason}"),
            Self::Drift { table, detail } => write!(f, "{table}: {detail}"),
            Self::Expectation { table: _, detail } => write!(f, "not enforced here: {detail}"),
            Self::Accepted { table: _, detail } => write!(f, "accepted: {detail}"),
            Self::Prepared { table, indexes, seconds } => {
                write!(f, "{table}: {} and statistics in {seconds:.2} s", counted(*indexes, "index", "indexes"))
            }
            Self::Blocked { attempt, by } => write!(f, "publish, try {attempt}: the lock is held by {by}"),
            Self::Merged { table, changes: Changes { inserted, updated, deleted, unchanged }, seconds } => write!(
                f,
                "{table}: {inserted} rows inserted, {updated} updated, {deleted} deleted, {unchanged} unchanged in {seconds:.2} s"
            ),
            Self::Replayed { table, changes: Changes { inserted, updated, .. }, settled } => {
                write!(f, "{table}: {inserted} kept rows inserted, {updated} put right; {settled} rejects settled")
            }
            Self::NotReplayed { table, place, reason } => write!(f, "{table}: not loaded: {place}: {reason}"),
            Self::Terminated { session } => write!(f, "ended, as `terminate_blockers` says: {session}"),
            Self::Published { tables, rows, lock_ms } => {
                write!(f, "published {}, {rows} rows; locks held {lock_ms:.1} ms", counted(*tables, "table", "tables"))
            }
            Self::Followed { files, seconds } => write!(f, "ran {} in {seconds:.2} s", files.join(", ")),
            Self::Refreshed { view, seconds } => write!(f, "{view} refreshed in {seconds:.2} s"),
            Self::Stale { view, detail } => write!(f, "{view} was not refreshed and shows rows of before: {detail}"),
            Self::Retrying { code, message, seconds } => write!(f, "{code}: {message}; trying again in {seconds} s"),
            Self::Failed { code, message, advice, .. } => {
                write!(f, "{code}: {message}")?;
                advice.iter().try_for_each(|advice| write!(f, "; {advice}"))
            }
            Self::Notice { detail } => f.write_str(detail),
            Self::Archived { files } => write!(f, "kept as {}", files.join(", ")),
            Self::ArchiveLost { file, detail } => write!(f, "the bytes of {file} were not kept: {detail}"),
            Self::MetricsLost { detail } => write!(f, "metrics were not put: {detail}"),
        }
    }
}

/// One line about a whole run, for a person.
pub(super) fn summary(record: &RunRecord) -> String {
    let seconds = record.seconds;
    match record.outcome {
        Outcome::Published => format!(
            "{}: {} rows in {} live after {seconds:.1} s",
            record.dataset,
            record.rows,
            counted(record.tables.len(), "table", "tables"),
        ),
        Outcome::Unchanged => format!("{}: unchanged", record.dataset),
        Outcome::Duplicate => format!("{}: duplicate of another run", record.dataset),
        _ if record.code.as_deref() == Some(AFTER_FAILED) => {
            format!("{}: live, but what follows has not run; exit {}", record.dataset, record.exit_code)
        }
        Outcome::Refused | Outcome::Failed | Outcome::Stopped => {
            format!("{}: nothing changed; exit {}", record.dataset, record.exit_code)
        }
    }
}

fn counted(count: usize, one: &str, many: &str) -> String {
    format!("{count} {}", if count == 1 { one } else { many })
}

#[expect(clippy::cast_precision_loss, reason = "two digits are shown")]
fn human_bytes(bytes: u64) -> String {
    match bytes {
        0..1_000 => format!("{bytes} B"),
        1_000..1_000_000 => format!("{:.1} kB", bytes as f64 / 1e3),
        1_000_000..1_000_000_000 => format!("{:.1} MB", bytes as f64 / 1e6),
        _ => format!("{:.1} GB", bytes as f64 / 1e9),
    }
}
