//! Primary keys, unique and exclusion constraints, indexes. The manifest says which there must be; those of the live table
//! that it does not know are carried over as they are, and those that both know keep their names. Refused: a primary key
//! that is not the manifest's, and names that are taken by somebody else's relation in the target schema.

use std::collections::{BTreeMap, BTreeSet};

use manifest::Identifier;
use manifest::dataset::{Index as Declared, IndexMethod, Nullability, Table, Uniqueness, View};

use super::refusal::Refusal;
use crate::postgres::identifiers::fitting;
use crate::staging::indexes::{Constraint, ConstraintKind, Index};
use crate::staging::{ConstraintPlan, IndexPlan};

/// How many names are tried for a new index before giving up: `t_bbl_idx`, `t_bbl_idx1`, …
const NAMES: usize = 10;

/// Identifiers as PostgreSQL's definitions spell them: quoted only where they must be.
pub(super) type Spelling = BTreeMap<String, String>;

/// The indexes that a table in staging gets, and the comments that they and their constraints have.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Plan {
    pub(super) indexes: Vec<IndexPlan>,
    pub(super) comments: Vec<(String, Commented, String)>,
}

/// What a comment is on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Commented {
    Index,
    Constraint,
}

/// A definition that two indexes can share.
fn tail(declared: &Declared, spelling: &Spelling) -> String {
    let columns: Vec<&str> = declared.columns.iter().map(|column| spelled(spelling, column.as_str())).collect();
    format!("USING {} ({})", declared.method.as_str(), columns.join(", "))
}

fn spelled<'a>(spelling: &'a Spelling, name: &'a str) -> &'a str {
    spelling.get(name).map_or(name, String::as_str)
}

fn key_definition(table: &Table, spelling: &Spelling) -> Option<String> {
    let columns: Vec<&str> = table.primary_key.iter().map(|column| spelled(spelling, column.as_str())).collect();
    (!columns.is_empty()).then(|| format!("PRIMARY KEY ({})", columns.join(", ")))
}

fn is_primary(index: &Index) -> bool {
    index.constraint.as_ref().is_some_and(|constraint| constraint.kind == ConstraintKind::Primary)
}

/// What cannot be carried over.
pub(super) fn refuse(table: &Table, spelling: &Spelling, live: &[Index]) -> Vec<Refusal> {
    let declared = key_definition(table, spelling);
    let key = live.iter().find(|index| is_primary(index)).zip(declared);
    let refused = key.filter(|(live, declared)| definition(live) != declared).map(|(live, declared)| {
        Refusal::new(
            table.name.as_str(),
            format!("its key {} {}", live.name, definition(live)),
            format!("the manifest has {declared}: drop the live key, or declare it"),
        )
    });
    refused.into_iter().collect()
}

fn definition(index: &Index) -> &str {
    index.constraint.as_ref().map_or("", |constraint| &constraint.definition)
}

/// Names that new indexes might get, so that somebody can look which of them are taken.
pub(super) fn candidates(table: &Table) -> BTreeSet<String> {
    let key = (!table.primary_key.is_empty()).then(|| names(&key_base(table)));
    let others = table.indexes.iter().map(|declared| names(&base(table, declared)));
    let sequences = table
        .columns
        .iter()
        .filter(|column| column.nullability == Nullability::Identity)
        .map(|column| names(&sequence_base(table, column.name.as_str())));
    key.into_iter().chain(others).chain(sequences).flatten().collect()
}

/// What PostgreSQL would call the sequence of an identity column, as far as it fits.
pub(super) fn sequence_base(table: &Table, column: &str) -> String {
    format!("{}_{column}_seq", table.name)
}

fn key_base(table: &Table) -> String {
    format!("{}_pkey", table.name)
}

fn base(table: &Table, declared: &Declared) -> String {
    base_of(&table.name, declared)
}

fn base_of(relation: &Identifier, declared: &Declared) -> String {
    let columns: Vec<&str> = declared.columns.iter().map(Identifier::as_str).collect();
    format!("{relation}_{}_idx", columns.join("_"))
}

fn names(base: &str) -> Vec<String> {
    let numbered = (1..NAMES).map(|n| fitting(&format!("{base}{n}")));
    std::iter::once(fitting(base)).chain(numbered).collect()
}

/// The indexes of a materialized view that is made for the first time; its key is a unique index. `taken` as for [`plan`].
pub(super) fn of_view(
    view: &View,
    spelling: &Spelling,
    taken: &mut BTreeSet<String>,
) -> Result<Vec<IndexPlan>, Refusal> {
    let planned = declared_of_view(view).into_iter().map(|declared| {
        Ok(IndexPlan {
            name: free_of(&view.name, &base_of(&view.name, &declared), taken)?,
            unique: declared.uniqueness,
            tail: tail(&declared, spelling),
            constraint: None,
        })
    });
    planned.collect()
}

/// As [`candidates`], of a view.
pub(super) fn candidates_of_view(view: &View) -> BTreeSet<String> {
    declared_of_view(view).iter().flat_map(|declared| names(&base_of(&view.name, declared))).collect()
}

fn declared_of_view(view: &View) -> Vec<Declared> {
    let key = (!view.primary_key.is_empty()).then(|| Declared {
        columns: view.primary_key.clone(),
        method: IndexMethod::Btree,
        uniqueness: Uniqueness::Unique,
    });
    key.into_iter().chain(view.indexes.iter().cloned()).collect()
}

/// The first name of its like that nobody has; it is taken afterwards.
pub(super) fn free(table: &Table, base: &str, taken: &mut BTreeSet<String>) -> Result<String, Refusal> {
    free_of(&table.name, base, taken)
}

fn free_of(relation: &Identifier, base: &str, taken: &mut BTreeSet<String>) -> Result<String, Refusal> {
    let name = names(base).into_iter().find(|name| !taken.contains(name)).ok_or_else(|| {
        Refusal::new(
            relation.as_str(),
            fitting(base),
            "the target schema has other relations of that name and all its like: rename one of them",
        )
    })?;
    taken.insert(name.clone());
    Ok(name)
}

/// The indexes of the table that is to go live. `taken` holds names of the target schema that belong to others, and is
/// added to.
pub(super) fn plan(
    table: &Table,
    spelling: &Spelling,
    live: &[Index],
    taken: &mut BTreeSet<String>,
) -> Result<Plan, Refusal> {
    let mut plan = Plan::default();
    let mut kept: Vec<&Index> = live.iter().collect();
    taken.extend(kept.iter().map(|index| index.name.clone()));
    if let Some(definition) = key_definition(table, spelling) {
        let at = kept.iter().position(|index| is_primary(index));
        match at.map(|at| kept.remove(at)) {
            Some(index) => plan.carry(index),
            None => plan.indexes.push(IndexPlan {
                name: free(table, &key_base(table), taken)?,
                unique: Uniqueness::Unique,
                tail: definition.replacen("PRIMARY KEY", "USING btree", 1),
                constraint: Some(ConstraintPlan::OnIndex("PRIMARY KEY".to_owned())),
            }),
        }
    }
    for declared in &table.indexes {
        let tail = tail(declared, spelling);
        // A unique constraint does all that a unique index does.
        let at = kept
            .iter()
            .position(|index| index.unique == declared.uniqueness && index.tail == tail && !is_primary(index));
        match at.map(|at| kept.remove(at)) {
            Some(index) => plan.carry(index),
            None => plan.indexes.push(IndexPlan {
                name: free(table, &base(table, declared), taken)?,
                unique: declared.uniqueness,
                tail,
                constraint: None,
            }),
        }
    }
    for index in kept {
        plan.carry(index);
    }
    Ok(plan)
}

/// Indexes of a relation that the manifest does not know: all of them as they are.
pub(super) fn all(live: &[Index]) -> Plan {
    let mut plan = Plan::default();
    for index in live {
        plan.carry(index);
    }
    plan
}

impl Plan {
    /// Takes an index of the live table as it is.
    fn carry(&mut self, index: &Index) {
        let constraint = index.constraint.as_ref().map(|constraint| match constraint.kind {
            ConstraintKind::Primary => ConstraintPlan::OnIndex(format!("PRIMARY KEY{}", constraint.timing)),
            ConstraintKind::Unique => ConstraintPlan::OnIndex(format!("UNIQUE{}", constraint.timing)),
            ConstraintKind::Exclusion => ConstraintPlan::Whole(constraint.definition.clone()),
        });
        let texts = [
            (Commented::Index, index.comment.as_ref()),
            (Commented::Constraint, index.constraint.as_ref().and_then(|c: &Constraint| c.comment.as_ref())),
        ];
        for (on, text) in texts {
            if let Some(text) = text {
                self.comments.push((index.name.clone(), on, text.clone()));
            }
        }
        self.indexes.push(IndexPlan {
            name: index.name.clone(),
            unique: index.unique,
            tail: index.tail.clone(),
            constraint,
        });
    }
}
