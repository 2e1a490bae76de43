//! The project's own commands. `cargo xtask demo` and `cargo xtask test` are all that a fresh checkout needs.

mod bench;
mod catalogue;
mod command;
mod demo;
mod fuzz;
mod image;
mod smoke;
mod test;
mod tools;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask", about = "Freshet's own commands", version)]
struct Cli {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Subcommand)]
enum Verb {
    /// The whole product once, with no AWS account: plan, deploy, run, load, status
    Demo,
    /// Everything a change must pass, the same as CI
    Test,
    /// Any bytes to every parser, guided by what they reach
    Fuzz(fuzz::Options),
    /// A whole load beside psql's, in turn, with memory
    Bench(bench::Options),
    /// What no emulator can prove, in an AWS account of yours: a stack of its own, taken away again
    SmokeAws(smoke::Options),
    /// The pages of docs/catalogue, from the manifests
    Catalogue,
    /// The worker's image
    Image {
        /// Name and tag
        #[arg(long, default_value = "freshet-worker:local")]
        tag: String,
        /// How the binary inside is compiled
        #[arg(long, value_enum, default_value = "release")]
        profile: image::Profile,
        /// Where the bases come from
        #[arg(long, value_enum, default_value = "pulled")]
        bases: image::Bases,
        /// Build it as the tests do, and load a dataset through it
        #[arg(long, conflicts_with_all = ["tag", "profile", "bases"])]
        check: bool,
    },
}

fn main() -> ExitCode {
    let outcome = match Cli::parse().verb {
        Verb::Demo => demo::run(),
        Verb::Test => test::run(),
        Verb::Fuzz(options) => fuzz::run(&options),
        Verb::SmokeAws(options) => smoke::run(&options),
        Verb::Bench(options) => bench::run(&options),
        Verb::Catalogue => catalogue::run(),
        Verb::Image { check: true, .. } => image::check(&mut Vec::new()),
        Verb::Image { tag, profile, bases, check: false } => image::build(&tag, profile, bases),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            command::say(&format!("error: {error}"));
            ExitCode::FAILURE
        }
    }
}
