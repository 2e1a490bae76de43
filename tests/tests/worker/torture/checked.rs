//! A manifest of one table, a file, and what `worker check` says of them.

use std::fs;

use freshet_tests::binaries;
use serde_json::Value;

/// What `worker check` said.
pub(crate) struct Checked {
    pub(crate) exit: i32,
    pub(crate) table: Value,
}

/// Checks a table `t` of these columns, one `name: type` or other line of the manifest each, with one source.
#[track_caller]
pub(crate) fn check(lines: &[&str], file: &str, bytes: impl AsRef<[u8]>) -> Checked {
    let (columns, others): (Vec<&str>, Vec<&str>) = lines.iter().partition(|line| !line.starts_with("- "));
    let columns: Vec<_> = columns.iter().map(|column| format!("      {column}\n")).collect();
    let others: Vec<_> = others.iter().map(|line| format!("    {}\n", &line[2..])).collect();
    let manifest = format!(
        "dataset: torture\ntitle: Torture\npublisher: Nobody\ntables:\n  t:\n    sources: [{{url: \"https://example.org/{file}\", file: {file}}}]\n    columns:\n{}{}",
        columns.concat(),
        others.concat(),
    );
    let project = tempfile::tempdir().unwrap();
    let manifest_file = project.path().join("torture.yml");
    fs::write(&manifest_file, &manifest).unwrap();
    fs::create_dir(project.path().join("files")).unwrap();
    fs::write(project.path().join("files").join(file), bytes).unwrap();
    let call = binaries::worker().unwrap().call([
        "check",
        "torture.yml",
        "--from",
        "files",
        "--json",
        "--rows",
        "20",
        "--losses",
        "50",
    ]);
    let run = call.current_dir(project.path()).run().unwrap();
    let report: Value = serde_json::from_str(&run.stdout).unwrap_or_else(|error| panic!("{error}\n{manifest}\n{run}"));
    Checked { exit: run.code().unwrap(), table: report["tables"][0].clone() }
}

impl Checked {
    /// The rows that a load would bring.
    #[track_caller]
    pub(crate) fn rows(&self) -> Vec<Vec<Option<&str>>> {
        let rows: Vec<Vec<Option<&str>>> = self.table["first"]
            .as_array()
            .unwrap()
            .iter()
            .map(|row| row.as_object().unwrap().values().map(Value::as_str).collect())
            .collect();
        assert_eq!(self.table["rows"], rows.len(), "all rows are shown: {:#}", self.table);
        rows
    }

    /// The rows of one column.
    #[track_caller]
    pub(crate) fn values(&self) -> Vec<Option<&str>> {
        self.rows().into_iter().map(|row| row[0]).collect()
    }

    /// `line column code raw` of all that is lost.
    pub(crate) fn losses(&self) -> Vec<String> {
        let losses = self.table["losses"].as_array().unwrap();
        let word = |loss: &Value, name: &str| loss[name].as_str().unwrap_or("-").to_owned();
        let loss = |loss: &Value| {
            format!("{} {} {} {}", loss["line"], word(loss, "column"), word(loss, "code"), word(loss, "raw"))
        };
        losses.iter().map(loss).collect()
    }

    /// How the file differs from the manifest.
    pub(crate) fn drift(&self) -> Vec<String> {
        self.table["drift"].as_array().unwrap().iter().map(ToString::to_string).collect()
    }

    /// Lines that would make it fit.
    pub(crate) fn fix(&self) -> Vec<&str> {
        self.table["fix"].as_array().unwrap().iter().filter_map(Value::as_str).collect()
    }

    /// Fails the test unless all of the file is loaded.
    #[track_caller]
    pub(crate) fn is_whole(&self) -> &Self {
        assert_eq!((self.exit, self.losses()), (0, Vec::new()), "{:#}", self.table);
        self
    }

    /// Fails the test unless a load would end with this exit code and error, and tell this.
    #[track_caller]
    pub(crate) fn is_refused(&self, exit: i32, code: &str, says: &str) {
        let refused = &self.table["refused"];
        assert_eq!((self.exit, refused["code"].as_str()), (exit, Some(code)), "{:#}", self.table);
        let said = format!("{} {}", refused["message"], refused["advice"]);
        assert!(said.contains(says), "`{says}` is not in: {said}");
    }
}
