//! `worker check`: whether a dataset's sources are what its manifest says, without a database.

use tokio_util::sync::CancellationToken;

use super::answer::{Form, give_with_code};
use super::dataset::Which;
use super::origin::Origin;
use super::prepared::Asked;
use crate::check::{Question, Report, check};
use crate::settings::{Environment, Settings};
use crate::trouble::Trouble;

/// Read everything as a load would, without a database, and show what came of it
#[derive(Debug, clap::Args)]
pub struct Check {
    #[command(flatten)]
    which: Which,
    #[command(flatten)]
    origin: Origin,
    /// First rows of each table that are shown
    #[arg(long, value_name = "N", default_value_t = 3, value_parser = clap::value_parser!(u16).range(0..=1_000))]
    rows: u16,
    /// Values and rows that cannot be read, of each table, that are shown
    #[arg(long, value_name = "N", default_value_t = 10, value_parser = clap::value_parser!(u16).range(0..=1_000))]
    losses: u16,
    #[command(flatten)]
    form: Form,
}

impl Check {
    /// Checks, prints, and returns the exit code of a load that met the first thing that is wrong.
    pub async fn run(self, environment: &impl Environment, stop: &CancellationToken) -> i32 {
        let answer = async {
            let report = self.check(environment, stop).await?;
            Ok((self.form.write(&report), report.exit_code()))
        };
        Box::pin(give_with_code(answer, stop)).await
    }

    async fn check(&self, environment: &impl Environment, stop: &CancellationToken) -> Result<Report, Trouble> {
        let settings = Settings::read(environment)?;
        let mut dataset = self.which.find(environment)?;
        self.origin.narrow(&mut dataset)?;
        let needed = self.origin.secrets(&dataset, &settings);
        let prepared = Asked::of(settings, dataset).with_secrets(needed, environment).await?;
        let question = Question { rows: self.rows.into(), losses: self.losses.into() };
        check(&prepared.dataset, &self.origin.access(&prepared), question, stop).await
    }
}
