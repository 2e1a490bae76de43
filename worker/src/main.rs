//! The worker's binary: parse, dispatch, exit.

use std::process::ExitCode;

use clap::Parser;
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;
use worker::command::Cli;

/// `EX_USAGE` of `sysexits.h`; clap's own is 2.
const USAGE: u8 = 64;

fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            // A closed pipe is no reason to end otherwise.
            let _ = error.print();
            return if error.use_stderr() { ExitCode::from(USAGE) } else { ExitCode::SUCCESS };
        }
    };
    // What the SDK and the HTTP client have to say is of interest to whoever asks for it.
    tracing_subscriber::fmt()
        .with_env_filter(tracing_subscriber::EnvFilter::from_env("FRESHET_TRACE"))
        .with_writer(std::io::stderr)
        .init();
    // Fails only when there is one already, which is then the one.
    let _ = rustls::crypto::ring::default_provider().install_default();

    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            eprintln!("error: the runtime could not be started: {error}");
            return ExitCode::FAILURE;
        }
    };
    let code = runtime.block_on(async {
        let stop = stop_on_signals();
        let environment = |name: &str| std::env::var(name).ok();
        cli.verb.run(environment, stop).await
    });
    // A reading thread that still waits for a publisher does not keep the process.
    runtime.shutdown_background();
    ExitCode::from(u8::try_from(code).unwrap_or(1))
}

/// Cancelled by SIGTERM (ECS, Batch, Docker) and SIGINT (a person).
fn stop_on_signals() -> CancellationToken {
    let stop = CancellationToken::new();
    for kind in [SignalKind::terminate(), SignalKind::interrupt()] {
        let stop = stop.clone();
        if let Ok(mut signals) = signal(kind) {
            tokio::spawn(async move {
                signals.recv().await;
                stop.cancel();
            });
        }
    }
    stop
}
