//! Packed files: cut off, of several members, too large to be true, encrypted, and named to be written elsewhere.

use std::io::{Cursor, Write as _};

use flate2::Compression;
use flate2::write::GzEncoder;
use zip::ZipWriter;
use zip::write::SimpleFileOptions;

use super::checked::check;

const REFUSED: i32 = 65;
const UNAVAILABLE: i32 = 69;
const CONFIGURATION: i32 = 78;
const ALL: &str = "- member: \"*.csv\"";

fn gzip(text: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(text).unwrap();
    encoder.finish().unwrap()
}

fn zip_with(options: SimpleFileOptions, members: &[(&str, &[u8])]) -> Vec<u8> {
    let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, bytes) in members {
        writer.start_file(*name, options).unwrap();
        writer.write_all(bytes).unwrap();
    }
    writer.finish().unwrap().into_inner()
}

fn zip(members: &[(&str, &[u8])]) -> Vec<u8> {
    zip_with(SimpleFileOptions::default(), members)
}

#[test]
fn gzip_is_read_to_the_end_of_its_last_member() {
    let two = [gzip(b"id\n1\n"), gzip(b"2\n3\n")].concat();
    assert_eq!(check(&["id: integer"], "t.csv.gz", two).is_whole().values(), [Some("1"), Some("2"), Some("3")]);
}

#[test]
fn gzip_that_is_cut_off_or_holds_a_page_is_refused() {
    let whole = gzip("id\n".repeat(1_000).as_bytes());
    let cut = check(&["id: text"], "t.csv.gz", &whole[..whole.len() - 5]);
    cut.is_refused(REFUSED, "gzip_corrupt", "damaged or cut off");
    let page = check(&["id: text"], "t.csv.gz", gzip(b"<html><body>Sorry</body></html>"));
    page.is_refused(UNAVAILABLE, "source_is_html", "an HTML page arrived instead of the data");
}

#[test]
fn an_archive_of_two_files_is_read_as_the_manifest_says() {
    let archive = zip(&[("b.csv", b"id\n2\nbad\n"), ("a.csv", b"id\n1\n"), ("readme.txt", b"hello")]);
    let checked = check(&["id: integer", "- bad_values: {allow: 100%}", ALL], "t.zip", &archive);
    assert_eq!(checked.values(), [Some("1"), Some("2"), None]);
    assert_eq!(checked.losses(), ["3 id not_an_integer bad"]);
    assert_eq!(checked.table["losses"][0]["member"], "b.csv");
    let one = check(&["id: integer", "- member: a.csv"], "t.zip", &archive);
    assert_eq!(one.is_whole().values(), [Some("1")]);
    let none = check(&["id: integer", "- member: c.csv"], "t.zip", &archive);
    none.is_refused(CONFIGURATION, "zip_no_member", "it has");
}

#[test]
fn an_archive_of_64_bits_is_an_archive() {
    let archive = zip_with(SimpleFileOptions::default().large_file(true), &[("a.csv", b"id\n1\n")]);
    assert_eq!(check(&["id: integer", ALL], "t.zip", archive).is_whole().values(), [Some("1")]);
}

#[test]
fn an_archive_that_unpacks_to_more_than_data_do_is_stopped() {
    let line = [&[b'0'; 7_999][..], b"\n"].concat();
    let archive = zip(&[("a.csv", &[&b"id\n"[..], &line.repeat(10_000)].concat())]);
    check(&["id: text", ALL], "t.zip", &archive).is_refused(REFUSED, "source_bomb", "times its size");
}

#[test]
fn an_encrypted_member_is_named_as_such() {
    let mut archive = zip(&[("a.csv", b"id\n1\n")]);
    // The flag of encryption, in the member's own header and in the directory.
    for (magic, flags) in [(b"PK\x03\x04", 6), (b"PK\x01\x02", 8)] {
        let at = archive.windows(4).position(|bytes| bytes == magic).unwrap();
        archive[at + flags] |= 1;
    }
    check(&["id: integer", ALL], "t.zip", archive).is_refused(CONFIGURATION, "zip_encrypted", "is encrypted");
}

#[test]
fn a_member_is_read_and_never_written_whatever_its_name() {
    let archive = zip(&[("../../../tmp/escaped.csv", b"id\n1\n"), ("/etc/absolute.csv", b"id\n2\n")]);
    let checked = check(&["id: integer", ALL], "t.zip", archive);
    assert_eq!(checked.is_whole().values(), [Some("1"), Some("2")]);
    assert!(!std::path::Path::new("/tmp/escaped.csv").exists());
}
