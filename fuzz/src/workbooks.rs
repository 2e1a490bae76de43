//! Workbooks: whatever their bytes say of their size and order, rows come in order and are no wider than a sheet, or the file is refused.

use std::io::{Cursor, Write as _};

use worker::format::FormatError;
use worker::format::workbook::{Xls, Xlsx};
use worker::spool::SharedFile;
use zip::ZipWriter;
use zip::write::SimpleFileOptions;

use crate::files::{Lines, all};

/// The parts that are read of a workbook of Excel 2007 and later, and what they are where the input has none.
const PARTS: [(&str, &str); 5] = [
    ("xl/worksheets/sheet1.xml", "<worksheet><sheetData/></worksheet>"),
    ("xl/sharedStrings.xml", "<sst><si><t>a</t></si><si><t>b</t></si></sst>"),
    ("xl/styles.xml", "<styleSheet><cellXfs><xf numFmtId=\"0\"/><xf numFmtId=\"14\"/></cellXfs></styleSheet>"),
    ("xl/workbook.xml", "<workbook><sheets><sheet name=\"S\" sheetId=\"1\" r:id=\"r1\"/></sheets></workbook>"),
    (
        "xl/_rels/workbook.xml.rels",
        "<Relationships><Relationship Id=\"r1\" Type=\"http://schemas.openxmlformats.org/officeDocument/2006/relationships/worksheet\" Target=\"worksheets/sheet1.xml\"/></Relationships>",
    ),
];

/// The first byte says what the rest is: the stream of an old workbook, the file that it lies in, or the parts of a new one, between
/// bytes that are in no text.
pub(crate) fn workbooks(data: &[u8]) {
    let [how, rest @ ..] = data else { return };
    let mut rows = Vec::new();
    // What is refused is refused; it must only not be the worker's end.
    let _ = match how % 3 {
        0 => Xls::of(rest.to_vec()).and_then(|book| old(book, &mut rows)),
        1 => Xls::open(file(rest)).and_then(|book| old(book, &mut rows)),
        _ => new(rest, &mut rows),
    };
    let widest = rows.iter().map(|(_, _, fields)| fields.len()).max();
    assert!(widest <= Some(1 << 16), "a row of {widest:?} fields");
}

type Rows = Vec<(u64, u64, Vec<Vec<u8>>)>;

fn old(mut book: Xls, rows: &mut Rows) -> Result<(), FormatError> {
    let sheet = book.sheet(None)?;
    all(book.rows(&sheet, &[])?, Lines::Apart, rows)
}

fn new(parts: &[u8], rows: &mut Rows) -> Result<(), FormatError> {
    let mut given = parts.split(|byte| *byte == 0xff);
    let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
    let stored = SimpleFileOptions::default().compression_method(zip::CompressionMethod::Stored);
    for (name, part) in PARTS {
        let part = given.next().filter(|part| !part.is_empty()).unwrap_or(part.as_bytes());
        writer.start_file(name, stored).expect("a part");
        writer.write_all(part).expect("room");
    }
    let mut book = Xlsx::open(file(&writer.finish().expect("an archive").into_inner()))?;
    let sheet = book.sheet(None)?;
    // Rows come as the file has them.
    all(book.rows(&sheet, &["#N/A".to_owned()])?, Lines::Any, rows)
}

/// A file of these bytes that has no name.
fn file(bytes: &[u8]) -> SharedFile {
    let mut file = tempfile::tempfile().expect("a file");
    file.write_all(bytes).expect("room");
    SharedFile::new(file)
}
