use std::io::Write as _;

use rusqlite::params;

use super::*;

const POINT: &[u8] = b"\x01\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\xf0\x3f\x00\x00\x00\x00\x00\x00\x00\x40";

/// The head of a shape, in the order of bytes that is usual, with so many numbers of a box around it.
fn shape(system: i32, envelope: u8, numbers: usize, flags: u8) -> Vec<u8> {
    let mut blob = vec![b'G', b'P', 0, envelope << 1 | flags | 1];
    blob.extend_from_slice(&system.to_le_bytes());
    blob.resize(blob.len() + numbers * 8, 0);
    blob.extend_from_slice(POINT);
    blob
}

/// A package with a layer `lots`, changed by some SQL.
fn package(sql: &str) -> tempfile::NamedTempFile {
    let file = tempfile::NamedTempFile::new().unwrap();
    let database = Connection::open(file.path()).unwrap();
    database
        .execute_batch(
            "PRAGMA journal_mode = wal;
             CREATE TABLE gpkg_spatial_ref_sys (srs_id INTEGER PRIMARY KEY, organization TEXT, organization_coordsys_id INTEGER);
             INSERT INTO gpkg_spatial_ref_sys VALUES (2263, 'EPSG', 2263), (100000, 'NONE', 7), (-1, 'NONE', -1);
             CREATE TABLE gpkg_contents (table_name TEXT PRIMARY KEY, data_type TEXT, srs_id INTEGER);
             CREATE TABLE gpkg_geometry_columns (table_name TEXT, column_name TEXT, srs_id INTEGER);
             INSERT INTO gpkg_contents VALUES ('lots', 'features', 2263), ('notes', 'attributes', 0), ('map', 'tiles', 0);
             INSERT INTO gpkg_geometry_columns VALUES ('lots', 'Shape', 2263);
             CREATE TABLE notes (id INTEGER PRIMARY KEY, note TEXT);
             CREATE TABLE lots (fid INTEGER PRIMARY KEY, Shape POLYGON, name TEXT(20), \"is \"\"new\" BOOLEAN, area DOUBLE,
                 floors TINYINT, seen DATETIME, built DATE, raw BLOB, twice REAL GENERATED ALWAYS AS (area * 2))",
        )
        .unwrap();
    let insert = "INSERT INTO lots (fid, Shape, name, \"is \"\"new\", area, floors, seen, built, raw)
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)";
    let row =
        params![7, shape(2263, 1, 4, 0), "Café", 1, 0.1, 3, "2026-01-02T03:04:05.678Z", "2026-01-02", [1_u8, 171]];
    database.execute(insert, row).unwrap();
    database.execute("INSERT INTO lots (name, floors) VALUES ('none', 'many')", []).unwrap();
    database.execute_batch(sql).unwrap();
    database.execute_batch("PRAGMA wal_checkpoint(TRUNCATE)").unwrap();
    file
}

fn open(file: &tempfile::NamedTempFile) -> Result<GeoPackage, FormatError> {
    // As a download comes: a file that has no path.
    let folder = tempfile::tempdir().unwrap();
    let spool = Spool::new(folder.path());
    let mut spooled = spool.file(None).unwrap();
    spooled.write(&std::fs::read(file.path()).unwrap()).unwrap();
    let opened = GeoPackage::open(&spooled.finish(), &spool).unwrap();
    assert_eq!(folder.path().read_dir().unwrap().count(), 0);
    opened
}

fn rows(package: &GeoPackage, layer: Option<&str>) -> Result<Vec<Vec<Option<Vec<u8>>>>, FormatError> {
    let layer = package.layer(layer)?;
    let mut statement = package.rows(&layer)?;
    let mut records = Records::new(&mut statement, &layer, "geom");
    let mut rows = Vec::new();
    while let Some(record) = records.read()? {
        let field = |index| (!record.is_absent(index)).then(|| record.field(index).to_vec());
        rows.push((0..record.len()).map(field).collect());
    }
    Ok(rows)
}

fn text(row: &[Option<Vec<u8>>]) -> Vec<String> {
    row.iter().map(|field| field.as_ref().map_or("-".into(), |field| String::from_utf8_lossy(field).into())).collect()
}

#[test]
fn values_are_what_the_database_holds_and_columns_what_it_declares() {
    let package = open(&package("")).unwrap();
    let layer = package.layer(None).unwrap();
    assert_eq!((layer.name.as_str(), layer.srid()), ("lots", Some(2263)));
    let columns: Vec<_> = layer.columns().into_iter().map(|column| (column.name, column.type_name)).collect();
    let expected = [
        ("fid", "bigint"),
        ("name", "text"),
        ("is \"new", "boolean"),
        ("area", "double precision"),
        ("floors", "smallint"),
        ("seen", "timestamptz"),
        ("built", "date"),
        ("raw", "bytea"),
        ("twice", "double precision"),
    ];
    assert_eq!(columns, expected.map(|(name, kind)| (name.to_owned(), kind)));
    let rows = rows(&package, None).unwrap();
    assert_eq!(rows[0][1].as_deref(), Some(POINT));
    let plain: Vec<_> =
        text(&rows[0]).into_iter().enumerate().filter(|(at, _)| *at != 1).map(|(_, text)| text).collect();
    assert_eq!(plain, ["7", "Café", "true", "0.1", "3", "2026-01-02T03:04:05.678Z", "2026-01-02", "\\x01ab", "0.2"]);
    assert_eq!(text(&rows[1]), ["8", "-", "none", "-", "-", "many", "-", "-", "-", "-"]);
}

#[test]
fn a_layer_is_named_or_the_only_one() {
    let notes = "INSERT INTO notes VALUES (1, 'x')";
    assert_eq!(rows(&open(&package(notes)).unwrap(), Some("NOTES")).unwrap().len(), 1);
    let more = package("INSERT INTO gpkg_contents VALUES ('parks', 'features', 0); CREATE TABLE parks (a)");
    let error = open(&more).unwrap().layer(None).unwrap_err();
    assert_eq!(error.to_string(), "the GeoPackage has more than one layer, or none; its layers: lots, notes, parks");
    let error = open(&more).unwrap().layer(Some("park")).unwrap_err();
    assert_eq!(error.to_string(), "the GeoPackage has no layer `park`; its layers: lots, notes, parks");
}

#[test]
fn a_shape_says_its_system_where_it_is_not_the_layers() {
    let write = |blob: &[u8]| {
        let mut out = Vec::new();
        Kind::Geometry.write(rusqlite::types::ValueRef::Blob(blob), 2263, &mut out);
        out
    };
    for (envelope, numbers) in [(0, 0), (1, 4), (2, 6), (3, 6), (4, 8)] {
        assert_eq!(write(&shape(2263, envelope, numbers, 0)), POINT);
        assert_eq!(write(&shape(0, envelope, numbers, 0)), POINT);
    }
    let other = write(&shape(4326, 0, 0, 0));
    assert_eq!(other[..9], [1, 1, 0, 0, 0x20, 0xe6, 0x10, 0, 0]);
    assert_eq!(other[9..], POINT[5..]);
    // What is none is left for whoever reads it to refuse.
    let (wide, extended, cut) = (shape(0, 5, 0, 0), shape(0, 0, 0, 0x20), b"GP\0\x01\0\0");
    for blob in [&wide[..], &extended, cut, &shape(0, 4, 2, 0)[..30]] {
        assert_eq!(write(blob), blob);
    }
}

#[test]
fn what_is_hostile_is_refused() {
    let view = package(
        "DROP TABLE lots;
         CREATE VIEW lots AS WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT i AS fid FROM n",
    );
    let error = open(&view).unwrap().layer(None).unwrap_err();
    assert!(error.to_string().contains("views are not read"), "{error}");
    let virtual_table = package("DROP TABLE lots; CREATE VIRTUAL TABLE lots USING fts5(name)");
    assert!(open(&virtual_table).unwrap().layer(None).is_err());
    let injected =
        package("UPDATE gpkg_contents SET table_name = 'lots\" UNION SELECT 1 --' WHERE table_name = 'lots'");
    assert!(open(&injected).unwrap().layer(None).is_err());
    let bare = package("DROP TABLE gpkg_contents");
    assert!(matches!(open(&bare).unwrap().layer(None), Err(FormatError::Corrupt(..))));
    let large = package(&format!("UPDATE lots SET raw = zeroblob({})", ROW_MAX + 1));
    assert!(matches!(rows(&open(&large).unwrap(), None), Err(FormatError::TooLarge { .. })));
    let whole = std::fs::read(package("").path()).unwrap();
    let mut other = tempfile::NamedTempFile::new().unwrap();
    other.write_all(b"<!doctype html><html>").unwrap();
    assert!(matches!(open(&other), Err(FormatError::Impostor(_))));
    for place in (0..whole.len()).step_by(1_021) {
        let mut changed = whole.clone();
        changed[place] ^= 0xff;
        let cut = &whole[..place];
        for bytes in [&changed[..], cut] {
            std::fs::write(other.path(), bytes).unwrap();
            let read = open(&other).and_then(|package| rows(&package, None));
            // A byte of a text may be any; what is cut off may not be missed.
            assert!(read.is_err() || bytes.len() == whole.len(), "{place}");
        }
    }
}
