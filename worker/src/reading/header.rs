//! Which field of a file belongs to which column. A header row and a table's declarations come in; the place of each column goes out,
//! or what keeps the file from being that table, with the line of the manifest that would repair it.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use manifest::Identifier;
use manifest::dataset::{ExtraColumns, Table, header_key};

use super::drift::Drift;

/// Two names are near when they are at least so much alike, on a scale to 1.
const NEAR: f64 = 0.8;

/// Names that a message lists; a file of another kind may have hundreds.
const SHOWN: usize = 20;

/// A header row that does not fit.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum HeaderError {
    /// Declared columns that the header lacks.
    #[error("the header has no column for {}", List(.0))]
    Missing(Vec<MissingColumn>),
    /// Two headers for one column.
    #[error("the headers {} are all column `{column}`", quoted(headers))]
    Duplicate {
        /// The column.
        column: Identifier,
        /// The headers as the file has them.
        headers: Vec<String>,
    },
    /// Headers that are not declared, where `extra: refuse`.
    #[error("the header has columns that the manifest does not know: {}", quoted(.0))]
    Extra(Vec<String>),
    /// `header: find`, and no row fits.
    #[error(
        "none of the first {rows} rows is the header; the nearest, line {line}, has no column for {}",
        List(missing)
    )]
    NotFound {
        /// Rows that were looked at.
        rows: usize,
        /// Line of the nearest.
        line: u64,
        /// What it lacks.
        missing: Vec<MissingColumn>,
    },
    /// Bytes of the header are not UTF-8, and what they are taken for fits no column.
    #[error("the header is not UTF-8: {}", quoted(headers))]
    NotUtf8 {
        /// The headers that are not, as far as they can be read.
        headers: Vec<String>,
        /// The encoding that fits best.
        guess: Option<&'static str>,
    },
    /// The text ends before a header.
    #[error("there is no header row, and nothing else")]
    Empty,
}

/// A declared column that the header lacks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MissingColumn {
    /// The column.
    pub column: Identifier,
    /// A header that is not declared and much alike.
    pub near: Option<String>,
}

struct List<'a>(&'a [MissingColumn]);

impl fmt::Display for List<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, MissingColumn { column, near }) in self.0.iter().take(SHOWN).enumerate() {
            write!(f, "{}`{column}`", if index == 0 { "" } else { ", " })?;
            if let Some(near) = near {
                write!(f, " (did you mean {near:?}?)")?;
            }
        }
        f.write_str(&more(self.0.len()))
    }
}

/// Names as the file has them, in one line.
pub(super) fn quoted(headers: &[String]) -> String {
    let shown: Vec<_> = headers.iter().take(SHOWN).map(|header| format!("{header:?}")).collect();
    shown.join(", ") + &more(headers.len())
}

/// `"Community Bord": communityboard`, as `rename:` takes it.
pub(super) fn renames<'a>(headers: impl Iterator<Item = (&'a String, &'a Identifier)>) -> String {
    headers.map(|(header, column)| format!("{header:?}: {column}")).collect::<Vec<_>>().join(", ")
}

fn more(names: usize) -> String {
    if names > SHOWN { format!(" and {} more", names - SHOWN) } else { String::new() }
}

impl HeaderError {
    pub(super) fn code(&self) -> &'static str {
        match self {
            Self::Missing(_) => "column_missing",
            Self::Duplicate { .. } => "column_duplicate",
            Self::Extra(_) => "column_extra",
            Self::NotFound { .. } => "header_not_found",
            Self::NotUtf8 { .. } => "header_not_utf8",
            Self::Empty => "source_empty",
        }
    }

    pub(super) fn advice(&self) -> Option<String> {
        match self {
            Self::Missing(missing) | Self::NotFound { missing, .. } => {
                let near = missing.iter().filter_map(|missing| Some((missing.near.as_ref()?, &missing.column)));
                let renames = renames(near);
                let names: Vec<_> = missing.iter().map(|missing| missing.column.as_str()).collect();
                Some(if missing.len() > SHOWN {
                    "check that this is the right file, and its `delimiter:` and `header:`".to_owned()
                } else if renames.is_empty() {
                    format!("if files may lack it, say `optional: [{}]`", names.join(", "))
                } else {
                    format!("if it was renamed, say `rename: {{{renames}}}`")
                })
            }
            Self::Duplicate { headers, .. } if headers.iter().all(|header| headers.first() == Some(header)) => {
                Some(format!(
                    "nothing tells which is meant: leave the column out with `skip: [{}]`, or have the publisher rename one",
                    quoted(&headers[..1])
                ))
            }
            Self::Duplicate { column, headers } => {
                let other = headers.last()?;
                Some(format!(
                    "say which one with `rename: {{{:?}: {column}}}`, and `skip: [{other:?}]`",
                    headers.first()?
                ))
            }
            Self::Extra(headers) if headers.len() > SHOWN => {
                Some("declare them, or list them under `skip:`".to_owned())
            }
            Self::Extra(headers) => Some(format!("declare them, or say `skip: [{}]`", quoted(headers))),
            Self::NotUtf8 { guess, .. } => {
                let guess = guess.unwrap_or("windows-1252");
                Some(format!("declare the source's `encoding:`; it looks like `encoding: {guess}`"))
            }
            Self::Empty => Some("load again later: the publisher may be in the middle of an upload".to_owned()),
        }
    }
}

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
mod tests {
    use super::super::layout::tests::table;
    use super::*;

    fn wanted(declared: &[&str], edit: impl FnOnce(&mut Table)) -> Wanted {
        let mut table = table(&[]);
        edit(&mut table);
        let need = |name: &Identifier| {
            if table.optional.contains(name) { Need::Optional } else { Need::Required }
        };
        let columns = declared.iter().map(|name| name.parse::<Identifier>().unwrap()).map(|name| {
            let need = need(&name);
            (name, need)
        });
        Wanted::new(&table, columns.collect::<Vec<_>>())
    }

    fn header(names: &[&str]) -> Vec<String> {
        names.iter().map(|name| (*name).to_owned()).collect()
    }

    fn id(name: &str) -> Identifier {
        name.parse().unwrap()
    }

    #[test]
    fn names_are_matched_without_case_and_punctuation() {
        let wanted = wanted(&["documentid", "pcttransferred", "recorded_filed", "job_no"], |_| {});
        let binding = wanted.bind(&header(&["% TRANSFERRED", "Recorded / Filed", "DOCUMENT ID ", "Job No."])).unwrap();
        assert_eq!(binding.fields, [Some(2), Some(0), Some(1), Some(3)]);
        assert_eq!((binding.width, binding.extra.len()), (4, 0));
    }

    #[test]
    fn letters_of_any_script_are_letters() {
        let wanted = wanted(&["año", "straße"], |_| {});
        assert_eq!(wanted.bind(&header(&["STRAßE", "AÑO"])).unwrap().fields, [Some(1), Some(0)]);
    }

    #[test]
    fn a_renamed_header_is_found_and_the_exact_one_first() {
        let wanted = wanted(&["series_name", "lot"], |table| {
            table.rename.insert("table".into(), id("series_name"));
            table.rename.insert("LOT #".into(), id("lot"));
        });
        let binding = wanted.bind(&header(&["lot", "Table", "LOT #"])).unwrap_err();
        assert!(matches!(binding, HeaderError::Duplicate { .. }));
        assert_eq!(wanted.bind(&header(&["Table", "LOT #"])).unwrap().fields, [Some(0), Some(1)]);
        assert_eq!(wanted.bind(&header(&["Table", "Lot"])).unwrap().fields, [Some(0), Some(1)]);
    }

    #[test]
    fn a_missing_column_is_answered_with_the_header_that_was_meant() {
        let wanted = wanted(&["violationid", "communityboard"], |_| {});
        let error = wanted.bind(&header(&["ViolationID", "Community Bord", "Other"])).unwrap_err();
        assert_eq!(
            error.to_string(),
            "the header has no column for `communityboard` (did you mean \"Community Bord\"?)"
        );
        assert_eq!(error.advice().unwrap(), "if it was renamed, say `rename: {\"Community Bord\": communityboard}`");
        let error = wanted.bind(&header(&["ViolationID", "Other"])).unwrap_err();
        assert_eq!(error.to_string(), "the header has no column for `communityboard`");
        assert_eq!(error.advice().unwrap(), "if files may lack it, say `optional: [communityboard]`");
    }

    #[test]
    fn optional_extra_and_skipped_columns_are_told_apart() {
        let edit = |table: &mut Table| {
            table.optional.insert(id("nta"));
            table.skip.insert("Not Used".into());
        };
        let given = header(&["ID", "NOT_USED", "New One", ""]);
        let binding = wanted(&["id", "nta"], edit).bind(&given).unwrap();
        assert_eq!(binding.fields, [Some(0), None]);
        let told: Vec<_> = binding.drift("a.csv").iter().map(ToString::to_string).collect();
        assert_eq!(
            told,
            ["a.csv has columns that the manifest does not know: \"New One\"", "a.csv lacks the optional columns nta"]
        );
        let strict = wanted(&["id"], |table| {
            edit(table);
            table.extra = ExtraColumns::Refuse;
        });
        let error = strict.bind(&given).unwrap_err();
        assert_eq!(error.to_string(), "the header has columns that the manifest does not know: \"New One\"");
        assert_eq!(error.advice().unwrap(), "declare them, or say `skip: [\"New One\"]`");
    }

    #[test]
    fn two_headers_for_one_column_are_refused_and_two_that_nobody_wants_are_not() {
        let wanted = wanted(&["lot"], |_| {});
        let error = wanted.bind(&header(&["Lot", "LOT."])).unwrap_err();
        assert_eq!(error.to_string(), "the headers \"Lot\", \"LOT.\" are all column `lot`");
        assert!(wanted.bind(&header(&["Lot", "x", "X", "", ""])).is_ok());
    }

    #[test]
    fn a_file_of_another_kind_does_not_fill_the_log() {
        let names: Vec<String> = (0..300).map(|n| format!("c{n}")).collect();
        let columns: Vec<&str> = names.iter().map(String::as_str).collect();
        let error = wanted(&columns, |_| {}).bind(&header(&["a;b;c"])).unwrap_err();
        assert!(error.to_string().ends_with("`c19` and 280 more"), "{error}");
        assert!(error.advice().unwrap().contains("`delimiter:`"));
        let strict = wanted(&["a"], |table| table.extra = ExtraColumns::Refuse);
        let error = strict.bind(&[header(&["a"]), names].concat()).unwrap_err();
        assert!(error.to_string().ends_with("\"c19\" and 280 more"), "{error}");
    }

    #[test]
    fn what_may_have_been_renamed_moved_or_left_without_a_name_is_told() {
        let optional = |table: &mut Table| {
            table.optional.insert(id("communityboard"));
        };
        let given = header(&["", "Lot", "Community Bord", "Block", "", ""]);
        let told = |wanted: &Wanted| {
            let drift = wanted.bind(&given).unwrap().drift("a.csv");
            drift.iter().map(ToString::to_string).collect::<Vec<_>>()
        };
        assert_eq!(
            told(&wanted(&["block", "lot", "communityboard"], optional)),
            [
                "a.csv may have renamed columns: \"Community Bord\": communityboard",
                "a.csv has columns without a name, at 1",
                "a.csv has its columns in another order: lot before others",
            ]
        );
        let silenced = wanted(&["lot", "block", "communityboard"], |table| {
            optional(table);
            table.skip.insert(String::new());
            table.rename.insert("Community Bord".into(), id("communityboard"));
        });
        assert_eq!(told(&silenced), ["a.csv has its columns in another order: communityboard before others"]);
        let strict = wanted(&["lot", "block"], |table| {
            table.skip.insert("Community Bord".into());
            table.extra = ExtraColumns::Refuse;
        });
        let error = strict.bind(&given).unwrap_err();
        assert_eq!(error.to_string(), "the header has columns that the manifest does not know: \"\"");
    }

    #[test]
    fn one_of_two_headers_for_a_column_can_be_skipped() {
        let wanted = wanted(&["lot"], |table| {
            table.skip.insert("LOT.".into());
        });
        assert_eq!(wanted.bind(&header(&["LOT.", "Lot"])).unwrap().fields, [Some(1)]);
    }
}
