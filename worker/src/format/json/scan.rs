//! One object after the other out of blocks: from the array that they stand in, from one line each, or from a collection of features.
//! Nothing but brackets and quotes is looked at here.

use manifest::dataset::Format;

use super::members::string;
use crate::format::blocks::Blocks;
use crate::format::record::Place;
use crate::format::{FormatError, Impostor};

/// Most bytes of one object.
const OBJECT_MAX: usize = 64 << 20;

/// Looks for objects.
#[derive(Debug)]
pub(super) struct Scan<B> {
    blocks: B,
    at: usize,
    before: u64,
    line: u64,
    format: Format,
    state: State,
    crs: Option<u32>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// Between what the file consists of.
    Top,
    /// In an array, before an object.
    First,
    /// In an array, behind an object.
    Further,
}

impl<B: Blocks> Scan<B> {
    pub(super) fn new(blocks: B, format: Format) -> Self {
        Self { blocks, at: 0, before: 0, line: 1, format, state: State::Top, crs: None }
    }

    pub(super) fn bytes(&self) -> u64 {
        self.before + self.at as u64
    }

    /// The reference system that the file names, as far as it was read.
    pub(super) fn crs(&self) -> Option<u32> {
        self.crs
    }

    /// Puts the next object into `text`, and tells where it begins; `None` at the end.
    pub(super) fn object(&mut self, text: &mut Vec<u8>) -> Result<Option<Place>, FormatError> {
        text.clear();
        loop {
            let next = self.peek()?;
            let place = self.place();
            match (self.state, next) {
                (State::Top, None) => return Ok(None),
                (_, None) => return Err(self.damaged("it ends in the middle of an array")),
                (State::Top, Some(b'[')) if self.format == Format::Json => self.enter(),
                (State::Top, Some(b'{')) if self.format == Format::Ndjson => {
                    self.value(text)?;
                    return Ok(Some(place));
                }
                (State::Top, Some(b'{')) if self.format == Format::Geojson => {
                    if self.collection(text)? {
                        return Ok(Some(place));
                    }
                }
                (State::Top, Some(b'{')) => {
                    return Err(
                        self.damaged("an object stands where an array of objects should; ndjson has one a line")
                    );
                }
                (State::First | State::Further, Some(b']')) => {
                    self.at += 1;
                    self.leave(text)?;
                }
                (State::First, Some(b'{')) => {
                    self.state = State::Further;
                    self.value(text)?;
                    return Ok(Some(place));
                }
                (State::Further, Some(b',')) => {
                    self.at += 1;
                    self.state = State::First;
                }
                _ => return Err(self.damaged("something else stands where an object should")),
            }
        }
    }

    fn enter(&mut self) {
        self.at += 1;
        self.state = State::First;
    }

    /// Goes behind the array's end, and behind what follows it in a collection.
    fn leave(&mut self, text: &mut Vec<u8>) -> Result<(), FormatError> {
        self.state = State::Top;
        if self.format == Format::Geojson {
            while self.mark(b',')? {
                self.member(text)?;
            }
            if !self.mark(b'}')? {
                return Err(self.damaged("its collection of features does not end"));
            }
        }
        text.clear();
        Ok(())
    }

    /// Reads a collection up to its features, or a feature that stands alone: that is put into `text`, and `true`.
    fn collection(&mut self, text: &mut Vec<u8>) -> Result<bool, FormatError> {
        text.push(b'{');
        self.at += 1;
        let mut is_feature = false;
        loop {
            if self.mark(b'}')? {
                text.push(b'}');
                // A message of the server's, rather than an empty collection.
                return if is_feature { Ok(true) } else { Err(FormatError::Impostor(Impostor::Json)) };
            }
            let start = text.len();
            self.key(text)?;
            let key = text[start..].to_vec();
            if key == b"\"features\"" && self.peek()? == Some(b'[') {
                self.enter();
                text.clear();
                return Ok(false);
            }
            let value = text.len() + 1;
            text.push(b':');
            self.value(text)?;
            is_feature |= key == b"\"geometry\"";
            self.note(&key, &text[value..]);
            if self.mark(b',')? {
                text.push(b',');
            }
        }
    }

    /// A member that is not looked at any further.
    fn member(&mut self, text: &mut Vec<u8>) -> Result<(), FormatError> {
        text.clear();
        self.key(text)?;
        let key = std::mem::take(text);
        self.value(text)?;
        self.note(&key, text);
        Ok(())
    }

    fn note(&mut self, key: &[u8], value: &[u8]) {
        if key == b"\"crs\"" && self.crs.is_none() {
            self.crs = crs(&String::from_utf8_lossy(value));
        }
    }

    fn key(&mut self, text: &mut Vec<u8>) -> Result<(), FormatError> {
        if self.peek()? != Some(b'"') {
            return Err(self.damaged("a name is missing"));
        }
        self.value(text)?;
        if self.mark(b':')? { Ok(()) } else { Err(self.damaged("a name has no value")) }
    }

    /// Appends the value that is next.
    fn value(&mut self, text: &mut Vec<u8>) -> Result<(), FormatError> {
        let first = self.peek()?;
        let (open, close) = match first {
            Some(b'{') => (b'{', b'}'),
            Some(b'[') => (b'[', b']'),
            Some(b'"') => return self.string(text),
            _ => return self.word(text),
        };
        let mut depth = 0_usize;
        loop {
            let rest = &self.blocks.block()[self.at..];
            // What is in the block is looked through as a whole, and moved once.
            let mut seen = 0;
            let is_in_string = loop {
                let Some(found) = memchr::memchr3(open, close, b'"', &rest[seen..]) else {
                    seen = rest.len();
                    break false;
                };
                seen += found;
                if rest[seen] == b'"' {
                    match string(&rest[seen..]) {
                        Some(length) => seen += length,
                        None => break true,
                    }
                    continue;
                }
                depth = if rest[seen] == open { depth + 1 } else { depth - 1 };
                seen += 1;
                if depth == 0 {
                    return self.take(seen, text);
                }
            };
            self.take(seen, text)?;
            if is_in_string { self.string(text)? } else { self.refill()? }
        }
    }

    /// Appends the string that is next, with its quotes.
    fn string(&mut self, text: &mut Vec<u8>) -> Result<(), FormatError> {
        self.take(1, text)?;
        loop {
            let rest = &self.blocks.block()[self.at..];
            match memchr::memchr2(b'"', b'\\', rest) {
                Some(found) if rest[found] == b'"' => return self.take(found + 1, text),
                Some(found) => {
                    self.take(found + 1, text)?;
                    if self.at == self.blocks.block().len() {
                        self.refill()?;
                    }
                    self.take(1, text)?;
                }
                None => {
                    self.take(rest.len(), text)?;
                    self.refill()?;
                }
            }
        }
    }

    /// Appends a number or a word.
    fn word(&mut self, text: &mut Vec<u8>) -> Result<(), FormatError> {
        while let Some(byte) = self.byte()? {
            if matches!(byte, b',' | b'}' | b']' | b':') || byte.is_ascii_whitespace() {
                return Ok(());
            }
            self.take(1, text)?;
        }
        Ok(())
    }

    /// Moves bytes of the block.
    fn take(&mut self, bytes: usize, text: &mut Vec<u8>) -> Result<(), FormatError> {
        let taken = &self.blocks.block()[self.at..self.at + bytes];
        text.extend_from_slice(taken);
        self.line += memchr::memchr_iter(b'\n', taken).count() as u64;
        self.at += bytes;
        if text.len() > OBJECT_MAX {
            return Err(FormatError::TooLarge { what: "one object", limit: OBJECT_MAX as u64 });
        }
        Ok(())
    }

    /// The next block where one must come.
    fn refill(&mut self) -> Result<(), FormatError> {
        if self.advance()? { Ok(()) } else { Err(self.damaged("it ends in the middle of an object")) }
    }

    fn advance(&mut self) -> Result<bool, FormatError> {
        self.before += self.blocks.block().len() as u64;
        self.at = 0;
        self.blocks.advance()?;
        Ok(!self.blocks.block().is_empty())
    }

    fn byte(&mut self) -> Result<Option<u8>, FormatError> {
        if self.at == self.blocks.block().len() && !self.advance()? {
            return Ok(None);
        }
        Ok(self.blocks.block().get(self.at).copied())
    }

    /// The next byte that is no blank.
    fn peek(&mut self) -> Result<Option<u8>, FormatError> {
        while let Some(byte) = self.byte()? {
            if !byte.is_ascii_whitespace() {
                return Ok(Some(byte));
            }
            self.line += u64::from(byte == b'\n');
            self.at += 1;
        }
        Ok(None)
    }

    fn mark(&mut self, mark: u8) -> Result<bool, FormatError> {
        let found = self.peek()? == Some(mark);
        self.at += usize::from(found);
        Ok(found)
    }

    fn place(&self) -> Place {
        Place { line: self.line, offset: self.bytes() }
    }

    fn damaged(&self, detail: &str) -> FormatError {
        super::damaged(self.format, self.place(), detail)
    }
}

/// The number in EPSG of the member `crs` that GeoJSON had before it became a standard.
fn crs(value: &str) -> Option<u32> {
    if value.contains("CRS84") {
        return Some(4326);
    }
    let (_, code) = value.split_once("EPSG")?;
    let digits: String = code.chars().skip_while(|c| !c.is_ascii_digit()).take_while(char::is_ascii_digit).collect();
    digits.parse().ok()
}
