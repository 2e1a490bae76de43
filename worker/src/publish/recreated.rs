//! Views whose columns would change with those of the tables, where the manifest wants them made anew (`dependent_views:
//! recreate`): PostgreSQL replaces a view only by one with the same columns. Carried: another is made in staging with owner,
//! privileges, comments, options, defaults, triggers and rules, and takes its place with the tables; it is another object.

use super::error::Error;
use super::inventory::{Inventory, Reader};
use super::matviews::Rebuilt;
use super::views::View;
use crate::postgres::Connection;
use crate::postgres::identifiers::qualified;

/// Makes it in staging, where it does not stand there as it should. What it reads must be there.
///
/// # Errors
/// The database's own.
pub(super) async fn build(
    connection: &Connection,
    reader: &Reader,
    schema: &str,
    inventory: &Inventory,
    (view, rebuilt): (&View, &Rebuilt),
) -> Result<(), Error> {
    let what = format!("make view {} in staging", view.name);
    let mut path = inventory.path();
    path.insert(0, schema.to_owned());
    let path: Vec<&str> = path.iter().map(String::as_str).collect();
    let found = connection
        .maybe(
            &what,
            "SELECT c.oid, c.reloptions FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
             WHERE n.nspname = $1 AND c.relname = $2 AND c.relkind = 'v'
               AND c.relowner = (SELECT oid FROM pg_roles WHERE rolname = coalesce($3, session_user))",
            &[&schema, &view.name, &view.maker(inventory.login()).role()],
        )
        .await?;
    if let Some(found) = found {
        let options: Option<Vec<String>> = found.get(1);
        let made = reader.definitions(connection, &[found.get(0)], &path).await?;
        if options.unwrap_or_default() == view.options && made.first().is_some_and(|made| rebuilt.is_made_of(made)) {
            return Ok(());
        }
    }
    let place = qualified(schema, &view.name);
    let query = rebuilt.query.trim().trim_end_matches(';');
    let mut statements = vec![
        "BEGIN".to_owned(),
        view.maker(inventory.login()).set_local(),
        format!("SET LOCAL search_path = {}", super::attached::path(&path)),
        format!("DROP VIEW IF EXISTS {place} CASCADE"),
        format!("CREATE VIEW {place}{} AS {query}", view.with_options()),
    ];
    statements.extend(rebuilt.fittings.iter().map(|statement| statement.trim().trim_end_matches(';').to_owned()));
    statements.push("COMMIT".to_owned());
    let made = connection.batch(&what, &statements.join("; ")).await;
    if made.is_err() {
        connection.rollback().await;
    }
    Ok(made?)
}
