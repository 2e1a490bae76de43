//! What the codes of New York City's land use map mean, in the words of the Department of City Planning's data dictionary of PLUTO.

const MEANINGS: [&str; 11] = [
    "One & Two Family Buildings",
    "Multi-Family Walk-Up Buildings",
    "Multi-Family Elevator Buildings",
    "Mixed Residential & Commercial Buildings",
    "Commercial & Office Buildings",
    "Industrial & Manufacturing",
    "Transportation & Utility",
    "Public Facilities & Institutions",
    "Open Space & Outdoor Recreation",
    "Parking Facilities",
    "Vacant Land",
];

/// The meaning of a code from 1 to 11, with or without the zero before it that some releases write.
pub(super) fn land_use(code: &[u8], out: &mut Vec<u8>) -> Result<(), &'static str> {
    let digits = super::whole(code).filter(|digits| digits.len() <= 2).ok_or("not_a_land_use")?;
    let number = digits.iter().fold(0, |number, digit| number * 10 + usize::from(digit - b'0'));
    let meaning = number.checked_sub(1).and_then(|index| MEANINGS.get(index)).ok_or("not_a_land_use")?;
    out.extend(meaning.as_bytes());
    Ok(())
}

#[cfg(test)]
mod tests {
    use manifest::dataset::Function;

    use super::super::tests::made;

    #[test]
    fn a_code_is_put_into_words_however_it_is_written() {
        for (code, meaning) in [
            ("1", "One & Two Family Buildings"),
            ("04", "Mixed Residential & Commercial Buildings"),
            ("10.0", "Parking Facilities"),
            (" 11 ", "Vacant Land"),
        ] {
            assert_eq!(made(Function::LandUse, &[code]), Ok(Some(meaning.to_owned())), "{code}");
        }
        for code in ["0", "12", "99", "111", "1.5", "-1", "A1", "."] {
            assert_eq!(made(Function::LandUse, &[code]), Err("not_a_land_use"), "{code}");
        }
    }
}
