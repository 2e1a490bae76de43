//! A place in a text that is read from left to right: what the notations of geometry in text have in common.

/// A text and how much of it has been read.
pub(super) struct Scan<'a> {
    text: &'a [u8],
    pub(super) at: usize,
}

impl<'a> Scan<'a> {
    pub(super) fn new(text: &'a [u8]) -> Self {
        Self { text, at: 0 }
    }

    /// What is left.
    pub(super) fn rest(&self) -> &'a [u8] {
        self.text.get(self.at..).unwrap_or_default()
    }

    /// Whether nothing but blanks is left.
    pub(super) fn is_over(&mut self) -> bool {
        self.peek().is_none()
    }

    pub(super) fn blanks(&mut self) {
        while matches!(self.text.get(self.at), Some(b' ' | b'\n' | b'\r' | b'\t')) {
            self.at += 1;
        }
    }

    /// The next byte that is no blank.
    pub(super) fn peek(&mut self) -> Option<u8> {
        self.blanks();
        self.text.get(self.at).copied()
    }

    /// Takes a mark that is next.
    pub(super) fn mark(&mut self, mark: u8) -> bool {
        let found = self.peek() == Some(mark);
        self.at += usize::from(found);
        found
    }

    /// Takes a number that is next.
    #[inline]
    pub(super) fn number(&mut self) -> Option<f64> {
        self.blanks();
        let rest = self.rest();
        let end = rest.iter().position(|byte| !matches!(byte, b'0'..=b'9' | b'.' | b'-' | b'+' | b'e' | b'E'));
        let number = &rest[..end.unwrap_or(rest.len())];
        let value = std::str::from_utf8(number).ok()?.parse().ok()?;
        self.at += number.len();
        Some(value)
    }

    /// The bytes of the first point of what is next, however deep it stands behind marks that open, up to the first of `ends`.
    pub(super) fn first_point(&self, opens: u8, ends: &[u8]) -> &'a [u8] {
        let rest = self.rest();
        let is_before = |byte: &u8| *byte == opens || matches!(byte, b' ' | b'\t' | b'\n' | b'\r');
        let start = rest.iter().position(|byte| !is_before(byte)).unwrap_or(rest.len());
        let point = &rest[start..];
        let end = point.iter().position(|byte| ends.contains(byte)).unwrap_or(point.len());
        &point[..end]
    }
}
