//! What a publish would change, or has changed: the rows of two sides of a dataset are held against each other by key. Only
//! reads, from one snapshot; what comes out is counts and a few examples of each kind.

mod compare;
mod error;
mod report;

use manifest::dataset::{Load, Table};
use manifest::{Dataset, Identifier};

use crate::postgres::{Connection, Pool, Session, Target};
use crate::publish::generation;
use crate::staging::Staging;
use crate::trouble::Trouble;

pub use error::DiffError;
pub use report::{Changed, Differing, Report, TableDiff, Value};

/// What is asked for.
#[derive(Debug, Clone)]
pub struct Question {
    /// Columns that tell rows apart; those of the manifest's keys when empty.
    pub key: Vec<String>,
    /// Rows that are shown of each kind, at most.
    pub examples: u32,
    /// Which sides are compared.
    pub sides: Sides,
}

/// Which sides are compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sides {
    /// What is in staging with what is live, or, where nothing is in staging, what is live with what was before.
    Newest,
    /// What is live with what was before.
    Previous,
}

/// Compares all tables of a dataset that both sides have.
///
/// # Errors
/// [`DiffError`], or the database's own.
pub async fn diff(dataset: &Dataset, target: &Target, question: &Question) -> Result<Report, Trouble> {
    let pool = Pool::new(target.clone(), Session::new(&dataset.dataset, "diff"));
    let left = match question.sides {
        Sides::Newest => Staging::left(&pool, &dataset.dataset).await?,
        Sides::Previous => None,
    };
    let connection = pool.take().await?;
    let live = dataset.schema.to_string();
    let (new, old) = if left.is_some() {
        (Staging::schema_of(&dataset.dataset), live)
    } else {
        let kept = generation::kept(&connection, &dataset.dataset).await?;
        let Some(previous) = kept.into_iter().next() else {
            return Err(DiffError::NothingElse { dataset: dataset.dataset.to_string() }.into());
        };
        (live, previous.schema)
    };
    // One snapshot for all tables, so that a publish in between does not mix what is compared.
    connection
        .batch("compare", "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; SET LOCAL work_mem = '128MB'")
        .await?;
    let tables = compare_all(&connection, dataset, question, &new, &old).await;
    connection.rollback().await;
    let tables = tables?;
    if tables.is_empty() {
        return Err(DiffError::NoTables { new, old }.into());
    }
    Ok(Report { dataset: dataset.dataset.to_string(), new, old, tables })
}

async fn compare_all(
    connection: &Connection,
    dataset: &Dataset,
    question: &Question,
    new: &str,
    old: &str,
) -> Result<Vec<TableDiff>, Trouble> {
    let mut tables = Vec::new();
    for table in &dataset.tables {
        let both = compare::Both::find(connection, table.name.as_str(), new, old).await?;
        if let Some(both) = both {
            let key = key(table, question, &both)?;
            tables.push(both.compare(connection, key, question.examples).await?);
        }
    }
    Ok(tables)
}

/// The columns that tell rows of a table apart; none where whole rows do. A number that PostgreSQL gives anew with each load
/// tells nothing.
fn key(table: &Table, question: &Question, both: &compare::Both) -> Result<Vec<String>, DiffError> {
    let absent: Vec<String> = question.key.iter().filter(|name| !both.compared.contains(name)).cloned().collect();
    if !absent.is_empty() {
        return Err(DiffError::NoColumn { table: table.name.to_string(), columns: absent });
    }
    if !question.key.is_empty() {
        return Ok(question.key.clone());
    }
    let upsert: &[Identifier] = if let Load::Upsert { key, .. } = &table.load { key } else { &[] };
    let names = |key: &[Identifier]| key.iter().map(ToString::to_string).collect::<Vec<_>>();
    let usable = |key: &Vec<String>| !key.is_empty() && key.iter().all(|name| both.compared.contains(name));
    Ok([names(upsert), names(&table.primary_key)].into_iter().find(usable).unwrap_or_default())
}
