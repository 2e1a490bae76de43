//! Where the unqualified names of a dataset's SQL are looked up. Never where a role's or a database's settings say: the same
//! file means the same for everyone.

use manifest::Dataset;

use crate::postgres::identifiers::quote_ident;
use crate::postgres::{self, Connection};

/// The schemas of the tables of datasets $1, and those of extensions, such as that of PostGIS.
const SCHEMAS: &str = "
    SELECT 1, n.nspname::text FROM freshet.published_tables t
    JOIN pg_class c ON c.oid = t.table_oid JOIN pg_namespace n ON n.oid = c.relnamespace WHERE t.dataset = ANY ($1)
    UNION
    SELECT 2, n.nspname::text FROM pg_extension e JOIN pg_namespace n ON n.oid = e.extnamespace
    ORDER BY 1, 2";

/// Schemas in the order in which names are looked for: the dataset's own, those of the datasets that it depends on, those of
/// extensions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SearchPath(Vec<String>);

impl SearchPath {
    /// Asks for the schemas of a dataset.
    ///
    /// # Errors
    /// The database's own.
    pub async fn read(connection: &Connection, dataset: &Dataset) -> Result<Self, postgres::Error> {
        let upstream: Vec<&str> = dataset.depends_on.iter().map(manifest::DatasetName::as_str).collect();
        let mut schemas = vec![dataset.schema.to_string()];
        for row in connection.rows("look up schemas", SCHEMAS, &[&upstream]).await? {
            let schema: String = row.get(1);
            if !schemas.contains(&schema) && schema != "pg_catalog" {
                schemas.push(schema);
            }
        }
        Ok(Self(schemas))
    }

    /// The statement that sets it until the transaction ends, with tables in staging before those that are live. PostgreSQL's
    /// own names come first, as they do where nobody says otherwise, and temporary ones last, so that neither can be taken by
    /// something planted.
    pub fn over(&self, staging: &str) -> String {
        self.behind(&[staging])
    }

    /// The same without tables in staging. What is made without a schema is made in the dataset's.
    pub fn live(&self) -> String {
        self.behind(&[])
    }

    fn behind(&self, first: &[&str]) -> String {
        let schemas = first.iter().copied().chain(self.0.iter().map(String::as_str)).map(quote_ident);
        let path: Vec<String> = schemas.chain(["pg_temp".to_owned()]).collect();
        format!("SET LOCAL search_path = {}", path.join(", "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn staging_comes_before_what_is_live_and_after_postgresql_itself() {
        let path = SearchPath(vec!["nyc".into(), "gis".into()]);
        assert_eq!(path.over("s"), r#"SET LOCAL search_path = "s", "nyc", "gis", pg_temp"#);
        assert_eq!(path.live(), r#"SET LOCAL search_path = "nyc", "gis", pg_temp"#);
    }
}
