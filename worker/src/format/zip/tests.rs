use std::io::{Cursor, Write};

use proptest::prelude::*;
use zip::ZipWriter;
use zip::write::SimpleFileOptions;

use super::super::blocks::tests::all;
use super::*;

fn archive(members: &[(&str, &[u8])]) -> Vec<u8> {
    let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, text) in members {
        if name.ends_with('/') {
            writer.add_directory(*name, SimpleFileOptions::default()).unwrap();
        } else {
            writer.start_file(*name, SimpleFileOptions::default()).unwrap();
            writer.write_all(text).unwrap();
        }
    }
    writer.finish().unwrap().into_inner()
}

fn open(bytes: &[u8]) -> Result<Archive<Cursor<Vec<u8>>>, FormatError> {
    Archive::open(Cursor::new(bytes.to_vec()))
}

#[test]
fn a_pattern_picks_members_in_the_order_of_their_names() {
    let bytes = archive(&[
        ("pluto/", b""),
        ("pluto/SI.csv", b"si"),
        ("pluto/readme.pdf", b"%PDF-"),
        ("pluto/BX.csv", b"bx"),
        ("__MACOSX/pluto/._BX.csv", b"attributes"),
        ("../../etc/MN.csv", b"mn"),
    ]);
    let mut archive = open(&bytes).unwrap();
    let members = archive.members("*.csv").unwrap();
    assert_eq!(members, ["../../etc/MN.csv", "pluto/BX.csv", "pluto/SI.csv"]);
    assert_eq!(all(archive.read("pluto/BX.csv").unwrap()).unwrap(), b"bx");
    assert_eq!(archive.members("pluto/SI.csv").unwrap(), ["pluto/SI.csv"]);
}

#[test]
fn a_member_that_is_not_there_is_answered_with_those_that_are() {
    use crate::fault::Fault;
    let error = open(&archive(&[("a/bobaadr.txt", b""), ("a/readme.pdf", b"")])).unwrap().members("bobaadr.txt");
    let error = error.unwrap_err();
    assert_eq!(error.to_string(), "the zip archive has no member `bobaadr.txt`; it has a/bobaadr.txt, a/readme.pdf");
    assert!(error.advice().unwrap().ends_with("such as `a/bobaadr.txt`"));
}

#[test]
fn damage_anywhere_is_found() {
    let text: Vec<u8> = (0..20_000_u32).flat_map(|n| format!("{n},{}\n", n * 7919 % 10_007).into_bytes()).collect();
    let bytes = archive(&[("a.csv", &text)]);
    let whole = all(open(&bytes).unwrap().read("a.csv").unwrap()).unwrap();
    assert_eq!(whole, text);
    for place in (60..bytes.len() - 120).step_by(bytes.len() / 50) {
        let mut changed = bytes.clone();
        changed[place] ^= 0x10;
        let result = open(&changed).and_then(|mut archive| all(archive.read("a.csv")?));
        assert!(matches!(result, Err(FormatError::ZipCorrupt(_))), "byte {place}: {:?}", result.map(|t| t.len()));
    }
    for length in [0, 10, bytes.len() / 2, bytes.len() - 1] {
        let result = open(&bytes[..length]).map(|_| ());
        assert!(matches!(result, Err(FormatError::ZipCorrupt(_))), "{length} bytes: {result:?}");
    }
}

#[test]
fn a_page_in_the_place_of_an_archive_is_named() {
    let result = open(b"<!doctype html><html>").map(|_| ());
    assert!(matches!(result, Err(FormatError::Impostor(Impostor::Html))), "{result:?}");
}

proptest! {
    #[test]
    fn a_pattern_picks_what_its_regular_twin_would(pattern in "[ab*?]{0,8}", path in "[ab/]{0,12}") {
        fn slow(pattern: &[u8], path: &[u8]) -> bool {
            match (pattern.split_first(), path.split_first()) {
                (None, None) => true,
                (Some((b'*', rest)), _) => slow(rest, path) || !path.is_empty() && slow(pattern, &path[1..]),
                (Some((b'?', rest)), Some((_, tail))) => slow(rest, tail),
                (Some((p, rest)), Some((t, tail))) => p == t && slow(rest, tail),
                _ => false,
            }
        }
        prop_assert_eq!(picks(&pattern, &path), slow(pattern.as_bytes(), path.as_bytes()));
    }
}

/// Changes the head of the first member, and what the directory says of it, by these functions of their bytes.
fn doctored(mut bytes: Vec<u8>, local: impl Fn(&mut [u8]), central: impl Fn(&mut [u8])) -> Vec<u8> {
    let find = |bytes: &[u8], mark: &[u8]| bytes.windows(4).position(|window| window == mark).unwrap();
    let (head, entry) = (find(&bytes, b"PK\x03\x04"), find(&bytes, b"PK\x01\x02"));
    local(&mut bytes[head..]);
    central(&mut bytes[entry..]);
    bytes
}

fn first(bytes: &[u8]) -> Result<Vec<u8>, FormatError> {
    let mut archive = open(bytes)?;
    let name = archive.members("*")?[0].clone();
    all(archive.read(&name)?)
}

/// Gives an archive the directory of one that has more members, or more bytes, than the plain one can tell.
fn zip64(mut bytes: Vec<u8>) -> Vec<u8> {
    let mut end = bytes.split_off(bytes.len() - 22);
    let number = |at: usize| u64::from(u32::from_le_bytes(end[at..at + 4].try_into().unwrap()));
    let (members, size, offset) = (u64::from(end[10]), number(12), number(16));
    let at = bytes.len() as u64;
    bytes.extend_from_slice(b"PK\x06\x06");
    bytes.extend_from_slice(&44_u64.to_le_bytes());
    bytes.extend_from_slice(&[45, 0, 45, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
    for number in [members, members, size, offset] {
        bytes.extend_from_slice(&number.to_le_bytes());
    }
    bytes.extend_from_slice(b"PK\x06\x07\0\0\0\0");
    bytes.extend_from_slice(&at.to_le_bytes());
    bytes.extend_from_slice(&1_u32.to_le_bytes());
    end[8..20].fill(0xff);
    bytes.extend_from_slice(&end);
    bytes
}

#[test]
fn archives_beyond_four_gigabytes_or_of_many_members_are_read() {
    let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, large) in [("a.csv", true), ("b.csv", false)] {
        writer.start_file(name, SimpleFileOptions::default().large_file(large)).unwrap();
        writer.write_all(name.as_bytes()).unwrap();
    }
    let mut archive = open(&zip64(writer.finish().unwrap().into_inner())).unwrap();
    assert_eq!(archive.members("*").unwrap(), ["a.csv", "b.csv"]);
    for name in ["a.csv", "b.csv"] {
        assert_eq!(all(archive.read(name).unwrap()).unwrap(), name.as_bytes());
    }
}

#[test]
fn archives_that_were_written_as_a_stream_are_read() {
    let mut writer = ZipWriter::new_stream(Vec::new());
    writer.start_file("a.csv", SimpleFileOptions::default()).unwrap();
    writer.write_all(b"id\n1\n").unwrap();
    let bytes = writer.finish().unwrap().into_inner();
    assert_eq!(first(&bytes).unwrap(), b"id\n1\n");
}

#[test]
fn a_member_that_wants_a_password_is_refused_by_name() {
    let bytes = doctored(archive(&[("a.csv", b"id\n")]), |head| head[6] |= 1, |entry| entry[8] |= 1);
    assert!(matches!(first(&bytes), Err(FormatError::ZipEncrypted)));
}

#[test]
fn a_checksum_that_does_not_match_is_damage() {
    let bytes = doctored(archive(&[("a.csv", b"id\n")]), |head| head[14] ^= 1, |entry| entry[16] ^= 1);
    let error = first(&bytes).unwrap_err();
    assert!(matches!(&error, FormatError::ZipCorrupt(detail) if detail.contains("hecksum")), "{error}");
}

#[test]
fn members_that_lie_in_each_other_are_refused() {
    let text = [b'x'; 100];
    let bytes = archive(&[("a.csv", &text), ("b.csv", &text), ("c.pdf", &text)]);
    assert_eq!(open(&bytes).unwrap().members("*.csv").unwrap().len(), 2);
    // The directory says of the second that it is where the first is.
    let mut entries = bytes.windows(4).enumerate().filter(|(_, window)| window == b"PK\x01\x02").map(|(at, _)| at);
    let second = entries.nth(1).unwrap();
    let mut overlapping = bytes.clone();
    overlapping[second + 42..second + 46].fill(0);
    let error = open(&overlapping).unwrap().members("*.csv").unwrap_err();
    assert_eq!(error.to_string(), "the zip archive is damaged: its members overlap");
    assert_eq!(open(&overlapping).unwrap().members("a.csv").unwrap(), ["a.csv"]);
}

#[test]
fn a_member_that_unpacks_to_far_too_much_is_stopped() {
    let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
    writer.start_file("a.csv", SimpleFileOptions::default()).unwrap();
    let zeros = vec![0; 1 << 20];
    for _ in 0..70 {
        writer.write_all(&zeros).unwrap();
    }
    let bytes = writer.finish().unwrap().into_inner();
    let mut archive = open(&bytes).unwrap();
    let mut member = archive.read("a.csv").unwrap();
    let mut unpacked = 0;
    let stopped = loop {
        match member.advance() {
            Ok(()) if member.block().is_empty() => break None,
            Ok(()) => unpacked += member.block().len(),
            Err(error) => break Some(error),
        }
    };
    assert!(matches!(stopped, Some(FormatError::Bomb { .. })), "{stopped:?}");
    assert!(unpacked < 66 << 20, "{unpacked}");
}

#[test]
fn names_that_lead_out_of_a_folder_lead_nowhere() {
    for name in ["/etc/passwd.csv", "..\\..\\a.csv", "C:\\a.csv", "a/../../b.csv", "con.csv", "a\u{202e}vsc.csv"] {
        let bytes = archive(&[(name, b"id\n")]);
        assert_eq!(first(&bytes).unwrap(), b"id\n", "{name}");
    }
}
