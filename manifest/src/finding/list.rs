//! All findings of a project, in the order of their places.

use std::fmt;

use serde::Serialize;

use super::{Finding, Severity};

/// Findings, sorted by file and place.
#[derive(Debug, Clone, Default, Serialize)]
#[serde(transparent)]
pub struct Findings(Vec<Finding>);

/// How findings are drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Style {
    /// Text only, for files and pipes.
    Plain,
    /// With colours, for a terminal.
    Colour,
}

impl Findings {
    /// Sorts findings by file and place; those without a place come first.
    pub fn new(mut findings: Vec<Finding>) -> Self {
        let key = |finding: &Finding| {
            let place = finding.place.as_ref();
            (place.map(|place| place.file.path().to_owned()), place.map(|place| place.span.start), finding.code)
        };
        findings.sort_by_cached_key(key);
        Self(findings)
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether one of them is an error.
    pub fn has_errors(&self) -> bool {
        self.iter().any(|finding| finding.severity() == Severity::Error)
    }

    /// In order.
    pub fn iter(&self) -> impl Iterator<Item = &Finding> {
        self.0.iter()
    }

    /// Each finding with its line and a caret, at most `width` columns wide, one after the other with a blank line between.
    pub fn draw(&self, style: Style, width: usize) -> String {
        let theme = match style {
            Style::Plain => miette::GraphicalTheme::unicode_nocolor(),
            Style::Colour => miette::GraphicalTheme::unicode(),
        };
        let handler = miette::GraphicalReportHandler::new_themed(theme).with_width(width).with_links(false);
        let mut drawn = String::new();
        for finding in &self.0 {
            if !drawn.is_empty() {
                drawn.push('\n');
            }
            // Writing to a string does not fail.
            let _ = handler.render_report(&mut drawn, finding);
        }
        drawn
    }
}

/// One line a finding: `path:line:column: message (help)`.
impl fmt::Display for Findings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, finding) in self.0.iter().enumerate() {
            if index > 0 {
                f.write_str("\n")?;
            }
            if let Some(place) = &finding.place {
                write!(f, "{}: ", place.told())?;
            }
            write!(f, "{finding} [{}]", finding.code)?;
            if let Some(help) = &finding.help {
                write!(f, " ({help})")?;
            }
        }
        Ok(())
    }
}

impl std::error::Error for Findings {}

impl IntoIterator for Findings {
    type Item = Finding;
    type IntoIter = std::vec::IntoIter<Finding>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}
