//! Which field of a file belongs to which column. A header row and a table's declarations come in; the place of each column goes out,
//! or what keeps the file from being that table, with the line of the manifest that would repair it.

mod error;

use std::collections::BTreeMap;
use std::sync::Arc;

use manifest::Identifier;
use manifest::dataset::{ExtraColumns, Table, header_key};

use super::drift::Drift;
pub use error::{HeaderError, MissingColumn};
pub(super) use error::{quoted, renames};

/// Two names are near when they are at least so much alike, on a scale to 1.
const NEAR: f64 = 0.8;

/// What a table wants from a file, and how headers are matched to it.
#[derive(Debug)]
pub(super) struct Wanted {
    columns: Vec<WantedColumn>,
    by_name: BTreeMap<String, usize>,
    /// Header as declared, the same reduced, column.
    rename: Vec<(String, String, usize)>,
    /// Header as declared, and the same reduced.
    skip: Vec<(String, String)>,
    extra: ExtraColumns,
}

#[derive(Debug)]
struct WantedColumn {
    name: Identifier,
    need: Need,
}

/// Whether a file may lack a column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Need {
    Required,
    Optional,
}

/// Where a file has its columns.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Binding {
    /// Field of each wanted column, in the order they are wanted; `None` where the file lacks an optional one.
    pub(super) fields: Vec<Option<usize>>,
    /// Fields of a complete record.
    pub(super) width: usize,
    /// The names of the fields as the file has them; none without a header.
    pub(super) names: Arc<[String]>,
    /// Headers that are neither declared nor skipped.
    pub(super) extra: Vec<String>,
    /// Places, from 1, of columns without a name that stand before one with a name.
    unnamed: Vec<usize>,
    /// Optional columns that the file lacks, with the header that may be meant.
    pub(super) absent: Vec<MissingColumn>,
    /// Columns that stand before one that is declared before them.
    moved: Vec<Identifier>,
}

impl Binding {
    /// How the file is not quite what the manifest says.
    pub(super) fn drift(&self, file: &str) -> Vec<Drift> {
        let file = || file.to_owned();
        let (mut renamed, mut lacking) = (Vec::new(), Vec::new());
        for MissingColumn { column, near } in &self.absent {
            match near {
                Some(header) => renamed.push((header.clone(), column.clone())),
                None => lacking.push(column.clone()),
            }
        }
        let is_other = |header: &&String| !renamed.iter().any(|(near, _)| near == *header);
        let extra: Vec<_> = self.extra.iter().filter(is_other).cloned().collect();
        let mut drift = Vec::new();
        if !extra.is_empty() {
            drift.push(Drift::Extra { file: file(), headers: extra });
        }
        if !renamed.is_empty() {
            drift.push(Drift::Renamed { file: file(), headers: renamed });
        }
        if !lacking.is_empty() {
            drift.push(Drift::Absent { file: file(), columns: lacking });
        }
        if !self.unnamed.is_empty() {
            drift.push(Drift::Unnamed { file: file(), fields: self.unnamed.clone() });
        }
        if !self.moved.is_empty() {
            drift.push(Drift::Reordered { file: file(), columns: self.moved.clone() });
        }
        drift
    }
}

impl Wanted {
    /// What these columns of a table want from its files.
    pub(super) fn new(table: &Table, columns: impl IntoIterator<Item = (Identifier, Need)>) -> Self {
        let columns: Vec<_> = columns.into_iter().map(|(name, need)| WantedColumn { name, need }).collect();
        let place = |name: &Identifier| columns.iter().position(|column| column.name == *name);
        Self {
            by_name: columns
                .iter()
                .enumerate()
                .map(|(place, column)| (header_key(column.name.as_str()), place))
                .collect(),
            rename: table
                .rename
                .iter()
                .filter_map(|(header, column)| Some((header.trim().to_owned(), header_key(header), place(column)?)))
                .collect(),
            skip: table.skip.iter().map(|header| (header.trim().to_owned(), header_key(header))).collect(),
            extra: table.extra,
            columns,
        }
    }

    /// The name of the column at a place.
    pub(super) fn name(&self, place: usize) -> Option<&Identifier> {
        self.columns.get(place).map(|column| &column.name)
    }

    /// The place of a column among the wanted.
    pub(super) fn place(&self, name: &Identifier) -> Option<usize> {
        self.columns.iter().position(|column| column.name == *name)
    }

    /// A file without a header row: the columns in the order they are declared.
    pub(super) fn in_order(&self) -> Binding {
        let fields = (0..self.columns.len()).map(Some).collect();
        let (extra, unnamed, absent, moved) = Default::default();
        Binding { fields, width: self.columns.len(), names: Arc::default(), extra, unnamed, absent, moved }
    }

    /// Matches a header row.
    pub(super) fn bind(&self, header: &[String]) -> Result<Binding, HeaderError> {
        let mut found: Vec<Vec<usize>> = vec![Vec::new(); self.columns.len()];
        let (mut extra, mut unnamed) = (Vec::new(), Vec::new());
        let named = header.iter().rposition(|name| !name.trim().is_empty()).unwrap_or_default();
        for (field, name) in header.iter().enumerate() {
            let (name, short) = (name.trim(), header_key(name));
            if let Some(column) = self.renamed(header, name, &short) {
                found[column].push(field);
            } else if self.skipped(name, &short) {
                // Nobody wants it.
            } else if name.is_empty() {
                // Behind the last name there are mostly no columns, but the commas of a spreadsheet.
                if field < named {
                    unnamed.push(field + 1);
                }
            } else if let Some(column) = self.by_name.get(&short) {
                found[*column].push(field);
            } else {
                extra.push(name.to_owned());
            }
        }
        if let Some((column, fields)) = self.columns.iter().zip(&found).find(|(_, fields)| fields.len() > 1) {
            let headers = fields.iter().map(|field| header[*field].trim().to_owned()).collect();
            return Err(HeaderError::Duplicate { column: column.name.clone(), headers });
        }
        let lacking = |need: Need| {
            let columns = self.columns.iter().zip(&found);
            let columns = columns.filter(move |(column, fields)| fields.is_empty() && column.need == need);
            let near = |column: &Identifier| near(column, &extra);
            columns
                .map(|(WantedColumn { name, .. }, _)| MissingColumn { column: name.clone(), near: near(name) })
                .collect::<Vec<_>>()
        };
        let missing = lacking(Need::Required);
        if !missing.is_empty() {
            return Err(HeaderError::Missing(missing));
        }
        if self.extra == ExtraColumns::Refuse && !(extra.is_empty() && unnamed.is_empty()) {
            extra.extend(unnamed.iter().map(|_| String::new()));
            return Err(HeaderError::Extra(extra));
        }
        let absent = lacking(Need::Optional);
        let fields: Vec<_> = found.into_iter().map(|fields| fields.first().copied()).collect();
        let moved = self.moved(&fields);
        Ok(Binding { fields, width: header.len(), names: header.into(), extra, unnamed, absent, moved })
    }

    /// Columns that stand in the file before one that is declared before them.
    fn moved(&self, fields: &[Option<usize>]) -> Vec<Identifier> {
        let mut last = None;
        let columns = self.columns.iter().zip(fields).filter_map(|(column, field)| Some((column, (*field)?)));
        let moved = columns.filter(|(_, field)| {
            let stands_before = last.is_some_and(|last| *field < last);
            last = last.max(Some(*field));
            stands_before
        });
        moved.map(|(column, _)| column.name.clone()).collect()
    }

    /// Whether a header is not to be loaded. One that only looks like a skipped one may still be a column.
    fn skipped(&self, name: &str, short: &str) -> bool {
        let alike = |other: &str| !short.is_empty() && short == other && !self.by_name.contains_key(short);
        self.skip.iter().any(|(exact, reduced)| name == exact || alike(reduced))
    }

    /// The column that a header is renamed to. One that is written exactly as declared outranks those that only look like it.
    fn renamed(&self, header: &[String], name: &str, short: &str) -> Option<usize> {
        let matching = |(exact, reduced, _): &&(String, String, usize)| {
            if header.iter().any(|other| other.trim() == exact) {
                name == exact
            } else {
                short == reduced && !short.is_empty()
            }
        };
        self.rename.iter().find(matching).map(|(.., column)| *column)
    }
}

/// The header that is most like a column's name, if any is much.
fn near(column: &Identifier, extra: &[String]) -> Option<String> {
    let wanted = header_key(column.as_str());
    let likeness = |header: &String| {
        let short = header_key(header);
        strsim::jaro_winkler(&wanted, &short).max(strsim::normalized_damerau_levenshtein(&wanted, &short))
    };
    let best = extra.iter().map(|header| (likeness(header), header)).max_by(|one, other| one.0.total_cmp(&other.0));
    best.filter(|(likeness, _)| *likeness >= NEAR).map(|(_, header)| header.clone())
}

#[cfg(test)]
mod tests;
