//! The project folder and the environment that is meant. In: the global options and the variables of the shell. Out: the
//! resolved manifests, or findings with their places. What is worth knowing and no error is told on standard error.

use std::collections::BTreeMap;
use std::env;
use std::io::{self, IsTerminal};

use manifest::finding::Style;
use manifest::project::EnvironmentError;
use manifest::{EnvironmentName, Findings, Project};

use crate::cli::Global;
use crate::desired::Manifests;
use crate::error::Error;
use crate::output::tell;

/// Columns of drawn findings.
const WIDTH: usize = 110;

/// The manifests of the environment that is meant.
pub fn manifests(global: &Global) -> Result<Manifests, Error> {
    let project = load(global)?;
    let name = chosen(&project, global)?.ok_or_else(|| Error::Environment {
        given: "there are several environments; say which one with `--env NAME`".to_owned(),
        known: known(&project),
    })?;
    if !project.warnings.is_empty() {
        tell(&drawn(&project.warnings));
    }
    resolved(&project, &name).map_err(|error| match error {
        EnvironmentError::Unknown(unknown) => Error::Environment { given: unknown.to_string(), known: known(&project) },
        EnvironmentError::Findings(findings) => Error::Manifests(findings),
    })
}

/// The project, whatever its environments.
pub fn load(global: &Global) -> Result<Project, Error> {
    Project::load(&global.dir).map_err(Error::Manifests)
}

/// The environment that `--env` names, or the only one there is; none when there are several and none is named.
pub fn chosen(project: &Project, global: &Global) -> Result<Option<EnvironmentName>, Error> {
    match (&global.env, project.stack.environments.as_slice()) {
        (Some(name), names) if names.contains(name) => Ok(Some(name.clone())),
        (Some(name), _) => {
            Err(Error::Environment { given: format!("there is no environment `{name}`"), known: known(project) })
        }
        (None, [only]) => Ok(Some(only.clone())),
        (None, _) => Ok(None),
    }
}

/// The manifests of one environment.
pub fn resolved(project: &Project, name: &EnvironmentName) -> Result<Manifests, EnvironmentError> {
    Ok(Manifests {
        environment: project.environment(name, &variables())?,
        datasets: project.datasets.clone(),
        task_defs: project.task_defs.clone(),
        schedules: project.schedules.clone(),
        manual: project.manual.clone(),
    })
}

/// Findings of the manifests, each with its line and a caret.
pub fn drawn(findings: &Findings) -> String {
    let style = if io::stderr().is_terminal() { Style::Colour } else { Style::Plain };
    findings.draw(style, WIDTH)
}

fn known(project: &Project) -> String {
    let names: Vec<String> = project.stack.environments.iter().map(ToString::to_string).collect();
    names.join(", ")
}

/// The shell's variables that are text.
fn variables() -> BTreeMap<String, String> {
    env::vars_os().filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?))).collect()
}
