//! The secrets that datasets need. In: the manifests. Out: each secret by its id in Secrets Manager, with who needs it, and
//! findings. Values are never here: a secret is only looked for.

use std::collections::{BTreeMap, BTreeSet};

use manifest::stack::Need;
use manifest::{DatasetName, SecretName};

use super::{Manifests, definition};
use crate::finding::{Code, Finding};

/// One secret in Secrets Manager, and what it is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SecretNeed {
    /// Its names in the worker, each with the key of its JSON that holds it.
    pub names: BTreeMap<SecretName, Option<String>>,
    /// Whether some run cannot do without it.
    pub need: Need,
    /// Datasets that are given it.
    pub datasets: BTreeSet<DatasetName>,
}

/// Every secret of the stack by id, those included that no dataset is given.
pub fn needs(manifests: &Manifests) -> BTreeMap<String, SecretNeed> {
    let mut needs: BTreeMap<String, SecretNeed> = BTreeMap::new();
    for (name, reference) in &manifests.environment.secrets {
        let need = needs.entry(reference.id.clone()).or_insert_with(|| SecretNeed {
            names: BTreeMap::new(),
            need: Need::Optional,
            datasets: BTreeSet::new(),
        });
        need.names.insert(name.clone(), reference.json_key.clone());
        if reference.need == Need::Required {
            need.need = Need::Required;
        }
        let given = |dataset: &&DatasetName| {
            manifests
                .datasets
                .get(*dataset)
                .is_some_and(|dataset| definition::secrets(&manifests.environment, dataset).contains_key(name))
        };
        let placed = manifests.schedules.iter().map(|schedule| &schedule.dataset).chain(manifests.manual.keys());
        need.datasets.extend(placed.filter(given).cloned());
    }
    needs
}

/// The required names in the worker of secrets without a value.
pub fn missing(
    needs: &BTreeMap<String, SecretNeed>,
    manifests: &Manifests,
    absent: &BTreeSet<String>,
) -> BTreeSet<SecretName> {
    let required =
        |name: &&SecretName| manifests.environment.secrets.get(*name).is_some_and(|r| r.need == Need::Required);
    needs
        .iter()
        .filter(|(id, _)| absent.contains(*id))
        .flat_map(|(_, need)| need.names.keys())
        .filter(required)
        .cloned()
        .collect()
}

/// Findings about what the manifests say of secrets.
pub fn findings(manifests: &Manifests) -> Vec<Finding> {
    let environment = &manifests.environment;
    let mut findings = Vec::new();
    let named: BTreeSet<SecretName> = manifests.datasets.values().flat_map(manifest::Dataset::secrets).collect();
    for name in environment.secrets.keys() {
        if !named.contains(name) && !definition::OF_THE_WORKER.contains(&name.as_str()) {
            let message = "no dataset names it and the worker has no use for it, so no run is given it";
            let remedy = format!("write ${{secret:{name}}} in a source, or leave it out of freshet.yml");
            findings.push(Finding::new(Code::UnusedSecret, format!("secrets.{name}"), message, remedy));
        }
    }
    for dataset in manifests.datasets.values().filter(|dataset| dataset.job.is_some()) {
        for (name, _) in definition::secrets(environment, dataset).into_iter().filter(|(_, r)| r.need == Need::Optional)
        {
            let message = format!("the job is given {name}, which is optional: without it AWS would not start the job");
            let remedy = format!("make secrets.{name} required in freshet.yml, or take it out of the job's secrets");
            findings.push(Finding::new(Code::OptionalSecret, &dataset.dataset, message, remedy));
        }
    }
    findings
}
