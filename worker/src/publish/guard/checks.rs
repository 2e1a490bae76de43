//! Checks of the manifest: each is a query of rows that should not be there.

use manifest::Identifier;
use manifest::dataset::Query;

use super::finding::Breach;
use super::{Examination, reading};
use crate::derived::SearchPath;
use crate::postgres::{self, Connection};
use crate::staging::Blueprint;

/// Rows that are shown of those that a check found.
const EXAMPLES: usize = 5;

/// Longest row that is shown, in characters.
const LONGEST: usize = 300;

/// Runs one check. The dataset's tables are those in staging, all others those that are live; names are looked up as in its
/// queries.
pub(super) async fn run(
    examination: &Examination<'_>,
    connection: &Connection,
    blueprint: &Blueprint,
    name: &Identifier,
    query: &Query,
) -> Result<Option<Breach>, postgres::Error> {
    let what = format!("run the check {name} ({}) of {}", query.file, blueprint.table);
    let path = SearchPath::read(connection, examination.dataset).await?.over(examination.staging.schema());
    let asking = async || {
        // A cursor takes the query as it stands in its file, with its comments and its last semicolon.
        connection.batch(&what, &format!("DECLARE found NO SCROLL CURSOR FOR {}", query.sql)).await?;
        let rows = connection.texts(&what, &format!("FETCH {EXAMPLES} FROM found")).await?;
        let more =
            if rows.len() < EXAMPLES { 0 } else { connection.execute(&what, "MOVE ALL FROM found", &[]).await? };
        Ok((rows, more))
    };
    let (rows, more) = reading(connection, &what, blueprint, &path, asking).await?;
    if rows.is_empty() {
        return Ok(None);
    }
    let examples = rows.iter().map(|row| shown(row)).collect();
    Ok(Some(Breach::Check { name: name.to_string(), rows: rows.len() as u64 + more, examples }))
}

fn shown(row: &[(String, Option<String>)]) -> String {
    let fields = row.iter().map(|(column, value)| format!("{column}={}", value.as_deref().unwrap_or("NULL")));
    let text = fields.collect::<Vec<_>>().join(", ");
    match text.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text,
    }
}
