//! How verbs that change nothing of a dataset's rows answer: standard output has what was asked for, for a person or as one
//! JSON document; standard error has what was in the way.

use std::fmt;
use std::io::Write as _;

use serde::Serialize;
use tokio_util::sync::CancellationToken;

use crate::fault::Exit;
use crate::run::with_advice;
use crate::trouble::Trouble;

/// How an answer is written.
#[derive(Debug, clap::Args)]
pub(super) struct Form {
    /// Print one JSON document
    #[arg(long)]
    json: bool,
}

impl Form {
    /// The answer as text.
    pub(super) fn write(&self, answer: &(impl Serialize + fmt::Display)) -> String {
        if self.json { serde_json::to_string_pretty(answer).unwrap_or_default() + "\n" } else { answer.to_string() }
    }
}

/// Waits for an answer, unless the worker is asked to stop, prints it, and gives the process's exit code.
pub(super) async fn give(answer: impl Future<Output = Result<String, Trouble>>, stop: &CancellationToken) -> i32 {
    give_with_code(async { answer.await.map(|text| (text, 0)) }, stop).await
}

/// The same of an answer that says itself how the process ends.
pub(super) async fn give_with_code(
    answer: impl Future<Output = Result<(String, i32), Trouble>>,
    stop: &CancellationToken,
) -> i32 {
    let answer = tokio::select! {
        answer = answer => answer,
        () = stop.cancelled() => return Exit::Stopped as i32,
    };
    match answer {
        Ok((text, code)) => {
            // A closed pipe is no error.
            let _ = std::io::stdout().lock().write_all(text.as_bytes());
            code
        }
        Err(trouble) if trouble.exit() == Exit::Stopped => Exit::Stopped as i32,
        Err(trouble) => {
            let _ = writeln!(std::io::stderr().lock(), "error: {}: {}", trouble.code(), with_advice(&trouble));
            trouble.exit() as i32
        }
    }
}
