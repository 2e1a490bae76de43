//! What publishers send in place of their data, with status 200: an error page, an API's message, or an archive where a plain file
//! was promised. The first bytes come in; what they are goes out.

use std::fmt;
use std::io::{Read, Seek};

use super::FormatError;

/// As many first bytes as are looked at.
pub(super) const LOOKED_AT: usize = 512;

/// Not the delimited text that was promised.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Impostor {
    /// A web page.
    Html,
    /// A JSON document.
    Json,
    /// An XML document.
    Xml,
    /// A zip archive; an xlsx workbook is one too.
    Zip,
    /// gzip.
    Gzip,
    /// PDF.
    Pdf,
    /// A workbook of Excel 97–2003.
    Xls,
    /// A database of SQLite; a GeoPackage is one too.
    Sqlite,
    /// Parquet.
    Parquet,
}

/// Refuses a file that is something else, and gives back its first bytes. The file is at its start then as before.
pub(super) fn refuse<R: Read + Seek>(file: &mut R, welcome: Option<Impostor>) -> Result<Vec<u8>, FormatError> {
    let mut head = Vec::new();
    file.by_ref().take(LOOKED_AT as u64).read_to_end(&mut head)?;
    file.rewind()?;
    match Impostor::of(&head) {
        Some(what) if Some(what) != welcome => Err(FormatError::Impostor(what)),
        _ => Ok(head),
    }
}

impl Impostor {
    /// What stands in the place of delimited text, if anything does. `head` is text without a byte order mark, or the bytes
    /// of a file.
    pub fn of(head: &[u8]) -> Option<Self> {
        for (magic, what) in [
            (&b"PK\x03\x04"[..], Self::Zip),
            (b"\x1f\x8b", Self::Gzip),
            (b"%PDF-", Self::Pdf),
            (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", Self::Xls),
            (b"SQLite format 3\0", Self::Sqlite),
        ] {
            if head.starts_with(magic) {
                return Some(what);
            }
        }
        // A header row may begin with these letters, but not with the head of a page behind them.
        if let [b'P', b'A', b'R', b'1', 0x15, ..] = head {
            return Some(Self::Parquet);
        }
        let text = head.trim_ascii_start();
        let begins =
            |word: &str| text.get(..word.len()).is_some_and(|start| start.eq_ignore_ascii_case(word.as_bytes()));
        if ["<!doctype html", "<html", "<head", "<body", "<!--", "<script", "<title"].iter().any(|tag| begins(tag)) {
            return Some(Self::Html);
        }
        if begins("<?xml") || begins("<error") {
            let page = String::from_utf8_lossy(text).to_ascii_lowercase();
            return Some(if page.contains("<html") { Self::Html } else { Self::Xml });
        }
        // A header row may well begin with a bracket, but not like this.
        let inner = match text.first() {
            Some(b'{') => b"\"}".as_slice(),
            Some(b'[') => b"{]\"[",
            _ => return None,
        };
        text[1..].trim_ascii_start().first().filter(|byte| inner.contains(byte)).map(|_| Self::Json)
    }

    /// Whether it is an answer for people or programs rather than a file of another format.
    pub fn is_page(self) -> bool {
        matches!(self, Self::Html | Self::Json | Self::Xml)
    }

    pub(super) fn code(self) -> &'static str {
        match self {
            Self::Html => "source_is_html",
            Self::Json => "source_is_json",
            Self::Xml => "source_is_xml",
            Self::Zip => "source_is_zip",
            Self::Gzip => "source_is_gzip",
            Self::Pdf => "source_is_pdf",
            Self::Xls => "source_is_xls",
            Self::Sqlite => "source_is_sqlite",
            Self::Parquet => "source_is_parquet",
        }
    }

    pub(super) fn advice(self) -> &'static str {
        match self {
            Self::Html | Self::Json | Self::Xml => {
                "open the source's address in a browser: the publisher is down, or the file has moved"
            }
            Self::Zip => "if the source is a zip archive, give it a `file:` that ends in .zip and a `member:`",
            Self::Gzip => "if the source is gzip, give it a `file:` that ends in .gz",
            Self::Sqlite => "if the source is a GeoPackage, say `format: geopackage`",
            Self::Parquet => "if the source is Parquet, say `format: parquet`",
            Self::Pdf | Self::Xls => "check the source's address and its `format:`",
        }
    }
}

impl fmt::Display for Impostor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Html => "an HTML page",
            Self::Json => "a JSON document",
            Self::Xml => "an XML document",
            Self::Zip => "a zip archive",
            Self::Gzip => "gzip",
            Self::Pdf => "a PDF",
            Self::Xls => "an Excel workbook of before 2007, or an encrypted one,",
            Self::Sqlite => "a SQLite database",
            Self::Parquet => "a Parquet file",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_and_archives_are_told_from_delimited_text() {
        for (head, what) in [
            ("<!DOCTYPE html>\n<html>", Some(Impostor::Html)),
            ("\r\n  <HTML lang=en>", Some(Impostor::Html)),
            ("<?xml version=\"1.0\"?><!DOCTYPE html><html>", Some(Impostor::Html)),
            ("<?xml version=\"1.0\"?><Error><Code>NoSuchKey", Some(Impostor::Xml)),
            ("{\"code\": \"throttled\"}", Some(Impostor::Json)),
            ("[ {\"a\": 1}", Some(Impostor::Json)),
            ("PK\u{3}\u{4}…", Some(Impostor::Zip)),
            ("%PDF-1.7", Some(Impostor::Pdf)),
            ("SQLite format 3\0…", Some(Impostor::Sqlite)),
            ("PAR1\u{15}…", Some(Impostor::Parquet)),
            ("PAR1,PAR2\n", None),
            ("id,name\n1,<html>\n", None),
            ("\"id\",\"name\"\n", None),
            ("{id},[name]\n", None),
            ("[id],name\n", None),
            ("<id>,name\n", None),
            ("", None),
        ] {
            assert_eq!(Impostor::of(head.as_bytes()), what, "{head:?}");
        }
        assert_eq!(Impostor::of(b"\x1f\x8b\x08\x00"), Some(Impostor::Gzip));
    }
}
