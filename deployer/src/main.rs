//! `deploy`: parses the command line, dispatches, and maps errors to exit codes.

use std::process::ExitCode;
use std::str::FromStr;

use clap::Parser;
use deployer::cli::Cli;
use deployer::command;
use deployer::error::Exit;
use deployer::output::tell;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::prelude::*;

fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            let _ = error.print();
            return if error.use_stderr() { Exit::Usage.into() } else { Exit::Done.into() };
        }
    };
    if cli.global.verbose {
        // Our own words only: other crates may write down what a request holds.
        let ours = Targets::from_str("deployer=debug").unwrap_or_default();
        let lines = tracing_subscriber::fmt::layer().with_writer(std::io::stderr).with_target(false).without_time();
        tracing_subscriber::registry().with(lines.with_filter(ours)).init();
    }
    let runtime = match tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            tell(&format!("error: no runtime: {error}"));
            return Exit::Failed.into();
        }
    };
    match runtime.block_on(command::dispatch(cli)) {
        Ok(exit) => exit.into(),
        Err(error) => {
            tell(&error.told());
            error.exit().into()
        }
    }
}
