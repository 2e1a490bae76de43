//! Functions that make a column from others. Texts come in, a text goes out, which is then encoded like any other.

/// Writes New York City's borough-block-lot number: one digit, five, four. `Ok(false)` when one of the three is blank: such a lot has no
/// number. What is there and cannot be meant is an error with its code: a number that looks right and is not would be worse.
pub(super) fn bbl(borough: &[u8], block: &[u8], lot: &[u8], out: &mut Vec<u8>) -> Result<bool, &'static str> {
    let (borough, block, lot) = (borough.trim_ascii(), block.trim_ascii(), lot.trim_ascii());
    if borough.is_empty() || block.is_empty() || lot.is_empty() {
        return Ok(false);
    }
    let borough = borough_digit(borough).ok_or("not_a_borough")?;
    let block = padded::<5>(block).ok_or("not_a_block")?;
    let lot = padded::<4>(lot).ok_or("not_a_lot")?;
    out.push(borough);
    out.extend(block);
    out.extend(lot);
    Ok(true)
}

/// Names and codes as the city's agencies write them.
const BOROUGHS: [(u8, &[&str]); 5] = [
    (b'1', &["manhattan", "mn", "new york"]),
    (b'2', &["bronx", "bx", "the bronx"]),
    (b'3', &["brooklyn", "bk", "kings"]),
    (b'4', &["queens", "qn", "qns"]),
    (b'5', &["staten island", "si", "richmond", "staten is"]),
];

fn borough_digit(text: &[u8]) -> Option<u8> {
    if let Some([digit @ b'1'..=b'5']) = padded::<1>(text) {
        return Some(digit);
    }
    let named = |names: &[&str]| names.iter().any(|name| text.eq_ignore_ascii_case(name.as_bytes()));
    BOROUGHS.iter().find(|(_, names)| named(names)).map(|(digit, _)| *digit)
}

/// A whole number with leading zeros to `N` digits. Zeros in front and a fraction of zeros add nothing; more digits do not fit.
fn padded<const N: usize>(text: &[u8]) -> Option<[u8; N]> {
    let whole = match text.iter().position(|byte| *byte == b'.') {
        Some(point) if text[point + 1..].iter().all(|byte| *byte == b'0') => &text[..point],
        Some(_) => return None,
        None => text,
    };
    if whole.is_empty() || !whole.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let zeros = whole.iter().take_while(|byte| **byte == b'0').count();
    let digits = &whole[zeros..];
    let mut padded = [b'0'; N];
    padded[N.checked_sub(digits.len())?..].copy_from_slice(digits);
    Some(padded)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn number(borough: &str, block: &str, lot: &str) -> Result<Option<String>, &'static str> {
        let mut out = Vec::new();
        let found = bbl(borough.as_bytes(), block.as_bytes(), lot.as_bytes(), &mut out)?;
        assert!(found || out.is_empty());
        Ok(found.then(|| String::from_utf8(out).unwrap()))
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
    fn a_lot_without_all_three_parts_has_no_number() {
        for (borough, block, lot) in [("", "1", "1"), ("1", " ", "1"), ("1", "1", "")] {
            assert_eq!(number(borough, block, lot), Ok(None));
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
}
