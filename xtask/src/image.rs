//! `cargo xtask image`: the worker's image, from the bases that the Dockerfile names or, where no registry can be
//! reached, from bases made of Debian packages and this machine's own Rust toolchain and crate cache.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use freshet_tests::postgres::{Durability, PostgresCluster};

use crate::command::{Outcome, cargo, program, root, say, step, works};
use crate::tools;

/// Debian's release in the bases that are made here; the same for both, so that the binary finds its glibc.
const SUITE: &str = "bookworm";
/// The Dockerfile's own; whether it can be had tells whether a registry can be reached.
const PULLED_RUN_BASE: &str = "gcr.io/distroless/cc-debian12:nonroot";
const MADE_BUILD_BASE: &str = "freshet-build-base";
const MADE_RUN_BASE: &str = "freshet-run-base";

/// Where an image's bases come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Bases {
    /// Those of the Dockerfile, pulled from their registries
    Pulled,
    /// Made by debootstrap and this machine's toolchain
    Made,
}

/// How the binary inside is compiled.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Profile {
    /// What is deployed
    Release,
    /// Compiles in a quarter of the time
    Dev,
}

/// Builds the image under this tag.
pub(crate) fn build(tag: &str, profile: Profile, bases: Bases) -> Outcome {
    if !tools::docker_engine() {
        return Err("no Docker engine answers; install one (apt-get install docker.io) and start it".to_owned());
    }
    let mut docker = program("docker");
    docker.args(["build", "--tag", tag, "--build-arg"]);
    docker.arg(format!("PROFILE={}", if profile == Profile::Dev { "dev" } else { "release" }));
    if bases == Bases::Made {
        make_bases()?;
        let bundle = certificates()?;
        for argument in [
            format!("BUILD_BASE={}", made_build_base()?),
            format!("RUN_BASE={MADE_RUN_BASE}:{SUITE}"),
            format!("RDS_BUNDLE={bundle}"),
        ] {
            docker.arg("--build-arg").arg(argument);
        }
    }
    step(&format!("image {tag}"), docker.arg("."))
}

/// The tag of the image that [`check`] builds.
const CHECKED: &str = "freshet-worker:checked";
/// What it loads: a zip, so that it must spool.
const LOADED: &str = "pluto_16v2";

/// Builds the image and loads a dataset through it, as a definition would: the manifest in its environment, a read-only
/// root, no user of its own. Says so in `skipped` where there is no Docker engine.
pub(crate) fn check(skipped: &mut Vec<String>) -> Outcome {
    if !tools::docker_engine() {
        skipped.push("the worker's image: no Docker engine answers".to_owned());
        return Ok(());
    }
    let pulled = works(program("docker").args(["pull", "--quiet", PULLED_RUN_BASE]));
    build(CHECKED, Profile::Dev, if pulled { Bases::Pulled } else { Bases::Made })?;
    say("── a load through the image");
    load_through(CHECKED).map_err(|error| format!("a load through the image: {error}"))?;
    say("   a load through the image: passed");
    Ok(())
}

fn load_through(tag: &str) -> Result<(), Box<dyn std::error::Error>> {
    let user = Command::new("docker").args(["inspect", "--format", "{{.Config.User}}", tag]).output()?;
    let user = String::from_utf8_lossy(&user.stdout).trim().to_owned();
    if user.is_empty() || user.starts_with("root") || user.starts_with('0') {
        return Err(format!("the image runs as {user:?}").into());
    }
    let dataset = manifest::load_dataset(&root().join(format!("datasets/nyc/{LOADED}.yml")))
        .map_err(|findings| findings.to_string())?;
    let (variable, value) = manifest::contract::pack(&dataset)?;
    let cluster = PostgresCluster::start(Durability::Off)?;
    let database = cluster.fresh_database()?;
    let samples = fs::canonicalize(root().join("datasets/nyc/samples"))?;
    let output = Command::new("docker")
        .args(["run", "--rm", "--network", "host", "--read-only", "--tmpfs", "/tmp", "--cap-drop", "ALL"])
        .arg("--volume")
        .arg(format!("{}:/samples:ro", samples.display()))
        // Values stay out of the arguments.
        .args(["--env", "DATABASE_URL", "--env", variable, tag, "load", "--from", "/samples"])
        .env("DATABASE_URL", format!("{}?sslmode=disable", database.url))
        .env(variable, value)
        .output()?;
    if !output.status.success() {
        return Err(format!("{}\n{}", output.status, String::from_utf8_lossy(&output.stderr)).into());
    }
    let rows = cluster.query_value(&database.name, &format!("SELECT count(*) FROM public.{LOADED}"))?;
    if rows.as_deref() == Some("6") { Ok(()) } else { Err(format!("{rows:?} rows instead of 6").into()) }
}

/// The system's certificates in the build context, in the place of Amazon's bundle.
fn certificates() -> Outcome<String> {
    const INSIDE: &str = "target/image/certificates.pem";
    let to = root().join(INSIDE);
    let copied = fs::create_dir_all(root().join("target/image"))
        .and_then(|()| fs::copy("/etc/ssl/certs/ca-certificates.crt", &to));
    copied.map_err(|error| format!("cannot copy the system's certificates to {}: {error}", to.display()))?;
    Ok(INSIDE.to_owned())
}

/// The tag of the base that holds the crates of the present lock file, so that a changed one is not built offline.
fn made_build_base() -> Outcome<String> {
    let lock = fs::read(root().join("Cargo.lock")).map_err(|error| format!("Cargo.lock: {error}"))?;
    Ok(format!("{MADE_BUILD_BASE}:{SUITE}-{}", manifest::ContentHash::of_bytes(&lock).prefix(12)))
}

fn make_bases() -> Outcome {
    make_base(&format!("{MADE_RUN_BASE}:{SUITE}"), &[], &[], |_| Ok(()))?;
    let tag = made_build_base()?;
    // All crates of the lock file, also those that only other platforms' builds need to be named.
    step("crates of the lock file", cargo().args(["fetch", "--quiet", "--locked"]))?;
    let offline = ["ENV CARGO_NET_OFFLINE=true", "ENV CARGO_HOME=/usr/local/cargo"];
    make_base(&tag, &["gcc", "libc6-dev", "ca-certificates"], &offline, add_toolchain)
}

/// Makes an image of Debian's packages unless the engine has it.
fn make_base(tag: &str, packages: &[&str], settings: &[&str], complete: fn(&Path) -> Outcome) -> Outcome {
    if works(program("docker").args(["image", "inspect", tag])) {
        return Ok(());
    }
    let folder = Scratch::new("base")?;
    let mut debootstrap = program("debootstrap");
    debootstrap.args(["--variant=minbase"]);
    if !packages.is_empty() {
        debootstrap.arg(format!("--include={}", packages.join(",")));
    }
    debootstrap.arg(SUITE).arg(&folder.0).stdout(Stdio::null());
    step(&format!("base {tag} from Debian's packages"), &mut debootstrap)
        .map_err(|error| format!("{error}; making a base needs root and debootstrap (apt-get install debootstrap)"))?;
    complete(&folder.0)?;
    import(&folder.0, tag, settings)
}

fn add_toolchain(base: &Path) -> Outcome {
    let output = program("rustc").args(["--print", "sysroot"]).output().map_err(|error| format!("rustc: {error}"))?;
    let sysroot = PathBuf::from(String::from_utf8_lossy(&output.stdout).trim());
    let cargo_home = std::env::var_os("CARGO_HOME")
        .map(PathBuf::from)
        .or_else(|| Some(PathBuf::from(std::env::var_os("HOME")?).join(".cargo")))
        .ok_or("neither CARGO_HOME nor HOME is set")?;
    copy(&sysroot.join("bin"), &base.join("usr/local/"))?;
    copy(&sysroot.join("lib"), &base.join("usr/local/"))?;
    for part in ["registry/index", "registry/cache"] {
        copy(&cargo_home.join(part), &base.join("usr/local/cargo/registry/"))?;
    }
    Ok(())
}

fn copy(from: &Path, into: &Path) -> Outcome {
    fs::create_dir_all(into).map_err(|error| format!("{}: {error}", into.display()))?;
    let mut command = program("cp");
    command.arg("--archive").arg(from).arg(into);
    if works(&mut command) { Ok(()) } else { Err(format!("cannot copy {} into {}", from.display(), into.display())) }
}

fn import(folder: &Path, tag: &str, settings: &[&str]) -> Outcome {
    let mut tar = program("tar")
        .args(["--create", "--one-file-system", "--directory"])
        .arg(folder)
        .arg(".")
        .stdout(Stdio::piped())
        .spawn()
        .map_err(|error| format!("tar: {error}"))?;
    let archive = tar.stdout.take().ok_or("tar gives no output")?;
    let mut docker = Command::new("docker");
    docker.arg("import");
    for setting in settings {
        docker.args(["--change", setting]);
    }
    let imported = docker.args(["-", tag]).stdin(archive).stdout(Stdio::null()).status();
    let packed = tar.wait().map_err(|error| format!("tar: {error}"))?;
    match imported {
        Ok(status) if status.success() && packed.success() => Ok(()),
        Ok(status) => Err(format!("docker import {tag}: {status}; tar: {packed}")),
        Err(error) => Err(format!("docker import {tag}: {error}")),
    }
}

/// A folder that is gone when its handle is.
struct Scratch(PathBuf);

impl Scratch {
    fn new(name: &str) -> Outcome<Self> {
        let folder = root().join("target/image").join(name);
        let _ = fs::remove_dir_all(&folder);
        fs::create_dir_all(&folder).map_err(|error| format!("{}: {error}", folder.display()))?;
        Ok(Self(folder))
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        if fs::remove_dir_all(&self.0).is_err() {
            say(&format!("could not remove {}", self.0.display()));
        }
    }
}
