//! What a check found, for people and for programs: one type is written as text and as JSON.

use std::collections::BTreeMap;
use std::fmt;

use manifest::dataset::Table;
use serde::Serialize;
use serde_json::{Map, Value};

use crate::fault::Fault;
use crate::reading::{Drift, Reject, TableReading};

/// What a check found.
#[derive(Debug, Clone, Serialize)]
pub struct Report {
    /// The dataset.
    pub dataset: String,
    /// Its tables that have sources, in the order of the manifest.
    pub tables: Vec<TableCheck>,
    /// Its tables that queries make, of which nothing can be known without a database.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub queries: Vec<String>,
}

/// What one table came to.
#[derive(Debug, Clone, Serialize)]
pub struct TableCheck {
    /// Its name.
    pub table: String,
    /// Why a load would refuse it, or fail.
    pub refused: Option<Refusal>,
    /// The files that were read.
    pub files: Vec<String>,
    /// Rows that a load would bring.
    pub rows: u64,
    /// Records that would be kept out.
    pub rejected_rows: u64,
    /// Records that `keep` does not want.
    pub filtered_rows: u64,
    /// Unpacked bytes.
    pub bytes: u64,
    /// Counts per column.
    pub columns: Vec<ColumnCheck>,
    /// The first values and rows that could not be read.
    pub losses: Vec<Loss>,
    /// How many more there are.
    pub losses_not_shown: u64,
    /// How the files differ from the manifest.
    pub drift: Vec<Drift>,
    /// Lines of the manifest's table that would make it fit.
    pub fix: Vec<String>,
    /// The first rows, as PostgreSQL would write their values.
    pub first: Vec<Map<String, Value>>,
}

/// What one column came to.
#[derive(Debug, Clone, Serialize)]
pub struct ColumnCheck {
    /// Its name.
    pub column: String,
    /// Its type.
    #[serde(rename = "type")]
    pub type_name: String,
    /// Rows in which it has no value, beside those where it could not be read.
    pub nulls: u64,
    /// Values whose outer blanks were dropped.
    pub trimmed: u64,
    /// Values that could not be read, by code.
    pub bad: BTreeMap<&'static str, u64>,
}

/// A value or row that could not be read.
#[derive(Debug, Clone, Serialize)]
pub struct Loss {
    /// The source's file.
    pub file: String,
    /// The member of its archive.
    pub member: Option<String>,
    /// The line that its record begins in.
    pub line: u64,
    /// Bytes before its record.
    pub offset: u64,
    /// The column; `None` when it is the record as a whole.
    pub column: Option<String>,
    /// Why.
    pub code: &'static str,
    /// Its text.
    pub raw: String,
    /// What would become of the row.
    pub consequence: &'static str,
}

/// Why a load would refuse a table, or fail.
#[derive(Debug, Clone, Serialize)]
pub struct Refusal {
    /// The error's code.
    pub code: &'static str,
    /// What it says.
    pub message: String,
    /// What to do.
    pub advice: Option<String>,
    /// How a load would end.
    pub exit: i32,
}

impl Refusal {
    pub(super) fn of(fault: &impl Fault) -> Self {
        let exit = fault.exit() as i32;
        Self { code: fault.code(), message: fault.to_string(), advice: fault.advice(), exit }
    }
}

impl From<Reject> for Loss {
    fn from(reject: Reject) -> Self {
        Self {
            file: reject.file,
            member: reject.member,
            line: reject.line,
            offset: reject.offset,
            column: reject.column.map(|column| column.to_string()),
            code: reject.code,
            raw: reject.raw,
            consequence: reject.consequence.as_str(),
        }
    }
}

impl ColumnCheck {
    pub(super) fn all(table: &Table, reading: &TableReading) -> Vec<Self> {
        let columns = reading.columns.iter().map(|(name, tally)| {
            let declared = table.columns.iter().find(|column| column.name == *name);
            Self {
                column: name.to_string(),
                type_name: declared.map(|column| column.type_name.to_string()).unwrap_or_default(),
                nulls: tally.nulls,
                trimmed: tally.trimmed,
                bad: tally.bad.clone(),
            }
        });
        columns.collect()
    }
}

impl Report {
    /// The exit code of a load that met the first thing that is wrong.
    pub fn exit_code(&self) -> i32 {
        let refused = self.tables.iter().find_map(|table| table.refused.as_ref());
        refused.map_or(0, |refusal| refusal.exit)
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, table) in self.tables.iter().enumerate() {
            write!(f, "{}{table}", if index == 0 { "" } else { "\n" })?;
        }
        if !self.queries.is_empty() {
            writeln!(f, "\nnot looked at, because a query makes them: {}", self.queries.join(", "))?;
        }
        Ok(())
    }
}

impl fmt::Display for TableCheck {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}: {} rows from {}", self.table, self.rows, self.files.join(", "))?;
        if let Some(Refusal { code, message, advice, .. }) = &self.refused {
            writeln!(f, "  a load would end here: {code}: {message}")?;
            advice.iter().try_for_each(|advice| writeln!(f, "    {advice}"))?;
        }
        for (count, what) in [(self.rejected_rows, "kept out"), (self.filtered_rows, "not wanted by `keep`")] {
            if count > 0 {
                writeln!(f, "  {count} rows {what}")?;
            }
        }
        section(f, "columns that lack values", self.columns.iter().filter_map(ColumnCheck::lacks))?;
        section(f, "values and rows that cannot be read", self.losses.iter().map(ToString::to_string))?;
        if self.losses_not_shown > 0 {
            writeln!(f, "    and {} more", self.losses_not_shown)?;
        }
        section(f, "differences from the manifest", self.drift.iter().map(ToString::to_string))?;
        section(f, &format!("lines for {} that would fit", self.table), self.fix.iter().cloned())?;
        section(f, "first rows", self.first.iter().map(row))
    }
}

fn section(f: &mut fmt::Formatter<'_>, title: &str, lines: impl Iterator<Item = String>) -> fmt::Result {
    let mut lines = lines.peekable();
    if lines.peek().is_some() {
        writeln!(f, "  {title}")?;
    }
    lines.try_for_each(|line| writeln!(f, "    {line}"))
}

fn row(row: &Map<String, Value>) -> String {
    let fields = row.iter().map(|(column, value)| match value {
        Value::String(text) => format!("{column}={text}"),
        _ => format!("{column}=NULL"),
    });
    fields.collect::<Vec<_>>().join(" ")
}

impl ColumnCheck {
    /// `height: 3 NULL, 2 not_a_number`; nothing where all is there.
    fn lacks(&self) -> Option<String> {
        let nulls = (self.nulls > 0).then(|| format!("{} NULL", self.nulls));
        let bad = self.bad.iter().map(|(code, count)| format!("{count} {code}"));
        let counts: Vec<_> = nulls.into_iter().chain(bad).collect();
        (!counts.is_empty()).then(|| format!("{} {}: {}", self.column, self.type_name, counts.join(", ")))
    }
}

impl fmt::Display for Loss {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.file)?;
        self.member.iter().try_for_each(|member| write!(f, ": {member}"))?;
        write!(f, " line {}", self.line)?;
        self.column.iter().try_for_each(|column| write!(f, ", {column}"))?;
        write!(f, ": {} {:?}", self.code, self.raw)
    }
}
