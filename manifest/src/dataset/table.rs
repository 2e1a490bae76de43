//! One target table: its content, columns, keys and how it is loaded.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::{BadValues, Expectations, Function, Source, TypeName, is_default};
use crate::name::Identifier;
use crate::quantity::{Share, Span};

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

    /// The columns that tell one row from another: those of an upsert, else of the primary key, else of the first unique
    /// index; none when rows cannot be told apart.
    pub fn key(&self) -> &[Identifier] {
        if let Load::Upsert { key, .. } = &self.load {
            return key;
        }
        if !self.primary_key.is_empty() {
            return &self.primary_key;
        }
        let unique = self.indexes.iter().find(|index| index.uniqueness == Uniqueness::Unique);
        unique.map_or(&[], |index| &index.columns)
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

impl Query {
    /// The statement alone, without the semicolon that may end it and what follows that: what can stand inside another
    /// statement.
    pub fn statement(&self) -> &str {
        crate::sql::without_end(&self.sql)
    }
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
    /// The number before a percent sign, which is required, divided by a hundred: `12.5%` → 0.125, as spreadsheets keep it.
    Percent,
    /// A comma before the fraction; points, blanks or apostrophes between thousands: `1.234,50` → 1234.50.
    DecimalComma,
    /// As spreadsheets show money: a dash alone is 0, and a minus may stand behind: `45.00-` → -45.00.
    Accounting,
    /// Of a local time that the clocks showed twice, when they were set back, the first.
    Earlier,
    /// The second.
    Later,
    /// Seconds since 1970-01-01 00:00 UTC.
    Unix,
    /// Milliseconds since then, as ArcGIS writes them.
    #[serde(rename = "unix_ms")]
    UnixMillis,
    /// Days since 1899-12-30, as Excel stores them.
    ExcelDate,
    /// Days since 1904-01-01, as old Excel on a Macintosh stored them.
    #[serde(rename = "excel_1904")]
    Excel1904,
    /// An array written with commas between its elements.
    #[serde(rename = "list(,)")]
    ListComma,
    /// An array written with semicolons between its elements.
    #[serde(rename = "list(;)")]
    ListSemicolon,
    /// An array written with vertical bars between its elements.
    #[serde(rename = "list(|)")]
    ListBar,
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
            Self::DecimalComma => "decimal_comma",
            Self::Accounting => "accounting",
            Self::Earlier => "earlier",
            Self::Later => "later",
            Self::Unix => "unix",
            Self::UnixMillis => "unix_ms",
            Self::ExcelDate => "excel_date",
            Self::Excel1904 => "excel_1904",
            Self::ListComma => "list(,)",
            Self::ListSemicolon => "list(;)",
            Self::ListBar => "list(|)",
        }
    }
}

/// How a derived column gets its value.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Derivation {
    /// A named function of columns, such as `bbl(boro, block, lot)`.
    Call {
        /// The function.
        function: Function,
        /// The columns it takes, in order; also the derived column itself, which is then that of the file.
        arguments: Vec<Identifier>,
    },
    /// Text with `{column}`, `{variable}`, `{file}` or `{member}`.
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
        /// The largest share of live rows that one load may delete.
        #[serde(default = "max_deletes", skip_serializing_if = "is_max_deletes")]
        max_deletes: Share,
        /// The column whose largest value says how far a source was read that is read by what is new in it; `newer` when
        /// absent.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        watermark: Option<Identifier>,
        /// How far before the watermark such a source is read again. It has no meaning where the watermark is a number.
        #[serde(default = "overlap", skip_serializing_if = "is_overlap")]
        overlap: Span,
    },
    /// Rows are added once for each file, none that is live is looked at.
    Append,
}

/// The share of live rows that one load may delete where the manifest names none.
pub const MAX_DELETES: Share = Share::percent(10);

/// How far before the watermark a source is read again where the manifest does not say: publishers write rows later than
/// the moment that stands in them.
pub const OVERLAP: Span = Span::from_seconds(86_400);

fn max_deletes() -> Share {
    MAX_DELETES
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "the signature that serde calls")]
fn is_max_deletes(share: &Share) -> bool {
    *share == MAX_DELETES
}

fn overlap() -> Span {
    OVERLAP
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "the signature that serde calls")]
fn is_overlap(span: &Span) -> bool {
    *span == OVERLAP
}

impl Load {
    /// An upsert by this key that updates whatever differs and deletes nothing.
    pub fn upsert(key: Vec<Identifier>) -> Self {
        Self::Upsert {
            key,
            newer: None,
            deletes: Deletes::default(),
            max_deletes: MAX_DELETES,
            watermark: None,
            overlap: OVERLAP,
        }
    }

    /// The column whose largest value says how far a source was read.
    pub fn watermark(&self) -> Option<&Identifier> {
        match self {
            Self::Upsert { watermark, newer, .. } => watermark.as_ref().or(newer.as_ref()),
            Self::Replace | Self::Append => None,
        }
    }
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
