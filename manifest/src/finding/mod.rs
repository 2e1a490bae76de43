//! Findings: what is wrong or worth knowing in the manifests, each with a code that stays the same, its place, and what to do. A finding is
//! a [`miette::Diagnostic`], so that a terminal shows the line with a caret, and serialises with file, line and column, for machines.

mod code;
mod list;
mod place;

use std::fmt;

use serde::ser::SerializeStruct as _;
use serde::{Serialize, Serializer};

pub use code::{CODES, Code};
pub use list::{Findings, Style};
pub use place::{Place, SourceFile, Span};

/// How grave a finding is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// The manifests cannot be used as they are.
    Error,
    /// They can, and something about them deserves a look.
    Warning,
}

/// One thing that is wrong or worth knowing.
#[derive(Debug, Clone)]
pub struct Finding {
    /// What it is about.
    pub code: Code,
    /// What is wrong, in lower case, with the names that are involved.
    pub message: String,
    /// Where; nowhere when something is missing altogether.
    pub place: Option<Place>,
    /// What to do about it.
    pub help: Option<String>,
    /// Further places of the same file, each with a word on what is there.
    pub related: Vec<(Span, String)>,
}

impl Finding {
    /// A finding without help.
    pub fn new(code: Code, message: impl Into<String>, place: Option<Place>) -> Self {
        Self { code, message: message.into(), place, help: None, related: Vec::new() }
    }

    /// The same with a word on what to do.
    #[must_use]
    pub fn with_help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    /// The same with a further place of its file.
    #[must_use]
    pub fn with_related(mut self, span: Span, label: impl Into<String>) -> Self {
        self.related.push((span, label.into()));
        self
    }

    /// How grave it is.
    pub fn severity(&self) -> Severity {
        self.code.severity()
    }
}

/// `datasets/nyc/pad.yml:12:5: message`, and the help in parentheses.
impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Finding {}

impl miette::Diagnostic for Finding {
    fn code(&self) -> Option<Box<dyn fmt::Display + '_>> {
        Some(Box::new(self.code))
    }

    fn severity(&self) -> Option<miette::Severity> {
        Some(match self.severity() {
            Severity::Error => miette::Severity::Error,
            Severity::Warning => miette::Severity::Warning,
        })
    }

    fn help(&self) -> Option<Box<dyn fmt::Display + '_>> {
        self.help.as_ref().map(|help| Box::new(help) as Box<dyn fmt::Display>)
    }

    fn source_code(&self) -> Option<&dyn miette::SourceCode> {
        self.place.as_ref().map(|place| place.file.as_source())
    }

    fn labels(&self) -> Option<Box<dyn Iterator<Item = miette::LabeledSpan> + '_>> {
        let place = self.place.as_ref()?;
        let primary = miette::LabeledSpan::new_primary_with_span(None, place.span);
        let related =
            self.related.iter().map(|(span, label)| miette::LabeledSpan::new_with_span(Some(label.clone()), *span));
        Some(Box::new(std::iter::once(primary).chain(related)))
    }
}

/// `code`, `severity`, `message`, `help`, and `file`, `line`, `column` (from 1, in characters) where it has a place.
impl Serialize for Finding {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut out = serializer.serialize_struct("Finding", 7)?;
        out.serialize_field("code", self.code.as_str())?;
        out.serialize_field("severity", &self.severity())?;
        out.serialize_field("message", &self.message)?;
        out.serialize_field("help", &self.help)?;
        let place = self.place.as_ref().map(|place| (place.file.path(), place.line_column()));
        out.serialize_field("file", &place.map(|(path, _)| path))?;
        out.serialize_field("line", &place.map(|(_, (line, _))| line))?;
        out.serialize_field("column", &place.map(|(_, (_, column))| column))?;
        out.end()
    }
}
