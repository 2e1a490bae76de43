//! One target table: its content, columns, keys and how it is loaded.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde::{Deserialize, Serialize};

use super::{BadValues, Expectations, Source, is_default};
use crate::name::Identifier;

/// One target table.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Table {
    /// Its name in the dataset's schema.
    pub name: Identifier,
    /// Where its rows come from.
    pub content: Content,
    /// Its columns in order. Empty for a query, whose result has its own.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub columns: Vec<Column>,
    /// Where the columns of a self-describing source go: after this many declared ones (`"*": source`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source_columns_at: Option<usize>,
    /// Header in the file → column, where they differ by more than case and punctuation.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub rename: BTreeMap<String, Identifier>,
    /// Headers that are not loaded.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub skip: BTreeSet<String>,
    /// Columns that a file may lack; they are NULL then.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub optional: BTreeSet<Identifier>,
    /// Columns that are computed from others or from the source's variables.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub derive: BTreeMap<Identifier, Derivation>,
    /// Rows are kept only where these columns hold one of these texts.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub keep: BTreeMap<Identifier, BTreeSet<String>>,
    /// Columns read by a named parser rather than by their type's own rules.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub parse: BTreeMap<Identifier, Parser>,
    /// Columns of its primary key; none when empty.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub primary_key: Vec<Identifier>,
    /// Its other indexes.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub indexes: Vec<Index>,
    /// How rows replace or join those that are live.
    #[serde(default, skip_serializing_if = "is_default")]
    pub load: Load,
    /// What to do with rows whose key was read already.
    #[serde(default, skip_serializing_if = "is_default")]
    pub duplicates: Duplicates,
    /// What to do with columns of the file that are neither declared nor skipped.
    #[serde(default, skip_serializing_if = "is_default")]
    pub extra: ExtraColumns,
    /// How many values may fail to parse before the load is refused.
    #[serde(default, skip_serializing_if = "is_default")]
    pub bad_values: BadValues,
    /// What must hold before the table is published.
    #[serde(default, skip_serializing_if = "is_default")]
    pub expect: Expectations,
}

impl Table {
    /// Its sources; none when it is a query.
    pub fn sources(&self) -> &[Source] {
        match &self.content {
            Content::Sources(sources) => sources,
            Content::Query(_) => &[],
        }
    }

    /// The column of that name.
    pub fn column(&self, name: &Identifier) -> Option<&Column> {
        self.columns.iter().find(|column| &column.name == name)
    }
}

/// Where a table's rows come from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Content {
    /// Files or services, one after the other.
    Sources(Vec<Source>),
    /// A `SELECT` over tables that are already in the database or in this dataset's staging.
    Query(Query),
}

/// SQL that stood in a file beside the manifest.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Query {
    /// The file's name, for messages.
    pub file: String,
    /// Its text.
    pub sql: String,
}

/// A declared column.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Column {
    /// Its name.
    pub name: Identifier,
    /// Its PostgreSQL type.
    #[serde(rename = "type")]
    pub type_name: TypeName,
    /// Whether and how it may be empty.
    #[serde(default, skip_serializing_if = "is_default")]
    pub nullability: Nullability,
}

/// A PostgreSQL type as SQL spells it, in lower case with single blanks and the short names written out
/// (`int` → `integer`, `bool` → `boolean`), such as `char(10)`, `numeric(9,6)`, `text[]`, `geometry(multipolygon,2263)`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct TypeName(pub(crate) String);

impl TypeName {
    /// The type as SQL spells it.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for TypeName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Whether and how a column may be empty.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Nullability {
    /// NULL is a value like any other.
    #[default]
    Nullable,
    /// A row without a value is rejected.
    NotNull,
    /// `GENERATED BY DEFAULT AS IDENTITY`: PostgreSQL numbers the rows, no file holds it.
    Identity,
}

/// A parser that a column names because its type's own rules do not tell how to read it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Parser {
    /// Day before month: `31/12/2024`.
    Dmy,
    /// Month before day: `12/31/2024`.
    Mdy,
    /// Year first: `2024/12/31`.
    Ymd,
    /// Drops a fraction that is all zeros: `1008300028.00` → `1008300028`, also in text.
    Whole,
    /// `12.5%` → 12.5.
    Percent,
    /// Days since 1899-12-30, as Excel stores them.
    ExcelDate,
}

impl Parser {
    /// The word the manifest uses.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Dmy => "dmy",
            Self::Mdy => "mdy",
            Self::Ymd => "ymd",
            Self::Whole => "whole",
            Self::Percent => "percent",
            Self::ExcelDate => "excel_date",
        }
    }
}

/// How a derived column gets its value.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Derivation {
    /// A named function of columns, such as `bbl(boro, block, lot)`.
    Call {
        /// Its name.
        function: String,
        /// The columns it takes, in order.
        arguments: Vec<Identifier>,
    },
    /// Text with `{column}` or `{variable}`.
    Template(String),
}

/// An index beside the primary key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Index {
    /// Its columns in order.
    pub columns: Vec<Identifier>,
    /// Its access method.
    #[serde(default, skip_serializing_if = "is_default")]
    pub method: IndexMethod,
    /// Whether two rows may hold the same.
    #[serde(default, skip_serializing_if = "is_default")]
    pub uniqueness: Uniqueness,
}

/// Index access method.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum IndexMethod {
    /// Ordered values.
    #[default]
    Btree,
    /// Geometry and ranges.
    Gist,
    /// Arrays, documents, full text.
    Gin,
    /// Values that follow the physical order.
    Brin,
    /// Equality only.
    Hash,
}

impl IndexMethod {
    /// The word SQL uses.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Btree => "btree",
            Self::Gist => "gist",
            Self::Gin => "gin",
            Self::Brin => "brin",
            Self::Hash => "hash",
        }
    }
}

/// Whether two rows may hold the same in an index.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Uniqueness {
    /// They may.
    #[default]
    Repeatable,
    /// They may not.
    Unique,
}

/// How rows replace or join those that are live.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Load {
    /// All rows anew, swapped in at once.
    #[default]
    Replace,
    /// Only rows that differ are written, found by key.
    Upsert {
        /// The key's columns.
        key: Vec<Identifier>,
        /// A row replaces a live one only when this column is newer.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        newer: Option<Identifier>,
        /// What becomes of live rows that the source does not hold.
        #[serde(default, skip_serializing_if = "is_default")]
        deletes: Deletes,
    },
    /// Rows are added, none is looked at.
    Append,
}

/// What becomes of live rows that the source does not hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Deletes {
    /// They stay.
    #[default]
    Keep,
    /// They go, after a complete source only.
    Apply,
}

/// What to do with rows whose key was read already.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Duplicates {
    /// Refuse the load and list them.
    #[default]
    Refuse,
    /// Keep the one read first.
    First,
    /// Keep the one that is newest by `newer`.
    Newest,
}

/// What to do with columns of the file that are neither declared nor skipped.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ExtraColumns {
    /// Leave them out and report drift.
    #[default]
    Report,
    /// Refuse the load.
    Refuse,
}
