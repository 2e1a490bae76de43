//! A YAML file as a tree of scalars, lists and mappings, each with its place. Anchors, aliases and tags are refused: nothing in a manifest
//! is code, and what a person sees in a file is all there is.

use std::iter::Peekable;
use std::sync::Arc;

use granit_parser::{Event, Parser, ScalarStyle};

use super::syntax;
use crate::finding::{Code, Finding, Place, SourceFile, Span};

/// Mappings and lists inside each other; manifests need six.
const MAX_DEPTH: usize = 32;

/// A value with its place.
#[derive(Debug, Clone)]
pub(crate) struct Node {
    pub(crate) span: Span,
    /// Where it is named: the key it belongs to; its own first byte where there is none.
    pub(crate) name: Span,
    pub(crate) value: Value,
}

#[derive(Debug, Clone)]
pub(crate) enum Value {
    Scalar(Scalar),
    List(Vec<Node>),
    Mapping(Vec<Entry>),
}

#[derive(Debug, Clone)]
pub(crate) struct Scalar {
    /// The text as YAML reads it, quotes and escapes resolved.
    pub(crate) text: String,
    pub(crate) quoted: bool,
}

#[derive(Debug, Clone)]
pub(crate) struct Entry {
    pub(crate) key: String,
    pub(crate) key_span: Span,
    pub(crate) value: Node,
}

impl Node {
    /// Whether nothing stands where a value belongs: `key:`, `~` or `null`.
    pub(crate) fn is_null(&self) -> bool {
        matches!(&self.value, Value::Scalar(Scalar { text, quoted: false })
            if matches!(text.as_str(), "" | "~" | "null" | "Null" | "NULL"))
    }

    pub(crate) fn kind(&self) -> &'static str {
        match &self.value {
            Value::Scalar(_) if self.is_null() => "nothing",
            Value::Scalar(_) => "a text",
            Value::List(_) => "a list",
            Value::Mapping(_) => "a mapping",
        }
    }
}

/// The tree of the file, or the finding that tells why there is none. Keys given twice are findings beside the tree.
pub(crate) fn parse(file: &Arc<SourceFile>, findings: &mut Vec<Finding>) -> Option<Node> {
    let text = file.text();
    let options = granit_parser::options! { emit_comments: false, emit_unresolved_aliases: true };
    let events = Parser::new_from_str_with_options(text, options).peekable();
    let mut builder = Builder { file, text, events, findings };
    match builder.document() {
        Ok(node) => Some(node),
        Err(finding) => {
            findings.push(*finding);
            None
        }
    }
}

struct Builder<'a, 'f> {
    file: &'a Arc<SourceFile>,
    text: &'a str,
    events: Peekable<Parser<'a, granit_parser::StrInput<'a>>>,
    findings: &'f mut Vec<Finding>,
}

type Built<T> = Result<T, Box<Finding>>;

impl<'a> Builder<'a, '_> {
    fn finding(&self, code: Code, message: impl Into<String>, span: Span) -> Finding {
        Finding::new(code, message, Some(Place { file: Arc::clone(self.file), span }))
    }

    fn next(&mut self) -> Built<(Event<'a>, Span)> {
        match self.events.next() {
            Some(Ok((event, span))) => {
                let range = span.byte_range().unwrap_or_default();
                Ok((event, Span { start: range.start, end: range.end }))
            }
            Some(Err(error)) => Err(Box::new(syntax::explain(self.file, &error))),
            None => Err(Box::new(self.finding(Code::Syntax, "the file ends too early", self.end()))),
        }
    }

    fn end(&self) -> Span {
        let end = self.text.trim_end().len();
        Span { start: end, end }
    }

    fn document(&mut self) -> Built<Node> {
        loop {
            match self.next()? {
                (Event::StreamStart | Event::DocumentStart(..), _) => {}
                (Event::StreamEnd, _) => {
                    return Err(Box::new(self.finding(Code::Syntax, "the file is empty", self.end())));
                }
                (event, span) => {
                    let root = self.node(event, span, None, 0)?;
                    self.finish()?;
                    return Ok(root);
                }
            }
        }
    }

    fn finish(&mut self) -> Built<()> {
        loop {
            match self.next()? {
                (Event::StreamEnd, _) => return Ok(()),
                (Event::DocumentStart(..), span) => {
                    let finding = self.finding(Code::Syntax, "a second document begins here", span);
                    return Err(Box::new(finding.with_help("write one document a file, without `---`")));
                }
                _ => {}
            }
        }
    }

    fn node(&mut self, event: Event<'a>, span: Span, name: Option<Span>, depth: usize) -> Built<Node> {
        if depth > MAX_DEPTH {
            return Err(Box::new(self.finding(Code::Syntax, "values are nested too deeply", span)));
        }
        if let Some(refusal) = self.refused(&event, span) {
            return Err(Box::new(refusal));
        }
        match event {
            Event::Scalar(text, style, ..) => Ok(Node {
                span,
                name: name.unwrap_or(span),
                value: Value::Scalar(Scalar { text: text.into_owned(), quoted: style != ScalarStyle::Plain }),
            }),
            Event::SequenceStart(..) => self.list(span, name, depth),
            Event::MappingStart(..) => self.mapping(span, name, depth),
            _ => Err(Box::new(self.finding(Code::Syntax, "a value is expected here", span))),
        }
    }

    /// Anchors, aliases and tags.
    fn refused(&self, event: &Event<'_>, span: Span) -> Option<Finding> {
        let told = match event {
            Event::Alias(_) | Event::UnresolvedAlias(_) => "begins with `*`, which YAML reads as the name of an anchor",
            _ if event.anchor_id().is_some_and(|id| id != 0) => "begins with `&`, which YAML reads as an anchor",
            _ if event.tag().is_some() => "begins with `!`, which YAML reads as a tag",
            _ => return None,
        };
        // The node's own place begins behind its anchor or tag: the sign is looked for in front of it.
        let sign = if told.contains("`*`") {
            '*'
        } else if told.contains("`&`") {
            '&'
        } else {
            '!'
        };
        let line_start = self.text[..span.start].rfind('\n').map_or(0, |newline| newline + 1);
        let start = if self.text[span.start..].starts_with(sign) {
            span.start
        } else {
            self.text[line_start..span.start].rfind(sign).map_or(span.start, |at| line_start + at)
        };
        let finding = self.finding(Code::Syntax, format!("this {told}"), Span { start, end: span.end });
        Some(finding.with_help("put the value in quotes; manifests have neither anchors nor tags"))
    }

    fn list(&mut self, opening: Span, name: Option<Span>, depth: usize) -> Built<Node> {
        let mut items = Vec::new();
        loop {
            match self.next()? {
                (Event::SequenceEnd, closing) => {
                    let first = items.first().map_or(opening, |item: &Node| item.span);
                    let span = self.around(opening, first, items.last().map(|item| item.span), closing);
                    let name = name.unwrap_or(Span { start: span.start, end: span.start + 1 });
                    return Ok(Node { span, name, value: Value::List(items) });
                }
                (event, span) => items.push(self.node(event, span, None, depth + 1)?),
            }
        }
    }

    fn mapping(&mut self, opening: Span, name: Option<Span>, depth: usize) -> Built<Node> {
        let mut entries: Vec<Entry> = Vec::new();
        loop {
            match self.next()? {
                (Event::MappingEnd, closing) => {
                    let first = entries.first().map_or(opening, |entry| entry.key_span);
                    let span = self.around(opening, first, entries.last().map(|entry| entry.value.span), closing);
                    return Ok(Node { span, name: name.unwrap_or(first), value: Value::Mapping(entries) });
                }
                (event, key_span) => {
                    if let Some(refusal) = self.refused(&event, key_span) {
                        return Err(Box::new(refusal));
                    }
                    let Event::Scalar(key, ..) = event else {
                        return Err(Box::new(self.finding(Code::Syntax, "a key is a plain word", key_span)));
                    };
                    let (event, span) = self.next()?;
                    // A key without a value has an empty place behind it: the key itself is the better one.
                    let value = self.node(event, span, Some(key_span), depth + 1)?;
                    if let Some(first) = entries.iter().find(|entry| entry.key == key) {
                        let finding = self.finding(Code::DuplicateKey, format!("`{key}` stands here twice"), key_span);
                        let mut finding = finding.with_related(first.key_span, "here first");
                        if key.contains([')', '(', ']', '[']) {
                            finding.help(super::QUOTE_COMMAS);
                        }
                        self.findings.push(finding);
                    }
                    entries.push(Entry { key: key.into_owned(), key_span, value });
                }
            }
        }
    }

    /// Block collections have no brackets of their own: they reach from their first to their last part.
    fn around(&self, opening: Span, first: Span, last: Option<Span>, closing: Span) -> Span {
        if opening.end > opening.start && self.text[opening.start..].starts_with(['{', '[']) {
            return Span { start: opening.start, end: closing.end.max(opening.end) };
        }
        first.to(last.unwrap_or(first))
    }
}
