//! Lots as a shapefile: shapes, their index, attributes and the reference system, each from its first byte to its last.

use std::io::{self, Seek, Write};

use zip::ZipWriter;
use zip::write::SimpleFileOptions;

use super::Lot;

/// Bytes of a record of the `.shp` behind its head of eight.
const SHAPE: u32 = 4 + 32 + 4 + 4 + 4 + 16 * POINTS;

/// Points of a shape.
const POINTS: u32 = 9;

/// Most lots of one shapefile, whose lengths are 31 bits of words of two bytes; most programs end at 2 GiB.
pub const SHAPES_MAX: u64 = (i32::MAX as u64 - 100) / (SHAPE as u64 + 8);

/// Bytes of the head of a `.dbf` of four fields.
const HEAD: u16 = 33 + 32 * 4;

const FIELDS: [(&str, u8, u8, u8); 4] =
    [("id", b'N', 10, 0), ("name", b'C', 30, 0), ("amount", b'N', 12, 2), ("day", b'D', 8, 0)];

const PRJ: &str = r#"GEOGCS["GCS_WGS_1984",DATUM["D_WGS_1984",SPHEROID["WGS_1984",6378137.0,298.257223563]],PRIMEM["Greenwich",0.0],UNIT["Degree",0.0174532925199433]]"#;

pub(super) fn write(out: &mut (impl Write + Seek), rows: u64) -> io::Result<()> {
    let mut zip = ZipWriter::new(out);
    // Packed as little as may be: it is not the packing that is looked at.
    let options = SimpleFileOptions::default().compression_level(Some(1)).large_file(true);
    let begin = |zip: &mut ZipWriter<_>, name: &str| zip.start_file(name, options).map_err(io::Error::other);
    begin(&mut zip, "lots.shp")?;
    zip.write_all(&head(rows, SHAPE + 8))?;
    let mut record = Vec::new();
    for number in 0..rows {
        record.clear();
        let place = u32::try_from(number + 1).unwrap_or_default();
        record.extend_from_slice(&place.to_be_bytes());
        record.extend_from_slice(&(SHAPE / 2).to_be_bytes());
        shape(Lot(number), &mut record);
        zip.write_all(&record)?;
    }
    begin(&mut zip, "lots.shx")?;
    zip.write_all(&head(rows, 8))?;
    for number in 0..rows {
        let at = u32::try_from(50 + number * u64::from(SHAPE + 8) / 2).unwrap_or_default();
        zip.write_all(&[at.to_be_bytes(), (SHAPE / 2).to_be_bytes()].concat())?;
    }
    begin(&mut zip, "lots.dbf")?;
    attributes(&mut zip, rows)?;
    begin(&mut zip, "lots.prj")?;
    zip.write_all(PRJ.as_bytes())?;
    zip.finish().map_err(io::Error::other)?;
    Ok(())
}

/// The head of both files of shapes: their length in words, their version, what shapes they are, and a box around them.
fn head(rows: u64, record: u32) -> Vec<u8> {
    let words = u32::try_from(50 + rows * u64::from(record / 2)).unwrap_or(u32::MAX);
    let mut head = vec![0; 36];
    head[..4].copy_from_slice(&9994_u32.to_be_bytes());
    head[24..28].copy_from_slice(&words.to_be_bytes());
    head[28..32].copy_from_slice(&1000_u32.to_le_bytes());
    head[32..36].copy_from_slice(&5_u32.to_le_bytes());
    for bound in [-74.0, 40.0, -73.9, 40.1, 0.0, 0.0, 0.0, 0.0_f64] {
        head.extend_from_slice(&bound.to_le_bytes());
    }
    head
}

fn shape(lot: Lot, out: &mut Vec<u8>) {
    let ring = lot.ring();
    let edge = |of: fn(f64, f64) -> f64, axis: fn(&(f64, f64)) -> f64| {
        ring.iter().map(axis).reduce(of).unwrap_or_default().to_le_bytes()
    };
    out.extend_from_slice(&5_u32.to_le_bytes());
    for bound in [edge(f64::min, |c| c.0), edge(f64::min, |c| c.1), edge(f64::max, |c| c.0), edge(f64::max, |c| c.1)] {
        out.extend_from_slice(&bound);
    }
    for count in [1, POINTS, 0] {
        out.extend_from_slice(&count.to_le_bytes());
    }
    for (x, y) in ring {
        out.extend_from_slice(&x.to_le_bytes());
        out.extend_from_slice(&y.to_le_bytes());
    }
}

fn attributes(out: &mut impl Write, rows: u64) -> io::Result<()> {
    let width = 1 + FIELDS.iter().map(|(_, _, length, _)| u16::from(*length)).sum::<u16>();
    let mut head = vec![0; 32];
    head[0] = 3;
    head[4..8].copy_from_slice(&u32::try_from(rows).unwrap_or(u32::MAX).to_le_bytes());
    head[8..10].copy_from_slice(&HEAD.to_le_bytes());
    head[10..12].copy_from_slice(&width.to_le_bytes());
    for (name, kind, length, decimals) in FIELDS {
        let mut field = [0; 32];
        field[..name.len()].copy_from_slice(name.as_bytes());
        (field[11], field[16], field[17]) = (kind, length, decimals);
        head.extend_from_slice(&field);
    }
    head.push(0x0d);
    out.write_all(&head)?;
    for number in 0..rows {
        let lot = Lot(number);
        write!(out, " {number:>10}{:<30}{:>12}{}", lot.name(), lot.amount(), lot.day().replace('-', ""))?;
    }
    out.write_all(&[0x1a])
}
