//! Making on a table in staging what hangs on the live one, before any lock is taken: what differs and nothing else, so that
//! it may be done again when somebody changes the live table meanwhile. Rows that do not hold what a constraint asks for
//! are told by the constraint's name.

use tokio_postgres::error::SqlState;

use super::attached::{self, Attached, Place};
use super::error::{Error, Violation};
use super::foreign_keys::ForeignKey;
use super::inventory::{Dress, Inventory, Reader};
use super::lock::is_contention;
use super::refusal::Refusal;
use super::sequences::Sequence;
use crate::ledger::PublishedTable;
use crate::postgres::error::Statement;
use crate::postgres::identifiers::qualified;
use crate::postgres::{self, Acting, Connection};
use crate::staging::{Blueprint, IndexPlan};

/// How long a statement may wait for tables of others, such as those that a foreign key names: whoever comes after us waits
/// with us.
const PATIENCE: &str = "50ms";

/// A table in staging and what is to hang on it.
#[derive(Debug)]
pub(super) struct Fitting<'a> {
    pub(super) table: &'a str,
    pub(super) oid: u32,
    pub(super) owner: &'a Acting,
    pub(super) wanted: &'a [Attached],
}

impl<'a> Fitting<'a> {
    pub(super) fn of((plan, table): (&'a (Blueprint, Dress), &'a PublishedTable)) -> Self {
        let (blueprint, dress) = plan;
        Self { table: blueprint.table.as_str(), oid: table.oid, owner: &blueprint.owner, wanted: &dress.attached }
    }
}

/// The schemas whose names stand bare in definitions.
#[derive(Debug, Clone, Copy)]
pub(super) struct Schemas<'a> {
    pub(super) staging: &'a str,
    pub(super) live: &'a str,
}

/// Makes tables in staging like the live ones.
#[derive(Clone, Copy)]
pub(super) struct Fitter<'a> {
    pub(super) connection: &'a Connection,
    pub(super) reader: &'a Reader,
    pub(super) schemas: Schemas<'a>,
    pub(super) dataset: &'a str,
}

impl Fitter<'_> {
    /// Makes all of it. Every statement is a transaction of its own.
    ///
    /// # Errors
    /// [`Error::Violated`] with everything that the rows do not hold, [`Error::NotCarried`] with what PostgreSQL did not take.
    pub(super) async fn fit(self, fittings: &[Fitting<'_>]) -> Result<(), Error> {
        let Self { schemas, dataset, .. } = self;
        let found = self.look(fittings).await?;
        let (mut violations, mut refusals) = (Vec::new(), Vec::new());
        for (fitting, found) in fittings.iter().zip(&found) {
            let place = Place { schema: schemas.staging, table: fitting.table };
            let steps = attached::steps(fitting.wanted, found, &place);
            for statement in steps.unmake {
                self.alone(fitting, &statement).await?;
            }
            let gathers = steps.make.iter().any(|one| one.is_analyzed());
            for one in steps.make {
                for statement in one.make(&place) {
                    match self.alone(fitting, &statement).await {
                        Ok(()) => continue,
                        Err(error) => match said_no(&error) {
                            Some(no) if is_about_rows(&no.state) => {
                                let detail = no.detail.as_ref().unwrap_or(&no.message).clone();
                                let table = fitting.table.to_owned();
                                violations.push(Violation { table, object: one.describe(), detail });
                            }
                            Some(no) => refusals.push(one.refuse(fitting.table, &no.message)),
                            None => return Err(error.into()),
                        },
                    }
                    break;
                }
            }
            if gathers {
                let analyze = format!("ANALYZE {}", qualified(schemas.staging, fitting.table));
                self.alone(fitting, &analyze).await?;
            }
        }
        if !refusals.is_empty() {
            return Err(Error::NotCarried { dataset: dataset.to_owned(), refusals });
        }
        if !violations.is_empty() {
            return Err(Error::Violated { violations });
        }
        self.compare(fittings).await
    }

    /// Whether what hangs on the tables in staging now is what hangs on the live ones, in PostgreSQL's own words.
    ///
    /// # Errors
    /// [`Error::NotCarried`] with what is not the same.
    pub(super) async fn compare(self, fittings: &[Fitting<'_>]) -> Result<(), Error> {
        let found = self.look(fittings).await?;
        let mut refusals: Vec<Refusal> = Vec::new();
        for (fitting, found) in fittings.iter().zip(&found) {
            let place = Place { schema: self.schemas.staging, table: fitting.table };
            let steps = attached::steps(fitting.wanted, found, &place);
            let missing = steps.make.iter().map(|one| one.refuse(fitting.table, "it came out otherwise"));
            refusals.extend(missing);
            let extra =
                steps.unmake.iter().map(|statement| Refusal::new(fitting.table, "something in staging", statement));
            refusals.extend(extra);
        }
        if refusals.is_empty() { Ok(()) } else { Err(Error::NotCarried { dataset: self.dataset.to_owned(), refusals }) }
    }

    async fn look(self, fittings: &[Fitting<'_>]) -> Result<Vec<Vec<Attached>>, postgres::Error> {
        let oids: Vec<u32> = fittings.iter().map(|fitting| fitting.oid).collect();
        let schemas = [self.schemas.staging, self.schemas.live];
        let all = self.reader.attached(self.connection, &oids, &schemas).await?;
        let of = |fitting: &Fitting<'_>| all.iter().filter(|one| one.table == fitting.oid).cloned().collect();
        Ok(fittings.iter().map(of).collect())
    }

    async fn alone(self, fitting: &Fitting<'_>, statement: &str) -> Result<(), postgres::Error> {
        let what = format!("make {} in staging like the live table", fitting.table);
        let sql = format!("BEGIN; {}; {statement}; COMMIT", ahead(self.schemas, fitting.owner));
        let done = self.connection.batch(&what, &sql).await;
        if done.is_err() {
            self.connection.rollback().await;
        }
        done
    }
}

/// What makes a transaction run statements as a table's owner with the names of staging in front of all others.
pub(super) fn ahead(schemas: Schemas<'_>, owner: &Acting) -> String {
    let path = attached::path(&[schemas.staging, schemas.live]);
    format!("SET LOCAL search_path = {path}; SET LOCAL lock_timeout = '{PATIENCE}'; {}", owner.set_local())
}

/// What PostgreSQL says of the statement itself, and not of the moment at which it came.
pub(super) fn said_no(error: &postgres::Error) -> Option<&Statement> {
    let postgres::Error::Statement(statement) = error else { return None };
    let of_the_moment =
        ["25", "40", "53", "57", "58", "XX"].iter().any(|class| statement.state.code().starts_with(class));
    (!of_the_moment && !is_contention(error)).then_some(statement)
}

/// Whether an error says something about rows: that they do not hold, or that an expression fails on them.
pub(super) fn is_about_rows(state: &SqlState) -> bool {
    ["22", "23", "P0"].iter().any(|class| state.code().starts_with(class))
}

/// What has been made in staging and proven against it.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Fitted {
    tables: Vec<FittedTable>,
    foreign_keys: Vec<ForeignKey>,
}

#[derive(Debug, PartialEq)]
struct FittedTable {
    oid: u32,
    attached: Vec<Attached>,
    owned: Vec<Sequence>,
    indexes: Vec<IndexPlan>,
}

impl Fitted {
    pub(super) fn of(inventory: &Inventory, plans: &[(Blueprint, Dress)], tables: &[PublishedTable]) -> Self {
        let tables = plans.iter().zip(tables).map(|((blueprint, dress), table)| FittedTable {
            oid: table.oid,
            attached: dress.attached.clone(),
            owned: dress.owned.clone(),
            indexes: blueprint.indexes.clone(),
        });
        Self { tables: tables.collect(), foreign_keys: inventory.foreign_keys.clone() }
    }
}
