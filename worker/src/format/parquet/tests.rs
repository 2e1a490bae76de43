use std::sync::Arc;

use parquet::basic::{Compression, Encoding, ZstdLevel};
use parquet::data_type::{
    ByteArray, ByteArrayType, DoubleType, FixedLenByteArray, FixedLenByteArrayType, Int32Type, Int64Type,
};
use parquet::file::properties::WriterProperties;
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::parser::parse_message_type;

use super::*;

const SCHEMA: &str = "message m {
    required int64 id (INTEGER(64, true));
    optional binary name (STRING);
    optional fixed_len_byte_array(9) price (DECIMAL(20, 2));
    required int64 seen (TIMESTAMP(MICROS, true));
    required int64 local (TIMESTAMP(NANOS, false));
    required int32 built (DATE);
    required double share;
    optional binary raw;
    optional group tags (LIST) { repeated group list { optional binary element (STRING); } }
}";

/// A file of two row groups of so many rows each.
fn file(rows: i64, compression: Compression) -> Vec<u8> {
    let schema = Arc::new(parse_message_type(SCHEMA).unwrap());
    let properties = WriterProperties::builder()
        .set_compression(compression)
        .set_data_page_row_count_limit(100)
        .set_write_batch_size(50)
        .set_column_encoding("share".into(), Encoding::BYTE_STREAM_SPLIT)
        .build();
    let mut bytes = Vec::new();
    let mut writer = SerializedFileWriter::new(&mut bytes, schema, Arc::new(properties)).unwrap();
    for group in 0..2 {
        let ids: Vec<i64> = (group * rows..(group + 1) * rows).collect();
        let every_other: Vec<i16> = ids.iter().map(|id| i16::from(id % 2 == 0)).collect();
        let of_others = || ids.iter().filter(|id| *id % 2 == 0);
        let texts =
            |prefix: &str| of_others().map(|id| ByteArray::from(format!("{prefix}{id}").as_str())).collect::<Vec<_>>();
        let mut row_group = writer.next_row_group().unwrap();
        let mut at = 0;
        while let Some(mut column) = row_group.next_column().unwrap() {
            let levels = Some(&every_other[..]);
            match at {
                1 => column.typed::<ByteArrayType>().write_batch(&texts("name "), levels, None),
                2 => {
                    let price = |id: &i64| -> FixedLenByteArray {
                        let bytes = i128::from(*id - 10).to_be_bytes();
                        ByteArray::from(bytes[7..].to_vec()).into()
                    };
                    let prices: Vec<_> = of_others().map(price).collect();
                    column.typed::<FixedLenByteArrayType>().write_batch(&prices, levels, None)
                }
                0 | 3 | 4 => column.typed::<Int64Type>().write_batch(&ids, None, None),
                5 => {
                    let days: Vec<i32> = ids.iter().map(|id| i32::try_from(*id).unwrap()).collect();
                    column.typed::<Int32Type>().write_batch(&days, None, None)
                }
                6 => {
                    let shares: Vec<f64> = days(&ids);
                    column.typed::<DoubleType>().write_batch(&shares, None, None)
                }
                7 => column.typed::<ByteArrayType>().write_batch(&texts("raw "), levels, None),
                _ => {
                    let (definitions, repetitions) = (vec![0; ids.len()], vec![0; ids.len()]);
                    column.typed::<ByteArrayType>().write_batch(&[], Some(&definitions), Some(&repetitions))
                }
            }
            .unwrap();
            column.close().unwrap();
            at += 1;
        }
        row_group.close().unwrap();
    }
    writer.close().unwrap();
    bytes
}

fn days(ids: &[i64]) -> Vec<f64> {
    ids.iter().map(|id| f64::from(i32::try_from(*id).unwrap()) / 10.0).collect()
}

fn open(bytes: &[u8]) -> Result<Parquet, FormatError> {
    let mut file = tempfile::tempfile().unwrap();
    std::io::Write::write_all(&mut file, bytes).unwrap();
    Parquet::open(SharedFile::new(file))
}

/// All rows without the column that is nested.
fn read(bytes: &[u8]) -> Result<Vec<Vec<Option<String>>>, FormatError> {
    let parquet = open(bytes)?;
    let raw = |field| match field {
        7 => Some(RawBytes::Hex),
        8 => None,
        _ => Some(RawBytes::Plain),
    };
    let mut records = parquet.records(parquet.names("geom"), raw)?;
    let mut rows = Vec::new();
    while let Some(record) = records.read()? {
        let field =
            |index| (!record.is_absent(index)).then(|| String::from_utf8_lossy(record.field(index)).into_owned());
        rows.push((0..record.len()).map(field).collect());
    }
    Ok(rows)
}

#[test]
fn values_are_exact_in_every_row_of_every_row_group() {
    for compression in [Compression::UNCOMPRESSED, Compression::SNAPPY, Compression::ZSTD(ZstdLevel::default())] {
        let rows = read(&file(1_100, compression)).unwrap();
        assert_eq!(rows.len(), 2_200);
        for (id, row) in rows.iter().enumerate() {
            let has = id % 2 == 0;
            assert_eq!(row[0].as_deref(), Some(id.to_string().as_str()));
            assert_eq!(row[1], has.then(|| format!("name {id}")));
            assert_eq!(row[8], None);
        }
        let row = |id: usize| rows[id].iter().map(|field| field.clone().unwrap_or("-".to_owned())).collect::<Vec<_>>();
        let none = "-".to_owned();
        assert_eq!(
            row(8),
            [
                "8",
                "name 8",
                "-0.02",
                "1970-01-01 00:00:00.000008+00",
                "1970-01-01 00:00:00.000000008",
                "1970-01-09",
                "0.8",
                "\\x7261772038",
                &none
            ]
        );
        assert_eq!(row(1_999)[..3], ["1999", "-", "-"]);
    }
}

#[test]
fn columns_have_the_types_that_hold_them() {
    let columns = open(&file(1, Compression::UNCOMPRESSED)).unwrap().columns();
    let types: Vec<_> = columns.iter().map(|column| (column.name.as_str(), column.type_name)).collect();
    let expected = [
        ("id", "bigint"),
        ("name", "text"),
        ("price", "numeric"),
        ("seen", "timestamptz"),
        ("local", "timestamp"),
        ("built", "date"),
        ("share", "double precision"),
        ("raw", "bytea"),
    ];
    assert_eq!(types, expected);
}

#[test]
fn what_is_nested_is_refused_by_name_where_it_is_wanted() {
    let parquet = open(&file(1, Compression::UNCOMPRESSED)).unwrap();
    let error = parquet.records(parquet.names("geom"), |_| Some(RawBytes::Plain)).err().unwrap();
    assert_eq!(error.to_string(), "its column \"tags\" is a list, a map or a structure, which is not read");
}

#[test]
fn what_is_damaged_is_refused_and_ends_nothing_but_itself() {
    let whole = file(300, Compression::SNAPPY);
    for length in [0, 3, 4, 12, whole.len() / 2, whole.len() - 1] {
        assert!(read(&whole[..length]).is_err(), "{length} bytes");
    }
    assert!(matches!(read(b"<!doctype html><html>"), Err(FormatError::Impostor(_))));
    for place in (4..whole.len()).step_by(197) {
        let mut changed = whole.clone();
        changed[place] ^= 0xff;
        // A byte of a value may be any; nothing but an error may come of the others.
        if let Ok(rows) = read(&changed) {
            assert_eq!(rows.len(), 600, "{place}");
        }
    }
}
