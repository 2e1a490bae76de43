//! What a publisher may put out tomorrow: under every header that is known, spelled as it is, stand values that each column's type takes in
//! all the spellings that publishers have for them, and between them what is no value at all. Every row loads and nothing is lost.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{Read, Write};
use std::path::Path;
use std::sync::Mutex;
use std::thread;

use csv::{Terminator, WriterBuilder};
use manifest::Identifier;
use manifest::dataset::{Column, Derivation, Function, Nullability, Parser, Table, header_key};
use manifest::run::Outcome;
use zip::{ZipArchive, ZipWriter, write::SimpleFileOptions};

use crate::desk::{self, Desk, Known};

/// Rows of each file; every list of values below has as many.
const ROWS: usize = 6;
type Values = [&'static str; ROWS];

const SIDE_BY_SIDE: usize = 2;

const DATES: Values = ["2021-02-09T00:00:00.000", "10/09/2013", "03/04/2015 12:00:00 AM", "20200229", "1/5/18", ""];
const DAYS_FIRST: Values = ["31/01/2020", "05/11/2019", "", "1/2/19", "30/09/2021", "28/02/2020"];
const MOMENTS: Values =
    ["2021-02-09T13:45:10.123", "10/09/2013 03:01:00 PM", "10/09/2013", "2020-05-13 23:30:00", "", ""];
const TIMES: Values = ["09:30:00", "3:01:00 PM", "12:45:41 AM", "23:59", "", "10:30:00"];
const SMALL: Values = ["1", "12.0", "0", "2013", "", "7"];
const WHOLE: Values = ["1,234", "12.0", "$5.00", "0", "", "00042"];
const LARGE: Values = ["1,234,567", "12.00", "$5.00", "0", "", "3000000000"];
const NUMBERS: Values = ["1,234.56", ".5", "$37300.00", "-73.98", "", "0"];
const TRUTHS: Values = ["Y", "N", "", "TRUE", "false", "no"];
const TEXTS: Values = ["Ä \"quoted\", text", "00123", "A-7", "  blank  ", "two\nlines", ""];
const LISTS: Values = ["a,b", "x", "", "a, b ,c", "", "y"];
/// Numbers of lots as one column and as three.
const LOTS: Values = ["1008300028", "2024820005", "", "3047040044", "4123450001", "5054200057"];
const BOROUGH_NAMES: Values = ["MANHATTAN", "Bronx", "", "BROOKLYN", "QUEENS", "STATEN IS"];
const BOROUGH_NUMBERS: Values = ["1", "2", "", "3", "4", "5"];
const LAND_USES: Values = ["01", "4", "", "11.0", "10", "09"];

/// What stands in a column of the file, by what becomes of it.
fn values(table: &Table, column: &Column, row: usize) -> String {
    let derived = table.derive.iter().find_map(|(made, how)| match how {
        Derivation::Call { function, arguments } => {
            let place = arguments.iter().position(|argument| *argument == column.name)?;
            Some(part(*function, place, column, row))
        }
        // A template of one column is that column under another name, and has to be read as both.
        Derivation::Template(template) => {
            let other = table.column(made).filter(|_| *template == format!("{{{}}}", column.name))?;
            (other.type_name.as_str() != column.type_name.as_str()).then(|| plain(table, other, row))
        }
    });
    let value = derived.unwrap_or_else(|| plain(table, column, row));
    let is_key = column.nullability == Nullability::NotNull || table.key().contains(&column.name);
    // What has to be there, and differs from row to row, is told by its row.
    match column.type_name.as_str() {
        "date" | "timestamp" | "timestamptz" if is_key => format!("2026-01-{:02}", row + 1),
        _ if is_key => format!("{}", row + 1),
        _ => value,
    }
}

/// One of the columns that a function takes.
fn part(function: Function, place: usize, column: &Column, row: usize) -> String {
    let is_text = column.type_name.as_str() == "text";
    let value = match (function, place) {
        (Function::Bbl, 0) if is_text => BOROUGH_NAMES[row],
        (Function::Bbl, 0) => BOROUGH_NUMBERS[row],
        (Function::Bbl, _) => match length(column) {
            Some(digits) => return format!("{:0digits$}", row + 1),
            None => ["00529", "12", "", "0", "9999", "7.0"][row],
        },
        (Function::LandUse, _) => LAND_USES[row],
        (other, _) => panic!("what {other} takes is not told here"),
    };
    value.to_owned()
}

fn plain(table: &Table, column: &Column, row: usize) -> String {
    let parser = table.parse.get(&column.name);
    if let Some(length) = length(column) {
        let is_lot = length == 10;
        return match (is_lot, row) {
            (true, 1) if parser == Some(&Parser::Whole) => format!("{}.00", LOTS[row]),
            (true, _) => LOTS[row].to_owned(),
            (false, 0) => "0".repeat(length),
            (false, 1) => "A".repeat(length),
            (false, 3) => format!("  {}  ", "7".repeat(length)),
            (false, 4) => "1".repeat((length - 1).max(1)),
            (false, _) => String::new(),
        };
    }
    let values = match (column.type_name.as_str(), parser) {
        ("date", Some(Parser::Dmy)) => DAYS_FIRST,
        ("date", _) => DATES,
        ("timestamp" | "timestamptz", _) => MOMENTS,
        ("time", _) => TIMES,
        ("smallint", _) => SMALL,
        ("integer", _) => WHOLE,
        ("bigint", _) => LARGE,
        ("numeric" | "double precision", _) => NUMBERS,
        ("boolean", _) => TRUTHS,
        ("text", _) => TEXTS,
        ("text[]", _) => LISTS,
        (other, _) => panic!("{}.{}: no values of {other} are told here", table.name, column.name),
    };
    values[row].to_owned()
}

/// The `n` of `char(n)`.
fn length(column: &Column) -> Option<usize> {
    column.type_name.as_str().strip_prefix("char(")?.strip_suffix(')')?.parse().ok()
}

/// A file with the header of a sample and rows of our own. Its line ends are those of three kinds of machine in turn.
fn written(table: &Table, sample: &[u8], turn: usize) -> Vec<u8> {
    let sample = sample.strip_prefix(b"\xef\xbb\xbf").unwrap_or(sample);
    let mut sample = csv::Reader::from_reader(sample);
    let header = sample.headers().unwrap().clone();
    // The last row has the sample's own words, which queries ask for.
    let words = sample.records().next().unwrap().unwrap();
    let columns: BTreeMap<_, _> =
        table.columns.iter().map(|column| (header_key(column.name.as_str()), column)).collect();
    let renamed: BTreeMap<_, &Identifier> = table.rename.iter().map(|(header, to)| (header_key(header), to)).collect();
    let skipped: Vec<_> = table.skip.iter().map(|header| header_key(header)).collect();
    let terminator = [Terminator::Any(b'\n'), Terminator::CRLF, Terminator::Any(b'\r')][turn % 3];
    let mut out = if turn.is_multiple_of(2) { Vec::new() } else { b"\xef\xbb\xbf".to_vec() };
    let mut rows = WriterBuilder::new().terminator(terminator).from_writer(&mut out);
    rows.write_record(&header).unwrap();
    for row in 0..ROWS {
        let field = |(header, word): (&str, &str)| {
            let key = header_key(header);
            let key = renamed.get(&key).map_or(key, |to| header_key(to.as_str()));
            match columns.get(&key).filter(|_| !skipped.contains(&header_key(header))) {
                Some(column) if row == ROWS - 1 && column.type_name.as_str() == "text" => word.to_owned(),
                Some(column) => values(table, column, row),
                None => "whatever".to_owned(),
            }
        };
        rows.write_record(header.iter().zip(&words).map(field)).unwrap();
    }
    drop(rows);
    out
}

/// The same archive with other text in it; what is no text of a table stays as it is.
fn archive(table: &Table, sample: &Path, to: &Path, turn: usize) -> usize {
    let mut from = ZipArchive::new(File::open(sample).unwrap()).unwrap();
    let mut into = ZipWriter::new(File::create(to).unwrap());
    let mut files = 0;
    for index in 0..from.len() {
        let mut member = from.by_index(index).unwrap();
        let name = member.name().unwrap().into_owned();
        let mut bytes = Vec::new();
        member.read_to_end(&mut bytes).unwrap();
        let is_text = Path::new(&name).extension().is_some_and(|end| end == "csv" || end == "txt");
        if is_text && !name.starts_with("__MACOSX") {
            bytes = written(table, &bytes, turn);
            files += 1;
        }
        into.start_file(name, SimpleFileOptions::default()).unwrap();
        into.write_all(&bytes).unwrap();
    }
    into.finish().unwrap();
    files
}

/// Writes what a dataset's samples have in text, and tells the rows of each table.
fn publish(known: &Known, folder: &Path, turn: usize) -> BTreeMap<String, u64> {
    let mut tables = BTreeMap::new();
    for table in &known.dataset.tables {
        for source in table.sources() {
            let (sample, to) = (known.samples().join(&source.file), folder.join(&source.file));
            let files = match sample.extension().and_then(|end| end.to_str()) {
                _ if table.source_columns_at.is_some() || !sample.is_file() => 0,
                Some("csv") => {
                    fs::write(&to, written(table, &fs::read(&sample).unwrap(), turn)).unwrap();
                    1
                }
                Some("zip") => archive(table, &sample, &to, turn),
                _ => 0,
            };
            if files > 0 {
                *tables.entry(table.name.to_string()).or_default() += (files * ROWS) as u64;
            }
        }
    }
    tables
}

fn loads(desk: &Desk, known: &Known, turn: usize) {
    let folder = tempfile::tempdir().unwrap();
    let expected = publish(known, folder.path(), turn);
    if expected.is_empty() {
        return;
    }
    let run = desk.load(known, folder.path(), &[]);
    let record = desk::record(run.expect_code(0));
    assert_eq!(record.outcome, Outcome::Published, "{run}");
    assert_eq!((record.bad_values, record.rejected_rows), (0, 0), "{run}");
    for (table, rows) in expected {
        let loaded = &record.tables[table.as_str()];
        // Files of one upserted table have the same keys here.
        assert_eq!(loaded.rows + loaded.duplicates, rows, "{table}\n{run}");
    }
}

#[test]
fn whatever_a_type_takes_loads_under_every_header_that_is_known() {
    let desk = Desk::new();
    let known = desk::all();
    let queue = Mutex::new(known.iter().enumerate());
    let next = || queue.lock().unwrap().next();
    thread::scope(|scope| {
        for _ in 0..SIDE_BY_SIDE {
            scope.spawn(|| {
                while let Some((turn, known)) = next() {
                    loads(&desk, known, turn);
                }
            });
        }
    });
}
