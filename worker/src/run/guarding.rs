//! The guards of a run: what does not hold is refused, told, or accepted by a person.

use super::complete::Complete;
use super::{Run, RunError};
use crate::ledger::Ledger;
use crate::publish::Survey;
use crate::publish::guard::{Examination, Staged};
use crate::report::Fact;
use crate::staging::{Blueprint, Extent};
use crate::trouble::Trouble;

/// What a person lets pass although it does not hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Accept {
    /// Nothing.
    Nothing,
    /// `--accept-drop`: fewer rows than are live.
    Drop,
}

impl Run<'_> {
    /// Judges the rows in staging before anybody sees them. Returns what was accepted, in words.
    pub(super) async fn guard(
        &self,
        accept: Accept,
        complete: &Complete,
        ledger: &Ledger,
        survey: &Survey,
        blueprints: &[Blueprint],
    ) -> Result<Vec<String>, Trouble> {
        let now = jiff::Timestamp::now();
        let dataset = survey.as_staged(self.dataset, &complete.mark);
        let inventory = &survey.inventory;
        let examination = Examination { staging: &complete.staging, dataset: &dataset, inventory, now };
        let (mut breaches, mut accepted) = (Vec::new(), Vec::new());
        for blueprint in blueprints {
            let name = blueprint.table.as_str();
            let table = complete.tables.get(name);
            let staged = Staged {
                blueprint,
                rows: table.map_or(0, |table| table.counts.rows),
                places: table.and_then(|table| table.places.as_ref()),
                duplicates: table.and_then(|table| table.duplicates.as_ref()),
            };
            for finding in examination.table(&staged).await? {
                let detail = finding.to_string();
                if !finding.binds_samples() && complete.mark.extent() == Extent::Sample {
                    self.reporter.tell(&Fact::Expectation { table: name.to_owned(), detail });
                } else if finding.is_drop() && accept == Accept::Drop {
                    self.reporter.tell(&Fact::Accepted { table: name.to_owned(), detail: detail.clone() });
                    accepted.push(detail);
                } else {
                    breaches.push(finding);
                }
            }
        }
        if !breaches.is_empty() {
            let (dataset, schema) = (self.dataset.dataset.to_string(), complete.staging.schema().to_owned());
            return Err(RunError::Guard { breaches, dataset, schema }.into());
        }
        if !accepted.is_empty() {
            ledger.accepted(self.id, &accepted.join("; ")).await?;
        }
        Ok(accepted)
    }
}
