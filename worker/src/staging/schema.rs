//! Schemas of our own: made so that nobody else has rights in them, told apart by their comment.

use std::collections::BTreeSet;

use crate::postgres::identifiers::{quote_ident, quote_literal};
use crate::postgres::{self, Acting, Connection};

use super::conclude;
use super::error::Error;
use super::mark::Mark;

/// How long another session may keep us from dropping what an earlier run left: its last transaction may still be dying.
const DROP_PATIENCE: &str = "30s";

/// The mark of a schema; `None` when there is no such schema.
///
/// # Errors
/// [`Error::Foreign`] when it is not one of ours.
pub(super) async fn find(connection: &Connection, schema: &str) -> Result<Option<Mark>, Error> {
    let found = connection
        .maybe(
            "look for staging",
            "SELECT coalesce(obj_description(oid, 'pg_namespace'), '') FROM pg_namespace WHERE nspname = $1",
            &[&schema],
        )
        .await?;
    match found.map(|row| Mark::read(row.get(0))) {
        None => Ok(None),
        Some(Some(mark)) => Ok(Some(mark)),
        Some(None) => Err(Error::Foreign { schema: schema.to_owned() }),
    }
}

/// Drops the schema with all that is in it, if it is ours. Takes ACCESS EXCLUSIVE on its tables, which nobody reads.
pub(super) async fn drop(connection: &Connection, schema: &str) -> Result<(), Error> {
    if find(connection, schema).await?.is_none() {
        return Ok(());
    }
    let sql = format!("BEGIN; SET LOCAL lock_timeout = '{DROP_PATIENCE}'; DROP SCHEMA {} CASCADE", quote_ident(schema));
    let what = "drop what an earlier run left in staging";
    let dropped = connection.batch(what, &sql).await.map_err(Error::from);
    conclude(connection, what, dropped).await
}

/// Makes the schema with its mark.
pub(super) async fn make(
    connection: &Connection,
    schema: &str,
    mark: &Mark,
    owners: &BTreeSet<Acting>,
) -> Result<(), Error> {
    connection.batch("make the staging schema", "BEGIN").await?;
    let made = async {
        make_private(connection, schema, &mark.to_comment()).await?;
        connection.batch("make the staging schema", &let_in(schema, owners)).await
    };
    let made = made.await.map_err(|error| missing_right(connection, error)).map_err(Error::from);
    conclude(connection, "make the staging schema", made).await
}

/// Puts our own mark on what an earlier run left.
pub(super) async fn take_over(
    connection: &Connection,
    schema: &str,
    mark: &Mark,
    owners: &BTreeSet<Acting>,
) -> Result<(), Error> {
    note(connection, schema, mark).await?;
    connection.batch("take over the staging schema", &let_in(schema, owners)).await?;
    Ok(())
}

/// Replaces the mark.
pub(super) async fn note(connection: &Connection, schema: &str, mark: &Mark) -> Result<(), Error> {
    let sql = format!("COMMENT ON SCHEMA {} IS {}", quote_ident(schema), quote_literal(&mark.to_comment()));
    connection.batch("mark the staging schema", &sql).await?;
    Ok(())
}

/// Makes a schema that only the login role can enter, whatever default privileges say, in the transaction that is open.
pub(crate) async fn make_private(connection: &Connection, schema: &str, comment: &str) -> Result<(), postgres::Error> {
    let (name, what) = (quote_ident(schema), "make a schema of its own");
    let sql = format!("CREATE SCHEMA {name}; COMMENT ON SCHEMA {name} IS {}", quote_literal(comment));
    connection.batch(what, &sql).await?;
    let others = connection
        .rows(
            what,
            "SELECT DISTINCT a.grantee = 0, pg_get_userbyid(a.grantee)::text
             FROM pg_namespace n, aclexplode(n.nspacl) a WHERE n.nspname = $1 AND a.grantee <> n.nspowner",
            &[&schema],
        )
        .await?;
    for row in &others {
        let grantee = if row.get(0) { "PUBLIC".to_owned() } else { quote_ident(row.get(1)) };
        connection.batch(what, &format!("REVOKE ALL ON SCHEMA {name} FROM {grantee}")).await?;
    }
    Ok(())
}

/// Lets owners of tables in, for the time of a load.
pub(crate) fn let_in(schema: &str, owners: &BTreeSet<Acting>) -> String {
    let grants = owners
        .iter()
        .filter_map(Acting::role)
        .map(|role| format!("GRANT USAGE, CREATE ON SCHEMA {} TO {};", quote_ident(schema), quote_ident(role)));
    grants.collect()
}

/// Keeps them out again.
pub(super) fn keep_out(schema: &str, owners: &BTreeSet<Acting>) -> String {
    let revokes = owners
        .iter()
        .filter_map(Acting::role)
        .map(|role| format!("REVOKE USAGE, CREATE ON SCHEMA {} FROM {};", quote_ident(schema), quote_ident(role)));
    revokes.collect()
}

/// An error of [`make_private`] with the `GRANT` that would help.
pub(crate) fn missing_right(connection: &Connection, error: postgres::Error) -> postgres::Error {
    if error.is(&tokio_postgres::error::SqlState::INSUFFICIENT_PRIVILEGE) {
        let (database, user) = (quote_ident(connection.database()), quote_ident(connection.user()));
        return postgres::Error::Right {
            what: format!("create schemas in database {}", connection.database()),
            grant: format!("GRANT CREATE ON DATABASE {database} TO {user}"),
        };
    }
    error
}
