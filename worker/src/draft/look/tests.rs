use std::sync::Arc;

use parquet::data_type::{ByteArray, ByteArrayType, Int64Type};
use parquet::file::properties::WriterProperties;
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::parser::parse_message_type;
use rusqlite::Connection;

use super::*;

/// The columns of some bytes and how many rows they are.
fn columns(bytes: &[u8]) -> (Vec<String>, u64) {
    let folder = tempfile::tempdir().unwrap();
    let mut spooled = Spool::new(folder.path()).file(None).unwrap();
    spooled.write(bytes).unwrap();
    let opened = Opened { file: spooled.finish(), coding: Coding::Identity, name: "data".to_owned() };
    let looked = look("data", opened, None, &Hints::new(), folder.path()).unwrap();
    assert_eq!(looked.sample.unwrap().bytes, bytes, "a small file is its own sample");
    let columns = looked.headers.iter().zip(&looked.columns);
    (columns.map(|(header, guess)| format!("{header}: {}", guess.type_name)).collect(), looked.rows)
}

#[test]
fn a_geopackage_tells_its_columns_and_its_shapes_tell_what_they_are() {
    let file = tempfile::NamedTempFile::new().unwrap();
    let database = Connection::open(file.path()).unwrap();
    database
        .execute_batch(
            "CREATE TABLE gpkg_spatial_ref_sys (srs_id INTEGER PRIMARY KEY, organization TEXT, organization_coordsys_id INTEGER);
             INSERT INTO gpkg_spatial_ref_sys VALUES (2263, 'EPSG', 2263);
             CREATE TABLE gpkg_contents (table_name TEXT PRIMARY KEY, data_type TEXT, srs_id INTEGER);
             CREATE TABLE gpkg_geometry_columns (table_name TEXT, column_name TEXT, srs_id INTEGER);
             INSERT INTO gpkg_contents VALUES ('lots', 'features', 2263);
             INSERT INTO gpkg_geometry_columns VALUES ('lots', 'Shape', 2263);
             CREATE TABLE lots (fid INTEGER PRIMARY KEY, Shape GEOMETRY, code TEXT(20), area DOUBLE, built DATE);
             INSERT INTO lots VALUES (7, x'47500001d70800000101000000000000000000f03f0000000000000040', '0012', 1.5, '2026-01-02');
             INSERT INTO lots VALUES (8, NULL, '7', NULL, NULL);",
        )
        .unwrap();
    drop(database);
    let (columns, rows) = columns(&std::fs::read(file.path()).unwrap());
    assert_eq!(columns, ["fid: integer", "geom: geometry(Point, 2263)", "code: text", "area: numeric", "built: date"]);
    assert_eq!(rows, 2);
}

#[test]
fn parquet_tells_its_columns_and_what_is_no_single_value_has_none() {
    let schema = "message m {
        required int64 id;
        required binary code (STRING);
        optional group tags (LIST) { repeated group list { optional binary element (STRING); } }
    }";
    let mut bytes = Vec::new();
    let properties = Arc::new(WriterProperties::builder().build());
    let schema = Arc::new(parse_message_type(schema).unwrap());
    let mut writer = SerializedFileWriter::new(&mut bytes, schema, properties).unwrap();
    let mut group = writer.next_row_group().unwrap();
    let mut at = 0;
    while let Some(mut column) = group.next_column().unwrap() {
        match at {
            0 => column.typed::<Int64Type>().write_batch(&[1, 2], None, None),
            1 => column.typed::<ByteArrayType>().write_batch(&["007", "8"].map(ByteArray::from), None, None),
            _ => column.typed::<ByteArrayType>().write_batch(&[], Some(&[0, 0]), Some(&[0, 0])),
        }
        .unwrap();
        column.close().unwrap();
        at += 1;
    }
    group.close().unwrap();
    writer.close().unwrap();
    assert_eq!(columns(&bytes), (["id: integer", "code: text", ": text"].map(str::to_owned).to_vec(), 2));
}
