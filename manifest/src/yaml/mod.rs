//! From the text of a YAML file to typed documents. A file becomes a tree of nodes that know their place ([`node`]), and [`FromNode`]
//! reads a type from a node, leaving a finding for whatever is wrong and going on, so that one pass tells everything.

mod compound;
mod fields;
mod node;
mod scalar;
mod syntax;

pub(crate) use compound::{Keyed, Named, OneOrMany, Spanned, Text};
pub(crate) use fields::{Field, document, entries};
pub(crate) use node::{Entry, Node, Scalar, Value, parse};
pub(crate) use scalar::{QUOTE_COMMAS, scalars, text, words};

use std::sync::Arc;

use crate::finding::{Code, Finding, Place, SourceFile, Span};
use crate::name::SecretName;

/// A type that stands in a document. `None` means that a finding was left.
pub(crate) trait FromNode: Sized {
    fn from_node(node: &Node, reader: &mut Reader) -> Option<Self>;
}

/// Whether `${env:NAME}` still stands in the nodes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Environment {
    /// It does: a scalar that holds it is taken as it is, and as a placeholder where a number or a boolean is expected.
    Unresolved,
    /// It does not, or it may not.
    Resolved,
}

/// What reads one file and collects its findings.
#[derive(Debug)]
pub(crate) struct Reader {
    pub(crate) file: Arc<SourceFile>,
    pub(crate) environment: Environment,
    pub(crate) findings: Vec<Finding>,
    /// The names in `${secret:NAME}`, each where it stands.
    pub(crate) secrets: Vec<(SecretName, Span)>,
}

impl Reader {
    pub(crate) fn new(file: Arc<SourceFile>) -> Self {
        Self { file, environment: Environment::Resolved, findings: Vec::new(), secrets: Vec::new() }
    }

    pub(crate) fn place(&self, span: Span) -> Place {
        Place { file: Arc::clone(&self.file), span }
    }

    pub(crate) fn report(&mut self, code: Code, message: impl Into<String>, span: Span) -> &mut Finding {
        let finding = Finding::new(code, message, Some(self.place(span)));
        self.findings.push(finding);
        let last = self.findings.len() - 1;
        &mut self.findings[last]
    }
}

impl Finding {
    /// Sets the help in place, for a finding that was just reported.
    pub(crate) fn help(&mut self, help: impl Into<String>) -> &mut Self {
        self.help = Some(help.into());
        self
    }

    /// Adds a further place of the file, for a finding that was just reported.
    pub(crate) fn also(&mut self, span: Span, label: impl Into<String>) -> &mut Self {
        self.related.push((span, label.into()));
        self
    }

    /// Suggests the known word that is nearest to `given`, or lists all of them where none is near.
    pub(crate) fn suggest<'a>(&mut self, given: &str, known: impl IntoIterator<Item = &'a str>) -> &mut Self {
        let mut known: Vec<&str> = known.into_iter().collect();
        if let Some(nearest) = nearest(given, known.iter().copied()) {
            return self.help(format!("did you mean `{nearest}`?"));
        }
        known.sort_unstable();
        match known[..] {
            [only] => self.help(format!("only `{only}` is known here")),
            [.., _] if known.len() <= 24 => self.help(format!("known: {}", known.join(", "))),
            _ => self,
        }
    }
}

/// The known word nearest to `given`, if it is near enough to have been meant.
pub(crate) fn nearest<'a>(given: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let plain = |text: &str| text.to_lowercase().replace(['-', ' ', '.'], "_");
    let wanted = plain(given);
    let limit = (given.chars().count() / 3).max(1);
    known
        .into_iter()
        .map(|word| (strsim::damerau_levenshtein(&wanted, &plain(word)), word))
        .filter(|(distance, _)| *distance <= limit)
        .min()
        .map(|(_, word)| word)
}
