//! Tools that are wanted but not part of a Rust installation: found on PATH, else installed under `target/tools`.

use std::path::PathBuf;
use std::process::Command;

use crate::command::{cargo, program, root, say, works};

/// `cargo deny`, pinned.
const DENY: &str = "0.20.2";

/// `cargo deny`, installed when it is missing; `None` when it cannot be had, which is said aloud.
pub(crate) fn cargo_deny() -> Option<Command> {
    let installed = root().join("target/tools/bin/cargo-deny");
    for candidate in [PathBuf::from("cargo-deny"), installed.clone()] {
        if works(program(&candidate).arg("--version")) {
            return Some(program(candidate));
        }
    }
    say(&format!("   installing cargo-deny {DENY} under target/tools"));
    let mut install = cargo();
    install
        .args(["install", "--quiet", "cargo-deny", "--locked", "--version", DENY, "--root"])
        .arg(root().join("target/tools"))
        .env("CARGO_TARGET_DIR", root().join("target/tools/build"))
        // It checks a lock file: compile time is all that counts.
        .env("CARGO_PROFILE_RELEASE_OPT_LEVEL", "0");
    works(&mut install).then(|| program(installed))
}

/// Whether a Docker engine answers. The client alone is not enough.
pub(crate) fn docker_engine() -> bool {
    works(program("docker").arg("info"))
}
