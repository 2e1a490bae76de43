//! Shapes: shapefiles of one archive, whose records are counted from 1, and GeoJSON. Geometry is shown in hexadecimal, as PostGIS shows it.

use std::fmt::Write as _;

use zip::write::SimpleFileOptions;

use super::packed::zip;
use super::{Item, item};

const SQUARE: [(f64, f64); 5] = [(0.0, 0.0), (0.0, 9.0), (9.0, 9.0), (9.0, 0.0), (0.0, 0.0)];
const HOLE: [(f64, f64); 5] = [(1.0, 1.0), (2.0, 1.0), (2.0, 2.0), (1.0, 2.0), (1.0, 1.0)];
const FAR: [(f64, f64); 5] = [(20.0, 20.0), (20.0, 21.0), (21.0, 21.0), (21.0, 20.0), (20.0, 20.0)];

type Ring<'r> = &'r [(f64, f64)];

fn doubles(numbers: &[f64]) -> Vec<u8> {
    numbers.iter().flat_map(|number| number.to_le_bytes()).collect()
}

fn count(number: usize) -> [u8; 4] {
    u32::try_from(number).unwrap().to_le_bytes()
}

fn corners(ring: Ring<'_>) -> Vec<u8> {
    ring.iter().flat_map(|(x, y)| doubles(&[*x, *y])).collect()
}

/// The contents of a record of this kind.
fn shape(kind: u32, coordinates: &[f64]) -> Vec<u8> {
    [&kind.to_le_bytes()[..], &doubles(coordinates)].concat()
}

fn polygon(rings: &[Ring<'_>]) -> Vec<u8> {
    let mut record = shape(5, &[0.0; 4]);
    record.extend(count(rings.len()));
    record.extend(count(rings.iter().map(|ring| ring.len()).sum()));
    let mut start = 0;
    for ring in rings {
        record.extend(count(start));
        start += ring.len();
    }
    record.extend(rings.iter().flat_map(|ring| corners(ring)));
    record
}

/// A shapefile of these shapes, each with a number from 1 and a name of four bytes, and of nothing else.
fn shapefile(shapes: &[(Vec<u8>, &[u8; 4])], others: &[(&str, &[u8])]) -> Vec<u8> {
    let mut shp = vec![0; 100];
    shp[..4].copy_from_slice(&9994_u32.to_be_bytes());
    shp[28..32].copy_from_slice(&1000_u32.to_le_bytes());
    let mut dbf = vec![0; 32];
    dbf[0] = 3;
    dbf[4..8].copy_from_slice(&count(shapes.len()));
    dbf[8..12].copy_from_slice(&[97, 0, 6, 0]);
    for (name, kind, length) in [(b"ID", b'N', 1), (b"NM", b'C', 4)] {
        let mut field = [0; 32];
        field[..2].copy_from_slice(name);
        (field[11], field[16]) = (kind, length);
        dbf.extend(field);
    }
    dbf.push(0x0d);
    for (number, (record, name)) in (1_u32..).zip(shapes) {
        shp.extend(number.to_be_bytes());
        shp.extend((u32::try_from(record.len()).unwrap() / 2).to_be_bytes());
        shp.extend(record);
        dbf.extend(format!(" {number}").as_bytes());
        dbf.extend(*name);
    }
    let words = u32::try_from(shp.len()).unwrap() / 2;
    shp[24..28].copy_from_slice(&words.to_be_bytes());
    zip(SimpleFileOptions::default(), &[&[("a.shp", &shp[..]), ("a.dbf", &dbf)], others].concat())
}

/// A geometry of this number as PostGIS shows it, with what follows its head.
fn shown(number: u32, rest: &[u8]) -> String {
    let bytes = [&[1], &number.to_le_bytes()[..], rest].concat();
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02X}");
        text
    })
}

fn point(x: f64, y: f64) -> String {
    shown(1, &doubles(&[x, y]))
}

/// The inside of a polygon.
fn rings(rings: &[Ring<'_>]) -> Vec<u8> {
    let ring = |ring: &Ring<'_>| [&count(ring.len())[..], &corners(ring)].concat();
    [&count(rings.len())[..], &rings.iter().flat_map(ring).collect::<Vec<u8>>()].concat()
}

/// Polygons of one shape.
fn polygons(each: &[&[Ring<'_>]]) -> String {
    let one = |of: &&[Ring<'_>]| [&[1, 3, 0, 0, 0][..], &rings(of)].concat();
    shown(6, &[&count(each.len())[..], &each.iter().flat_map(one).collect::<Vec<u8>>()].concat())
}

pub(super) fn items() -> Vec<Item> {
    const POINTS: &[&str] = &["id: integer", "nm: text", "geom: geometry(Point)", "- member: a.shp"];
    let at = |x: f64, y: f64| shape(1, &[x, y]);
    let whole = shapefile(&[(at(1.0, 2.0), b"Oak "), (at(3.0, 4.0), b"Elm ")], &[]);
    let two = r#"{"type":"FeatureCollection",
"crs":{"type":"name","properties":{"name":"urn:ogc:def:crs:EPSG::2263"}},"features":[
{"type":"Feature","properties":{"id":1},"geometry":{"type":"Point","coordinates":[1,2]}},
{"type":"Feature","properties":{"id":"x"},"geometry":null},
{"type":"Feature","properties":{"id":3},"geometry":{"type":"LineString","coordinates":[[1,2],[3,4]]}}
]}"#;
    vec![
        item(
            "shapefile without .prj/.cpg",
            POINTS,
            "t.zip",
            shapefile(&[(at(1.0, 2.0), b"Oak "), (at(3.0, 4.0), b"Caf\xe9")], &[]),
            &[
                &format!("1|Oak|{}", point(1.0, 2.0)),
                &format!("2|NULL|{}", point(3.0, 4.0)),
                "! 2 nm not_utf8 Caf\\xE9",
            ],
        ),
        item(
            "shapefile, .cpg",
            POINTS,
            "t.zip",
            shapefile(&[(at(1.0, 2.0), b"Caf\xe9")], &[("a.cpg", b"1252")]),
            &[&format!("1|Café|{}", point(1.0, 2.0))],
        ),
        item(
            "shapefile, .prj of another system",
            &["id: integer", "nm: text", "geom: \"geometry(Point, 2263)\"", "- member: a.shp"],
            "t.zip",
            shapefile(&[(at(1.0, 2.0), b"Oak ")], &[("a.prj", b"GEOGCS[\"GCS_WGS_1984\",DATUM[\"D_WGS_1984\"]]")]),
            &["refused srid_mismatch: 4326"],
        ),
        item(
            "shapefile, cut off",
            POINTS,
            "t.zip",
            zip(SimpleFileOptions::default(), &[("a.shp", &whole[..60])]),
            &["refused shapefile_corrupt: a.dbf"],
        ),
        item(
            "null shapes",
            POINTS,
            "t.zip",
            shapefile(&[(shape(0, &[]), b"Oak "), (at(3.0, 4.0), b"Elm ")], &[]),
            &["1|Oak|NULL", &format!("2|Elm|{}", point(3.0, 4.0))],
        ),
        item(
            "polygon→multipolygon mix",
            &["id: integer", "nm: text", "geom: geometry(MultiPolygon)", "- member: a.shp"],
            "t.zip",
            shapefile(&[(polygon(&[&SQUARE, &HOLE]), b"one "), (polygon(&[&FAR, &SQUARE, &HOLE]), b"two ")], &[]),
            &[
                &format!("1|one|{}", polygons(&[&[&SQUARE, &HOLE]])),
                &format!("2|two|{}", polygons(&[&[&FAR], &[&SQUARE, &HOLE]])),
            ],
        ),
        item(
            "polygon→multipolygon mix, declared as one",
            &["id: integer", "nm: text", "geom: geometry(Polygon)", "- member: a.shp"],
            "t.zip",
            shapefile(&[(polygon(&[&SQUARE]), b"one "), (polygon(&[&FAR, &SQUARE]), b"two ")], &[]),
            &[&format!("1|one|{}", shown(3, &rings(&[&SQUARE]))), "2|two|NULL", "! 2 geom wrong_shape …"],
        ),
        item(
            "Z/M",
            &["id: integer", "nm: text", "geom: geometry(Point)", "- member: a.shp"],
            "t.zip",
            shapefile(&[(shape(11, &[1.0, 2.0, 9.0, 8.0]), b"z m "), (shape(21, &[3.0, 4.0, 7.0]), b"m   ")], &[]),
            &[&format!("1|z m|{}", point(1.0, 2.0)), &format!("2|m|{}", point(3.0, 4.0))],
        ),
        item(
            "Z/M, declared",
            &["id: integer", "nm: text", "geom: geometry(PointZ)", "- member: a.shp"],
            "t.zip",
            shapefile(&[(shape(11, &[1.0, 2.0, 9.0, 8.0]), b"z m "), (shape(21, &[3.0, 4.0, 7.0]), b"m   ")], &[]),
            &[
                &format!("1|z m|{}", shown(0x8000_0001, &doubles(&[1.0, 2.0, 9.0]))),
                "2|m|NULL",
                "! 2 geom wrong_axes …",
            ],
        ),
        item(
            "GeoJSON with null geometry, mixed types",
            &["id: integer", "geom: \"geometry(Point, 2263)\""],
            "t.geojson",
            two,
            &[
                &format!("1|{}", shown(0x2000_0001, &[&2263_u32.to_le_bytes()[..], &doubles(&[1.0, 2.0])].concat())),
                "NULL|NULL",
                "3|NULL",
                "! 4 id not_an_integer x",
                "! 5 geom wrong_shape {\"type\":\"LineString\",\"coordinates\":[[1,2],[3,4]]}",
            ],
        ),
        item(
            "GeoJSON with CRS member of another system",
            &["id: text", "geom: \"geometry(Geometry, 4326)\""],
            "t.geojson",
            two,
            &["refused srid_mismatch: 2263"],
        ),
    ]
}
