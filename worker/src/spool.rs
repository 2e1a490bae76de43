//! A folder for what must be sought or is read twice, such as a zip archive. A length comes in, a file goes out that no other process
//! sees and that is gone when the last handle is dropped, also when the process is killed.

mod path;

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::fault::{Exit, Fault, Retry};

/// Bytes that are left free on the spool's disk.
pub const RESERVE: u64 = 64 << 20;

/// Free room is looked at again each time so many bytes were written.
const LOOK_EVERY: u64 = 64 << 20;

/// The folder.
#[derive(Debug, Clone)]
pub struct Spool {
    folder: PathBuf,
}

/// The folder does not take a file.
#[derive(Debug, thiserror::Error)]
pub enum SpoolError {
    /// It is not there or cannot be written.
    #[error("the spool folder {} does not take a file: {error}", folder.display())]
    Folder {
        /// The folder.
        folder: PathBuf,
        /// The system's words.
        error: io::Error,
    },
    /// Its disk is full, or would be.
    #[error("the spool folder {} has {free} bytes free; {needed} are needed", folder.display())]
    Space {
        /// The folder.
        folder: PathBuf,
        /// Bytes that a file can still take.
        free: u64,
        /// Bytes of the file, as far as they are known.
        needed: u64,
    },
}

impl Fault for SpoolError {
    fn code(&self) -> &'static str {
        match self {
            Self::Folder { .. } => "spool_folder",
            Self::Space { .. } => "spool_space",
        }
    }
    fn exit(&self) -> Exit {
        Exit::Configuration
    }
    fn retry(&self) -> Retry {
        Retry::Never
    }
    fn advice(&self) -> Option<String> {
        let variable = manifest::contract::SPOOL;
        Some(match self {
            Self::Folder { .. } => format!("point {variable} at a folder that this user may write"),
            Self::Space { .. } => {
                format!("give the task more ephemeral storage, or point {variable} at a larger disk")
            }
        })
    }
}

impl Spool {
    /// Spools into this folder.
    pub fn new(folder: impl Into<PathBuf>) -> Self {
        Self { folder: folder.into() }
    }

    /// An empty file, for so many bytes where that is known. Refused when they would not fit.
    pub fn file(&self, length: Option<u64>) -> Result<SpoolFile, SpoolError> {
        let needed = length.unwrap_or(0);
        let free = free(&self.folder)?;
        if needed > free {
            return Err(SpoolError::Space { folder: self.folder.clone(), free, needed });
        }
        let file = tempfile::tempfile_in(&self.folder)
            .map_err(|error| SpoolError::Folder { folder: self.folder.clone(), error })?;
        Ok(SpoolFile { file, folder: self.folder.clone(), written: 0, checked: 0 })
    }
}

/// Bytes that a file can take and leave [`RESERVE`].
fn free(folder: &Path) -> Result<u64, SpoolError> {
    let stat = rustix::fs::statvfs(folder)
        .map_err(|error| SpoolError::Folder { folder: folder.to_owned(), error: error.into() })?;
    Ok(stat.f_bavail.saturating_mul(stat.f_frsize).saturating_sub(RESERVE))
}

/// A file that is being written.
#[derive(Debug)]
pub struct SpoolFile {
    file: File,
    folder: PathBuf,
    written: u64,
    checked: u64,
}

impl SpoolFile {
    /// Appends bytes.
    pub fn write(&mut self, bytes: &[u8]) -> Result<(), SpoolError> {
        if self.written - self.checked >= LOOK_EVERY {
            self.checked = self.written;
            let (free, needed) = (free(&self.folder)?, bytes.len() as u64);
            if needed > free {
                return Err(SpoolError::Space { folder: self.folder.clone(), free, needed });
            }
        }
        self.written += bytes.len() as u64;
        self.file.write_all(bytes).map_err(|error| match error.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
                SpoolError::Space { folder: self.folder.clone(), free: 0, needed: self.written }
            }
            _ => SpoolError::Folder { folder: self.folder.clone(), error },
        })
    }

    /// The written file, to be read from its start.
    pub fn finish(self) -> SharedFile {
        SharedFile::new(self.file)
    }
}

/// An open file with a position of its own: clones read independently of each other.
#[derive(Debug, Clone)]
pub struct SharedFile {
    file: Arc<File>,
    position: u64,
}

impl SharedFile {
    /// Reads from the file's start.
    pub fn new(file: File) -> Self {
        Self { file: Arc::new(file), position: 0 }
    }
}

impl Read for SharedFile {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.file.read_at(buffer, self.position)?;
        self.position += read as u64;
        Ok(read)
    }
}

impl Seek for SharedFile {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let (base, by) = match to {
            SeekFrom::Start(position) => (position, 0),
            SeekFrom::Current(by) => (self.position, by),
            SeekFrom::End(by) => (self.file.metadata()?.len(), by),
        };
        self.position = base.checked_add_signed(by).ok_or(io::ErrorKind::InvalidInput)?;
        Ok(self.position)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_spooled_file_is_read_by_many_and_leaves_nothing_behind() {
        let folder = tempfile::tempdir().unwrap();
        let mut file = Spool::new(folder.path()).file(Some(11)).unwrap();
        file.write(b"hello ").unwrap();
        file.write(b"world").unwrap();
        let mut one = file.finish();
        let mut other = one.clone();
        let mut text = String::new();
        one.seek(SeekFrom::End(-5)).unwrap();
        one.read_to_string(&mut text).unwrap();
        other.read_to_string(&mut text).unwrap();
        assert_eq!(text, "worldhello world");
        assert_eq!(folder.path().read_dir().unwrap().count(), 0);
    }

    #[test]
    fn what_does_not_fit_is_refused_beforehand() {
        let folder = tempfile::tempdir().unwrap();
        let error = Spool::new(folder.path()).file(Some(u64::MAX)).unwrap_err();
        assert_eq!(error.code(), "spool_space");
        assert!(error.advice().unwrap().contains("FRESHET_SPOOL"));
    }

    #[test]
    fn a_folder_that_is_not_there_is_named() {
        let error = Spool::new("/nowhere/at/all").file(None).unwrap_err();
        assert_eq!(error.code(), "spool_folder");
        assert!(error.to_string().starts_with("the spool folder /nowhere/at/all does not take a file: "));
    }
}
