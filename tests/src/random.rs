//! Ids and passwords that nobody can guess and no two of which are the same.

use std::fmt::Write as _;
use std::fs::File;
use std::io::Read as _;

use crate::error::{Error, Result};

/// This many random bytes as lower-case hexadecimal digits, two each.
pub(crate) fn hex(bytes: usize) -> Result<String> {
    let mut random = vec![0; bytes];
    let mut source = File::open("/dev/urandom").map_err(Error::io("open /dev/urandom"))?;
    source.read_exact(&mut random).map_err(Error::io("read /dev/urandom"))?;
    Ok(random.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    }))
}
