//! What holds for every text: a value in any spelling comes back exactly, by a decoder that shares no code with the encoder, and
//! any input is a value, NULL or bad, with nothing left behind.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod any;
mod calendar;
mod decoder;
mod numbers;
mod specimens;
mod texts;

use value::{Bad, Encoder, Parser};

/// The payload that a column writes for a text, or None for NULL.
fn encode(column: &str, parser: Parser, text: &str) -> Result<Option<Vec<u8>>, Bad> {
    encode_with(&encoder(column, parser), text)
}

fn encode_with(encoder: &Encoder, text: &str) -> Result<Option<Vec<u8>>, Bad> {
    let mut out = Vec::new();
    encoder.encode(text.as_bytes(), &mut out)?;
    let mut fields = decoder::Fields::new(&out);
    let field = fields.field();
    assert!(fields.at_end());
    Ok(field.map(<[u8]>::to_vec))
}

/// The payload of a text that must be a value.
fn value(column: &str, text: &str) -> Vec<u8> {
    encode(column, Parser::Auto, text)
        .unwrap_or_else(|bad| panic!("{text:?} as {column}: {bad}"))
        .unwrap_or_else(|| panic!("{text:?} as {column} is NULL"))
}

fn encoder(column: &str, parser: Parser) -> Encoder {
    Encoder::new(column.parse().unwrap(), parser).unwrap()
}
