//! A guard around what is being unpacked: a few kilobytes may unpack to petabytes, and data do not.

use std::io::{self, Read};

use super::FormatError;

/// Largest ratio of unpacked to packed bytes. Real tables stay below 50; deflate itself ends at 1,032.
pub(super) const RATIO_MAX: u64 = 400;

/// Below so many unpacked bytes the ratio is not looked at.
pub(super) const HARMLESS: u64 = 64 << 20;

/// Reads unpacked bytes and stops when they are far too many for what was packed.
#[derive(Debug)]
pub(super) struct Guarded<R, P> {
    unpacked: R,
    bytes: u64,
    /// Packed bytes so far, or in all.
    packed: P,
    harmless: u64,
}

impl<R, P: Fn(&R) -> u64> Guarded<R, P> {
    pub(super) fn new(unpacked: R, packed: P) -> Self {
        Self { unpacked, bytes: 0, packed, harmless: HARMLESS }
    }
}

impl<R: Read, P: Fn(&R) -> u64> Read for Guarded<R, P> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.unpacked.read(buffer)?;
        self.bytes += read as u64;
        if self.bytes > self.harmless && self.bytes / RATIO_MAX > (self.packed)(&self.unpacked) {
            return Err(FormatError::Bomb { ratio: RATIO_MAX, bytes: self.bytes }.into());
        }
        Ok(read)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bomb_is_stopped_and_an_honest_file_is_not() {
        let read = |bytes: u64, packed: u64| {
            let mut guarded = Guarded { harmless: 1_000, ..Guarded::new(io::repeat(0).take(bytes), move |_| packed) };
            io::copy(&mut guarded, &mut io::sink()).map_err(FormatError::from)
        };
        assert_eq!(read(1_000, 1).unwrap(), 1_000);
        assert_eq!(read(40_000, 100).unwrap(), 40_000);
        assert!(matches!(read(1_000_000, 100), Err(FormatError::Bomb { .. })));
    }
}
