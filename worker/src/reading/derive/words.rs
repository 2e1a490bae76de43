//! Words of an address: in capitals and without the marks that people put or leave out, and the numbers among them.

/// A text in capitals. Full stops, commas and apostrophes go; a number sign and line ends part words.
pub(super) fn plain(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '.' | ',' | '\'' | '’' | '`' => {}
            '#' => plain.push(' '),
            c => plain.extend(c.to_uppercase()),
        }
    }
    plain
}

/// Ordinals that are written as words.
const ORDINALS: [&str; 20] = [
    "FIRST",
    "SECOND",
    "THIRD",
    "FOURTH",
    "FIFTH",
    "SIXTH",
    "SEVENTH",
    "EIGHTH",
    "NINTH",
    "TENTH",
    "ELEVENTH",
    "TWELFTH",
    "THIRTEENTH",
    "FOURTEENTH",
    "FIFTEENTH",
    "SIXTEENTH",
    "SEVENTEENTH",
    "EIGHTEENTH",
    "NINETEENTH",
    "TWENTIETH",
];

/// How a number is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Written {
    /// `3`.
    Plainly,
    /// `3RD`, `THIRD`.
    AsOrdinal,
}

/// A word as a number from 1 to 999.
pub(super) fn number(word: &str) -> Option<(usize, Written)> {
    if let Some(place) = ORDINALS.iter().position(|ordinal| *ordinal == word) {
        return Some((place + 1, Written::AsOrdinal));
    }
    let suffixed = ["ST", "ND", "RD", "TH"].iter().find_map(|suffix| word.strip_suffix(suffix));
    let (digits, written) = suffixed.map_or((word, Written::Plainly), |digits| (digits, Written::AsOrdinal));
    if !(1..=3).contains(&digits.len()) || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    digits.parse().ok().filter(|number| *number > 0).map(|number| (number, written))
}

/// `THIRD`, and from eleven on `11TH`.
pub(super) fn ordinal(number: usize) -> String {
    if let Some(word) = ORDINALS[..10].get(number.wrapping_sub(1)) {
        return (*word).to_owned();
    }
    let suffix = match (number % 100, number % 10) {
        (11..=13, _) => "TH",
        (_, 1) => "ST",
        (_, 2) => "ND",
        (_, 3) => "RD",
        _ => "TH",
    };
    format!("{number}{suffix}")
}

/// Writes words with a blank between each two.
pub(super) fn write<'w>(words: impl IntoIterator<Item = &'w str>, out: &mut Vec<u8>) {
    for (index, word) in words.into_iter().enumerate() {
        if index > 0 {
            out.push(b' ');
        }
        out.extend_from_slice(word.as_bytes());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_known_in_each_way_that_they_are_written() {
        assert_eq!(number("3"), Some((3, Written::Plainly)));
        assert_eq!(number("003RD"), Some((3, Written::AsOrdinal)));
        assert_eq!(number("TWELFTH"), Some((12, Written::AsOrdinal)));
        for other in ["", "0", "TH", "9A", "1000", "ST"] {
            assert_eq!(number(other), None, "{other}");
        }
        for (given, written) in [(1, "FIRST"), (11, "11TH"), (12, "12TH"), (21, "21ST"), (113, "113TH"), (302, "302ND")]
        {
            assert_eq!(ordinal(given), written);
            assert_eq!(number(written), Some((given, Written::AsOrdinal)));
        }
    }
}
