//! What bytes are, from the bytes themselves: names of publishers' files lie, and addresses have none.

use crate::format::{Impostor, Packing};

/// First bytes that are looked at.
pub(super) const HEAD: usize = 64 << 10;

/// What a source turned out to be.
#[derive(Debug, Clone, Default)]
pub(super) struct Shape {
    /// What it is packed in as a whole.
    pub(super) packing: Option<Packing>,
    /// The members of an archive that are read: a name or a pattern.
    pub(super) member: Option<String>,
    pub(super) inner: Inner,
    /// Whether the header is not the first row.
    pub(super) is_header_found: bool,
    /// Whether a byte was met that is not of UTF-8.
    pub(super) is_latin: bool,
    /// The reference system of shapes, where the source tells it.
    pub(super) srid: Option<u32>,
}

/// What is inside.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Inner {
    /// Text, parted by a byte.
    Delimited(u8),
    Json,
    Ndjson,
    Geojson,
    Xlsx,
    Xls,
    Shapefile,
    Geopackage,
    Parquet,
}

impl Default for Inner {
    fn default() -> Self {
        Self::Delimited(b',')
    }
}

impl Inner {
    /// The ending of a name that tells it.
    pub(super) fn ending(self) -> &'static str {
        match self {
            Self::Delimited(b'\t') => "tsv",
            Self::Delimited(_) => "csv",
            Self::Json => "json",
            Self::Ndjson => "ndjson",
            Self::Geojson => "geojson",
            Self::Xlsx => "xlsx",
            Self::Xls => "xls",
            Self::Shapefile => "shp",
            Self::Geopackage => "gpkg",
            Self::Parquet => "parquet",
        }
    }

    pub(super) fn is_json(self) -> bool {
        matches!(self, Self::Json | Self::Ndjson | Self::Geojson)
    }

    /// What text is that begins so. The error says what else it is.
    pub(super) fn of_text(head: &[u8]) -> Result<Self, String> {
        let head = head.strip_prefix(b"\xef\xbb\xbf").unwrap_or(head);
        match Impostor::of(head) {
            Some(Impostor::Json) => {}
            Some(what) => return Err(format!("it is {what}; look at what the address gives")),
            None => {
                return if head.trim_ascii().is_empty() {
                    Err("it is empty".to_owned())
                } else {
                    Ok(Self::Delimited(delimiter(head)))
                };
            }
        }
        let is_collection = head.windows(17).any(|text| text == b"FeatureCollection");
        Ok(match head.trim_ascii_start() {
            [b'{', ..] if is_collection => Self::Geojson,
            [b'[', ..] => Self::Json,
            _ => Self::Ndjson,
        })
    }
}

/// How a source is packed whose first bytes are these.
pub(super) fn packing(head: &[u8]) -> Option<Packing> {
    [Packing::Gzip, Packing::Zstd, Packing::Bzip2, Packing::Xz].into_iter().find(|packing| packing.begins(head))
}

/// The ending of a name that tells how it is packed.
pub(super) fn packing_ending(packing: Packing) -> &'static str {
    match packing {
        Packing::Gzip => ".gz",
        Packing::Zstd => ".zst",
        Packing::Bzip2 => ".bz2",
        Packing::Xz => ".xz",
    }
}

/// What parts the fields of the first lines: the mark that each of them has most often, outside of quotes.
fn delimiter(head: &[u8]) -> u8 {
    let end = head.iter().position(|byte| matches!(byte, b'\n' | b'\r')).unwrap_or(head.len());
    let count = |mark: u8| {
        let mut quoted = false;
        let marks = head[..end].iter().filter(|byte| {
            quoted ^= **byte == b'"';
            **byte == mark && !quoted
        });
        marks.count()
    };
    // Of equals the last, which is the comma.
    [b'~', b'^', b'|', b';', b'\t', b','].into_iter().max_by_key(|mark| count(*mark)).unwrap_or(b',')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_told_by_how_it_begins() {
        for (head, inner) in [
            (&b"a,b\n1;2;3,4\n"[..], Inner::Delimited(b',')),
            (b"\"a,b,c\";d\n", Inner::Delimited(b';')),
            (b"\xef\xbb\xbfa\tb\n", Inner::Delimited(b'\t')),
            (b"a|b,c|d\n", Inner::Delimited(b'|')),
            (b" [ {\"a\": 1}]", Inner::Json),
            (b"{\"a\": 1}\n{\"a\": 2}\n", Inner::Ndjson),
            (b"{\"type\": \"FeatureCollection\", \"features\": []}", Inner::Geojson),
        ] {
            assert_eq!(Inner::of_text(head), Ok(inner), "{}", String::from_utf8_lossy(head));
        }
        for (head, word) in [(&b""[..], "empty"), (b"<!DOCTYPE html><html>", "page"), (b"%PDF-1.4", "PDF")] {
            assert!(Inner::of_text(head).unwrap_err().contains(word));
        }
        assert_eq!(packing(b"\x1f\x8b\x08"), Some(Packing::Gzip));
    }
}
