//! Any input, to every type by every parser.

use crate::specimens::{Specimens, TYPES};
use proptest::prelude::*;
use value::{Bad, Encoded, Encoder, Overlap, Parser, Type};

/// Every type with every parser that serves it.
fn encoders() -> impl Iterator<Item = Encoder> {
    let zone = jiff::tz::TimeZone::get("America/New_York").unwrap();
    TYPES.iter().flat_map(move |column| {
        let column: Type = column.parse().unwrap();
        let zone = zone.clone();
        let served = Parser::ALL.iter().filter(move |parser| parser.serves(column));
        served
            .map(move |parser| Encoder::new(column, *parser).unwrap().nulls(["N/A"]).zone(zone.clone(), Overlap::Later))
    })
}

/// A value is one field behind what was there; what is bad leaves that as it was.
fn check(encoder: &Encoder, input: &[u8]) -> Result<(), TestCaseError> {
    let mut out = b"before".to_vec();
    let answer = encoder.encode(input, &mut out);
    prop_assert_eq!(&out[..6], b"before");
    let field = &out[6..];
    match answer {
        Ok(Encoded::Null) => prop_assert_eq!(field, [255; 4]),
        Ok(Encoded::Value | Encoded::Trimmed) => {
            let length = u32::from_be_bytes(field[..4].try_into().unwrap());
            prop_assert_eq!(length as usize, field.len() - 4);
        }
        Err(bad) => {
            prop_assert!(field.is_empty(), "{} left {:?}", bad.code(), field);
            prop_assert!(Bad::ALL.contains(&bad));
        }
    }
    Ok(())
}

proptest! {
    #[test]
    fn any_bytes_are_a_value_or_bad_and_bad_leaves_nothing(input in prop::collection::vec(any::<u8>(), 0..60)) {
        for encoder in encoders() {
            check(&encoder, &input)?;
        }
    }

    #[test]
    fn any_text_of_suspicious_marks_is_a_value_or_bad(input in r#"[0-9 .,$()%+eE/:TZAPMBCx{}\[\]"\\n-]{0,40}"#) {
        for encoder in encoders() {
            check(&encoder, input.as_bytes())?;
        }
    }

    #[test]
    fn any_damaged_value_is_a_value_or_bad(
        input in prop::sample::select(&[
            "2021-02-09T12:34:56.789-05:00", "10/09/2013 12:00:00 AM", "09-OCT-2013", "-$1,234,567.89", "1.5e-7", "12.5%",
            "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11", r#"{"a": [1, -2.5e3, "\ud83d\ude00"], "b": null}"#,
            r#"{one,"two, \"three\"",NULL}"#, "\\xdeadbeef", "1|2|3", "45000.5", "0044-03-15 BC",
        ][..]),
        at in any::<prop::sample::Index>(),
        byte in any::<u8>(),
    ) {
        let mut damaged = input.as_bytes().to_vec();
        let at = at.index(damaged.len());
        for encoder in encoders() {
            check(&encoder, &damaged[..at])?;
        }
        damaged[at] = byte;
        for encoder in encoders() {
            check(&encoder, &damaged)?;
        }
    }
}

#[test]
fn specimens_are_values_and_bad_ones_in_fair_shares() {
    for column in TYPES {
        let encoder = crate::encoder(column, Parser::Auto);
        let mut specimens = Specimens::new(7);
        let mut bad = 0;
        for _ in 0..2_000 {
            let text = specimens.text(column);
            check(&encoder, text.as_bytes()).unwrap_or_else(|failure| panic!("{text:?} as {column}: {failure}"));
            bad += u32::from(encoder.encode(text.as_bytes(), &mut Vec::new()).is_err());
        }
        // Any characters are text.
        let least = if *column == "text" { 0 } else { 20 };
        assert!((least..=1_900).contains(&bad), "{bad} of 2000 are bad as {column}");
    }
}
