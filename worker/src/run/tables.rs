//! Every table of the dataset into staging, a few side by side: rows, then what the budget says of them, then keys, indexes
//! and statistics.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Instant;

use futures_util::{StreamExt, TryStreamExt, stream};
use manifest::Identifier;
use manifest::dataset::Table;
use tokio::sync::mpsc;
use value::Kind;

use super::Run;
use super::complete::CompleteTable;
use crate::ledger::{AppendedFile, Ledger, Reject, RejectLimit, TableCounts};
use crate::reading::{self, Consequence, OwnTypes, RowPlaces, TableReading, Typed, over_budget};
use crate::report::Fact;
use crate::source::{Access, STARTS, SourceFingerprint};
use crate::staging::{self, Blueprint, Persistence, Refused, Staging, Stored, Verdict};
use crate::trouble::Trouble;

/// Tables that are read and copied at once. One reading thread and one server process each keep two cores busy.
pub(super) const TABLES_AT_ONCE: usize = 2;

/// The code of a source that changed while it was read.
pub(crate) const CHANGED: &str = "source_changed";

/// The way of a dataset's tables into staging.
pub(super) struct TableLoad<'a> {
    pub(super) run: &'a Run<'a>,
    pub(super) ledger: &'a Ledger,
    pub(super) staging: &'a Staging,
    pub(super) access: &'a Arc<Access>,
}

/// A table that is complete in staging.
pub(super) struct Loaded {
    counts: TableCounts,
    places: Option<RowPlaces>,
    duplicates: Option<staging::Error>,
    pub(super) fingerprints: BTreeMap<String, SourceFingerprint>,
    /// Files whose rows were added before.
    left_out: BTreeSet<String>,
}

impl Loaded {
    /// The files that its rows came from.
    pub(super) fn files(&self) -> Vec<AppendedFile> {
        let read = self.fingerprints.iter().filter(|(file, _)| !self.left_out.contains(*file));
        read.map(|(file, source)| AppendedFile { file: file.clone(), sha256: source.content.sha256.clone() }).collect()
    }

    /// Of a table that was made in the database, so that no file has its rows.
    pub(super) fn derived(counts: TableCounts, duplicates: Option<staging::Error>) -> Self {
        Self { counts, places: None, duplicates, fingerprints: BTreeMap::new(), left_out: BTreeSet::new() }
    }

    pub(super) fn complete(self) -> CompleteTable {
        let Self { counts, places, duplicates, .. } = self;
        CompleteTable { counts, places, duplicates }
    }
}

impl TableLoad<'_> {
    /// Loads all tables that have sources; the first that fails ends the others.
    pub(super) async fn all(&self, blueprints: &[Blueprint]) -> Result<BTreeMap<String, Loaded>, Trouble> {
        let with_sources = |table: &&Table| !table.sources().is_empty();
        let table_of = |plan: &Blueprint| self.run.dataset.table(&plan.table).filter(with_sources);
        let pairs = blueprints.iter().filter_map(|plan| Some((table_of(plan)?, plan)));
        stream::iter(pairs.map(|(table, blueprint)| self.one(table, blueprint)))
            .buffer_unordered(TABLES_AT_ONCE)
            .try_collect()
            .await
    }

    async fn one(&self, table: &Table, blueprint: &Blueprint) -> Result<(String, Loaded), Trouble> {
        let began = Instant::now();
        let appended = self.appended(blueprint).await?;
        let own_types = self.types(table, blueprint).await?;
        let judged = staging::judged(table, blueprint, &own_types);
        let mut started = 1;
        let (reading, loaded, rejects) = loop {
            let (sender, rejects) = mpsc::unbounded_channel();
            let (access, appended) = (Arc::clone(self.access), appended.clone());
            let typed = Typed { table: table.clone(), types: own_types.clone() };
            let mut reading = reading::spawn(access, typed, appended, sender, self.run.stop);
            let rows = stream::unfold(&mut reading, async |reading| Some((reading.chunk().await?, reading)));
            let loaded = self.staging.load_judged(blueprint, &judged, rows).await;
            // Ends the reading if the database has ended the load.
            let reading = reading.finish();
            match loaded.map_err(Trouble::from) {
                // Of a file that changed while it was read no row is kept.
                Err(trouble) if trouble.code() == CHANGED && started < STARTS => {
                    self.access.start_over(table);
                    started += 1;
                    let (table, reason) = (table.name.to_string(), trouble.to_string());
                    self.run.reporter.tell(&Fact::StartedOver { table, reason });
                }
                loaded => break (reading, loaded, rejects),
            }
        };
        // Whatever became of the rows, what could not be read is kept.
        let mut limit = RejectLimit::default();
        self.keep(&table.name, rejects, &mut limit).await;
        let (stored, verdict) = loaded?;
        let mut reading = reading?;
        let is_in_place = verdict.is_clean();
        self.settle(table, &mut reading, verdict, &mut limit).await;

        let counts = self.tell(table, &reading, stored, began);
        self.ledger.table_loaded(self.run.id, &table.name, &counts).await?;
        if let Some(over) = over_budget(table, &reading) {
            return Err(over.into());
        }
        let duplicates = self.run.finish_table(self.staging, blueprint).await?;
        let TableReading { rows, places, fingerprints, left_out, .. } = reading;
        // Rows that went leave no gap, so that those behind them are not counted to any more.
        let places = (is_in_place && rows == counts.rows).then_some(places);
        Ok((table.name.to_string(), Loaded { counts, places, duplicates, fingerprints, left_out }))
    }

    /// SHA-256 of the files whose rows a table has already. One that is made anew has none.
    async fn appended(&self, blueprint: &Blueprint) -> Result<BTreeSet<String>, Trouble> {
        match blueprint.persistence {
            Persistence::Logged => Ok(BTreeSet::new()),
            Persistence::Unlogged => Ok(self.ledger.appended(&self.run.dataset.dataset, &blueprint.table).await?),
        }
    }

    /// What the database says of types of its own; those that only it reads are told.
    async fn types(&self, table: &Table, blueprint: &Blueprint) -> Result<OwnTypes, Trouble> {
        let connection = self.staging.pool().take().await?;
        let types = staging::own_types(&connection, table, blueprint).await?;
        self.staging.pool().give_back(connection);
        for column in blueprint.copied() {
            let declared = table.columns.iter().find(|declared| declared.name == column.name);
            let own = declared.and_then(|declared| types.of(&declared.type_name));
            if own.is_some_and(|own| own.kind == Kind::Foreign) {
                let (table, name, type_name) = (&table.name, &column.name, &column.type_name);
                let detail = format!("column {name} of {table}: {type_name} is read by the server, from text");
                self.run.reporter.tell(&Fact::Notice { detail });
            }
        }
        Ok(types)
    }

    /// Counts and keeps what the server did not take, as if it had not been readable.
    async fn settle(&self, table: &Table, reading: &mut TableReading, verdict: Verdict, limit: &mut RejectLimit) {
        let Verdict { bad, examples, rejected_rows } = verdict;
        for ((column, code), count) in bad {
            let tally = reading.columns.iter_mut().find(|(name, _)| *name == column);
            if let Some((_, tally)) = tally {
                tally.judged_bad(code, count);
            }
        }
        reading.rows -= rejected_rows.min(reading.rows);
        reading.rejected_rows += rejected_rows;
        let entries: Vec<Reject> = examples.into_iter().map(|refused| judged_entry(table, reading, refused)).collect();
        if let Err(error) = self.ledger.keep_rejects(self.run.id, &table.name, &entries, limit).await {
            let detail = format!("rejects of {} were not kept: {error}", table.name);
            self.run.reporter.tell(&Fact::Notice { detail });
        }
    }

    #[expect(clippy::cast_precision_loss, reason = "a rate for a person")]
    fn tell(&self, table: &Table, reading: &TableReading, stored: Stored, began: Instant) -> TableCounts {
        let counts = TableCounts {
            rows: stored.rows,
            bytes: reading.bytes,
            bad_values: reading.bad_values(),
            rejected_rows: reading.rejected_rows,
            duplicates: stored.duplicates,
        };
        let tell = |fact: &Fact| self.run.reporter.tell(fact);
        let (table, seconds) = (table.name.to_string(), began.elapsed().as_secs_f64());
        tell(&Fact::Loaded {
            table: table.clone(),
            rows: reading.rows,
            bytes: counts.bytes,
            seconds,
            rows_per_second: reading.rows as f64 / seconds.max(0.001),
        });
        for (column, tally) in reading.columns.iter().filter(|(_, tally)| tally.bad_values() > 0) {
            let codes = tally.bad.iter().map(|(code, count)| ((*code).to_owned(), *count)).collect();
            tell(&Fact::BadValues { table: table.clone(), column: column.to_string(), codes });
        }
        if counts.rejected_rows > 0 {
            tell(&Fact::RejectedRows { table: table.clone(), rows: counts.rejected_rows });
        }
        if counts.duplicates > 0 {
            tell(&Fact::Duplicates { table: table.clone(), rows: counts.duplicates });
        }
        for file in &reading.left_out {
            tell(&Fact::LeftOut { table: table.clone(), file: file.clone() });
        }
        for drift in reading.drift.iter().filter(|drift| !drift.is_harmless()) {
            tell(&Fact::Drift { table: table.clone(), detail: drift.to_string() });
        }
        counts
    }

    /// Writes rejects into the ledger. Their loss is no reason to fail a load: they are counted elsewhere.
    async fn keep(
        &self,
        table: &Identifier,
        mut rejects: mpsc::UnboundedReceiver<reading::Reject>,
        limit: &mut RejectLimit,
    ) {
        const BATCH: usize = 500;
        let mut batch = Vec::new();
        // The reading side is done: everything it sent is here.
        while rejects.recv_many(&mut batch, BATCH).await > 0 {
            let entries: Vec<Reject> = batch.drain(..).map(entry).collect();
            if let Err(error) = self.ledger.keep_rejects(self.run.id, table, &entries, limit).await {
                self.run.reporter.tell(&Fact::Notice { detail: format!("rejects of {table} were not kept: {error}") });
                return;
            }
        }
    }
}

fn judged_entry(table: &Table, reading: &TableReading, refused: Refused) -> Reject {
    let (label, line) =
        reading.places.line_of(refused.row).map_or((None, None), |(label, line)| (Some(label), Some(line)));
    let label = label.unwrap_or_default();
    // `file: member`, and both may have colons of their own.
    let source = table.sources().iter().find_map(|source| {
        let rest = label.strip_prefix(source.file.as_str())?;
        (rest.is_empty() || rest.starts_with(": ")).then(|| (source.file.clone(), rest.strip_prefix(": ")))
    });
    let (file, member) = source.unwrap_or_else(|| (label.to_owned(), None));
    let consequence = if refused.is_rejected { Consequence::RowRejected } else { Consequence::Null };
    Reject {
        file,
        member: member.map(str::to_owned),
        line,
        byte_offset: None,
        column: Some(refused.column),
        raw: reading::readable(refused.raw.as_bytes()),
        code: refused.code.to_owned(),
        consequence: consequence.as_str().to_owned(),
        // Of what only the server refused, its own words are all that is left.
        record: None,
        names: Arc::default(),
    }
}

fn entry(reject: reading::Reject) -> Reject {
    Reject {
        file: reject.file,
        member: reject.member,
        line: Some(reject.line),
        byte_offset: Some(reject.offset),
        column: reject.column,
        raw: reject.raw,
        code: reject.code.to_owned(),
        consequence: reject.consequence.as_str().to_owned(),
        record: reject.record,
        names: reject.names,
    }
}
