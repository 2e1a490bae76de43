//! Whether a table may lose what it lost: its counts and the manifest's budget come in, the columns that are over it go out.

use std::collections::BTreeMap;
use std::fmt;

use manifest::Identifier;
use manifest::dataset::{BadValues, Table};
use manifest::quantity::Share;

use super::outcome::TableReading;
use crate::fault::{Exit, Fault};

/// A column, or the records as a whole, with more bad values than the budget allows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Overrun {
    /// The column; `None` for records with too few or too many fields.
    pub column: Option<Identifier>,
    /// Bad values.
    pub bad: u64,
    /// Why, and how many.
    pub codes: BTreeMap<&'static str, u64>,
    /// Records read.
    pub records: u64,
    /// What would have been allowed.
    pub allowed: Share,
}

/// A table that lost more than it may.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("table {table}: {}", list(overruns))]
pub struct OverBudget {
    /// The table.
    pub table: Identifier,
    /// What is over the budget; at least one.
    pub overruns: Vec<Overrun>,
    /// What text that is not UTF-8 most likely is.
    pub charset: Option<&'static str>,
}

/// What of a table is over its budget; nothing when it may be loaded. The share is of the records read, per column, and rounded
/// down: with `allow: 1%`, one bad value in 199 records passes and two do not.
pub fn over_budget(table: &Table, reading: &TableReading) -> Option<OverBudget> {
    let budget: &BadValues = &table.bad_values;
    let records = reading.records();
    let columns = reading.columns.iter().map(|(name, tally)| (Some(name.clone()), &tally.bad, budget.allowed(name)));
    let whole = std::iter::once((None, &reading.bad_records, budget.allow));
    let overruns: Vec<_> = whole
        .chain(columns)
        .map(|(column, codes, allowed)| Overrun {
            column,
            bad: codes.values().sum(),
            codes: codes.clone(),
            records,
            allowed,
        })
        .filter(|overrun| overrun.bad > overrun.allowed.of(records))
        .collect();
    (!overruns.is_empty()).then(|| OverBudget { table: table.name.clone(), overruns, charset: reading.charset })
}

fn list(overruns: &[Overrun]) -> String {
    overruns.iter().map(Overrun::to_string).collect::<Vec<_>>().join("; ")
}

impl fmt::Display for Overrun {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { column, bad, codes, records, allowed } = self;
        match column {
            Some(column) => write!(f, "column {column}: {bad} of {records} values cannot be loaded (")?,
            None => write!(f, "{bad} of {records} records have too few or too many fields (")?,
        }
        for (index, (code, count)) in codes.iter().enumerate() {
            write!(f, "{}{count} {code}", if index == 0 { "" } else { ", " })?;
        }
        write!(f, "), and {allowed} may")
    }
}

impl Fault for OverBudget {
    fn code(&self) -> &'static str {
        "bad_values"
    }

    fn exit(&self) -> Exit {
        Exit::Refused
    }

    fn advice(&self) -> Option<String> {
        if self.overruns.iter().any(|overrun| overrun.codes.contains_key(value::Bad::NotUtf8.code())) {
            let charset = self.charset.unwrap_or("windows-1252");
            let looks = if self.charset.is_some() { "it looks like" } else { "such as" };
            return Some(format!(
                "look at freshet.rejects; if the text is not UTF-8, declare the source's `encoding:`; {looks} `encoding: {charset}`"
            ));
        }
        let worst = self.overruns.iter().filter_map(|overrun| Some((overrun.column.as_ref()?, share_above(overrun))));
        let columns: Vec<_> = worst.map(|(column, share)| format!("{column}: {share}")).collect();
        Some(if columns.is_empty() {
            "look at freshet.rejects; if that may be lost, raise `bad_values: {allow: …}`".to_owned()
        } else {
            format!(
                "look at freshet.rejects and correct the column's type, or accept the loss with `bad_values: {{columns: {{{}}}}}`",
                columns.join(", ")
            )
        })
    }
}

/// The smallest share with two decimals that would have been enough.
fn share_above(overrun: &Overrun) -> String {
    let hundredths = (u128::from(overrun.bad) * 10_000).div_ceil(u128::from(overrun.records.max(1)));
    let (whole, rest) = (hundredths / 100, hundredths % 100);
    if rest == 0 { format!("{whole}%") } else { format!("{whole}.{rest:02}%") }
}

#[cfg(test)]
mod tests {
    use super::super::layout::tests::table;
    use super::super::tally::ColumnTally;
    use super::*;

    fn reading(bad: &[(&str, &'static str, u64)], rows: u64) -> TableReading {
        let columns = bad.iter().map(|(column, code, count)| {
            let bad = BTreeMap::from([(*code, *count)]);
            (column.parse().unwrap(), ColumnTally { bad, ..ColumnTally::default() })
        });
        TableReading { rows, columns: columns.collect(), ..TableReading::default() }
    }

    #[test]
    fn nothing_may_be_lost_unless_the_manifest_says_so() {
        let mut table = table(&[]);
        assert_eq!(over_budget(&table, &reading(&[], 100)), None);
        let lost = reading(&[("a", "not_an_integer", 1), ("b", "not_a_date", 2)], 199);
        let error = over_budget(&table, &lost).unwrap();
        assert_eq!(
            error.to_string(),
            "table t: column a: 1 of 199 values cannot be loaded (1 not_an_integer), and 0% may; \
             column b: 2 of 199 values cannot be loaded (2 not_a_date), and 0% may"
        );
        assert!(error.advice().unwrap().ends_with("`bad_values: {columns: {a: 0.51%, b: 1.01%}}`"));
        table.bad_values.allow = "1%".parse().unwrap();
        let error = over_budget(&table, &lost).unwrap();
        assert_eq!(error.overruns.len(), 1);
        table.bad_values.columns.insert("b".parse().unwrap(), "1.01%".parse().unwrap());
        assert_eq!(over_budget(&table, &lost), None);
    }

    #[test]
    fn records_that_are_wrong_as_a_whole_count_against_the_table() {
        let bad_records = BTreeMap::from([("too_few_fields", 3)]);
        let lost = TableReading { rows: 97, rejected_rows: 3, bad_records, ..TableReading::default() };
        let mut table = table(&[]);
        table.bad_values.allow = "2%".parse().unwrap();
        let error = over_budget(&table, &lost).unwrap();
        assert_eq!(
            error.to_string(),
            "table t: 3 of 100 records have too few or too many fields (3 too_few_fields), and 2% may"
        );
        table.bad_values.allow = "3%".parse().unwrap();
        assert_eq!(over_budget(&table, &lost), None);
    }

    #[test]
    fn text_in_another_encoding_is_answered_with_where_to_declare_it() {
        let reading = TableReading { charset: Some("windows-1251"), ..reading(&[("a", "not_utf8", 1)], 10) };
        let error = over_budget(&table(&[]), &reading).unwrap();
        assert!(error.advice().unwrap().ends_with("it looks like `encoding: windows-1251`"));
    }
}
