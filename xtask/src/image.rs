//! `cargo xtask image`: the worker's image, from the bases that the Dockerfile names or, where no registry can be
//! reached, from bases made of Debian packages and this machine's own Rust toolchain and crate cache.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::command::{Outcome, program, root, say, step, works};
use crate::tools;

/// Debian's release in the bases that are made here; the same for both, so that the binary finds its glibc.
const SUITE: &str = "bookworm";
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
            format!("BUILD_BASE={MADE_BUILD_BASE}:{SUITE}"),
            format!("RUN_BASE={MADE_RUN_BASE}:{SUITE}"),
            format!("RDS_BUNDLE={bundle}"),
        ] {
            docker.arg("--build-arg").arg(argument);
        }
    }
    step(&format!("image {tag}"), docker.arg("."))
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

fn make_bases() -> Outcome {
    make_base(MADE_RUN_BASE, &[], &[], |_| Ok(()))?;
    let offline = ["ENV CARGO_NET_OFFLINE=true", "ENV CARGO_HOME=/usr/local/cargo"];
    make_base(MADE_BUILD_BASE, &["gcc", "libc6-dev", "ca-certificates"], &offline, add_toolchain)
}

/// Makes an image of Debian's packages unless the engine has it.
fn make_base(name: &str, packages: &[&str], settings: &[&str], complete: fn(&Path) -> Outcome) -> Outcome {
    let tag = format!("{name}:{SUITE}");
    if works(program("docker").args(["image", "inspect", &tag])) {
        return Ok(());
    }
    let folder = Scratch::new(name)?;
    let mut debootstrap = program("debootstrap");
    debootstrap.args(["--variant=minbase"]);
    if !packages.is_empty() {
        debootstrap.arg(format!("--include={}", packages.join(",")));
    }
    debootstrap.arg(SUITE).arg(&folder.0).stdout(Stdio::null());
    step(&format!("base {tag} from Debian's packages"), &mut debootstrap)
        .map_err(|error| format!("{error}; making a base needs root and debootstrap (apt-get install debootstrap)"))?;
    complete(&folder.0)?;
    import(&folder.0, &tag, settings)
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
