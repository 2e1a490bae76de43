//! A foreign SQLite database, opened so that it can do nothing but be read.

use std::io::{self, Seek as _, SeekFrom};

use rusqlite::config::DbConfig;
use rusqlite::limits::Limit;
use rusqlite::{Connection, OpenFlags};
use url::Url;

use super::{damaged, wrong};
use crate::format::FormatError;
use crate::format::impostor::{Impostor, refuse};
use crate::spool::{SharedFile, Spool, SpoolError};

/// Most bytes of one row.
pub const ROW_MAX: u64 = 64 << 20;

/// With what every SQLite database begins.
const MAGIC: &[u8] = b"SQLite format 3\0";

pub(super) fn open(file: &SharedFile, spool: &Spool) -> Result<Result<Connection, FormatError>, SpoolError> {
    match refuse(&mut file.clone(), Some(Impostor::Sqlite)) {
        Ok(head) if head.starts_with(MAGIC) => match is_whole(&head, file) {
            Ok(true) => {}
            Ok(false) => return Ok(Err(damaged("it ends too early"))),
            Err(error) => return Ok(Err(error.into())),
        },
        Ok(_) => return Ok(Err(damaged("it is no SQLite database"))),
        Err(error) => return Ok(Err(error)),
    }
    // SQLite opens files by path, and before it returns.
    file.by_path(spool, |path| {
        let mut address = Url::from_file_path(path).map_err(|()| damaged("its path is none"))?;
        // Nobody else writes to it: no locks, no journal beside it.
        address.set_query(Some("immutable=1"));
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_URI | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let database = Connection::open_with_flags(address.as_str(), flags).map_err(wrong)?;
        disarm(&database).map_err(wrong)?;
        Ok(database)
    })
}

/// Whether a file is as long as its head says. SQLite itself takes what is missing of the last page for zeros.
fn is_whole(head: &[u8], file: &SharedFile) -> io::Result<bool> {
    let length = file.clone().seek(SeekFrom::End(0))?;
    let number = |at: usize| head.get(at..at + 4).and_then(|bytes| bytes.try_into().ok()).map(u32::from_be_bytes);
    let page = match head.get(16..18) {
        Some([0, 1]) => 65_536,
        Some(&[high, low]) => u64::from(high) << 8 | u64::from(low),
        _ => return Ok(false),
    };
    // The count of pages is that of the last change only where both say when that was.
    let pages = number(28).filter(|_| number(24) == number(92)).map(u64::from);
    Ok(page > 0 && length > 0 && length % page == 0 && pages.is_none_or(|pages| pages * page <= length))
}

/// Takes from a database what it could do beside being read.
fn disarm(database: &Connection) -> rusqlite::Result<()> {
    database.set_db_config(DbConfig::SQLITE_DBCONFIG_DEFENSIVE, true)?;
    for power in [
        DbConfig::SQLITE_DBCONFIG_TRUSTED_SCHEMA,
        DbConfig::SQLITE_DBCONFIG_ENABLE_VIEW,
        DbConfig::SQLITE_DBCONFIG_ENABLE_TRIGGER,
        DbConfig::SQLITE_DBCONFIG_ENABLE_ATTACH_CREATE,
        DbConfig::SQLITE_DBCONFIG_ENABLE_ATTACH_WRITE,
    ] {
        database.set_db_config(power, false)?;
    }
    // The size in bytes of a row, and no other database beside this one.
    database.set_limit(Limit::SQLITE_LIMIT_LENGTH, i32::try_from(ROW_MAX).unwrap_or(i32::MAX))?;
    database.set_limit(Limit::SQLITE_LIMIT_ATTACHED, 0)?;
    database.execute_batch("PRAGMA cell_size_check = ON; PRAGMA mmap_size = 0; PRAGMA query_only = ON")
}
