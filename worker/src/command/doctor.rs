//! `worker doctor`: whether a dataset can be loaded into its database as things stand, and what its owner has to do if not.

use std::io::Write as _;

use tokio_util::sync::CancellationToken;

use super::dataset::Which;
use super::prepared::{Asked, database_only};
use crate::doctor::Diagnosis;
use crate::fault::Exit;
use crate::settings::{Environment, Settings};
use crate::trouble::Trouble;

/// Try what a dataset needs from its database, without changing anything
#[derive(Debug, clap::Args)]
pub struct Doctor {
    #[command(flatten)]
    which: Which,
    /// Print one SQL script for an owner or superuser instead of the checks
    #[arg(long, conflicts_with = "json")]
    sql: bool,
    /// Print the checks as one JSON document
    #[arg(long)]
    json: bool,
}

impl Doctor {
    /// Makes all checks, prints them, and returns the exit code of a load that met the first thing that is wrong.
    pub async fn run(self, environment: &impl Environment, stop: &CancellationToken) -> i32 {
        let diagnosis = tokio::select! {
            diagnosis = self.examine(environment) => diagnosis,
            () = stop.cancelled() => return Exit::Stopped as i32,
        };
        let text = if self.sql {
            diagnosis.script()
        } else if self.json {
            serde_json::to_string_pretty(&diagnosis).unwrap_or_default() + "\n"
        } else {
            diagnosis.to_string()
        };
        // A closed pipe is no error.
        let _ = std::io::stdout().lock().write_all(text.as_bytes());
        diagnosis.exit_code()
    }

    async fn examine(&self, environment: &impl Environment) -> Diagnosis {
        let prepared = async {
            let asked = Asked::of(Settings::read(environment)?, self.which.find(environment)?);
            let prepared = asked.with_secrets(database_only(), environment).await?;
            let target = prepared.target()?;
            Ok::<_, Trouble>((prepared.dataset, target))
        };
        match prepared.await {
            Ok((dataset, target)) => Diagnosis::make(&dataset, &target).await,
            Err(trouble) => Diagnosis::without_address(self.which.given(), trouble),
        }
    }
}
