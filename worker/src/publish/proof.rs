//! Proving foreign keys of other tables again, once the rows that they name are live. The swap writes down which it leaves
//! `NOT VALID`, so that a run which is killed between its `COMMIT` and the proof leaves nothing to be forgotten: the
//! dataset's next run proves them.

use manifest::Dataset;

use super::Error;
use super::foreign_keys::ForeignKey;
use super::inventory::{Inventory, Reader};
use crate::ledger::{Ledger, UnprovenKey};
use crate::postgres::Pool;

impl Inventory {
    /// The foreign keys that hold of every row, and that a swap adds again without proof.
    pub(super) fn unproven_by_a_swap(&self) -> Vec<UnprovenKey> {
        self.foreign_keys.iter().filter(|key| key.must_hold()).map(ForeignKey::unproven).collect()
    }
}

/// Proves what the dataset's publishes left unproven. The rows are live: what cannot be proven is told in words, and tried
/// again by the next run.
///
/// # Errors
/// The database's own, as far as it is not about a key.
pub(crate) async fn prove(ledger: &Ledger, dataset: &Dataset, pool: &Pool) -> Result<Vec<String>, Error> {
    let unproven = ledger.unproven(&dataset.dataset).await?;
    if unproven.is_empty() {
        return Ok(Vec::new());
    }
    let connection = pool.take().await?;
    let reader = Reader::new(&connection, dataset).await?;
    let inventory = reader.read(&connection, dataset).await?;
    let mut left = Vec::new();
    for name in &unproven {
        // One that is not there any more was dropped by somebody.
        let key = inventory.foreign_keys.iter().find(|key| key.unproven() == *name);
        let proven = match key {
            Some(key) => key.prove(&connection).await.map_err(|error| key.left_unproven(&error.to_string())),
            None => Ok(()),
        };
        match proven {
            Ok(()) => ledger.proven(&dataset.dataset, name).await?,
            Err(words) => left.push(words),
        }
    }
    pool.give_back(connection);
    Ok(left)
}
