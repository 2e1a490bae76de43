//! Materialized views that show the rows of a publish only once they are refreshed: written in the transaction that publishes,
//! gone with the refresh.

use std::collections::BTreeSet;

use manifest::DatasetName;

use super::Ledger;
use crate::postgres::{self, Connection};

/// A relation: its schema and its name.
pub type Relation = (String, String);

/// Writes them down in the transaction that is open on `connection`, beside those that stand there.
///
/// # Errors
/// The database's own.
pub async fn leave_lagging(
    connection: &Connection,
    dataset: &DatasetName,
    views: &BTreeSet<Relation>,
) -> Result<(), postgres::Error> {
    if views.is_empty() {
        return Ok(());
    }
    let (schemas, names): (Vec<&str>, Vec<&str>) =
        views.iter().map(|(schema, name)| (schema.as_str(), name.as_str())).unzip();
    connection
        .execute(
            "write down which views are to be refreshed",
            "INSERT INTO freshet.lagging_views (dataset, schema_name, view_name)
             SELECT $1, * FROM unnest($2::text[], $3::text[]) ON CONFLICT DO NOTHING",
            &[&dataset.as_str(), &schemas, &names],
        )
        .await?;
    Ok(())
}

impl Ledger {
    /// The views that publishes of a dataset have left behind.
    ///
    /// # Errors
    /// The database's own.
    pub async fn lagging(&self, dataset: &DatasetName) -> Result<BTreeSet<Relation>, postgres::Error> {
        let sql = "SELECT schema_name, view_name FROM freshet.lagging_views WHERE dataset = $1";
        let rows =
            self.connection().await?.rows("read which views are to be refreshed", sql, &[&dataset.as_str()]).await?;
        Ok(rows.iter().map(|row| (row.get(0), row.get(1))).collect())
    }

    /// Strikes one out.
    ///
    /// # Errors
    /// The database's own.
    pub async fn refreshed(&self, dataset: &DatasetName, view: &Relation) -> Result<(), postgres::Error> {
        let sql = "DELETE FROM freshet.lagging_views WHERE dataset = $1 AND schema_name = $2 AND view_name = $3";
        let (schema, name) = view;
        self.connection()
            .await?
            .execute("note that a view is refreshed", sql, &[&dataset.as_str(), schema, name])
            .await?;
        Ok(())
    }
}
