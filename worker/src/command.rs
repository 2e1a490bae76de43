//! The worker's subcommands, one file each.

pub mod load;

use clap::{Parser, Subcommand};

/// Loads public datasets into PostgreSQL without their readers noticing
#[derive(Debug, Parser)]
#[command(name = "worker", version, max_term_width = 100)]
pub struct Cli {
    /// What to do
    #[command(subcommand)]
    pub verb: Verb,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Verb {
    /// Load one dataset and publish it
    Load(load::Load),
}
