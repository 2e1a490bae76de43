//! Reading the catalogs: every query planned once, all of them sent together, so that a reading under locks is short.

use std::collections::{BTreeMap, BTreeSet};

use futures_util::try_join;
use manifest::dataset::Nullability;
use manifest::{Dataset, Identifier};
use tokio_postgres::types::{ToSql, Type};
use tokio_postgres::{Row, Statement};

use super::{Inventory, Live, TargetSchema};
use crate::postgres::{self, Connection};
use crate::publish::attached::{self, Attached};
use crate::publish::columns::{self, LiveColumn, Types};
use crate::publish::declared::indexed_columns;
use crate::publish::foreign_keys::{self, ForeignKey};
use crate::publish::functions::{self, Function};
use crate::publish::grants::{self, Grants};
use crate::publish::indexes;
use crate::publish::matviews::{self, Definition, Rebuilt};
use crate::publish::origin::Origins;
use crate::publish::others::{self, Other};
use crate::publish::publications::{self, Publication};
use crate::publish::rights::Owner;
use crate::publish::rules::{self, Rule};
use crate::publish::sequences::{self, Sequence};
use crate::publish::views::{self, View, Way};
use crate::staging::indexes as catalog;

const WHAT: &str = "read what hangs on the live tables";
const TABLES: &str = include_str!("../tables.sql");

/// Back to what every session has, after definitions were read.
const OWN_PATH: &str = "SELECT set_config('search_path', 'pg_catalog, pg_temp', true)";

const SCHEMA: &str = "SELECT n.oid IS NOT NULL,
    coalesce(has_schema_privilege(session_user, n.oid, 'USAGE, CREATE'), false)
        AND coalesce(has_schema_privilege(session_user, n.oid, 'CREATE'), false),
    has_database_privilege(session_user, current_database(), 'CREATE')
    FROM (SELECT $1::text AS name) w LEFT JOIN pg_namespace n ON n.nspname = w.name";

/// Relations and types of the target schema, other than those of the live tables, under names that we might want.
const TAKEN: &str = "SELECT c.relname::text FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE n.nspname = $1 AND c.relname = ANY ($2)
      AND c.oid NOT IN (SELECT i.indexrelid FROM pg_index i WHERE i.indrelid = ANY ($3))
      AND c.oid NOT IN (SELECT d.objid FROM pg_depend d WHERE d.refclassid = 'pg_class'::regclass
                        AND d.refobjid = ANY ($3) AND d.classid = 'pg_class'::regclass AND d.deptype IN ('a', 'i'))";

/// Types of the target schema that have a table's name; those of tables themselves are none of these.
const TYPES: &str = "SELECT t.typname::text, pg_describe_object('pg_type'::regclass, t.oid, 0)
    FROM pg_type t JOIN pg_namespace n ON n.oid = t.typnamespace
    WHERE n.nspname = $1 AND t.typname = ANY ($2) AND t.typrelid = 0";

/// Reads a dataset's inventory on one session, any number of times.
#[derive(Debug)]
pub struct Reader {
    types: Types,
    origins: Origins,
    spelling: indexes::Spelling,
    candidates: Vec<String>,
    set_privilege: &'static str,
    recreated: BTreeSet<u32>,
    schema: Statement,
    tables: Statement,
    columns: Statement,
    grants: Statement,
    default_grants: Statement,
    indexes: Statement,
    views: Statement,
    rebuilt: Statement,
    functions: Statement,
    rules: Statement,
    attached: Statement,
    own_path: Statement,
    foreign_keys: Statement,
    sequences: Statement,
    publications: Statement,
    others: Statement,
    taken: Statement,
    same_named_types: Statement,
}

impl Reader {
    /// Plans the queries, and asks the server for the manifest's types.
    ///
    /// # Errors
    /// The database's own; an unknown type is one.
    pub async fn new(connection: &Connection, dataset: &Dataset) -> Result<Self, postgres::Error> {
        let names: BTreeSet<&str> = dataset
            .tables
            .iter()
            .flat_map(|table| &table.columns)
            .map(|column| &column.name)
            .chain(indexed_columns(dataset))
            .map(Identifier::as_str)
            .collect();
        let names: Vec<&str> = names.into_iter().collect();
        let spelled = connection.rows(WHAT, "SELECT n, quote_ident(n) FROM unnest($1::text[]) AS n", &[&names]).await?;
        let attached = attached::query();
        let plan = |sql, types: &'static [Type]| connection.prepare(WHAT, sql, types);
        Ok(Self {
            types: Types::read(connection, &dataset.tables).await?,
            origins: Origins::read(connection, dataset).await?,
            spelling: spelled.iter().map(|row| (row.get(0), row.get(1))).collect(),
            recreated: BTreeSet::new(),
            candidates: {
                let tables = dataset.tables.iter().flat_map(indexes::candidates);
                tables.chain(dataset.views.iter().flat_map(indexes::candidates_of_view)).collect()
            },
            // Since PostgreSQL 16 membership alone does not let one SET ROLE.
            set_privilege: if connection.version() >= 160_000 { "SET" } else { "MEMBER" },
            schema: plan(SCHEMA, &[Type::TEXT]).await?,
            tables: plan(TABLES, &[Type::TEXT, Type::TEXT_ARRAY, Type::TEXT]).await?,
            columns: plan(columns::QUERY, &[Type::OID_ARRAY]).await?,
            grants: plan(grants::QUERY, &[Type::OID_ARRAY, Type::TEXT]).await?,
            default_grants: plan(grants::DEFAULTS, &[Type::TEXT]).await?,
            indexes: plan(catalog::QUERY, &[Type::OID_ARRAY]).await?,
            views: plan(views::QUERY, &[Type::TEXT, Type::TEXT_ARRAY, Type::TEXT]).await?,
            rebuilt: plan(matviews::QUERY, &[Type::OID_ARRAY, Type::TEXT]).await?,
            functions: plan(functions::QUERY, &[Type::OID_ARRAY, Type::TEXT]).await?,
            rules: plan(rules::QUERY, &[Type::OID_ARRAY, Type::TEXT, Type::OID_ARRAY]).await?,
            attached: plan(&attached, &[Type::OID_ARRAY, Type::TEXT]).await?,
            own_path: plan(OWN_PATH, &[]).await?,
            foreign_keys: plan(foreign_keys::QUERY, &[Type::OID_ARRAY, Type::TEXT]).await?,
            sequences: plan(sequences::QUERY, &[Type::OID_ARRAY]).await?,
            publications: plan(publications::query(connection.version()), &[Type::OID_ARRAY, Type::TEXT]).await?,
            others: plan(others::QUERY, &[Type::OID_ARRAY, Type::OID_ARRAY]).await?,
            taken: plan(TAKEN, &[Type::TEXT, Type::TEXT_ARRAY, Type::OID_ARRAY]).await?,
            same_named_types: plan(TYPES, &[Type::TEXT, Type::TEXT_ARRAY]).await?,
        })
    }

    /// Reads everything. The session must be the one that the reader was made on.
    pub async fn read(&self, connection: &Connection, dataset: &Dataset) -> Result<Inventory, postgres::Error> {
        // So many queries at once make a large future.
        Box::pin(self.read_at_once(connection, dataset)).await
    }

    async fn read_at_once(&self, connection: &Connection, dataset: &Dataset) -> Result<Inventory, postgres::Error> {
        let schema = dataset.schema.as_str();
        let names: Vec<&str> = dataset.tables.iter().map(|table| table.name.as_str()).collect();
        let set = self.set_privilege;
        let (found_schema, tables, default_grants, same_named_types, views) = try_join!(
            ask(connection, &self.schema, vec![&schema]),
            ask(connection, &self.tables, vec![&schema, &names, &set]),
            ask(connection, &self.default_grants, vec![&schema]),
            ask(connection, &self.same_named_types, vec![&schema, &names]),
            ask(connection, &self.views, vec![&schema, &names, &set]),
        )?;
        let tables: BTreeMap<String, Live> = tables.iter().map(|row| live(row, &self.origins)).collect();
        let replaced = tables.values().map(|live| live.oid).chain(self.recreated.iter().copied()).collect();
        let mut views = views::read(&views, &replaced);
        // What the manifest says anew of a view of its own is no longer what hangs on the tables.
        let is_anew =
            |view: &View| view.schema == schema && dataset.views.iter().any(|own| own.name.as_str() == view.name);
        views.iter_mut().filter(|view| is_anew(view)).for_each(|view| view.way = Way::Kept);
        let mut found = Inventory {
            schema: target_schema(schema, &found_schema, connection)?,
            live: tables,
            rebuilt: views
                .iter()
                .filter(|view| view.way == Way::Rebuilt)
                .map(|view| (view.oid, Rebuilt::of(view)))
                .collect(),
            views,
            functions: Vec::new(),
            rules: Vec::new(),
            others: Vec::new(),
            foreign_keys: Vec::new(),
            publications: Vec::new(),
            same_named_types: same_named_types.iter().map(|row| (row.get(0), row.get(1))).collect(),
            first_grants: BTreeMap::new(),
            types: self.types.clone(),
            spelling: self.spelling.clone(),
            taken: BTreeSet::new(),
            login: connection.user().to_owned(),
        };
        let made: Vec<u32> = found.rebuilt.keys().copied().collect();
        let oids: Vec<u32> = found.live.values().map(|live| live.oid).chain(made.iter().copied()).collect();
        let (own, path) = ([schema], found.path());
        let path: Vec<&str> = path.iter().map(String::as_str).collect();
        let tables: Vec<u32> = found.live.values().map(|live| live.oid).collect();
        let (
            columns,
            grants,
            indexes,
            functions,
            rules,
            others,
            taken,
            foreign_keys,
            sequences,
            publications,
            attached,
            rebuilt,
        ) = try_join!(
            ask(connection, &self.columns, vec![&oids]),
            ask(connection, &self.grants, vec![&oids, &set]),
            ask(connection, &self.indexes, vec![&oids]),
            ask(connection, &self.functions, vec![&oids, &set]),
            ask(connection, &self.rules, vec![&oids, &set, &made]),
            ask(connection, &self.others, vec![&oids, &made]),
            ask(connection, &self.taken, vec![&schema, &self.candidates, &oids]),
            ask(connection, &self.foreign_keys, vec![&tables, &set]),
            ask(connection, &self.sequences, vec![&oids]),
            ask(connection, &self.publications, vec![&tables, &schema]),
            self.attached(connection, &oids, &own),
            self.definitions(connection, &made, &path),
        )?;
        let mut relations: BTreeMap<u32, &mut Live> = BTreeMap::new();
        relations.extend(found.live.values_mut().map(|live| (live.oid, live)));
        for definition in rebuilt {
            if let Some(rebuilt) = found.rebuilt.get_mut(&definition.oid) {
                rebuilt.define(definition);
            }
        }
        relations.extend(found.rebuilt.iter_mut().map(|(oid, rebuilt)| (*oid, &mut rebuilt.live)));
        for column in columns.iter().map(LiveColumn::read) {
            if let Some(relation) = relations.get_mut(&column.table) {
                relation.columns.push(column);
            }
        }
        for index in indexes.iter().map(catalog::Index::read) {
            if let Some(relation) = relations.get_mut(&index.table) {
                relation.indexes.push(index);
            }
        }
        for sequence in sequences.iter().map(Sequence::read) {
            let Some(table) = relations.get_mut(&sequence.table) else { continue };
            match sequence.kind {
                sequences::Kind::Owned => table.owned.push(sequence),
                sequences::Kind::Identity => {
                    if let Some(column) = table.columns.iter_mut().find(|column| column.name == sequence.column) {
                        column.sequence = Some(sequence);
                    }
                }
            }
        }
        for attached in attached {
            if let Some(relation) = relations.get_mut(&attached.table) {
                relation.attached.push(attached);
            }
        }
        for row in &grants {
            if let Some(relation) = relations.get_mut(&row.get("relation")) {
                relation.grants.add(row);
            }
        }
        let first_grants = dataset.tables.iter().map(|table| {
            let identities = table.columns.iter().filter(|column| column.nullability == Nullability::Identity);
            (table.name.to_string(), Grants::defaults(&default_grants, identities.map(|column| column.name.as_str())))
        });
        let views =
            dataset.views.iter().map(|view| (view.name.to_string(), Grants::defaults(&default_grants, [].into_iter())));
        found.first_grants = first_grants.chain(views).collect();
        found.functions = functions.iter().map(Function::read).collect();
        found.rules = rules.iter().map(Rule::read).collect();
        found.foreign_keys = foreign_keys.iter().map(ForeignKey::read).collect();
        found.publications = publications.iter().map(Publication::read).collect();
        found.others = others.iter().map(Other::read).collect();
        found.taken = taken.iter().map(|row| row.get(0)).collect();
        Ok(found)
    }

    /// What hangs on these tables, in words in which the names of these schemas stand bare.
    pub(in crate::publish) async fn attached(
        &self,
        connection: &Connection,
        tables: &[u32],
        schemas: &[&str],
    ) -> Result<Vec<Attached>, postgres::Error> {
        let rows = self.under(connection, &self.attached, tables, &attached::path(schemas)).await?;
        Ok(attached::read(&rows).collect())
    }

    /// What relations are made from, in words in which the names of these schemas stand bare.
    pub(in crate::publish) async fn definitions(
        &self,
        connection: &Connection,
        relations: &[u32],
        schemas: &[&str],
    ) -> Result<Vec<Definition>, postgres::Error> {
        let rows = self.under(connection, &self.rebuilt, relations, &attached::path(schemas)).await?;
        Ok(rows.iter().map(Definition::read).collect())
    }

    /// What reads these tables of a schema, outermost first.
    pub(in crate::publish) async fn views_over(
        &self,
        connection: &Connection,
        schema: &str,
        tables: &[&str],
    ) -> Result<Vec<View>, postgres::Error> {
        let rows = ask(connection, &self.views, vec![&schema, &tables, &self.set_privilege]).await?;
        Ok(views::read(&rows, &BTreeSet::new()))
    }

    /// Has views read as ones that are made anew, by PostgreSQL's ids, whatever they read.
    pub(in crate::publish) fn recreate(&mut self, views: BTreeSet<u32>) {
        self.recreated = views;
    }

    /// The views that [`Reader::recreate`] named.
    pub(in crate::publish) fn recreated(&self) -> &BTreeSet<u32> {
        &self.recreated
    }

    /// Asks for definitions of these relations under a search path.
    async fn under(
        &self,
        connection: &Connection,
        statement: &Statement,
        relations: &[u32],
        path: &str,
    ) -> Result<Vec<Row>, postgres::Error> {
        // Sent in this order, so that no other query comes under the path in between.
        let (rows, _) = try_join!(
            ask(connection, statement, vec![&relations, &path]),
            ask(connection, &self.own_path, Vec::new())
        )?;
        Ok(rows)
    }

    /// Whether the privileges on what was live are still those of the inventory. By PostgreSQL's ids, wherever it is now.
    pub(in crate::publish) async fn grants_are_still(
        &self,
        connection: &Connection,
        inventory: &Inventory,
    ) -> Result<bool, postgres::Error> {
        let all = || inventory.live.values().chain(inventory.rebuilt.values().map(|rebuilt| &rebuilt.live));
        let oids: Vec<u32> = all().map(|live| live.oid).collect();
        let mut found: BTreeMap<u32, Grants> = BTreeMap::new();
        for row in &connection.run(WHAT, &self.grants, &[&oids, &self.set_privilege]).await? {
            found.entry(row.get("relation")).or_default().add(row);
        }
        Ok(all().all(|live| found.remove(&live.oid).unwrap_or_default() == live.grants))
    }
}

async fn ask(
    connection: &Connection,
    statement: &Statement,
    parameters: Vec<&(dyn ToSql + Sync)>,
) -> Result<Vec<Row>, postgres::Error> {
    connection.run(WHAT, statement, &parameters).await
}

fn live(row: &Row, origins: &Origins) -> (String, Live) {
    let options: Vec<String> = row.get("options");
    let toast_options: Vec<String> = row.get("toast_options");
    let options = options.into_iter().chain(toast_options).collect();
    let live = Live::new(row.get("oid"), Owner::read(row), options, row.get("comment"));
    let origin = origins.of(live.oid);
    (row.get("name"), Live { origin, ..live })
}

fn target_schema(name: &str, rows: &[Row], connection: &Connection) -> Result<TargetSchema, postgres::Error> {
    let row = rows.first().ok_or_else(|| postgres::Error::Answer {
        what: WHAT.to_owned(),
        reason: "no row about the target schema".to_owned(),
    })?;
    Ok(TargetSchema {
        name: name.to_owned(),
        exists: row.get(0),
        login_creates: row.get(1),
        database_creates: row.get(2),
        database: connection.database().to_owned(),
    })
}
