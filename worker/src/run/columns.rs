//! Columns that tables take from elsewhere (`"*": source`): from the source before a load, and from what stands in the database where
//! nothing is read.

use std::sync::Arc;

use manifest::Dataset;
use manifest::dataset::{Column, Nullability, Table, TypeName};

use super::Run;
use crate::postgres::Pool;
use crate::reading::describe;
use crate::source::Access;
use crate::trouble::Trouble;

const STANDING: &str = "
    SELECT a.attname::text, format_type(a.atttypid, a.atttypmod)
    FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE n.nspname = $1 AND c.relname = $2 AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum";

/// Whether any table takes columns from its source.
fn is_open(dataset: &Dataset) -> bool {
    dataset.tables.iter().any(|table| table.source_columns_at.is_some())
}

impl Run<'_> {
    /// The dataset with the columns that its sources have.
    pub(super) async fn described_by_sources(&self, access: &Arc<Access>) -> Result<Dataset, Trouble> {
        let mut described = self.dataset.clone();
        for table in described.tables.iter_mut().filter(|table| table.source_columns_at.is_some()) {
            *table = describe(access, table, self.stop).await?;
        }
        Ok(described)
    }

    /// The dataset with the columns that its tables have, where they take any from their sources and stand already.
    pub(super) async fn standing(&self, pool: &Pool) -> Result<Option<Dataset>, Trouble> {
        if !is_open(self.dataset) {
            return Ok(None);
        }
        let standing = self.described_by(self.dataset.schema.as_str(), pool).await?;
        Ok((!is_open(&standing)).then_some(standing))
    }

    /// The dataset with the columns that its tables have in a schema.
    pub(super) async fn described_by(&self, schema: &str, pool: &Pool) -> Result<Dataset, Trouble> {
        let mut described = self.dataset.clone();
        if !is_open(&described) {
            return Ok(described);
        }
        let connection = pool.take().await?;
        for table in described.tables.iter_mut().filter(|table| table.source_columns_at.is_some()) {
            let name = table.name.as_str();
            let rows = connection.rows("read the columns of a table", STANDING, &[&schema, &name]).await?;
            complete(table, rows.iter().map(|row| (row.get(0), row.get(1))).collect());
        }
        pool.give_back(connection);
        Ok(described)
    }
}

/// Adds the columns that a table does not declare.
fn complete(table: &mut Table, standing: Vec<(String, String)>) {
    let Some(mut at) = table.source_columns_at.filter(|_| !standing.is_empty()) else { return };
    for (name, type_name) in standing {
        let is_declared = table.columns.iter().any(|column| column.name.as_str() == name);
        if let (false, Ok(name)) = (is_declared, name.parse()) {
            let type_name = TypeName::of_server(type_name);
            table.columns.insert(at, Column { name, type_name, nullability: Nullability::Nullable });
            at += 1;
        }
    }
    table.source_columns_at = None;
}
