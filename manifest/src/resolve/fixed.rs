//! Where the fields of fixed-width text are: `5-9` and the like become a first character and a width.

use super::origin::Refused;
use crate::dataset::FixedField;
use crate::document::source::SourceDocument;
use crate::yaml::{Keyed, Named, Spanned, Text};

/// Last character that a field may have. A line has at most 8 MiB, and no layout of a publisher comes near it.
const LAST: u32 = 1_000_000;

const HELP: &str =
    "characters are counted from 1: 5-9, or 5+5 for five from the fifth on, 5 for one, 5- to the end of the line";

/// The fields in their order.
pub(crate) fn fields(document: &Spanned<Keyed<String, Spanned<Text>>>) -> Result<Vec<FixedField>, Refused> {
    let fields = document.value.iter().map(|(name, text)| {
        let refuse = || {
            let why = format!("`{}` does not say where the field `{}` is", text.value.0, name.value);
            Refused { span: text.span, why, help: Some(HELP.to_owned()) }
        };
        let (start, width) = place(&text.value.0).ok_or_else(refuse)?;
        Ok(FixedField { name: name.value.clone(), start, width })
    });
    let fields = fields.collect::<Result<Vec<_>, _>>()?;
    if fields.is_empty() {
        let why = "fixed-width text without any field has nothing to load".to_owned();
        return Err(Refused { span: document.span, why, help: Some(HELP.to_owned()) });
    }
    Ok(fields)
}

/// What is said where there are none.
pub(crate) fn missing(document: &Named<SourceDocument>) -> Refused {
    let span = document.format.as_ref().map_or(document.name, |format| format.span);
    let why = "fixed-width text does not tell where its fields are".to_owned();
    Refused {
        span,
        why,
        help: Some(
            "write fields: {boro: 1, block: 2-6, lot: 7-10}, as the publisher's record layout has them".to_owned(),
        ),
    }
}

/// First character and width.
fn place(text: &str) -> Option<(u32, Option<u32>)> {
    let number = |text: &str| {
        let text = text.trim();
        let is_plain = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        is_plain.then(|| text.parse::<u32>().ok()).flatten().filter(|number| (1..=LAST).contains(number))
    };
    let (start, width) = if let Some((start, last)) = text.split_once('-') {
        let start = number(start)?;
        let width = if last.trim().is_empty() { None } else { Some((number(last)? + 1).checked_sub(start)?) };
        (start, width)
    } else if let Some((start, width)) = text.split_once('+') {
        (number(start)?, Some(number(width)?))
    } else {
        (number(text)?, Some(1))
    };
    let is_whole = width.is_none_or(|width| width > 0 && start + width - 1 <= LAST);
    is_whole.then_some((start, width))
}

#[cfg(test)]
mod tests {
    use super::place;

    #[test]
    fn a_field_is_a_range_a_length_one_character_or_the_rest() {
        for (text, expected) in [
            ("5-9", Some((5, Some(5)))),
            ("5+5", Some((5, Some(5)))),
            ("7", Some((7, Some(1)))),
            ("7-7", Some((7, Some(1)))),
            ("60-", Some((60, None))),
            (" 1 - 10 ", Some((1, Some(10)))),
            ("9-5", None),
            ("0-5", None),
            ("0", None),
            ("5+0", None),
            ("-5", None),
            ("", None),
            ("5..9", None),
            ("999999+10", None),
            ("4294967295+1", None),
            ("+1", None),
        ] {
            assert_eq!(place(text), expected, "{text}");
        }
    }
}
