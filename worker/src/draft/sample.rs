//! A sample in the source's own shape: its packing, archive and format, the rows above its header, and a few of its rows.

use std::fmt::Write as _;
use std::io::{self, Cursor, Read, Seek, SeekFrom, Write as _};

use zip::write::SimpleFileOptions;
use zip::{ZipArchive, ZipWriter};

use super::cut;
use super::records::{SAMPLE_MAX, Table};
use super::shape::{Inner, Shape, packing_ending};
use crate::format::{Archive, Packing};
use crate::spool::SharedFile;

/// A file of at most so many bytes is its own sample, where no smaller one of its format is written.
const WHOLE: u64 = 256 << 10;

/// Bytes of a JSON text of which the first objects are taken.
const JSON_START: u64 = 8 << 20;

/// A sample.
pub(super) struct Sample {
    pub(super) bytes: Vec<u8>,
    /// The ending of its name.
    pub(super) ending: String,
    /// Its rows.
    pub(super) rows: u64,
}

/// Writes a sample of a source that was read: `file` is its content without packing. `None` where its format is not written and it is too large
/// to be its own.
pub(super) fn write(shape: &Shape, table: &Table, file: &SharedFile) -> io::Result<Option<Sample>> {
    let rows = table.sample.len() as u64;
    let few = table.rows.min(SAMPLE_MAX as u64);
    let inner = shape.inner.ending();
    let (bytes, rows) = match shape.inner {
        Inner::Delimited(mark) => (delimited(table, mark), rows),
        Inner::Xlsx => (workbook(table)?, rows),
        Inner::Json | Inner::Ndjson | Inner::Geojson => {
            (cut::objects(&start(shape, file)?, shape.inner, SAMPLE_MAX), few)
        }
        Inner::Shapefile => return shapefile(shape, file, few).map(Some),
        Inner::Xls | Inner::Geopackage | Inner::Parquet => match whole(file)? {
            Some(bytes) => (bytes, table.rows),
            None => return Ok(None),
        },
    };
    let (bytes, ending) = match &shape.member {
        Some(member) => (archive([(member.replace('*', "sample"), bytes)])?, "zip".to_owned()),
        None => (bytes, inner.to_owned()),
    };
    Ok(Some(match shape.packing {
        Some(packing) => Sample { bytes: packed(packing, &bytes)?, ending: ending + packing_ending(packing), rows },
        None => Sample { bytes, ending, rows },
    }))
}

fn whole(file: &SharedFile) -> io::Result<Option<Vec<u8>>> {
    let mut bytes = Vec::new();
    file.clone().take(WHOLE + 1).read_to_end(&mut bytes)?;
    Ok((bytes.len() as u64 <= WHOLE).then_some(bytes))
}

/// The first bytes of the text, out of its archive.
fn start(shape: &Shape, file: &SharedFile) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    match &shape.member {
        None => file.clone().take(JSON_START).read_to_end(&mut bytes)?,
        Some(member) => {
            let picked = Archive::open(file.clone())
                .and_then(|mut archive| archive.members(member))
                .map_err(io::Error::other)?;
            let mut archive = ZipArchive::new(file.clone())?;
            archive.by_name(picked.first().unwrap_or(member))?.take(JSON_START).read_to_end(&mut bytes)?
        }
    };
    Ok(bytes)
}

fn delimited(table: &Table, mark: u8) -> Vec<u8> {
    let mut out = Vec::new();
    for row in table.above.iter().chain([&table.header]).chain(&table.sample) {
        for (at, field) in row.iter().enumerate() {
            if at > 0 {
                out.push(mark);
            }
            let is_plain = !field.iter().any(|byte| *byte == mark || matches!(byte, b'"' | b'\n' | b'\r'));
            if is_plain && !(row.len() == 1 && field.is_empty()) {
                out.extend_from_slice(field);
                continue;
            }
            out.push(b'"');
            for byte in field {
                if *byte == b'"' {
                    out.push(b'"');
                }
                out.push(*byte);
            }
            out.push(b'"');
        }
        out.push(b'\n');
    }
    out
}

/// A workbook of one sheet whose cells are texts.
fn workbook(table: &Table) -> io::Result<Vec<u8>> {
    let mut sheet = String::from(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?><worksheet xmlns=\"http://schemas.openxmlformats.org/spreadsheetml/2006/main\"><sheetData>",
    );
    for row in table.above.iter().chain([&table.header]).chain(&table.sample) {
        sheet.push_str("<row>");
        for field in row {
            let _ = write!(sheet, "<c t=\"inlineStr\"><is><t xml:space=\"preserve\">{}</t></is></c>", escaped(field));
        }
        sheet.push_str("</row>");
    }
    sheet.push_str("</sheetData></worksheet>");
    let document = |root: &str| format!("<?xml version=\"1.0\" encoding=\"UTF-8\"?>{root}").into_bytes();
    archive([
        (
            "[Content_Types].xml".to_owned(),
            document(
                "<Types xmlns=\"http://schemas.openxmlformats.org/package/2006/content-types\"><Default Extension=\"rels\" ContentType=\"application/vnd.openxmlformats-package.relationships+xml\"/><Override PartName=\"/xl/workbook.xml\" ContentType=\"application/vnd.openxmlformats-officedocument.spreadsheetml.sheet.main+xml\"/><Override PartName=\"/xl/worksheets/sheet1.xml\" ContentType=\"application/vnd.openxmlformats-officedocument.spreadsheetml.worksheet+xml\"/></Types>",
            ),
        ),
        (
            "_rels/.rels".to_owned(),
            document(
                "<Relationships xmlns=\"http://schemas.openxmlformats.org/package/2006/relationships\"><Relationship Id=\"rId1\" Type=\"http://schemas.openxmlformats.org/officeDocument/2006/relationships/officeDocument\" Target=\"xl/workbook.xml\"/></Relationships>",
            ),
        ),
        (
            "xl/workbook.xml".to_owned(),
            document(
                "<workbook xmlns=\"http://schemas.openxmlformats.org/spreadsheetml/2006/main\" xmlns:r=\"http://schemas.openxmlformats.org/officeDocument/2006/relationships\"><sheets><sheet name=\"Sheet1\" sheetId=\"1\" r:id=\"rId1\"/></sheets></workbook>",
            ),
        ),
        (
            "xl/_rels/workbook.xml.rels".to_owned(),
            document(
                "<Relationships xmlns=\"http://schemas.openxmlformats.org/package/2006/relationships\"><Relationship Id=\"rId1\" Type=\"http://schemas.openxmlformats.org/officeDocument/2006/relationships/worksheet\" Target=\"worksheets/sheet1.xml\"/></Relationships>",
            ),
        ),
        ("xl/worksheets/sheet1.xml".to_owned(), sheet.into_bytes()),
    ])
}

fn escaped(text: &[u8]) -> String {
    String::from_utf8_lossy(text).replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

/// The first shapes with their companions.
fn shapefile(shape: &Shape, file: &SharedFile, rows: u64) -> io::Result<Sample> {
    let shp = shape.member.clone().unwrap_or_default();
    let stem = shp.rsplit_once('.').map_or("", |(stem, _)| stem).to_lowercase();
    let mut archive_in = ZipArchive::new(file.clone())?;
    let mut members = Vec::new();
    for index in 0..archive_in.len() {
        let mut member = archive_in.by_index(index)?;
        let name = member.name()?.into_owned();
        let Some((its_stem, end)) = name.rsplit_once('.') else { continue };
        if its_stem.to_lowercase() != stem {
            continue;
        }
        let end = end.to_lowercase();
        if !["shp", "dbf", "prj", "cpg"].contains(&end.as_str()) {
            continue;
        }
        let mut bytes = Vec::new();
        member.read_to_end(&mut bytes)?;
        let bytes = match end.as_str() {
            "shp" => cut::shapes(&bytes, rows),
            "dbf" => cut::attributes(&bytes, rows),
            _ => bytes,
        };
        members.push((name, bytes));
    }
    let bytes = archive(members)?;
    Ok(match shape.packing {
        Some(packing) => {
            Sample { bytes: packed(packing, &bytes)?, ending: format!("zip{}", packing_ending(packing)), rows }
        }
        None => Sample { bytes, ending: "zip".to_owned(), rows },
    })
}

fn archive(members: impl IntoIterator<Item = (String, Vec<u8>)>) -> io::Result<Vec<u8>> {
    let mut out = Cursor::new(Vec::new());
    let mut archive = ZipWriter::new(&mut out);
    for (name, bytes) in members {
        archive.start_file(name, SimpleFileOptions::default())?;
        archive.write_all(&bytes)?;
    }
    archive.finish()?;
    out.seek(SeekFrom::Start(0))?;
    Ok(out.into_inner())
}

fn packed(packing: Packing, bytes: &[u8]) -> io::Result<Vec<u8>> {
    match packing {
        Packing::Gzip => {
            let mut out = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
            out.write_all(bytes)?;
            out.finish()
        }
        Packing::Zstd => zstd::encode_all(bytes, 0),
        Packing::Bzip2 => {
            let mut out = bzip2::write::BzEncoder::new(Vec::new(), bzip2::Compression::default());
            out.write_all(bytes)?;
            out.finish()
        }
        Packing::Xz => {
            let mut out = liblzma::write::XzEncoder::new(Vec::new(), 6);
            out.write_all(bytes)?;
            out.finish()
        }
    }
}
