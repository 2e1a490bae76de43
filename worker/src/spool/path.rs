//! A path for a spooled file that has none, for a library that opens files by their paths alone.

use std::fs;
use std::io;
use std::os::fd::AsRawFd;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use rustix::fs::{AtFlags, CWD, linkat};
use tempfile::Builder;

use super::{SharedFile, Spool, SpoolError};

impl SharedFile {
    /// Gives `open` a path of this file. Where the file had none, the path is gone when this returns, so that nothing is left even of a
    /// process that is killed; what was opened can be read all the same.
    pub fn by_path<T>(&self, spool: &Spool, open: impl FnOnce(&Path) -> T) -> Result<T, SpoolError> {
        let refused = |error| SpoolError::Folder { folder: spool.folder.clone(), error };
        if let Some(path) = self.path() {
            return Ok(open(&path));
        }
        let folder = std::path::absolute(&spool.folder).map_err(refused)?;
        let descriptor = self.descriptor();
        let link = |path: &Path| Ok(linkat(CWD, &descriptor, CWD, path, AtFlags::SYMLINK_FOLLOW)?);
        if let Ok(linked) = Builder::new().prefix(".link").make_in(&folder, link) {
            return Ok(open(linked.path()));
        }
        // A disk that does not give a name to a file without one takes a second file.
        let needed = self.file.metadata().map_err(refused)?.len();
        let free = super::free(&spool.folder)?;
        if needed > free {
            return Err(SpoolError::Space { folder: spool.folder.clone(), free, needed });
        }
        let mut copied = Builder::new().prefix(".copy").tempfile_in(&folder).map_err(refused)?;
        io::copy(&mut Self { file: self.file.clone(), position: 0 }, &mut copied).map_err(refused)?;
        Ok(open(copied.path()))
    }

    /// Where Linux shows the open file.
    fn descriptor(&self) -> PathBuf {
        PathBuf::from(format!("/proc/self/fd/{}", self.file.as_raw_fd()))
    }

    /// The file's own path, unless it has none any more or another file has taken it.
    fn path(&self) -> Option<PathBuf> {
        let path = fs::read_link(self.descriptor()).ok()?;
        let (found, own) = (fs::metadata(&path).ok()?, self.file.metadata().ok()?);
        (found.dev() == own.dev() && found.ino() == own.ino()).then_some(path)
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;

    #[test]
    fn a_spooled_file_has_a_path_only_while_it_is_opened() {
        let folder = tempfile::tempdir().unwrap();
        let spool = Spool::new(folder.path());
        let mut file = spool.file(None).unwrap();
        file.write(b"hello").unwrap();
        let text = file.finish().by_path(&spool, |path| fs::read_to_string(path).unwrap()).unwrap();
        assert_eq!(text, "hello");
        assert_eq!(folder.path().read_dir().unwrap().count(), 0);
    }

    #[test]
    fn a_file_that_has_a_path_keeps_it() {
        let mut named = tempfile::NamedTempFile::new().unwrap();
        named.write_all(b"hello").unwrap();
        let file = SharedFile::new(named.reopen().unwrap());
        let path = file.by_path(&Spool::new("/nowhere"), Path::to_owned).unwrap();
        assert_eq!(path, named.path());
    }
}
