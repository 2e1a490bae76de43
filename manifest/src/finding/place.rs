//! Where a finding is: a file's text and a range of its bytes.

use std::sync::Arc;

/// A range of bytes in a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Span {
    /// The first byte.
    pub start: usize,
    /// Behind the last byte.
    pub end: usize,
}

impl Span {
    /// The part of this span from byte `at`, `len` bytes long; the whole where that is not inside.
    #[must_use]
    pub fn part(self, at: usize, len: usize) -> Self {
        let start = self.start + at;
        if start + len <= self.end { Self { start, end: start + len } } else { self }
    }

    /// From the beginning of this to the end of `other`.
    #[must_use]
    pub fn to(self, other: Self) -> Self {
        Self { start: self.start, end: other.end.max(self.end) }
    }
}

impl From<Span> for miette::SourceSpan {
    fn from(span: Span) -> Self {
        (span.start, span.end.saturating_sub(span.start)).into()
    }
}

/// A file that was read: its path within the project, with `/`, and its text.
#[derive(Debug)]
pub struct SourceFile {
    path: String,
    text: miette::NamedSource<String>,
}

impl SourceFile {
    /// A file of that path and text.
    pub fn new(path: impl Into<String>, text: impl Into<String>) -> Arc<Self> {
        let path = path.into();
        Arc::new(Self { text: miette::NamedSource::new(&path, without_passwords(text.into())), path })
    }

    /// The path within the project.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// The text.
    pub fn text(&self) -> &str {
        self.text.inner()
    }

    pub(super) fn as_source(&self) -> &dyn miette::SourceCode {
        &self.text
    }
}

/// The text with every literal password of an address (`scheme://user:password@host`) as asterisks, so that no finding that shows its line
/// shows it. Such an address is refused in any case; what stands in `${secret:NAME}` is a name and stays.
fn without_passwords(text: String) -> String {
    let mut masked = text;
    let mut from = 0;
    while let Some(found) = masked[from..].find("://") {
        let start = from + found + 3;
        let rest = &masked[start..];
        let end =
            rest.find(|c: char| c.is_whitespace() || matches!(c, '/' | '"' | '\'' | '?' | '#')).unwrap_or(rest.len());
        from = start;
        // A colon inside of `${secret:NAME}` parts no user from a password.
        if let Some(at) = rest[..end].rfind('@')
            && let after = rest[..at].rfind('}').map_or(0, |brace| brace + 1)
            && let Some(colon) = rest[after..at].find(':').map(|colon| after + colon)
            && !rest[colon + 1..at].contains("${")
        {
            masked.replace_range(start + colon + 1..start + at, &"*".repeat(at - colon - 1));
        }
    }
    masked
}

/// A range of a file.
#[derive(Debug, Clone)]
pub struct Place {
    /// The file.
    pub file: Arc<SourceFile>,
    /// The range.
    pub span: Span,
}

impl Place {
    /// Line and column of the beginning, both from 1, the column in characters.
    pub fn line_column(&self) -> (usize, usize) {
        let before = self.file.text().get(..self.span.start).unwrap_or_default();
        let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
        (before.matches('\n').count() + 1, before[line_start..].chars().count() + 1)
    }

    /// `path:line:column`.
    pub fn told(&self) -> String {
        let (line, column) = self.line_column();
        format!("{}:{line}:{column}", self.file.path())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_literal_password_is_never_in_a_text_that_is_shown() {
        let shown = |text: &str| SourceFile::new("f", text).text().to_owned();
        assert_eq!(shown("a: postgres://u:hunter2@h/d # x"), "a: postgres://u:*******@h/d # x");
        assert_eq!(shown("[\"https://u:p@h\", 'ftp://u:q@h']"), "[\"https://u:*@h\", 'ftp://u:*@h']");
        assert_eq!(shown("x://${secret:USER}:hunter2@h"), "x://${secret:USER}:*******@h");
        for kept in ["https://h:8080/a@b", "x://u:${secret:P}@h", "x://${secret:P}@h", "https://h/p?mail=a:b@c", "://"]
        {
            assert_eq!(shown(kept), kept);
        }
    }

    #[test]
    fn lines_and_columns_count_characters_from_one() {
        let file = SourceFile::new("f", "a: ü\nüb: c\n");
        let told = |start| Place { file: Arc::clone(&file), span: Span { start, end: start + 1 } }.told();
        assert_eq!((told(0), told(6), told(8)), ("f:1:1".to_owned(), "f:2:1".to_owned(), "f:2:2".to_owned()));
    }
}
