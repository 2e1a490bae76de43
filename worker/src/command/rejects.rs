//! `worker rejects`: the values and rows that a run could not load, with their places.

use std::fmt;

use serde::Serialize;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::answer::{self, Form};
use super::dataset::Which;
use super::prepared::{Asked, database_only};
use crate::fault::{Exit, Fault};
use crate::ledger::{KeptReject, Ledger, RejectCount, RejectFilter};
use crate::postgres::Session;
use crate::settings::{Environment, Settings};
use crate::trouble::Trouble;

/// Show the values and rows that a run could not load
#[derive(Debug, clap::Args)]
pub struct Rejects {
    #[command(flatten)]
    which: Which,
    /// The run; the newest that has kept any when absent
    #[arg(long, value_name = "ID")]
    run: Option<Uuid>,
    /// Only those of this table
    #[arg(long, value_name = "NAME")]
    table: Option<String>,
    /// Only those of this column
    #[arg(long, value_name = "NAME")]
    column: Option<String>,
    /// Only those with this reason, such as not_a_date
    #[arg(long, value_name = "CODE")]
    code: Option<String>,
    /// Only those of this file
    #[arg(long, value_name = "NAME")]
    file: Option<String>,
    /// How many are shown
    #[arg(long, value_name = "N", default_value_t = 20, value_parser = clap::value_parser!(u32).range(0..=100_000))]
    limit: u32,
    #[command(flatten)]
    form: Form,
}

/// What a run could not load.
#[derive(Debug, Serialize)]
struct Report {
    dataset: String,
    run: String,
    state: String,
    started: String,
    /// Values and rows that were lost, also those that are not kept.
    bad_values: u64,
    rejected_rows: u64,
    counts: Vec<RejectCount>,
    rejects: Vec<KeptReject>,
}

/// No run has kept anything.
#[derive(Debug, thiserror::Error)]
#[error("{}", match run {
    Some(run) => format!("{dataset} has no run {run}"),
    None => format!("no run of {dataset} in the last 30 days has kept a reject"),
})]
struct NoRejects {
    dataset: String,
    run: Option<Uuid>,
}

impl Fault for NoRejects {
    fn code(&self) -> &'static str {
        "no_rejects"
    }

    fn exit(&self) -> Exit {
        Exit::Configuration
    }
}

impl Rejects {
    /// Shows them, and returns the process's exit code.
    pub async fn run(self, environment: &impl Environment, stop: &CancellationToken) -> i32 {
        let answer = Box::pin(async { Ok(self.form.write(&self.report(environment).await?)) });
        answer::give(answer, stop).await
    }

    async fn report(&self, environment: &impl Environment) -> Result<Report, Trouble> {
        let asked = Asked::of(Settings::read(environment)?, self.which.find(environment)?);
        let prepared = asked.with_secrets(database_only(), environment).await?;
        let dataset = &prepared.dataset.dataset;
        let ledger = Ledger::open(&prepared.target()?, &Session::new(dataset, "rejects")).await?;
        let Some(run) = ledger.rejecting_run(dataset, self.run).await? else {
            return Err(NoRejects { dataset: dataset.to_string(), run: self.run }.into());
        };
        let filter = RejectFilter {
            table: self.table.clone(),
            column: self.column.clone(),
            code: self.code.clone(),
            file: self.file.clone(),
        };
        Ok(Report {
            dataset: dataset.to_string(),
            run: run.run.to_string(),
            state: run.state,
            started: format!("{:.0}", run.started),
            bad_values: run.bad_values,
            rejected_rows: run.rejected_rows,
            counts: ledger.reject_counts(run.run, &filter).await?,
            rejects: ledger.kept_rejects(run.run, &filter, self.limit).await?,
        })
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { dataset, run, state, started, bad_values, rejected_rows, counts, rejects } = self;
        writeln!(f, "{dataset}: run {run} of {started}, {state}")?;
        writeln!(f, "  {bad_values} values could not be read, {rejected_rows} rows were kept out")?;
        for RejectCount { table, column, code, kept } in counts {
            let column = column.as_deref().map(|column| format!(".{column}")).unwrap_or_default();
            writeln!(f, "  {table}{column}: {code}, {kept} kept")?;
        }
        rejects.iter().try_for_each(|reject| writeln!(f, "    {}", Line(reject)))?;
        let kept: u64 = counts.iter().map(|count| count.kept).sum();
        match kept.saturating_sub(rejects.len() as u64) {
            0 => Ok(()),
            more => writeln!(f, "    and {more} more"),
        }
    }
}

struct Line<'a>(&'a KeptReject);

impl fmt::Display for Line<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let KeptReject { table, file, member, line, column, code, raw, consequence, .. } = self.0;
        f.write_str(file)?;
        member.iter().try_for_each(|member| write!(f, ": {member}"))?;
        line.iter().try_for_each(|line| write!(f, " line {line}"))?;
        write!(f, ", {table}")?;
        column.iter().try_for_each(|column| write!(f, ".{column}"))?;
        let became = if consequence == "null" { "NULL" } else { "row kept out" };
        write!(f, ": {code} {:?}; {became}", raw.as_deref().unwrap_or_default())
    }
}
