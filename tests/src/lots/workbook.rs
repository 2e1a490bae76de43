//! Lots as a workbook of one sheet. Texts stand in their cells.

use std::io::{self, Seek, Write};

use zip::ZipWriter;
use zip::write::SimpleFileOptions;

use super::Lot;

const PARTS: [(&str, &str); 4] = [
    (
        "[Content_Types].xml",
        r#"<?xml version="1.0"?><Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types"><Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/><Default Extension="xml" ContentType="application/xml"/><Override PartName="/xl/workbook.xml" ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.sheet.main+xml"/><Override PartName="/xl/worksheets/sheet1.xml" ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.worksheet+xml"/></Types>"#,
    ),
    (
        "_rels/.rels",
        r#"<?xml version="1.0"?><Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"><Relationship Id="r1" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/officeDocument" Target="xl/workbook.xml"/></Relationships>"#,
    ),
    (
        "xl/workbook.xml",
        r#"<?xml version="1.0"?><workbook xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main" xmlns:r="http://schemas.openxmlformats.org/officeDocument/2006/relationships"><sheets><sheet name="Lots" sheetId="1" r:id="r1"/></sheets></workbook>"#,
    ),
    (
        "xl/_rels/workbook.xml.rels",
        r#"<?xml version="1.0"?><Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"><Relationship Id="r1" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/worksheet" Target="worksheets/sheet1.xml"/></Relationships>"#,
    ),
];

pub(super) fn write(out: &mut (impl Write + Seek), rows: u64) -> io::Result<()> {
    let mut zip = ZipWriter::new(out);
    let options = SimpleFileOptions::default().compression_level(Some(1)).large_file(true);
    let begin = |zip: &mut ZipWriter<_>, name: &str| zip.start_file(name, options).map_err(io::Error::other);
    for (name, text) in PARTS {
        begin(&mut zip, name)?;
        zip.write_all(text.as_bytes())?;
    }
    begin(&mut zip, "xl/worksheets/sheet1.xml")?;
    write!(
        zip,
        r#"<?xml version="1.0"?><worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData>"#
    )?;
    let text = |text: &str| format!(r#"<c t="inlineStr"><is><t>{text}</t></is></c>"#);
    let names = ["id", "name", "amount", "day"].map(text).concat();
    write!(zip, r#"<row r="1">{names}</row>"#)?;
    for number in 0..rows {
        let lot = Lot(number);
        let (name, amount, day, row) = (text(&lot.name()), lot.amount(), text(&lot.day()), number + 2);
        write!(zip, r#"<row r="{row}"><c><v>{number}</v></c>{name}<c><v>{amount}</v></c>{day}</row>"#)?;
    }
    write!(zip, "</sheetData></worksheet>")?;
    zip.finish().map_err(io::Error::other)?;
    Ok(())
}
