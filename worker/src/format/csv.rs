//! Delimited text: blocks of bytes come in, records go out with the place where each began. RFC 4180, and what is written in
//! its name: any delimiter of one byte, lines that end in LF, CRLF or CR, quotes in the middle of a field, blank lines.

mod cut;

use cut::cut;

use super::FormatError;
use super::blocks::Blocks;
use super::record::{Bounds, Place, ReadRecords, Record, bounds};

/// Most bytes of one record. A longer one is a quote that was never closed.
pub const RECORD_MAX: usize = 8 << 20;

/// Reads records.
pub struct Records<B> {
    blocks: B,
    /// Place in the current block.
    at: usize,
    /// Bytes before the current block.
    before: u64,
    line: u64,
    /// The last line ended in CR; an LF that follows belongs to it.
    after_cr: bool,
    delimiter: u8,
    core: csv_core::Reader,
    fields: Vec<Bounds>,
    /// A record that has doubled quotes or lies in two blocks is put together here.
    text: Vec<u8>,
    ends: Vec<usize>,
}

impl<B: Blocks> Records<B> {
    /// Reads text with this delimiter. A byte order mark must be gone already.
    pub fn new(blocks: B, delimiter: u8) -> Self {
        let mut core = csv_core::ReaderBuilder::new().delimiter(delimiter).build();
        // The core drops a byte order mark from what it sees first, which need not be the first record.
        core.read_record(b"\n", &mut [0], &mut [0]);
        Self {
            blocks,
            at: 0,
            before: 0,
            line: 1,
            after_cr: false,
            delimiter,
            core,
            fields: Vec::new(),
            text: vec![0; 4 << 10],
            ends: vec![0; 128],
        }
    }

    /// Goes to the first byte of the next record, past blank lines; `false` at the end.
    fn seek_record(&mut self) -> Result<bool, FormatError> {
        loop {
            let block = self.blocks.block();
            while let Some(&byte) = block.get(self.at) {
                match byte {
                    b'\n' if self.after_cr => self.after_cr = false,
                    b'\n' => self.line += 1,
                    b'\r' => {
                        self.line += 1;
                        self.after_cr = true;
                    }
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

    fn advance(&mut self) -> Result<bool, FormatError> {
        self.before += self.blocks.block().len() as u64;
        self.at = 0;
        self.blocks.advance()?;
        Ok(!self.blocks.block().is_empty())
    }

    /// Reads a record that is not complete in this block, or has quotes that are not its fields' first and last bytes.
    #[cold]
    fn read_in_parts(&mut self, place: Place) -> Result<Record<'_>, FormatError> {
        use csv_core::ReadRecordResult as Found;
        let (mut written, mut fields) = (0, 0);
        self.ends.resize(self.ends.capacity().max(128), 0);
        loop {
            let rest = &self.blocks.block()[self.at..];
            // At the end of the text the line ends too; only an open quote does not.
            let at_end = rest.is_empty();
            let input = if at_end { b"\n" } else { rest };
            let (found, read, copied, ended) =
                self.core.read_record(input, &mut self.text[written..], &mut self.ends[fields..]);
            written += copied;
            fields += ended;
            if !at_end {
                self.count_lines(read);
            }
            match found {
                Found::Record => {
                    let mut start = 0;
                    self.fields.clear();
                    self.fields
                        .extend(self.ends[..fields].iter().map(|&end| bounds(std::mem::replace(&mut start, end), end)));
                    return Ok(Record::new(&self.text[..written], &self.fields, place));
                }
                Found::OutputFull if written >= RECORD_MAX => {
                    return Err(FormatError::RecordTooLong { line: place.line });
                }
                Found::OutputFull => self.text.resize((self.text.len() * 2).min(RECORD_MAX), 0),
                Found::OutputEndsFull => self.ends.resize(self.ends.len() * 2, 0),
                Found::InputEmpty if at_end => return Err(FormatError::QuoteUnclosed { line: place.line }),
                Found::InputEmpty | Found::End => {
                    self.advance()?;
                }
            }
        }
    }

    /// Goes past the next bytes of the block.
    fn count_lines(&mut self, bytes: usize) {
        let passed = &self.blocks.block()[self.at..self.at + bytes];
        for &byte in passed {
            match byte {
                b'\n' if self.after_cr => self.after_cr = false,
                b'\n' => self.line += 1,
                b'\r' => {
                    self.line += 1;
                    self.after_cr = true;
                }
                _ => self.after_cr = false,
            }
        }
        self.at += bytes;
    }
}

impl<B: Blocks> ReadRecords for Records<B> {
    #[inline]
    fn read(&mut self) -> Result<Option<Record<'_>>, FormatError> {
        if !self.seek_record()? {
            return Ok(None);
        }
        let place = Place { line: self.line, offset: self.bytes() };
        let rest = &self.blocks.block()[self.at..];
        self.fields.clear();
        let Some((end, lines)) = cut(rest, self.delimiter, &mut self.fields) else {
            return self.read_in_parts(place).map(Some);
        };
        self.after_cr = rest[end] == b'\r';
        self.line += lines;
        let text = self.at..self.at + end;
        self.at = text.end + 1;
        Ok(Some(Record::new(&self.blocks.block()[text], &self.fields, place)))
    }

    fn bytes(&self) -> u64 {
        self.before + self.at as u64
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::blocks::tests::Pieces;
    use super::*;

    type Read = (Vec<Vec<u8>>, Place);

    fn read(text: &[u8], cuts: &[usize], delimiter: u8) -> (Vec<Read>, Option<FormatError>) {
        let mut records = Records::new(Pieces::cut(text, cuts), delimiter);
        let mut all = Vec::new();
        loop {
            match records.read() {
                Ok(Some(record)) => all.push((record.fields().map(<[u8]>::to_vec).collect(), record.place())),
                Ok(None) => return (all, None),
                Err(error) => return (all, Some(error)),
            }
        }
    }

    fn fields(text: &str) -> Vec<Vec<String>> {
        let (records, error) = read(text.as_bytes(), &[], b',');
        assert!(error.is_none(), "{text:?}: {error:?}");
        records
            .into_iter()
            .map(|(fields, _)| fields.into_iter().map(|field| String::from_utf8(field).unwrap()).collect())
            .collect()
    }

    fn lines(text: &str) -> Vec<u64> {
        read(text.as_bytes(), &[], b',').0.into_iter().map(|(_, place)| place.line).collect()
    }

    #[test]
    fn quotes_hold_commas_newlines_and_doubled_quotes() {
        assert_eq!(
            fields("a,\"b, c\",\"say \"\"yes\"\"\"\n\"x\ny\",\"\",z"),
            [["a", "b, c", "say \"yes\""], ["x\ny", "", "z"]]
        );
    }

    #[test]
    fn a_quote_in_the_middle_of_a_field_is_a_quote() {
        assert_eq!(fields("6\" pipe,ok\na,5' 11\"\n"), [["6\" pipe", "ok"], ["a", "5' 11\""]]);
    }

    #[test]
    fn lines_end_in_any_of_the_three_ways() {
        assert_eq!(fields("a,b\r\nc,d\re,f\ng,h"), [["a", "b"], ["c", "d"], ["e", "f"], ["g", "h"]]);
    }

    #[test]
    fn line_numbers_are_physical() {
        assert_eq!(lines("a\n\"b\nb\"\nc\n"), [1, 2, 4]);
        assert_eq!(lines("a\r\n\"b\r\n\r\nb\"\r\nc\r\n"), [1, 2, 5]);
        assert_eq!(lines("\n\r\n\ra\n\n\nb"), [4, 7]);
        assert_eq!(lines("\"a\"\r\"b\rb\"\rc"), [1, 2, 4]);
    }

    #[test]
    fn an_open_quote_at_the_end_is_named_by_its_line() {
        let (records, error) = read(b"a,b\n\"c,d\ne,f\n", &[], b',');
        assert_eq!(records.len(), 1);
        assert!(matches!(error, Some(FormatError::QuoteUnclosed { line: 2 })), "{error:?}");
    }

    #[test]
    fn a_record_without_end_does_not_take_all_memory() {
        let mut text = b"a,\"".to_vec();
        text.resize(RECORD_MAX + 10, b'x');
        let (_, error) = read(&text, &[], b',');
        assert!(matches!(error, Some(FormatError::RecordTooLong { line: 1 })), "{error:?}");
    }

    #[test]
    fn a_record_may_have_many_and_long_fields() {
        let wide = vec!["x"; 1_600].join(",") + "\n";
        assert_eq!(fields(&wide)[0].len(), 1_600);
        let quoted = vec!["\"x\""; 1_600].join(",") + "\n" + &"y".repeat(100_000) + "\n";
        let read = fields(&quoted);
        assert_eq!((read[0].len(), read[1][0].len()), (1_600, 100_000));
    }

    #[test]
    fn a_mark_inside_the_text_is_text() {
        assert_eq!(fields("a,b\n\u{feff}\"c\",d\n")[1], ["\u{feff}\"c\"", "d"]);
    }

    /// Text of the bytes that mean something, so that most of it is a special case.
    fn torture() -> impl Strategy<Value = Vec<u8>> {
        let byte = prop_oneof![
            4 => Just(b'a'), 2 => Just(b','), 2 => Just(b'"'), 1 => Just(b'\n'), 1 => Just(b'\r'), 1 => Just(b' '),
            1 => Just(b';'), 1 => Just(0xe9), 1 => Just(0)
        ];
        proptest::collection::vec(byte, 0..120)
    }

    /// Well-formed records, as a writer that quotes what it must writes them.
    fn table() -> impl Strategy<Value = Vec<Vec<String>>> {
        let field = "[a-z \",;\n\ré]{0,8}";
        proptest::collection::vec(proptest::collection::vec(field, 2..6), 0..20)
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(1_000))]

        #[test]
        fn any_text_reads_as_the_csv_crate_reads_it(
            text in torture(), cuts in proptest::collection::vec(0_usize..200, 0..12), semicolon in any::<bool>(),
        ) {
            let delimiter = if semicolon { b';' } else { b',' };
            let (ours, error) = read(&text, &cuts, delimiter);
            let mut reader = csv::ReaderBuilder::new()
                .has_headers(false).flexible(true).delimiter(delimiter).from_reader(text.as_slice());
            let mut theirs: Vec<Vec<Vec<u8>>> = reader
                .byte_records().map(|record| record.unwrap().iter().map(<[u8]>::to_vec).collect()).collect();
            if error.is_some() {
                // They take an open quote at the end for the end of a field; for us it is an error.
                theirs.pop();
            }
            let fields: Vec<_> = ours.iter().map(|(fields, _)| fields.clone()).collect();
            prop_assert_eq!(fields, theirs);
            for (_, Place { line, offset }) in ours {
                let before = &text[..usize::try_from(offset).unwrap()];
                let pairs = before.windows(2).filter(|pair| pair == b"\r\n").count();
                let ends = before.iter().filter(|byte| matches!(byte, b'\r' | b'\n')).count() - pairs;
                prop_assert_eq!(line, ends as u64 + 1);
                prop_assert!(!matches!(text[before.len()], b'\r' | b'\n'));
            }
        }

        #[test]
        fn what_was_written_is_read(rows in table(), cuts in proptest::collection::vec(0_usize..2_000, 0..12)) {
            let mut writer = csv::WriterBuilder::new().flexible(true).from_writer(Vec::new());
            for row in &rows {
                writer.write_record(row).unwrap();
            }
            let text = writer.into_inner().unwrap();
            let (ours, error) = read(&text, &cuts, b',');
            prop_assert!(error.is_none());
            let ours: Vec<Vec<String>> = ours
                .into_iter()
                .map(|(fields, _)| fields.into_iter().map(|field| String::from_utf8(field).unwrap()).collect())
                .collect();
            prop_assert_eq!(ours, rows);
        }
    }
}
