//! All that hangs on the tables that are live: read before a load, so that it is refused while nothing has happened yet,
//! and once more under the publish transaction's locks, where it must be what was prepared for.

mod read;

use std::collections::{BTreeMap, BTreeSet};

use manifest::Dataset;
use manifest::dataset::{Nullability, Table};

use super::attached::Attached;
use super::columns::{self, LiveColumn, Types};
use super::error::Error;
use super::foreign_keys::{self, ForeignKey};
use super::functions::Function;
use super::grants::Grants;
use super::indexes;
use super::matviews::{self, Rebuilt};
use super::origin::{self, Declared, Origin};
use super::others::Other;
use super::publications::{self, Publication};
use super::refusal::Refusal;
use super::rights::{Missing, Owner};
use super::rules::Rule;
use super::sequences::Sequence;
use super::views::{self, Rows, View};
use crate::postgres::Acting;
use crate::postgres::identifiers::quote_ident;
use crate::staging::indexes::Index;
use crate::staging::{Blueprint, Distinct, Persistence};

pub use read::Reader;

/// All that hangs on a dataset's live tables.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Inventory {
    pub(super) schema: TargetSchema,
    /// The live tables by name.
    pub(super) live: BTreeMap<String, Live>,
    /// Outermost first.
    pub(super) views: Vec<View>,
    /// Those of them that are made anew, by PostgreSQL's id.
    rebuilt: BTreeMap<u32, Rebuilt>,
    pub(super) functions: Vec<Function>,
    pub(super) rules: Vec<Rule>,
    others: Vec<Other>,
    pub(super) foreign_keys: Vec<ForeignKey>,
    pub(super) publications: Vec<Publication>,
    /// Types of the target schema that are in the way of a table of the same name, by that name.
    same_named_types: BTreeMap<String, String>,
    /// What a table begins with that is published for the first time, by table.
    pub(super) first_grants: BTreeMap<String, Grants>,
    types: Types,
    pub(super) spelling: indexes::Spelling,
    /// Names in the target schema that belong to others and that a new index might want.
    pub(super) taken: BTreeSet<String>,
    login: String,
}

/// The schema that the tables are published in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct TargetSchema {
    pub(super) name: String,
    pub(super) exists: bool,
    pub(super) login_creates: bool,
    database_creates: bool,
    database: String,
}

/// A live table, or a live relation that goes with the tables.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Live {
    pub(super) oid: u32,
    pub(super) origin: Origin,
    pub(super) owner: Owner,
    pub(super) options: Vec<String>,
    pub(super) comment: Option<String>,
    pub(super) columns: Vec<LiveColumn>,
    pub(super) indexes: Vec<Index>,
    pub(super) grants: Grants,
    pub(super) attached: Vec<Attached>,
    /// Sequences owned by its columns that are no identities.
    pub(super) owned: Vec<Sequence>,
}

/// What a table in staging gets besides its blueprint, so that it is like the live one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Dress {
    /// PostgreSQL's word for what wears it: `TABLE` or `MATERIALIZED VIEW`.
    pub(super) kind: &'static str,
    pub(super) owner: Acting,
    pub(super) grants: Grants,
    pub(super) comment: Option<String>,
    pub(super) column_comments: Vec<(String, String)>,
    pub(super) index_comments: Vec<(String, indexes::Commented, String)>,
    /// By identity column: the name and comment of its sequence.
    pub(super) sequences: BTreeMap<String, (String, Option<String>)>,
    pub(super) attached: Vec<Attached>,
    pub(super) owned: Vec<Sequence>,
    /// Columns that may not be empty, of whichever origin.
    pub(super) not_null: BTreeSet<String>,
    /// What the ledger gets to know of it.
    pub(super) declared: Declared,
}

impl Live {
    /// Without all that other queries bring.
    pub(super) fn new(oid: u32, owner: Owner, options: Vec<String>, comment: Option<String>) -> Self {
        Self {
            oid,
            origin: Origin::default(),
            owner,
            options,
            comment,
            columns: Vec::new(),
            indexes: Vec::new(),
            grants: Grants::default(),
            attached: Vec::new(),
            owned: Vec::new(),
        }
    }
}

impl Inventory {
    /// PostgreSQL's ids of the tables that are live, by name.
    pub fn live_oids(&self) -> BTreeMap<String, u32> {
        self.live.iter().map(|(name, live)| (name.clone(), live.oid)).collect()
    }

    /// The login role.
    pub(super) fn login(&self) -> &str {
        &self.login
    }

    /// What a person should know although it is no reason to stop.
    pub fn notices(&self, dataset: &Dataset) -> Vec<String> {
        let lagging = self.views.iter().filter(|view| matches!(&view.rows, Rows::Stored(storage) if storage.lags));
        let refreshed = lagging.map(|view| {
            let way = match &view.rows {
                Rows::Stored(storage) if !storage.populated => "has no rows, and gets none",
                Rows::Stored(storage) if storage.refreshes_while_read => "is refreshed after the publish",
                _ => {
                    "is refreshed after the publish, and its readers wait meanwhile: with a unique index on columns of it they \
                     would not"
                }
            };
            format!("{} reads the dataset through another view: it {way}", view.describe())
        });
        let tables = dataset.tables.iter().filter_map(|table| Some((table, self.live.get(table.name.as_str())?)));
        let relaxed = tables.flat_map(|(table, live)| {
            live.columns.iter().filter_map(|column| {
                let declared = table.columns.iter().find(|declared| declared.name.as_str() == column.name)?;
                let kept = origin::not_null(table);
                let loses = column.not_null
                    && !kept.contains(declared.name.as_str())
                    && !column.is_not_null_by_hand(&kept, &live.origin);
                loses.then(|| {
                    format!("{}.{} is NOT NULL where it is live, and nullable in the manifest", table.name, column.name)
                })
            })
        });
        let tables = dataset.tables.iter().filter_map(|table| Some((table, self.live.get(table.name.as_str())?)));
        let indexes =
            tables.flat_map(|(table, live)| indexes::notices(table, &self.spelling, &live.indexes, &live.origin));
        refreshed.chain(relaxed).chain(indexes).collect()
    }

    /// Refuses what a load would lose or could not do, all of it at once.
    ///
    /// # Errors
    /// [`Error::Rights`] when rights are missing, [`Error::NotCarried`] when something on a live table would be lost.
    pub fn check(&self, dataset: &Dataset) -> Result<(), Error> {
        let missing = self.missing(dataset);
        if !missing.is_empty() {
            return Err(Error::Rights { missing: missing.into_iter().collect() });
        }
        let refusals = self.refusals(dataset);
        if !refusals.is_empty() {
            return Err(Error::NotCarried { dataset: dataset.dataset.to_string(), refusals });
        }
        Ok(())
    }

    /// The rights that a load would miss.
    pub(crate) fn missing(&self, dataset: &Dataset) -> BTreeSet<Missing> {
        let mut missing = BTreeSet::new();
        let schema = &self.schema;
        if !schema.exists && !schema.database_creates {
            missing.insert(Missing::new(
                format!("create schema {}, which does not exist", schema.name),
                format!(
                    "CREATE SCHEMA {}; {}",
                    quote_ident(&schema.name),
                    Missing::create_in(&schema.name, &self.login).grant
                ),
            ));
        }
        for table in &dataset.tables {
            match self.live.get(table.name.as_str()) {
                Some(live) => {
                    live.owner.making(&self.login, &mut missing);
                    live.owner.placing(&self.login, schema.login_creates, &schema.name, &mut missing);
                    live.grants.refuse(&self.login, &mut missing);
                }
                None if schema.exists && !schema.login_creates => {
                    missing.insert(Missing::create_in(&schema.name, &self.login));
                }
                None => {}
            }
        }
        for (view, rebuilt) in self.rebuilt() {
            view.owner.making(&self.login, &mut missing);
            rebuilt.live.grants.refuse(&self.login, &mut missing);
        }
        self.views.iter().for_each(|view| view.refuse_rights(&self.login, &mut missing));
        self.functions.iter().for_each(|function| function.refuse_rights(&self.login, &mut missing));
        self.rules.iter().for_each(|rule| rule.refuse_rights(&self.login, &mut missing));
        self.foreign_keys.iter().for_each(|key| key.refuse_rights(&self.login, &mut missing));
        for publication in &self.publications {
            publication.refuse_rights(dataset.publications, &self.login, &mut missing);
        }
        missing
    }

    /// What a load would lose.
    pub(crate) fn refusals(&self, dataset: &Dataset) -> Vec<Refusal> {
        let mut refusals = Vec::new();
        for table in &dataset.tables {
            let in_the_way = self.same_named_types.get(table.name.as_str());
            refusals.extend(in_the_way.map(|name| {
                Refusal::new(
                    table.name.as_str(),
                    name,
                    "every table is a type too, and this one has its name: rename it",
                )
            }));
            let Some(live) = self.live.get(table.name.as_str()) else { continue };
            let others: Vec<&Other> = self.others.iter().filter(|other| other.table == live.oid).collect();
            refusals.extend(others.iter().map(|other| other.refuse(table.name.as_str())));
            refusals.extend(columns::refuse(table, &live.columns));
            refusals.extend(indexes::refuse(table, &self.spelling, &live.indexes, &live.origin));
            refusals.extend(foreign_keys::refuse(table, live.oid, &live.columns, &self.types, &self.foreign_keys));
        }
        for (view, rebuilt) in self.rebuilt() {
            let others = self.others.iter().filter(|other| other.table == rebuilt.live.oid);
            refusals.extend(others.map(|other| other.refuse(&view.name)));
        }
        refusals.extend(matviews::refuse(self, dataset.tables.iter().map(|table| table.name.as_str())));
        let names = self.live.iter().map(|(name, live)| (live.oid, name.as_str())).collect();
        refusals.extend(publications::refuse(dataset, &names, &self.publications));
        if let Some(first) = dataset.tables.first() {
            refusals.extend(views::refuse_temporary(first.name.as_str(), &self.views));
        }
        if refusals.is_empty() {
            refusals.extend(self.plans(dataset).err());
        }
        refusals
    }

    /// What each table in staging is to be like.
    ///
    /// # Errors
    /// [`Error::NotCarried`] as from [`Inventory::check`].
    pub fn blueprints(&self, dataset: &Dataset) -> Result<Vec<Blueprint>, Error> {
        let plans = self
            .plans(dataset)
            .map_err(|refusal| Error::NotCarried { dataset: dataset.dataset.to_string(), refusals: vec![refusal] })?;
        Ok(plans.into_iter().map(|(blueprint, _)| blueprint).collect())
    }

    /// The blueprint of each table, and its dress.
    pub(super) fn plans(&self, dataset: &Dataset) -> Result<Vec<(Blueprint, Dress)>, Refusal> {
        let mut taken = self.taken.clone();
        // All names that stay come before any that is made up.
        taken.extend(self.rebuilt().map(|(view, _)| view.name.clone()));
        for live in self.live.values().chain(self.rebuilt().map(|(_, rebuilt)| &rebuilt.live)) {
            taken.extend(live.indexes.iter().map(|index| index.name.clone()));
            taken.extend(live.columns.iter().filter_map(|column| Some(column.sequence.as_ref()?.name.clone())));
            taken.extend(live.owned.iter().map(|sequence| sequence.name.clone()));
        }
        dataset.tables.iter().map(|table| self.plan(table, &mut taken)).collect()
    }

    fn plan(&self, table: &Table, taken: &mut BTreeSet<String>) -> Result<(Blueprint, Dress), Refusal> {
        let live = self.live.get(table.name.as_str());
        let live_columns = live.map_or(&[][..], |live| &live.columns);
        let owner = live.map_or(Acting::Login, |live| live.owner.making(&self.login, &mut BTreeSet::new()));
        let origin = live.map(|live| live.origin.clone()).unwrap_or_default();
        let live_indexes = live.map_or(&[][..], |live| &live.indexes);
        let index_plan = indexes::plan(table, &self.spelling, live_indexes, &origin, taken)?;
        let declared = Declared { indexes: index_plan.declared, not_null: origin::not_null(table) };
        let carried = live_columns.iter().filter(|column| column.is_not_null_by_hand(&declared.not_null, &origin));
        let not_null = carried.map(|column| column.name.clone()).chain(declared.not_null.iter().cloned());
        let is_there = |one: &&Attached| one.index().is_none_or(|index| !index_plan.gone.contains(index));
        let mut sequences = BTreeMap::new();
        for column in table.columns.iter().filter(|column| column.nullability == Nullability::Identity) {
            let name = column.name.as_str();
            let kept = live_columns.iter().find(|live| live.name == name).and_then(|live| live.sequence.as_ref());
            let planned = match kept {
                Some(sequence) => (sequence.name.clone(), sequence.comment.clone()),
                None => (indexes::free(table, &indexes::sequence_base(table, name), taken)?, None),
            };
            sequences.insert(name.to_owned(), planned);
        }
        let grants = match live {
            Some(live) => live.grants.clone(),
            None => self.first_grants.get(table.name.as_str()).cloned().unwrap_or_default(),
        };
        let names: BTreeSet<&str> = table.columns.iter().map(|column| column.name.as_str()).collect();
        let commented = live_columns.iter().filter_map(|column| Some((column.name.clone(), column.comment.clone()?)));
        let dress = Dress {
            kind: "TABLE",
            owner: owner.clone(),
            grants: grants.only(&names),
            comment: live.and_then(|live| live.comment.clone()),
            column_comments: commented.collect(),
            index_comments: index_plan.comments,
            sequences,
            attached: live.iter().flat_map(|live| &live.attached).filter(is_there).cloned().collect(),
            not_null: not_null.collect(),
            declared,
            owned: live.map(|live| live.owned.clone()).unwrap_or_default(),
        };
        let blueprint = Blueprint {
            table: table.name.clone(),
            owner,
            columns: columns::plan(table, &self.types, live_columns),
            options: live.map(|live| live.options.clone()).unwrap_or_default(),
            indexes: index_plan.indexes,
            persistence: Persistence::Logged,
            distinct: Distinct::of(table),
        };
        Ok((blueprint, dress))
    }

    /// The roles that make, move or dress tables in staging, and what is made anew over them: they may enter it for the time
    /// of the load.
    pub fn staging_roles(&self) -> BTreeSet<Acting> {
        let all = || self.live.values().chain(self.rebuilt.values().map(|rebuilt| &rebuilt.live));
        let owners = all().map(|live| live.owner.making(&self.login, &mut BTreeSet::new()));
        let grantors = all().flat_map(|live| live.grants.grantors()).map(|name| Acting::Role(name.to_owned()));
        owners.chain(grantors).filter(|acting| *acting != Acting::Login).collect()
    }

    /// The roles that a rehearsal acts as besides.
    pub(super) fn binding_roles(&self) -> BTreeSet<Acting> {
        let views = self.views.iter().map(|view| view.mover(&self.login));
        let functions = self.functions.iter().map(|function| function.mover(&self.login));
        let rules = self.rules.iter().map(|rule| rule.mover(&self.login));
        views.chain(functions).chain(rules).filter(|acting| *acting != Acting::Login).collect()
    }

    /// Whether what reads the live tables is the same, word for word.
    pub(super) fn is_read_by_the_same(&self, other: &Self) -> bool {
        (&self.views, &self.functions, &self.rules) == (&other.views, &other.functions, &other.rules)
    }

    /// The name of a live table that a view reads itself; empty where it only reads others.
    pub(super) fn table_of(&self, view: &View) -> &str {
        let read = self.live.iter().find(|(_, live)| view.reads_any(&BTreeSet::from([live.oid])));
        read.map_or("", |(name, _)| name)
    }

    /// What is made anew in staging beside the tables, innermost first.
    pub(super) fn rebuilt(&self) -> impl Iterator<Item = (&View, &Rebuilt)> {
        self.views.iter().rev().filter_map(|view| Some((view, self.rebuilt.get(&view.oid)?)))
    }

    /// Where names are looked for that stand bare in what is made anew, after staging itself.
    pub(super) fn path(&self) -> Vec<String> {
        self.path_with(self.rebuilt().map(|(view, _)| &view.schema))
    }

    /// The target schema, and those of all that reads the live tables.
    pub(super) fn schemas_of_readers(&self) -> Vec<String> {
        self.path_with(self.views.iter().map(|view| &view.schema).chain(self.rules.iter().map(|rule| &rule.schema)))
    }

    fn path_with<'a>(&self, others: impl Iterator<Item = &'a String>) -> Vec<String> {
        let others: BTreeSet<&String> = others.filter(|schema| **schema != self.schema.name).collect();
        std::iter::once(&self.schema.name).chain(others).cloned().collect()
    }

    /// The name of a live table.
    pub(super) fn name_of(&self, oid: u32) -> &str {
        self.live.iter().find(|(_, live)| live.oid == oid).map_or("", |(name, _)| name.as_str())
    }

    /// As whom a live table, and the one that takes its place, are moved.
    pub(super) fn mover(&self, table: &str) -> Acting {
        let schema = &self.schema;
        self.live.get(table).map_or(Acting::Login, |live| {
            live.owner.placing(&self.login, schema.login_creates, &schema.name, &mut BTreeSet::new())
        })
    }
}
