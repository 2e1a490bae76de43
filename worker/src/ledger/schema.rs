//! The ledger's own tables: made, and later migrated, by whichever worker comes first, while the others wait.

use crate::postgres::identifiers::quote_ident;
use crate::postgres::{self, Connection};

use super::error::Error;

/// What each version adds, in order. A migration only ever adds, so that older workers go on; one that cannot raises
/// [`OLDEST`].
const MIGRATIONS: [&str; 10] = [
    include_str!("migrations/0001.sql"),
    include_str!("migrations/0002.sql"),
    include_str!("migrations/0003.sql"),
    include_str!("migrations/0004.sql"),
    include_str!("migrations/0005.sql"),
    include_str!("migrations/0006.sql"),
    include_str!("migrations/0007.sql"),
    include_str!("migrations/0008.sql"),
    include_str!("migrations/0009.sql"),
    include_str!("migrations/0010.sql"),
];

/// What every version ends with: who may see what.
const PRIVATE: &str = include_str!("migrations/private.sql");

/// The oldest version of a worker that can use the ledger as the last migration leaves it.
const OLDEST: i32 = 1;

/// Key of the lock under which the schema is made; the letters `freshet` in ASCII.
const LOCK: i64 = 0x0066_7265_7368_6574;

/// This worker's version.
fn ours() -> i32 {
    i32::try_from(MIGRATIONS.len()).unwrap_or(i32::MAX)
}

/// Brings the ledger to this worker's version.
pub(super) async fn migrate(connection: &Connection) -> Result<(), Error> {
    let ours = ours();
    if current(connection, ours).await? {
        return Ok(());
    }
    // Released by COMMIT and ROLLBACK alike.
    connection.batch("lock the ledger's schema", &format!("BEGIN; SELECT pg_advisory_xact_lock({LOCK})")).await?;
    let migrated = migrate_locked(connection, ours).await;
    match &migrated {
        Ok(()) => connection.batch("create the ledger", "COMMIT").await?,
        Err(_) => connection.rollback().await,
    }
    migrated
}

/// Makes or migrates the ledger and rolls it back: whether it could be done.
///
/// # Errors
/// As [`super::Ledger::open`].
pub async fn rehearse(connection: &Connection) -> Result<(), Error> {
    connection.batch("try to make the ledger", &format!("BEGIN; SELECT pg_advisory_xact_lock({LOCK})")).await?;
    let rehearsed = migrate_locked(connection, ours()).await;
    connection.rollback().await;
    rehearsed
}

async fn migrate_locked(connection: &Connection, ours: i32) -> Result<(), Error> {
    // Another worker may have been faster while we waited.
    if current(connection, ours).await? {
        return Ok(());
    }
    let found = version(connection).await?.map_or(0, |(version, _)| version);
    let about = connection
        .row(
            "see whether the ledger can be made",
            "SELECT EXISTS (SELECT FROM pg_namespace WHERE nspname = 'freshet'),
                    has_database_privilege(current_database(), 'CREATE')",
            &[],
        )
        .await?;
    match (about.get(0), about.get(1)) {
        (false, true) => connection.batch("create the ledger", "CREATE SCHEMA freshet").await?,
        (false, false) => {
            let (database, user) = (quote_ident(connection.database()), quote_ident(connection.user()));
            return Err(Error::Database(postgres::Error::Right {
                what: format!("create the schema freshet in database {}", connection.database()),
                grant: format!("GRANT CREATE ON DATABASE {database} TO {user}"),
            }));
        }
        (true, _) => {}
    }
    for migration in MIGRATIONS.iter().skip(usize::try_from(found).unwrap_or_default()) {
        connection.batch("create the ledger", migration).await?;
    }
    connection.batch("close the ledger to others", PRIVATE).await?;
    let note =
        format!("DELETE FROM freshet.version; INSERT INTO freshet.version (version, oldest) VALUES ({ours}, {OLDEST})");
    connection.batch("note the ledger's version", &note).await?;
    Ok(())
}

/// Whether the ledger is at our version, or at a later one that we can use.
async fn current(connection: &Connection, ours: i32) -> Result<bool, Error> {
    match version(connection).await? {
        Some((found, least)) if least > ours => Err(Error::Newer { found, least, ours }),
        Some((found, _)) => Ok(found >= ours),
        None => Ok(false),
    }
}

async fn version(connection: &Connection) -> Result<Option<(i32, i32)>, postgres::Error> {
    // Not `to_regclass`: under a lock that another worker has just let go of, it answers from a cache that is stale.
    let exists = connection
        .row(
            "look for the ledger",
            "SELECT EXISTS (SELECT FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
                            WHERE n.nspname = 'freshet' AND c.relname = 'version')",
            &[],
        )
        .await?;
    if !exists.get::<_, bool>(0) {
        return Ok(None);
    }
    let row = connection.maybe("read the ledger's version", "SELECT version, oldest FROM freshet.version", &[]).await?;
    Ok(row.map(|row| (row.get(0), row.get(1))))
}
