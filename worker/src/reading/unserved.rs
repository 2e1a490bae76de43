//! What a manifest may say and this version of the worker does not do: refused by name before anything is touched.

use std::fmt;

use manifest::dataset::{Container, Content, Duplicates, Format, Load, Origin, Source, Table};
use manifest::{Dataset, Identifier};

use super::layout::Layout;
use crate::format::encoding;
use crate::source::ReadFrom;

/// Something that is not served.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unserved {
    /// The table; `None` for the dataset as a whole.
    pub table: Option<Identifier>,
    /// What it is, such as ``sources of kind `socrata` are not served``.
    pub what: String,
}

impl fmt::Display for Unserved {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(table) = &self.table {
            write!(f, "table {table}: ")?;
        }
        let more = if self.what.ends_with(" served") { " by this version of the worker" } else { "" };
        write!(f, "{}{more}", self.what)
    }
}

/// All that a dataset asks for and this worker does not do, in the order of the manifest. Where sources are read from a folder or a
/// mirror, their own kind does not matter.
pub fn unserved(dataset: &Dataset, from: &ReadFrom) -> Vec<Unserved> {
    let mut all: Vec<_> = dataset.tables.iter().flat_map(|table| of_table(table, from)).collect();
    let whole = [(!dataset.views.is_empty(), "views"), (!dataset.after.is_empty(), "`after` SQL")];
    all.extend(whole.into_iter().filter(|(used, _)| *used).map(|(_, what)| whole_dataset(what)));
    all
}

fn whole_dataset(what: &str) -> Unserved {
    Unserved { table: None, what: format!("{what} of a dataset are not served") }
}

/// All that one table asks for and this worker does not do.
pub(super) fn of_table(table: &Table, from: &ReadFrom) -> Vec<Unserved> {
    let mut all = Vec::new();
    let mut note = |what: String| {
        let unserved = Unserved { table: Some(table.name.clone()), what };
        if !all.contains(&unserved) {
            all.push(unserved);
        }
    };
    match &table.content {
        Content::Query(_) => note("tables made by a `query` are not served".to_owned()),
        Content::Sources(sources) => {
            for source in sources {
                of_source(source, from, &mut note);
            }
            if table.source_columns_at.is_some() {
                note("columns taken from the source (`\"*\": source`) are not served".to_owned());
            } else if let Err(columns) = Layout::new(table) {
                columns.into_iter().for_each(&mut note);
            }
        }
    }
    match table.load {
        Load::Replace => {}
        Load::Upsert { .. } => note("`load: upsert` is not served".to_owned()),
        Load::Append => note("`load: append` is not served".to_owned()),
    }
    match table.duplicates {
        Duplicates::Refuse => {}
        Duplicates::First => note("`duplicates: first` is not served".to_owned()),
        Duplicates::Newest => note("`duplicates: newest` is not served".to_owned()),
    }
    all
}

fn of_source(source: &Source, from: &ReadFrom, note: &mut impl FnMut(String)) {
    if *from == ReadFrom::Publisher {
        match &source.origin {
            Origin::Url { url, .. } => {
                let scheme = url.split_once(':').map_or("", |(scheme, _)| scheme);
                // An address that begins with a secret shows its kind only when it is read.
                if !matches!(scheme, "http" | "https" | "file" | "${secret") {
                    note(format!("addresses of kind `{scheme}` are not served"));
                }
            }
            other => note(format!("sources of kind `{}` are not served", other.kind())),
        }
    }
    if !matches!(source.reading.format, Format::Csv | Format::Tsv) {
        note(format!("the format `{}` is not served", source.reading.format.as_str()));
    }
    match source.reading.container {
        Container::Plain | Container::Zip { .. } | Container::Gzip => {}
        Container::Zstd => note("zstd is not served".to_owned()),
        Container::Bzip2 => note("bzip2 is not served".to_owned()),
        Container::Xz => note("xz is not served".to_owned()),
    }
    if let Err(unknown) = encoding(source.reading.encoding.as_deref()) {
        note(format!("{}: {unknown}", source.file));
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::source::Missing;

    fn dataset(tables: &serde_json::Value) -> Dataset {
        serde_json::from_value(json!({"dataset": "d", "title": "D", "publisher": "P", "tables": tables})).unwrap()
    }

    fn folder() -> ReadFrom {
        ReadFrom::Folder { folder: "data".into(), missing: Missing::Refuse }
    }

    #[test]
    fn what_is_not_served_is_refused_by_name() {
        let socrata = json!({"origin": {"socrata": {"host": "data.lacity.org", "id": "ms7h-a45h"}}, "file": "a.csv", "reading": {"format": "csv"}});
        let s3 =
            json!({"origin": {"url": {"url": "s3://bucket/b.xlsx"}}, "file": "b.xlsx", "reading": {"format": "xlsx"}});
        let dataset = dataset(&json!([
            {"name": "x", "content": {"sources": [socrata, s3]}, "columns": [{"name": "a", "type": "geometry"}],
             "load": {"upsert": {"key": ["a"]}}, "duplicates": "newest"},
            {"name": "y", "content": {"query": {"file": "y.sql", "sql": "SELECT 1"}}},
        ]));
        let named: Vec<_> = unserved(&dataset, &ReadFrom::Publisher).iter().map(Unserved::to_string).collect();
        assert_eq!(
            named,
            [
                "table x: sources of kind `socrata` are not served by this version of the worker",
                "table x: addresses of kind `s3` are not served by this version of the worker",
                "table x: the format `xlsx` is not served by this version of the worker",
                "table x: column a: the type `geometry` is not served by this version of the worker",
                "table x: `load: upsert` is not served by this version of the worker",
                "table x: `duplicates: newest` is not served by this version of the worker",
                "table y: tables made by a `query` are not served by this version of the worker",
            ]
        );
        let from_folder: Vec<_> = unserved(&dataset, &folder()).iter().map(|unserved| unserved.what.clone()).collect();
        assert!(!from_folder.iter().any(|what| what.contains("socrata") || what.contains("s3")), "{from_folder:?}");
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
