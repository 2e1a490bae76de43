//! What hangs on a live table and is made anew on the one that takes its place: one file per kind, each a query that reads
//! it, and the statements that make it and take it away. The same query reads the live table and the one in staging, so
//! that what was made is known to be what was there: two things are the same when PostgreSQL says the same of both.

mod checks;
mod cluster;
mod defaults;
mod foreign_keys;
mod index_statistics;
mod policies;
mod replica_identity;
mod row_security;
mod rules;
mod statistics;
mod triggers;

use tokio_postgres::Row;

use super::refusal::Refusal;
use crate::postgres::identifiers::{qualified, quote_ident, quote_literal};

/// The kinds, in the order in which they are made: each may need those before it.
const KINDS: [Kind; 11] = [
    Kind::Default,
    Kind::Check,
    Kind::Cluster,
    Kind::ReplicaIdentity,
    Kind::IndexStatistics,
    Kind::Statistics,
    Kind::ForeignKey,
    Kind::Rule,
    Kind::Trigger,
    Kind::Policy,
    Kind::RowSecurity,
];

/// A kind of thing that hangs on a table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Kind {
    Default,
    Check,
    Cluster,
    ReplicaIdentity,
    IndexStatistics,
    Statistics,
    ForeignKey,
    Rule,
    Trigger,
    Policy,
    RowSecurity,
}

/// One thing that hangs on a table. Names that PostgreSQL finds in the table's own schema stand bare in its definition, so
/// that the same words mean the live table's neighbours there and those in staging here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Attached {
    /// PostgreSQL's id of the table.
    pub(super) table: u32,
    pub(super) kind: Kind,
    pub(super) name: String,
    /// As the kind's own statements need it.
    definition: String,
    /// Whether and when it is in force, in the catalog's letters; empty where there is nothing to say.
    state: String,
    comment: Option<String>,
}

/// Where a table stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Place<'a> {
    pub(super) schema: &'a str,
    pub(super) table: &'a str,
}

impl Place<'_> {
    /// The table, qualified.
    pub(super) fn relation(&self) -> String {
        qualified(self.schema, self.table)
    }

    fn alter(&self, action: &str) -> String {
        format!("ALTER TABLE {} {action}", self.relation())
    }
}

impl Kind {
    /// Rows of `table_oid, name, definition, state, comment` of the tables `$1`. Its first table is `path`, which has set
    /// the search path by the time that definitions are read.
    fn query(self) -> &'static str {
        match self {
            Self::Default => defaults::QUERY,
            Self::Check => checks::QUERY,
            Self::Cluster => cluster::QUERY,
            Self::ReplicaIdentity => replica_identity::QUERY,
            Self::IndexStatistics => index_statistics::QUERY,
            Self::Statistics => statistics::QUERY,
            Self::ForeignKey => foreign_keys::QUERY,
            Self::Rule => rules::QUERY,
            Self::Trigger => triggers::QUERY,
            Self::Policy => policies::QUERY,
            Self::RowSecurity => row_security::QUERY,
        }
    }

    /// What a message calls it.
    fn word(self) -> &'static str {
        match self {
            Self::Default => "the default of column",
            Self::Check => "check constraint",
            Self::Cluster => "the mark of CLUSTER on index",
            Self::ReplicaIdentity => "the replica identity",
            Self::IndexStatistics => "the statistics target of index",
            Self::Statistics => "statistics object",
            Self::ForeignKey => "foreign key",
            Self::Rule => "rule",
            Self::Trigger => "trigger",
            Self::Policy => "policy",
            Self::RowSecurity => "row level security",
        }
    }
}

impl Attached {
    fn read(row: &Row) -> Self {
        let kind: i32 = row.get("kind");
        Self {
            table: row.get("table_oid"),
            kind: usize::try_from(kind).map_or(KINDS[0], |i| KINDS[i]),
            name: row.get("name"),
            definition: row.get("definition"),
            state: row.get("state"),
            comment: row.get("comment"),
        }
    }

    /// The statements that make it. Each is a transaction of its own, as the table's owner.
    pub(super) fn make(&self, place: &Place<'_>) -> Vec<String> {
        match self.kind {
            Kind::Default => defaults::make(self, place),
            Kind::Check => checks::make(self, place),
            Kind::Cluster => cluster::make(self, place),
            Kind::ReplicaIdentity => replica_identity::make(self, place),
            Kind::IndexStatistics => index_statistics::make(self, place),
            Kind::Statistics => statistics::make(self, place),
            Kind::ForeignKey => foreign_keys::make(self, place),
            Kind::Rule => rules::make(self, place),
            Kind::Trigger => triggers::make(self, place),
            Kind::Policy => policies::make(self, place),
            Kind::RowSecurity => row_security::make(self, place),
        }
    }

    /// The statement that takes it away.
    fn unmake(&self, place: &Place<'_>) -> String {
        match self.kind {
            Kind::Default => defaults::unmake(self, place),
            Kind::Check | Kind::ForeignKey => place.alter(&format!("DROP CONSTRAINT {}", quote_ident(&self.name))),
            Kind::Cluster => cluster::unmake(place),
            Kind::ReplicaIdentity => replica_identity::unmake(place),
            Kind::IndexStatistics => index_statistics::unmake(self, place),
            Kind::Statistics => statistics::unmake(self, place),
            Kind::Rule => rules::unmake(self, place),
            Kind::Trigger => triggers::unmake(self, place),
            Kind::Policy => policies::unmake(self, place),
            Kind::RowSecurity => row_security::unmake(place),
        }
    }

    /// The statement that frees its name in the target schema, where that does not go with the table that goes.
    pub(super) fn clear(&self, place: &Place<'_>) -> Option<String> {
        (self.kind == Kind::Statistics).then(|| statistics::unmake(self, place))
    }

    /// The statement that brings it to schema `to`, where it does not come with the table that comes.
    pub(super) fn follow(&self, place: &Place<'_>, to: &str) -> Option<String> {
        (self.kind == Kind::Statistics).then(|| statistics::follow(self, place, to))
    }

    /// The index that it is about.
    pub(super) fn index(&self) -> Option<&str> {
        matches!(self.kind, Kind::Cluster | Kind::IndexStatistics).then_some(self.name.as_str())
    }

    /// Whether `ANALYZE` gathers something for it.
    pub(super) fn is_analyzed(&self) -> bool {
        matches!(self.kind, Kind::Statistics | Kind::IndexStatistics)
    }

    /// What a message calls it.
    pub(super) fn describe(&self) -> String {
        format!("{} {}", self.kind.word(), self.name).trim_end().to_owned()
    }

    /// That it cannot be made again, in PostgreSQL's words.
    pub(super) fn refuse(&self, table: &str, reason: &str) -> Refusal {
        Refusal::new(table, self.describe(), format!("it could not be made again: {reason}"))
    }

    /// What makes a rule or trigger fire when it does, where that is not the usual.
    fn enabling(&self) -> Option<&'static str> {
        match self.state.as_str() {
            "D" => Some("DISABLE"),
            "R" => Some("ENABLE REPLICA"),
            "A" => Some("ENABLE ALWAYS"),
            _ => None,
        }
    }

    /// `COMMENT ON … IS`, where there is a comment.
    fn comment_on(&self, what: &str) -> Option<String> {
        self.comment.as_deref().map(|text| format!("COMMENT ON {what} IS {}", quote_literal(text)))
    }

    fn comment_on_constraint(&self, place: &Place<'_>) -> Option<String> {
        self.comment_on(&format!("CONSTRAINT {} ON {}", quote_ident(&self.name), place.relation()))
    }
}

/// The one query that reads all kinds of the tables `$1`, under the search path `$2`, which stays set.
pub(super) fn query() -> String {
    let kinds: Vec<String> = KINDS
        .iter()
        .enumerate()
        .map(|(i, kind)| format!("SELECT {i} AS kind, k.* FROM ({}) AS k", kind.query()))
        .collect();
    // Set while it runs and not before: every name in the query itself is one of pg_catalog.
    format!(
        "WITH path AS MATERIALIZED (SELECT set_config('search_path', $2, true)) {} ORDER BY table_oid, kind, name, definition",
        kinds.join(" UNION ALL ")
    )
}

/// The search path under which the names of these schemas stand bare in definitions. The first wins.
pub(super) fn path(schemas: &[&str]) -> String {
    let schemas: Vec<String> = schemas.iter().map(|schema| quote_ident(schema)).collect();
    format!("pg_catalog, {}, pg_temp", schemas.join(", "))
}

pub(super) fn read(rows: &[Row]) -> impl Iterator<Item = Attached> {
    rows.iter().map(Attached::read)
}

/// What must be done so that `found` becomes `wanted`.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Steps<'a> {
    /// Statements that take away what is not wanted.
    pub(super) unmake: Vec<String>,
    /// What is missing, in its order.
    pub(super) make: Vec<&'a Attached>,
}

/// Compares what hangs on two tables, whichever they are.
pub(super) fn steps<'a>(wanted: &'a [Attached], found: &[Attached], place: &Place<'_>) -> Steps<'a> {
    let holds = |all: &[Attached], one: &Attached| all.iter().any(|other| other.is_like(one));
    Steps {
        // What was made last may need what was made first.
        unmake: found.iter().rev().filter(|one| !holds(wanted, one)).map(|one| one.unmake(place)).collect(),
        make: wanted.iter().filter(|one| !holds(found, one)).collect(),
    }
}

impl Attached {
    /// Whether both are the same but for the table that they hang on.
    fn is_like(&self, other: &Self) -> bool {
        let parts = |one: &'_ Self| {
            (one.kind, one.name.clone(), one.definition.clone(), one.state.clone(), one.comment.clone())
        };
        parts(self) == parts(other)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLACE: Place<'static> = Place { schema: "s", table: "t" };

    fn check(name: &str, definition: &str) -> Attached {
        Attached {
            table: 1,
            kind: Kind::Check,
            name: name.into(),
            definition: definition.into(),
            state: String::new(),
            comment: None,
        }
    }

    #[test]
    fn only_what_differs_is_taken_away_and_made() {
        let wanted = [check("a", "CHECK ((x > 0))"), check("b", "CHECK ((x > 1))")];
        let found =
            [Attached { table: 2, ..check("a", "CHECK ((x > 0))") }, check("b", "CHECK ((x > 2))"), check("c", "")];
        let steps = steps(&wanted, &found, &PLACE);
        assert_eq!(
            steps.unmake,
            [r#"ALTER TABLE "s"."t" DROP CONSTRAINT "c""#, r#"ALTER TABLE "s"."t" DROP CONSTRAINT "b""#]
        );
        assert_eq!(steps.make, [&wanted[1]]);
    }

    #[test]
    fn the_words_of_every_kind_are_read_by_one_query() {
        let query = query();
        assert_eq!(query.matches("AS kind").count(), KINDS.len());
        assert!(KINDS.is_sorted(), "kinds are numbered in their order");
    }
}
