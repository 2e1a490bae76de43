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
        // Elements with a backslash in them are put together first.
        let plain = |text: &String| !column.ends_with("[]") || !text.contains('\\');
        let mut specimens = Specimens::new(3);
        let texts: Vec<String> = (0..2_000).map(|_| specimens.text(column)).filter(plain).collect();
        let parsed: Type = column.parse().unwrap();
        for parser in Parser::ALL.iter().filter(|parser| parser.serves(parsed)) {
            let zone = jiff::tz::TimeZone::get("America/New_York").unwrap();
            let encoder = Encoder::new(parsed, *parser).unwrap().nulls(["N/A"]).zone(zone, value::Overlap::Later);
            assert_eq!(allocations(&encoder, &texts), 0, "{column} by {parser}");
        }
    }
}
