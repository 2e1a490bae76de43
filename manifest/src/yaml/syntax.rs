//! What is wrong with a file that is not YAML, in words for a person who did not read the YAML specification, at the place to look at.

use std::sync::Arc;

use granit_parser::{ErrorKind, ScanError};

use crate::finding::{Code, Finding, Place, SourceFile, Span};

/// Signs that YAML gives a meaning at the beginning of a value.
const SIGNS: &[(char, &str)] = &[
    ('@', "is reserved"),
    ('`', "is reserved"),
    ('%', "begins a directive"),
    ('*', "names an anchor"),
    ('&', "makes an anchor"),
    ('!', "makes a tag"),
    ('|', "begins a text of several lines"),
    ('>', "begins a text of several lines"),
    ('#', "begins a comment"),
];

/// The finding for a file that cannot be parsed.
pub(super) fn explain(file: &Arc<SourceFile>, error: &ScanError) -> Finding {
    let text = file.text();
    let at = error.marker().byte_offset().unwrap_or(text.len()).min(text.len());
    let at = (0..=at).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0);
    let (at, (message, help)) = match error.kind() {
        // The first colon of a line is right by itself: what is wrong stands above it, or in front of it.
        ErrorKind::MappingValueNotAllowed | ErrorKind::InvalidColonPlacement if is_first_of_line(text, at) => {
            above(text, at)
        }
        ErrorKind::InvalidQuotedScalarIndent | ErrorKind::UnclosedQuotedScalar => {
            let told = "a quote is opened and not closed where its value ends".to_owned();
            (still_open(&text[..at]).map_or(at, |(open, _)| open), (told, None))
        }
        kind => (at, told(kind, text, at)),
    };
    let span = caret(error.kind(), text, at);
    let mut finding = Finding::new(Code::Syntax, message, Some(Place { file: Arc::clone(file), span }));
    finding.help = help;
    finding
}

/// Whether nothing but a word stands in front of the colon at `at`.
fn is_first_of_line(text: &str, at: usize) -> bool {
    let start = text[..at].rfind('\n').map_or(0, |newline| newline + 1);
    let before = text[start..at].trim();
    !before.is_empty() && before.chars().all(|c| c.is_alphanumeric() || matches!(c, '_' | '-'))
}

/// A bracket that is still open, or else the indentation of the line.
fn above(text: &str, at: usize) -> (usize, (String, Option<String>)) {
    if let Some((open, bracket)) = still_open(&text[..at]).filter(|(_, sign)| !matches!(sign, '"' | '\'')) {
        return (open, (format!("`{bracket}` is opened and never closed"), None));
    }
    let start = text[..at].rfind('\n').map_or(0, |newline| newline + 1);
    let word = start + text[start..at].len() - text[start..at].trim_start().len();
    let help = "keys that belong together begin in the same column";
    (word, ("this line is not indented like its neighbours".to_owned(), Some(help.to_owned())))
}

/// The quote that no other closes, or the last bracket; brackets in quotes and comments are none.
fn still_open(text: &str) -> Option<(usize, char)> {
    let mut open: Vec<(usize, char)> = Vec::new();
    let mut quote: Option<(usize, char)> = None;
    let mut before = ' ';
    let mut comment = false;
    for (at, c) in text.char_indices() {
        if comment {
            comment = c != '\n';
        } else if let Some((_, sign)) = quote {
            quote = quote.filter(|_| c != sign);
        } else {
            match c {
                '"' | '\'' if !before.is_alphanumeric() => quote = Some((at, c)),
                '#' if before.is_whitespace() => comment = true,
                '[' | '{' => open.push((at, c)),
                ']' | '}' => {
                    open.pop();
                }
                _ => {}
            }
        }
        before = c;
    }
    quote.or_else(|| open.pop())
}

/// The byte to point at: an end of file or line is shown at the last thing before it.
fn caret(kind: &ErrorKind, text: &str, at: usize) -> Span {
    let rest = &text[at..];
    let unclosed = matches!(kind, ErrorKind::UnclosedFlowCollection { .. } | ErrorKind::UnclosedQuotedScalar);
    let start = if !unclosed && rest.trim_start().is_empty() { text.trim_end().len().saturating_sub(1) } else { at };
    let start = (0..=start).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0);
    let len = text[start..].chars().next().map_or(0, char::len_utf8);
    Span { start, end: start + len }
}

fn told(kind: &ErrorKind, text: &str, at: usize) -> (String, Option<String>) {
    let here = text[at..].chars().next();
    let line = line_around(text, at);
    match kind {
        ErrorKind::UnexpectedCharacter { character } => {
            let says = SIGNS.iter().find(|(sign, _)| sign == character).map_or("is reserved", |(_, says)| says);
            (
                format!("a value may not begin with `{character}`: it {says} in YAML"),
                Some(format!("put the value in quotes: \"{}\"", word_at(text, at))),
            )
        }
        ErrorKind::TabNotAllowed
        | ErrorKind::TabInBlockIndentation
        | ErrorKind::TabInIndentation
        | ErrorKind::TabAtBlockScalarStart
        | ErrorKind::TabInPlainScalar => {
            ("a tab stands where YAML takes blanks only".to_owned(), Some("indent with blanks".to_owned()))
        }
        ErrorKind::MappingValueNotAllowed | ErrorKind::InvalidColonPlacement => (
            "a second `: ` stands in one line".to_owned(),
            Some("put the value in quotes, or begin a new line with the second key".to_owned()),
        ),
        ErrorKind::UnclosedFlowCollection { open } => (format!("`{open}` is opened and never closed"), None),
        ErrorKind::UnexpectedEofFlowSequence => ("`[` is opened and never closed".to_owned(), None),
        ErrorKind::UnexpectedEofFlowMapping | ErrorKind::UnexpectedEofImplicitFlowMapping => {
            ("`{` is opened and never closed".to_owned(), None)
        }
        ErrorKind::MismatchedFlowCollectionEnd { open, close } => (format!("`{open}` is closed by `{close}`"), None),
        ErrorKind::MisplacedFlowCollectionEnd => (format!("`{}` closes nothing", here.unwrap_or(']')), brackets(line)),
        ErrorKind::ExpectedFlowMappingSeparator | ErrorKind::ExpectedFlowSequenceSeparator => (
            match here {
                Some(sign) if !sign.is_whitespace() => {
                    format!("a comma or a closing bracket is missing before `{sign}`")
                }
                _ => "a comma or a closing bracket is missing".to_owned(),
            },
            brackets(line),
        ),
        ErrorKind::InvalidIndentation
        | ErrorKind::ExpectedBlockMappingKey
        | ErrorKind::ExpectedBlockSequenceEntry
        | ErrorKind::InvalidBlockScalarIndent
        | ErrorKind::BlockSequenceEntryNotAllowed
        | ErrorKind::MappingKeyNotAllowed => (
            "this line is not indented like its neighbours".to_owned(),
            Some("keys that belong together begin in the same column".to_owned()),
        ),
        ErrorKind::SimpleKeyExpected | ErrorKind::InvalidSimpleKey => (
            "a key without `: ` behind it".to_owned(),
            Some("write `key: value`, with a blank after the colon".to_owned()),
        ),
        ErrorKind::InvalidTrailingDoubleQuotedScalar | ErrorKind::InvalidTrailingSingleQuotedScalar => {
            ("something follows a closing quote".to_owned(), Some("put the whole value in quotes".to_owned()))
        }
        ErrorKind::UnknownQuotedScalarEscape => (
            "a backslash in double quotes begins an escape that YAML does not know".to_owned(),
            Some("use single quotes for a text with backslashes".to_owned()),
        ),
        ErrorKind::MissingAnchorOrAliasName => (
            format!("a value may not begin with `{}`", here.unwrap_or('*')),
            Some("put the value in quotes".to_owned()),
        ),
        other => (format!("this is not YAML: {other}"), None),
    }
}

/// `text[]` and `numeric(9,6)` inside braces are what people forget to quote.
fn brackets(line: &str) -> Option<String> {
    if line.contains("[]") {
        return Some("inside {} quote what holds a bracket: \"text[]\"".to_owned());
    }
    if line.contains('(') {
        return Some("inside {} quote what holds a comma: \"numeric(9,6)\"".to_owned());
    }
    None
}

fn line_around(text: &str, at: usize) -> &str {
    let start = text[..at].rfind('\n').map_or(0, |newline| newline + 1);
    let end = text[at..].find('\n').map_or(text.len(), |newline| at + newline);
    &text[start..end]
}

/// The value that begins at `at`, to the end of its line or its place in a collection.
fn word_at(text: &str, at: usize) -> &str {
    let rest = &text[at..];
    let end = rest.find(['\n', ',', '}', ']']).unwrap_or(rest.len());
    let comment = rest.find(" #").unwrap_or(end);
    rest[..end.min(comment)].trim_end()
}
