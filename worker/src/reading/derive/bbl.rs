//! New York City's number of a lot: one digit for the borough, five for the block, four for the lot. A number that looks right and is not
//! would be worse than none: what cannot be meant is an error.

/// The number of a borough's name or code, a block and a lot.
pub(super) fn of_parts(borough: &[u8], block: &[u8], lot: &[u8], out: &mut Vec<u8>) -> Result<(), &'static str> {
    if ELSEWHERE.iter().any(|words| borough.eq_ignore_ascii_case(words.as_bytes())) {
        return Ok(());
    }
    let borough = borough_digit(borough).ok_or("not_a_borough")?;
    let block = padded::<5>(block).ok_or("not_a_block")?;
    let lot = padded::<4>(lot).ok_or("not_a_lot")?;
    out.push(borough);
    out.extend(block);
    out.extend(lot);
    Ok(())
}

/// The same number as others write it: with a fraction of zeros, as spreadsheets and GIS do (`1008300028.00`), or in its three parts
/// (`1-00830-0028`, `MN/830/28`).
pub(super) fn of_number(number: &[u8], out: &mut Vec<u8>) -> Result<(), &'static str> {
    if let Some(digits @ [b'1'..=b'5', ..]) = padded::<10>(number) {
        out.extend(digits);
        return Ok(());
    }
    let is_mark = |byte: &u8| matches!(byte, b'-' | b'/' | b',');
    let parts = |is_mark: &dyn Fn(&u8) -> bool| {
        let mut parts = number.split(is_mark).map(<[u8]>::trim_ascii).filter(|part| !part.is_empty());
        let three = [parts.next()?, parts.next()?, parts.next()?];
        parts.next().is_none().then_some(three)
    };
    let [borough, block, lot] = parts(&is_mark).or_else(|| parts(&u8::is_ascii_whitespace)).ok_or("not_a_bbl")?;
    of_parts(borough, block, lot, out)
}

/// Names and codes as the city's agencies write them.
const BOROUGHS: [(u8, &[&str]); 5] = [
    (b'1', &["manhattan", "mn", "new york"]),
    (b'2', &["bronx", "bx", "the bronx"]),
    (b'3', &["brooklyn", "bk", "kings"]),
    (b'4', &["queens", "qn", "qns"]),
    (b'5', &["staten island", "si", "richmond", "staten is"]),
];

/// What agencies write for a borough where there is none to name: such a place has no lot of the city's.
const ELSEWHERE: [&str; 3] = ["not nyc", "unspecified", "unknown"];

fn borough_digit(text: &[u8]) -> Option<u8> {
    if let Some([digit @ b'1'..=b'5']) = padded::<1>(text) {
        return Some(digit);
    }
    let named = |names: &[&str]| names.iter().any(|name| text.eq_ignore_ascii_case(name.as_bytes()));
    BOROUGHS.iter().find(|(_, names)| named(names)).map(|(digit, _)| *digit)
}

/// A whole number with leading zeros to `N` digits; more digits do not fit.
fn padded<const N: usize>(text: &[u8]) -> Option<[u8; N]> {
    let digits = super::whole(text)?;
    let mut padded = [b'0'; N];
    padded[N.checked_sub(digits.len())?..].copy_from_slice(digits);
    Some(padded)
}

#[cfg(test)]
mod tests {
    use manifest::dataset::Function;

    use super::super::tests::made;

    fn number(borough: &str, block: &str, lot: &str) -> Result<Option<String>, &'static str> {
        made(Function::Bbl, &[borough, block, lot])
    }

    #[test]
    fn a_lot_has_one_number_however_its_parts_are_written() {
        for (borough, block, lot, expected) in [
            ("Bronx", "432", "10", "2004320010"),
            ("1", "100", "50", "1001000050"),
            (" staten island ", "00007", "0001", "5000070001"),
            ("QN", "5.0", "00011", "4000050011"),
            ("3.0", "0099999", "9999", "3999999999"),
            ("BROOKLYN", "0", "0", "3000000000"),
        ] {
            assert_eq!(number(borough, block, lot), Ok(Some(expected.to_owned())), "{borough} {block} {lot}");
        }
    }

    #[test]
    fn a_number_is_never_made_up() {
        for (borough, block, lot, code) in [
            ("NYC", "600", "1", "not_a_borough"),
            ("0", "600", "1", "not_a_borough"),
            ("6", "600", "1", "not_a_borough"),
            ("1", "B12", "1", "not_a_block"),
            ("1", "123456", "1", "not_a_block"),
            ("1", "1.5", "1", "not_a_block"),
            ("1", "1", "LOT", "not_a_lot"),
            ("1", "1", "12345", "not_a_lot"),
            ("1", "1", ".0", "not_a_lot"),
            ("1", "1", "-1", "not_a_lot"),
        ] {
            assert_eq!(number(borough, block, lot), Err(code), "{borough} {block} {lot}");
        }
    }

    #[test]
    fn a_place_outside_of_the_city_has_no_lot_of_it() {
        for borough in ["NOT NYC", "Unspecified", "unknown"] {
            assert_eq!(number(borough, "00000", "0000"), Ok(None), "{borough}");
        }
    }

    #[test]
    fn a_number_in_one_piece_is_written_in_ten_digits() {
        for given in [
            "1008300028",
            "1008300028.00",
            "1008300028.",
            "01008300028",
            "1-00830-0028",
            "1-830-28",
            "1/830/0028",
            "1 830 28",
            "MN 00830 0028",
            "Manhattan, 830, 28",
            "New York - 830 - 28",
        ] {
            assert_eq!(made(Function::Bbl, &[given]), Ok(Some("1008300028".to_owned())), "{given}");
        }
        for (given, code) in [
            ("0008300028", "not_a_bbl"),
            ("6008300028", "not_a_bbl"),
            ("100830002", "not_a_bbl"),
            ("1008300028.5", "not_a_bbl"),
            ("1.00830E9", "not_a_bbl"),
            ("830-28", "not_a_bbl"),
            ("1-830-28-1001", "not_a_bbl"),
            ("7-830-28", "not_a_borough"),
            ("1-830-28A", "not_a_lot"),
        ] {
            assert_eq!(made(Function::Bbl, &[given]), Err(code), "{given}");
        }
    }
}
