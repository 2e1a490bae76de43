//! What a manifest may say and this version of the worker does not do: refused by name before anything is touched.

use std::fmt;

use manifest::dataset::Table;
use manifest::served::{Origins, unserved_of_table, unserved_of_whole};
use manifest::{Dataset, Identifier};

use super::layout::Layout;
use super::types::OwnTypes;
use crate::source::ReadFrom;

/// Something that is not served.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unserved {
    /// The table; `None` for the dataset as a whole.
    pub table: Option<Identifier>,
    /// What it is in a few words, such as `sources of kind socrata`.
    pub what: String,
}

impl fmt::Display for Unserved {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(table) = &self.table {
            write!(f, "table {table}: ")?;
        }
        write!(f, "this version of the worker does not serve {}", self.what)
    }
}

/// All that a dataset asks for and this worker does not do. Where sources are read from a folder or a mirror, their own kind does
/// not matter.
pub fn unserved(dataset: &Dataset, from: &ReadFrom) -> Vec<Unserved> {
    let whole = unserved_of_whole(dataset).into_iter().map(|what| Unserved { table: None, what });
    whole.chain(dataset.tables.iter().flat_map(|table| of_table(table, from))).collect()
}

/// All that one table asks for and this worker does not do.
pub(super) fn of_table(table: &Table, from: &ReadFrom) -> Vec<Unserved> {
    let origins = if *from == ReadFrom::Publisher { Origins::Own } else { Origins::Replaced };
    let mut all = unserved_of_table(table, origins);
    // What a source has is known when it is opened.
    if !table.sources().is_empty() && table.source_columns_at.is_none() {
        all.extend(Layout::new(table, None, &OwnTypes::default()).err().into_iter().flatten());
    }
    all.into_iter().map(|what| Unserved { table: Some(table.name.clone()), what }).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::source::Missing;

    fn dataset(tables: &serde_json::Value) -> Dataset {
        serde_json::from_value(json!({"dataset": "d", "title": "D", "publisher": "P", "tables": tables})).unwrap()
    }

    #[test]
    fn what_is_not_served_is_refused_by_name() {
        let mysql = json!({"origin": {"database": {"url": "mysql://${secret:X}@host/d", "query": "SELECT 1"}}, "file": "a", "reading": {"format": "rows"}});
        let sftp = json!({"origin": {"sftp": {"url": "sftp://me:${secret:X}@host/b.csv"}}, "file": "b.csv", "reading": {"format": "csv"}});
        let dataset = dataset(&json!([
            {"name": "x", "content": {"sources": [mysql, sftp]}, "columns": [{"name": "a", "type": "geography"}],
             "load": {"upsert": {"key": ["a"]}}},
        ]));
        let named: Vec<_> = unserved(&dataset, &ReadFrom::Publisher).iter().map(Unserved::to_string).collect();
        assert_eq!(
            named,
            [
                "table x: this version of the worker does not serve a database beside other sources of one table",
                "table x: this version of the worker does not serve databases of kind mysql: read them through a foreign data wrapper of a \
                 PostgreSQL database, or have them export CSV to where it is read",
                "table x: this version of the worker does not serve the type geography",
            ]
        );
        let folder = ReadFrom::Folder { folder: "data".into(), missing: Missing::Refuse };
        let from_folder: Vec<_> = unserved(&dataset, &folder).iter().map(|unserved| unserved.what.clone()).collect();
        assert!(!from_folder.iter().any(|what| what.contains("database")), "{from_folder:?}");
    }

    #[test]
    fn delimited_text_over_http_or_in_a_zip_is_served() {
        let source = |url: &str, container: serde_json::Value| json!({"origin": {"url": {"url": url}}, "file": "a.csv", "reading": {"format": "csv", "container": container, "encoding": "latin1"}});
        let zip = json!({"zip": {"member": "*.csv"}});
        let sources = json!([
            source("https://example.org/a.csv", json!("plain")),
            source("file:a.zip", zip),
            source("${secret:ADDRESS}", json!("gzip")),
        ]);
        let columns = json!([{"name": "a", "type": "integer"}, {"name": "b", "type": "char(10)"}]);
        let dataset = dataset(&json!([{"name": "x", "content": {"sources": sources}, "columns": columns}]));
        assert_eq!(unserved(&dataset, &ReadFrom::Publisher), []);
    }
}
