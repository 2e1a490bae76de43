//! Arrays. Text comes in, either as PostgreSQL writes it (`{one,"two, or three",NULL}`, `{{1,2},{3,4}}`) or as a plain list
//! (`one,two`); a header and the elements, each like a field of its own, go out. Elements of a plain list are treated as fields are: a
//! blank one is NULL. Every dimension begins at 1; the syntax that says otherwise is not taken.

use crate::blank::{trim_plain, trim_plain_start};
use crate::wire::{self, MAX_FIELD};
use crate::{Bad, Encoded};
use std::cell::Cell;

/// The header of an array without dimensions: the field's length, dimensions, whether any element is NULL, element type.
const HEADER: usize = 16;

/// What each dimension adds: its length, the index of the first.
const DIMENSION: usize = 8;

/// Most dimensions of an array.
const MAX_DIMENSIONS: usize = 6;

/// Most elements of an array.
const MAX_ELEMENTS: u32 = 0x3fff_ffff / 8;

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
    let dimensions = if form == Form::Auto { nested(text) } else { 0 }.max(1);
    if dimensions > MAX_DIMENSIONS {
        return Err(Bad::NotAnArray);
    }
    out.resize(start + HEADER + dimensions * DIMENSION, 0);
    let (mut count, mut nulls) = (0_u32, 0_u32);
    let mut each = |element: Element<'_>| {
        count += 1;
        if write(element, out)? == Encoded::Null {
            nulls = 1;
        }
        Ok(())
    };
    let mut lengths = [None; MAX_DIMENSIONS];
    match (form, text) {
        (Form::Auto, [b'{', ..]) => literal(text, &mut lengths[..dimensions], each)?,
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
        out.truncate(start + HEADER);
    }
    let length = out.len() - start - 4;
    if length > MAX_FIELD || count > MAX_ELEMENTS {
        return Err(Bad::TooLong);
    }
    let used = if count == 0 { 0 } else { dimensions };
    let words = [u32::try_from(used).map_err(|_| Bad::NotAnArray)?, nulls, element_oid];
    let bounds = lengths[..used].iter().flat_map(|length| [length.unwrap_or(count), 1]);
    out[start..start + 4].copy_from_slice(&wire::length(length));
    for (slot, word) in out[start + 4..].chunks_exact_mut(4).zip(words.into_iter().chain(bounds)) {
        slot.copy_from_slice(&word.to_be_bytes());
    }
    Ok(())
}

/// How many braces a text begins with.
fn nested(mut text: &[u8]) -> usize {
    let mut depth = 0;
    while let [b'{', rest @ ..] = text {
        depth += 1;
        text = trim_plain_start(rest);
    }
    depth
}

/// Takes apart an array as PostgreSQL writes it, and finds how long each of its dimensions is.
fn literal(
    text: &[u8],
    lengths: &mut [Option<u32>],
    mut each: impl FnMut(Element<'_>) -> Result<(), Bad>,
) -> Result<(), Bad> {
    let mut counts = [0_u32; MAX_DIMENSIONS];
    let (mut rest, mut depth) = (text, 0);
    if lengths.len() == 1 && matches!(trim_plain_start(&text[1..]), b"}") {
        return Ok(());
    }
    loop {
        // An element, or what opens a deeper array.
        rest = trim_plain_start(rest);
        if let [b'{', inside @ ..] = rest {
            if depth == lengths.len() {
                return Err(Bad::NotAnArray);
            }
            counts[depth] = 0;
            (rest, depth) = (inside, depth + 1);
            continue;
        }
        if depth != lengths.len() {
            return Err(Bad::NotAnArray);
        }
        rest = if let [b'"', quoted @ ..] = rest {
            let end = end_of(quoted, |byte| byte == b'"').ok_or(Bad::NotAnArray)?;
            unescaped(&quoted[..end], |text| each(Element::Exact(text)))?;
            &quoted[end + 1..]
        } else {
            let end = end_of(rest, |byte| matches!(byte, b',' | b'}')).ok_or(Bad::NotAnArray)?;
            bare(&rest[..end], &mut each)?;
            &rest[end..]
        };
        counts[depth - 1] += 1;
        // What closes arrays, until another element follows.
        loop {
            match trim_plain_start(rest) {
                [b',', behind @ ..] => {
                    rest = behind;
                    break;
                }
                [b'}', behind @ ..] => {
                    depth -= 1;
                    // All arrays of one depth are alike.
                    if *lengths[depth].get_or_insert(counts[depth]) != counts[depth] {
                        return Err(Bad::NotAnArray);
                    }
                    if depth == 0 {
                        return if behind.is_empty() { Ok(()) } else { Err(Bad::NotAnArray) };
                    }
                    counts[depth - 1] += 1;
                    rest = behind;
                }
                _ => return Err(Bad::NotAnArray),
            }
        }
    }
}

/// An element without quotes. A byte behind a backslash is an ordinary one, blanks and marks included.
fn bare(element: &[u8], each: &mut impl FnMut(Element<'_>) -> Result<(), Bad>) -> Result<(), Bad> {
    let begun = trim_plain_start(element);
    let mut bare = trim_plain(begun);
    let is_open = |text: &[u8]| text.iter().rev().take_while(|byte| **byte == b'\\').count() % 2 == 1;
    if is_open(bare) {
        // The blank that was trimmed last is an escaped one.
        bare = begun.get(..=bare.len()).ok_or(Bad::NotAnArray)?;
    }
    if bare.is_empty() || end_of(bare, |byte| matches!(byte, b'"' | b'{' | b'}')).is_some() {
        return Err(Bad::NotAnArray);
    }
    match bare.contains(&b'\\') {
        true => unescaped(bare, |text| each(Element::Exact(text))),
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

/// Hands on an element without the backslashes that stand before other bytes.
fn unescaped<T>(element: &[u8], then: impl FnOnce(&[u8]) -> T) -> T {
    thread_local! {
        /// Room for one element, which all of a thread's share.
        static ROOM: Cell<Vec<u8>> = const { Cell::new(Vec::new()) };
    }
    if !element.contains(&b'\\') {
        return then(element);
    }
    let mut escaped = false;
    let keep = |byte: &u8| {
        escaped = !escaped && *byte == b'\\';
        !escaped
    };
    let mut room = ROOM.take();
    room.clear();
    room.extend(element.iter().copied().filter(keep));
    let done = then(&room);
    ROOM.set(room);
    done
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
    fn arrays_of_arrays_have_their_dimensions() {
        let encoder = Encoder::new("integer[]".parse().unwrap(), Parser::Auto).unwrap();
        let mut out = Vec::new();
        encoder.encode(b"{ {1,2,NULL} ,{4,5,6}}", &mut out).unwrap();
        let words: Vec<i32> = out.chunks(4).map(|word| i32::from_be_bytes(word.try_into().unwrap())).collect();
        // Length; dimensions, NULLs, type; length and first of each; six elements.
        assert_eq!(words[..8], [i32::try_from(out.len()).unwrap() - 4, 2, 1, 23, 2, 1, 3, 1]);
        assert_eq!(words[8..], [4, 1, 4, 2, -1, 4, 4, 4, 5, 4, 6]);
        let mut deep = Vec::new();
        encoder.encode(b"{{{{{{7}}}}}}", &mut deep).unwrap();
        assert_eq!(deep[4..8], 6_i32.to_be_bytes());
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
            "{{a},b}",
            "{a,{b}}",
            "{{a},{b,c}}",
            "{{a},{}}",
            "{{}}",
            "{{a}",
            "{{{{{{{a}}}}}}}",
            "[0:1]={a,b}",
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
