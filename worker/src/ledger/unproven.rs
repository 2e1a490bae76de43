//! Foreign keys of other tables that a publish has added again and nobody has proven yet: written in the transaction that
//! publishes, gone with the proof.

use manifest::DatasetName;

use super::Ledger;
use crate::postgres::{self, Connection};

/// A foreign key of a table that is not the dataset's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnprovenKey {
    /// Schema of its table.
    pub schema: String,
    /// Its table.
    pub table: String,
    /// Its own name.
    pub constraint: String,
}

/// Writes them down in the transaction that is open on `connection`, beside those that stand there.
///
/// # Errors
/// The database's own.
pub async fn leave_unproven(
    connection: &Connection,
    dataset: &DatasetName,
    keys: &[UnprovenKey],
) -> Result<(), postgres::Error> {
    if keys.is_empty() {
        return Ok(());
    }
    let column = |part: fn(&UnprovenKey) -> &str| keys.iter().map(part).collect::<Vec<&str>>();
    let (schemas, tables) = (column(|key| &key.schema), column(|key| &key.table));
    connection
        .execute(
            "write down which foreign keys are to be proven",
            "INSERT INTO freshet.unproven_keys (dataset, schema_name, table_name, constraint_name)
             SELECT $1, * FROM unnest($2::text[], $3::text[], $4::text[])
             ON CONFLICT DO NOTHING",
            &[&dataset.as_str(), &schemas, &tables, &column(|key| &key.constraint)],
        )
        .await?;
    Ok(())
}

impl Ledger {
    /// The keys that publishes of a dataset left unproven.
    ///
    /// # Errors
    /// The database's own.
    pub async fn unproven(&self, dataset: &DatasetName) -> Result<Vec<UnprovenKey>, postgres::Error> {
        let sql = "SELECT schema_name, table_name, constraint_name FROM freshet.unproven_keys WHERE dataset = $1
                   ORDER BY schema_name, table_name, constraint_name";
        let rows = self
            .connection()
            .await?
            .rows("read which foreign keys are to be proven", sql, &[&dataset.as_str()])
            .await?;
        let key =
            |row: &tokio_postgres::Row| UnprovenKey { schema: row.get(0), table: row.get(1), constraint: row.get(2) };
        Ok(rows.iter().map(key).collect())
    }

    /// Strikes one out.
    ///
    /// # Errors
    /// The database's own.
    pub async fn proven(&self, dataset: &DatasetName, key: &UnprovenKey) -> Result<(), postgres::Error> {
        let sql = "DELETE FROM freshet.unproven_keys
                   WHERE dataset = $1 AND schema_name = $2 AND table_name = $3 AND constraint_name = $4";
        let values =
            [&dataset.as_str() as &(dyn tokio_postgres::types::ToSql + Sync), &key.schema, &key.table, &key.constraint];
        self.connection().await?.execute("note that a foreign key is proven", sql, &values).await?;
        Ok(())
    }
}
