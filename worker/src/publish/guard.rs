//! Whether rows in staging are what was expected, before anybody sees them. Counting is SQL; judging is a pure function.

use std::collections::BTreeMap;
use std::fmt;

use jiff::Timestamp;
use manifest::dataset::{Emptiness, Expectations, Table};
use manifest::{Dataset, Identifier};

use super::error::Error;
use super::inventory::Inventory;
use crate::postgres::identifiers::{qualified, quote_ident, quote_literal};
use crate::postgres::{self, Connection};
use crate::staging::{Blueprint, Staging};

/// What is counted of one table.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Counts {
    /// Rows in staging.
    pub staged: u64,
    /// Rows that are live, where somebody expects something of the difference.
    pub live: Option<u64>,
    /// NULLs by column, where there is a limit to them.
    pub nulls: BTreeMap<Identifier, u64>,
    /// Seconds since the newest value by column, where it may be only so old; `None` when there is no value.
    pub ages: BTreeMap<Identifier, Option<i64>>,
}

/// Something that was expected and does not hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// The table.
    pub table: String,
    /// What does not hold.
    pub breach: Breach,
}

/// What does not hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Breach {
    /// No rows at all.
    Empty,
    /// Fewer rows than `rows`.
    TooFew {
        /// Rows in staging.
        staged: u64,
        /// Rows expected.
        least: u64,
    },
    /// Fewer rows than `max_drop` allows.
    Drop {
        /// Rows in staging.
        staged: u64,
        /// Rows that are live.
        live: u64,
        /// The share that may go.
        allowed: String,
    },
    /// More NULLs than `max_nulls` allows.
    Nulls {
        /// The column.
        column: String,
        /// How many.
        nulls: u64,
        /// Of how many rows.
        staged: u64,
        /// The share that may be NULL.
        allowed: String,
    },
    /// The newest value is older than `latest` allows.
    Old {
        /// The column.
        column: String,
        /// Its age in seconds; `None` when there is no value.
        age: Option<i64>,
        /// The age that it may have.
        allowed: String,
    },
}

impl Finding {
    /// The error's code.
    pub fn code(&self) -> &'static str {
        match self.breach {
            Breach::Empty => "guard_empty",
            Breach::TooFew { .. } => "guard_rows",
            Breach::Drop { .. } => "guard_drop",
            Breach::Nulls { .. } => "guard_nulls",
            Breach::Old { .. } => "guard_latest",
        }
    }

    /// Whether a small sample of old rows must pass it too: that it has rows at all, and no more.
    pub fn binds_samples(&self) -> bool {
        matches!(self.breach, Breach::Empty)
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let table = &self.table;
        match &self.breach {
            Breach::Empty => write!(f, "{table} has no rows, and allow_empty is not set"),
            Breach::TooFew { staged, least } => write!(f, "{table} has {staged} rows where {least} are expected"),
            Breach::Drop { staged, live, allowed } => {
                write!(f, "{table} has {staged} rows where {live} are live, and at most {allowed} may go")
            }
            Breach::Nulls { column, nulls, staged, allowed } => {
                write!(f, "{table}.{column} is NULL in {nulls} of {staged} rows, and at most {allowed} may be")
            }
            Breach::Old { column, age: Some(age), allowed } => {
                write!(f, "the newest {table}.{column} is {} h old, and at most {allowed} are expected", age / 3_600)
            }
            Breach::Old { column, age: None, allowed } => {
                write!(f, "{table}.{column} holds no value, and one at most {allowed} old is expected")
            }
        }
    }
}

/// Judges one table.
pub fn judge(table: &Table, counts: &Counts) -> Vec<Finding> {
    let Expectations { rows: least, max_drop, max_nulls, latest, empty } = &table.expect;
    let staged = counts.staged;
    let mut breaches = Vec::new();
    if staged == 0 && *empty == Emptiness::Refused {
        breaches.push(Breach::Empty);
    }
    if staged < *least && !(staged == 0 && *empty == Emptiness::Allowed) {
        breaches.push(Breach::TooFew { staged, least: *least });
    }
    if let (Some(share), Some(live)) = (max_drop, counts.live)
        && live.saturating_sub(staged) > share.of(live)
    {
        breaches.push(Breach::Drop { staged, live, allowed: share.to_string() });
    }
    for (column, nulls) in &counts.nulls {
        let limit = max_nulls.columns.get(column).or(max_nulls.all.as_ref());
        if let Some(share) = limit.filter(|share| *nulls > share.of(staged)) {
            let allowed = share.to_string();
            breaches.push(Breach::Nulls { column: column.to_string(), nulls: *nulls, staged, allowed });
        }
    }
    for (column, age) in counts.ages.iter().filter(|_| staged > 0) {
        let limit = latest.get(column);
        let is_old = |limit: u64| age.is_none_or(|age| u64::try_from(age).unwrap_or_default() > limit);
        if let Some(limit) = limit.filter(|limit| is_old(limit.seconds())) {
            breaches.push(Breach::Old { column: column.to_string(), age: *age, allowed: limit.to_string() });
        }
    }
    breaches.into_iter().map(|breach| Finding { table: table.name.to_string(), breach }).collect()
}

/// Counts what the manifest expects something of, and judges it. `staged` are the rows of the table in staging, `now` is
/// what ages are counted to. Reads each table at most once, under ACCESS SHARE.
///
/// # Errors
/// The database's own.
pub async fn examine(
    staging: &Staging,
    dataset: &Dataset,
    inventory: &Inventory,
    blueprint: &Blueprint,
    staged: u64,
    now: Timestamp,
) -> Result<Vec<Finding>, Error> {
    let Some(table) = dataset.table(&blueprint.table) else { return Ok(Vec::new()) };
    let mut counts = Counts { staged, ..Counts::default() };
    let expect = &table.expect;
    let limited: Vec<&Identifier> = match expect.max_nulls.all {
        Some(_) => table.columns.iter().map(|column| &column.name).collect(),
        None => expect.max_nulls.columns.keys().collect(),
    };
    let is_live = inventory.live_oids().contains_key(table.name.as_str());
    let counts_live = is_live && expect.max_drop.is_some();
    if limited.is_empty() && expect.latest.is_empty() && !counts_live {
        return Ok(judge(table, &counts));
    }
    let connection = staging.pool().take().await?;
    let what = format!("count the rows of {}", table.name);
    // As the owner, who may read it whatever others may.
    connection.batch(&what, &format!("BEGIN; {}", blueprint.owner.set_local())).await?;
    let counted = async {
        count(&connection, &what, staging, dataset, table, &limited, now, &mut counts).await?;
        if counts_live {
            let live = qualified(dataset.schema.as_str(), table.name.as_str());
            let row = connection.row(&what, &format!("SELECT count(*) FROM {live}"), &[]).await?;
            counts.live = u64::try_from(row.get::<_, i64>(0)).ok();
        }
        Ok::<(), postgres::Error>(())
    };
    let counted = counted.await;
    connection.rollback().await;
    counted?;
    staging.pool().give_back(connection);
    Ok(judge(table, &counts))
}

#[allow(clippy::too_many_arguments, reason = "one query in one place, made of all of them")]
async fn count(
    connection: &Connection,
    what: &str,
    staging: &Staging,
    dataset: &Dataset,
    table: &Table,
    limited: &[&Identifier],
    now: Timestamp,
    counts: &mut Counts,
) -> Result<(), postgres::Error> {
    // Local times are those of the dataset's own clock.
    let zone = quote_literal(dataset.timezone.as_deref().unwrap_or("UTC"));
    let present = limited.iter().map(|column| format!("count({})", quote_ident(column.as_str())));
    let ages = table.expect.latest.keys().map(|column| {
        let newest = format!("max({})", quote_ident(column.as_str()));
        format!(
            "extract(epoch FROM CASE WHEN pg_typeof({newest}) = 'timestamptz'::regtype
                 THEN $1::timestamptz - {newest}::text::timestamptz
                 ELSE ($1::timestamptz AT TIME ZONE {zone}) - {newest}::text::timestamp END)::int8"
        )
    });
    let wanted: Vec<String> = present.chain(ages).collect();
    if wanted.is_empty() {
        return Ok(());
    }
    let place = qualified(staging.schema(), table.name.as_str());
    let sql = format!("SELECT {}, $1::timestamptz FROM {place}", wanted.join(", "));
    let row = connection.row(what, &sql, &[&now]).await?;
    for (i, column) in limited.iter().enumerate() {
        let present = u64::try_from(row.get::<_, i64>(i)).unwrap_or_default();
        counts.nulls.insert((*column).clone(), counts.staged.saturating_sub(present));
    }
    for (i, column) in table.expect.latest.keys().enumerate() {
        counts.ages.insert(column.clone(), row.get(limited.len() + i));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(expect: &serde_json::Value) -> Table {
        serde_json::from_value(serde_json::json!({"name": "t", "content": {"sources": []}, "expect": expect})).unwrap()
    }

    fn codes(expect: &serde_json::Value, counts: &Counts) -> Vec<&'static str> {
        judge(&table(expect), counts).iter().map(Finding::code).collect()
    }

    fn rows(staged: u64, live: Option<u64>) -> Counts {
        Counts { staged, live, ..Counts::default() }
    }

    #[test]
    fn no_rows_are_refused_unless_they_are_allowed() {
        let nothing = serde_json::json!({});
        assert_eq!(codes(&nothing, &rows(0, None)), ["guard_empty"]);
        assert_eq!(codes(&nothing, &rows(1, None)), [""; 0]);
        let allowed = serde_json::json!({"empty": "allowed", "rows": 10});
        assert_eq!(codes(&allowed, &rows(0, None)), [""; 0]);
        assert_eq!(codes(&allowed, &rows(9, None)), ["guard_rows"]);
    }

    #[test]
    fn fewer_rows_than_expected_or_than_are_live_are_refused() {
        let expect = serde_json::json!({"rows": 100, "max_drop": "10%"});
        assert_eq!(codes(&expect, &rows(99, None)), ["guard_rows"]);
        assert_eq!(codes(&expect, &rows(100, None)), [""; 0]);
        assert_eq!(codes(&expect, &rows(180, Some(200))), [""; 0]);
        assert_eq!(codes(&expect, &rows(179, Some(200))), ["guard_drop"]);
        assert_eq!(codes(&expect, &rows(50, Some(200))), ["guard_rows", "guard_drop"]);
        assert_eq!(
            judge(&table(&expect), &rows(179, Some(200)))[0].to_string(),
            "t has 179 rows where 200 are live, and at most 10% may go"
        );
    }

    #[test]
    fn nulls_and_old_values_are_refused_beyond_their_limit() {
        let expect = serde_json::json!({"max_nulls": {"columns": {"a": "1%"}}, "latest": {"d": "36h"}});
        let counts = |nulls: u64, age: Option<i64>| Counts {
            staged: 1_000,
            nulls: BTreeMap::from([("a".parse().unwrap(), nulls)]),
            ages: BTreeMap::from([("d".parse().unwrap(), age)]),
            ..Counts::default()
        };
        assert_eq!(codes(&expect, &counts(10, Some(36 * 3_600))), [""; 0]);
        assert_eq!(codes(&expect, &counts(11, Some(36 * 3_600 + 1))), ["guard_nulls", "guard_latest"]);
        assert_eq!(codes(&expect, &counts(0, None)), ["guard_latest"]);
        // A value of tomorrow is not old.
        assert_eq!(codes(&expect, &counts(0, Some(-3_600))), [""; 0]);
    }

    #[test]
    fn a_sample_need_only_have_rows() {
        let expect = serde_json::json!({"rows": 100, "max_drop": "10%"});
        assert!(judge(&table(&expect), &rows(50, Some(200))).iter().all(|finding| !finding.binds_samples()));
        assert!(judge(&table(&expect), &rows(0, None))[0].binds_samples());
    }
}
