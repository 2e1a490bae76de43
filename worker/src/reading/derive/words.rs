//! Words of an address: in capitals and without the marks that people put or leave out, and the numbers among them.

use std::cell::Cell;
use std::io::Write as _;

/// Most words of a text. One of more is no address.
const WORDS_MAX: usize = 64;

/// Hands on the words of a text in capitals. Full stops, commas and apostrophes go; a number sign and line ends part words. `None` where
/// there are too many.
pub(super) fn with_words<T>(text: &str, then: impl FnOnce(Few<&str>) -> T) -> Option<T> {
    thread_local! {
        /// Room for one text, which all of a thread's share.
        static ROOM: Cell<String> = const { Cell::new(String::new()) };
    }
    let mut plain = ROOM.take();
    plain.clear();
    for c in text.chars() {
        match c {
            '.' | ',' | '\'' | '’' | '`' => {}
            '#' => plain.push(' '),
            c => plain.extend(c.to_uppercase()),
        }
    }
    let mut words = Few::new("");
    let fits = plain.split_whitespace().all(|word| words.push(word).is_some());
    let done = fits.then(|| then(words));
    ROOM.set(plain);
    done
}

/// A list of as many items as a text may have words.
pub(super) struct Few<T> {
    items: [T; WORDS_MAX],
    length: usize,
}

impl<T: Copy> Few<T> {
    /// Without items; the given one stands where none is yet.
    pub(super) fn new(none: T) -> Self {
        Self { items: [none; WORDS_MAX], length: 0 }
    }

    /// Appends an item; `None` where there is no room.
    pub(super) fn push(&mut self, item: T) -> Option<()> {
        *self.items.get_mut(self.length)? = item;
        self.length += 1;
        Some(())
    }

    pub(super) fn as_slice(&self) -> &[T] {
        &self.items[..self.length]
    }

    pub(super) fn as_mut_slice(&mut self) -> &mut [T] {
        &mut self.items[..self.length]
    }

    /// Takes an item out.
    pub(super) fn remove(&mut self, at: usize) {
        self.as_mut_slice()[at..].rotate_left(1);
        self.length -= 1;
    }

    /// Takes out all but some.
    pub(super) fn retain(&mut self, is_kept: impl Fn(&T) -> bool) {
        let mut kept = 0;
        for at in 0..self.length {
            if is_kept(&self.items[at]) {
                self.items[kept] = self.items[at];
                kept += 1;
            }
        }
        self.length = kept;
    }
}

/// Ordinals that are written as words.
const ORDINALS: [&str; 20] = [
    "FIRST",
    "SECOND",
    "THIRD",
    "FOURTH",
    "FIFTH",
    "SIXTH",
    "SEVENTH",
    "EIGHTH",
    "NINTH",
    "TENTH",
    "ELEVENTH",
    "TWELFTH",
    "THIRTEENTH",
    "FOURTEENTH",
    "FIFTEENTH",
    "SIXTEENTH",
    "SEVENTEENTH",
    "EIGHTEENTH",
    "NINETEENTH",
    "TWENTIETH",
];

/// How a number is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Written {
    /// `3`.
    Plainly,
    /// `3RD`, `THIRD`.
    AsOrdinal,
}

/// A word as a number from 1 to 999.
pub(super) fn number(word: &str) -> Option<(usize, Written)> {
    if let Some(place) = ORDINALS.iter().position(|ordinal| *ordinal == word) {
        return Some((place + 1, Written::AsOrdinal));
    }
    let suffixed = ["ST", "ND", "RD", "TH"].iter().find_map(|suffix| word.strip_suffix(suffix));
    let (digits, written) = suffixed.map_or((word, Written::Plainly), |digits| (digits, Written::AsOrdinal));
    if !(1..=3).contains(&digits.len()) || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    digits.parse().ok().filter(|number| *number > 0).map(|number| (number, written))
}

/// Writes `THIRD`, and from eleven on `11TH`.
pub(super) fn write_ordinal(number: usize, out: &mut Vec<u8>) {
    if let Some(word) = ORDINALS[..10].get(number.wrapping_sub(1)) {
        return out.extend_from_slice(word.as_bytes());
    }
    let suffix = match (number % 100, number % 10) {
        (11..=13, _) => "TH",
        (_, 1) => "ST",
        (_, 2) => "ND",
        (_, 3) => "RD",
        _ => "TH",
    };
    write_number(number, out);
    out.extend_from_slice(suffix.as_bytes());
}

/// Writes a number in digits.
pub(super) fn write_number(number: usize, out: &mut Vec<u8>) {
    // Writing into memory does not fail.
    let _ = write!(out, "{number}");
}

/// Writes a blank before every word but the first.
pub(super) fn part(out: &mut Vec<u8>) {
    if !out.is_empty() {
        out.push(b' ');
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_known_in_each_way_that_they_are_written() {
        assert_eq!(number("3"), Some((3, Written::Plainly)));
        assert_eq!(number("003RD"), Some((3, Written::AsOrdinal)));
        assert_eq!(number("TWELFTH"), Some((12, Written::AsOrdinal)));
        for other in ["", "0", "TH", "9A", "1000", "ST"] {
            assert_eq!(number(other), None, "{other}");
        }
        for (given, written) in [(1, "FIRST"), (11, "11TH"), (12, "12TH"), (21, "21ST"), (113, "113TH"), (302, "302ND")]
        {
            let mut out = Vec::new();
            write_ordinal(given, &mut out);
            assert_eq!(out, written.as_bytes());
            assert_eq!(number(written), Some((given, Written::AsOrdinal)));
        }
    }
}
