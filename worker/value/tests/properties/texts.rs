//! Text and what is written as text: characters, bytes, UUIDs, JSON, arrays.

use crate::{decoder, encode, encode_with, encoder, value};
use proptest::prelude::*;
use value::{Bad, Empty, Encoded, Outer, Parser};

/// Any text that PostgreSQL can hold.
fn any_text() -> impl Strategy<Value = String> {
    any::<String>().prop_map(|text| text.replace('\0', ""))
}

/// An element as PostgreSQL writes it in an array.
fn quoted(element: Option<&String>) -> String {
    element.map_or("NULL".to_owned(), |text| format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\"")))
}

fn any_json() -> impl Strategy<Value = String> {
    let leaf = prop_oneof![
        Just("null".to_owned()),
        any::<bool>().prop_map(|b| b.to_string()),
        any::<i64>().prop_map(|i| i.to_string()),
        "-?(0|[1-9][0-9]{0,9})\\.[0-9]{1,9}([eE][+-]?[0-9]{1,2})?",
        r#""([a-zé漢 ]|\\[nrtbf"/\\]|\\u00e9)*""#,
    ];
    leaf.prop_recursive(5, 40, 5, |inner| {
        let items = prop::collection::vec(inner.clone(), 0..5).prop_map(|items| format!("[ {} ]", items.join(" ,")));
        let members = prop::collection::vec(("[a-z]{0,3}", inner), 0..5).prop_map(|members| {
            let members: Vec<_> = members.iter().map(|(key, value)| format!("\"{key}\" : {value}")).collect();
            format!("{{{}}}", members.join("\n,"))
        });
        prop_oneof![items, members]
    })
}

proptest! {
    #[test]
    fn text_keeps_every_character_and_reports_what_it_trims(text in any_text()) {
        let trimmed = text.trim_matches(|c: char| c.is_whitespace() || matches!(c, '\u{200b}' | '\u{feff}'));
        let mut out = Vec::new();
        let answer = encoder("text", Parser::Auto).encode(text.as_bytes(), &mut out).unwrap();
        if trimmed.is_empty() {
            prop_assert_eq!(answer, Encoded::Null);
        } else {
            prop_assert_eq!(answer, if trimmed == text { Encoded::Value } else { Encoded::Trimmed });
            prop_assert_eq!(&out[4..], trimmed.as_bytes());
        }
        let exact = encoder("text", Parser::Auto).outer(Outer::Keep).empty(Empty::Keep);
        prop_assert_eq!(encode_with(&exact, &text).unwrap().unwrap(), text.as_bytes());
    }

    #[test]
    fn a_length_counts_characters(text in "[a-zé漢😀]{1,12}", limit in 1_usize..12) {
        for column in [format!("char({limit})"), format!("varchar({limit})")] {
            let answer = encode(&column, Parser::Auto, &text);
            if text.chars().count() <= limit {
                prop_assert_eq!(answer.unwrap().unwrap(), text.as_bytes());
            } else {
                prop_assert_eq!(answer, Err(Bad::TooLong));
            }
        }
    }

    #[test]
    fn bytes_that_are_not_utf8_are_never_text(bytes in prop::collection::vec(any::<u8>(), 1..20)) {
        let mut out = Vec::new();
        let answer = encoder("text", Parser::Auto).outer(Outer::Keep).encode(&bytes, &mut out);
        let is_text = std::str::from_utf8(&bytes).is_ok() && !bytes.contains(&0);
        prop_assert_eq!(answer.is_ok(), is_text);
    }

    #[test]
    fn bytes_in_hexadecimal_are_those_bytes(bytes in prop::collection::vec(any::<u8>(), 0..40)) {
        let digits = bytes.iter().fold(String::new(), |digits, byte| digits + &format!("{byte:02x}"));
        prop_assert_eq!(value("bytea", &format!("\\x{digits}")), bytes.clone());
        prop_assert_eq!(value("bytea", &format!("\\x{}", digits.to_uppercase())), bytes);
    }

    #[test]
    fn a_uuid_is_its_sixteen_bytes(uuid in any::<u128>()) {
        let digits = format!("{uuid:032x}");
        let hyphens = format!("{}-{}-{}-{}-{}", &digits[..8], &digits[8..12], &digits[12..16], &digits[16..20], &digits[20..]);
        for text in [digits, hyphens.to_uppercase(), format!("{{{hyphens}}}")] {
            prop_assert_eq!(value("uuid", &text), uuid.to_be_bytes());
        }
    }

    #[test]
    fn json_is_kept_as_it_was_written(json in any_json()) {
        prop_assert_eq!(value("json", &json), json.as_bytes());
        prop_assert_eq!(&value("jsonb", &json)[1..], json.as_bytes());
    }

    #[test]
    fn an_array_in_postgresqls_syntax_keeps_every_element(elements in prop::collection::vec(prop::option::of(any_text()), 0..6)) {
        let text = format!("{{{}}}", elements.iter().map(|element| quoted(element.as_ref())).collect::<Vec<_>>().join(","));
        let payload = value("text[]", &text);
        let (oid, decoded) = decoder::array(&payload);
        prop_assert_eq!(oid, 25);
        prop_assert_eq!(decoded, elements.iter().map(|element| element.as_ref().map(String::as_bytes)).collect::<Vec<_>>());
    }

    #[test]
    fn a_plain_list_of_integers_is_an_array(numbers in prop::collection::vec(any::<i32>(), 1..8)) {
        let join = |mark: &str| numbers.iter().map(i32::to_string).collect::<Vec<_>>().join(mark);
        for (parser, text) in [
            (Parser::Auto, join(",")),
            (Parser::Auto, format!("{{{}}}", join(" , "))),
            (Parser::ListBar, join("|")),
            (Parser::ListSemicolon, join("; ")),
        ] {
            let payload = encode("integer[]", parser, &text).unwrap().unwrap();
            let decoded: Vec<_> = decoder::array(&payload).1.into_iter().map(|element| decoder::int(element.unwrap())).collect();
            prop_assert_eq!(decoded, numbers.iter().map(|number| i64::from(*number)).collect::<Vec<_>>());
        }
    }
}
