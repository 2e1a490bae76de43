//! What a CSV's columns are, from all of its rows. Bytes come in; for each header the narrowest type that every value has goes out, by the
//! same rules by which the worker will load them, and a few rows as a sample.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::io::Read;

use csv::{ByteRecord, ReaderBuilder};
use manifest::dataset::header_key;
use value::{Encoder, Parser};

/// Rows of the sample, before those that show a column's first value.
const SAMPLE: usize = 5;
/// Rows of the sample at most.
const SAMPLE_MAX: usize = 12;

/// A CSV that was read to its end.
pub(super) struct Guessed {
    pub(super) headers: Vec<String>,
    /// What each column is, in the order of the headers.
    pub(super) columns: Vec<Guess>,
    pub(super) rows: u64,
    pub(super) delimiter: u8,
    /// Whether a byte was met that is not of UTF-8.
    pub(super) is_latin: bool,
    /// Rows as they stand in the file.
    pub(super) sample: Vec<ByteRecord>,
}

/// What a column is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Guess {
    /// A PostgreSQL type.
    pub(super) type_name: &'static str,
    /// The word of `parse:`, where dates put the day first.
    pub(super) parser: Option<&'static str>,
}

/// A type that a column may still have.
struct Candidate {
    guess: Guess,
    encoder: Encoder,
    admits: fn(&str) -> bool,
}

/// Names of columns whose digits are no number: nobody adds them up, and some begin with a zero.
const CODES: &[&str] =
    &["zip", "zipcode", "postcode", "postalcode", "bbl", "bin", "fips", "geoid", "phone", "fax", "ein"];

/// A type that columns of a CSV may have.
struct Kind {
    type_name: &'static str,
    parser: Parser,
    /// The parser's word in a manifest, where it has to be said.
    word: Option<&'static str>,
    /// Whether a text that could be read as this type is likely meant as it.
    admits: fn(&str) -> bool,
}

const fn kind(type_name: &'static str, admits: fn(&str) -> bool) -> Kind {
    Kind { type_name, parser: Parser::Auto, word: None, admits }
}

const fn day_first(type_name: &'static str) -> Kind {
    Kind { type_name, parser: Parser::Dmy, word: Some("dmy"), admits: any }
}

/// From the narrowest to the widest; text is what is left.
const KINDS: &[Kind] = &[
    kind("boolean", is_word_for_truth),
    kind("integer", is_whole),
    kind("bigint", is_whole),
    kind("numeric", has_no_leading_zero),
    kind("date", any),
    day_first("date"),
    kind("timestamp", any),
    day_first("timestamp"),
    kind("timestamptz", any),
];

fn any(_: &str) -> bool {
    true
}

/// 0 and 1 are numbers, and X marks many things.
fn is_word_for_truth(text: &str) -> bool {
    ["true", "false", "yes", "no", "y", "n", "t", "f"].iter().any(|word| text.eq_ignore_ascii_case(word))
}

fn is_whole(text: &str) -> bool {
    has_no_leading_zero(text) && !text.contains(['.', 'e', 'E'])
}

fn has_no_leading_zero(text: &str) -> bool {
    let digits = text.trim_start_matches(['-', '+', '$', '(']);
    !(digits.starts_with('0') && digits[1..].starts_with(|c: char| c.is_ascii_digit()))
}

/// A column while the rows go by.
struct Column {
    candidates: Vec<Candidate>,
    has_value: bool,
    is_code: bool,
}

impl Column {
    fn new(header: &str) -> Self {
        let key = header_key(header);
        let candidate = |kind: &Kind| {
            let encoder = Encoder::new(kind.type_name.parse().ok()?, kind.parser).ok()?;
            let guess = Guess { type_name: kind.type_name, parser: kind.word };
            Some(Candidate { guess, encoder, admits: kind.admits })
        };
        Self {
            candidates: KINDS.iter().filter_map(candidate).collect(),
            has_value: false,
            is_code: CODES.iter().any(|code| key == *code || key.ends_with("zipcode") || key.ends_with("postcode")),
        }
    }

    fn see(&mut self, text: &str, scratch: &mut Vec<u8>) {
        self.has_value = true;
        self.candidates.retain(|candidate| {
            scratch.clear();
            (candidate.admits)(text) && candidate.encoder.encode(text.as_bytes(), scratch).is_ok()
        });
    }

    fn guess(&self) -> Guess {
        let text = Guess { type_name: "text", parser: None };
        if !self.has_value || self.is_code {
            return text;
        }
        self.candidates.first().map_or(text, |candidate| candidate.guess)
    }
}

/// Reads all rows. The error says what about the file is wrong.
pub(super) fn table(mut content: impl Read) -> Result<Guessed, String> {
    let mut start = Vec::new();
    content.by_ref().take(64 * 1024).read_to_end(&mut start).map_err(|error| format!("it cannot be read: {error}"))?;
    let start = start.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&start);
    refuse_other_formats(start)?;
    let delimiter = delimiter(start);
    let mut rows = ReaderBuilder::new().delimiter(delimiter).from_reader(start.chain(content));
    let headers = rows.byte_headers().map_err(|error| told(&error))?.clone();
    let headers: Vec<String> = headers.iter().map(|header| decoded(header).trim().to_owned()).collect();
    if headers.iter().all(String::is_empty) {
        return Err("it has no header".to_owned());
    }
    one_name_each(&headers)?;

    let mut columns: Vec<Column> = headers.iter().map(|header| Column::new(header)).collect();
    let (mut record, mut scratch) = (ByteRecord::new(), Vec::new());
    let (mut count, mut is_latin, mut sample) = (0, false, Vec::new());
    while rows.read_byte_record(&mut record).map_err(|error| told(&error))? {
        let mut shows = count < SAMPLE as u64;
        for (field, column) in record.iter().zip(&mut columns) {
            let text = decoded(field);
            is_latin |= matches!(text, Cow::Owned(_));
            let text = text.trim();
            if !text.is_empty() {
                shows |= !column.has_value && sample.len() < SAMPLE_MAX;
                column.see(text, &mut scratch);
            }
        }
        if shows {
            sample.push(record.clone());
        }
        count += 1;
    }
    let columns = columns.iter().map(Column::guess).collect();
    Ok(Guessed { headers, columns, rows: count, delimiter, is_latin, sample })
}

/// Manifests tell headers apart by letters and digits alone.
fn one_name_each(headers: &[String]) -> Result<(), String> {
    let mut seen = BTreeMap::new();
    for header in headers {
        let key = header_key(header);
        if !key.is_empty()
            && let Some(first) = seen.insert(key, header)
        {
            return Err(format!(
                "its headers {first:?} and {header:?} are one name to a manifest; write it by hand and `skip:` one of them"
            ));
        }
    }
    Ok(())
}

/// UTF-8 as it is; where it is not, each byte as the character of its number, which is enough to tell types.
fn decoded(bytes: &[u8]) -> Cow<'_, str> {
    match std::str::from_utf8(bytes) {
        Ok(text) => text.into(),
        Err(_) => bytes.iter().map(|byte| char::from(*byte)).collect::<String>().into(),
    }
}

fn refuse_other_formats(start: &[u8]) -> Result<(), String> {
    let what = match start.trim_ascii_start() {
        [] => "it is empty",
        [b'P', b'K', 3, 4, ..] => {
            "it is a zip archive or an Excel workbook, and only CSV is looked into; unpack it first"
        }
        [0xd0, 0xcf, 0x11, 0xe0, ..] => {
            "it is an old Excel workbook, and only CSV is looked into; save it as CSV first"
        }
        [0x1f, 0x8b, ..] => "it is packed with gzip, and only CSV is looked into; unpack it first",
        [b'<', ..] => "it is a page or XML, and only CSV is looked into; look at what the address gives",
        [b'{' | b'[', ..] => "it is JSON, and only CSV is looked into",
        _ => return Ok(()),
    };
    Err(what.to_owned())
}

/// What parts the fields of the header.
fn delimiter(start: &[u8]) -> u8 {
    let end = start.iter().position(|byte| matches!(byte, b'\n' | b'\r')).unwrap_or(start.len());
    let count = |mark: u8| start[..end].split(|byte| *byte == mark).count();
    // Of equals the last, which is the comma.
    [b'|', b';', b'\t', b','].into_iter().max_by_key(|mark| count(*mark)).unwrap_or(b',')
}

fn told(error: &csv::Error) -> String {
    let line = error.position().map(csv::Position::line).unwrap_or_default();
    match error.kind() {
        csv::ErrorKind::UnequalLengths { expected_len, len, .. } => {
            format!("line {line} has {len} fields where the header has {expected_len}")
        }
        other => format!("line {line}: {other:?}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn types(csv: &str) -> Vec<(&'static str, Option<&'static str>)> {
        let guessed = table(csv.as_bytes()).unwrap();
        guessed.columns.iter().map(|guess| (guess.type_name, guess.parser)).collect()
    }

    #[test]
    fn a_type_is_one_that_every_value_has() {
        for (values, type_name, parser) in [
            (["1", "", "1,234"], "integer", None),
            (["1", "3000000000", "-7"], "bigint", None),
            (["1", "2.5", "$3.00"], "numeric", None),
            (["007", "12", "13"], "text", None),
            (["0", "0.5", "10"], "numeric", None),
            (["Y", "N", ""], "boolean", None),
            (["0", "1", "1"], "integer", None),
            (["2024-03-01", "03/31/2024", ""], "date", None),
            (["31/12/2023", "01/02/2024", ""], "date", Some("dmy")),
            (["03/31/2024 01:15:00 PM", "03/01/2024", ""], "timestamp", None),
            (["2024-03-01T10:00:00Z", "2024-03-01T10:00:00+02:00", ""], "timestamptz", None),
            (["1", "2", "three"], "text", None),
            (["", "", ""], "text", None),
        ] {
            // A second column keeps lines with a blank from being no rows.
            let csv = format!("a,b\n{}", values.map(|value| format!("\"{value}\",x\n")).concat());
            assert_eq!(types(&csv)[0], (type_name, parser), "{values:?}");
        }
    }

    #[test]
    fn codes_are_text_whatever_they_look_like() {
        assert_eq!(
            types("Zip Code,BBL,Count\n10002,1003500017,3\n"),
            [("text", None), ("text", None), ("integer", None)]
        );
    }

    #[test]
    fn other_delimiters_marks_and_bytes_are_told() {
        let guessed = table(&b"\xef\xbb\xbfa;b;c,d\n1;2;caf\xe9\n"[..]).unwrap();
        assert_eq!(guessed.headers, ["a", "b", "c,d"]);
        assert_eq!((guessed.delimiter, guessed.is_latin), (b';', true));
        assert_eq!(guessed.columns[0].type_name, "integer");
    }

    #[test]
    fn a_value_that_comes_late_is_in_the_sample() {
        let rows: Vec<_> = (0..100).map(|n| format!("{n},{}\n", if n == 70 { "late" } else { "" })).collect();
        let guessed = table(format!("n,word\n{}", rows.concat()).as_bytes()).unwrap();
        assert_eq!((guessed.rows, guessed.sample.len()), (100, SAMPLE + 1));
        assert_eq!(&guessed.sample[SAMPLE][1], b"late");
    }

    #[test]
    fn what_is_no_csv_is_refused_by_what_it_is() {
        for (content, word) in [
            (&b""[..], "empty"),
            (b"PK\x03\x04", "zip"),
            (b"<!DOCTYPE html>", "page"),
            (b"a,b\n1\n", "line 2"),
            (b"Tree ID,tree_id\n", "one name"),
        ] {
            let Err(why) = table(content) else { panic!("{content:?} was taken") };
            assert!(why.contains(word), "{why}");
        }
    }
}
