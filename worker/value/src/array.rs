//! Arrays of one dimension. Text comes in, either as PostgreSQL writes it (`{one,"two, or three",NULL}`) or as a plain list (`one,two`);
//! a header and the elements, each like a field of its own, go out. Elements of a plain list are treated as fields are: a
//! blank one is NULL.

use crate::blank::{trim, trim_start};
use crate::wire::{self, MAX_FIELD};
use crate::{Bad, Encoded};
use std::borrow::Cow;

/// The header of an array of one dimension: the field's length, dimensions, whether any element is NULL, element type, number of
/// elements, index of the first.
const HEADER: usize = 24;

/// Most elements of an array.
const MAX_ELEMENTS: usize = 0x3fff_ffff / 8;

/// How the elements are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Form {
    /// In braces as PostgreSQL writes them, or parted by commas.
    Auto,
    /// Parted by this byte, and by nothing else.
    Parted(u8),
}

/// One element as it was written.
pub(crate) enum Element<'a> {
    /// Like a field of its own.
    Field(&'a [u8]),
    /// In quotes: a value exactly as it is.
    Exact(&'a [u8]),
    /// The word NULL.
    Null,
}

/// Writes text that has no outer blanks; `write` appends one element as a field. On an error more than the array may be in `out`.
pub(crate) fn encode(
    text: &[u8],
    form: Form,
    element_oid: u32,
    out: &mut Vec<u8>,
    mut write: impl FnMut(Element<'_>, &mut Vec<u8>) -> Result<Encoded, Bad>,
) -> Result<(), Bad> {
    let start = out.len();
    out.resize(start + HEADER, 0);
    let (mut count, mut nulls) = (0_usize, 0_u32);
    let mut each = |element: Element<'_>| {
        count += 1;
        if write(element, out)? == Encoded::Null {
            nulls = 1;
        }
        Ok(())
    };
    match (form, text) {
        (Form::Auto, [b'{', ..]) => literal(text, each)?,
        // Half of PostgreSQL's syntax is neither that nor a plain list.
        (Form::Auto, _) if text.iter().any(|byte| matches!(byte, b'{' | b'}' | b'"' | b'\\')) => {
            return Err(Bad::NotAnArray);
        }
        (Form::Auto, _) => text.split(|byte| *byte == b',').try_for_each(|field| each(Element::Field(field)))?,
        (Form::Parted(mark), _) => {
            text.split(|byte| *byte == mark).try_for_each(|field| each(Element::Field(field)))?;
        }
    }
    if count == 0 {
        // No elements, no dimensions.
        out.truncate(start + 16);
    }
    let length = out.len() - start - 4;
    if length > MAX_FIELD || count > MAX_ELEMENTS {
        return Err(Bad::TooLong);
    }
    let elements = u32::try_from(count).map_err(|_| Bad::TooLong)?;
    let words = [u32::from(count > 0), nulls, element_oid, elements, 1].map(u32::to_be_bytes);
    out[start..start + 4].copy_from_slice(&wire::length(length));
    for (slot, word) in out[start + 4..].chunks_exact_mut(4).zip(&words[..if count > 0 { 5 } else { 3 }]) {
        slot.copy_from_slice(word);
    }
    Ok(())
}

/// Takes apart an array as PostgreSQL writes it.
fn literal(text: &[u8], mut each: impl FnMut(Element<'_>) -> Result<(), Bad>) -> Result<(), Bad> {
    let inner = text.strip_prefix(b"{").and_then(|text| text.strip_suffix(b"}")).ok_or(Bad::NotAnArray)?;
    let mut rest = trim_start(inner);
    if rest.is_empty() {
        return Ok(());
    }
    loop {
        rest = trim_start(rest);
        let after = if let [b'"', quoted @ ..] = rest {
            let end = end_of(quoted, |byte| byte == b'"').ok_or(Bad::NotAnArray)?;
            each(Element::Exact(&unescape(&quoted[..end])))?;
            trim_start(&quoted[end + 1..])
        } else {
            let end = end_of(rest, |byte| byte == b',').unwrap_or(rest.len());
            bare(&rest[..end], &mut each)?;
            &rest[end..]
        };
        rest = match after {
            [] => return Ok(()),
            [b',', rest @ ..] => rest,
            _ => return Err(Bad::NotAnArray),
        };
    }
}

/// An element without quotes. A byte behind a backslash is an ordinary one, blanks and marks included.
fn bare(element: &[u8], each: &mut impl FnMut(Element<'_>) -> Result<(), Bad>) -> Result<(), Bad> {
    let begun = trim_start(element);
    let mut bare = trim(begun);
    let is_open = |text: &[u8]| text.iter().rev().take_while(|byte| **byte == b'\\').count() % 2 == 1;
    if is_open(bare) {
        // The blank that was trimmed last is an escaped one.
        bare = begun.get(..=bare.len()).ok_or(Bad::NotAnArray)?;
    }
    if bare.is_empty() || end_of(bare, |byte| matches!(byte, b'"' | b'{' | b'}')).is_some() {
        return Err(Bad::NotAnArray);
    }
    match bare.contains(&b'\\') {
        true => each(Element::Exact(&unescape(bare))),
        false if bare.eq_ignore_ascii_case(b"null") => each(Element::Null),
        false => each(Element::Exact(bare)),
    }
}

/// Where the mark stands that no backslash precedes.
fn end_of(text: &[u8], is_mark: impl Fn(u8) -> bool) -> Option<usize> {
    let mut escaped = false;
    text.iter().position(|byte| {
        let found = !escaped && is_mark(*byte);
        escaped = !escaped && *byte == b'\\';
        found
    })
}

/// Without the backslashes that stand before other bytes. This allocates, for the rare element that has one.
fn unescape(element: &[u8]) -> Cow<'_, [u8]> {
    if !element.contains(&b'\\') {
        return Cow::Borrowed(element);
    }
    let mut escaped = false;
    let keep = |byte: &u8| {
        escaped = !escaped && *byte == b'\\';
        !escaped
    };
    Cow::Owned(element.iter().copied().filter(keep).collect())
}

#[cfg(test)]
mod tests {
    use crate::{Bad, Encoded, Encoder, Parser};

    /// The elements of an encoded `text[]`, or of another type whose bytes are text.
    fn elements(column: &str, parser: Parser, text: &str) -> Result<Vec<Option<Vec<u8>>>, Bad> {
        let encoder = Encoder::new(column.parse().unwrap(), parser).unwrap();
        let mut out = b"kept".to_vec();
        let answer = encoder.encode(text.as_bytes(), &mut out);
        let field = out.split_off(4);
        assert_eq!(out, b"kept");
        let Ok(Encoded::Value) = answer else {
            assert!(field.is_empty());
            return Err(answer.unwrap_err());
        };
        let word = |at: usize| i32::from_be_bytes(field[at..at + 4].try_into().unwrap());
        assert_eq!(usize::try_from(word(0)).unwrap(), field.len() - 4);
        if word(4) == 0 {
            assert_eq!(field.len(), 16);
            return Ok(Vec::new());
        }
        assert_eq!((word(4), word(20)), (1, 1));
        let mut at = 24;
        let mut elements = Vec::new();
        while at < field.len() {
            let length = usize::try_from(word(at)).ok();
            at += 4;
            elements.push(length.map(|length| field[at..at + length].to_vec()));
            at += length.unwrap_or(0);
        }
        assert_eq!(usize::try_from(word(16)).unwrap(), elements.len());
        assert_eq!(word(8) == 1, elements.contains(&None));
        Ok(elements)
    }

    fn texts(elements: &[Option<&str>]) -> Vec<Option<Vec<u8>>> {
        elements.iter().map(|element| element.map(|text| text.as_bytes().to_vec())).collect()
    }

    #[test]
    fn a_plain_list_is_an_array() {
        let (auto, bar) = (Parser::Auto, Parser::ListBar);
        assert_eq!(elements("text[]", auto, "one,two,three"), Ok(texts(&[Some("one"), Some("two"), Some("three")])));
        assert_eq!(elements("text[]", auto, "one, two,,"), Ok(texts(&[Some("one"), Some("two"), None, None])));
        assert_eq!(elements("text[]", bar, "1|2|3"), Ok(texts(&[Some("1"), Some("2"), Some("3")])));
        assert_eq!(elements("text[]", bar, "{a,b}|c"), Ok(texts(&[Some("{a,b}"), Some("c")])));
        assert_eq!(elements("char(2)[]", auto, "one"), Err(Bad::TooLong));
    }

    #[test]
    fn postgresqls_own_syntax_is_an_array() {
        let one = |text| elements("text[]", Parser::Auto, text);
        assert_eq!(one("{}"), Ok(Vec::new()));
        assert_eq!(one("{ }"), Ok(Vec::new()));
        assert_eq!(one("{one,two}"), Ok(texts(&[Some("one"), Some("two")])));
        assert_eq!(one("{ one , NULL,\"NULL\" }"), Ok(texts(&[Some("one"), None, Some("NULL")])));
        assert_eq!(
            one(r#"{"two, or three",""," blank "}"#),
            Ok(texts(&[Some("two, or three"), Some(""), Some(" blank ")]))
        );
        assert_eq!(one(r#"{"say \"hi\"","back\\slash"}"#), Ok(texts(&[Some(r#"say "hi""#), Some("back\\slash")])));
        assert_eq!(one(r"{a\,b, \ c\ ,\null,\{}"), Ok(texts(&[Some("a,b"), Some(" c "), Some("null"), Some("{")])));
    }

    #[test]
    fn a_malformed_array_is_refused() {
        for text in [
            "{",
            "{a",
            "{a}b",
            "{a,}",
            "{,a}",
            "{a,,b}",
            "{\"a}",
            "{\"a\"b}",
            "{a\"b\"}",
            "{{a},{b}}",
            "a}",
            "a,\"b\"",
            "a\\b",
            "{a\\}",
            "{a\\,b",
        ] {
            assert_eq!(elements("text[]", Parser::Auto, text), Err(Bad::NotAnArray), "{text}");
        }
        assert_eq!(elements("integer[]", Parser::Auto, "1,2,x"), Err(Bad::NotAnInteger));
        assert_eq!(elements("integer[]", Parser::Auto, "{1,\"\"}"), Err(Bad::NotAnInteger));
    }

    #[test]
    fn elements_are_written_as_fields_are() {
        let three = 3_i32.to_be_bytes().to_vec();
        assert_eq!(elements("integer[]", Parser::Auto, "{3,NULL}"), Ok(vec![Some(three.clone()), None]));
        assert_eq!(
            elements("integer[]", Parser::ListSemicolon, "$3.00; ;3"),
            Ok(vec![Some(three.clone()), None, Some(three)])
        );
    }
}
