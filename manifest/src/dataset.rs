//! A dataset as the worker loads it: every reference resolved, every `each` expanded, every SQL file read in.
//!
//! The JSON of a [`Dataset`] is what a definition carries to the worker (see [`crate::contract`]); what equals its default
//! is left out of it, so that a key that a later version adds does not change the hash of a manifest that never used it.

mod alarms;
mod archive;
mod expectation;
mod function;
mod job;
mod source;
mod table;
mod type_name;

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

pub use alarms::Alarms;
pub use archive::{Archive, Demand};
pub use expectation::{BadValues, Emptiness, Expectations, NullLimit};
pub use function::Function;
pub use job::Job;
pub use source::{Container, FixedField, Format, HeaderRow, HttpMethod, Origin, Reading, Source, secret_references};
pub use table::{
    Column, Content, Deletes, Derivation, Duplicates, ExtraColumns, Index, IndexMethod, Load, MAX_DELETES, Nullability,
    OVERLAP, Parser, Query, Table, Uniqueness,
};
pub use type_name::{Family, TypeError, TypeName};

use crate::name::{DatasetName, Identifier, SecretName};
use crate::quantity::Span;

/// Tables from one publisher that are loaded and published together: one file in `datasets/`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Dataset {
    /// Its name; also the manifest's file name.
    pub dataset: DatasetName,
    /// What a person would call it.
    pub title: String,
    /// Who publishes it.
    pub publisher: String,
    /// The publisher's page about it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub homepage: Option<String>,
    /// The licence it is published under.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub license: Option<String>,
    /// The schema its tables live in.
    #[serde(default = "public", skip_serializing_if = "is_public")]
    pub schema: Identifier,
    /// IANA zone of local times in its sources.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timezone: Option<String>,
    /// Whether its source still exists.
    #[serde(default, skip_serializing_if = "is_default")]
    pub status: Status,
    /// Datasets that must have been published before this one is loaded.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub depends_on: BTreeSet<DatasetName>,
    /// The container that is run instead of the worker; there are no tables then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub job: Option<Job>,
    /// Its tables in the order of the file.
    pub tables: Vec<Table>,
    /// Views that belong to it, in the order of the file.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub views: Vec<View>,
    /// SQL that runs after each publish, in one transaction; it may not write to the dataset's tables.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub after: Vec<Query>,
    /// What to do when a published table belongs to a publication of logical replication.
    #[serde(default, skip_serializing_if = "is_default")]
    pub publications: Publications,
    /// What to do when new columns would change what a view over a table looks like.
    #[serde(default, skip_serializing_if = "is_default")]
    pub dependent_views: DependentViews,
    /// How many earlier generations are kept to go back to.
    #[serde(default, skip_serializing_if = "is_default")]
    pub generations: Generations,
    /// Alarms of its own.
    #[serde(default, skip_serializing_if = "is_default")]
    pub alarms: Alarms,
    /// How long another session may keep a publish waiting before it is ended; `None` for ever.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub terminate_blockers: Option<Span>,
    /// Where the bytes that its rows were made from are kept.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub archive: Option<Archive>,
}

impl Dataset {
    /// The table of that name.
    pub fn table(&self, name: &Identifier) -> Option<&Table> {
        self.tables.iter().find(|table| &table.name == name)
    }

    /// The dataset as far as it decides what its tables hold and look like: without what describes it to people, what is
    /// expected of it and how it is published. Where this is the same, rows that were loaded before need not be loaded again.
    #[must_use]
    pub fn making(&self) -> Self {
        let mut making = self.clone();
        making.title.clear();
        making.publisher.clear();
        (making.homepage, making.license, making.terminate_blockers) = (None, None, None);
        making.archive = None;
        making.generations = Generations::default();
        making.alarms = Alarms::default();
        making.dependent_views = DependentViews::default();
        for table in &mut making.tables {
            table.expect = Expectations::default();
        }
        making
    }

    /// The names in `${secret:NAME}` of its sources, or those that its job is given.
    pub fn secrets(&self) -> BTreeSet<SecretName> {
        let of_sources = self.tables.iter().flat_map(Table::sources).flat_map(|source| source.origin.secrets());
        of_sources.chain(self.job.iter().flat_map(|job| job.secrets.iter().cloned())).collect()
    }
}

/// Whether a dataset's source still exists.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    /// It is published and loaded.
    #[default]
    Active,
    /// Its publisher took it down: the manifest stays for those who hold the files; nothing is scheduled.
    Unavailable,
}

/// What to do when a published table belongs to a publication.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Publications {
    /// Refuse before loading: subscribers would not see the new rows.
    #[default]
    Refuse,
    /// Move the membership to the new table; subscribers must be refreshed by their owner.
    Carry,
}

/// How many generations before the one that is live are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "u8", into = "u8")]
pub struct Generations(u8);

impl Generations {
    /// The most that can be kept.
    pub const MOST: u8 = 9;

    /// So many; `None` above [`Generations::MOST`].
    pub fn new(kept: u8) -> Option<Self> {
        (kept <= Self::MOST).then_some(Self(kept))
    }

    /// How many.
    pub fn kept(self) -> u8 {
        self.0
    }
}

impl Default for Generations {
    fn default() -> Self {
        Self(1)
    }
}

impl TryFrom<u8> for Generations {
    type Error = String;
    fn try_from(kept: u8) -> Result<Self, String> {
        Self::new(kept).ok_or_else(|| format!("{kept} generations are more than {}", Self::MOST))
    }
}

impl From<Generations> for u8 {
    fn from(generations: Generations) -> u8 {
        generations.0
    }
}

/// What to do when a view over a table would have other columns than it has, because the manifest's types are others than
/// those of the live table: PostgreSQL replaces a view only by one with the same columns.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum DependentViews {
    /// Refuse before loading, with the name of the view and of the column.
    #[default]
    Fail,
    /// Make the view, and what is stored of it, anew with the tables: with owner, privileges, comments, options, triggers and
    /// rules, as another object.
    Recreate,
}

/// A view that belongs to a dataset.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct View {
    /// Its name in the dataset's schema.
    pub name: Identifier,
    /// Its one `SELECT`.
    pub query: Query,
    /// Whether its rows are stored.
    #[serde(default, skip_serializing_if = "is_default")]
    pub storage: ViewStorage,
    /// Columns of its unique index, which lets it be refreshed while it is read. Materialized views only.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub primary_key: Vec<Identifier>,
    /// Its other indexes. Materialized views only.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub indexes: Vec<Index>,
}

/// Whether a view's rows are stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ViewStorage {
    /// Computed at each read.
    #[default]
    Plain,
    /// `CREATE MATERIALIZED VIEW`.
    Materialized,
}

/// What a template of a derived column may name beside columns and the variables of `each`: the source's file, and the member of its
/// archive. A column or variable of the same name is meant before them.
pub const SOURCE_VALUES: [&str; 2] = ["file", "member"];

/// A header without what publishers vary: case, blanks, punctuation; a percent sign is the word `pct`. Headers and columns are the same
/// where these are.
pub fn header_key(header: &str) -> String {
    let mut key = String::with_capacity(header.len());
    for c in header.chars() {
        match c {
            '%' => key.push_str("pct"),
            c if c.is_alphanumeric() => key.extend(c.to_lowercase()),
            _ => {}
        }
    }
    key
}

/// Names by place, such as the variables of one expanded `each`.
pub type Variables = BTreeMap<String, String>;

fn public() -> Identifier {
    Identifier::public()
}

fn is_public(schema: &Identifier) -> bool {
    *schema == Identifier::public()
}

pub(crate) fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}
