//! A place in a text that is read from left to right: runs of digits, words, single marks. Dates and times are taken from it.

use crate::blank::trim_start;

#[derive(Debug, Clone, Copy)]
pub(crate) struct Cursor<'a>(&'a [u8]);

impl<'a> Cursor<'a> {
    pub(crate) fn new(text: &'a [u8]) -> Self {
        Self(text)
    }

    pub(crate) fn at_end(&self) -> bool {
        self.0.is_empty()
    }

    pub(crate) fn peek(&self) -> Option<u8> {
        self.0.first().copied()
    }

    /// Takes the mark if it is next.
    pub(crate) fn mark(&mut self, mark: u8) -> bool {
        let found = self.peek() == Some(mark);
        if found {
            self.0 = &self.0[1..];
        }
        found
    }

    /// Takes any blanks, and says whether there were some.
    pub(crate) fn blanks(&mut self) -> bool {
        let before = self.0.len();
        self.0 = trim_start(self.0);
        self.0.len() < before
    }

    /// Takes the digits that are next, all of them, maybe none.
    pub(crate) fn digits(&mut self) -> &'a [u8] {
        self.run(u8::is_ascii_digit)
    }

    /// Takes the ASCII letters that are next, all of them, maybe none.
    pub(crate) fn letters(&mut self) -> &'a [u8] {
        self.run(u8::is_ascii_alphabetic)
    }

    fn run(&mut self, belongs: impl Fn(&u8) -> bool) -> &'a [u8] {
        let end = self.0.iter().position(|byte| !belongs(byte)).unwrap_or(self.0.len());
        let (run, rest) = self.0.split_at(end);
        self.0 = rest;
        run
    }
}

/// The value of at most nine digits.
pub(crate) fn number(digits: &[u8]) -> u32 {
    debug_assert!(digits.len() <= 9);
    digits.iter().fold(0, |value, digit| value * 10 + u32::from(digit - b'0'))
}
