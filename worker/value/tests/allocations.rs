//! No value costs an allocation: what is written goes to the end of a buffer that has room.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "properties/specimens.rs"]
mod specimens;

use specimens::{Specimens, TYPES};
use value::{Encoder, Parser, Type};

/// Allocations while all of the texts are encoded.
fn allocations(encoder: &Encoder, texts: &[String]) -> u64 {
    let mut out = Vec::with_capacity(1 << 20);
    let measured = allocation_counter::measure(|| {
        for text in texts {
            out.clear();
            let _ = encoder.encode(text.as_bytes(), &mut out);
        }
    });
    measured.count_total
}

#[test]
fn no_value_of_any_type_costs_an_allocation_nor_does_a_bad_one() {
    for column in TYPES {
        let mut specimens = Specimens::new(3);
        let texts: Vec<String> = (0..2_000).map(|_| specimens.text(column)).collect();
        let parsed: Type = column.parse().unwrap();
        for parser in Parser::ALL.iter().filter(|parser| parser.serves(parsed)) {
            let zone = jiff::tz::TimeZone::get("America/New_York").unwrap();
            let encoder = Encoder::new(parsed, *parser).unwrap().nulls(["N/A"]).zone(zone, value::Overlap::Later);
            // Elements with a backslash in them are put together in room that is made once.
            allocations(&encoder, &texts);
            assert_eq!(allocations(&encoder, &texts), 0, "{column} by {parser}");
        }
    }
}

#[test]
fn no_geometry_in_any_notation_costs_an_allocation() {
    let texts = [
        "POINT(1 2)",
        "SRID=2263;multipolygon z (((0 0 1,0 1 1,1 1 1,0 0 1)))",
        "GEOMETRYCOLLECTION(POINT(1 2),LINESTRING(3 4,5 6))",
        "{\"type\":\"Point\",\"coordinates\":[-73.98,40.75]}",
        "{\"geometries\":[{\"coordinates\":[[3,4],[5,6]],\"type\":\"LineString\"}],\"type\":\"GeometryCollection\"}",
        "0101000020E6100000000000000000F03F0000000000000040",
        "CIRCLE(1 2)",
    ];
    for column in ["geometry", "geometry(Point)", "geometry(MultiPolygon,2263)"] {
        let encoder = Encoder::new(column.parse().unwrap(), Parser::Auto).unwrap();
        assert_eq!(allocations(&encoder, &texts.map(str::to_owned)), 0, "{column}");
    }
}
