//! `cargo xtask bench`: what the README claims, measured on this machine. One file for each thing that is measured.

mod deploy;
mod load;
mod parse;
mod psql;
mod publish;
mod sample;
mod upsert;

use crate::command::{self, cargo, say, step};

/// Errors of a bench end it and are for a person.
type Outcome = Result<(), Box<dyn std::error::Error>>;

/// What is measured.
#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    /// Measure this alone
    #[arg(value_enum)]
    only: Option<Section>,
    /// Rows of the files that are loaded; a million are up to 490 MB
    #[arg(long, default_value_t = 1_000_000)]
    rows: u64,
    /// Rows of the table that is upserted
    #[arg(long, default_value_t = 2_000_000)]
    upserted: u64,
    /// Datasets that are deployed
    #[arg(long, default_value_t = 1_000)]
    datasets: usize,
    /// How often each load is run
    #[arg(long, default_value_t = 5)]
    rounds: u32,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Section {
    /// What one core parses and encodes, without a database
    Parse,
    /// A whole load beside psql's, in turn, with memory
    Load,
    /// How long readers wait while tables are published
    Publish,
    /// What an upsert writes beside a blind one
    Upsert,
    /// What a deployment of many datasets takes: time, calls, memory
    Deploy,
}

impl Section {
    const ALL: [Self; 5] = [Self::Parse, Self::Load, Self::Publish, Self::Upsert, Self::Deploy];

    fn measure(self, options: &Options) -> Outcome {
        match self {
            Self::Parse => parse::measure(options.rows),
            Self::Load => load::measure(options.rows, options.rounds),
            Self::Publish => publish::measure(),
            Self::Upsert => upsert::measure(options.upserted),
            Self::Deploy => deploy::measure(options.datasets),
        }
    }
}

pub(crate) fn run(options: &Options) -> command::Outcome {
    for section in Section::ALL {
        if options.only.is_none_or(|only| only == section) {
            let package = if section == Section::Deploy { "deployer" } else { "worker" };
            step("release build", cargo().args(["build", "--quiet", "--release", "--locked", "--package", package]))?;
            say("");
            section.measure(options).map_err(|error| error.to_string())?;
        }
    }
    Ok(())
}
