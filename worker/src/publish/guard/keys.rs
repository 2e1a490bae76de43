//! Keys that should be unique and are not, with the lines that they came from. PostgreSQL finds out for nothing, when it builds
//! the index; only then is the table read for all of them.

use manifest::Identifier;
use manifest::dataset::Uniqueness;

use super::finding::{Breach, DuplicateKey};
use super::{Examination, Staged, reading};
use crate::postgres::identifiers::{qualified, quote_ident};
use crate::postgres::{self, Connection};
use crate::staging::{self, IndexPlan};

/// Keys that are listed.
const EXAMPLES: usize = 20;

/// Rows of one key whose lines are told.
const PLACES: usize = 3;

/// The keys that kept indexes from being built. `error` is what PostgreSQL said of the first.
pub(super) async fn offenders(
    examination: &Examination<'_>,
    connection: &Connection,
    staged: &Staged<'_>,
    error: &staging::Error,
) -> Result<Vec<Breach>, postgres::Error> {
    let mut breaches = Vec::new();
    for plan in staged.blueprint.indexes.iter().filter(|plan| plan.unique == Uniqueness::Unique) {
        if let Some(columns) = columns(plan, staged) {
            breaches.extend(of_index(examination, connection, staged, plan, &columns).await?);
        }
    }
    // Of an index over expressions or a part of the rows only what PostgreSQL said is known.
    if let (true, staging::Error::Duplicates { index, detail, .. }) = (breaches.is_empty(), error) {
        let example = DuplicateKey { key: detail.clone(), times: 2, places: Vec::new() };
        breaches.push(Breach::Duplicates { index: index.clone(), keys: None, examples: vec![example] });
    }
    Ok(breaches)
}

/// The columns of an index over plain columns and all rows.
fn columns<'t>(plan: &IndexPlan, staged: &Staged<'t>) -> Option<Vec<&'t Identifier>> {
    let list = plan.tail.strip_prefix("USING btree (")?.strip_suffix(')')?;
    let column = |spelled: &str| {
        let is = |name: &str| spelled == name || spelled == quote_ident(name);
        staged.blueprint.columns.iter().map(|column| &column.name).find(|name| is(name.as_str()))
    };
    list.split(", ").map(column).collect()
}

async fn of_index(
    examination: &Examination<'_>,
    connection: &Connection,
    staged: &Staged<'_>,
    plan: &IndexPlan,
    columns: &[&Identifier],
) -> Result<Option<Breach>, postgres::Error> {
    let table = qualified(examination.staging.schema(), staged.blueprint.table.as_str());
    let what = format!("look for keys of {} that stand more than once", staged.blueprint.table);
    let names: Vec<String> = columns.iter().map(|column| quote_ident(column.as_str())).collect();
    let (list, first) = (names.join(", "), format!("(array_agg(ctid ORDER BY ctid))[1:{PLACES}]"));
    let texts: Vec<String> = names.iter().map(|name| format!("{name}::text")).collect();
    // NULLs are never equal to each other in a unique index.
    let present: Vec<String> = names.iter().map(|name| format!("{name} IS NOT NULL")).collect();
    let find = format!(
        "SELECT count(*) OVER (), count(*), ARRAY[{}], {first}::text[] FROM {table} WHERE {}
         GROUP BY {list} HAVING count(*) > 1 ORDER BY min(ctid) LIMIT {EXAMPLES}",
        texts.join(", "),
        present.join(" AND "),
    );
    // Rows stand in the order in which they came.
    let number = format!(
        "SELECT at::text, number FROM (SELECT ctid AS at, row_number() OVER () - 1 AS number FROM {table}) numbered
         WHERE at = ANY ($1::text[]::tid[])"
    );
    let in_order = "SET LOCAL synchronize_seqscans = off; SET LOCAL max_parallel_workers_per_gather = 0";
    let asking = async || {
        let rows = connection.rows(&what, &find, &[]).await?;
        let tids: Vec<String> = rows.iter().flat_map(|row| row.get::<_, Vec<String>>(3)).collect();
        let numbers = match staged.places {
            Some(_) if !tids.is_empty() => connection.rows(&what, &number, &[&tids]).await?,
            _ => Vec::new(),
        };
        Ok((rows, numbers))
    };
    let (rows, numbers) = reading(connection, &what, staged.blueprint, in_order, asking).await?;
    let Some(keys) = rows.first().map(|row| u64::try_from(row.get::<_, i64>(0)).unwrap_or_default()) else {
        return Ok(None);
    };
    let place = |tid: &String| {
        let row = numbers.iter().find(|row| row.get::<_, &str>(0) == tid)?;
        staged.places?.of(u64::try_from(row.get::<_, i64>(1)).ok()?)
    };
    let example = |row: &tokio_postgres::Row| {
        let values: Vec<Option<String>> = row.get(2);
        let key = columns.iter().zip(values).map(|(column, value)| format!("{column}={}", value.unwrap_or_default()));
        DuplicateKey {
            key: key.collect::<Vec<_>>().join(", "),
            times: u64::try_from(row.get::<_, i64>(1)).unwrap_or_default(),
            places: row.get::<_, Vec<String>>(3).iter().filter_map(place).collect(),
        }
    };
    let examples = rows.iter().map(example).collect();
    Ok(Some(Breach::Duplicates { index: plan.name.clone(), keys: Some(keys), examples }))
}
