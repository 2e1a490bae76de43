//! Lots as Parquet, with their shapes as GeoParquet has them.

use std::io::{self, Write};
use std::sync::Arc;

use parquet::basic::{Compression, ZstdLevel};
use parquet::data_type::{ByteArray, ByteArrayType, Int32Type, Int64Type};
use parquet::errors::Result;
use parquet::file::metadata::KeyValue;
use parquet::file::properties::WriterProperties;
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::parser::parse_message_type;

use super::Lot;

const SCHEMA: &str = "message lots {
    required int64 id;
    required binary name (STRING);
    required int64 amount (DECIMAL(18, 2));
    required int32 day (DATE);
    required binary shape;
}";

const GEO: &str = r#"{"version":"1.0.0","primary_column":"shape","columns":{"shape":{"encoding":"WKB","geometry_types":["Polygon"]}}}"#;

/// Rows of a row group.
const GROUP: u64 = 100_000;

pub(super) fn write(out: &mut (impl Write + Send), rows: u64) -> io::Result<()> {
    fill(out, rows).map_err(io::Error::other)
}

fn fill(out: &mut (impl Write + Send), rows: u64) -> Result<()> {
    let properties = WriterProperties::builder()
        .set_compression(Compression::ZSTD(ZstdLevel::default()))
        .set_key_value_metadata(Some(vec![KeyValue::new("geo".to_owned(), GEO.to_owned())]))
        .build();
    let mut writer = SerializedFileWriter::new(out, Arc::new(parse_message_type(SCHEMA)?), Arc::new(properties))?;
    for first in (0..rows).step_by(usize::try_from(GROUP).unwrap_or(usize::MAX)) {
        let lots = || (first..rows.min(first + GROUP)).map(Lot);
        let whole = |of: fn(Lot) -> u64| lots().map(|lot| of(lot).cast_signed()).collect::<Vec<_>>();
        let bytes = |of: fn(Lot) -> Vec<u8>| lots().map(|lot| ByteArray::from(of(lot))).collect::<Vec<_>>();
        let mut group = writer.next_row_group()?;
        for column in 0.. {
            let Some(mut writer) = group.next_column()? else { break };
            match column {
                0 => writer.typed::<Int64Type>().write_batch(&whole(|lot| lot.0), None, None)?,
                1 => writer.typed::<ByteArrayType>().write_batch(&bytes(|lot| lot.name().into()), None, None)?,
                2 => writer.typed::<Int64Type>().write_batch(&whole(Lot::cents), None, None)?,
                3 => writer.typed::<Int32Type>().write_batch(&lots().map(days).collect::<Vec<_>>(), None, None)?,
                _ => writer.typed::<ByteArrayType>().write_batch(&bytes(Lot::wkb), None, None)?,
            };
            writer.close()?;
        }
        group.close()?;
    }
    writer.close()?;
    Ok(())
}

/// Days since the beginning of 1970.
fn days(lot: Lot) -> i32 {
    let day: jiff::civil::Date = lot.day().parse().unwrap_or_default();
    day.since(jiff::civil::date(1970, 1, 1)).map(|span| span.get_days()).unwrap_or_default()
}
