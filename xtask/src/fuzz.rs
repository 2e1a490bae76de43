//! `cargo xtask fuzz`: libFuzzer over every target of the crate `fuzz`, side by side. Only what is the workspace's own is compiled for it,
//! by stable Rust; the crates that it depends on are those of every other build.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use crate::command::{Outcome, cargo, program, root, say, step, works};

/// How long each target is run unless it is said otherwise.
const SECONDS: u32 = 30;

/// How long one input may take, in seconds.
const SLOWEST: u32 = 10;

/// What one target may take, in megabytes.
const MEMORY: u32 = 2_048;

/// Longest input, in bytes.
const LONGEST: u32 = 4_096;

/// What is run.
#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    /// These targets alone
    targets: Vec<String>,
    /// How long each is run
    #[arg(long, default_value_t = SECONDS)]
    seconds: u32,
}

/// As in CI.
impl Default for Options {
    fn default() -> Self {
        Self { targets: Vec::new(), seconds: SECONDS }
    }
}

/// Whether libFuzzer can be compiled here.
pub(crate) fn is_possible() -> bool {
    works(program("c++").arg("--version"))
}

/// Runs the targets and tells what they reached; an error names the input on which one failed.
pub(crate) fn run(options: &Options) -> Outcome {
    if !is_possible() {
        return Err("libFuzzer needs a C++ compiler: install one, on Debian by `apt-get install g++`".to_owned());
    }
    let targets = targets()?;
    if let Some(unknown) = options.targets.iter().find(|name| !targets.contains(name)) {
        return Err(format!("there is no target {unknown}; there are {}", targets.join(", ")));
    }
    let mut build = cargo();
    build.args(["build", "--quiet", "--locked", "--package", "fuzz", "--features", "libfuzzer", "--bin", "fuzz"]);
    step("fuzz targets", build.env("RUSTC_WORKSPACE_WRAPPER", root().join("fuzz/instrumented")))?;
    let chosen = targets.into_iter().filter(|name| options.targets.is_empty() || options.targets.contains(name));
    let runs: Vec<Running> = chosen.map(|name| Running::start(name, options.seconds)).collect::<Result<_, _>>()?;
    say(&format!("── {} targets, {} s each, side by side", runs.len(), options.seconds));
    let ended: Vec<Outcome> = runs.into_iter().map(Running::end).collect();
    ended.into_iter().collect()
}

/// The names of the targets: each has a folder of inputs, which a test of theirs makes sure of.
fn targets() -> Outcome<Vec<String>> {
    let wrong = |error: std::io::Error| format!("fuzz/corpus: {error}");
    let entries = fs::read_dir(root().join("fuzz/corpus")).map_err(wrong)?;
    let names = entries.map(|entry| Ok(entry.map_err(wrong)?.file_name().to_string_lossy().into_owned()));
    let mut names = names.collect::<Outcome<Vec<_>>>()?;
    names.sort();
    Ok(names)
}

/// A target that runs.
struct Running {
    name: String,
    folder: PathBuf,
    process: Child,
}

impl Running {
    fn start(name: String, seconds: u32) -> Outcome<Self> {
        let wrong = |error: std::io::Error| format!("{name}: {error}");
        let folder = target_folder().join("fuzz").join(&name);
        // Inputs that reach something new are kept for the next time.
        let grown = folder.join("corpus");
        fs::create_dir_all(&grown).map_err(wrong)?;
        let log = File::create(folder.join("log")).map_err(wrong)?;
        let mut command = Command::new(target_folder().join("debug/fuzz"));
        command.env("FRESHET_FUZZ", &name).arg(grown).arg(root().join("fuzz/corpus").join(&name));
        command.args([
            format!("-max_total_time={seconds}"),
            format!("-timeout={SLOWEST}"),
            format!("-rss_limit_mb={MEMORY}"),
            format!("-max_len={LONGEST}"),
            format!("-artifact_prefix={}/", folder.display()),
            "-print_final_stats=1".to_owned(),
        ]);
        let output = log.try_clone().map_err(wrong)?;
        let process = command.stdin(Stdio::null()).stdout(output).stderr(log).spawn().map_err(wrong)?;
        Ok(Self { name, folder, process })
    }

    fn end(mut self) -> Outcome {
        let name = &self.name;
        let status = self.process.wait().map_err(|error| format!("{name}: {error}"))?;
        let log = fs::read(self.folder.join("log")).unwrap_or_default();
        let log = String::from_utf8_lossy(&log);
        if !status.success() {
            let lines: Vec<&str> = log.lines().collect();
            say(&lines[lines.len().saturating_sub(40)..].join("\n"));
            return Err(format!(
                "{name}: {status}; the input is in {}: put it into fuzz/corpus/{name} and run `cargo test -p fuzz`",
                self.folder.display()
            ));
        }
        let word = |line: &str, before: &str| {
            line.split_once(before).and_then(|(_, rest)| rest.split_whitespace().next().map(str::to_owned))
        };
        let inputs = log.lines().rev().find_map(|line| word(line, "stat::number_of_executed_units:"));
        let reached = log.lines().rev().find_map(|line| word(line, "cov: "));
        let (Some(inputs), Some(reached)) = (inputs, reached) else {
            return Err(format!("{name}: it reached nothing; see {}", self.folder.join("log").display()));
        };
        say(&format!("   {name}: {inputs} inputs, {reached} places in the code reached"));
        Ok(())
    }
}

/// Where cargo puts things.
fn target_folder() -> PathBuf {
    root().join(std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| Path::new("target").to_path_buf(), PathBuf::from))
}
