//! What keeps a header row from being a table's, and the line of the manifest that would repair it.

use std::fmt;

use manifest::Identifier;

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
pub(in crate::reading) fn quoted(headers: &[String]) -> String {
    let shown: Vec<_> = headers.iter().take(SHOWN).map(|header| format!("{header:?}")).collect();
    shown.join(", ") + &more(headers.len())
}

/// `"Community Bord": communityboard`, as `rename:` takes it.
pub(in crate::reading) fn renames<'a>(headers: impl Iterator<Item = (&'a String, &'a Identifier)>) -> String {
    headers.map(|(header, column)| format!("{header:?}: {column}")).collect::<Vec<_>>().join(", ")
}

fn more(names: usize) -> String {
    if names > SHOWN { format!(" and {} more", names - SHOWN) } else { String::new() }
}

impl HeaderError {
    pub(in crate::reading) fn code(&self) -> &'static str {
        match self {
            Self::Missing(_) => "column_missing",
            Self::Duplicate { .. } => "column_duplicate",
            Self::Extra(_) => "column_extra",
            Self::NotFound { .. } => "header_not_found",
            Self::NotUtf8 { .. } => "header_not_utf8",
            Self::Empty => "source_empty",
        }
    }

    pub(in crate::reading) fn advice(&self) -> Option<String> {
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
