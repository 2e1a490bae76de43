//! How bytes become rows: container and format from the file's name, unless the manifest says so itself.

use std::collections::BTreeSet;

use super::fixed;
use super::origin::Refused;
use crate::dataset::{Container, Format, HeaderRow, Reading};
use crate::document::source::SourceDocument;
use crate::document::table::TableDocument;
use crate::finding::Span;
use crate::yaml::{Named, Spanned, nearest};

/// Endings of file names, and what they tell.
const FORMATS: &[(&str, Format)] = &[
    ("csv", Format::Csv),
    ("tsv", Format::Tsv),
    ("tab", Format::Tsv),
    ("json", Format::Json),
    ("ndjson", Format::Ndjson),
    ("jsonl", Format::Ndjson),
    ("geojson", Format::Geojson),
    ("shp", Format::Shapefile),
    ("gpkg", Format::Geopackage),
    ("parquet", Format::Parquet),
    ("xls", Format::Xls),
    ("xlsx", Format::Xlsx),
];

/// Labels of encodings that publishers use; the WHATWG standard has more spellings of the same.
const ENCODINGS: &[&str] = &[
    "utf-8",
    "utf8",
    "utf-16",
    "utf-16le",
    "utf-16be",
    "ascii",
    "us-ascii",
    "latin1",
    "iso-8859-1",
    "iso-8859-2",
    "iso-8859-3",
    "iso-8859-4",
    "iso-8859-5",
    "iso-8859-6",
    "iso-8859-7",
    "iso-8859-8",
    "iso-8859-10",
    "iso-8859-13",
    "iso-8859-14",
    "iso-8859-15",
    "iso-8859-16",
    "windows-874",
    "windows-1250",
    "windows-1251",
    "windows-1252",
    "windows-1253",
    "windows-1254",
    "windows-1255",
    "windows-1256",
    "windows-1257",
    "windows-1258",
    "cp1250",
    "cp1251",
    "cp1252",
    "macintosh",
    "ibm866",
    "koi8-r",
    "koi8-u",
    "gbk",
    "gb18030",
    "big5",
    "shift_jis",
    "euc-jp",
    "iso-2022-jp",
    "euc-kr",
];

impl Format {
    /// Whether the format is text in an encoding.
    fn is_text(self) -> bool {
        matches!(self, Self::Csv | Self::Tsv | Self::Fixed | Self::Json | Self::Ndjson | Self::Geojson)
    }

    /// Whether its texts may be in any encoding.
    fn is_encoded(self) -> bool {
        self.is_text() || self == Self::Shapefile
    }

    fn is_workbook(self) -> bool {
        matches!(self, Self::Xls | Self::Xlsx)
    }

    fn has_header(self) -> bool {
        matches!(self, Self::Csv | Self::Tsv) || self.is_workbook()
    }

    /// Whether the format knows the types of its own columns, so that `"*": source` can take them.
    pub(crate) fn describes_itself(self) -> bool {
        matches!(self, Self::Shapefile | Self::Geojson | Self::Geopackage | Self::Parquet | Self::Rows)
    }
}

/// The source's own key, or else the table's. The place is the own one's: what a table says for all of its sources is left out where it
/// does not belong, and is no mistake.
fn chosen<T: Clone>(own: Option<&Spanned<T>>, of_table: Option<&Spanned<T>>) -> (Option<T>, Option<Span>) {
    (own.or(of_table).map(|value| value.value.clone()), own.map(|own| own.span))
}

/// What a source is made of, apart from its manifest keys.
pub(crate) struct Shown<'a> {
    pub(crate) kind: &'static str,
    pub(crate) file: &'a str,
    /// The path of its address.
    pub(crate) path: Option<&'a str>,
    /// The member with its variables filled in.
    pub(crate) member: Option<&'a str>,
}

pub(crate) fn resolve(
    document: &Named<SourceDocument>,
    table: &TableDocument,
    shown: &Shown<'_>,
) -> Result<Reading, Refused> {
    let (container, inner) = container(document, shown)?;
    let format = format(document, table, shown, &container, &inner)?;
    let fits = |value: bool, key: &str, own: Option<Span>| match own {
        Some(span) if !value => {
            Err(Refused { span, why: format!("`{key}` has no meaning for {}", format.as_str()), help: None })
        }
        _ => Ok(value),
    };
    let (sheet, own) = chosen(document.sheet.as_ref(), table.sheet.as_ref());
    let sheet = sheet.filter(|_| format.is_workbook());
    fits(format.is_workbook(), "sheet", own)?;
    let (header, own) = chosen(document.header.as_ref(), table.header.as_ref());
    fits(format.has_header(), "header", own)?;
    let (encoding, own) = chosen(document.encoding.as_ref(), table.encoding.as_ref());
    fits(format.is_encoded(), "encoding", own)?;
    let (delimiter, own) = chosen(document.delimiter.as_ref(), table.delimiter.as_ref());
    fits(format == Format::Csv, "delimiter", own)?;
    let (layer, own) = chosen(document.layer.as_ref(), table.layer.as_ref());
    fits(format == Format::Geopackage, "layer", own)?;
    fits(format == Format::Fixed, "fields", document.fields.as_ref().map(|own| own.span))?;
    let fields = match document.fields.as_ref().or(table.fields.as_ref()) {
        _ if format != Format::Fixed => Vec::new(),
        Some(fields) => fixed::fields(fields)?,
        None => return Err(fixed::missing(document)),
    };
    check_encoding(document, table)?;
    check_delimiter(document, table)?;
    if let Some(given) = document.sheet.as_ref().or(table.sheet.as_ref()).filter(|given| given.value.0 == "0") {
        return Err(Refused { span: given.span, why: "sheets are counted from 1".to_owned(), help: None });
    }
    let nulls = document.nulls.as_ref().or(table.nulls.as_ref());
    Ok(Reading {
        format,
        container,
        sheet: sheet.map(|sheet| sheet.0),
        header: header.filter(|_| format.has_header()).unwrap_or(HeaderRow::First),
        encoding: encoding.filter(|_| format.is_encoded()).map(|label| label.to_lowercase()),
        delimiter: delimiter.filter(|_| format == Format::Csv),
        layer: layer.filter(|_| format == Format::Geopackage),
        fields,
        nulls: super::values(nulls).into_iter().map(|text| text.0).collect::<BTreeSet<_>>().into_iter().collect(),
    })
}

fn ending(name: &str) -> String {
    let name = name.rsplit(['/', '\\']).next().unwrap_or(name);
    name.rsplit_once('.').map(|(_, ending)| ending.to_lowercase()).unwrap_or_default()
}

/// The container, and the name of what is inside it.
fn container(document: &Named<SourceDocument>, shown: &Shown<'_>) -> Result<(Container, String), Refused> {
    let span = document.file.as_ref().or(document.url.as_ref()).map_or(document.name, |text| text.span);
    if let Some(member) = shown.member {
        return Ok((Container::Zip { member: member.to_owned() }, member.to_owned()));
    }
    let packed = |name: &str| match ending(name).as_str() {
        "gz" | "gzip" => Some(Container::Gzip),
        "zst" => Some(Container::Zstd),
        "bz2" => Some(Container::Bzip2),
        "xz" => Some(Container::Xz),
        _ => None,
    };
    for name in std::iter::once(shown.file).chain(shown.path) {
        if ending(name) == "zip" {
            let why = "a zip archive holds several files: which one?".to_owned();
            return Err(Refused {
                span,
                why,
                help: Some("write member: data.csv, or member: \"*.csv\" for all".to_owned()),
            });
        }
        if let Some(container) = packed(name) {
            let inner = name.rsplit_once('.').map_or(name, |(inner, _)| inner);
            return Ok((container, inner.to_owned()));
        }
    }
    Ok((Container::Plain, shown.file.to_owned()))
}

fn format(
    document: &Named<SourceDocument>,
    table: &TableDocument,
    shown: &Shown<'_>,
    container: &Container,
    inner: &str,
) -> Result<Format, Refused> {
    let given = document.format.as_ref().or(table.format.as_ref());
    let fixed = match shown.kind {
        "database" => Some(Format::Rows),
        "arcgis" => Some(Format::Geojson),
        _ => None,
    };
    if let Some(fixed) = fixed {
        return match &document.format {
            Some(own) => Err(Refused {
                span: own.span,
                why: format!("a source of kind {} has no format of its own", shown.kind),
                help: None,
            }),
            None => Ok(fixed),
        };
    }
    let of = |name: &str| FORMATS.iter().find(|(known, _)| *known == ending(name)).map(|(_, format)| *format);
    let told = given.map(|given| given.value).or_else(|| of(inner)).or_else(|| match container {
        Container::Plain => shown.path.and_then(of),
        _ => None,
    });
    match told {
        Some(format) => Ok(format),
        None if shown.kind == "socrata" => Ok(Format::Csv),
        None => {
            let at = document.member.as_ref().or(document.file.as_ref()).or(document.url.as_ref());
            let known: Vec<&str> = FORMATS.iter().map(|(_, format)| format.as_str()).collect();
            Err(Refused {
                span: at.map_or(document.name, |text| text.span),
                why: format!("`{inner}` does not tell its format"),
                help: Some(format!("write format: with one of {}", unique(&known).join(", "))),
            })
        }
    }
}

fn unique<'a>(words: &[&'a str]) -> Vec<&'a str> {
    let mut seen = BTreeSet::new();
    words.iter().filter(|word| seen.insert(**word)).copied().collect()
}

fn check_encoding(document: &Named<SourceDocument>, table: &TableDocument) -> Result<(), Refused> {
    let Some(given) = document.encoding.as_ref().or(table.encoding.as_ref()) else { return Ok(()) };
    let label = given.value.to_lowercase();
    if ENCODINGS.contains(&label.as_str()) {
        return Ok(());
    }
    let help = nearest(&label, ENCODINGS.iter().copied()).map(|near| format!("did you mean `{near}`?"));
    Err(Refused { span: given.span, why: format!("`{}` is not an encoding that is known", given.value), help })
}

fn check_delimiter(document: &Named<SourceDocument>, table: &TableDocument) -> Result<(), Refused> {
    let Some(given) = document.delimiter.as_ref().or(table.delimiter.as_ref()) else { return Ok(()) };
    let wrong =
        !given.value.is_ascii() || given.value.is_ascii_alphanumeric() || matches!(given.value, '"' | '\n' | '\r');
    if wrong {
        let why = format!("`{}` cannot part the fields", given.value.escape_debug());
        return Err(Refused { span: given.span, why, help: Some("one ASCII sign, such as ; or | or tab".to_owned()) });
    }
    Ok(())
}
