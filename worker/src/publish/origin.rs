//! What the manifest declared when a table was published last, as the ledger remembers it. An index or a NOT NULL that was
//! declared then and is not any more goes with the next load; one that somebody made by hand is carried. Nothing in the
//! catalogs tells them apart.

use std::collections::{BTreeMap, BTreeSet};

use manifest::Dataset;
use manifest::dataset::{Nullability, Table};
use serde::{Deserialize, Serialize};

use crate::ledger;
use crate::postgres::{self, Connection};

/// What a manifest declared of one table, as it came out.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub(super) struct Declared {
    /// What each key and index is, by its name.
    #[serde(default)]
    pub(super) indexes: BTreeMap<String, String>,
    /// Columns that may not be empty.
    #[serde(default)]
    pub(super) not_null: BTreeSet<String>,
}

impl Declared {
    /// As the ledger keeps it.
    pub(super) fn tell(&self) -> String {
        serde_json::json!(self).to_string()
    }
}

/// What is known about how a live table came to be what it is.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) enum Origin {
    /// Nothing: somebody else made it.
    #[default]
    Foreign,
    /// We published it and do not know from what.
    Forgotten,
    /// We published it from this.
    Ours(Declared),
}

impl Origin {
    /// What was declared, as far as it is known.
    pub(super) fn declared(&self) -> Option<&Declared> {
        match self {
            Self::Ours(declared) => Some(declared),
            Self::Foreign | Self::Forgotten => None,
        }
    }
}

/// The tables that were published, by PostgreSQL's id.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Origins(BTreeMap<u32, Origin>);

impl Origins {
    /// Asks the ledger, if there is one.
    pub(super) async fn read(connection: &Connection, dataset: &Dataset) -> Result<Self, postgres::Error> {
        let rows = ledger::declared(connection, &dataset.dataset).await?;
        let origin = |text: Option<String>| {
            text.and_then(|text| serde_json::from_str(&text).ok()).map_or(Origin::Forgotten, Origin::Ours)
        };
        Ok(Self(rows.into_iter().map(|(oid, text)| (oid, origin(text))).collect()))
    }

    pub(super) fn of(&self, oid: u32) -> Origin {
        self.0.get(&oid).cloned().unwrap_or_default()
    }
}

/// Columns that may not be empty because the manifest says so.
pub(super) fn not_null(table: &Table) -> BTreeSet<String> {
    let declared = table
        .columns
        .iter()
        .filter(|column| column.nullability != Nullability::Nullable || table.primary_key.contains(&column.name));
    declared.map(|column| column.name.to_string()).collect()
}
