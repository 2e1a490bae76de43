//! A container job, and what cannot stand beside it.

use std::collections::{BTreeMap, BTreeSet};

use super::stack::is_image;
use crate::dataset::Job;
use crate::document::dataset::{DatasetDocument, JobDocument};
use crate::finding::Code;
use crate::yaml::Reader;

/// The most copies of an array job (Batch: array size 2 to 10,000).
const MAX_COPIES: u32 = 10_000;

pub(crate) fn resolve(dataset: &DatasetDocument, document: &JobDocument, reader: &mut Reader) -> Job {
    contradictions(dataset, reader);
    if !is_image(&document.image.value) {
        let message = format!("`{}` is not the reference of an image", document.image.value);
        reader
            .report(Code::Value, message, document.image.span)
            .help("write registry/name:tag or registry/name@sha256:…");
    }
    let mut secrets = BTreeSet::new();
    for name in document.secrets.iter().flatten() {
        if !secrets.insert(name.value.clone()) {
            reader.report(Code::Value, format!("`{}` stands in secrets twice", name.value), name.span);
        }
        // Looked for in freshet.yml like those of sources.
        reader.secrets.push((name.value.clone(), name.span));
    }
    let mut environment = BTreeMap::new();
    for (name, value) in document.environment.iter().flat_map(|environment| environment.iter()) {
        if let Err(why) = variable(&name.value) {
            reader.report(Code::Value, format!("`{}` {why}", name.value), name.span);
        } else if secrets.iter().any(|secret| secret.as_str() == name.value) {
            let message = format!("`{}` is a secret of this job already", name.value);
            reader.report(Code::Table, message, name.span).help("leave one of the two out");
        }
        environment.insert(name.value.clone(), value.value.0.clone());
    }
    let array = document.array.as_ref().and_then(|array| {
        let copies = u16::try_from(array.value).ok().filter(|_| (2..=MAX_COPIES).contains(&array.value));
        if copies.is_none() {
            let message = format!("{} copies are outside 2 to {MAX_COPIES}", array.value);
            reader.report(Code::Value, message, array.span).help("leave the key out for one");
        }
        copies
    });
    let command = document.command.iter().flatten().map(|word| word.value.0.clone()).collect();
    Job { image: document.image.value.clone(), command, secrets, environment, array }
}

/// Keys that say how the worker loads tables.
fn contradictions(document: &DatasetDocument, reader: &mut Reader) {
    let keys = [
        ("tables", document.tables.is_some()),
        ("views", document.views.is_some()),
        ("after", document.after.is_some()),
        ("load", document.load.is_some()),
        ("schema", document.schema.is_some()),
        ("timezone", document.timezone.is_some()),
        ("publications", document.publications.is_some()),
        ("dependent_views", document.dependent_views.is_some()),
        ("generations", document.generations.is_some()),
        ("alarms", document.alarms.is_some()),
        ("terminate_blockers", document.terminate_blockers.is_some()),
    ];
    let given: Vec<&str> = keys.into_iter().filter(|(_, given)| *given).map(|(key, _)| key).collect();
    if let (Some(job), false) = (&document.job, given.is_empty()) {
        let message =
            format!("a job is run by its own image, and keys for the worker stand beside it: {}", given.join(", "));
        reader.report(Code::Table, message, job.name).help("leave out one or the other");
    }
}

/// Names that a shell knows, and that neither AWS nor the deployer sets.
fn variable(name: &str) -> Result<(), &'static str> {
    let rest = |c: char| c.is_ascii_alphanumeric() || c == '_';
    if name.is_empty() || !name.chars().all(rest) || name.starts_with(|c: char| c.is_ascii_digit()) {
        return Err("is not the name of a variable");
    }
    if name.starts_with("AWS_BATCH") || name.starts_with("FRESHET_") {
        return Err("is a name that AWS or the deployer sets");
    }
    Ok(())
}
