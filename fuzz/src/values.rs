//! Every type by every parser that serves it: any bytes are a value, NULL or bad, and the same again without the blanks around them. A
//! geometry that was written is the same geometry when it is read again.

use std::sync::LazyLock;

use jiff::tz::TimeZone;
use value::{Bad, Encoded, Encoder, Kind, Labels, Overlap, Parser, Type, trim};

static NUMBERS: LazyLock<Vec<Encoder>> = LazyLock::new(|| {
    encoders(&[
        "smallint",
        "integer",
        "bigint",
        "numeric",
        "numeric(9,2)",
        "numeric(3,-2)",
        "numeric(2,4)",
        "real",
        "double precision",
        "numeric[]",
    ])
});

static MOMENTS: LazyLock<Vec<Encoder>> = LazyLock::new(|| {
    encoders(&["date", "time", "time(0)", "timestamp", "timestamp(3)", "timestamptz", "date[]", "timestamptz[]"])
});

static TEXTS: LazyLock<Vec<Encoder>> = LazyLock::new(|| {
    let mood = Kind::Enum(Labels::new(["sad", "ok", "very happy"]));
    let moods = Kind::Array(Box::new(mood.clone()), 70_001);
    let mut texts = encoders(&[
        "boolean",
        "text",
        "varchar(5)",
        "char(10)",
        "uuid",
        "inet",
        "cidr",
        "json",
        "jsonb",
        "bytea",
        "text[]",
        "integer[]",
        "boolean[]",
        "jsonb[]",
    ]);
    texts.extend([mood, moods, Kind::Foreign].iter().map(|kind| Encoder::of(kind, Parser::Auto).expect("no parser")));
    texts
});

static GEOMETRIES: LazyLock<Vec<Encoder>> = LazyLock::new(|| {
    encoders(&[
        "geometry",
        "geometry(Point,4326)",
        "geometry(MultiPolygon,2263)",
        "geometry(MultiPoint)",
        "geometry(LineStringZ)",
        "geometry(GeometryCollectionZM)",
        "geometry(Geometry,4326)",
    ])
});

/// Numbers in every notation.
pub(crate) fn numbers(data: &[u8]) {
    check(&NUMBERS, data);
}

/// Dates and times.
pub(crate) fn moments(data: &[u8]) {
    check(&MOMENTS, data);
}

/// Everything else, arrays above all.
pub(crate) fn texts(data: &[u8]) {
    check(&TEXTS, data);
}

/// Geometry in every notation.
pub(crate) fn geometry(data: &[u8]) {
    let [pick, input @ ..] = data else { return };
    let encoder = picked(&GEOMETRIES, *pick);
    let mut once = Vec::new();
    let answer = encoder.encode(input, &mut once);
    holds(answer, &once);
    if answer == Ok(Encoded::Value) {
        let mut again = Vec::new();
        assert_eq!(encoder.encode(&once[4..], &mut again), answer, "what was written is read");
        assert_eq!(again, once, "what was written is the same when it is read again");
    }
    // Blanks belong to what is binary.
    if !matches!(input, [0 | 1, ..]) {
        check(&GEOMETRIES, data);
    }
}

fn encoders(columns: &[&str]) -> Vec<Encoder> {
    let zone = TimeZone::get("America/New_York").expect("the zone is built in");
    let of = |column: &&str| {
        let column: Type = column.parse().expect("a type");
        let zone = zone.clone();
        let served = Parser::ALL.iter().filter(move |parser| parser.serves(column));
        served.map(move |parser| {
            let encoder = Encoder::new(column, *parser).expect("it serves the type");
            encoder.nulls(["N/A"]).zone(zone.clone(), Overlap::Later)
        })
    };
    columns.iter().flat_map(of).collect()
}

/// The first byte picks the column.
fn picked(encoders: &[Encoder], pick: u8) -> &Encoder {
    &encoders[usize::from(pick) % encoders.len()]
}

fn check(encoders: &[Encoder], data: &[u8]) {
    let [pick, input @ ..] = data else { return };
    let encoder = picked(encoders, *pick);
    let mut out = b"kept".to_vec();
    let answer = encoder.encode(input, &mut out);
    assert_eq!(&out[..4], b"kept", "what was there before");
    holds(answer, &out[4..]);

    let mut again = Vec::new();
    let trimmed = encoder.encode(trim(input), &mut again);
    assert_eq!(&out[4..], again, "blanks around a value mean nothing");
    match (answer, trimmed) {
        (Ok(Encoded::Trimmed), Ok(Encoded::Value)) => {}
        _ => assert_eq!(answer, trimmed, "blanks around a value mean nothing"),
    }
}

fn holds(answer: Result<Encoded, Bad>, field: &[u8]) {
    match answer {
        Ok(Encoded::Null) => assert_eq!(field, [255; 4], "NULL is a length of -1"),
        Ok(Encoded::Value | Encoded::Trimmed) => {
            let (length, payload) = field.split_at(4);
            assert_eq!(length, u32::try_from(payload.len()).expect("it is short").to_be_bytes(), "one field");
        }
        Err(bad) => assert!(field.is_empty(), "{} left {field:?}", bad.code()),
    }
}
