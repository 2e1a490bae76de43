//! A live table that stays: what it is like, whether the manifest's rows fit into it, and as whom they are written. Columns
//! that only the live table has are left alone; whatever else hangs on it stays as it is, as the table does.

use std::collections::BTreeSet;

use manifest::Identifier;
use manifest::dataset::{Column, Load, Nullability, Table, Uniqueness};
use tokio_postgres::Row;

use crate::postgres::identifiers::{fitting, qualified, quote_ident};
use crate::postgres::{self, Acting, Connection};
use crate::publish::columns::{ColumnType, Types};
use crate::publish::refusal::Refusal;
use crate::publish::rights::{Missing, Owner};
use crate::staging::{Blueprint, ColumnPlan, Distinct, IndexPlan, Persistence};

const WHAT: &str = "read the live tables that stay";
const TABLES: &str = include_str!("standing.sql");
const COLUMNS: &str = include_str!("standing_columns.sql");

/// The columns of every index that keeps rows apart at the end of each statement.
const UNIQUE: &str = "SELECT i.indrelid AS table_oid, array_agg(a.attname::text) AS columns
    FROM pg_index i JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = ANY (i.indkey[:i.indnkeyatts - 1])
    WHERE i.indrelid = ANY ($1) AND i.indisunique AND i.indisvalid AND i.indpred IS NULL AND i.indexprs IS NULL
    GROUP BY i.indexrelid, i.indrelid ORDER BY i.indrelid, 2";

/// A live table that stays.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Standing {
    pub(super) oid: u32,
    pub(super) name: String,
    kind: String,
    owner: Owner,
    row_security: RowSecurity,
    may_write: bool,
    has_rules: bool,
    pub(super) has_triggers: bool,
    columns: Vec<StandingColumn>,
    unique: Vec<BTreeSet<String>>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum RowSecurity {
    Off,
    /// For everybody but the owner.
    On,
    Forced,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct StandingColumn {
    name: String,
    spelled: String,
    column_type: ColumnType,
    not_null: bool,
    filling: Filling,
    collation: Option<String>,
    is_deterministic: bool,
}

/// Who fills a column that a row says nothing about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Filling {
    /// Nobody.
    None,
    Default,
    Identity,
    /// PostgreSQL, and nobody else may.
    AlwaysIdentity,
    Generated,
}

impl StandingColumn {
    fn read(row: &Row) -> Self {
        Self {
            name: row.get("name"),
            spelled: row.get("spelled"),
            column_type: ColumnType {
                oid: row.get("type_oid"),
                modifier: row.get("type_modifier"),
                name: row.get("type_name"),
            },
            not_null: row.get("not_null"),
            filling: match (row.get("identity"), row.get("is_generated"), row.get("has_default")) {
                ("a", ..) => Filling::AlwaysIdentity,
                ("d", ..) => Filling::Identity,
                (_, true, _) => Filling::Generated,
                (_, _, true) => Filling::Default,
                _ => Filling::None,
            },
            collation: row.get("collation_name"),
            is_deterministic: row.get("is_deterministic"),
        }
    }
}

/// Reads the tables of these names that exist.
pub(super) async fn read(
    connection: &Connection,
    schema: &str,
    names: &[&str],
) -> Result<Vec<Standing>, postgres::Error> {
    if names.is_empty() {
        return Ok(Vec::new());
    }
    // Since PostgreSQL 16 membership alone does not let one SET ROLE.
    let set = if connection.version() >= 160_000 { "SET" } else { "MEMBER" };
    let tables = connection.rows(WHAT, TABLES, &[&schema, &names, &set]).await?;
    let mut standing: Vec<Standing> = tables.iter().map(Standing::read).collect();
    let oids: Vec<u32> = standing.iter().map(|table| table.oid).collect();
    for row in &connection.rows(WHAT, COLUMNS, &[&oids]).await? {
        let oid = row.get::<_, u32>("table_oid");
        standing.iter_mut().filter(|table| table.oid == oid).for_each(|table| {
            table.columns.push(StandingColumn::read(row));
        });
    }
    for row in &connection.rows(WHAT, UNIQUE, &[&oids]).await? {
        let oid = row.get::<_, u32>("table_oid");
        let columns: Vec<String> = row.get("columns");
        standing.iter_mut().filter(|table| table.oid == oid).for_each(|table| {
            table.unique.push(columns.iter().cloned().collect());
        });
    }
    Ok(standing)
}

impl Standing {
    fn read(row: &Row) -> Self {
        Self {
            oid: row.get("oid"),
            name: row.get("name"),
            kind: row.get("kind"),
            owner: Owner {
                name: row.get("owner"),
                inherited: row.get("inherits"),
                reachable: row.get("can_set"),
                // Nothing is created beside it.
                creates: true,
            },
            row_security: match (row.get("row_security"), row.get("forced")) {
                (false, _) => RowSecurity::Off,
                (true, false) => RowSecurity::On,
                (true, true) => RowSecurity::Forced,
            },
            may_write: row.get("may_write"),
            has_rules: row.get("has_rules"),
            has_triggers: row.get("has_triggers"),
            columns: Vec::new(),
            unique: Vec::new(),
        }
    }

    /// As whom rows are written: its owner, or the login role where that may write and no policy hides rows from it.
    pub(super) fn acting(&self, schema: &str, login: &str, missing: &mut BTreeSet<Missing>) -> Acting {
        if self.owner.name == login {
            return Acting::Login;
        }
        if self.owner.reachable {
            return Acting::Role(self.owner.name.clone());
        }
        let sees_all = self.owner.inherited || self.row_security == RowSecurity::Off;
        if !self.may_write && sees_all {
            missing.insert(Missing::new(
                format!("change rows of {schema}.{}", self.name),
                format!(
                    "GRANT SELECT, INSERT, UPDATE, DELETE ON {} TO {}",
                    qualified(schema, &self.name),
                    quote_ident(login)
                ),
            ));
        } else if !sees_all {
            missing.insert(Missing::membership(&self.owner.name, login, "whose table hides rows from others"));
        }
        Acting::Login
    }

    /// Why the manifest's rows do not fit into it, each with the statement that helps.
    pub(super) fn refuse(&self, schema: &str, table: &Table, types: &Types) -> Vec<Refusal> {
        let name = table.name.as_str();
        let place = qualified(schema, name);
        let refuse = |object: &str, remedy: &str| {
            Refusal::new(name, object, remedy.replace("TABLE …", &format!("TABLE {place}")))
        };
        if !matches!(self.kind.as_str(), "r" | "p") {
            let remedy = "a load writes into tables: give the table another name in the manifest, or move this away";
            return vec![refuse("what stands there is no table", remedy)];
        }
        let mut refusals = Vec::new();
        if self.row_security == RowSecurity::Forced {
            let remedy = "it hides rows from the owner too, and what is hidden would be inserted again: \
                          ALTER TABLE … NO FORCE ROW LEVEL SECURITY";
            refusals.push(refuse("FORCE ROW LEVEL SECURITY", remedy));
        }
        if self.has_rules {
            refusals.push(refuse("its rules", "they rewrite what a load writes: drop them, or make triggers of them"));
        }
        for column in &table.columns {
            let live = self.columns.iter().find(|live| live.name == column.name.as_str());
            refusals.extend(unfit(column, live, types).map(|(object, remedy)| refuse(&object, &remedy)));
        }
        for live in &self.columns {
            let is_declared = table.columns.iter().any(|column| column.name.as_str() == live.name);
            if !is_declared && live.not_null && live.filling == Filling::None {
                let remedy = "only the live table has it, and a new row would have nothing in it: declare it, or \
                              ALTER TABLE … ALTER COLUMN … SET DEFAULT …";
                refusals.push(refuse(&format!("column {}, NOT NULL and without a default", live.name), remedy));
            }
        }
        if let Load::Upsert { key, .. } = &table.load {
            refusals.extend(self.unfit_key(key).map(|(object, remedy)| refuse(&object, &remedy)));
        }
        refusals
    }

    fn unfit_key(&self, key: &[Identifier]) -> Option<(String, String)> {
        let names: BTreeSet<&str> = key.iter().map(Identifier::as_str).collect();
        let listed = key.iter().map(|column| quote_ident(column.as_str())).collect::<Vec<_>>().join(", ");
        if !self.unique.iter().any(|unique| unique.iter().all(|column| names.contains(column.as_str()))) {
            let object = format!("its key ({listed}), which nothing keeps unique");
            return Some((object, format!("ALTER TABLE … ADD UNIQUE ({listed})")));
        }
        let loose = self.columns.iter().find(|live| names.contains(live.name.as_str()) && !live.is_deterministic)?;
        let remedy = "it takes different keys for the same: use another collation for the column";
        Some((format!("the collation of key column {}", loose.name), remedy.to_owned()))
    }

    /// What rows on their way into it are read into. Keys are never empty: a row without one is never found again.
    pub(super) fn blueprint(&self, table: &Table, types: &Types, acting: Acting) -> Blueprint {
        let key: &[Identifier] = match &table.load {
            Load::Upsert { key, .. } => key,
            Load::Replace | Load::Append => &[],
        };
        let columns = loaded(table).map(|column| ColumnPlan {
            name: column.name.clone(),
            type_name: types.of(column).map(|known| known.name.clone()).unwrap_or_default(),
            nullability: if key.contains(&column.name) { Nullability::NotNull } else { column.nullability },
            // Values are compared in the live table's own.
            collation: None,
            identity: None,
            settings: Vec::new(),
        });
        let spelled: Vec<&str> = key.iter().map(|column| self.spelled(column)).collect();
        let unique = (!key.is_empty()).then(|| IndexPlan {
            // No index of a manifest's table has a blank in its name.
            name: fitting(&format!("{} key", table.name)),
            unique: Uniqueness::Unique,
            tail: format!("USING btree ({})", spelled.join(", ")),
            constraint: None,
        });
        Blueprint {
            table: table.name.clone(),
            owner: acting,
            columns: columns.collect(),
            options: Vec::new(),
            indexes: unique.into_iter().collect(),
            persistence: Persistence::Unlogged,
            distinct: Distinct::of(table),
        }
    }

    /// The collation that a column's values are compared in, where it is not its type's own.
    pub(super) fn collation(&self, column: &Identifier) -> Option<&str> {
        self.columns.iter().find(|live| live.name == column.as_str())?.collation.as_deref()
    }

    fn spelled<'a>(&'a self, column: &'a Identifier) -> &'a str {
        let live = self.columns.iter().find(|live| live.name == column.as_str());
        live.map_or(column.as_str(), |live| &live.spelled)
    }
}

/// The columns that a load fills.
pub(super) fn loaded(table: &Table) -> impl Iterator<Item = &Column> {
    table.columns.iter().filter(|column| column.nullability != Nullability::Identity)
}

/// What is wrong with a declared column of the live table, and the statement that helps.
fn unfit(column: &Column, live: Option<&StandingColumn>, types: &Types) -> Option<(String, String)> {
    let name = &column.name;
    let quoted = quote_ident(name.as_str());
    let declared = types.of(column)?;
    let Some(live) = live else {
        let rule = match column.nullability {
            Nullability::Identity => " GENERATED BY DEFAULT AS IDENTITY",
            Nullability::Nullable | Nullability::NotNull => "",
        };
        let remedy = format!("ALTER TABLE … ADD COLUMN {quoted} {}{rule}", declared.name);
        return Some((format!("column {name} is not there"), remedy));
    };
    let is_identity = column.nullability == Nullability::Identity;
    if declared.oid != live.column_type.oid || declared.modifier != live.column_type.modifier {
        let object = format!("column {name} is {} and the manifest says {}", live.column_type.name, declared.name);
        return Some((
            object,
            format!("correct the manifest, or ALTER TABLE … ALTER COLUMN {quoted} TYPE {}", declared.name),
        ));
    }
    match live.filling {
        Filling::Generated => Some((format!("column {name} is generated"), "take it out of the manifest".to_owned())),
        Filling::None if is_identity => {
            let remedy = format!("ALTER TABLE … ALTER COLUMN {quoted} ADD GENERATED BY DEFAULT AS IDENTITY");
            Some((format!("column {name} is no identity"), remedy))
        }
        Filling::AlwaysIdentity if !is_identity => {
            let remedy = format!("ALTER TABLE … ALTER COLUMN {quoted} SET GENERATED BY DEFAULT");
            Some((format!("column {name} is GENERATED ALWAYS AS IDENTITY"), remedy))
        }
        _ => None,
    }
}
