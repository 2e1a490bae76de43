//! A folder of manifests: found, read, resolved, and checked against each other. In go the texts of the files; out comes a [`Project`]
//! whose every value has been checked offline, or every finding there is.

mod across;
mod files;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;

pub use files::{Files, list_datasets};

use crate::dataset::Dataset;
use crate::document::dataset::DatasetDocument;
use crate::document::schedules::SchedulesDocument;
use crate::document::stack::StackDocument;
use crate::document::task_def::TaskDefDocument;
use crate::finding::{Code, Finding, Findings, Severity, SourceFile};
use crate::name::{DatasetName, EnvironmentName, StackName, TaskDefName};
use crate::resolve::dataset::ResolvedDataset;
use crate::resolve::interpolation::{self, Allowed};
use crate::resolve::query::{Folder, SqlFiles};
use crate::resolve::schedules::{Known, ResolvedSchedules};
use crate::resolve::{self};
use crate::schedule::Schedule;
use crate::schema::Kind;
use crate::stack::Environment;
use crate::task_def::TaskDef;
use crate::yaml::{self, FromNode, Node, Reader, Spanned};

/// A project whose manifests hold together.
#[derive(Debug, Clone)]
pub struct Project {
    /// What `freshet.yml` says; an environment of it is resolved by [`Project::environment`].
    pub stack: Stack,
    /// Task-defs by name.
    pub task_defs: BTreeMap<TaskDefName, TaskDef>,
    /// When each dataset is loaded, by the schedules' names.
    pub schedules: Vec<Schedule>,
    /// Datasets that are loaded by hand only, and on what.
    pub manual: BTreeMap<DatasetName, TaskDefName>,
    /// Datasets by name.
    pub datasets: BTreeMap<DatasetName, Dataset>,
    /// The path of each dataset's file within the project.
    pub paths: BTreeMap<DatasetName, String>,
    /// What is worth knowing; none of it is an error.
    pub warnings: Findings,
}

/// `freshet.yml`, checked as far as it can be without the environment of the command.
#[derive(Debug, Clone)]
pub struct Stack {
    /// Its name.
    pub name: StackName,
    /// Its environments, in the order of the file.
    pub environments: Vec<EnvironmentName>,
    file: Arc<SourceFile>,
    nodes: Vec<(Spanned<EnvironmentName>, Node)>,
}

/// There is no such environment.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("freshet.yml has no environment `{given}`; it has {}", known.join(", "))]
pub struct UnknownEnvironment {
    given: String,
    known: Vec<String>,
}

impl Project {
    /// Reads the project in `folder`.
    pub fn load(folder: &Path) -> Result<Self, Findings> {
        Self::from_files(&Files::read(folder))
    }

    /// Reads the project whose files have these texts.
    pub fn from_files(files: &Files) -> Result<Self, Findings> {
        Building::new(files).finish()
    }

    /// The environment of that name, with the values of `${env:NAME}` from `values`.
    pub fn environment(
        &self,
        name: &EnvironmentName,
        values: &BTreeMap<String, String>,
    ) -> Result<Environment, EnvironmentError> {
        self.stack.environment(name, values)
    }
}

/// An environment that cannot be resolved.
#[derive(Debug, thiserror::Error)]
pub enum EnvironmentError {
    /// `freshet.yml` does not have it.
    #[error(transparent)]
    Unknown(#[from] UnknownEnvironment),
    /// It does not hold together.
    #[error(transparent)]
    Findings(#[from] Findings),
}

impl Stack {
    /// The environment of that name, with the values of `${env:NAME}` from `values`.
    pub fn environment(
        &self,
        name: &EnvironmentName,
        values: &BTreeMap<String, String>,
    ) -> Result<Environment, EnvironmentError> {
        let Some((name, node)) = self.nodes.iter().find(|(known, _)| &known.value == name) else {
            let known = self.environments.iter().map(ToString::to_string).collect();
            return Err(UnknownEnvironment { given: name.to_string(), known }.into());
        };
        let mut reader = Reader::new(Arc::clone(&self.file));
        let resolved = resolve::stack::resolve(&self.name, name, node.clone(), Some(values), &mut reader);
        match resolved {
            Some(environment) if reader.findings.is_empty() => Ok(environment),
            _ => Err(Findings::new(reader.findings).into()),
        }
    }
}

/// A dataset's file by itself, with the SQL files beside it: what the worker loads by path. Schedules and secrets are not looked at.
pub fn load_dataset(path: &Path) -> Result<Dataset, Findings> {
    let files = Files::of_dataset(path);
    let mut building = Building::new(&files);
    building.datasets();
    // Found by its path, it need not be found by its name.
    building.findings.retain(|finding| finding.code != Code::DatasetFile);
    if building.datasets.is_empty() && building.findings.is_empty() {
        let message = format!("{} is not the file of a dataset", path.display());
        building.findings.push(Finding::new(Code::File, message, None).with_help("a dataset's file ends in .yml"));
    }
    let errors = building.findings.iter().any(|finding| finding.severity() == Severity::Error);
    match building.datasets.pop() {
        Some((_, resolved)) if !errors => Ok(resolved.dataset),
        _ => Err(Findings::new(building.findings)),
    }
}

/// The files as they are read, one kind after the other, because schedules name what the others declare.
struct Building<'a> {
    files: &'a Files,
    sql: SqlFiles,
    findings: Vec<Finding>,
    datasets: Vec<(String, ResolvedDataset)>,
    /// Every dataset that has a file, also one that cannot be read.
    known: BTreeMap<DatasetName, Option<crate::dataset::Status>>,
    task_defs: BTreeMap<TaskDefName, TaskDef>,
    known_task_defs: BTreeSet<TaskDefName>,
    schedules: ResolvedSchedules,
    /// Whether a file of schedules could not be read: what nothing seems to load may stand in it.
    schedules_unread: bool,
    stack: Option<Stack>,
    secrets: Vec<across::SecretUse>,
}

impl<'a> Building<'a> {
    fn new(files: &'a Files) -> Self {
        let sql = files.texts().filter(|(path, _)| files::is_sql(path));
        Self {
            files,
            sql: sql.map(|(path, text)| (path.to_owned(), SourceFile::new(path, text))).collect(),
            findings: files.findings(),
            datasets: Vec::new(),
            known: BTreeMap::new(),
            task_defs: BTreeMap::new(),
            known_task_defs: BTreeSet::new(),
            schedules: ResolvedSchedules::default(),
            schedules_unread: false,
            stack: None,
            secrets: Vec::new(),
        }
    }

    fn finish(mut self) -> Result<Project, Findings> {
        self.stack();
        self.task_defs();
        self.datasets();
        self.schedules();
        self.across();
        let Self { findings, datasets, task_defs, schedules, stack, .. } = self;
        let findings = Findings::new(findings);
        let Some(stack) = stack.filter(|_| !findings.has_errors()) else { return Err(findings) };
        let ResolvedSchedules { mut schedules, manual, .. } = schedules;
        schedules.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(Project {
            stack,
            task_defs,
            schedules,
            manual,
            paths: datasets.iter().map(|(path, dataset)| (dataset.dataset.dataset.clone(), path.clone())).collect(),
            datasets: datasets
                .into_iter()
                .map(|(_, resolved)| (resolved.dataset.dataset.clone(), resolved.dataset))
                .collect(),
            warnings: findings,
        })
    }

    /// The document of a file; `None` after findings that leave nothing to resolve.
    fn document<T: FromNode>(&mut self, path: &str, text: &str, allowed: Allowed) -> Option<(T, Node, Reader)> {
        let file = SourceFile::new(path, text);
        let mut reader = Reader::new(Arc::clone(&file));
        if allowed == Allowed::Environment {
            reader.environment = yaml::Environment::Unresolved;
        }
        let read = yaml::parse(&file, &mut reader.findings).and_then(|node| {
            interpolation::check(&node, allowed, &mut reader);
            Some((T::from_node(&node, &mut reader)?, node))
        });
        match read {
            // What could be read in part would be checked in part, and the second half of one mistake told as another.
            Some((document, node)) if reader.findings.is_empty() => Some((document, node, reader)),
            _ => {
                self.findings.extend(reader.findings);
                None
            }
        }
    }

    fn stack(&mut self) {
        let Some(text) = self.files.text("freshet.yml") else {
            let finding = Finding::new(Code::File, "there is no freshet.yml in this folder", None);
            self.findings.push(finding.with_help("run this in the folder that holds it, or give its path"));
            return;
        };
        let Some((document, node, mut reader)) =
            self.document::<StackDocument>("freshet.yml", text, Allowed::Environment)
        else {
            return;
        };
        let environments = environment_nodes(&node, &document);
        if environments.is_empty() {
            reader.report(Code::MissingKey, "the stack has no environments", document.environments.span);
        }
        for (name, node) in &environments {
            resolve::stack::resolve(&document.stack, name, node.clone(), None, &mut reader);
        }
        self.stack = Some(Stack {
            name: document.stack.value.clone(),
            environments: environments.iter().map(|(name, _)| name.value.clone()).collect(),
            file: Arc::clone(&reader.file),
            nodes: environments,
        });
        self.take(reader);
    }

    fn task_defs(&mut self) {
        for (path, text) in self.files.of_kind(Kind::TaskDef) {
            let name = self.name_of_file::<TaskDefName>(path);
            self.known_task_defs.extend(name.clone());
            let document = self.document::<TaskDefDocument>(path, text, Allowed::Nothing);
            let (Some(name), Some((document, _, mut reader))) = (name, document) else { continue };
            let task_def = resolve::task_def::resolve(name.clone(), &document, &mut reader);
            self.task_defs.insert(name, task_def);
            self.take(reader);
        }
    }

    fn datasets(&mut self) {
        for (path, text) in self.files.of_kind(Kind::Dataset) {
            let name = self.name_of_file::<DatasetName>(path);
            let document = self.document::<DatasetDocument>(path, text, Allowed::Secrets);
            let Some((document, _, mut reader)) = document else {
                self.known.extend(name.map(|name| (name, None)));
                continue;
            };
            let folder = path.rsplit_once('/').map_or("", |(folder, _)| folder);
            let sql = std::mem::take(&mut self.sql);
            let resolved = resolve::dataset::resolve(&document, Folder { path: folder, files: &sql }, &mut reader);
            self.sql = sql;
            if let Some(name) = name.filter(|name| *name != resolved.dataset.dataset) {
                let message = format!("the dataset is `{}` and its file `{name}.yml`", resolved.dataset.dataset);
                let finding = reader.report(Code::DatasetFile, message, document.dataset.span);
                finding.help(format!("rename the file to {}.yml, or write dataset: {name}", resolved.dataset.dataset));
                self.known.insert(name, None);
            }
            self.known.insert(resolved.dataset.dataset.clone(), Some(resolved.dataset.status));
            let uses = reader
                .secrets
                .iter()
                .map(|(name, span)| across::SecretUse { name: name.clone(), place: reader.place(*span) });
            self.secrets.extend(uses.collect::<Vec<_>>());
            self.datasets.push((path.to_owned(), resolved));
            self.take(reader);
        }
    }

    fn schedules(&mut self) {
        for (path, text) in self.files.of_kind(Kind::Schedules) {
            let document = self.document::<SchedulesDocument>(path, text, Allowed::Nothing);
            let Some((document, _, mut reader)) = document else {
                self.schedules_unread = true;
                continue;
            };
            let known = Known { datasets: &self.known, task_defs: &self.known_task_defs };
            let resolved = resolve::schedules::resolve(&document, &known, &mut reader);
            for (name, place) in &resolved.named {
                if let Some((_, first)) = self.schedules.named.iter().find(|(known, _)| known == name) {
                    let message = format!("`{name}` is scheduled in {} already", first.told());
                    let finding = Finding::new(Code::ScheduledTwice, message, Some(place.clone()));
                    reader.findings.push(finding.with_help("write all its entries in one place, as a list"));
                }
            }
            self.schedules.schedules.extend(resolved.schedules);
            self.schedules.manual.extend(resolved.manual);
            self.schedules.named.extend(resolved.named);
            self.take(reader);
        }
    }

    fn take(&mut self, reader: Reader) {
        self.findings.extend(reader.findings);
    }

    /// The name that a file's own name gives.
    fn name_of_file<T>(&mut self, path: &str) -> Option<T>
    where
        T: std::str::FromStr<Err = crate::name::NameError>,
    {
        let stem = path.rsplit('/').next().unwrap_or(path).trim_end_matches(".yml");
        match stem.parse() {
            Ok(name) => Some(name),
            Err(error) => {
                let finding = Finding::new(Code::File, format!("{path}: {error}"), None);
                self.findings.push(finding.with_help("rename the file"));
                None
            }
        }
    }
}

/// Each environment's own node with the stack's keys below it.
fn environment_nodes(root: &Node, document: &StackDocument) -> Vec<(Spanned<EnvironmentName>, Node)> {
    let yaml::Value::Mapping(entries) = &root.value else { return Vec::new() };
    let Some(environments) = entries.iter().find(|entry| entry.key == "environments") else { return Vec::new() };
    let yaml::Value::Mapping(nodes) = &environments.value.value else { return Vec::new() };
    let named = document.environments.iter().zip(nodes);
    named.map(|((name, _), entry)| (name.clone(), resolve::stack::overlaid(root, &entry.value))).collect()
}
