//! The datasets that another one is made from: how often each has been published tells whether it has changed.

use std::collections::{BTreeMap, BTreeSet};

use manifest::DatasetName;

use crate::postgres;

use super::Ledger;

/// How often each dataset has been published, by name; what never was is not in it.
pub type Generations = BTreeMap<String, i64>;

impl Ledger {
    /// The generations of these datasets that are live now.
    pub async fn generations(&self, datasets: &BTreeSet<DatasetName>) -> Result<Generations, postgres::Error> {
        if datasets.is_empty() {
            return Ok(Generations::new());
        }
        let names: Vec<&str> = datasets.iter().map(DatasetName::as_str).collect();
        let sql = "SELECT dataset, generation FROM freshet.published WHERE dataset = ANY ($1)";
        let rows = self.connection().await?.rows("read the generations of datasets", sql, &[&names]).await?;
        Ok(rows.iter().map(|row| (row.get(0), row.get(1))).collect())
    }
}
