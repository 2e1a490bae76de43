//! The generations that publishes replaced: each is kept in a schema that nobody may enter, as many of them as the manifest
//! asks for, and the oldest are dropped before room is needed for new rows.

use manifest::DatasetName;
use manifest::dataset::Generations;
use tokio_postgres::Row;
use tokio_postgres::error::SqlState;

use super::error::Error;
use crate::postgres::identifiers::{qualified, quote_ident};
use crate::postgres::{self, Connection};
use crate::staging::Mark;

/// How long another session may keep us from dropping one.
const PATIENCE: &str = "10s";

/// The name of the schema that holds what was live so many publishes ago, counted from 1. At most 59 bytes. The number
/// stands before the dataset's name, which begins with a letter, so that no two datasets have the same.
pub fn schema_of(dataset: &DatasetName, back: u8) -> String {
    if back <= 1 { format!("freshet_previous_{dataset}") } else { format!("freshet_previous_{back}_{dataset}") }
}

const DROP: &str = "drop a previous generation";

/// A generation that is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Generation {
    /// How many publishes ago it was live, from 1.
    pub back: u8,
    /// Its schema.
    pub schema: String,
    oid: u32,
    /// What its rows were made from, and by which run.
    pub mark: Mark,
    /// Its tables, by name.
    pub tables: Vec<String>,
}

/// The generations that are kept, the newest first.
///
/// # Errors
/// [`crate::staging::Error::Foreign`] when a schema of such a name is not one of ours, or the database's own.
pub async fn kept(connection: &Connection, dataset: &DatasetName) -> Result<Vec<Generation>, Error> {
    let schemas: Vec<String> = (1..=Generations::MOST).map(|back| schema_of(dataset, back)).collect();
    let rows = connection
        .rows(
            "look for previous generations",
            "SELECT w.place::int4, n.nspname::text, coalesce(obj_description(n.oid, 'pg_namespace'), ''), coalesce((
                 SELECT array_agg(c.relname::text ORDER BY c.relname) FROM pg_class c
                 WHERE c.relnamespace = n.oid AND c.relkind = 'r'), '{}'), n.oid
             FROM unnest($1::text[]) WITH ORDINALITY AS w (name, place) JOIN pg_namespace n ON n.nspname = w.name
             ORDER BY w.place",
            &[&schemas],
        )
        .await?;
    let generation = |row: &Row| {
        let schema: String = row.get(1);
        let Some(mark) = Mark::read(row.get(2)) else {
            return Err(Error::Staging(crate::staging::Error::Foreign { schema }));
        };
        let back = u8::try_from(row.get::<_, i32>(0)).unwrap_or(Generations::MOST);
        Ok(Generation { back, schema, oid: row.get(4), mark, tables: row.get(3) })
    };
    rows.iter().map(generation).collect()
}

/// Drops all but so many of the newest, the oldest first. Takes ACCESS EXCLUSIVE on tables that nobody can name. Does not
/// cascade: what hangs on them was bound to them behind our back and is somebody's.
///
/// # Errors
/// [`Error::GenerationInUse`] when something does, or the database's own.
pub async fn drop_beyond(connection: &Connection, dataset: &DatasetName, keep: u8) -> Result<(), Error> {
    let kept = kept(connection, dataset).await?;
    for generation in kept.iter().skip(usize::from(keep)).rev() {
        generation.drop(connection, dataset).await?;
    }
    Ok(())
}

/// How many are left when the next publish needs room for what it replaces.
pub fn room(generations: Generations) -> u8 {
    generations.kept().saturating_sub(1)
}

impl Generation {
    async fn drop(&self, connection: &Connection, dataset: &DatasetName) -> Result<(), Error> {
        let relations = self.relations(connection).await?;
        let mut sql = format!("BEGIN; SET LOCAL lock_timeout = '{PATIENCE}'");
        sql.extend(relations.views.iter().map(|view| format!("; DROP {view}")));
        // At once, as their foreign keys may name each other.
        if !relations.tables.is_empty() {
            sql.push_str("; DROP TABLE ");
            sql.push_str(&relations.tables.join(", "));
        }
        sql.push_str("; DROP SCHEMA ");
        sql.push_str(&quote_ident(&self.schema));
        self.conclude(connection, dataset, &sql).await
    }

    /// Drops what was computed from its tables: it is computed anew where it is wanted.
    ///
    /// # Errors
    /// As from [`drop_beyond`].
    pub async fn drop_views(&self, connection: &Connection, dataset: &DatasetName) -> Result<(), Error> {
        let mut sql = format!("BEGIN; SET LOCAL lock_timeout = '{PATIENCE}'");
        sql.extend(self.relations(connection).await?.views.iter().map(|view| format!("; DROP {view}")));
        self.conclude(connection, dataset, &sql).await
    }

    async fn relations(&self, connection: &Connection) -> Result<Relations, postgres::Error> {
        let rows = connection.rows(DROP, include_str!("generation.sql"), &[&self.oid]).await?;
        let is_table = |row: &&Row| row.get::<_, &str>(2) == "TABLE";
        let place = |row: &Row| qualified(row.get(0), row.get(1));
        Ok(Relations {
            views: rows
                .iter()
                .filter(|row| !is_table(row))
                .map(|row| format!("{} {}", row.get::<_, &str>(2), place(row)))
                .collect(),
            tables: rows.iter().filter(is_table).map(place).collect(),
        })
    }

    async fn conclude(&self, connection: &Connection, dataset: &DatasetName, sql: &str) -> Result<(), Error> {
        let Err(error) = connection.batch(DROP, &format!("{sql}; COMMIT")).await else { return Ok(()) };
        connection.rollback().await;
        match error {
            postgres::Error::Statement(refusal) if refusal.state == SqlState::DEPENDENT_OBJECTS_STILL_EXIST => {
                let detail = refusal.detail.unwrap_or(refusal.message);
                Err(Error::GenerationInUse { dataset: dataset.to_string(), detail })
            }
            error => Err(error.into()),
        }
    }
}

/// What stands in a generation's schema, as `DROP` names it.
struct Relations {
    /// With their kinds, those first that read others.
    views: Vec<String>,
    tables: Vec<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_names_of_all_generations_fit_and_no_two_datasets_share_one() {
        let longest = "d".repeat(40).parse().unwrap();
        assert!((1..=Generations::MOST).all(|back| schema_of(&longest, back).len() <= 63));
        // A dataset's name never begins with a digit.
        assert!("2_d".parse::<DatasetName>().is_err());
        assert_eq!(schema_of(&"d".parse().unwrap(), 2), "freshet_previous_2_d");
    }
}
