//! Text of fixed width: lines come in, the characters at the declared places of each go out as its fields. A line that ends before its
//! last field does is no complete record: it goes out as one field, which is too few.

use manifest::dataset::FixedField;
use memchr::memchr2;

use super::FormatError;
use super::blocks::Blocks;
use super::record::{Bounds, Place, ReadRecords, Record, bounds};

/// Most bytes of one line.
const LINE_MAX: usize = 8 << 20;

/// Ends the text in files of DOS.
const END_OF_FILE: u8 = 0x1a;

/// Reads lines.
pub struct Records<B> {
    blocks: B,
    /// Place in the current block.
    at: usize,
    /// Bytes before the current block.
    before: u64,
    line: u64,
    /// The last line ended in CR; an LF that follows belongs to it.
    after_cr: bool,
    places: Vec<FixedField>,
    names: Vec<String>,
    fields: Vec<Bounds>,
    /// A line that lies in two blocks is put together here.
    text: Vec<u8>,
    /// Where the characters of a line begin that are not all of one byte.
    characters: Vec<usize>,
}

impl<B: Blocks> Records<B> {
    /// Reads text with fields at these places, in UTF-8 and without a byte order mark.
    pub fn new(blocks: B, places: &[FixedField]) -> Self {
        Self {
            blocks,
            at: 0,
            before: 0,
            line: 1,
            after_cr: false,
            places: places.to_vec(),
            names: places.iter().map(|place| place.name.clone()).collect(),
            fields: Vec::new(),
            text: Vec::new(),
            characters: Vec::new(),
        }
    }

    /// Whether there is nothing but line ends.
    pub fn is_empty(&mut self) -> Result<bool, FormatError> {
        Ok(!self.seek_line()?)
    }

    fn advance(&mut self) -> Result<bool, FormatError> {
        self.before += self.blocks.block().len() as u64;
        self.at = 0;
        self.blocks.advance()?;
        Ok(!self.blocks.block().is_empty())
    }

    /// Goes to the first byte of the next line that has any; `false` at the end.
    fn seek_line(&mut self) -> Result<bool, FormatError> {
        loop {
            while let Some(&byte) = self.blocks.block().get(self.at) {
                match byte {
                    b'\n' if self.after_cr => self.after_cr = false,
                    b'\n' | b'\r' => self.end_line(byte),
                    _ => {
                        self.after_cr = false;
                        return Ok(true);
                    }
                }
                self.at += 1;
            }
            if !self.advance()? {
                return Ok(false);
            }
        }
    }

    fn end_line(&mut self, byte: u8) {
        self.line += 1;
        self.after_cr = byte == b'\r';
    }

    /// Goes behind the next line, and says where in its block it lies; `None` where it was put together from several.
    fn pass_line(&mut self) -> Result<Option<std::ops::Range<usize>>, FormatError> {
        self.text.clear();
        loop {
            let rest = &self.blocks.block()[self.at..];
            let found = memchr2(b'\n', b'\r', rest);
            let length = found.unwrap_or(rest.len());
            let place = self.at..self.at + length;
            let end = found.map(|found| rest[found]);
            if self.text.len() + length > LINE_MAX {
                return Err(FormatError::TooLarge { what: "one line", limit: LINE_MAX as u64 });
            }
            if let Some(end) = end {
                self.at = place.end + 1;
                self.end_line(end);
                if self.text.is_empty() {
                    return Ok(Some(place));
                }
            }
            self.text.extend_from_slice(&self.blocks.block()[place]);
            if end.is_some() || !self.advance()? {
                return Ok(None);
            }
        }
    }
}

impl<B: Blocks> ReadRecords for Records<B> {
    fn read(&mut self) -> Result<Option<Record<'_>>, FormatError> {
        loop {
            if !self.seek_line()? {
                return Ok(None);
            }
            let place = Place { line: self.line, offset: self.bytes() };
            let range = self.pass_line()?;
            // Looked at twice, for a line that is handed over is borrowed to the end.
            if is_blank(range.clone().map_or(&self.text, |range| &self.blocks.block()[range])) {
                continue;
            }
            let line = range.map_or(&self.text[..], |range| &self.blocks.block()[range]);
            cut(line, &self.places, &mut self.characters, &mut self.fields);
            return Ok(Some(Record::new(line, &self.fields, place)));
        }
    }

    fn bytes(&self) -> u64 {
        self.before + self.at as u64
    }

    fn names(&self) -> Option<&[String]> {
        Some(&self.names)
    }
}

fn is_blank(line: &[u8]) -> bool {
    line.iter().all(|byte| matches!(*byte, b' ' | b'\t' | END_OF_FILE))
}

/// Finds the fields of a line.
fn cut(line: &[u8], places: &[FixedField], characters: &mut Vec<usize>, fields: &mut Vec<Bounds>) {
    characters.clear();
    if !line.is_ascii() {
        let begins = |byte: u8| byte & 0xc0 != 0x80;
        characters.extend(line.iter().enumerate().filter(|(_, byte)| begins(**byte)).map(|(at, _)| at));
        characters.push(line.len());
    }
    // The byte at which a character begins that is counted from 0; the line's end for the one behind its last.
    let byte = |character: usize| match characters.as_slice() {
        [] => Some(character).filter(|at| *at <= line.len()),
        characters => characters.get(character).copied(),
    };
    fields.clear();
    for place in places {
        let start = place.start as usize - 1;
        let field = match place.width {
            Some(width) => byte(start).zip(byte(start + width as usize)),
            // The rest may be nothing at all.
            None => Some((byte(start).unwrap_or(line.len()), line.len())),
        };
        if let Some((start, end)) = field {
            fields.push(bounds(start, end));
        } else {
            fields.clear();
            // Of the one field of a layout nothing is left; of others there is one too few, whatever it holds.
            fields.extend((places.len() > 1).then(|| bounds(0, line.len())));
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::blocks::tests::Pieces;
    use super::*;

    fn field(name: &str, start: u32, width: Option<u32>) -> FixedField {
        FixedField { name: name.to_owned(), start, width }
    }

    fn layout() -> Vec<FixedField> {
        vec![field("boro", 1, Some(1)), field("block", 2, Some(5)), field("note", 8, None)]
    }

    fn read(text: &[u8], cuts: &[usize], places: &[FixedField]) -> Vec<(Place, Vec<String>)> {
        let mut records = Records::new(Pieces::cut(text, cuts), places);
        let mut all = Vec::new();
        while let Some(record) = records.read().unwrap() {
            let fields = record.fields().map(|field| String::from_utf8_lossy(field).into_owned()).collect();
            all.push((record.place(), fields));
        }
        assert_eq!(records.bytes(), text.len() as u64);
        all
    }

    fn fields(text: &str) -> Vec<(u64, String)> {
        let read = read(text.as_bytes(), &[], &layout());
        read.into_iter().map(|(place, fields)| (place.line, fields.join("|"))).collect()
    }

    #[test]
    fn fields_are_at_their_places_and_the_last_may_take_the_rest() {
        let text = "100001 first\r\n\n200002\r300003 \n     \n4 0004 last\x20";
        let expected = [(1, "1|00001|first"), (3, "2|00002|"), (4, "3|00003|"), (6, "4| 0004|last ")];
        assert_eq!(fields(text), expected.map(|(line, text)| (line, text.to_owned())));
    }

    #[test]
    fn a_line_that_ends_within_a_field_is_one_field_too_few() {
        let expected = [(1, "1|00001|x"), (2, "20000"), (3, "3|00003|")];
        assert_eq!(fields("100001 x\n20000\n300003\n\x1a"), expected.map(|(line, text)| (line, text.to_owned())));
        let alone = read(b"abc\nab\n", &[], &[field("a", 1, Some(3))]);
        assert_eq!(alone.iter().map(|(_, fields)| fields.len()).collect::<Vec<_>>(), [1, 0]);
    }

    #[test]
    fn characters_are_counted_and_not_bytes() {
        assert_eq!(fields("1éàüßñ_café\n"), [(1, "1|éàüßñ|café".to_owned())]);
        assert_eq!(fields("1éàüß\n"), [(1, "1éàüß".to_owned())]);
        // What no encoding can mean is one character too.
        let read = read(b"1ab\xffcd_x", &[], &layout());
        assert_eq!(read[0].1, ["1", "ab\u{fffd}cd", "x"]);
    }

    #[test]
    fn a_line_without_end_does_not_take_all_memory() {
        let mut records = Records::new(Pieces::cut(&vec![b'x'; LINE_MAX + 10], &[9]), &layout());
        assert!(matches!(records.read(), Err(FormatError::TooLarge { .. })));
        assert!(Records::new(Pieces::cut(b"\r\n\n", &[]), &layout()).is_empty().unwrap());
    }

    proptest! {
        #[test]
        fn where_blocks_end_makes_no_difference(
            text in "[ab \r\n\u{e9}\u{20ac}]{0,60}", cuts in proptest::collection::vec(0_usize..200, 0..12),
        ) {
            prop_assert_eq!(read(text.as_bytes(), &cuts, &layout()), read(text.as_bytes(), &[], &layout()));
        }
    }
}
