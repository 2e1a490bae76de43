//! What is counted of a table's rows: one statement, that reads staging once and, where something is expected of the
//! difference, the live table once.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use manifest::Identifier;
use manifest::dataset::Table;
use tokio_postgres::Row;

use super::{Examination, Staged, reading};
use crate::postgres::identifiers::{qualified, quote_ident, quote_literal};
use crate::postgres::{self, Connection};
use crate::publish::inventory;
use crate::staging::Blueprint;

/// Rows of a table, and the NULLs among them.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Rows {
    /// How many.
    pub rows: u64,
    /// NULLs by column, where something is expected of them.
    pub nulls: BTreeMap<Identifier, u64>,
}

/// What is counted of one table.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Counts {
    /// In staging.
    pub staged: Rows,
    /// What is live, where somebody expects something of the difference.
    pub live: Option<Rows>,
    /// Seconds since the newest value by column, where it may be only so old; `None` when there is no value.
    pub ages: BTreeMap<Identifier, Option<i64>>,
    /// Columns whose newest value lies before the newest that is live, with both.
    pub receded: BTreeMap<Identifier, (Option<String>, String)>,
}

/// What is to be counted.
struct Wanted<'t> {
    /// Columns of whose NULLs something is expected.
    nulls: Vec<&'t Identifier>,
    /// Those of them that are held against the live table.
    live_nulls: Vec<&'t Identifier>,
    ages: Vec<&'t Identifier>,
    backs: Vec<&'t Identifier>,
    /// Whether the live table's rows are counted at all.
    live: Live,
}

#[derive(PartialEq, Eq)]
enum Live {
    Counted,
    Left,
}

impl<'t> Wanted<'t> {
    fn of(table: &'t Table, blueprint: &'t Blueprint, live: Option<&inventory::Live>) -> Self {
        let expect = &table.expect;
        let named = |limit: &'t manifest::dataset::NullLimit| -> Vec<&'t Identifier> {
            match limit.all {
                Some(_) => blueprint.columns.iter().map(|column| &column.name).collect(),
                None => limit.columns.keys().collect(),
            }
        };
        let of_live = |name: &Identifier| live?.columns.iter().find(|column| column.name == name.as_str());
        let is_live = |name: &Identifier| of_live(name).is_some();
        // Values of two types are not held against each other: the manifest has just said that the column is another.
        let same_type = |name: &Identifier| {
            let staged = blueprint.columns.iter().find(|column| column.name == *name);
            staged.zip(of_live(name)).is_some_and(|(staged, live)| staged.type_name == live.column_type.name)
        };
        let live_nulls: Vec<_> = named(&expect.max_null_jump).into_iter().filter(|name| is_live(name)).collect();
        let mut nulls = named(&expect.max_nulls);
        nulls.extend(&live_nulls);
        nulls.sort_unstable();
        nulls.dedup();
        let compared = expect.max_drop.is_some() || !live_nulls.is_empty();
        Self {
            nulls,
            live_nulls,
            ages: expect.latest.keys().collect(),
            backs: expect.never_back.iter().filter(|name| same_type(name)).collect(),
            live: if live.is_some() && compared { Live::Counted } else { Live::Left },
        }
    }

    fn is_nothing(&self) -> bool {
        let Self { nulls, ages, backs, live, live_nulls: _ } = self;
        nulls.is_empty() && ages.is_empty() && backs.is_empty() && *live == Live::Left
    }

    /// The statement; its one parameter is the time that ages are counted to.
    fn sql(&self, staged: &str, live: &str, zone: &str) -> String {
        let ident = |name: &Identifier| quote_ident(name.as_str());
        let count = |prefix: &str, names: &[&Identifier]| -> Vec<String> {
            names.iter().enumerate().map(|(i, name)| format!("count({}) AS {prefix}{i}", ident(name))).collect()
        };
        let newest = |names: &[&Identifier]| -> Vec<String> {
            names.iter().enumerate().map(|(i, name)| format!("max({}) AS newest{i}", ident(name))).collect()
        };
        let ages = self.ages.iter().enumerate().map(|(i, name)| {
            let newest = format!("max({})", ident(name));
            format!(
                "extract(epoch FROM CASE WHEN pg_typeof({newest}) = 'timestamptz'::regtype
                     THEN $1::timestamptz - {newest}::text::timestamptz
                     ELSE ($1::timestamptz AT TIME ZONE {zone}) - {newest}::text::timestamp END)::int8 AS age{i}"
            )
        });
        let mut of_staged: Vec<String> = vec!["count(*) AS staged_rows".to_owned()];
        of_staged.extend(count("present", &self.nulls));
        of_staged.extend(ages);
        of_staged.extend(newest(&self.backs));
        // The parameter stands there also where no age is asked for.
        let mut shown = vec!["s.*, $1::timestamptz AS now".to_owned()];
        let mut from = format!("(SELECT {} FROM {staged}) s", of_staged.join(", "));
        if self.live == Live::Counted || !self.backs.is_empty() {
            let mut of_live: Vec<String> = Vec::new();
            if self.live == Live::Counted {
                of_live.push("count(*) AS live_rows".to_owned());
            }
            of_live.extend(count("live_present", &self.live_nulls));
            of_live.extend(newest(&self.backs));
            let _ = write!(from, ", (SELECT {} FROM {live}) l", of_live.join(", "));
            let counted = (self.live == Live::Counted).then(|| "l.live_rows".to_owned());
            shown.extend(counted);
            shown.extend((0..self.live_nulls.len()).map(|i| format!("l.live_present{i}")));
            shown.extend((0..self.backs.len()).map(|i| {
                format!(
                    "l.newest{i} IS NOT NULL AND (s.newest{i} < l.newest{i}) IS NOT FALSE AS back{i},
                     s.newest{i}::text AS back_staged{i}, l.newest{i}::text AS back_live{i}"
                )
            }));
        }
        format!("SELECT {} FROM {from}", shown.join(", "))
    }

    fn read(&self, staged: u64, row: &Row) -> Counts {
        let number = |name: &str| u64::try_from(row.get::<_, i64>(name)).unwrap_or_default();
        let nulls = |rows: u64, prefix: &str, names: &[&Identifier]| -> BTreeMap<Identifier, u64> {
            let absent = |i| rows.saturating_sub(number(&format!("{prefix}{i}")));
            names.iter().enumerate().map(|(i, name)| ((*name).clone(), absent(i))).collect()
        };
        let live = (self.live == Live::Counted).then(|| {
            let rows = number("live_rows");
            Rows { rows, nulls: nulls(rows, "live_present", &self.live_nulls) }
        });
        let ages = self.ages.iter().enumerate();
        let backs = self.backs.iter().enumerate().filter(|(i, _)| row.get(format!("back{i}").as_str()));
        Counts {
            staged: Rows { rows: staged, nulls: nulls(staged, "present", &self.nulls) },
            live,
            ages: ages.map(|(i, name)| ((*name).clone(), row.get(format!("age{i}").as_str()))).collect(),
            receded: backs
                .map(|(i, name)| {
                    let both = (row.get(format!("back_staged{i}").as_str()), row.get(format!("back_live{i}").as_str()));
                    ((*name).clone(), both)
                })
                .collect(),
        }
    }
}

/// Counts what the manifest expects something of.
pub(super) async fn count(
    examination: &Examination<'_>,
    connection: &Connection,
    table: &Table,
    staged: &Staged<'_>,
) -> Result<Counts, postgres::Error> {
    let Examination { staging, dataset, inventory, now } = examination;
    let wanted = Wanted::of(table, staged.blueprint, inventory.live.get(table.name.as_str()));
    if wanted.is_nothing() {
        return Ok(Counts { staged: Rows { rows: staged.rows, ..Rows::default() }, ..Counts::default() });
    }
    // Local times are those of the dataset's own clock.
    let zone = quote_literal(dataset.timezone.as_deref().unwrap_or("UTC"));
    let sql = wanted.sql(
        &qualified(staging.schema(), table.name.as_str()),
        &qualified(dataset.schema.as_str(), table.name.as_str()),
        &zone,
    );
    let what = format!("count the rows of {}", table.name);
    let counting = async || connection.row(&what, &sql, &[now]).await;
    let row = reading(connection, &what, staged.blueprint, "", counting).await?;
    Ok(wanted.read(staged.rows, &row))
}
