//! Primary keys, unique and exclusion constraints, indexes. The manifest says which there must be. Those of the live table
//! that both know keep their names; those that the manifest does not know are carried over as they are, unless they are what
//! it declared when the table was published last and nothing relies on them. Refused: a primary key of somebody's own that is
//! not the manifest's, and names that are taken by somebody else's relation in the target schema.

use std::collections::{BTreeMap, BTreeSet};

use manifest::Identifier;
use manifest::dataset::{Index as Declared, IndexMethod, Nullability, Table, Uniqueness, View};

use super::origin::Origin;
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
    /// What the manifest declares and we have made, now or once, by name: what an index is.
    pub(super) declared: BTreeMap<String, String>,
    /// Those of the live table that the manifest does not ask for.
    unasked: BTreeSet<String>,
    /// Those of the live table that were declared once, and are not any more.
    pub(super) gone: BTreeSet<String>,
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

/// Whether an index is one that was declared when it was made, and can go.
fn was_declared(index: &Index, origin: &Origin) -> bool {
    let told = origin.declared().and_then(|declared| declared.indexes.get(&index.name));
    !index.is_relied_on && told == Some(&planned(index).tell())
}

/// What a person should know of the live table's indexes.
pub(super) fn notices(table: &Table, spelling: &Spelling, live: &[Index], origin: &Origin) -> Vec<String> {
    let Ok(plan) = plan(table, spelling, live, origin, &mut BTreeSet::new()) else { return Vec::new() };
    let gone =
        plan.gone.iter().map(|name| format!("{name} of {} is not in the manifest any more, and goes", table.name));
    let unknown = plan.unasked.iter().filter(|_| *origin == Origin::Forgotten);
    let kept = unknown.map(|name| format!("{name} of {} is not in the manifest, and is kept", table.name));
    gone.chain(kept).collect()
}

/// What cannot be carried over.
pub(super) fn refuse(table: &Table, spelling: &Spelling, live: &[Index], origin: &Origin) -> Vec<Refusal> {
    let declared = key_definition(table, spelling);
    let key = live.iter().find(|index| is_primary(index) && !was_declared(index, origin)).zip(declared);
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
    origin: &Origin,
    taken: &mut BTreeSet<String>,
) -> Result<Plan, Refusal> {
    let mut plan = Plan::default();
    let mut kept: Vec<&Index> = live.iter().collect();
    taken.extend(kept.iter().map(|index| index.name.clone()));
    let key = key_definition(table, spelling);
    // Names of those that go are free for those that come.
    let wanted = |index: &Index| match &key {
        Some(key) if is_primary(index) => definition(index) == key,
        _ => is_declared(index, table, spelling),
    };
    for index in live.iter().filter(|index| !wanted(index) && was_declared(index, origin)) {
        kept.retain(|other| other.name != index.name);
        taken.remove(&index.name);
        plan.gone.insert(index.name.clone());
    }
    if let Some(definition) = key {
        let at = kept.iter().position(|index| is_primary(index));
        match at.map(|at| kept.remove(at)) {
            Some(index) => plan.adopt(index, origin, &key_base(table)),
            None => plan.declare(IndexPlan {
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
            Some(index) => plan.adopt(index, origin, &base(table, declared)),
            None => plan.declare(IndexPlan {
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

/// Whether the manifest has an index like it.
fn is_declared(index: &Index, table: &Table, spelling: &Spelling) -> bool {
    let like = |declared: &Declared| index.unique == declared.uniqueness && index.tail == tail(declared, spelling);
    !is_primary(index) && table.indexes.iter().any(like)
}

/// An index as it is to be made again.
fn planned(index: &Index) -> IndexPlan {
    let constraint = index.constraint.as_ref().map(|constraint| match constraint.kind {
        ConstraintKind::Primary => ConstraintPlan::OnIndex(format!("PRIMARY KEY{}", constraint.timing)),
        ConstraintKind::Unique => ConstraintPlan::OnIndex(format!("UNIQUE{}", constraint.timing)),
        ConstraintKind::Exclusion => ConstraintPlan::Whole(constraint.definition.clone()),
    });
    IndexPlan { name: index.name.clone(), unique: index.unique, tail: index.tail.clone(), constraint }
}

impl IndexPlan {
    /// What it is, for the ledger to remember.
    fn tell(&self) -> String {
        let unique = if self.unique == Uniqueness::Unique { "UNIQUE " } else { "" };
        let constraint = match &self.constraint {
            Some(ConstraintPlan::OnIndex(kind)) => format!(" AS {kind}"),
            Some(ConstraintPlan::Whole(definition)) => format!(" AS {definition}"),
            None => String::new(),
        };
        format!("{unique}{}{constraint}", self.tail)
    }
}

impl Plan {
    /// Takes a new one that the manifest declares.
    fn declare(&mut self, index: IndexPlan) {
        self.declared.insert(index.name.clone(), index.tell());
        self.indexes.push(index);
    }

    /// Takes one of the live table that the manifest declares too. It is ours if we wrote it down when we made it or, where
    /// nothing was written down, if it has a name that we would give it.
    fn adopt(&mut self, index: &Index, origin: &Origin, base: &str) {
        let told = planned(index).tell();
        let is_ours = match origin {
            Origin::Foreign => false,
            Origin::Forgotten => names(base).contains(&index.name),
            Origin::Ours(before) => before.indexes.get(&index.name) == Some(&told),
        };
        if is_ours {
            self.declared.insert(index.name.clone(), told);
        }
        self.comment(index);
        self.indexes.push(planned(index));
    }

    /// Takes one of the live table as it is.
    fn carry(&mut self, index: &Index) {
        self.unasked.insert(index.name.clone());
        self.comment(index);
        self.indexes.push(planned(index));
    }

    fn comment(&mut self, index: &Index) {
        let texts = [
            (Commented::Index, index.comment.as_ref()),
            (Commented::Constraint, index.constraint.as_ref().and_then(|c: &Constraint| c.comment.as_ref())),
        ];
        for (on, text) in texts {
            if let Some(text) = text {
                self.comments.push((index.name.clone(), on, text.clone()));
            }
        }
    }
}
