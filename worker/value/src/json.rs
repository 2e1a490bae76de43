//! `json` and `jsonb`: the text goes out as it came, once it is known that the server will take it. `jsonb` further refuses what it cannot
//! hold: `\u0000`, halves of surrogate pairs, and numbers beyond `numeric`. That `jsonb` keeps the last of equal keys is its
//! own meaning, and not undone here.

mod nest;

use self::nest::{Container, Nest};
use crate::Bad;
use crate::number::Number;
use crate::numeric;
use crate::wire::{self, MAX_FIELD};

/// Longest text of a `jsonb`. The server builds at most six bytes for each of it, and stops at 256 MB.
const MAX_JSONB: usize = 32 << 20;

/// Version of `jsonb`'s wire form.
const VERSION: u8 = 1;

/// Writes `json`.
pub(crate) fn encode_json(text: &[u8], out: &mut Vec<u8>) -> Result<(), Bad> {
    if text.len() > MAX_FIELD {
        return Err(Bad::TooLong);
    }
    Reader { rest: text, holds: Holds::Text }.document()?;
    wire::put(out, text);
    Ok(())
}

/// Writes `jsonb`.
pub(crate) fn encode_jsonb(text: &[u8], out: &mut Vec<u8>) -> Result<(), Bad> {
    if text.len() > MAX_JSONB {
        return Err(Bad::TooLong);
    }
    Reader { rest: text, holds: Holds::Values }.document()?;
    out.reserve(5 + text.len());
    out.extend_from_slice(&wire::length(1 + text.len()));
    out.push(VERSION);
    out.extend_from_slice(text);
    Ok(())
}

/// What becomes of the document: kept as text, or taken apart.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Holds {
    Text,
    Values,
}

struct Reader<'a> {
    rest: &'a [u8],
    holds: Holds,
}

impl Reader<'_> {
    fn document(mut self) -> Result<(), Bad> {
        if std::str::from_utf8(self.rest).is_err() {
            return Err(Bad::NotUtf8);
        }
        let mut nest = Nest::default();
        loop {
            self.blanks();
            let before = self.rest;
            match self.next() {
                Some(b'{') => {
                    nest.open(Container::Object)?;
                    if !self.closes(b'}') {
                        self.key()?;
                        continue;
                    }
                    nest.close();
                }
                Some(b'[') => {
                    nest.open(Container::Array)?;
                    if !self.closes(b']') {
                        continue;
                    }
                    nest.close();
                }
                Some(b'"') => self.string()?,
                Some(b't') => self.word(b"rue")?,
                Some(b'f') => self.word(b"alse")?,
                Some(b'n') => self.word(b"ull")?,
                Some(b'-' | b'0'..=b'9') => {
                    self.rest = before;
                    self.number()?;
                }
                _ => return Err(Bad::NotJson),
            }
            // A value has ended; so may the containers around it.
            loop {
                self.blanks();
                match (nest.innermost(), self.next()) {
                    (None, None) => return Ok(()),
                    (Some(Container::Array), Some(b']')) | (Some(Container::Object), Some(b'}')) => nest.close(),
                    (Some(Container::Array), Some(b',')) => break,
                    (Some(Container::Object), Some(b',')) => {
                        self.blanks();
                        self.key()?;
                        break;
                    }
                    _ => return Err(Bad::NotJson),
                }
            }
        }
    }

    fn next(&mut self) -> Option<u8> {
        let (first, rest) = self.rest.split_first()?;
        self.rest = rest;
        Some(*first)
    }

    fn blanks(&mut self) {
        while let [b' ' | b'\t' | b'\n' | b'\r', rest @ ..] = self.rest {
            self.rest = rest;
        }
    }

    /// Takes the end of a container that holds nothing.
    fn closes(&mut self, end: u8) -> bool {
        self.blanks();
        self.take(end)
    }

    fn take(&mut self, byte: u8) -> bool {
        let found = self.rest.first() == Some(&byte);
        if found {
            self.rest = &self.rest[1..];
        }
        found
    }

    fn word(&mut self, rest_of_it: &[u8]) -> Result<(), Bad> {
        self.rest = self.rest.strip_prefix(rest_of_it).ok_or(Bad::NotJson)?;
        Ok(())
    }

    fn key(&mut self) -> Result<(), Bad> {
        if !self.take(b'"') {
            return Err(Bad::NotJson);
        }
        self.string()?;
        self.blanks();
        if self.take(b':') { Ok(()) } else { Err(Bad::NotJson) }
    }

    /// A string whose opening quote is taken already.
    fn string(&mut self) -> Result<(), Bad> {
        loop {
            match self.next() {
                Some(b'"') => return Ok(()),
                Some(b'\\') => self.escape()?,
                None | Some(0..=0x1f) => return Err(Bad::NotJson),
                Some(_) => {}
            }
        }
    }

    fn escape(&mut self) -> Result<(), Bad> {
        match self.next() {
            Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => return Ok(()),
            Some(b'u') => {}
            _ => return Err(Bad::NotJson),
        }
        let unit = self.hex4()?;
        if self.holds == Holds::Text {
            return Ok(());
        }
        match unit {
            0 => Err(Bad::NulByte),
            0xd800..=0xdbff => {
                self.word(b"\\u")?;
                if matches!(self.hex4()?, 0xdc00..=0xdfff) { Ok(()) } else { Err(Bad::NotJson) }
            }
            0xdc00..=0xdfff => Err(Bad::NotJson),
            _ => Ok(()),
        }
    }

    fn hex4(&mut self) -> Result<u32, Bad> {
        let mut value = 0;
        for _ in 0..4 {
            let digit = self.next().and_then(crate::uuid::hex).ok_or(Bad::NotJson)?;
            value = value << 4 | u32::from(digit);
        }
        Ok(value)
    }

    fn number(&mut self) -> Result<(), Bad> {
        let text = self.rest;
        self.take(b'-');
        if !self.take(b'0') && self.digits() == 0 {
            return Err(Bad::NotJson);
        }
        if self.take(b'.') && self.digits() == 0 {
            return Err(Bad::NotJson);
        }
        if self.take(b'e') || self.take(b'E') {
            let _ = self.take(b'+') || self.take(b'-');
            if self.digits() == 0 {
                return Err(Bad::NotJson);
            }
        }
        match self.holds {
            Holds::Text => Ok(()),
            Holds::Values => numeric::check(&Number::read(&text[..text.len() - self.rest.len()])?),
        }
    }

    /// Takes digits, and says how many.
    fn digits(&mut self) -> usize {
        let count = self.rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
        self.rest = &self.rest[count..];
        count
    }
}

#[cfg(test)]
mod tests {
    use super::nest::MAX_DEPTH;
    use super::{encode_json, encode_jsonb};
    use crate::Bad;

    fn both(text: &str) -> (Result<(), Bad>, Result<(), Bad>) {
        (encode_json(text.as_bytes(), &mut Vec::new()), encode_jsonb(text.as_bytes(), &mut Vec::new()))
    }

    #[test]
    fn json_goes_out_as_it_came() {
        let text = br#"{"a" : [1, -2.5e+3, "\u00e9\n", true, null], "b": {}}"#;
        let mut out = Vec::new();
        encode_json(text, &mut out).unwrap();
        assert_eq!(&out[4..], text);
        out.clear();
        encode_jsonb(text, &mut out).unwrap();
        assert_eq!((out[4], &out[5..]), (1, &text[..]));
    }

    #[test]
    fn every_kind_of_value_may_stand_alone() {
        for text in [
            "1",
            "-0",
            "0.5",
            "1e3",
            "\"\"",
            "true",
            "false",
            "null",
            "[]",
            "{}",
            "[[],{}]",
            " [ ] ",
            "{\"a\":1,\"a\":2}",
            "\"é\"",
        ] {
            assert_eq!(both(text), (Ok(()), Ok(())), "{text}");
        }
    }

    #[test]
    fn what_the_server_would_refuse_is_refused_here() {
        for text in [
            "",
            "{",
            "[1,]",
            "[,1]",
            "{\"a\"}",
            "{\"a\":}",
            "{\"a\":1,}",
            "{a:1}",
            "'a'",
            "01",
            "1.",
            ".5",
            "+1",
            "1e",
            "-",
            "nul",
            "nulll",
            "tru",
            "[1 2]",
            "1 2",
            "[}",
            "{]",
            "\"\\x\"",
            "\"\\u12\"",
            "\"a",
            "\"\u{1}\"",
            "NaN",
            "Infinity",
            "]",
            "[1]]",
            "//",
        ] {
            assert_eq!(both(text), (Err(Bad::NotJson), Err(Bad::NotJson)), "{text}");
        }
        assert_eq!(encode_json(b"\"\xff\"", &mut Vec::new()), Err(Bad::NotUtf8));
    }

    #[test]
    fn jsonb_refuses_what_only_json_can_hold() {
        for (text, bad) in [
            (r#""\u0000""#, Bad::NulByte),
            (r#""\ud83d""#, Bad::NotJson),
            (r#""\ud83dx""#, Bad::NotJson),
            (r#""\ude00""#, Bad::NotJson),
            (r#""\ud83d\u0041""#, Bad::NotJson),
            ("1e200000", Bad::OutOfRange),
            ("[1e-20000]", Bad::TooPrecise),
        ] {
            assert_eq!(both(text), (Ok(()), Err(bad)), "{text}");
        }
        assert_eq!(both(r#""\ud83d\ude00""#), (Ok(()), Ok(())));
    }

    #[test]
    fn nesting_has_a_limit() {
        let nested = |depth: usize| "[".repeat(depth) + &"]".repeat(depth);
        assert_eq!(both(&nested(MAX_DEPTH)), (Ok(()), Ok(())));
        assert_eq!(both(&nested(MAX_DEPTH + 1)), (Err(Bad::TooDeep), Err(Bad::TooDeep)));
        assert_eq!(both(&"[{\"a\":".repeat(MAX_DEPTH)), (Err(Bad::TooDeep), Err(Bad::TooDeep)));
    }
}
