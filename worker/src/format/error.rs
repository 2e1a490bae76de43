//! What is wrong with the bytes of a source. Which source and member it is, the caller says.

use std::fmt;
use std::io;

use manifest::dataset::Format;

use super::impostor::Impostor;
use super::packing::Packing;
use crate::fault::{Exit, Fault, Retry};
use crate::source::SourceError;

/// Bytes that are not what the manifest says.
#[derive(Debug, thiserror::Error)]
pub enum FormatError {
    /// They did not arrive.
    #[error(transparent)]
    Source(Box<SourceError>),
    /// The local or spooled file cannot be read.
    #[error("cannot be read: {0}")]
    Read(io::Error),
    /// Something else stands in their place.
    #[error("{0} arrived instead of the data")]
    Impostor(Impostor),
    /// UTF-16 without a byte order mark, where it is not declared.
    #[error("the text is in UTF-16 and does not say so: every other byte is NUL")]
    Utf16 {
        /// Which of the two, as `encoding:` takes it.
        encoding: &'static str,
    },
    /// Not a zip archive, or a damaged one.
    #[error("the zip archive is damaged: {0}")]
    ZipCorrupt(String),
    /// No member has that name.
    #[error("the zip archive has no member `{member}`; it has {}", Names(.members))]
    ZipNoMember {
        /// Name or pattern that was looked for.
        member: String,
        /// What the archive has.
        members: Vec<String>,
    },
    /// A member wants a password.
    #[error("the zip archive's member is encrypted")]
    ZipEncrypted,
    /// A member is packed in a way that is not deflate.
    #[error("the zip archive's member is packed by method {0}; deflate and no packing at all are read")]
    ZipMethod(String),
    /// Damaged gzip, zstd, bzip2 or xz.
    #[error("the {0} data are damaged or cut off: {1}")]
    Damaged(Packing, String),
    /// Not a file of its format, or a damaged one.
    #[error("the {noun} is damaged: {1}", noun = noun(*.0))]
    Corrupt(Format, String),
    /// A column whose name cannot be one of a table.
    #[error("its column {name:?} has no name that a table could give it")]
    Unnamed {
        /// The name as the source has it.
        name: String,
    },
    /// A column that is wanted and not read.
    #[error("its column {column:?} is {what}, which is not read")]
    UnreadColumn {
        /// The name as the file has it.
        column: String,
        /// What it is.
        what: &'static str,
    },
    /// A workbook has no sheet of that name or number.
    #[error("the workbook has no sheet `{sheet}`; it has {}", Names(.sheets))]
    NoSheet {
        /// Name or number that was looked for.
        sheet: String,
        /// What the workbook has.
        sheets: Vec<String>,
    },
    /// A GeoPackage has no layer of that name, or none that is the only one.
    #[error("the GeoPackage has {}; its layers: {}", Wanted(.layer), Names(.layers))]
    NoLayer {
        /// Name that was looked for.
        layer: Option<String>,
        /// What the GeoPackage has.
        layers: Vec<String>,
    },
    /// A workbook wants a password.
    #[error("the workbook is encrypted")]
    Encrypted,
    /// More than is held in memory.
    #[error("the {what} takes more than {} MiB, which is as much as is read", .limit >> 20)]
    TooLarge {
        /// What it is.
        what: &'static str,
        /// Most bytes of it.
        limit: u64,
    },
    /// It unpacks to far more than data do.
    #[error("it unpacks to more than {ratio} times its size, which data do not; more than {bytes} bytes so far")]
    Bomb {
        /// The largest ratio that is taken.
        ratio: u64,
        /// Unpacked bytes when it was stopped.
        bytes: u64,
    },
    /// A quote was opened and the text ended.
    #[error("line {line}: a quote is opened and never closed, which may hide any number of rows")]
    QuoteUnclosed {
        /// Where the record begins.
        line: u64,
    },
    /// A record of more than [`RECORD_MAX`](super::csv::RECORD_MAX) bytes.
    #[error("line {line}: a record of more than {} MiB; a quote may be opened there and never closed", super::csv::RECORD_MAX >> 20)]
    RecordTooLong {
        /// Where the record begins.
        line: u64,
    },
}

struct Wanted<'a>(&'a Option<String>);

impl fmt::Display for Wanted<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Some(layer) => write!(f, "no layer `{layer}`"),
            None => f.write_str("more than one layer, or none"),
        }
    }
}

struct Names<'a>(&'a [String]);

impl fmt::Display for Names<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const SHOWN: usize = 10;
        match self.0 {
            [] => f.write_str("none"),
            names => {
                f.write_str(&names[..names.len().min(SHOWN)].join(", "))?;
                if names.len() > SHOWN { write!(f, " and {} more", names.len() - SHOWN) } else { Ok(()) }
            }
        }
    }
}

impl From<SourceError> for FormatError {
    fn from(error: SourceError) -> Self {
        Self::Source(Box::new(error))
    }
}

/// An error on its way through [`std::io::Read`] is wrapped and comes out as it went in.
impl From<io::Error> for FormatError {
    fn from(error: io::Error) -> Self {
        match error.downcast::<Self>() {
            Ok(error) => error,
            Err(error) => Self::Read(error),
        }
    }
}

impl From<FormatError> for io::Error {
    fn from(error: FormatError) -> Self {
        match error {
            FormatError::Read(error) => error,
            error => Self::other(error),
        }
    }
}

impl Fault for FormatError {
    fn code(&self) -> &'static str {
        match self {
            Self::Source(error) => error.code(),
            Self::Read(_) => "source_read",
            Self::Impostor(what) => what.code(),
            Self::Utf16 { .. } => "text_utf16",
            Self::ZipCorrupt(_) => "zip_corrupt",
            Self::ZipNoMember { .. } => "zip_no_member",
            Self::ZipEncrypted => "zip_encrypted",
            Self::ZipMethod(_) => "zip_method",
            Self::Damaged(packing, _) => packing.code(),
            Self::Corrupt(format, _) => corrupt(*format),
            Self::Unnamed { .. } => "column_unnamed",
            Self::UnreadColumn { .. } => "column_unread",
            Self::NoSheet { .. } => "workbook_no_sheet",
            Self::NoLayer { .. } => "geopackage_no_layer",
            Self::Encrypted => "workbook_encrypted",
            Self::TooLarge { .. } => "source_too_large",
            Self::Bomb { .. } => "source_bomb",
            Self::QuoteUnclosed { .. } => "quote_unclosed",
            Self::RecordTooLong { .. } => "record_too_long",
        }
    }

    fn exit(&self) -> Exit {
        match self {
            Self::Source(error) => error.exit(),
            Self::Read(_) => Exit::Unavailable,
            Self::Impostor(what) if what.is_page() => Exit::Unavailable,
            Self::Impostor(_)
            | Self::Utf16 { .. }
            | Self::ZipNoMember { .. }
            | Self::ZipEncrypted
            | Self::ZipMethod(_)
            | Self::Unnamed { .. }
            | Self::UnreadColumn { .. }
            | Self::NoSheet { .. }
            | Self::NoLayer { .. }
            | Self::Encrypted => Exit::Configuration,
            Self::ZipCorrupt(_)
            | Self::Damaged(..)
            | Self::Corrupt(..)
            | Self::TooLarge { .. }
            | Self::Bomb { .. }
            | Self::QuoteUnclosed { .. }
            | Self::RecordTooLong { .. } => Exit::Refused,
        }
    }

    fn retry(&self) -> Retry {
        match self {
            Self::Source(error) => error.retry(),
            // A publisher in maintenance, or in the middle of an upload.
            Self::Impostor(what) if what.is_page() => Retry::Later,
            Self::ZipCorrupt(_) | Self::Damaged(..) | Self::Corrupt(..) => Retry::Later,
            _ => Retry::Never,
        }
    }

    fn advice(&self) -> Option<String> {
        match self {
            Self::Source(error) => error.advice(),
            Self::Impostor(what) => Some(what.advice().to_owned()),
            Self::Utf16 { encoding } => Some(format!("declare the source's `encoding: {encoding}`")),
            Self::ZipNoMember { members, member } => {
                let near = members.iter().max_by_key(|name| near(name, member));
                near.map(|name| format!("set the source's `member:` to a name or a pattern, such as `{name}`"))
            }
            Self::ZipCorrupt(_) | Self::Damaged(..) | Self::Corrupt(..) => Some(
                "load again later: the publisher may be in the middle of an upload; where it stays like that, the file has \
                 to be repaired there"
                    .to_owned(),
            ),
            Self::Unnamed { name } => Some(format!("say `skip: [{name:?}]`, or `rename: {{{name:?}: a_name}}`")),
            Self::NoSheet { sheets, sheet } => {
                let near = sheets.iter().max_by_key(|name| near(name, sheet));
                near.map(|name| format!("set the source's `sheet:` to a name or a number from 1, such as `{name}`"))
            }
            Self::UnreadColumn { column, .. } => {
                Some(format!("say `skip: [{column:?}]`, or ask the publisher for columns of plain values"))
            }
            Self::NoLayer { layers, layer } => {
                let near = layers.iter().max_by_key(|name| near(name, layer.as_deref().unwrap_or_default()));
                near.map(|name| format!("set the source's `layer:` to the one that is meant, such as `{name}`"))
            }
            Self::TooLarge { .. } => {
                Some("ask the publisher for a format that can be read as it comes, such as CSV".to_owned())
            }
            Self::QuoteUnclosed { .. } | Self::RecordTooLong { .. } => {
                Some("look at the file from that line on; the publisher has to repair it".to_owned())
            }
            _ => None,
        }
    }
}

/// What a damaged file is called.
fn noun(format: Format) -> &'static str {
    match format {
        Format::Xls | Format::Xlsx => "workbook",
        Format::Json | Format::Ndjson => "JSON",
        Format::Geojson => "GeoJSON",
        Format::Geopackage => "GeoPackage",
        Format::Parquet => "Parquet file",
        Format::Shapefile => "shapefile",
        Format::Csv | Format::Tsv | Format::Fixed | Format::Rows => "text",
    }
}

fn corrupt(format: Format) -> &'static str {
    match format {
        Format::Xls => "xls_corrupt",
        Format::Xlsx => "xlsx_corrupt",
        Format::Json => "json_corrupt",
        Format::Ndjson => "ndjson_corrupt",
        Format::Geojson => "geojson_corrupt",
        Format::Geopackage => "geopackage_corrupt",
        Format::Parquet => "parquet_corrupt",
        Format::Shapefile => "shapefile_corrupt",
        Format::Csv | Format::Tsv | Format::Fixed | Format::Rows => "text_corrupt",
    }
}

/// Likeness of two names in whole per mille, regardless of case.
fn near(one: &str, other: &str) -> u32 {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "between 0 and 1000")]
    let per_mille = |likeness: f64| (likeness * 1_000.0) as u32;
    per_mille(strsim::jaro_winkler(&one.to_lowercase(), &other.to_lowercase()))
}
