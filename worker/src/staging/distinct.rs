//! Which of several rows with one key stays: the one that was read first, or the one that is newest. Rows lie in staging in
//! the order in which they were read, as one `COPY` into a table that the same transaction made fills page after page; the
//! place of a row on disk tells its order.

use manifest::Identifier;
use manifest::dataset::{Duplicates, Load, Table};

use crate::postgres::identifiers::quote_ident;

/// Which of several rows with one key stays.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Distinct {
    /// The columns of the key. Rows without a value in one of them are no duplicates of each other.
    pub key: Vec<Identifier>,
    /// The column whose largest value wins, and any value over none; between equals, and without a column, the row that was
    /// read first.
    pub newer: Option<Identifier>,
}

impl Distinct {
    /// What the manifest says of a table's duplicates; `None` where it refuses them.
    pub fn of(table: &Table) -> Option<Self> {
        let newer = match (table.duplicates, &table.load) {
            (Duplicates::Refuse, _) => return None,
            (Duplicates::Newest, Load::Upsert { newer, .. }) => newer.clone(),
            (Duplicates::First | Duplicates::Newest, _) => None,
        };
        (!table.key().is_empty()).then(|| Self { key: table.key().to_vec(), newer })
    }

    /// The statement that deletes the others from a table of staging.
    pub(super) fn delete(&self, table: &str) -> String {
        let key: Vec<String> = self.key.iter().map(|column| quote_ident(column.as_str())).collect();
        let present: Vec<String> = key.iter().map(|column| format!("{column} IS NOT NULL")).collect();
        let newer = self.newer.as_ref().map(|column| format!("{} DESC NULLS LAST, ", quote_ident(column.as_str())));
        format!(
            "DELETE FROM {table} WHERE ctid = ANY (ARRAY(SELECT place FROM (
                 SELECT ctid AS place, row_number() OVER (PARTITION BY {} ORDER BY {}ctid) AS turn
                 FROM {table} WHERE {}) ranked
             WHERE turn > 1))",
            key.join(", "),
            newer.unwrap_or_default(),
            present.join(" AND "),
        )
    }
}
