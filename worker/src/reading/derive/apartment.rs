//! Designations of apartments without what varies: `Apt. 3-B`, `#3 B` and `3b` are `3B`; `2nd Fl` is `FLOOR 2`.

use super::words::{number, plain, write};

/// Words that only say that an apartment follows.
const LABELS: [&str; 9] = ["APT", "APTS", "APARTMENT", "APMT", "APRT", "UNIT", "NO", "NUM", "NUMBER"];

const ABBREVIATIONS: &[(&[&str], &str)] = &[
    (&["FL", "FLR", "FLOOR"], FLOOR),
    (&["RM"], "ROOM"),
    (&["STE"], "SUITE"),
    (&["BSMT", "BSMNT", "BMT", "BSM"], "BASEMENT"),
    (&["PH"], "PENTHOUSE"),
    (&["GRD", "GRND", "GRN"], "GROUND"),
    (&["FRT", "FRNT"], "FRONT"),
    (&["LFT"], "LEFT"),
    (&["RGT"], "RIGHT"),
    (&["MEZZ"], "MEZZANINE"),
];

const FLOOR: &str = "FLOOR";

pub(super) fn apartment(designation: &str, out: &mut Vec<u8>) -> Result<(), &'static str> {
    let plain = plain(designation);
    let mut words: Vec<String> = plain.split_whitespace().map(whole).collect();
    if words.iter().any(|word| !LABELS.contains(&word.as_str())) {
        words.retain(|word| !LABELS.contains(&word.as_str()));
    }
    number_floors(&mut words);
    join(&mut words);
    if words.is_empty() {
        return Err("not_an_apartment");
    }
    write(words.iter().map(String::as_str), out);
    Ok(())
}

fn whole(word: &str) -> String {
    let known = ABBREVIATIONS.iter().find(|(short, _)| short.contains(&word));
    known.map_or_else(|| undashed(word), |(_, whole)| (*whole).to_owned())
}

/// `3-B` and `B-3` without the dash.
fn undashed(word: &str) -> String {
    match word.split_once('-') {
        Some((one, other)) if belong(one, other) => format!("{one}{other}"),
        _ => word.to_owned(),
    }
}

/// Whether two pieces are the number and the letter of one apartment.
fn belong(one: &str, other: &str) -> bool {
    let is_number = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let is_letter = |text: &str| text.len() == 1 && text.bytes().all(|byte| byte.is_ascii_uppercase());
    (is_number(one) && is_letter(other)) || (is_letter(one) && is_number(other))
}

/// `2ND FLOOR` and `FLOOR SECOND` as `FLOOR 2`.
fn number_floors(words: &mut [String]) {
    let mut at = 0;
    while at + 1 < words.len() {
        let (first, second) = (&words[at], &words[at + 1]);
        let floor = match (first.as_str(), second.as_str()) {
            (FLOOR, other) => number(other),
            // A number behind the word is nearer to it than one before.
            (other, FLOOR) if words.get(at + 2).is_none_or(|next| number(next).is_none()) => number(other),
            _ => None,
        };
        if let Some((floor, _)) = floor {
            FLOOR.clone_into(&mut words[at]);
            words[at + 1] = floor.to_string();
            at += 1;
        }
        at += 1;
    }
}

/// `3 B` as `3B`, unless it is a floor's number.
fn join(words: &mut Vec<String>) {
    let mut at = 0;
    while at + 1 < words.len() {
        let is_floor = at > 0 && words[at - 1] == FLOOR;
        if !is_floor && belong(&words[at], &words[at + 1]) {
            let other = words.remove(at + 1);
            words[at].push_str(&other);
        }
        at += 1;
    }
}

#[cfg(test)]
mod tests {
    use manifest::dataset::Function;
    use proptest::prelude::*;

    use super::super::tests::made;

    fn apartment(text: &str) -> String {
        made(Function::Apartment, &[text]).unwrap().unwrap()
    }

    #[test]
    fn an_apartment_has_one_designation_however_it_is_written() {
        for (given, expected) in [
            ("Apt. 3-B", "3B"),
            ("#3 B", "3B"),
            ("3b", "3B"),
            ("unit no. 12", "12"),
            ("B-3", "B3"),
            ("2nd Fl", "FLOOR 2"),
            ("FLR 2", "FLOOR 2"),
            ("Second Floor", "FLOOR 2"),
            ("2 FL B", "FLOOR 2 B"),
            ("Ground fl.", "GROUND FLOOR"),
            ("Bsmt", "BASEMENT"),
            ("STE 1200", "SUITE 1200"),
            ("PH-A", "PH-A"),
            ("PH 2", "PENTHOUSE 2"),
            ("APT", "APT"),
            ("12-34", "12-34"),
        ] {
            assert_eq!(apartment(given), expected, "{given}");
        }
        assert_eq!(made(Function::Apartment, &["#"]), Err("not_an_apartment"));
    }

    proptest! {
        #[test]
        fn a_designation_that_is_written_out_stays_as_it_is(
            words in proptest::collection::vec(prop_oneof![
                Just("apt"), Just("#3"), Just("B"), Just("3"), Just("2nd"), Just("fl"), Just("FLOOR"), Just("3-b"), Just("first"), Just("C"),
            ], 1..6)
        ) {
            if let Ok(Some(once)) = made(Function::Apartment, &[&words.join(" ")]) {
                prop_assert_eq!(apartment(&once), once);
            }
        }
    }
}
