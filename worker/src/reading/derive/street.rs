//! Names of streets as New York City's agencies write them out, so that the same street is the same text: `W 3rd ST.` and `West Third
//! Street` are `WEST THIRD STREET`. A name is taken, without a house number.
//!
//! - Capitals, single blanks, no full stops, commas and apostrophes; what follows a dash between blanks is a neighbourhood and goes.
//! - Numbers are ordinals where they name the street: at the start, behind a direction, before a kind of street. The first ten are words.
//! - Kinds of streets and directions are written out. `ST` is `SAINT` where a name begins with it.
//! - A letter behind `AVENUE` alone is its name: `AVENUE S` is in Brooklyn, `PARK AVENUE SOUTH` is not.

use super::words::{Written, number, part, with_words, write_ordinal};

/// Abbreviations that stand for the same word wherever they are.
const ANYWHERE: &[(&[&str], &str)] = &[
    (&["AVE", "AV", "AVN"], "AVENUE"),
    (&["BWAY", "BDWY", "BDWAY", "BRDWY", "BROADWY", "BWY"], "BROADWAY"),
    (&["PK"], "PARK"),
    (&["MT"], "MOUNT"),
    (&["FT"], "FORT"),
    (&["BCH"], "BEACH"),
    (&["HTS", "HGTS"], "HEIGHTS"),
];

/// Abbreviations of kinds of streets. At the start they are something else, as in `DR M L KING BLVD`.
const KINDS: &[(&[&str], &str)] = &[
    (&["STR", "STREE"], "STREET"),
    (&["BLVD", "BLV", "BVD", "BL", "BOUL"], "BOULEVARD"),
    (&["PL"], "PLACE"),
    (&["RD"], "ROAD"),
    (&["DR"], "DRIVE"),
    (&["LN"], "LANE"),
    (&["CT"], "COURT"),
    (&["SQ"], "SQUARE"),
    (&["TER", "TERR"], "TERRACE"),
    (&["PKWY", "PKY", "PWY", "PKWAY"], "PARKWAY"),
    (&["EXPWY", "EXPY", "EXPRWY"], "EXPRESSWAY"),
    (&["HWY", "HGWY"], "HIGHWAY"),
    (&["TPKE", "TPK", "TNPK", "TNPKE"], "TURNPIKE"),
    (&["CONC"], "CONCOURSE"),
    (&["CRES", "CRESC"], "CRESCENT"),
    (&["CIR"], "CIRCLE"),
    (&["PLZ"], "PLAZA"),
    (&["ALY"], "ALLEY"),
    (&["WLK"], "WALK"),
    (&["WY"], "WAY"),
    (&["GDNS"], "GARDENS"),
    (&["PROM"], "PROMENADE"),
    (&["EXT"], "EXTENSION"),
    (&["CTR"], "CENTER"),
    (&["BRG"], "BRIDGE"),
    (&["PT"], "POINT"),
];

/// Kinds of streets that have no abbreviation above, or another rule.
const OTHER_KINDS: [&str; 9] = ["STREET", "ST", "AVENUE", "LANE", "LA", "LOOP", "MEWS", "OVAL", "SLIP"];

pub(super) fn street(name: &str, out: &mut Vec<u8>) -> Result<(), &'static str> {
    let name = match name.split_once(" - ") {
        Some((name, _)) if !name.trim().is_empty() => name,
        _ => name,
    };
    with_words(name, |words| {
        let words = words.as_slice();
        for at in 0..words.len() {
            part(out);
            Word { words, at }.write(out);
        }
        if words.is_empty() { Err("not_a_street") } else { Ok(()) }
    })
    .unwrap_or(Err("not_a_street"))
}

/// A word of a name.
struct Word<'w> {
    words: &'w [&'w str],
    at: usize,
}

impl Word<'_> {
    fn write(&self, out: &mut Vec<u8>) {
        let word = self.words[self.at];
        if let Some((number, written)) = number(word)
            && (written == Written::AsOrdinal || self.leads() || self.next().is_some_and(is_kind))
        {
            return write_ordinal(number, out);
        }
        let whole = match word {
            "ST" if self.is_saint() => "SAINT",
            "ST" => "STREET",
            "LA" if self.at > 0 && self.next().is_none() => "LANE",
            _ if self.is_direction() => direction(word).unwrap_or(word),
            _ => expanded(ANYWHERE, word).or_else(|| self.kind(word)).unwrap_or(word),
        };
        out.extend_from_slice(whole.as_bytes());
    }

    fn next(&self) -> Option<&str> {
        self.words.get(self.at + 1).copied()
    }

    fn kind(&self, word: &str) -> Option<&'static str> {
        if self.at > 0 || self.words.len() == 1 { expanded(KINDS, word) } else { None }
    }

    /// Whether nothing but directions stands before it.
    fn leads(&self) -> bool {
        self.words[..self.at].iter().all(|word| direction(word).is_some())
    }

    /// A direction begins a name or ends it.
    fn is_direction(&self) -> bool {
        let (word, length) = (self.words[self.at], self.words.len());
        if length == 1 || direction(word).is_none() || (word == "NO" && self.next() == Some("NAME")) {
            return false;
        }
        let is_letter_of_avenue = length == 2 && matches!(self.words[0], "AVENUE" | "AVE" | "AV" | "AVN");
        self.at == 0 || (self.at + 1 == length && !is_letter_of_avenue)
    }

    fn is_saint(&self) -> bool {
        let begins = self.leads() || matches!(self.words[self.at - 1], "MT" | "MOUNT" | "FT" | "FORT" | "OF");
        let ends = match &self.words[self.at + 1..] {
            [] => true,
            [last] => direction(last).is_some(),
            _ => false,
        };
        begins && !ends
    }
}

fn direction(word: &str) -> Option<&'static str> {
    Some(match word {
        "N" | "NO" | "NORTH" => "NORTH",
        "S" | "SO" | "SOUTH" => "SOUTH",
        "E" | "EAST" => "EAST",
        "W" | "WEST" => "WEST",
        _ => return None,
    })
}

fn is_kind(word: &str) -> bool {
    let known = |(short, whole): &(&[&str], &str)| short.contains(&word) || *whole == word;
    OTHER_KINDS.contains(&word) || matches!(word, "AVE" | "AV") || KINDS.iter().any(known)
}

fn expanded(abbreviations: &[(&[&str], &'static str)], word: &str) -> Option<&'static str> {
    abbreviations.iter().find(|(short, _)| short.contains(&word)).map(|(_, whole)| *whole)
}

#[cfg(test)]
mod tests {
    use manifest::dataset::Function;
    use proptest::prelude::*;

    use super::super::tests::made;

    fn street(name: &str) -> String {
        made(Function::Street, &[name]).unwrap().unwrap()
    }

    #[test]
    fn a_street_has_one_name_however_it_is_written() {
        for (given, expected) in [
            ("123 Main Street", "123RD MAIN STREET"),
            ("bdwy", "BROADWAY"),
            ("2 ave", "SECOND AVENUE"),
            ("78TH ST - BENSONHURST", "78TH STREET"),
            ("VAN CORTLANDT PK SO", "VAN CORTLANDT PARK SOUTH"),
            ("313 PL N.", "313TH PLACE NORTH"),
            ("302 LN", "302ND LANE"),
            ("W 3rd ST.", "WEST THIRD STREET"),
            ("west  third street", "WEST THIRD STREET"),
            ("Eleventh Av", "11TH AVENUE"),
            ("ST. MARK'S PL", "SAINT MARKS PLACE"),
            ("E ST MARKS AVE", "EAST SAINT MARKS AVENUE"),
            ("MT ST VINCENT AVE", "MOUNT SAINT VINCENT AVENUE"),
            ("BEVERLEY ST EXT", "BEVERLEY STREET EXTENSION"),
            ("BEACH 116 STREET", "BEACH 116TH STREET"),
            ("AVE S", "AVENUE S"),
            ("PARK AVE S", "PARK AVENUE SOUTH"),
            ("AV of the Americas", "AVENUE OF THE AMERICAS"),
            ("FT HAMILTON PKWY", "FORT HAMILTON PARKWAY"),
            ("DR M L KING BLVD", "DR M L KING BOULEVARD"),
            ("LA SALLE ST", "LA SALLE STREET"),
            ("MINETTA LA", "MINETTA LANE"),
            ("NO NAME", "NO NAME"),
            ("N CONDUIT AVE", "NORTH CONDUIT AVENUE"),
            ("PIER 40", "PIER 40"),
            ("ST", "STREET"),
            ("W", "W"),
            ("Straße 5a", "STRASSE 5A"),
        ] {
            assert_eq!(street(given), expected, "{given}");
        }
        assert_eq!(made(Function::Street, &[" . "]), Err("not_a_street"));
        assert_eq!(made(Function::Street, &[&"W 3 ST ".repeat(30)]), Err("not_a_street"));
    }

    proptest! {
        #[test]
        fn a_name_that_is_written_out_stays_as_it_is(
            words in proptest::collection::vec(prop_oneof![
                Just("ST"), Just("st."), Just("AVE"), Just("5"), Just("11TH"), Just("N"), Just("so"), Just("LA"), Just("PL"), Just("DR"),
                Just("MT"), Just("of"), Just("- "), Just("No"), Just("NAME"), Just("O'Neil"), Just("first"), Just("#9"), Just("é"),
            ], 1..6)
        ) {
            if let Ok(Some(once)) = made(Function::Street, &[&words.join(" ")]) {
                prop_assert_eq!(street(&once), once);
            }
        }
    }
}
