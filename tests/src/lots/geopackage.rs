//! Lots as a layer of a GeoPackage.

use std::io;
use std::path::Path;

use rusqlite::{Connection, params};

use super::Lot;

const SCHEMA: &str = "
    PRAGMA application_id = 1196444487;
    PRAGMA user_version = 10300;
    CREATE TABLE gpkg_spatial_ref_sys (srs_name TEXT NOT NULL, srs_id INTEGER PRIMARY KEY, organization TEXT NOT NULL,
        organization_coordsys_id INTEGER NOT NULL, definition TEXT NOT NULL, description TEXT);
    INSERT INTO gpkg_spatial_ref_sys VALUES ('WGS 84', 4326, 'EPSG', 4326, 'GEOGCS[\"WGS 84\",DATUM[\"WGS_1984\",SPHEROID[\"WGS 84\",6378137,298.257223563]],PRIMEM[\"Greenwich\",0],UNIT[\"degree\",0.0174532925199433]]', NULL);
    CREATE TABLE gpkg_contents (table_name TEXT PRIMARY KEY, data_type TEXT NOT NULL, identifier TEXT UNIQUE,
        description TEXT DEFAULT '', last_change DATETIME NOT NULL, min_x DOUBLE, min_y DOUBLE, max_x DOUBLE, max_y DOUBLE,
        srs_id INTEGER);
    INSERT INTO gpkg_contents VALUES ('lots', 'features', 'lots', '', '2026-01-01T00:00:00.000Z', -74, 40, -73.9, 40.1, 4326);
    CREATE TABLE gpkg_geometry_columns (table_name TEXT NOT NULL, column_name TEXT NOT NULL, geometry_type_name TEXT NOT NULL,
        srs_id INTEGER NOT NULL, z TINYINT NOT NULL, m TINYINT NOT NULL, PRIMARY KEY (table_name, column_name));
    INSERT INTO gpkg_geometry_columns VALUES ('lots', 'shape', 'POLYGON', 4326, 0, 0);
    CREATE TABLE lots (id INTEGER PRIMARY KEY, shape POLYGON, name TEXT(30), amount DOUBLE, day DATE)";

pub(super) fn write(path: &Path, rows: u64) -> io::Result<()> {
    fill(path, rows).map_err(io::Error::other)
}

#[expect(clippy::cast_precision_loss, reason = "an amount has ten digits")]
fn fill(path: &Path, rows: u64) -> rusqlite::Result<()> {
    let mut database = Connection::open(path)?;
    database.pragma_update(None, "journal_mode", "off")?;
    database.pragma_update(None, "synchronous", "off")?;
    database.execute_batch(SCHEMA)?;
    let written = database.transaction()?;
    let mut insert = written.prepare("INSERT INTO lots VALUES (?1, ?2, ?3, ?4, ?5)")?;
    for number in 0..rows {
        let lot = Lot(number);
        // Its mark, version 0, little-endian without a box, the reference system.
        let shape = [&b"GP\x00\x01\xe6\x10\x00\x00"[..], &lot.wkb()].concat();
        insert.execute(params![number.cast_signed(), shape, lot.name(), lot.cents() as f64 / 100.0, lot.day()])?;
    }
    drop(insert);
    written.commit()
}
