//! Who takes whose place in a publish: the new tables that of the live ones, these that of the newest generation that is kept,
//! and so on. All of it is a few names of schemas.

use manifest::{Dataset, DatasetName};

use super::error::Error;
use super::generation::{drop_beyond, kept, room, schema_of};
use super::inventory::Inventory;
use crate::ledger::{Ledger, Published};
use crate::postgres::identifiers::quote_ident;
use crate::postgres::{self, Connection};
use crate::staging::{Mark, Staging, make_private};

/// What becomes of the generation that is live.
#[derive(Debug)]
pub(super) struct Succession {
    /// The schema that the new tables are in, under the name that it has within the transaction.
    pub(super) source: String,
    /// The schema that the old ones go to.
    pub(super) previous: String,
    /// Gives the first that name.
    restore: String,
    /// Leaves the second to the live tables.
    shift: String,
    /// Drops the first where it was a generation itself, and is empty now.
    pub(super) after: String,
    /// What the ledger says of the rows that are live.
    published: Option<Published>,
}

impl Succession {
    /// Drops what there is no room for.
    pub(super) async fn prepare(
        connection: &Connection,
        ledger: &Ledger,
        dataset: &Dataset,
        staging: &Staging,
    ) -> Result<Self, Error> {
        let name = &dataset.dataset;
        let mut kept = kept(connection, name).await?;
        let (mut source, mut restore, mut after) = (staging.schema().to_owned(), String::new(), String::new());
        if staging.is_generation() {
            // It leaves its place to what is live, so that there are as many as before.
            kept.retain(|generation| generation.schema != source);
            source = format!("freshet_restored_{name}");
            let restored = quote_ident(&source);
            restore = format!("ALTER SCHEMA {} RENAME TO {restored}; ", quote_ident(staging.schema()));
            after = format!("DROP SCHEMA {restored}; ");
        } else {
            let room = room(dataset.generations);
            drop_beyond(connection, name, room).await?;
            kept.truncate(usize::from(room));
        }
        let taken: Vec<u8> = kept.iter().map(|generation| generation.back).collect();
        let published = ledger.published(name).await?;
        Ok(Self { source, previous: schema_of(name, 1), restore, shift: shift(name, &taken), after, published })
    }

    /// Makes place for the live tables, in the transaction that is open. Takes no locks that readers feel.
    pub(super) async fn begin(&self, connection: &Connection, inventory: &Inventory) -> Result<(), postgres::Error> {
        if inventory.live.is_empty() {
            return connection.batch("publish", &self.restore).await;
        }
        connection.batch("publish", &format!("{}{}", self.restore, self.shift)).await?;
        // A table that somebody put in the place of ours is of unknown origin.
        let is_ours = |published: &&Published| {
            inventory.live_oids().iter().all(|(name, oid)| published.tables.get(name) == Some(oid))
        };
        let origin = match self.published.as_ref().filter(is_ours) {
            Some(Published { run, manifest, fingerprint, .. }) => {
                Mark::new(*run, &**manifest, Some(fingerprint.clone()))
            }
            None => Mark::unknown(),
        };
        make_private(connection, &self.previous, &origin.to_comment()).await
    }
}

/// The statements that leave the newest place to what is about to be replaced. `taken` are the places of generations that
/// stay, in their order. Only as many move as must.
fn shift(dataset: &DatasetName, taken: &[u8]) -> String {
    let free = (1..=u8::MAX).find(|place| !taken.contains(place)).unwrap_or(u8::MAX);
    let renames = (1..free).rev().map(|place| {
        let (from, to) = (schema_of(dataset, place), schema_of(dataset, place + 1));
        format!("ALTER SCHEMA {} RENAME TO {}; ", quote_ident(&from), quote_ident(&to))
    });
    renames.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn moved(taken: &[u8]) -> String {
        let sql = shift(&"d".parse().unwrap(), taken);
        sql.replace("ALTER SCHEMA ", "").replace(" RENAME TO ", ">").replace("freshet_previous_", "").replace('"', "")
    }

    #[test]
    fn generations_move_back_as_far_as_there_is_no_gap() {
        assert_eq!(moved(&[]), "");
        assert_eq!(moved(&[1]), "d>2_d; ");
        assert_eq!(moved(&[1, 2]), "2_d>3_d; d>2_d; ");
        assert_eq!(moved(&[2, 3]), "");
        assert_eq!(moved(&[1, 3]), "d>2_d; ");
    }
}
