//! What stands beside a manifest in `<dataset>.expected.json`: how many rows its sample makes, and the values that would be the first to
//! go wrong.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use serde::Deserialize;

/// All that is expected of a dataset.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Expected {
    /// Values that cannot be read, over all tables.
    pub(crate) bad_values: u64,
    /// By table, and by view of the dataset.
    pub(crate) tables: BTreeMap<String, ExpectedTable>,
}

/// What is expected of a table.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ExpectedTable {
    /// Its rows.
    pub(crate) rows: u64,
    /// Some of its values.
    pub(crate) values: Vec<ExpectedValue>,
}

/// One value: a column of the one row for which a condition holds, as PostgreSQL's text.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ExpectedValue {
    pub(crate) r#where: String,
    pub(crate) column: String,
    pub(crate) text: Option<String>,
}

impl Expected {
    /// What stands beside the manifest at `path`.
    pub(crate) fn beside(path: &Path) -> Self {
        let path = path.with_extension("expected.json");
        let text = fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        serde_json::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
    }
}
