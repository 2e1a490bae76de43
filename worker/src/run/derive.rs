//! Derived tables into staging, once all that they read stands there: two at a time, in the order in which they read each
//! other, then keys, indexes and statistics as for any table.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Instant;

use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use manifest::Identifier;
use manifest::dataset::Query;

use super::Run;
use super::tables::{Loaded, TABLES_AT_ONCE};
use crate::derived::{Error, Rehearsed, left, queries, rehearse};
use crate::ledger::{Generations, Ledger, TableCounts};
use crate::postgres::Pool;
use crate::report::Fact;
use crate::staging::{Blueprint, Derivation, Staging};
use crate::trouble::Trouble;

/// The way of a dataset's derived tables into staging.
pub(super) struct Deriving<'a> {
    pub(super) run: &'a Run<'a>,
    pub(super) ledger: &'a Ledger,
    pub(super) staging: &'a Staging,
    pub(super) basis: &'a Basis,
    pub(super) blueprints: &'a [Blueprint],
}

/// What a dataset is made from besides its sources.
#[derive(Debug)]
pub(super) struct Basis {
    /// What its SQL makes.
    pub(super) rehearsed: Rehearsed,
    /// The generations of the datasets that it depends on.
    pub(super) upstream: Generations,
}

impl Run<'_> {
    /// Looks at the datasets that this one depends on, and rehearses its queries.
    pub(super) async fn basis(&self, ledger: &Ledger, pool: &Pool) -> Result<Basis, Trouble> {
        let depends_on = &self.dataset.depends_on;
        let upstream = ledger.generations(depends_on).await?;
        let absent: Vec<String> =
            depends_on.iter().map(ToString::to_string).filter(|name| !upstream.contains_key(name)).collect();
        if !absent.is_empty() {
            return Err(Error::NeverPublished { dataset: self.dataset.dataset.to_string(), upstream: absent }.into());
        }
        let connection = pool.take().await?;
        let rehearsed = rehearse(&connection, self.dataset).await?;
        pool.give_back(connection);
        for detail in &rehearsed.notices {
            self.reporter.tell(&Fact::Notice { detail: detail.clone() });
        }
        Ok(Basis { rehearsed, upstream })
    }

    /// Tells of views that the manifest does not have any more.
    pub(super) async fn tell_what_is_left(&self, pool: &Pool) -> Result<(), Trouble> {
        let connection = pool.take().await?;
        let left = left(&connection, self.dataset).await?;
        pool.give_back(connection);
        for detail in left {
            self.reporter.tell(&Fact::Notice { detail });
        }
        Ok(())
    }
}

impl Deriving<'_> {
    /// Makes all of them. When a dataset that they read is published in between, some queries may have read its old rows and
    /// some its new ones: they are all run again. Gives the generations that were read at last.
    pub(super) async fn all(&self) -> Result<(BTreeMap<String, Loaded>, Generations), Trouble> {
        let mut upstream = self.basis.upstream.clone();
        loop {
            let mut loaded = BTreeMap::new();
            for wave in self.basis.rehearsed.waves() {
                let tables: Vec<(String, Loaded)> =
                    stream::iter(self.of(&wave).map(|(query, blueprint)| self.one(query, blueprint)))
                        .buffer_unordered(TABLES_AT_ONCE)
                        .try_collect()
                        .await?;
                loaded.extend(tables);
            }
            let now = self.ledger.generations(&self.run.dataset.depends_on).await?;
            if now == upstream || loaded.is_empty() {
                return Ok((loaded, now));
            }
            let detail = "a dataset that the queries read was published meanwhile: they are run again".to_owned();
            self.run.reporter.tell(&Fact::Notice { detail });
            for table in loaded.keys() {
                for blueprint in self.blueprints.iter().filter(|blueprint| blueprint.table.as_str() == table) {
                    self.staging.drop_table(blueprint).await?;
                }
            }
            upstream = now;
        }
    }

    fn of(&self, wave: &BTreeSet<&Identifier>) -> impl Iterator<Item = (&Query, &Blueprint)> {
        queries(&self.basis.rehearsed.dataset).filter(|(table, _)| wave.contains(&table.name)).filter_map(
            |(table, query)| Some((query, self.blueprints.iter().find(|blueprint| blueprint.table == table.name)?)),
        )
    }

    async fn one(&self, query: &Query, blueprint: &Blueprint) -> Result<(String, Loaded), Trouble> {
        let began = Instant::now();
        let needs = self.basis.rehearsed.needs.get(&blueprint.table);
        let is_read = |other: &&Blueprint| needs.is_some_and(|needs| needs.contains(&other.table));
        let derivation = Derivation {
            select: query.statement(),
            file: &query.file,
            search_path: &self.basis.rehearsed.search_path,
            reads: self.blueprints.iter().filter(is_read).collect(),
        };
        let derived = self.staging.derive_table(blueprint, &derivation).await?;
        let table = blueprint.table.to_string();
        let counts = TableCounts {
            rows: derived.rows,
            bytes: derived.bytes,
            duplicates: derived.duplicates,
            ..TableCounts::default()
        };
        self.run.reporter.tell(&Fact::Derived {
            table: table.clone(),
            file: query.file.clone(),
            rows: derived.rows,
            seconds: began.elapsed().as_secs_f64(),
        });
        self.ledger.table_loaded(self.run.id, &blueprint.table, &counts).await?;
        let duplicates = self.run.finish_table(self.staging, blueprint).await?;
        Ok((table, Loaded::derived(counts, duplicates)))
    }
}
