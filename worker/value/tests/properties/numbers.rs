//! Numbers in every spelling.

use crate::{decoder, encode, value};
use proptest::prelude::*;
use value::{Bad, Parser};

/// `1234567` as `1,234,567`.
fn with_commas(digits: &str) -> String {
    let first = (digits.len() + 2) % 3 + 1;
    let groups = digits.as_bytes()[first.min(digits.len())..].chunks(3);
    groups.fold(digits[..first.min(digits.len())].to_owned(), |text, group| {
        text + "," + std::str::from_utf8(group).unwrap()
    })
}

/// Every spelling of a whole number.
fn spellings(number: i64) -> Vec<String> {
    let (sign, digits) = (if number < 0 { "-" } else { "" }, number.unsigned_abs().to_string());
    let commas = with_commas(&digits);
    let mut spellings = vec![
        format!("{number}"),
        format!(" {number}\t"),
        format!("{sign}000{digits}"),
        format!("{number}.00"),
        format!("{number}."),
        format!("{sign}${digits}"),
        format!("${sign}{digits}.0"),
        format!("{sign}{commas}"),
        format!("{sign}$ {commas}.00"),
        format!("{number}e0"),
        format!("{number}000E-3"),
        format!("{sign}0.{digits}e{}", digits.len()),
    ];
    if number < 0 {
        spellings.extend([format!("({digits})"), format!("(${commas})"), format!("$({digits}.000)")]);
    }
    spellings
}

proptest! {
    #[test]
    fn every_spelling_of_an_integer_is_that_integer(number in any::<i64>(), shift in 0_u32..63) {
        let number = number >> shift;
        for text in spellings(number) {
            prop_assert_eq!(decoder::int(&value("bigint", &text)), number, "{}", text);
            for (column, fits) in [("integer", i32::try_from(number).is_ok()), ("smallint", i16::try_from(number).is_ok())] {
                let answer = encode(column, Parser::Auto, &text);
                if fits {
                    prop_assert_eq!(decoder::int(&answer.unwrap().unwrap()), number, "{}", text);
                } else {
                    prop_assert_eq!(answer, Err(Bad::OutOfRange), "{}", text);
                }
            }
        }
    }

    #[test]
    fn a_fraction_that_is_not_zero_is_never_an_integer(whole in any::<i32>(), fraction in "[0-9]{0,8}[1-9]0{0,3}") {
        let text = format!("{whole}.{fraction}");
        prop_assert_eq!(encode("bigint", Parser::Auto, &text), Err(Bad::HasFraction));
    }

    #[test]
    fn a_numeric_keeps_every_digit(sign in "-?", whole in "0|[1-9][0-9]{0,40}", fraction in "(\\.[0-9]{1,40})?") {
        let is_zero = !whole.bytes().chain(fraction.bytes()).any(|byte| matches!(byte, b'1'..=b'9'));
        let sign = if is_zero { "" } else { &sign };
        let text = format!("{sign}{whole}{fraction}");
        prop_assert_eq!(decoder::numeric(&value("numeric", &text)), &text[..]);
        let dressed = format!("{sign}${}{fraction}", with_commas(&whole));
        prop_assert_eq!(decoder::numeric(&value("numeric", &dressed)), text);
    }

    #[test]
    fn an_exponent_only_moves_the_point(digits in "[1-9][0-9]{0,30}", exponent in -60_i32..60) {
        let text = decoder::numeric(&value("numeric", &format!("{digits}e{exponent}")));
        let places = usize::try_from(exponent.unsigned_abs()).unwrap();
        let expected = if exponent >= 0 {
            digits + &"0".repeat(places)
        } else {
            let padded = format!("{digits:0>width$}", width = places + 1);
            let (whole, fraction) = padded.split_at(padded.len() - places);
            format!("{whole}.{fraction}")
        };
        prop_assert_eq!(text, expected);
    }

    #[test]
    fn a_declared_precision_holds_a_number_or_refuses_it(
        number in any::<i64>(), shift in 0_u32..63, places in 0_usize..20, digits in 1_u16..20, scale in -6_i16..22,
    ) {
        let number = i128::from(number >> shift);
        let padded = format!("{:0>width$}", number.unsigned_abs(), width = places + 1);
        let (whole, fraction) = padded.split_at(padded.len() - places);
        let text = format!("{}{whole}.{fraction}", if number < 0 { "-" } else { "" });
        // The number is `number / 10^places`; a column of this scale holds multiples of `10^-scale`.
        let kept = i32::try_from(places).unwrap() - i32::from(scale);
        let unit = if kept > 0 { 10_i128.pow(kept.unsigned_abs()) } else { 1 };
        let limit = i32::from(digits) + kept;
        let is_small = number == 0 || (limit >= 0 && (limit > 37 || number.abs() < 10_i128.pow(limit.unsigned_abs())));
        let answer = encode(&format!("numeric({digits},{scale})"), Parser::Auto, &text);
        match answer {
            Ok(payload) => {
                prop_assert!(is_small && number % unit == 0, "{} was accepted", text);
                prop_assert_eq!(decoder::numeric(&payload.unwrap()), decoder::numeric(&value("numeric", &text)));
            }
            Err(Bad::OutOfRange) => prop_assert!(!is_small, "{} is not out of range", text),
            Err(bad) => {
                prop_assert_eq!(bad, Bad::TooPrecise);
                prop_assert!(number % unit != 0, "{} is not too precise", text);
            }
        }
    }

    #[test]
    fn a_float_is_the_one_that_was_written(bits in any::<u64>()) {
        let (double, single) = (f64::from_bits(bits), f32::from_bits((bits >> 32) as u32));
        for text in [format!("{double}"), format!("{double:e}"), format!("{double:?}")] {
            let payload = value("double precision", &text);
            prop_assert_eq!(f64::from_be_bytes(payload[..].try_into().unwrap()).to_string(), double.to_string());
        }
        for text in [format!("{single}"), format!("{single:e}")] {
            let payload = value("real", &text);
            prop_assert_eq!(f32::from_be_bytes(payload[..].try_into().unwrap()).to_string(), single.to_string());
        }
    }

    #[test]
    fn a_percentage_is_a_hundredth(whole in "[1-9][0-9]{0,12}", fraction in "[0-9]{2}") {
        let payload = encode("numeric", Parser::Percent, &format!("{whole}{fraction}.5%")).unwrap().unwrap();
        prop_assert_eq!(decoder::numeric(&payload), format!("{whole}.{fraction}5"));
    }
}
