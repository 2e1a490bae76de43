//! `worker diff`: the rows that a refused load would have changed, or that the last publish has.

use tokio_util::sync::CancellationToken;

use super::answer::{self, Form};
use super::dataset::Which;
use super::prepared::{Asked, database_only};
use crate::diff::{Question, Report, Sides, diff};
use crate::settings::{Environment, Settings};
use crate::trouble::Trouble;

/// Compare rows in staging with those that are live, or those that are live with what they replaced
#[derive(Debug, clap::Args)]
pub struct Diff {
    #[command(flatten)]
    which: Which,
    /// Columns that tell rows apart; the manifest's key when absent, and whole rows where it has none
    #[arg(long, value_name = "COLUMNS", value_delimiter = ',')]
    key: Vec<String>,
    /// Rows that are shown of each kind
    #[arg(long, value_name = "N", default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..=1_000))]
    examples: u32,
    /// Compare what is live with what was before, also where rows are in staging
    #[arg(long)]
    previous: bool,
    #[command(flatten)]
    form: Form,
}

impl Diff {
    /// Compares, prints, and returns the process's exit code.
    pub async fn run(self, environment: &impl Environment, stop: &CancellationToken) -> i32 {
        let answer = Box::pin(async { Ok(self.form.write(&self.compare(environment).await?)) });
        answer::give(answer, stop).await
    }

    async fn compare(&self, environment: &impl Environment) -> Result<Report, Trouble> {
        let asked = Asked::of(Settings::read(environment)?, self.which.find(environment)?);
        let prepared = asked.with_secrets(database_only(), environment).await?;
        let sides = if self.previous { Sides::Previous } else { Sides::Newest };
        let question = Question { key: self.key.clone(), examples: self.examples, sides };
        diff(&prepared.dataset, &prepared.target()?, &question).await
    }
}
