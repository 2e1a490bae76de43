//! Functions that make a column of others. The texts of a record's fields come in, a text goes out, which is then encoded like any other:
//! without anything in it where there is nothing to make it of, or a code where something is there that cannot be meant.

mod apartment;
mod bbl;
mod digest;
mod land_use;
mod point;
mod street;
mod words;

use manifest::dataset::Function;

/// Most columns that a function takes.
pub(super) const MOST: usize = 3;

/// Writes what a function makes of texts without outer blanks, into an empty buffer.
pub(super) fn make(function: Function, texts: &[&[u8]], out: &mut Vec<u8>) -> Result<(), &'static str> {
    if texts.iter().any(|text| text.is_empty()) {
        return Ok(());
    }
    match (function, texts) {
        (Function::Bbl, [borough, block, lot]) => bbl::of_parts(borough, block, lot, out),
        (Function::Bbl, [number]) => bbl::of_number(number, out),
        (Function::Street, [name]) => street::street(utf8(name)?, out),
        (Function::Apartment, [designation]) => apartment::apartment(utf8(designation)?, out),
        (Function::LandUse, [code]) => land_use::land_use(code, out),
        (Function::Point, [longitude, latitude]) => point::point(longitude, latitude, out),
        (Function::Md5, [text]) => digest::md5(utf8(text)?, out),
        (Function::Sha256, [text]) => digest::sha256(utf8(text)?, out),
        // Validation lets no other number of columns through.
        _ => Ok(()),
    }
}

/// The digits of a whole number without the zeros in front and a fraction of zeros, which add nothing; `None` for anything else.
fn whole(text: &[u8]) -> Option<&[u8]> {
    let whole = match text.iter().position(|byte| *byte == b'.') {
        Some(point) if text[point + 1..].iter().all(|byte| *byte == b'0') => &text[..point],
        Some(_) => return None,
        None => text,
    };
    if whole.is_empty() || !whole.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let zeros = whole.iter().take_while(|byte| **byte == b'0').count();
    Some(&whole[zeros..])
}

fn utf8(text: &[u8]) -> Result<&str, &'static str> {
    std::str::from_utf8(text).map_err(|_| value::Bad::NotUtf8.code())
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// What a function makes of texts, `None` for nothing.
    pub(in crate::reading) fn made(function: Function, texts: &[&str]) -> Result<Option<String>, &'static str> {
        let texts: Vec<&[u8]> = texts.iter().map(|text| text.trim_ascii().as_bytes()).collect();
        let mut out = Vec::new();
        make(function, &texts, &mut out)?;
        Ok((!out.is_empty()).then(|| String::from_utf8(out).unwrap()))
    }

    #[test]
    fn nothing_comes_of_nothing() {
        for function in Function::ALL {
            for names in function.takes() {
                let texts = vec!["1"; names.len()];
                for blank in 0..names.len() {
                    let mut texts = texts.clone();
                    texts[blank] = "  ";
                    assert_eq!(made(function, &texts), Ok(None), "{function} {texts:?}");
                }
            }
        }
    }

    #[test]
    fn nothing_that_is_made_costs_an_allocation() {
        for (function, texts) in [
            (Function::Bbl, &[&b"Manhattan"[..], b"830", b"28"][..]),
            (Function::Bbl, &[b"MN/830/28"]),
            (Function::Street, &["W 3rd St. - Züri".as_bytes()]),
            (Function::Street, &[b"E ST MARK'S AVE"]),
            (Function::Apartment, &[b"Apt. #3-B, 2nd fl"]),
            (Function::Apartment, &[b"unit 3 B"]),
            (Function::LandUse, &[b"04"]),
            (Function::Point, &[b"-73.98", b"40.75"]),
            (Function::Point, &[b"x", b"40.75"]),
            (Function::Md5, &["café".as_bytes()]),
            (Function::Sha256, &["café".as_bytes()]),
        ] {
            let mut out = Vec::with_capacity(1_000);
            let mut once = || {
                out.clear();
                let _ = make(function, texts, &mut out);
            };
            // The words of a text are put together in room that is made once.
            once();
            assert_eq!(allocation_counter::measure(once).count_total, 0, "{function} {texts:?}");
        }
    }
}
