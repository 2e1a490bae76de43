//! zip archives: a file that can be sought comes in, the members that a name or a pattern picks go out as blocks, in the order of
//! their names. Nothing is written to a path that an archive names.

use std::io::{self, Read, Seek};

use zip::ZipArchive;
use zip::result::ZipError;

use super::FormatError;
use super::blocks::{Blocks, ReadBlocks};
use super::impostor::{Impostor, refuse};
use super::unpacked::Guarded;

/// An open archive.
#[derive(Debug)]
pub struct Archive<R> {
    zip: ZipArchive<R>,
}

impl<R: Read + Seek> Archive<R> {
    /// Reads the archive's directory.
    pub fn open(mut file: R) -> Result<Self, FormatError> {
        refuse(&mut file, Some(Impostor::Zip))?;
        ZipArchive::new(file).map(|zip| Self { zip }).map_err(damage)
    }

    /// The members that a name or a pattern picks, sorted by name. None at all is [`FormatError::ZipNoMember`].
    pub fn members(&self, member: &str) -> Result<Vec<String>, FormatError> {
        let files = self.files()?;
        let picked: Vec<String> = files.iter().filter(|name| picks(member, name)).cloned().collect();
        if picked.is_empty() {
            return Err(FormatError::ZipNoMember { member: member.to_owned(), members: files });
        }
        Ok(picked)
    }

    /// All files, sorted by name.
    pub fn files(&self) -> Result<Vec<String>, FormatError> {
        let mut files = Vec::new();
        for name in self.zip.file_names() {
            let name = name.map_err(damage)?;
            // macOS puts a file of attributes beside each file, under the same extension.
            if !name.ends_with('/') && !name.starts_with("__MACOSX/") {
                files.push(name.into_owned());
            }
        }
        files.sort();
        Ok(files)
    }

    /// The unpacked bytes of a member. Their checksum is compared at their end.
    pub fn read(&mut self, name: &str) -> Result<impl Blocks + '_, FormatError> {
        let file = self.zip.by_name(name).map_err(damage)?;
        let (size, packed) = (file.size(), file.compressed_size());
        Ok(ReadBlocks::new(Guarded::new(Member { file, left: size }, move |_| packed)))
    }
}

/// Ends as an error where the bytes end early or do not match their checksum.
struct Member<F> {
    file: F,
    left: u64,
}

impl<F: Read> Read for Member<F> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.file.read(buffer).map_err(|error| match error.kind() {
            io::ErrorKind::InvalidData | io::ErrorKind::InvalidInput | io::ErrorKind::UnexpectedEof => {
                corrupt(error.to_string())
            }
            _ => error,
        })?;
        if read == 0 && self.left > 0 && !buffer.is_empty() {
            return Err(corrupt(format!("{} bytes are missing at the end of the member", self.left)));
        }
        self.left =
            self.left.checked_sub(read as u64).ok_or_else(|| corrupt("more bytes than announced".to_owned()))?;
        Ok(read)
    }
}

fn corrupt(detail: String) -> io::Error {
    FormatError::ZipCorrupt(detail).into()
}

fn damage(error: ZipError) -> FormatError {
    match error {
        ZipError::Io(error) if error.kind() == io::ErrorKind::UnexpectedEof => {
            FormatError::ZipCorrupt("it ends too early".to_owned())
        }
        ZipError::Io(error) => error.into(),
        ZipError::UnsupportedArchive(ZipError::PASSWORD_REQUIRED) => FormatError::ZipEncrypted,
        ZipError::CompressionMethodNotSupported(method) => FormatError::ZipMethod(method.to_string()),
        ZipError::UnsupportedArchive(detail) => FormatError::ZipMethod(detail.to_owned()),
        error => FormatError::ZipCorrupt(error.to_string()),
    }
}

/// Whether a name, or a pattern in which `*` stands for any text and `?` for one character, picks a path.
fn picks(pattern: &str, path: &str) -> bool {
    let (pattern, path): (Vec<char>, Vec<char>) = (pattern.chars().collect(), path.chars().collect());
    let (mut p, mut t) = (0, 0);
    // The last star, and where the text that it stands for ends so far.
    let mut star = None;
    while t < path.len() {
        match pattern.get(p) {
            Some('*') => {
                star = Some((p, t));
                p += 1;
            }
            Some(&c) if c == '?' || c == path[t] => {
                p += 1;
                t += 1;
            }
            _ => match star {
                Some((at, end)) => {
                    star = Some((at, end + 1));
                    p = at + 1;
                    t = end + 1;
                }
                None => return false,
            },
        }
    }
    pattern[p..].iter().all(|&c| c == '*')
}

#[cfg(test)]
mod tests {
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
        assert_eq!(
            error.to_string(),
            "the zip archive has no member `bobaadr.txt`; it has a/bobaadr.txt, a/readme.pdf"
        );
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
}
