//! Designations of apartments without what varies: `Apt. 3-B`, `#3 B` and `3b` are `3B`; `2nd Fl` is `FLOOR 2`.

use super::words::{Few, number, part, with_words, write_number};

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

/// A word of a designation.
#[derive(Debug, Clone, Copy)]
enum Piece<'w> {
    Word(&'w str),
    /// A number and a letter that belong together.
    Pair(&'w str, &'w str),
    /// The number of a floor.
    Number(usize),
}

impl<'w> Piece<'w> {
    /// A word without its abbreviation, or `3-B` and `B-3` without the dash.
    fn of(word: &'w str) -> Self {
        if let Some((_, whole)) = ABBREVIATIONS.iter().find(|(short, _)| short.contains(&word)) {
            return Self::Word(whole);
        }
        match word.split_once('-') {
            Some((one, other)) if belong(one, other) => Self::Pair(one, other),
            _ => Self::Word(word),
        }
    }

    fn is_label(self) -> bool {
        matches!(self, Self::Word(word) if LABELS.contains(&word))
    }

    fn is_floor(self) -> bool {
        matches!(self, Self::Word(FLOOR))
    }

    fn number(self) -> Option<usize> {
        match self {
            Self::Word(word) => number(word).map(|(number, _)| number),
            Self::Number(number) => Some(number),
            Self::Pair(..) => None,
        }
    }

    fn write(self, out: &mut Vec<u8>) {
        match self {
            Self::Word(word) => out.extend_from_slice(word.as_bytes()),
            Self::Pair(one, other) => out.extend([one.as_bytes(), other.as_bytes()].into_iter().flatten()),
            Self::Number(number) => write_number(number, out),
        }
    }
}

pub(super) fn apartment(designation: &str, out: &mut Vec<u8>) -> Result<(), &'static str> {
    with_words(designation, |words| {
        let mut pieces = Few::new(Piece::Number(0));
        for word in words.as_slice() {
            pieces.push(Piece::of(word)).ok_or("not_an_apartment")?;
        }
        if pieces.as_slice().iter().any(|piece| !piece.is_label()) {
            pieces.retain(|piece| !piece.is_label());
        }
        number_floors(pieces.as_mut_slice());
        join(&mut pieces);
        for piece in pieces.as_slice() {
            part(out);
            piece.write(out);
        }
        if pieces.as_slice().is_empty() { Err("not_an_apartment") } else { Ok(()) }
    })
    .unwrap_or(Err("not_an_apartment"))
}

/// Whether two pieces are the number and the letter of one apartment.
fn belong(one: &str, other: &str) -> bool {
    let is_number = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let is_letter = |text: &str| text.len() == 1 && text.bytes().all(|byte| byte.is_ascii_uppercase());
    (is_number(one) && is_letter(other)) || (is_letter(one) && is_number(other))
}

/// `2ND FLOOR` and `FLOOR SECOND` as `FLOOR 2`.
fn number_floors(pieces: &mut [Piece<'_>]) {
    let mut at = 0;
    while at + 1 < pieces.len() {
        let floor = match (pieces[at], pieces[at + 1]) {
            (first, other) if first.is_floor() => other.number(),
            // A number behind the word is nearer to it than one before.
            (other, second) if second.is_floor() && pieces.get(at + 2).is_none_or(|next| next.number().is_none()) => {
                other.number()
            }
            _ => None,
        };
        if let Some(floor) = floor {
            (pieces[at], pieces[at + 1]) = (Piece::Word(FLOOR), Piece::Number(floor));
            at += 1;
        }
        at += 1;
    }
}

/// `3 B` as `3B`, unless it is a floor's number.
fn join(pieces: &mut Few<Piece<'_>>) {
    let mut at = 0;
    while at + 1 < pieces.as_slice().len() {
        let words = pieces.as_slice();
        let is_floor = at > 0 && words[at - 1].is_floor();
        if let (Piece::Word(one), Piece::Word(other)) = (words[at], words[at + 1])
            && !is_floor
            && belong(one, other)
        {
            pieces.as_mut_slice()[at] = Piece::Pair(one, other);
            pieces.remove(at + 1);
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
