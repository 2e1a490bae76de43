//! Packed files.

use std::io::{Cursor, Write as _};

use flate2::Compression;
use flate2::write::GzEncoder;
use zip::ZipWriter;
use zip::write::SimpleFileOptions;

use super::{Item, item};

const ID: &[&str] = &["id: integer"];
const ALL: &[&str] = &["id: integer", "- member: \"*.csv\""];

fn gzip(text: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(text).unwrap();
    encoder.finish().unwrap()
}

/// An archive of these members.
pub(super) fn zip(options: SimpleFileOptions, members: &[(&str, &[u8])]) -> Vec<u8> {
    let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, bytes) in members {
        writer.start_file(*name, options).unwrap();
        writer.write_all(bytes).unwrap();
    }
    writer.finish().unwrap().into_inner()
}

/// The flag of encryption, in the member's own header and in the directory.
fn encrypted(mut archive: Vec<u8>) -> Vec<u8> {
    for (magic, flags) in [(b"PK\x03\x04", 6), (b"PK\x01\x02", 8)] {
        let at = archive.windows(4).position(|bytes| bytes == magic).unwrap();
        archive[at + flags] |= 1;
    }
    archive
}

pub(super) fn items() -> Vec<Item> {
    let plain = SimpleFileOptions::default();
    let whole = gzip(&b"id\n1\n".repeat(100));
    let bomb = [&b"id\n"[..], &[&[b'0'; 7_999][..], b"\n"].concat().repeat(10_000)].concat();
    vec![
        item(
            "gzip of HTML",
            ID,
            "t.csv.gz",
            gzip(b"<html><body>Sorry</body></html>"),
            &["refused source_is_html: an HTML page"],
        ),
        item(
            "truncated gzip",
            ID,
            "t.csv.gz",
            &whole[..whole.len() - 5],
            &["refused gzip_corrupt: damaged or cut off"],
        ),
        item(
            "multi-member gzip",
            ID,
            "t.csv.gz",
            [gzip(b"id\n1\n"), gzip(b"2\nx\n")].concat(),
            &["1", "2", "NULL", "! 4 id not_an_integer x"],
        ),
        item(
            "zip with two CSVs",
            ALL,
            "t.zip",
            zip(plain, &[("b.csv", b"id\n2\nx\n"), ("a.csv", b"id\n1\ny\n"), ("r.txt", b"hello")]),
            &["1", "NULL", "2", "NULL", "! 3 id not_an_integer y", "! 3 id not_an_integer x"],
        ),
        item(
            "zip64",
            ALL,
            "t.zip",
            zip(plain.large_file(true), &[("a.csv", b"id\n1\nx\n")]),
            &["1", "NULL", "! 3 id not_an_integer x"],
        ),
        item("zip bomb", ALL, "t.zip", zip(plain, &[("a.csv", &bomb)]), &["refused source_bomb: times its size"]),
        item(
            "encrypted zip",
            ALL,
            "t.zip",
            encrypted(zip(plain, &[("a.csv", b"id\n1\n")])),
            &["refused zip_encrypted: is encrypted"],
        ),
        item(
            "path traversal name",
            ALL,
            "t.zip",
            zip(plain, &[("../../../tmp/escaped.csv", b"id\n1\nx\n")]),
            &["1", "NULL", "! 3 id not_an_integer x"],
        ),
    ]
}
