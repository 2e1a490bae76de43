//! A replay: records that the last load kept out, or of which it kept values out, are read again by the manifest as it is now, and what
//! can be loaded goes live, through the same lease and ledger as a load's rows.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::tz::TimeZone;
use manifest::Identifier;
use manifest::dataset::{Content, Load, Table};
use manifest::run::TableRecord;

use super::{Done, Run, RunError};
use crate::ledger::{self, Ledger, Replayable, ReplayedTable, RunId};
use crate::postgres::Pool;
use crate::publish::{self, Writable};
use crate::reading::{KeptRecord, OwnTypes, Reread, Rereader};
use crate::replay::{Outcome, ReadAgain, Replay, Task};
use crate::report::Fact;
use crate::trouble::Trouble;

/// Records that stay as they are and are told, of each table.
const TOLD: usize = 20;

const WHAT: &str = "replay";

impl Run<'_> {
    /// Loads what can be loaded now.
    pub(super) async fn replay(&self, ledger: &Ledger, pool: &Arc<Pool>) -> Result<Done, Trouble> {
        if let Some(table) = self.dataset.tables.iter().find(|table| matches!(table.content, Content::Query(_))) {
            return Err(RunError::MadeOfRows { table: table.name.to_string() }.into());
        }
        let is_added = |table: &&Table| table.load == Load::Append;
        let added: Vec<&str> = self.dataset.tables.iter().filter(is_added).map(|table| table.name.as_str()).collect();
        let replayable = self.within(ledger.replayable(&self.dataset.dataset, &added)).await?;
        let mut by_table: BTreeMap<&str, Vec<&Replayable>> = BTreeMap::new();
        for reject in &replayable {
            by_table.entry(reject.table.as_str()).or_default().push(reject);
        }
        let connection = pool.take().await?;
        let live = self.within(Box::pin(publish::writable(&connection, self.dataset))).await?;
        let known = ledger.published(&self.dataset.dataset).await?;
        let mut replays = Vec::new();
        let mut left = BTreeMap::<String, Vec<(String, String)>>::new();
        for table in &self.dataset.tables {
            let Some(rejects) = by_table.remove(table.name.as_str()) else { continue };
            let writable = live.iter().find(|writable| writable.name == table.name);
            let is_ours = writable.is_some_and(|writable| {
                known.as_ref().is_some_and(|known| known.tables.get(table.name.as_str()) == Some(&writable.oid))
            });
            let stays = left.entry(table.name.to_string()).or_default();
            match writable.filter(|_| is_ours) {
                None => {
                    stays.push((table.name.to_string(), "the live table is not the one that was published".to_owned()));
                }
                Some(writable) => replays.extend(self.read_again(table, writable, &rejects, stays)),
            }
        }
        for (table, rejects) in by_table {
            let reason = format!("the manifest has no such table any more; {} rejects stay", rejects.len());
            left.entry(table.to_owned()).or_default().push((table.to_owned(), reason));
        }
        let outcomes = self.within(self.write(&connection, replays)).await?;
        pool.give_back(connection);
        self.tell_replayed(&outcomes, left);
        // Also those that a replay has left behind that was killed before it came to them.
        for lagging in publish::lagging(ledger, self.dataset, pool).await? {
            self.refresh(&lagging, ledger, pool).await;
        }
        if outcomes.iter().all(|outcome| outcome.replayed.rejects.is_empty()) {
            return Ok(Done::Unchanged);
        }
        let record = |outcome: &Outcome| {
            let ReplayedTable { table, changes, .. } = &outcome.replayed;
            let rows = changes.inserted;
            let record = TableRecord { rows, changes: Some(*changes), ..TableRecord::default() };
            (table.clone(), record)
        };
        let tables = outcomes.iter().map(record).collect();
        Ok(Done::Published { tables, accepted: Vec::new(), lock_ms: 0.0 })
    }

    /// Reads the kept records of one table again.
    fn read_again<'t>(
        &self,
        table: &'t Table,
        writable: &Writable,
        rejects: &[&Replayable],
        left: &mut Vec<(String, String)>,
    ) -> Option<Replay<'t>> {
        let own = table.columns.iter().find(|column| OwnTypes::is_own(&column.type_name));
        let zone = self.dataset.timezone.as_deref().and_then(|name| TimeZone::get(name).ok());
        let rereader = match (own, Rereader::new(table, zone.as_ref())) {
            (None, Ok(rereader)) => rereader,
            (Some(column), _) => {
                let reason =
                    format!("only the server reads {} of {}; load the dataset again", column.type_name, column.name);
                left.push((table.name.to_string(), reason));
                return None;
            }
            (_, Err(reasons)) => {
                left.push((table.name.to_string(), reasons.join("; ")));
                return None;
            }
        };
        let columns: Vec<Identifier> = rereader.columns().cloned().collect();
        if !writable.columns.iter().map(|(name, _)| name).eq(&columns) {
            left.push((
                table.name.to_string(),
                "the live table takes other columns; load the dataset again".to_owned(),
            ));
            return None;
        }
        // All rejects of one record are settled by reading it once.
        let mut records: BTreeMap<RecordOf<'_>, Vec<&Replayable>> = BTreeMap::new();
        for reject in rejects {
            records.entry(RecordOf::new(reject)).or_default().push(reject);
        }
        // As they were read; the first of several with one key may be the one that is wanted.
        let mut records: Vec<_> = records.into_values().collect();
        records.sort_by_key(|rejects| rejects.first().map(|reject| reject.reject));
        let mut read = Vec::new();
        for rejects in records {
            let Some(first) = rejects.first() else { continue };
            let place = place(first);
            let Some(packed) = &first.record else {
                left.push((place, "the record was too long to be kept; load the dataset again".to_owned()));
                continue;
            };
            let kept = KeptRecord { file: &first.file, member: first.member.as_deref(), names: &first.names, packed };
            match rereader.read(kept) {
                Ok(fields) => read.push(ReadAgain { place, task: task(&rejects, &columns, &fields), fields }),
                Err(stays) => left.push((place, stays.to_string())),
            }
        }
        let types = writable.columns.clone();
        Some(Replay { table, acting: writable.acting.clone(), columns: types, records: read })
    }

    /// Writes all tables in one transaction.
    async fn write(
        &self,
        connection: &crate::postgres::Connection,
        replays: Vec<Replay<'_>>,
    ) -> Result<Vec<Outcome>, Trouble> {
        connection.batch(WHAT, "BEGIN").await?;
        let written = async {
            let mut outcomes = Vec::new();
            ledger::fence_replay(connection, self.id).await?;
            for replay in replays.into_iter().filter(|replay| !replay.records.is_empty()) {
                outcomes.push(replay.run(connection, self.dataset.schema.as_str()).await?);
            }
            let tables: Vec<ReplayedTable> = outcomes
                .iter()
                .map(|outcome| outcome.replayed.clone())
                .filter(|table| !table.rejects.is_empty())
                .collect();
            if tables.is_empty() {
                return Ok((outcomes, false));
            }
            ledger::note_replay(connection, &self.dataset.dataset, self.id, &tables).await?;
            let changed: Vec<&str> =
                tables.iter().filter(|table| table.changes.is_any()).map(|table| table.table.as_str()).collect();
            publish::leave_behind(connection, self.dataset, &changed).await?;
            Ok::<_, Trouble>((outcomes, true))
        };
        match written.await {
            Ok((outcomes, true)) => {
                connection.batch(WHAT, "COMMIT").await?;
                Ok(outcomes)
            }
            Ok((outcomes, false)) => {
                connection.rollback().await;
                Ok(outcomes)
            }
            Err(trouble) => {
                connection.rollback().await;
                Err(trouble)
            }
        }
    }

    fn tell_replayed(&self, outcomes: &[Outcome], mut left: BTreeMap<String, Vec<(String, String)>>) {
        for Outcome { replayed, left: stays } in outcomes {
            let ReplayedTable { table, changes, rejects } = replayed;
            left.entry(table.clone()).or_default().extend(stays.iter().cloned());
            let settled = rejects.len();
            self.reporter.tell(&Fact::Replayed { table: table.clone(), changes: *changes, settled });
        }
        for (table, stays) in left {
            for (place, reason) in stays.iter().take(TOLD) {
                self.reporter.tell(&Fact::NotReplayed {
                    table: table.clone(),
                    place: place.clone(),
                    reason: reason.clone(),
                });
            }
            if stays.len() > TOLD {
                let detail = format!("{table}: {} more records stay as they are", stays.len() - TOLD);
                self.reporter.tell(&Fact::Notice { detail });
            }
        }
    }
}

/// What tells one record from another.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct RecordOf<'r> {
    run: RunId,
    file: &'r str,
    member: Option<&'r str>,
    line: Option<i64>,
    byte_offset: Option<i64>,
}

impl<'r> RecordOf<'r> {
    fn new(reject: &'r Replayable) -> Self {
        let Replayable { run, line, byte_offset, .. } = *reject;
        Self { run, file: &reject.file, member: reject.member.as_deref(), line, byte_offset }
    }
}

/// What a record is read again for. Where its row was kept out, that is all there is to it.
fn task(rejects: &[&Replayable], columns: &[Identifier], fields: &[Reread]) -> Task {
    if let Some(reject) = rejects.iter().find(|reject| reject.column.is_none()) {
        return Task::Insert(reject.reject);
    }
    let place = |name: &str| columns.iter().position(|column| column.as_str() == name);
    let fills = rejects.iter().filter_map(|reject| Some((place(reject.column.as_deref()?)?, reject.reject)));
    Task::Fill(fills.filter(|(column, _)| *column < fields.len()).collect())
}

fn place(reject: &Replayable) -> String {
    let member = reject.member.as_deref().map(|member| format!(": {member}")).unwrap_or_default();
    let line = reject.line.map(|line| format!(" line {line}")).unwrap_or_default();
    format!("{}{member}{line}", reject.file)
}
