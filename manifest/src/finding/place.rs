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
        Arc::new(Self { text: miette::NamedSource::new(&path, text.into()), path })
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
