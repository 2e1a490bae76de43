//! Values that only the server can judge: of domains with checks, and of types that no encoder knows. They are copied as what is plain, and
//! become what they are in one statement. Where the server takes them all, that is all there is to it; otherwise each text is tried by
//! itself, and what is not taken is counted and told with the row that it stands in.

use std::collections::BTreeMap;

use manifest::Identifier;

use super::blueprint::Blueprint;
use super::error::Error;
use super::{Staging, conclude};
use crate::postgres::identifiers::{fitting, qualified, quote_ident};
use crate::postgres::{self, Connection};
use crate::reading::COLUMN_REJECTS_MAX;

/// Code of a value that a domain's check refuses.
const CHECK: &str = "check_violation";

/// Code of a value that is none of its type.
const NOT_TAKEN: &str = "not_taken";

/// A column whose values only the server can judge.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Judged {
    /// Its name.
    pub column: Identifier,
    /// Its type as `format_type` spells it.
    pub type_name: String,
    /// The type that its values are copied as.
    pub raw_type: String,
    /// A row without a value is kept out.
    pub is_required: bool,
}

/// What the server did not take.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Verdict {
    /// How many values, by column and code.
    pub bad: BTreeMap<(Identifier, &'static str), u64>,
    /// Some of them, in the order of their rows.
    pub examples: Vec<Refused>,
    /// Rows that were kept out for it.
    pub rejected_rows: u64,
}

/// A value that the server did not take.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refused {
    /// The row of the `COPY`, from 0.
    pub row: u64,
    /// The column.
    pub column: Identifier,
    /// Its text; of a domain, as PostgreSQL writes the value.
    pub raw: String,
    /// Why, in one word.
    pub code: &'static str,
    /// Whether the row was kept out.
    pub is_rejected: bool,
}

impl Verdict {
    /// Whether the server took every value.
    pub fn is_clean(&self) -> bool {
        self.bad.is_empty()
    }
}

impl Staging {
    /// Gives the columns of a table that was just copied their own types. What is not taken is NULL, or its row is not there, and the
    /// rows are in the order in which they came.
    pub(super) async fn judge(
        &self,
        connection: &Connection,
        blueprint: &Blueprint,
        judged: &[Judged],
    ) -> Result<Verdict, Error> {
        let what = format!("judge the values of {}", blueprint.table);
        let trial = Trial { raw: qualified(&self.schema, &blueprint.raw()), blueprint, judged };
        let begin = format!("BEGIN; {}", blueprint.owner.set_local());
        connection.batch(&what, &begin).await?;
        let converted = connection.batch(&what, &trial.convert()).await.map_err(Error::from);
        match conclude(connection, &what, converted).await {
            Ok(()) => return Ok(Verdict::default()),
            Err(Error::Database(postgres::Error::Statement(refusal))) if is_of_data(refusal.state.code()) => {}
            Err(error) => return Err(error),
        }
        connection.batch(&what, &begin).await?;
        let bad = qualified(&self.schema, &fitting(&format!("{} not taken", blueprint.table)));
        let sifted = qualified(&self.schema, &fitting(&format!("{} as judged", blueprint.table)));
        let tried = trial.sift(connection, &what, &bad, &sifted).await.map_err(Error::from);
        conclude(connection, &what, tried).await
    }
}

/// A class of SQLSTATE that tells of the value and not of the statement or the server: data exceptions, constraints, and what
/// functions raise that checks call.
fn is_of_data(state: &str) -> bool {
    matches!(state.get(..2), Some("22" | "23" | "P0"))
}

/// The values of one table before the server.
struct Trial<'a> {
    raw: String,
    blueprint: &'a Blueprint,
    judged: &'a [Judged],
}

impl Trial<'_> {
    /// All columns at once, in place.
    fn convert(&self) -> String {
        let columns = self.judged.iter().map(|Judged { column, type_name, .. }| {
            let column = quote_ident(column.as_str());
            format!("ALTER {column} TYPE {type_name} USING {column}::{type_name}")
        });
        format!("ALTER TABLE {} {}", self.raw, columns.collect::<Vec<_>>().join(", "))
    }

    /// Each text by itself, and the others into a table that takes the place of the first.
    async fn sift(
        &self,
        connection: &Connection,
        what: &str,
        bad: &str,
        sifted: &str,
    ) -> Result<Verdict, postgres::Error> {
        let Self { raw, blueprint, judged } = self;
        let create =
            format!("CREATE UNLOGGED TABLE {bad} (number int, value text, state text, ordinal bigint, place tid)");
        connection.batch(what, &create).await?;
        for (number, column) in (0..).zip(*judged) {
            connection.batch(what, &try_each(raw, bad, number, column)).await?;
            connection.batch(what, &locate(raw, bad, number, column)).await?;
        }
        connection.batch(what, &format!("DELETE FROM {bad} WHERE place IS NULL; ANALYZE {bad}")).await?;
        let verdict = self.verdict(connection, what, bad).await?;

        let columns = blueprint.copied().map(|plan| {
            let name = quote_ident(plan.name.as_str());
            match judged.iter().position(|judged| judged.column == plan.name) {
                // Its rows are not there, and a domain may not even take a NULL that never comes.
                Some(number) if judged[number].is_required => {
                    format!("r.{name}::{} AS {name}", judged[number].type_name)
                }
                Some(number) => {
                    let type_name = &judged[number].type_name;
                    format!("CASE WHEN {number} = ANY (b.numbers) THEN NULL ELSE r.{name}::{type_name} END AS {name}")
                }
                None => format!("r.{name}"),
            }
        });
        let columns = columns.collect::<Vec<_>>().join(", ");
        let replace = format!(
            "CREATE UNLOGGED TABLE {sifted} AS
                 SELECT {columns} FROM {raw} r
                 LEFT JOIN (SELECT place, array_agg(number) AS numbers FROM {bad} GROUP BY place) b ON b.place = r.ctid
                 WHERE NOT coalesce(b.numbers && ARRAY[{}]::int[], false)
                 ORDER BY r.ctid;
             DROP TABLE {raw}, {bad};
             ALTER TABLE {sifted} RENAME TO {}",
            self.required(),
            quote_ident(&blueprint.raw()),
        );
        connection.batch(what, &replace).await?;
        Ok(verdict)
    }

    /// The numbers of the columns that keep their rows out.
    fn required(&self) -> String {
        let required = self.judged.iter().enumerate().filter(|(_, judged)| judged.is_required);
        required.map(|(number, _)| number.to_string()).collect::<Vec<_>>().join(", ")
    }

    async fn verdict(&self, connection: &Connection, what: &str, bad: &str) -> Result<Verdict, postgres::Error> {
        let mut verdict = Verdict::default();
        let column = |number: i32| {
            let number = usize::try_from(number).unwrap_or_default();
            &self.judged[number.min(self.judged.len() - 1)].column
        };
        let count = |number: i64| u64::try_from(number).unwrap_or_default();
        let counted = format!("SELECT number, state, count(*) FROM {bad} GROUP BY 1, 2");
        for row in connection.rows(what, &counted, &[]).await? {
            let key = (column(row.get(0)).clone(), code(row.get(1)));
            *verdict.bad.entry(key).or_default() += count(row.get(2));
        }
        let required = self.required();
        let rejected = format!("SELECT count(DISTINCT place) FROM {bad} WHERE number = ANY (ARRAY[{required}]::int[])");
        verdict.rejected_rows = count(connection.row(what, &rejected, &[]).await?.get(0));
        let some = format!(
            "SELECT number, state, ordinal, value, is_rejected FROM (
                 SELECT *, row_number() OVER (PARTITION BY number ORDER BY ordinal) AS turn,
                        bool_or(number = ANY (ARRAY[{required}]::int[])) OVER (PARTITION BY place) AS is_rejected
                 FROM {bad}) b
             WHERE turn <= {COLUMN_REJECTS_MAX} ORDER BY ordinal, number"
        );
        for row in connection.rows(what, &some, &[]).await? {
            verdict.examples.push(Refused {
                row: count(row.get(2)),
                column: column(row.get(0)).clone(),
                raw: row.get(3),
                code: code(row.get(1)),
                is_rejected: row.get(4),
            });
        }
        Ok(verdict)
    }
}

/// Notes which texts of a column are none of its type. Each distinct one is tried once.
fn try_each(raw: &str, bad: &str, number: i32, judged: &Judged) -> String {
    let Judged { column, type_name, raw_type, .. } = judged;
    let column = quote_ident(column.as_str());
    format!(
        "DO $freshet$
         DECLARE freshet_text text;
         BEGIN
             FOR freshet_text IN SELECT DISTINCT r.{column}::text FROM {raw} r WHERE r.{column} IS NOT NULL LOOP
                 BEGIN
                     PERFORM freshet_text::{raw_type}::{type_name};
                 EXCEPTION WHEN OTHERS THEN
                     IF left(SQLSTATE, 2) NOT IN ('22', '23', 'P0') THEN RAISE; END IF;
                     INSERT INTO {bad} VALUES ({number}, freshet_text, SQLSTATE);
                 END;
             END LOOP;
         END $freshet$"
    )
}

/// Finds the rows that they stand in.
fn locate(raw: &str, bad: &str, number: i32, judged: &Judged) -> String {
    let column = quote_ident(judged.column.as_str());
    format!(
        "INSERT INTO {bad}
         SELECT b.number, b.value, b.state, r.ordinal, r.place
         FROM (SELECT row_number() OVER (ORDER BY ctid) - 1 AS ordinal, ctid AS place, {column}::text AS value FROM {raw}) r
         JOIN {bad} b ON b.value = r.value AND b.number = {number} AND b.place IS NULL"
    )
}

fn code(state: &str) -> &'static str {
    if state == "23514" { CHECK } else { NOT_TAKEN }
}
