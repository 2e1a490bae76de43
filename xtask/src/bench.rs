//! `cargo xtask bench`: what the README claims, measured on this machine. One file for each thing that is measured.

mod deploy;
mod formats;
mod load;
mod lots;
mod memory;
mod parse;
mod psql;
mod publish;
mod sample;
mod suite;
mod upsert;

use crate::command::{self, cargo, say, step};

/// Errors of a bench end it and are for a person.
type Outcome = Result<(), Box<dyn std::error::Error>>;

/// What is measured.
#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    /// Measure this alone; formats, memory and samples are measured only where they are named
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
    /// Megabytes, unpacked, of each file that a load's memory is measured with; the promise is for 5,000
    #[arg(long, env = "FRESHET_BENCH_MEGABYTES", default_value_t = 1_000)]
    megabytes: u64,
    /// The worker that formats, memory and samples are measured with; figures are those of release
    #[arg(long, default_value = "release")]
    profile: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Section {
    /// What one core parses and encodes, without a database
    Parse,
    /// A whole load beside psql's, in turn, with memory
    Load,
    /// A million rows in every format, beside ogr2ogr, pgloader and duckdb
    Formats,
    /// The peak of a load's memory at many gigabytes
    Memory,
    /// How long readers wait while tables are published
    Publish,
    /// What an upsert writes beside a blind one
    Upsert,
    /// What a deployment of many datasets takes: time, calls, memory
    Deploy,
    /// All datasets of New York City from their samples
    Samples,
}

impl Section {
    const ALL: [Self; 8] = [
        Self::Parse,
        Self::Load,
        Self::Formats,
        Self::Memory,
        Self::Publish,
        Self::Upsert,
        Self::Deploy,
        Self::Samples,
    ];

    /// Whether it takes so long that it is measured only where it is asked for.
    fn is_long(self) -> bool {
        matches!(self, Self::Formats | Self::Memory | Self::Samples)
    }

    fn measure(self, options: &Options) -> Outcome {
        match self {
            Self::Parse => parse::measure(options.rows),
            Self::Load => load::measure(options.rows, options.rounds),
            Self::Formats => formats::measure(options.rows, options.rounds, &options.profile),
            Self::Memory => memory::measure(options.megabytes, &options.profile),
            Self::Publish => publish::measure(),
            Self::Upsert => upsert::measure(options.upserted),
            Self::Deploy => deploy::measure(options.datasets),
            Self::Samples => suite::measure(&options.profile),
        }
    }
}

pub(crate) fn run(options: &Options) -> command::Outcome {
    for section in Section::ALL {
        if options.only.map_or(!section.is_long(), |only| only == section) {
            let package = if section == Section::Deploy { "deployer" } else { "worker" };
            if options.profile == "release" || !section.is_long() {
                step(
                    "release build",
                    cargo().args(["build", "--quiet", "--release", "--locked", "--package", package]),
                )?;
            }
            say("");
            section.measure(options).map_err(|error| error.to_string())?;
        }
    }
    Ok(())
}
