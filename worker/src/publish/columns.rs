//! Columns: the manifest says which there are and of what type; how each is kept, and what is said about it, comes from
//! the live table. Carried: collation, storage, compression, statistics targets, options, how an identity counts, comments.
//! Refused: columns that only the live table has, generated ones, and identities that the manifest does not know.

use std::collections::{BTreeMap, BTreeSet};

use manifest::dataset::{Column, Nullability, Table, TypeName};
use tokio_postgres::Row;

use super::origin::Origin;
use super::refusal::Refusal;
use super::sequences::Sequence;
use crate::postgres::identifiers::quote_ident;
use crate::postgres::{self, Connection};
use crate::staging::{ColumnPlan, ColumnSetting};

pub(super) const QUERY: &str = include_str!("columns.sql");

/// A column of a live table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct LiveColumn {
    pub(super) table: u32,
    pub(super) name: String,
    pub(super) column_type: ColumnType,
    pub(super) not_null: bool,
    identity: String,
    generated: String,
    collation: Option<String>,
    pub(super) settings: Vec<ColumnSetting>,
    pub(super) comment: Option<String>,
    pub(super) sequence: Option<Sequence>,
}

/// A type with its modifier, as PostgreSQL numbers and spells them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct ColumnType {
    /// `pg_type.oid`.
    pub oid: u32,
    /// Length or precision, packed; -1 for none.
    pub modifier: i32,
    /// As `format_type` spells both.
    pub name: String,
}

impl LiveColumn {
    pub(super) fn read(row: &Row) -> Self {
        let storage = match row.get::<_, Option<&str>>("storage") {
            Some("p") => Some(ColumnSetting::Storage("PLAIN")),
            Some("e") => Some(ColumnSetting::Storage("EXTERNAL")),
            Some("m") => Some(ColumnSetting::Storage("MAIN")),
            Some(_) => Some(ColumnSetting::Storage("EXTENDED")),
            None => None,
        };
        let options: Vec<String> = row.get("options");
        let settings = [
            storage,
            row.get::<_, Option<String>>("compression").map(ColumnSetting::Compression),
            row.get::<_, Option<i32>>("statistics").map(ColumnSetting::Statistics),
            (!options.is_empty()).then_some(ColumnSetting::Options(options)),
        ];
        Self {
            table: row.get("table_oid"),
            name: row.get("name"),
            column_type: ColumnType {
                oid: row.get("type_oid"),
                modifier: row.get("type_modifier"),
                name: row.get("type_name"),
            },
            not_null: row.get("not_null"),
            identity: row.get("identity"),
            generated: row.get("generated"),
            collation: row.get("collation_name"),
            settings: settings.into_iter().flatten().collect(),
            comment: row.get("comment"),
            sequence: None,
        }
    }
}

impl LiveColumn {
    /// Whether it may not be empty although no manifest ever said so, as far as anybody knows.
    pub(super) fn is_not_null_by_hand(&self, declared: &BTreeSet<String>, origin: &Origin) -> bool {
        let was_declared = origin.declared().is_some_and(|before| before.not_null.contains(&self.name));
        self.not_null && !declared.contains(&self.name) && !was_declared
    }

    /// How it counts, as `CREATE TABLE` takes it.
    fn identity(&self) -> Option<String> {
        let when = match self.identity.as_str() {
            "a" => "ALWAYS",
            "d" => "BY DEFAULT",
            _ => return None,
        };
        let options = self.sequence.as_ref().map(|sequence| sequence.options.as_str()).filter(|text| !text.is_empty());
        let options = options.map(|options| format!(" ({options})")).unwrap_or_default();
        Some(format!("GENERATED {when} AS IDENTITY{options}"))
    }
}

/// A statement that writes the catalog's row of every column, and changes nothing. `GRANT` on a column waits for no lock on
/// the table, only for whoever writes the same row: one that has not committed yet makes us fail and try again, one that
/// comes later fails. It cannot be lost with the table that goes.
pub(super) fn touch(table: &str, live: &[LiveColumn]) -> Option<String> {
    let actions = live.iter().map(|column| {
        let target = column.settings.iter().find_map(|setting| match setting {
            ColumnSetting::Statistics(target) => Some(*target),
            _ => None,
        });
        format!("ALTER COLUMN {} SET STATISTICS {}", quote_ident(&column.name), target.unwrap_or(-1))
    });
    let actions: Vec<String> = actions.collect();
    (!actions.is_empty()).then(|| format!("ALTER TABLE {table} {}", actions.join(", ")))
}

/// What would be lost of a live table's columns.
pub(super) fn refuse(table: &Table, live: &[LiveColumn]) -> Vec<Refusal> {
    let name = table.name.as_str();
    let refused = live.iter().filter_map(|column| {
        let object = |what: &str| format!("{what} {}", column.name);
        let declared = table.columns.iter().find(|declared| declared.name.as_str() == column.name);
        match declared {
            None => Some(Refusal::new(
                name,
                object("column"),
                "it stands in the live table only: declare it in the manifest, or drop it",
            )),
            // Generated columns are found with everything else that is not carried.
            Some(_) if !column.generated.is_empty() => None,
            Some(declared) => match (column.identity.as_str(), declared.nullability) {
                ("", _) | (_, Nullability::Identity) => None,
                _ => Some(Refusal::new(
                    name,
                    object("the identity of column"),
                    "declare the column as identity in the manifest, or ALTER TABLE … ALTER COLUMN … DROP IDENTITY",
                )),
            },
        }
    });
    refused.collect()
}

/// The manifest's columns with what is carried over from the live ones.
pub(super) fn plan(table: &Table, types: &Types, live: &[LiveColumn]) -> Vec<ColumnPlan> {
    let planned = table.columns.iter().map(|column| {
        let kept = live.iter().find(|kept| kept.name == column.name.as_str());
        let in_key = table.primary_key.contains(&column.name);
        // A setting of the old type may not fit a new one.
        let alike = kept.filter(|kept| types.of(column).is_some_and(|known| known.oid == kept.column_type.oid));
        ColumnPlan {
            name: column.name.clone(),
            type_name: types.of(column).map(|known| known.name.clone()).unwrap_or_default(),
            nullability: match column.nullability {
                // PostgreSQL would set it with the key, but only after a scan.
                Nullability::Nullable if in_key => Nullability::NotNull,
                declared => declared,
            },
            collation: alike.and_then(|kept| kept.collation.clone()),
            identity: kept.and_then(LiveColumn::identity),
            settings: alike.map(|kept| kept.settings.clone()).unwrap_or_default(),
        }
    });
    planned.collect()
}

/// A type as `format_type` spells it. What a query returns has the base type of a domain ($3).
const NAMED: &str = "SELECT oid, modifier, format_type(oid, modifier) FROM (
    SELECT coalesce(d.oid, $1::oid) AS oid, CASE WHEN d.oid IS NULL THEN $2::int4 ELSE -1 END AS modifier
    FROM (SELECT) one LEFT JOIN pg_type d ON d.oid = to_regtype($3::text) AND d.typtype = 'd') known";

/// The schema of a type that an extension brought. Sessions of ours look for no names outside of `pg_catalog`.
const EXTENSION: &str = "
    SELECT quote_ident(n.nspname) FROM pg_type t JOIN pg_namespace n ON n.oid = t.typnamespace
    JOIN pg_depend d ON d.classid = 'pg_type'::regclass AND d.objid = t.oid AND d.deptype = 'e'
    WHERE t.typname = $1 ORDER BY 1 LIMIT 1";

/// Types of extensions that manifests name without a schema.
const OF_EXTENSIONS: &[&str] = &["geometry", "geography", "citext", "hstore"];

/// A type with the schema that it is found in.
async fn in_its_schema(connection: &Connection, what: &str, spelled: &str) -> Result<String, postgres::Error> {
    let name = spelled.split(['(', '[']).next().unwrap_or(spelled);
    if OF_EXTENSIONS.contains(&name)
        && let Some(row) = connection.rows(what, EXTENSION, &[&name]).await?.first()
    {
        return Ok(format!("{}.{spelled}", row.get::<_, String>(0)));
    }
    Ok(spelled.to_owned())
}

/// The manifest's types as this server knows them.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Types(BTreeMap<TypeName, ColumnType>);

impl Types {
    /// Asks the server for each type that the tables use.
    ///
    /// # Errors
    /// The database's own, when it does not know one.
    pub(super) async fn read(connection: &Connection, tables: &[Table]) -> Result<Self, postgres::Error> {
        let mut types = BTreeMap::new();
        for column in tables.iter().flat_map(|table| &table.columns) {
            if types.contains_key(&column.type_name) {
                continue;
            }
            let what = format!("know the type {} of column {}", column.type_name, column.name);
            let spelled = column.type_name.as_str();
            if !spelled.chars().all(|c| c.is_alphanumeric() || "_ ,.()[]\"".contains(c)) {
                return Err(postgres::Error::Answer { what, reason: "that is no type".to_owned() });
            }
            let spelled = &in_its_schema(connection, &what, spelled).await?;
            let described = connection.prepare(&what, &format!("SELECT NULL::{spelled}"), &[]).await?;
            let (oid, modifier) = described
                .columns()
                .first()
                .map(|column| (column.type_().oid(), column.type_modifier()))
                .unwrap_or_default();
            let named = connection.row(&what, NAMED, &[&oid, &modifier, &spelled]).await?;
            let named = ColumnType { oid: named.get(0), modifier: named.get(1), name: named.get(2) };
            types.insert(column.type_name.clone(), named);
        }
        Ok(Self(types))
    }

    /// The type of a declared column.
    pub(super) fn of(&self, column: &Column) -> Option<&ColumnType> {
        self.0.get(&column.type_name)
    }
}
