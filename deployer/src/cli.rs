//! The command line, on one screen.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};
use manifest::{DatasetName, EnvironmentName, SecretName};

/// Keeps public datasets fresh in PostgreSQL: deploys a folder of manifests to AWS.
#[derive(Debug, Parser)]
#[command(name = "deploy", version, max_term_width = 100)]
pub struct Cli {
    /// What all commands share.
    #[command(flatten)]
    pub global: Global,
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// What all commands share.
#[derive(Debug, Clone, Args)]
pub struct Global {
    /// The project: the folder that holds freshet.yml.
    #[arg(long, global = true, default_value = ".", value_name = "FOLDER")]
    pub dir: PathBuf,
    /// The environment of freshet.yml; may be left out when there is only one.
    #[arg(long, global = true, value_name = "NAME")]
    pub env: Option<EnvironmentName>,
    /// An emulator's address instead of AWS.
    #[arg(long, global = true, value_name = "URL")]
    pub endpoint: Option<String>,
    /// How the result is written to standard output.
    #[arg(long, global = true, value_enum, default_value_t, value_name = "FORMAT")]
    pub output: Format,
    /// Tell of every call of AWS on standard error.
    #[arg(long, short, global = true)]
    pub verbose: bool,
}

/// How a result is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub enum Format {
    /// For people.
    #[default]
    Text,
    /// For programs.
    Json,
    /// For a pull request.
    Markdown,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Check the manifests, without a network.
    Check,
    /// Write manifests of datasets.
    #[command(subcommand)]
    Dataset(DatasetVerb),
    /// Print the JSON Schemas of the manifests.
    Schema(Schema),
    /// Show what would change, and when everything fires next.
    Plan(Plan),
    /// Make AWS what the manifests say: definitions, schedules, roles, all of it.
    ScheduleAll(ScheduleAll),
    /// Write manifests of the rules, schedules and job definitions that others made to start tasks and jobs.
    Import(Import),
    /// Set, list and check secrets.
    #[command(subcommand)]
    Secrets(Secrets),
    /// Load a dataset now, with the definition that is registered.
    Run(Run),
    /// Show each dataset's schedule, next firing and last run.
    Status(Status),
    /// Let datasets not fire for a while; `schedule-all` keeps it so.
    Pause(Pause),
    /// Let them fire again.
    Resume(Resume),
    /// Let a dataset's schedules start an earlier revision: image, size, manifest and SQL as they were then.
    Rollback(Rollback),
    /// Compare every resource field by field with what it should be.
    Drift(Drift),
    /// What whoever deploys must be allowed, and the stack's own roles.
    #[command(subcommand)]
    Iam(Iam),
    /// Deregister old revisions of definitions to which nothing refers.
    Gc(Gc),
    /// Delete everything of the stack in this environment.
    Destroy(Destroy),
}

/// What to do with datasets.
#[derive(Debug, Subcommand)]
pub enum DatasetVerb {
    /// Write a manifest that loads, a sample and an expectation, of a publisher's file or address.
    New(NewDataset),
}

/// Options of `dataset new`.
#[derive(Debug, Args)]
pub struct NewDataset {
    /// The file's address, a portal's dataset, a layer of a map service, or a file of this machine.
    #[arg(value_name = "URL|FILE")]
    pub source: String,
    /// The dataset's name; made from the file's when absent.
    #[arg(long)]
    pub name: Option<DatasetName>,
    /// The folder of datasets/ it goes to; may be left out when there is only one.
    #[arg(long, value_name = "FOLDER")]
    pub place: Option<String>,
    /// A file in an archive, or a pattern for several.
    #[arg(long, value_name = "NAME")]
    pub member: Option<String>,
}

/// Options of `schema`.
#[derive(Debug, Args)]
pub struct Schema {
    /// Write one file per kind of manifest into this folder instead.
    #[arg(long, value_name = "FOLDER")]
    pub out: Option<PathBuf>,
}

/// Options of `plan`.
#[derive(Debug, Args)]
pub struct Plan {
    /// What is planned.
    #[command(flatten)]
    pub selection: Selection,
    /// Write the plan to this file, for `schedule-all --plan`.
    #[arg(long, value_name = "FILE", conflicts_with = "offline")]
    pub out: Option<PathBuf>,
    /// Ask nobody: what the manifests would make where nothing exists yet.
    #[arg(long)]
    pub offline: bool,
}

/// Options of `schedule-all`.
#[derive(Debug, Args)]
pub struct ScheduleAll {
    /// What is applied.
    #[command(flatten)]
    pub selection: Selection,
    /// Apply exactly this plan; ends with 3, and touches nothing, when it is no longer what would be done.
    #[arg(long, value_name = "FILE")]
    pub plan: Option<PathBuf>,
}

/// Options of `import`.
#[derive(Debug, Args)]
pub struct Import {
    /// Only these rules, schedules or job definitions.
    pub names: Vec<String>,
    /// The folder of datasets/ and the file of schedules/ that they go to.
    #[arg(long, default_value = "imported", value_name = "FOLDER")]
    pub place: String,
}

/// Options of `plan` and `schedule-all`.
#[derive(Debug, Default, Args)]
pub struct Selection {
    /// Only these datasets; nothing is deleted then.
    #[arg(long, value_name = "DATASET")]
    pub only: Vec<DatasetName>,
    /// All but these datasets, which are left as they are.
    #[arg(long, value_name = "DATASET", conflicts_with = "only")]
    pub exclude: Vec<DatasetName>,
    /// Take over something of this name that exists without our marker. What CloudFormation, Terraform or another stack
    /// keeps is never taken.
    #[arg(long, value_name = "NAME")]
    pub adopt: Vec<String>,
    /// So many deletions are expected.
    #[arg(long, value_name = "N")]
    pub allow_deletes: Option<usize>,
    /// End with 2 when there are changes.
    #[arg(long)]
    pub detailed_exitcode: bool,
}

/// What to do with secrets.
#[derive(Debug, Subcommand)]
pub enum Secrets {
    /// Give a secret its value: from standard input, or from a file. Never from the command line.
    Set(SetSecret),
    /// List the secrets of the stack and whether they have a value.
    List,
    /// Read every secret and check that it holds the keys that the manifests name.
    Check,
}

/// What to do about permissions.
#[derive(Debug, Subcommand)]
pub enum Iam {
    /// Print the policy that whoever deploys needs, without a network.
    Policy,
    /// Compare the stack's roles with what they should be.
    Diff,
}

/// Options of `secrets set`.
#[derive(Debug, Args)]
pub struct SetSecret {
    /// Its name in freshet.yml, such as `DATABASE_URL`.
    pub name: SecretName,
    /// Read the value from this file instead of standard input.
    #[arg(long, value_name = "FILE")]
    pub file: Option<PathBuf>,
    /// Write to a secret that exists without our marker, and mark it.
    #[arg(long)]
    pub adopt: bool,
}

/// Options of `run`.
#[derive(Debug, Args)]
pub struct Run {
    /// The dataset.
    pub dataset: DatasetName,
    /// Read everything, and reconcile what the source no longer holds.
    #[arg(long)]
    pub full: bool,
    /// What the worker is told instead of `load`: `-- load --accept-drop`, `-- publish`, `-- rollback`, `-- doctor --sql`.
    #[arg(last = true, value_name = "WORKER")]
    pub worker: Vec<String>,
}

/// Options of `status`.
#[derive(Debug, Args)]
pub struct Status {
    /// Only these datasets.
    pub datasets: Vec<DatasetName>,
    /// Look for runs in the log of so many days.
    #[arg(long, default_value_t = 35, value_name = "DAYS", value_parser = clap::value_parser!(u16).range(1..=3653))]
    pub days: u16,
}

/// Options of `pause`.
#[derive(Debug, Args)]
pub struct Pause {
    /// These datasets.
    #[arg(required_unless_present = "all", conflicts_with = "all", value_name = "DATASET")]
    pub datasets: Vec<DatasetName>,
    /// Every dataset of the stack.
    #[arg(long)]
    pub all: bool,
    /// They fire again by themselves after this: `12h`, `3d` or `2026-12-01T06:00Z`.
    #[arg(long, value_name = "TIME")]
    pub until: Option<Until>,
}

/// Options of `resume`.
#[derive(Debug, Args)]
pub struct Resume {
    /// These datasets.
    #[arg(required_unless_present = "all", conflicts_with = "all", value_name = "DATASET")]
    pub datasets: Vec<DatasetName>,
    /// Every dataset of the stack.
    #[arg(long)]
    pub all: bool,
}

/// Options of `rollback`.
#[derive(Debug, Args)]
pub struct Rollback {
    /// The dataset.
    pub dataset: DatasetName,
    /// This revision instead of the one before.
    #[arg(long, value_name = "REVISION", conflicts_with = "unpin")]
    pub to: Option<u32>,
    /// The newest again, and those that follow.
    #[arg(long)]
    pub unpin: bool,
}

/// Options of `drift`.
#[derive(Debug, Args)]
pub struct Drift {
    /// Make right what drifted.
    #[arg(long)]
    pub repair: bool,
}

/// Options of `gc`.
#[derive(Debug, Args)]
pub struct Gc {
    /// So many of the newest revisions of each definition stay, whether anything refers to them or not.
    #[arg(long, default_value_t = 5, value_name = "N", value_parser = clap::value_parser!(u8).range(1..))]
    pub keep: u8,
    /// Show what would go.
    #[arg(long)]
    pub dry_run: bool,
}

/// Options of `destroy`.
#[derive(Debug, Args)]
pub struct Destroy {
    /// Logs and secrets too. Secrets can be restored for thirty days.
    #[arg(long)]
    pub data: bool,
    /// Stack and environment once more, such as `nycdb/test`; without it the plan is shown and nothing is touched.
    #[arg(long, value_name = "STACK/ENV")]
    pub confirm: Option<String>,
}

/// A time that is still to come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Until {
    /// An instant.
    At(jiff::Timestamp),
    /// So many seconds from now.
    In(u64),
}

impl std::str::FromStr for Until {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        if let Ok(span) = text.parse::<manifest::quantity::Span>() {
            return Ok(Self::In(span.seconds()));
        }
        text.parse().map(Self::At).map_err(|_| format!("`{text}` is no time; write 12h, 3d or 2026-12-01T06:00Z"))
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_holds_together() {
        Cli::command().debug_assert();
    }

    #[test]
    fn a_secrets_value_cannot_stand_on_the_command_line() {
        let parsed = Cli::try_parse_from(["deploy", "secrets", "set", "DATABASE_URL", "postgres://x"]);
        assert!(parsed.is_err());
    }
}
