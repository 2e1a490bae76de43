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
    pub fn members(&mut self, member: &str) -> Result<Vec<String>, FormatError> {
        let files = self.files()?;
        let picked: Vec<String> = files.iter().filter(|name| picks(member, name)).cloned().collect();
        if picked.is_empty() {
            return Err(FormatError::ZipNoMember { member: member.to_owned(), members: files });
        }
        self.look_apart(&picked)?;
        Ok(picked)
    }

    /// Refuses members that lie in each other: a few kilobytes that are unpacked again under thousands of names are a bomb, although none
    /// of them is one alone.
    fn look_apart(&mut self, members: &[String]) -> Result<(), FormatError> {
        let mut places = Vec::new();
        for name in members {
            let Some(index) = self.zip.index_for_name(name) else { continue };
            let file = self.zip.by_index_raw(index).map_err(damage)?;
            let data = file.data_start().unwrap_or_else(|| file.header_start());
            places.push((file.header_start(), data.saturating_add(file.compressed_size())));
        }
        places.sort_unstable();
        if places.windows(2).any(|pair| pair[1].0 < pair[0].1) {
            return Err(FormatError::ZipCorrupt("its members overlap".to_owned()));
        }
        Ok(())
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
mod tests;
