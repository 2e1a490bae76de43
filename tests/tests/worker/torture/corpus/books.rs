//! Workbooks, of Excel 2007 and later and of Excel 97–2003. Rows are counted as the sheet counts them.

use zip::write::SimpleFileOptions;

use super::packed::zip;
use super::{Item, item};

const CONTENT_TYPES: &str = r#"<?xml version="1.0"?><Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types"><Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/><Default Extension="xml" ContentType="application/xml"/></Types>"#;
const RELS: &str = r#"<?xml version="1.0"?><Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"><Relationship Id="r1" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/officeDocument" Target="xl/workbook.xml"/></Relationships>"#;
const BOOK_RELS: &str = r#"<?xml version="1.0"?><Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"><Relationship Id="r1" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/worksheet" Target="worksheets/sheet1.xml"/><Relationship Id="r3" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/styles" Target="styles.xml"/><Relationship Id="r4" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/sharedStrings" Target="sharedStrings.xml"/></Relationships>"#;
/// Style 1 is a date, 2 a date with a time.
const STYLES: &str = r#"<?xml version="1.0"?><styleSheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><numFmts count="1"><numFmt numFmtId="164" formatCode="m/d/yyyy h:mm"/></numFmts><cellXfs count="3"><xf numFmtId="0"/><xf numFmtId="14"/><xf numFmtId="164"/></cellXfs></styleSheet>"#;
const STRINGS: &str = r#"<?xml version="1.0"?><sst xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><si><t>id</t></si><si><t>v</t></si><si><r><t>Ca</t></r><r><t>f&#233;</t></r></si></sst>"#;

/// A workbook of one sheet with a header in its second row.
fn xlsx(epoch: &str, rows: &str) -> Vec<u8> {
    let book = format!(
        r#"<?xml version="1.0"?><workbook xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main" xmlns:r="http://schemas.openxmlformats.org/officeDocument/2006/relationships"><workbookPr {epoch}/><sheets><sheet name="Trees" sheetId="1" r:id="r1"/></sheets></workbook>"#
    );
    let header = r#"<row r="2"><c r="A2" t="s"><v>0</v></c><c r="B2" t="s"><v>1</v></c></row>"#;
    let sheet = format!(
        r#"<?xml version="1.0"?><worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData>{header}{rows}</sheetData><mergeCells count="1"><mergeCell ref="B3:B4"/></mergeCells></worksheet>"#
    );
    let parts = [
        ("[Content_Types].xml", CONTENT_TYPES),
        ("_rels/.rels", RELS),
        ("xl/workbook.xml", &book),
        ("xl/_rels/workbook.xml.rels", BOOK_RELS),
        ("xl/styles.xml", STYLES),
        ("xl/sharedStrings.xml", STRINGS),
        ("xl/worksheets/sheet1.xml", &sheet),
    ];
    zip(SimpleFileOptions::default(), &parts.map(|(name, text)| (name, text.as_bytes())))
}

fn record(kind: u16, parts: &[&[u8]]) -> Vec<u8> {
    let data = parts.concat();
    [&kind.to_le_bytes()[..], &u16::try_from(data.len()).unwrap().to_le_bytes(), &data].concat()
}

/// A cell's place and format, and what follows.
fn cell(kind: u16, row: u16, column: u16, format: u16, value: &[u8]) -> Vec<u8> {
    record(kind, &[&row.to_le_bytes(), &column.to_le_bytes(), &format.to_le_bytes(), value])
}

/// The workbook of Excel 97–2003 with these cells below the header `id`, `v` in its second row. Format 1 is a date.
fn xls(epoch: u8, cells: &[Vec<u8>]) -> Vec<u8> {
    let begin = |kind: u8| record(0x0809, &[&[0, 6, kind, 0], &[0; 12]]);
    let end = record(0x000a, &[]);
    // The table of texts goes on in a second record, in the middle of the third text, which has upper bytes from there on.
    let texts = [
        record(0x00fc, &[&[3, 0, 0, 0, 3, 0, 0, 0], &[2, 0, 0], b"id", &[1, 0, 0], b"v", &[4, 0, 0], b"Ca"]),
        record(0x003c, &[&[1], &[b'f', 0, 0xe9, 0]]),
    ]
    .concat();
    let globals = |sheet: u32| {
        [
            begin(5),
            record(0x0022, &[&[epoch, 0]]),
            record(0x041e, &[&[164, 0], &[6, 0, 0], b"m/d/yy"]),
            record(0x00e0, &[&[0; 20]]),
            record(0x00e0, &[&[0, 0, 164, 0], &[0; 16]]),
            record(0x0085, &[&sheet.to_le_bytes(), &[0, 0], &[5, 0], b"Trees"]),
            texts.clone(),
            end.clone(),
        ]
        .concat()
    };
    let header = [cell(0x00fd, 1, 0, 0, &[0; 4]), cell(0x00fd, 1, 1, 0, &[1, 0, 0, 0])].concat();
    let at = u32::try_from(globals(0).len()).unwrap();
    compound([globals(at), begin(16), header, cells.concat(), end].concat())
}

/// A compound file whose only stream is the workbook.
fn compound(mut stream: Vec<u8>) -> Vec<u8> {
    const END: u32 = 0xffff_fffe;
    const FREE: u32 = 0xffff_ffff;
    // As long as a stream must be that does not lie among short ones.
    stream.resize(stream.len().max(4_096).next_multiple_of(512), 0);
    let sectors = u32::try_from(stream.len() / 512).unwrap();
    let words = |words: &[u32]| words.iter().flat_map(|word| word.to_le_bytes()).collect::<Vec<u8>>();
    let mut file =
        [&b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"[..], &[0; 16], &[0x3e, 0, 3, 0, 0xfe, 0xff, 9, 0, 6, 0], &[0; 6]]
            .concat();
    file.extend(words(&[0, 1, 1, 0, 4_096, END, 0, END, 0, 0]));
    file.extend(words(&[FREE; 108]));
    // The table of sectors: itself, the directory, and the stream from the third on.
    let mut table = vec![0xffff_fffd, END];
    table.extend((3..sectors + 2).chain([END]));
    table.resize(128, FREE);
    file.extend(words(&table));
    for (name, kind, first, length) in [("Root Entry", 5, END, 0), ("Workbook", 2, 2, sectors * 512)] {
        let mut entry: Vec<u8> = name.encode_utf16().flat_map(u16::to_le_bytes).collect();
        entry.resize(64, 0);
        entry.extend([u8::try_from(name.len() * 2 + 2).unwrap(), 0, kind, 1]);
        entry.extend(words(&[FREE, FREE, if kind == 5 { 1 } else { FREE }]));
        entry.resize(116, 0);
        entry.extend(words(&[first, length, 0]));
        file.extend(entry);
    }
    file.resize(1_536, 0);
    file.extend(stream);
    file
}

pub(super) fn items() -> Vec<Item> {
    const SHEET: &[&str] = &["id: integer", "v: text", "- header: find"];
    const DATES: &[&str] = &["id: integer", "v: timestamp", "- header: find"];
    // A whole number, shortened as the format allows.
    let short = |number: u32| (number << 2 | 2).to_le_bytes();
    let text = |length: u8, text: &[u8]| [&[length, 0, 0], text].concat();
    vec![
        item(
            "xlsx with merged cells",
            SHEET,
            "t.xlsx",
            xlsx(
                "",
                r#"<row r="3"><c r="A3"><v>1</v></c><c r="B3" t="s"><v>2</v></c></row><row r="4"><c r="A4" t="str"><v>x</v></c><c r="B4"/></row>"#,
            ),
            &["1|Café", "NULL|NULL", "! 4 id not_an_integer x"],
        ),
        item(
            "xlsx with formulas",
            SHEET,
            "t.xlsx",
            xlsx(
                "",
                r#"<row r="3"><c r="A3"><f>1+1</f><v>2</v></c><c r="B3" t="str"><f>"a"&amp;"b"</f><v>a&amp;b</v></c></row><row r="6"><c r="A6" t="e"><f>1/0</f><v>#DIV/0!</v></c></row>"#,
            ),
            &["2|a&b", "NULL|NULL", "! 6 id cell_error #DIV/0!"],
        ),
        item(
            "xlsx with dates",
            DATES,
            "t.xlsx",
            xlsx(
                "",
                r#"<row r="3"><c r="A3"><v>1</v></c><c r="B3" s="1"><v>45000</v></c></row><row r="5"><c r="A5"><v>2</v></c><c r="B5" s="2"><v>45000.5</v></c></row><row r="6"><c r="A6"><v>3</v></c><c r="B6"><v>45000</v></c></row>"#,
            ),
            &["1|2023-03-15 00:00:00", "2|2023-03-15 12:00:00", "3|NULL", "! 6 v not_a_timestamp 45000"],
        ),
        item(
            "xlsx with dates, 1904 epoch",
            DATES,
            "t.xlsx",
            xlsx("date1904=\"1\"", r#"<row r="3"><c r="A3"><v>1</v></c><c r="B3" s="1"><v>45000</v></c></row>"#),
            &["1|2027-03-16 00:00:00"],
        ),
        item(
            "xlsx with inline strings",
            SHEET,
            "t.xlsx",
            xlsx(
                "",
                r#"<row r="4"><c r="A4" t="inlineStr"><is><t>x</t></is></c><c r="B4" t="inlineStr"><is><r><t>Ca</t></r><r><t xml:space="preserve">f&#233; </t></r></is></c></row>"#,
            ),
            &["NULL|Café", "! 4 id not_an_integer x"],
        ),
        item(
            "xls with merged cells, in no order",
            SHEET,
            "t.xls",
            xls(
                0,
                &[
                    cell(0x00fd, 3, 1, 0, &[2, 0, 0, 0]),
                    cell(0x0204, 3, 0, 0, &text(1, b"x")),
                    cell(0x027e, 2, 0, 0, &short(1)),
                    record(0x00e5, &[&[1, 0, 2, 0, 3, 0, 1, 0, 1, 0]]),
                ],
            ),
            &["1|NULL", "NULL|Café", "! 4 id not_an_integer x"],
        ),
        item(
            "xls with formulas",
            SHEET,
            "t.xls",
            xls(
                0,
                &[
                    cell(0x0006, 2, 0, 0, &[&2.0_f64.to_le_bytes()[..], &[0; 6]].concat()),
                    cell(0x0006, 2, 1, 0, &[0, 0, 0, 0, 0, 0, 0xff, 0xff, 0, 0, 0, 0, 0, 0]),
                    record(0x0207, &[&text(4, b"Caf\xe9")]),
                    cell(0x0006, 5, 0, 0, &[2, 0, 7, 0, 0, 0, 0xff, 0xff, 0, 0, 0, 0, 0, 0]),
                ],
            ),
            &["2|Café", "NULL|NULL", "! 6 id cell_error #DIV/0!"],
        ),
        item(
            "xls with dates",
            DATES,
            "t.xls",
            xls(
                0,
                &[
                    cell(0x00bd, 2, 0, 0, &[&short(1)[..], &[1, 0], &short(45_000), &[1, 0]].concat()),
                    cell(0x0203, 4, 1, 1, &45_000.5_f64.to_le_bytes()),
                    cell(0x027e, 5, 1, 0, &short(45_000)),
                ],
            ),
            &["1|2023-03-15 00:00:00", "NULL|2023-03-15 12:00:00", "NULL|NULL", "! 6 v not_a_timestamp 45000"],
        ),
        item(
            "xls with dates, 1904 epoch",
            DATES,
            "t.xls",
            xls(1, &[cell(0x027e, 2, 1, 1, &short(45_000))]),
            &["NULL|2027-03-16 00:00:00"],
        ),
        item(
            "xls, encrypted",
            SHEET,
            "t.xls",
            compound([record(0x0809, &[&[0, 6, 5, 0], &[0; 12]]), record(0x002f, &[&[1, 0]])].concat()),
            &["refused workbook_encrypted: encrypted"],
        ),
        item("xls, cut off", SHEET, "t.xls", &xls(0, &[])[..1_600], &["refused xls_corrupt: damaged"]),
    ]
}
