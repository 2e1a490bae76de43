//! `cargo xtask test`: everything a change must pass.

use crate::command::{Outcome, cargo, program, say, step, works};
use crate::{fuzz, image, tools};

/// Runs every check, stops at the first that fails, and ends with what could not be checked on this machine.
pub(crate) fn run() -> Outcome {
    let mut skipped = Vec::new();

    step("format", cargo().args(["fmt", "--all", "--check"]))?;
    step("lints", cargo().args(["clippy", "--workspace", "--all-targets", "--locked", "--", "--deny", "warnings"]))?;
    step("binaries", cargo().args(["build", "--workspace", "--bins", "--locked"]))?;
    // cargo's own runner keeps a test binary in one process, in which tests share one PostgreSQL.
    // All that fails is shown at once.
    step("tests", cargo().args(["test", "--workspace", "--all-targets", "--locked", "--no-fail-fast"]))?;
    step("documentation tests", cargo().args(["test", "--workspace", "--doc", "--locked"]))?;
    step(
        "documentation",
        cargo().args(["doc", "--workspace", "--no-deps", "--locked"]).env("RUSTDOCFLAGS", "-D warnings"),
    )?;
    if fuzz::is_possible() {
        fuzz::run(&fuzz::Options::default())?;
    } else {
        skipped.push("fuzzing: there is no C++ compiler to build libFuzzer with".to_owned());
    }
    deny(&mut skipped)?;
    image::check(&mut skipped)?;

    say("");
    for what in &skipped {
        say(&format!("skipped: {what}"));
    }
    say("everything that could be checked here passed");
    Ok(())
}

fn deny(skipped: &mut Vec<String>) -> Outcome {
    let Some(mut deny) = tools::cargo_deny() else {
        skipped.push("licences, bans and advisories: cargo-deny could not be installed".to_owned());
        return Ok(());
    };
    step("licences, bans and sources", deny.args(["check", "licenses", "bans", "sources"]))?;
    let mut advisories = tools::cargo_deny().unwrap_or_else(|| program("cargo-deny"));
    if works(advisories.args(["fetch", "db"])) {
        let mut check = tools::cargo_deny().unwrap_or_else(|| program("cargo-deny"));
        step("advisories", check.args(["check", "--disable-fetch", "advisories"]))?;
    } else {
        skipped.push("advisories: the database could not be fetched (no network)".to_owned());
    }
    Ok(())
}
