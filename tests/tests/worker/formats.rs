//! Every format into a real table: the values that went in come out, and shapes are what PostGIS takes them for.

use freshet_tests::lots::{FIXED, Lot, Lots};
use manifest::run::Outcome;

use crate::support::{City, Failure, Told};

const ROWS: u64 = 1_500;

/// A city whose trees are lots of this format, with their shapes where it has them and the machine has PostGIS.
fn city(lots: Lots) -> (City, bool) {
    let city = City::new();
    let available = "SELECT count(*) FROM pg_available_extensions WHERE name = 'postgis'";
    let has_shapes = lots.has_shapes() && city.value(available) == "1";
    if has_shapes {
        city.sql("CREATE EXTENSION postgis");
    } else if lots.has_shapes() {
        eprintln!("no PostGIS: {} is loaded without its shapes", lots.format());
    }
    let file = format!("lots.{}", lots.ending());
    let more = match lots {
        Lots::Shapefile => ", member: \"*.shp\"".to_owned(),
        Lots::Fixed => {
            let fields = FIXED.map(|(name, start, width)| format!("{name}: {start}+{width}"));
            format!(", format: fixed, fields: {{{}}}", fields.join(", "))
        }
        _ => String::new(),
    };
    city.edit_manifest("/trees.csv\", file: trees.csv", &format!("/{file}\", file: {file}{more}"));
    let shape = if has_shapes { "      shape: geometry(MultiPolygon, 4326)\n" } else { "" };
    city.edit_manifest(
        "      species: text not null\n      planted: date\n      height: numeric\n",
        &format!("      name: text not null\n      amount: numeric(12,2)\n      day: date\n{shape}"),
    );
    city.edit_manifest("    indexes: [species]\n", "");
    city.publish(&file, lots.bytes(ROWS).unwrap());
    (city, has_shapes)
}

#[test]
fn the_same_rows_arrive_from_every_format() {
    for lots in Lots::ALL {
        let (city, has_shapes) = city(lots);
        let record = city.load().is(Outcome::Published).record();
        assert_eq!((record.rows, record.bad_values, record.rejected_rows), (ROWS, 0, 0), "{lots:?}");
        let rows = city.rows("SELECT id, name, amount, day FROM public.trees ORDER BY id");
        let expected = |number| {
            let lot = Lot(number);
            format!("{number}|{}|{}|{}", lot.name(), lot.amount(), lot.day())
        };
        assert_eq!(rows, (0..ROWS).map(expected).collect::<Vec<_>>(), "{lots:?}");
        if has_shapes {
            let shapes = "SELECT count(*), count(DISTINCT shape), bool_and(ST_IsValid(shape)), min(ST_SRID(shape)),
                                 min(ST_NumGeometries(shape)), min(ST_NPoints(shape)),
                                 (SELECT ST_AsText(ST_PointN(ST_ExteriorRing(ST_GeometryN(ST_ForcePolygonCW(shape), 1)), 1)) IS NOT NULL
                                  FROM public.trees WHERE id = 7),
                                 (SELECT ST_XMin(shape) || ' ' || ST_YMax(shape) FROM public.trees WHERE id = 1234)
                          FROM public.trees";
            assert_eq!(city.rows(shapes), ["1500|1500|t|4326|1|9|t|-73.9883 40.00009"], "{lots:?}");
        }
        city.load().is(Outcome::Unchanged);
    }
}

#[test]
fn columns_of_a_geopackage_and_of_parquet_are_those_that_they_declare() {
    for (lots, amount) in [(Lots::Geopackage, "double precision"), (Lots::Parquet, "numeric")] {
        let (city, has_shapes) = city(lots);
        city.edit_manifest(
            "      name: text not null\n      amount: numeric(12,2)\n      day: date\n",
            "      \"*\": source\n",
        );
        city.load().is(Outcome::Published);
        let columns = city.rows(
            "SELECT attname, format_type(atttypid, atttypmod) FROM pg_attribute
             WHERE attrelid = 'public.trees'::regclass AND attnum > 0 ORDER BY attnum",
        );
        let amount = format!("amount|{amount}");
        let shape = has_shapes.then_some("shape|geometry(MultiPolygon,4326)");
        let expected: Vec<&str> = ["id|integer", "name|text", &amount, "day|date"].into_iter().chain(shape).collect();
        assert_eq!(columns, expected, "{lots:?}");
    }
}

#[test]
fn a_line_that_is_too_short_is_kept_with_its_place() {
    let (city, _) = city(Lots::Fixed);
    let mut text = Lots::Fixed.bytes(10).unwrap();
    text.extend_from_slice(b"        10short\n");
    city.publish("lots.txt", text);
    city.edit_manifest("    expect: {rows: 3}", "    expect: {rows: 3}\n    bad_values: {allow: 50%}");
    assert_eq!(city.load().is(Outcome::Published).record().rejected_rows, 1);
    assert_eq!(city.rows("SELECT line, raw, code FROM freshet.rejects"), ["11|        10short|too_few_fields"]);
}

#[test]
fn shapes_of_another_system_are_refused_by_every_format_that_tells_its_own() {
    for lots in [Lots::Shapefile, Lots::Geopackage, Lots::Parquet, Lots::Geojson] {
        let (city, has_shapes) = city(lots);
        if !has_shapes {
            continue;
        }
        city.edit_manifest("4326", "2263");
        let finished = city.follow(&city.call(&["trees"]));
        finished.run.expect_code(65);
        assert_eq!(finished.fact("failed")["code"], "srid_mismatch", "{lots:?}");
    }
}

#[test]
fn a_damaged_parquet_file_leaves_what_is_live() {
    let city = City::with_live_trees();
    city.edit_manifest("/trees.csv\", file: trees.csv", "/trees.parquet\", file: trees.parquet");
    let mut bytes = Lots::Parquet.bytes(ROWS).unwrap();
    let middle = bytes.len() / 3;
    bytes[middle..middle + 64].fill(0xff);
    city.publish("trees.parquet", &bytes[..bytes.len() - 9]);
    let failure = Failure {
        exit: 65,
        code: "parquet_corrupt",
        says: &["trees.parquet", "the Parquet file is damaged"],
        ledger: Told::Refused,
    };
    city.fails(&city.call(&["trees"]), &failure);
}
