//! Shapefiles: shapes and attributes beside each other. However they are cut into blocks, the records are the same, or the file is
//! refused for the same reason; and a shape that was read is a geometry, or bad by itself.

use std::sync::LazyLock;

use value::{Encoder, Parser};
use worker::format::shapefile::{Label, Records, srid};
use worker::format::{FormatError, ReadBlocks};

use crate::files::{Found, Lines, Steps, all};

static GEOMETRY: LazyLock<Encoder> =
    LazyLock::new(|| Encoder::new("geometry".parse().expect("a type"), Parser::Auto).expect("a parser"));

/// Two bytes say how long the `.shp` is and one where all is cut; the `.dbf` follows, whose last bytes are a `.prj` and a `.cpg` too.
pub(crate) fn shapes(data: &[u8]) {
    let [high, low, cut, files @ ..] = data else { return };
    let (shp, dbf) = files.split_at(usize::from(u16::from_be_bytes([*high, *low])).min(files.len()));
    let tail = &dbf[dbf.len().saturating_sub(200)..];
    let _ = srid(&String::from_utf8_lossy(tail));
    let label = Label { declared: None, of_cpg: Label::cpg(&tail[tail.len().saturating_sub(12)..]) };
    let step = usize::from(*cut) % 61 + 1;
    let whole = read(shp, dbf, label, usize::MAX);
    assert_eq!(whole, read(shp, dbf, label, step), "cut every {step} bytes");
    for (_, _, fields) in &whole.0 {
        let mut out = Vec::new();
        let _ = GEOMETRY.encode(&fields[0], &mut out);
    }
}

fn read(shp: &[u8], dbf: &[u8], label: Label, step: usize) -> Found {
    let mut read = Vec::new();
    let mut go = || -> Result<(), FormatError> {
        let blocks = |file| ReadBlocks::new(Steps { file, step });
        let records = Records::new(blocks(shp), blocks(dbf), label, "geom")?;
        let _ = records.columns();
        all(records, Lines::Apart, &mut read)
    };
    let refused = go().err().map(|error| error.to_string());
    (read, refused)
}
