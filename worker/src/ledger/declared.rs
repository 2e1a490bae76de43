//! What manifests declared of the tables that are live, kept for whoever publishes them next. What it says is the
//! publisher's own matter; here it is a text.

use manifest::{DatasetName, Identifier};

use crate::postgres::{self, Connection};

/// What was written down about each published table, by PostgreSQL's id; `None` where an older worker published it.
///
/// # Errors
/// The database's own. A ledger that is not there yet, or not at our version, has nothing to say.
pub async fn declared(
    connection: &Connection,
    dataset: &DatasetName,
) -> Result<Vec<(u32, Option<String>)>, postgres::Error> {
    let what = "read what was declared of the live tables";
    let about = connection
        .row(
            what,
            "SELECT EXISTS (SELECT FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
                            WHERE n.nspname = 'freshet' AND c.relname = 'declared')",
            &[],
        )
        .await?;
    if !about.get::<_, bool>(0) {
        return Ok(Vec::new());
    }
    let sql = "SELECT p.table_oid, d.declared::text
               FROM freshet.published_tables p LEFT JOIN freshet.declared d USING (dataset, table_name, table_oid)
               WHERE p.dataset = $1";
    let rows = connection.rows(what, sql, &[&dataset.as_str()]).await?;
    Ok(rows.iter().map(|row| (row.get(0), row.get(1))).collect())
}

/// Writes it down in the transaction that is open on `connection`: of each table its name, PostgreSQL's id of it, and what
/// was declared.
///
/// # Errors
/// The database's own.
pub async fn declare(
    connection: &Connection,
    dataset: &DatasetName,
    tables: &[(Identifier, u32, String)],
) -> Result<(), postgres::Error> {
    let names: Vec<&str> = tables.iter().map(|(name, ..)| name.as_str()).collect();
    let oids: Vec<u32> = tables.iter().map(|(_, oid, _)| *oid).collect();
    let texts: Vec<&str> = tables.iter().map(|(.., text)| text.as_str()).collect();
    connection
        .execute(
            "write down what was declared",
            "INSERT INTO freshet.declared (dataset, table_name, table_oid, declared)
             SELECT $1, t.name, t.oid, t.declared::jsonb
             FROM unnest($2::text[], $3::oid[], $4::text[]) AS t (name, oid, declared)
             ON CONFLICT (dataset, table_name) DO UPDATE
             SET (table_oid, declared) = (excluded.table_oid, excluded.declared)",
            &[&dataset.as_str(), &names, &oids, &texts],
        )
        .await?;
    Ok(())
}
