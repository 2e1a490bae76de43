//! `deploy check`: everything that can be known without a network.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use manifest::Findings;
use manifest::finding::Code;
use manifest::project::EnvironmentError;
use serde::Serialize;

use crate::cli::Global;
use crate::desired::{Desired, Manifests};
use crate::error::{Error, Exit};
use crate::finding::{Finding, Severity};
use crate::output::{Report, print};
use crate::project;
use crate::render;

/// What was checked, and what was found.
#[derive(Debug, Default, Serialize)]
pub struct Checked {
    /// What is wrong in the manifests, or worth knowing, with its place.
    pub manifests: Findings,
    /// One entry per environment that was checked.
    pub environments: Vec<CheckedEnvironment>,
    /// Environments that need variables that are not set here.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub not_checked: Vec<String>,
}

/// One environment.
#[derive(Debug, Serialize)]
pub struct CheckedEnvironment {
    /// Its name.
    pub environment: String,
    /// Datasets in the folder.
    pub datasets: usize,
    /// Schedules.
    pub schedules: usize,
    /// Resources that would be made.
    pub resources: usize,
    /// What AWS would refuse, and what is worth knowing.
    pub findings: Vec<Finding>,
}

impl CheckedEnvironment {
    fn new(manifests: &Manifests) -> Self {
        let desired = Desired::new(manifests, &BTreeSet::new());
        Self {
            environment: manifests.environment.name.to_string(),
            datasets: manifests.datasets.len(),
            schedules: manifests.schedules.len(),
            resources: desired.resources.len(),
            findings: desired.findings,
        }
    }
}

impl Checked {
    fn is_serious(&self) -> bool {
        let mut findings = self.environments.iter().flat_map(|checked| &checked.findings);
        self.manifests.has_errors() || findings.any(|finding| finding.severity() < Severity::Notes)
    }
}

impl Report for Checked {
    fn text(&self) -> String {
        let mut text = project::drawn(&self.manifests);
        for checked in &self.environments {
            let CheckedEnvironment { environment, datasets, schedules, resources, findings } = checked;
            let _ = writeln!(text, "{environment}: {datasets} datasets, {schedules} schedules, {resources} resources");
            text.push_str(&render::plan::findings_text(findings));
        }
        for environment in &self.not_checked {
            let _ = writeln!(text, "{environment}: not checked, because variables that it names are not set here");
        }
        text
    }

    fn markdown(&self) -> String {
        let mut text = String::new();
        for finding in self.manifests.iter() {
            let place = finding.place.as_ref().map(|place| format!(" {}", place.told())).unwrap_or_default();
            let _ = writeln!(text, "- **{}**{place}: {finding}", finding.code);
        }
        for checked in &self.environments {
            let _ = writeln!(text, "\n### {}\n", checked.environment);
            for finding in &checked.findings {
                let Finding { code, place, message, remedy } = finding;
                let _ = writeln!(text, "- **{code}** {place}: {message}; {remedy}");
            }
        }
        text
    }
}

/// Checks the manifests: of the environment that is named, or of all.
pub(super) fn check(global: &Global) -> Result<Exit, Error> {
    let report = match project::load(global) {
        Err(Error::Manifests(findings)) => Checked { manifests: findings, ..Checked::default() },
        project => environments(&project?, global)?,
    };
    print(&report, global.output)?;
    Ok(if report.is_serious() { Exit::Findings } else { Exit::Done })
}

fn environments(project: &manifest::Project, global: &Global) -> Result<Checked, Error> {
    let chosen = project::chosen(project, global)?;
    let names = project.stack.environments.iter().filter(|name| chosen.as_ref().is_none_or(|chosen| chosen == *name));
    let mut report = Checked::default();
    let mut found: Vec<manifest::Finding> = project.warnings.iter().cloned().collect();
    for name in names {
        match project::resolved(project, name) {
            Ok(manifests) => report.environments.push(CheckedEnvironment::new(&manifests)),
            // Of several, those for another machine are left out; one that was asked for is not.
            Err(EnvironmentError::Findings(findings)) if chosen.is_none() && only_variables(&findings) => {
                report.not_checked.push(name.to_string());
            }
            Err(EnvironmentError::Findings(findings)) => found.extend(findings),
            Err(EnvironmentError::Unknown(unknown)) => {
                return Err(Error::Environment { given: unknown.to_string(), known: String::new() });
            }
        }
    }
    report.manifests = Findings::new(found);
    Ok(report)
}

fn only_variables(findings: &Findings) -> bool {
    findings.iter().all(|finding| finding.code == Code::EnvironmentVariable)
}
