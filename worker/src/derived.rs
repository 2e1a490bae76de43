//! Tables and views that are made by a query over other tables. A dataset whose manifest names SQL files comes in; out goes, before
//! anything is loaded, what that SQL will make: columns, what each query reads, in which order they can run. Nothing is
//! guessed from the text: PostgreSQL reads the queries, in a rehearsal that is rolled back.

mod error;
mod names;
mod order;
mod reads;
mod rehearsal;
mod views;

use std::collections::{BTreeMap, BTreeSet};

use manifest::dataset::{Content, Query, Table};
use manifest::{Dataset, Identifier};

use crate::publish::{DeclaredView, Standing};

pub use error::Error;
pub use names::SearchPath;
pub use rehearsal::rehearse;
pub use views::left;

/// What a dataset's SQL turns out to make.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rehearsed {
    /// The dataset, with the columns that its queries turn out to have, and only with those views that are to be made or
    /// replaced: the others are live as they should be.
    pub dataset: Dataset,
    /// Where names in its SQL are looked up.
    pub search_path: SearchPath,
    /// The tables of the dataset that each derived table reads.
    pub needs: BTreeMap<Identifier, BTreeSet<Identifier>>,
    /// Its views, in the order in which they can be made.
    pub views: Vec<DeclaredView>,
    /// What its queries read of which nobody notes when it changes: while there is any, a dataset is never unchanged.
    pub untracked: BTreeSet<String>,
    /// What a person should know.
    pub notices: BTreeSet<String>,
}

impl Rehearsed {
    /// Of a dataset without SQL.
    fn nothing(dataset: &Dataset, search_path: SearchPath) -> Self {
        Self {
            dataset: dataset.clone(),
            search_path,
            needs: BTreeMap::new(),
            views: Vec::new(),
            untracked: BTreeSet::new(),
            notices: BTreeSet::new(),
        }
    }

    /// Whether its views are live as they are declared.
    pub fn views_stand(&self) -> bool {
        self.views.iter().all(|view| view.standing == Standing::Same)
    }

    /// Derived tables in the order in which they can be made; those of one wave do not read each other.
    pub fn waves(&self) -> Vec<BTreeSet<&Identifier>> {
        order::waves(&self.needs)
    }
}

/// The dataset's tables that are made by a query.
pub fn queries(dataset: &Dataset) -> impl Iterator<Item = (&Table, &Query)> {
    dataset.tables.iter().filter_map(|table| match &table.content {
        Content::Query(query) => Some((table, query)),
        Content::Sources(_) => None,
    })
}
