//! Schedules: every entry's expression in AWS's terms, moved by its spread, in its zone, on its task-def.

use std::collections::{BTreeMap, BTreeSet};

use jiff::tz::TimeZone;

use super::dataset::zone;
use super::interpolation::part;
use crate::calendar::{self, Expression, SpreadRefusal};
use crate::dataset::Status;
use crate::document::schedules::{EntryDocument, Firings, SchedulesDocument};
use crate::finding::{Code, Place, Span};
use crate::name::{DatasetName, TaskDefName};
use crate::quantity;
use crate::schedule::{Mode, Schedule, Trigger};
use crate::yaml::{Reader, Spanned};

/// What schedules may name. A dataset whose own file cannot be read is known all the same, without a status.
#[derive(Debug)]
pub(crate) struct Known<'a> {
    pub(crate) datasets: &'a BTreeMap<DatasetName, Option<Status>>,
    pub(crate) task_defs: &'a BTreeSet<TaskDefName>,
}

/// The schedules of one file.
#[derive(Debug, Default)]
pub(crate) struct ResolvedSchedules {
    pub(crate) schedules: Vec<Schedule>,
    pub(crate) manual: BTreeMap<DatasetName, TaskDefName>,
    /// Every dataset the file names.
    pub(crate) named: Vec<(DatasetName, Place)>,
}

pub(crate) fn resolve(document: &SchedulesDocument, known: &Known<'_>, reader: &mut Reader) -> ResolvedSchedules {
    let mut resolved = ResolvedSchedules::default();
    if let Some(name) = &document.task_def {
        task_def(name, known, reader);
    }
    let file_zone = document.timezone.as_ref().and_then(|name| zone(name, reader));
    for (dataset, firings) in document.schedules.iter() {
        resolved.named.push((dataset.value.clone(), reader.place(dataset.span)));
        self::dataset(dataset, firings, known, reader);
        let file = File { document, zone: file_zone.as_ref(), known, dataset };
        match firings {
            Firings::Manual => {
                if let Some(name) = file.task_def(None, reader) {
                    resolved.manual.insert(dataset.value.clone(), name);
                }
            }
            Firings::Entries(entries) => {
                let mut schedules = Vec::new();
                for entry in entries {
                    if entry.cron.value == "manual" {
                        if let Some(name) = file.task_def(entry.task_def.as_ref(), reader) {
                            resolved.manual.insert(dataset.value.clone(), name);
                        }
                        continue;
                    }
                    schedules.extend(file.entry(entry, &mut schedules_by_name(&schedules), reader));
                }
                if entries.is_empty() {
                    let message = format!("`{}` has an empty list of entries", dataset.value);
                    reader.report(Code::Schedule, message, dataset.span).help("write manual for none");
                }
                freshness(&schedules, entries, document, reader);
                resolved.schedules.extend(schedules);
            }
        }
    }
    resolved
}

fn schedules_by_name(schedules: &[Schedule]) -> BTreeSet<String> {
    schedules.iter().map(|schedule| schedule.name.clone()).collect()
}

fn dataset(name: &Spanned<DatasetName>, firings: &Firings, known: &Known<'_>, reader: &mut Reader) {
    match known.datasets.get(&name.value) {
        None => {
            let message = format!("there is no dataset `{}`", name.value);
            let finding = reader.report(Code::UnknownDataset, message, name.span);
            finding.suggest(name.as_str(), known.datasets.keys().map(DatasetName::as_str));
        }
        Some(Some(Status::Unavailable)) if matches!(firings, Firings::Entries(_)) => {
            let message = format!("`{}` is unavailable: there is nothing to load", name.value);
            reader.report(Code::Unavailable, message, name.span).help(format!("write {}: manual", name.value));
        }
        Some(_) => {}
    }
}

fn task_def(name: &Spanned<TaskDefName>, known: &Known<'_>, reader: &mut Reader) {
    if !known.task_defs.contains(&name.value) {
        let message = format!("there is no task-def `{}`", name.value);
        let finding = reader.report(Code::UnknownTaskDef, message, name.span);
        finding.suggest(name.as_str(), known.task_defs.iter().map(TaskDefName::as_str));
    }
}

/// The defaults of a file, for the entries of one dataset.
struct File<'a> {
    document: &'a SchedulesDocument,
    zone: Option<&'a TimeZone>,
    known: &'a Known<'a>,
    dataset: &'a Spanned<DatasetName>,
}

impl File<'_> {
    fn task_def(&self, own: Option<&Spanned<TaskDefName>>, reader: &mut Reader) -> Option<TaskDefName> {
        if let Some(own) = own {
            task_def(own, self.known, reader);
            return Some(own.value.clone());
        }
        if self.document.task_def.is_none() {
            let message = format!("`{}` has no task-def, and the file names none for all", self.dataset.value);
            let finding = reader.report(Code::MissingKey, message, self.dataset.span);
            finding.help("write task-def: at the top of the file, or in the entry");
        }
        self.document.task_def.as_ref().map(|name| name.value.clone())
    }

    fn entry(&self, entry: &EntryDocument, taken: &mut BTreeSet<String>, reader: &mut Reader) -> Vec<Schedule> {
        let task_def = self.task_def(entry.task_def.as_ref(), reader);
        let own_zone = entry.timezone.as_ref().map(|name| zone(name, reader));
        let zone = match &own_zone {
            Some(own) => own.as_ref(),
            None => self.zone,
        };
        let trigger = entry.trigger.as_ref().or(self.document.trigger.as_ref()).map(|trigger| trigger.value);
        let trigger = trigger.unwrap_or_default();
        let expressions = match calendar::expressions(&entry.cron.value) {
            Ok(expressions) => expressions,
            Err(refusal) => {
                let span = part(reader, entry.cron.span, &entry.cron.value, refusal.at, refusal.len);
                reader.report(Code::Schedule, refusal.why, span).help = refusal.help;
                return Vec::new();
            }
        };
        if trigger == Trigger::Rule {
            self.rule(entry, &expressions, reader);
        }
        let timezone = entry.timezone.as_ref().or(self.document.timezone.as_ref());
        let mode = entry.mode.unwrap_or_default();
        let freshness = entry.freshness.as_ref().or(self.document.freshness.as_ref());
        let Some(task_def) = task_def else { return Vec::new() };
        if let Some(replaces) = entry.replaces.as_ref().filter(|_| expressions.len() > 1) {
            let message =
                format!("the expression becomes {} schedules, and `{}` is one", expressions.len(), replaces.value);
            let finding = reader.report(Code::Schedule, message, replaces.span);
            finding.help("write an expression that AWS can say in one, or delete the other by hand");
        }
        let utc = TimeZone::UTC;
        expressions
            .into_iter()
            .map(|expression| Schedule {
                name: self.name(mode, taken),
                dataset: self.dataset.value.clone(),
                expression: self.spread(entry, &expression, zone.unwrap_or(&utc), reader).to_string(),
                written: entry.cron.value.clone(),
                timezone: timezone.map_or_else(|| "UTC".to_owned(), |name| name.value.clone()),
                task_def: task_def.clone(),
                trigger,
                mode,
                freshness: freshness.map(|freshness| freshness.value),
                replaces: entry.replaces.as_ref().map(|replaces| replaces.value.clone()),
            })
            .collect()
    }

    /// `name`, `name-full`, and `-2`, `-3` … for further ones.
    fn name(&self, mode: Mode, taken: &mut BTreeSet<String>) -> String {
        let base = match mode {
            Mode::Normal => self.dataset.value.to_string(),
            Mode::Full => format!("{}-full", self.dataset.value),
        };
        let further = (2..).map(|number| format!("{base}-{number}"));
        let name = std::iter::once(base.clone()).chain(further).find(|name| !taken.contains(name)).unwrap_or(base);
        taken.insert(name.clone());
        name
    }

    fn rule(&self, entry: &EntryDocument, expressions: &[Expression], reader: &mut Reader) {
        let timezone = entry.timezone.as_ref().or(self.document.timezone.as_ref());
        if let Some(timezone) = timezone.filter(|timezone| timezone.value != "UTC") {
            let message = format!("a rule knows UTC only, and the time zone is {}", timezone.value);
            let span = entry.trigger.as_ref().map_or(entry.cron.span, |trigger| trigger.span);
            let finding = reader.report(Code::Rule, message, span);
            finding.also(timezone.span, "this zone").help("write timezone: UTC in the entry, or trigger: scheduler");
        }
        if expressions.iter().any(|expression| matches!(expression, Expression::At(_))) {
            let finding = reader.report(Code::Rule, "a rule does not know at(…)", entry.cron.span);
            finding.help("write trigger: scheduler");
        }
    }

    /// The expression moved by the entry's spread or the file's. What the file's cannot move stays where it is.
    fn spread(
        &self,
        entry: &EntryDocument,
        expression: &Expression,
        zone: &TimeZone,
        reader: &mut Reader,
    ) -> Expression {
        let Some(given) = entry.spread.as_ref().or(self.document.spread.as_ref()) else { return expression.clone() };
        let minutes = match minutes(&given.value) {
            Ok(minutes) => minutes,
            Err(why) => {
                // The file's own spread is told once, by the first entry that takes it.
                if !reader.findings.iter().any(|finding| is_at(finding, given.span)) {
                    reader
                        .report(Code::Spread, why, given.span)
                        .help("write 45m, 2h or the like, up to 24h; 0m for none");
                }
                return expression.clone();
            }
        };
        match calendar::spread(expression, self.dataset.as_str(), minutes, zone) {
            Ok(spread) => Expression::Cron(spread.cron),
            Err(refusal) => {
                match (entry.spread.is_some(), &refusal) {
                    (true, _) => {
                        reader.report(Code::Spread, refusal.to_string(), given.span).help("write spread: 0m");
                    }
                    (false, SpreadRefusal::NoTimeOfDay(_)) => {}
                    (false, _) => {
                        let finding = reader.report(Code::NotSpread, refusal.to_string(), entry.cron.span);
                        finding.also(given.span, "this spread").help("write spread: 0m in the entry if that is meant");
                    }
                }
                expression.clone()
            }
        }
    }
}

fn is_at(finding: &crate::finding::Finding, span: Span) -> bool {
    finding.place.as_ref().is_some_and(|place| place.span == span)
}

/// Whole minutes up to a day.
fn minutes(text: &str) -> Result<u32, String> {
    if matches!(text, "0" | "0m" | "none") {
        return Ok(0);
    }
    let span: quantity::Span = text.parse().map_err(|error: quantity::QuantityError| error.to_string())?;
    match u32::try_from(span.seconds() / 60) {
        Ok(minutes @ 1..=1440) if span.seconds().is_multiple_of(60) => Ok(minutes),
        _ => Err(format!("a spread is whole minutes up to a day, not {text}")),
    }
}

/// A table that may not be as old as the longest wait between two loads would ring each time.
fn freshness(schedules: &[Schedule], entries: &[EntryDocument], document: &SchedulesDocument, reader: &mut Reader) {
    // The longest wait is found by enumeration: not for those who did not ask.
    if schedules.iter().all(|schedule| schedule.freshness.is_none()) {
        return;
    }
    let expressions: Vec<Expression> =
        schedules.iter().filter_map(|schedule| schedule.expression.parse().ok()).collect();
    let Some(wait) = calendar::longest_wait(&expressions) else { return };
    let wait = u64::try_from(wait.as_secs()).unwrap_or(0);
    for entry in entries {
        let Some(freshness) = entry.freshness.as_ref().or(document.freshness.as_ref()) else { continue };
        if freshness.value.seconds() < wait {
            let told = quantity::Span::from_seconds(wait);
            let message = format!("the table may be {} old, and up to {told} pass between two loads", freshness.value);
            let span = entry.freshness.as_ref().map_or(entry.cron.span, |own| own.span);
            reader.report(Code::Freshness, message, span).help("write a longer freshness: the longest wait and a load");
            return;
        }
    }
}
