//! What the grammar has and the worker of this version does not serve. `deploy check` warns of it, and the worker refuses it by the same
//! words, so that nothing is loaded in part.

use std::collections::BTreeSet;

use crate::dataset::{Container, Content, Dataset, Format, Load, Origin, Source, Table};

/// Types that are neither encoded nor left to the server.
const TYPES: &[&str] = &["geography"];

/// Where the bytes of sources are read from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Origins {
    /// Their own addresses.
    Own,
    /// A folder or a mirror, so that their kinds do not matter.
    Replaced,
}

/// What of this dataset the worker does not serve, each in a few words; empty when it serves all of it.
pub fn unserved(dataset: &Dataset) -> BTreeSet<String> {
    let tables = dataset.tables.iter().flat_map(|table| unserved_of_table(table, Origins::Own));
    unserved_of_whole(dataset).into_iter().chain(tables).collect()
}

/// The same of the dataset as a whole, without its tables.
pub fn unserved_of_whole(dataset: &Dataset) -> BTreeSet<String> {
    let mut unserved = BTreeSet::new();
    if dataset.job.is_some() {
        unserved.insert("a job: the image that its manifest names is what runs it".to_owned());
    }
    // A query reads staging, where a table that stays has what has come for it and no more.
    let stays = |table: &Table| table.load != Load::Replace && matches!(table.content, Content::Sources(_));
    let queries = |table: &Table| matches!(table.content, Content::Query(_));
    if dataset.tables.iter().any(stays) && dataset.tables.iter().any(queries) {
        unserved.insert("queries beside tables that are upserted or appended".to_owned());
    }
    let is_database = |source: &Source| matches!(source.origin, Origin::Database { .. });
    if dataset.archive.is_some() && dataset.tables.iter().flat_map(Table::sources).any(is_database) {
        unserved.insert("an archive beside rows of another database, which are no bytes of a file".to_owned());
    }
    unserved
}

/// The same of one table.
pub fn unserved_of_table(table: &Table, origins: Origins) -> BTreeSet<String> {
    let mut unserved = BTreeSet::new();
    let mut not = |what: String| {
        unserved.insert(what);
    };
    if matches!(table.content, Content::Query(_)) && table.load != Load::Replace {
        not("load other than replace of a query".to_owned());
    }
    for column in &table.columns {
        let element = column.type_name.as_str().trim_end_matches("[]").split('(').next().unwrap_or_default();
        if TYPES.contains(&element) {
            not(format!("the type {}", column.type_name));
        }
    }
    for source in table.sources() {
        match &source.origin {
            _ if origins == Origins::Replaced => {}
            Origin::Url { url, .. } => {
                let scheme = url.split(':').next().unwrap_or_default();
                // An address that begins with a secret shows its kind only when it is read.
                if !matches!(scheme, "http" | "https" | "file" | "s3" | "${secret") {
                    not(format!("addresses of {scheme}:"));
                }
            }
            Origin::Sftp { .. }
            | Origin::Socrata { .. }
            | Origin::Dcat { .. }
            | Origin::Arcgis { .. }
            | Origin::Ckan { .. } => {}
            Origin::Database { url, .. } => {
                let scheme = url.split(':').next().unwrap_or_default();
                if !matches!(scheme, "postgres" | "postgresql" | "${secret") {
                    not(format!(
                        "databases of kind {scheme}: read them through a foreign data wrapper of a PostgreSQL database, or have \
                         them export CSV to where it is read"
                    ));
                }
                // Its rows pass as they are: what is to be made of them, its query can make.
                if table.sources().len() > 1 {
                    not("a database beside other sources of one table".to_owned());
                }
                if table.load == Load::Append {
                    not("rows of another database that are only added".to_owned());
                }
                if !(table.derive.is_empty() && table.rename.is_empty() && table.keep.is_empty()) {
                    not("derive, rename and keep of rows of another database: write them into its query".to_owned());
                }
            }
        }
        let describes =
            matches!(source.reading.format, Format::Shapefile | Format::Geojson | Format::Geopackage | Format::Parquet);
        // A portal tells its columns beside its rows.
        let is_told = origins == Origins::Own && matches!(source.origin, Origin::Socrata { .. });
        if table.source_columns_at.is_some() && !describes && !is_told {
            not(format!("columns of the source (\"*\") of format {}", source.reading.format.as_str()));
        }
        let in_zip = matches!(source.reading.container, Container::Zip { .. });
        match source.reading.format {
            Format::Rows if origins == Origins::Own && matches!(source.origin, Origin::Database { .. }) => {}
            Format::Shapefile if !in_zip => not("format shapefile outside of a zip archive".to_owned()),
            Format::Rows => not("format rows".to_owned()),
            _ => {}
        }
    }
    unserved
}
