//! Findings about secrets that a run could not read.

use manifest::stack::Need;

use crate::desired::Desired;
use crate::finding::{Code, Finding};
use crate::observed::state::{Observed, SecretState};

/// One finding per name in the worker of a required secret without a value.
pub(super) fn findings(desired: &Desired, observed: &Observed) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (id, need) in desired.secrets.iter().filter(|(_, need)| need.need == Need::Required) {
        let matter = match observed.secrets.get(id) {
            None | Some(SecretState::Present) => continue,
            Some(SecretState::Absent) => "does not exist",
            Some(SecretState::Empty) => "has no value",
            Some(SecretState::Deleted) => "is scheduled for deletion",
        };
        let datasets: Vec<_> = need.datasets.iter().map(ToString::to_string).collect();
        let off = if datasets.is_empty() {
            String::new()
        } else {
            format!("; disabled until then: {}", shortened(&datasets))
        };
        for name in need.names.keys() {
            let message = format!("the secret {id} {matter}{off}");
            let remedy = match observed.secrets.get(id) {
                Some(SecretState::Deleted) => format!("`aws secretsmanager restore-secret --secret-id {id}`"),
                _ => format!("`deploy secrets set {name} --file FILE`, or the value on standard input"),
            };
            findings.push(Finding::new(Code::MissingSecret, name, message, remedy));
        }
    }
    findings
}

fn shortened(names: &[String]) -> String {
    const SHOWN: usize = 5;
    match names.len().checked_sub(SHOWN) {
        None | Some(0) => names.join(", "),
        Some(more) => format!("{} and {more} more", names[..SHOWN].join(", ")),
    }
}
