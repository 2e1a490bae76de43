//! The binary records that a workbook of Excel 97–2003, or of Excel 95, is a stream of: each with a kind, a length and its bytes, and with
//! records that continue one that is too long for its length.

use encoding_rs::Encoding;
use manifest::dataset::Format;

use crate::format::FormatError;

/// A record that continues the one before it.
const CONTINUE: u16 = 0x003c;

pub(super) fn damaged(detail: impl Into<String>) -> FormatError {
    FormatError::Corrupt(Format::Xls, detail.into())
}

/// A record.
#[derive(Debug, Clone, Copy)]
pub(super) struct Record<'s> {
    pub(super) kind: u16,
    /// Where it begins in the stream.
    pub(super) at: usize,
    pub(super) data: &'s [u8],
}

impl<'s> Record<'s> {
    /// Its first bytes, which say what it is.
    pub(super) fn head<const N: usize>(&self) -> Result<&'s [u8; N], FormatError> {
        let head = self.data.first_chunk();
        head.ok_or_else(|| damaged(format!("its record of kind {:#06x} has only {} bytes", self.kind, self.data.len())))
    }
}

/// Records in their order.
#[derive(Debug, Clone, Copy)]
pub(super) struct Records<'s> {
    stream: &'s [u8],
    at: usize,
}

impl<'s> Records<'s> {
    /// Those from this place on.
    pub(super) fn from(stream: &'s [u8], at: usize) -> Self {
        Self { stream, at }
    }

    /// The next; an error where the stream ends before.
    pub(super) fn next(&mut self) -> Result<Record<'s>, FormatError> {
        self.following().ok_or_else(|| damaged("it ends before its last record"))
    }

    fn following(&mut self) -> Option<Record<'s>> {
        let (head, rest) = self.stream.get(self.at..)?.split_first_chunk::<4>()?;
        let length = usize::from(u16::from_le_bytes([head[2], head[3]]));
        let record = Record { kind: u16::from_le_bytes([head[0], head[1]]), at: self.at, data: rest.get(..length)? };
        self.at += 4 + length;
        Some(record)
    }
}

/// How texts are written.
#[derive(Debug, Clone, Copy)]
pub(super) enum Letters {
    /// As UTF-16, without the upper bytes where all of them are zero.
    Unicode,
    /// In a code page; `None` where it is not one of the web's.
    Page(Option<&'static Encoding>),
}

/// Bytes of a record and of those that continue it.
#[derive(Debug)]
pub(super) struct Stretch<'s> {
    data: &'s [u8],
    records: Records<'s>,
}

impl<'s> Stretch<'s> {
    /// The record at this place, without so many bytes at its start.
    pub(super) fn at(stream: &'s [u8], at: usize, skip: usize) -> Result<Self, FormatError> {
        let mut records = Records::from(stream, at);
        let record = records.next()?;
        let data = record.data.get(skip..).ok_or_else(cut_off)?;
        Ok(Self { data, records })
    }

    /// Goes on to the bytes that continue, where those before are read; whether there are any left.
    pub(super) fn has_more(&mut self) -> bool {
        while self.data.is_empty() {
            let mut records = self.records;
            match records.following() {
                Some(record) if record.kind == CONTINUE => (self.data, self.records) = (record.data, records),
                _ => return false,
            }
        }
        true
    }

    pub(super) fn take<const N: usize>(&mut self) -> Result<[u8; N], FormatError> {
        let (taken, rest) = self.data.split_first_chunk().ok_or_else(cut_off)?;
        self.data = rest;
        Ok(*taken)
    }

    fn take16(&mut self) -> Result<usize, FormatError> {
        self.take().map(|bytes| usize::from(u16::from_le_bytes(bytes)))
    }

    fn skip(&mut self, mut bytes: usize) -> Result<(), FormatError> {
        while bytes > 0 {
            if !self.has_more() {
                return Err(cut_off());
            }
            let skipped = bytes.min(self.data.len());
            self.data = &self.data[skipped..];
            bytes -= skipped;
        }
        Ok(())
    }

    /// Appends a text whose length in characters stands before it in one byte.
    pub(super) fn short_text(&mut self, letters: Letters, out: &mut String) -> Result<(), FormatError> {
        let [length] = self.take()?;
        self.text(usize::from(length), letters, out)
    }

    /// The same with two bytes for the length.
    pub(super) fn long_text(&mut self, letters: Letters, out: &mut String) -> Result<(), FormatError> {
        let length = self.take16()?;
        // Some programs leave out what comes behind the length of a text without characters.
        if length == 0 { Ok(()) } else { self.text(length, letters, out) }
    }

    fn text(&mut self, length: usize, letters: Letters, out: &mut String) -> Result<(), FormatError> {
        match letters {
            Letters::Unicode => {
                let [flags] = self.take()?;
                self.unicode(length, flags, out)
            }
            Letters::Page(page) => {
                let bytes = self.data.split_at_checked(length);
                let (text, rest) = bytes.ok_or_else(cut_off)?;
                self.data = rest;
                let text = match page {
                    _ if text.is_ascii() => String::from_utf8_lossy(text),
                    Some(page) => page.decode_without_bom_handling(text).0,
                    None => return Err(damaged("its texts are in a code page that is not read")),
                };
                out.push_str(&text);
                Ok(())
            }
        }
    }

    /// A text of the table that cells share: with fonts and phonetic signs behind it.
    pub(super) fn rich_text(&mut self, out: &mut String) -> Result<(), FormatError> {
        let length = self.take16()?;
        let [flags] = self.take()?;
        let fonts = if flags & 8 == 0 { 0 } else { self.take16()? };
        let signs = if flags & 4 == 0 { 0 } else { u32::from_le_bytes(self.take()?) as usize };
        self.unicode(length, flags, out)?;
        self.skip(fonts * 4)?;
        self.skip(signs)
    }

    /// Units of UTF-16. Where they continue in another record, a byte before them says anew whether they have upper bytes.
    fn unicode(&mut self, length: usize, mut flags: u8, out: &mut String) -> Result<(), FormatError> {
        let (mut left, mut high) = (length, None);
        while left > 0 {
            if self.data.is_empty() {
                if !self.has_more() {
                    return Err(cut_off());
                }
                [flags] = self.take()?;
            }
            let width = if flags & 1 == 0 { 1 } else { 2 };
            let units = left.min(self.data.len() / width);
            let (text, rest) = self.data.split_at(units * width);
            if units == 0 && !rest.is_empty() {
                return Err(cut_off());
            }
            (self.data, left) = (rest, left - units);
            if width == 1 && high.is_none() {
                out.extend(text.iter().map(|byte| char::from(*byte)));
                continue;
            }
            let narrow = text.iter().filter(|_| width == 1).map(|byte| u16::from(*byte));
            let wide = if width == 2 { text.as_chunks().0 } else { &[] };
            let wide = wide.iter().map(|unit| u16::from_le_bytes(*unit));
            let units = high.take().into_iter().chain(narrow).chain(wide);
            let units: Vec<u16> = units.collect();
            // Half of a pair may wait for its other half in the next record.
            let whole = match units.last() {
                Some(last @ 0xd800..=0xdbff) if left > 0 => {
                    high = Some(*last);
                    &units[..units.len() - 1]
                }
                _ => &units[..],
            };
            let decoded = char::decode_utf16(whole.iter().copied());
            out.extend(decoded.map(|c| c.unwrap_or(char::REPLACEMENT_CHARACTER)));
        }
        Ok(())
    }
}

fn cut_off() -> FormatError {
    damaged("a text of it is cut off")
}
