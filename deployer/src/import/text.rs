//! The texts of imported manifests. Values are written as JSON, which YAML takes as it stands.

use std::fmt::Write as _;

use manifest::task_def::{Arch, Engine, TaskDef};
use serde_json::json;

use super::Job;
use super::secrets::is_secret;

/// What a job runs at most where nothing ended it before: what Fargate promises.
pub(super) const NO_TIMEOUT_SECONDS: u64 = 14 * 86_400;

/// Whether a job may set this variable: AWS and the deployer set the others.
pub(super) fn is_variable(name: &str) -> bool {
    let rest = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let named = !name.is_empty() && name.chars().all(rest) && !name.starts_with(|c: char| c.is_ascii_digit());
    named && !name.starts_with("AWS_BATCH") && !name.starts_with("FRESHET_")
}

pub(super) fn task_def(task_def: &TaskDef) -> String {
    let engine = match task_def.engine {
        Engine::Fargate => "fargate",
        Engine::Batch => "batch",
    };
    let mut text = format!("engine: {engine}\ncpu: {}\nmemory: {}\n", task_def.cpu, task_def.memory);
    if task_def.arch == Arch::Arm64 {
        text.push_str("arch: arm64\n");
    }
    let _ = writeln!(text, "timeout: {}\nattempts: {}", task_def.timeout, task_def.attempts);
    if let Some(storage) = task_def.storage {
        let _ = writeln!(text, "storage: {storage}");
    }
    text
}

pub(super) fn dataset(job: &Job, notes: &[String]) -> String {
    let definition = &job.definition;
    let fired: Vec<String> = job.fired.iter().map(|taken| taken.firing.of.to_string()).collect();
    let by = if fired.is_empty() { "nothing fired it".to_owned() } else { format!("fired by {}", fired.join(", ")) };
    let mut text = format!("# Imported from {}, {by}.\n", line(&definition.name));
    for note in notes {
        let _ = writeln!(text, "# {}", line(note));
    }
    let described = job.fired.iter().map(|taken| line(&taken.firing.description)).find(|words| !words.is_empty());
    let title = described.unwrap_or_else(|| definition.name.split(':').next().unwrap_or_default().to_owned());
    let _ = writeln!(text, "dataset: {}\ntitle: {}\npublisher: imported", job.name, json!(title));
    let _ = writeln!(text, "job:\n  image: {}", json!(definition.image));
    if !definition.command.is_empty() {
        let words: Vec<String> = definition.command.iter().map(|word| json!(word).to_string()).collect();
        let _ = writeln!(text, "  command: [{}]", words.join(", "));
    }
    if !job.secrets.is_empty() {
        let names: Vec<&str> = job.secrets.iter().map(manifest::SecretName::as_str).collect();
        let _ = writeln!(text, "  secrets: [{}]", names.join(", "));
    }
    let plain = definition.environment.iter();
    let mut plain = plain.filter(|(name, value)| is_variable(name) && !is_secret(name, value)).peekable();
    if plain.peek().is_some() {
        text.push_str("  environment:\n");
    }
    for (name, value) in plain {
        let _ = writeln!(text, "    {name}: {}", json!(value));
    }
    text
}

pub(super) fn schedules(jobs: &[Job]) -> String {
    let mut text = "# Imported: each entry names what it replaces, which goes with the apply that makes its own. Take `replaces` out then.\n\
                    schedules:\n"
        .to_owned();
    for job in jobs {
        if job.fired.is_empty() {
            let _ = writeln!(text, "  {}: {{cron: manual, task-def: {}}}", job.name, job.task_def);
            continue;
        }
        let entries: Vec<String> = job
            .fired
            .iter()
            .map(|taken| {
                let firing = &taken.firing;
                let zone =
                    if firing.timezone == "UTC" { String::new() } else { format!("timezone: {}, ", firing.timezone) };
                format!(
                    "{{cron: {}, {zone}task-def: {}, replaces: {}}}",
                    json!(firing.expression),
                    job.task_def,
                    firing.of
                )
            })
            .collect();
        match &entries[..] {
            [one] => drop(writeln!(text, "  {}: {one}", job.name)),
            several => {
                let _ = writeln!(text, "  {}:", job.name);
                for entry in several {
                    let _ = writeln!(text, "    - {entry}");
                }
            }
        }
    }
    text
}

/// Words of others in one line of a comment.
fn line(words: &str) -> String {
    let plain: String = words.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    plain.trim().to_owned()
}
