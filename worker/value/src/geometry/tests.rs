use std::fmt::Write as _;

use proptest::prelude::*;

use super::*;
use crate::{Encoded, Encoder, Parser};

fn encode(column: &str, field: &[u8]) -> Result<Vec<u8>, Bad> {
    let encoder = Encoder::new(column.parse().unwrap(), Parser::Auto).unwrap();
    let mut out = b"before".to_vec();
    let written = encoder.encode(field, &mut out);
    if written.is_err() {
        assert_eq!(out, b"before");
    }
    assert_eq!(written?, Encoded::Value);
    let (length, payload) = out[6..].split_first_chunk().unwrap();
    assert_eq!(u32::from_be_bytes(*length) as usize, payload.len());
    Ok(payload.to_vec())
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02X}");
        text
    })
}

/// As PostGIS prints these, asked by `SELECT 'SRID=4326;POINT(1 2)'::geometry`.
const POINT: &str = "0101000020E6100000000000000000F03F0000000000000040";

#[test]
fn every_notation_of_one_geometry_is_the_same_value() {
    let binary = |text: &str| {
        (0..text.len()).step_by(2).map(|at| u8::from_str_radix(&text[at..at + 2], 16).unwrap()).collect::<Vec<_>>()
    };
    let big = binary("00000000013FF00000000000004000000000000000");
    for field in [
        &b"POINT(1 2)"[..],
        b" Point ( 1.0  2e0 ) ",
        b"SRID=4326;POINT(1 2)",
        b"{\"type\":\"Point\",\"coordinates\":[1,2]}",
        b"{ \"coordinates\" : [ 1.0 , 2.0 ] , \"bbox\": [1,2,{\"a\":\"}\"}], \"type\" : \"Point\" }",
        b"0101000000000000000000F03F0000000000000040",
        POINT.as_bytes(),
        POINT.to_lowercase().as_bytes(),
        &binary(POINT),
        &big,
    ] {
        let written = encode("geometry(point,4326)", field);
        assert_eq!(written.as_deref().map(hex), Ok(POINT.to_owned()), "{}", String::from_utf8_lossy(field));
    }
}

#[test]
fn a_single_shape_becomes_a_collection_of_one_where_that_is_declared() {
    let polygon = "POLYGON((0 0,0 1,1 1,0 0),(0.1 0.2,0.2 0.2,0.2 0.1,0.1 0.2))";
    let multi = format!("MULTI{polygon}").replace("((", "(((").replace("))", ")))");
    let column = "geometry(multipolygon,2263)";
    assert_eq!(encode(column, polygon.as_bytes()), encode(column, multi.as_bytes()));
    for (column, field, bad) in [
        ("geometry(polygon)", "MULTIPOLYGON(((0 0,0 1,1 1,0 0)))", Bad::WrongShape),
        ("geometry(point)", "LINESTRING(0 0,1 1)", Bad::WrongShape),
        ("geometry(multipoint)", "POLYGON EMPTY", Bad::WrongShape),
    ] {
        assert_eq!(encode(column, field.as_bytes()), Err(bad), "{field}");
    }
    assert_eq!(encode("geometry(multipolygon)", b"POLYGON EMPTY"), encode("geometry", b"MULTIPOLYGON EMPTY"));
}

#[test]
fn height_and_measure_are_left_out_only_where_the_declaration_has_none() {
    let flat = encode("geometry(linestring)", b"LINESTRING(0 1,2 3)").unwrap();
    for field in [
        "LINESTRING Z (0 1 9,2 3 9)",
        "LINESTRINGZM(0 1 9 8,2 3 9 8)",
        "LINESTRING M (0 1 7,2 3 7)",
        "LINESTRING(0 1 9,2 3 9)",
    ] {
        assert_eq!(encode("geometry(linestring)", field.as_bytes()).as_ref(), Ok(&flat), "{field}");
        assert_eq!(encode("geometry", field.as_bytes()).map(|value| value.len() > flat.len()), Ok(true), "{field}");
    }
    assert_eq!(encode("geometry(pointz)", b"POINT(1 2)"), Err(Bad::WrongAxes));
    // Signs and exponents hide no height.
    let flat = encode("geometry(point)", b"POINT(39.9 -75.1)");
    for field in ["POINT Z (39.9 -75.1 3)", "POINT(3.99e1 -7.51E+1 -3e-7)"] {
        assert_eq!(encode("geometry(point)", field.as_bytes()), flat, "{field}");
    }
    assert_eq!(
        encode("geometry(pointz)", b"{\"type\":\"Point\",\"coordinates\":[1,2,-3.5]}").map(|value| value.len()),
        Ok(29)
    );
    assert_eq!(encode("geometry", b"GEOMETRYCOLLECTION(POINT(1 2 3))"), Err(Bad::WrongAxes));
}

#[test]
fn what_postgis_would_refuse_is_refused_value_by_value() {
    for (field, bad) in [
        ("POLYGON((0 0,0 1,1 1,0 0.5))", Bad::OpenRing),
        ("POLYGON((0 0,0 1,0 0))", Bad::FewPoints),
        ("LINESTRING(0 0)", Bad::FewPoints),
        ("POINT(1)", Bad::NotAGeometry),
        ("POINT(1 2", Bad::NotAGeometry),
        ("POINT(1 2) x", Bad::NotAGeometry),
        ("CIRCLE(1 2)", Bad::NotAGeometry),
        ("SRID=2263;POINT(1 2)", Bad::WrongSrid),
        ("40.7,-74", Bad::NotAGeometry),
        ("{}", Bad::NotAGeometry),
        ("{\"type\":\"Feature\",\"coordinates\":[1,2]}", Bad::NotAGeometry),
        ("{\"type\":\"Point\",\"coordinates\":[1,null]}", Bad::NotAGeometry),
        ("{\"type\":\"Point\",\"coordinates\":[1,2]", Bad::NotAGeometry),
        ("{\"type\":\"Point\"", Bad::NotAGeometry),
        ("0101000000", Bad::NotAGeometry),
        ("010", Bad::NotAGeometry),
        ("0101000000000000000000F07F0000000000000040", Bad::NotFinite),
    ] {
        assert_eq!(encode("geometry(geometry,4326)", field.as_bytes()), Err(bad), "{field}");
    }
    let deep = "GEOMETRYCOLLECTION(".repeat(200) + "POINT(1 2)" + &")".repeat(200);
    assert_eq!(encode("geometry", deep.as_bytes()), Err(Bad::NotAGeometry));
}

#[test]
fn collections_hold_what_their_notations_hold() {
    let json = br#"{"type":"GeometryCollection","geometries":[{"type":"Point","coordinates":[1,2]},{"coordinates":[[3,4],[5,6]],"type":"LineString"}],"x":[]}"#;
    let text = b"GEOMETRYCOLLECTION(POINT(1 2),LINESTRING(3 4,5 6))";
    assert_eq!(encode("geometry", json), encode("geometry", text));
    for text in ["MULTIPOINT(1 2,3 4)", "MULTIPOINT((1 2),(3 4))"] {
        let json = b"{\"type\":\"MultiPoint\",\"coordinates\":[[1,2],[3,4]]}";
        assert_eq!(encode("geometry(multipoint)", text.as_bytes()), encode("geometry(multipoint)", json));
    }
}

proptest! {
    #[test]
    fn anything_is_a_value_or_bad(field in proptest::collection::vec(any::<u8>(), 0..80), binary in any::<bool>()) {
        let mut field = field;
        if binary && field.len() > 5 {
            field[0] = 1;
            field[1] %= 8;
            field[2..4].fill(0);
            field[4] &= 0xe0;
        }
        let encoder = Encoder::new("geometry".parse().unwrap(), Parser::Auto).unwrap();
        let mut out = Vec::new();
        let _ = encoder.encode(&field, &mut out);
    }

    #[test]
    fn any_text_of_json_is_a_value_or_bad(field in r#"\{("type":"(Point|Polygon|GeometryCollection)",?|"coordinates":|"geometries":|[\[\]{},:0-9". e-]){0,12}\}?"#) {
        let encoder = Encoder::new("geometry".parse().unwrap(), Parser::Auto).unwrap();
        let _ = encoder.encode(field.as_bytes(), &mut Vec::new());
    }

    #[test]
    fn coordinates_survive_bit_by_bit(x in proptest::num::f64::NORMAL, y in proptest::num::f64::NORMAL) {
        for field in [format!("POINT({x:?} {y:?})"), format!("{{\"type\":\"Point\",\"coordinates\":[{x:?},{y:?}]}}")] {
            let value = encode("geometry", field.as_bytes()).unwrap();
            prop_assert_eq!(&value[5..], [x.to_le_bytes(), y.to_le_bytes()].concat());
        }
    }
}
