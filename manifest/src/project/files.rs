//! The files of a project: which ones there are, and what kind each is by its path.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use crate::finding::{Code, Finding};
use crate::schema::Kind;

/// Folders below `datasets/`; deeper ones are no places of manifests.
const MAX_DEPTH: usize = 8;

/// The texts of a project's files, by their path within it, with `/`.
#[derive(Debug, Clone, Default)]
pub struct Files {
    texts: BTreeMap<String, String>,
    findings: Vec<Finding>,
}

impl Files {
    /// Files of these paths and texts.
    pub fn from_texts<P: Into<String>, T: Into<String>>(texts: impl IntoIterator<Item = (P, T)>) -> Self {
        let texts = texts.into_iter().map(|(path, text)| (path.into(), text.into()));
        let mut files = Self::default();
        for (path, text) in texts {
            files.misplaced(&path);
            files.texts.insert(path, text);
        }
        files
    }

    /// Reads `freshet.yml`, `task-defs/`, `schedules/` and `datasets/` of a folder.
    pub fn read(folder: &Path) -> Self {
        let mut files = Self::default();
        if folder.join("freshet.yml").exists() {
            files.read_file(folder, "freshet.yml".to_owned());
        } else if folder.join("freshet.yaml").exists() {
            files.misplaced("freshet.yaml");
        }
        for part in ["task-defs", "schedules", "datasets"] {
            files.read_folder(folder, part, 0);
        }
        files
    }

    /// Reads a dataset's file and the SQL files beside it.
    pub fn of_dataset(path: &Path) -> Self {
        let mut files = Self::default();
        let (Some(folder), Some(name)) = (path.parent(), path.file_name().and_then(|name| name.to_str())) else {
            files.unreadable(&path.display().to_string(), "it is not the path of a file");
            return files;
        };
        let folder = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
        // The path as it was given is what findings show.
        let shown = path.display().to_string();
        match fs::read_to_string(path) {
            Ok(text) => {
                files.texts.insert(shown.clone(), text);
            }
            Err(error) => files.unreadable(&shown, &error.to_string()),
        }
        let beside = shown.strip_suffix(name).unwrap_or_default().to_owned();
        for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
            let name = entry.file_name().to_string_lossy().into_owned();
            if is_sql(&name)
                && let Ok(text) = fs::read_to_string(entry.path())
            {
                files.texts.insert(format!("{beside}{name}"), text);
            }
        }
        files
    }

    fn read_folder(&mut self, root: &Path, folder: &str, depth: usize) {
        let Ok(entries) = fs::read_dir(root.join(folder)) else { return };
        let mut entries: Vec<_> = entries.flatten().collect();
        entries.sort_by_key(fs::DirEntry::file_name);
        for entry in entries {
            let Ok(kind) = entry.file_type() else { continue };
            let Ok(name) = entry.file_name().into_string() else { continue };
            if name.starts_with('.') {
                continue;
            }
            let path = format!("{folder}/{name}");
            if kind.is_dir() {
                if path.starts_with("datasets/") && depth < MAX_DEPTH {
                    self.read_folder(root, &path, depth + 1);
                }
            } else if is_sql(&path) || path.strip_suffix(".yml").is_some() {
                self.read_file(root, path);
            } else {
                self.misplaced(&path);
            }
        }
    }

    fn read_file(&mut self, root: &Path, path: String) {
        match fs::read_to_string(root.join(&path)) {
            Ok(text) => {
                self.texts.insert(path, text);
            }
            Err(error) if error.kind() == std::io::ErrorKind::InvalidData => self.unreadable(&path, "it is not UTF-8"),
            Err(error) => self.unreadable(&path, &error.to_string()),
        }
    }

    fn unreadable(&mut self, path: &str, why: &str) {
        self.findings.push(Finding::new(Code::File, format!("{path} cannot be read: {why}"), None));
    }

    /// A manifest that nobody would look at is a schedule that never fires.
    fn misplaced(&mut self, path: &str) {
        if let Some(stem) = path.strip_suffix(".yaml") {
            let message = format!("{path} is not looked at: manifests end in .yml");
            self.findings.push(Finding::new(Code::File, message, None).with_help(format!("rename it to {stem}.yml")));
        }
    }

    pub(super) fn findings(&self) -> Vec<Finding> {
        self.findings.clone()
    }

    pub(super) fn text(&self, path: &str) -> Option<&str> {
        self.texts.get(path).map(String::as_str)
    }

    pub(super) fn texts(&self) -> impl Iterator<Item = (&str, &str)> {
        self.texts.iter().map(|(path, text)| (path.as_str(), text.as_str()))
    }

    /// The files of a kind, by path.
    pub(super) fn of_kind(&self, kind: Kind) -> impl Iterator<Item = (&str, &str)> {
        self.texts().filter(move |(path, _)| kind_of(path) == Some(kind))
    }
}

pub(super) fn is_sql(path: &str) -> bool {
    path.strip_suffix(".sql").is_some()
}

/// What kind of manifest stands at a path. A single file outside of every folder is a dataset's.
fn kind_of(path: &str) -> Option<Kind> {
    let name = path.strip_suffix(".yml")?;
    let only = |rest: &str| !rest.contains('/');
    if path == "freshet.yml" {
        return Some(Kind::Stack);
    }
    match (name.strip_prefix("task-defs/"), name.strip_prefix("schedules/")) {
        (Some(rest), _) => only(rest).then_some(Kind::TaskDef),
        (_, Some(rest)) => only(rest).then_some(Kind::Schedules),
        (None, None) => Some(Kind::Dataset),
    }
}

/// The files of `datasets/` of a project with the names that they give to datasets, in the order of names; none of them is read.
pub fn list_datasets(project: &Path) -> Vec<(String, PathBuf)> {
    fn search(folder: &Path, depth: usize, found: &mut Vec<(String, PathBuf)>) {
        for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
            let Ok(kind) = entry.file_type() else { continue };
            if kind.is_dir() && depth < MAX_DEPTH {
                search(&entry.path(), depth + 1, found);
            } else if let Some(name) = entry.file_name().to_str().and_then(|name| name.strip_suffix(".yml")) {
                found.push((name.to_owned(), entry.path()));
            }
        }
    }
    let mut found = Vec::new();
    search(&project.join("datasets"), 0, &mut found);
    found.sort();
    found
}
