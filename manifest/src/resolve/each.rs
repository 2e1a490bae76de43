//! `each`: the cross product of its variables, the first varying slowest; `2010..2017` is a range.

use std::collections::BTreeSet;

use crate::dataset::Variables;
use crate::finding::Code;
use crate::template::is_name;
use crate::yaml::{Keyed, OneOrMany, Reader, Spanned, Text};

/// The most values of one variable, and the most sources that one entry may become.
const MAX_VALUES: usize = 1_000;
const MAX_SOURCES: usize = 5_000;

/// Every combination of the values; one empty combination where there is no `each`.
pub(crate) fn combinations(
    each: Option<&Keyed<String, OneOrMany<Spanned<Text>>>>,
    reader: &mut Reader,
) -> Vec<Variables> {
    let mut combinations = vec![Variables::new()];
    for (name, values) in each.into_iter().flat_map(|each| each.iter()) {
        if !is_name(name) {
            let message = format!("`{}` is not the name of a variable", name.value);
            reader.report(Code::Each, message, name.span).help("use lower-case letters, digits and _");
            continue;
        }
        let values = expand(name, values, reader);
        if combinations.len().saturating_mul(values.len()) > MAX_SOURCES {
            let message = format!("this makes more than {MAX_SOURCES} sources");
            reader.report(Code::Each, message, name.span);
            return combinations;
        }
        combinations = combinations
            .iter()
            .flat_map(|combination| {
                values.iter().map(move |value| {
                    let mut combination = combination.clone();
                    combination.insert(name.value.clone(), value.clone());
                    combination
                })
            })
            .collect();
    }
    combinations
}

fn expand(name: &Spanned<String>, values: &[Spanned<Text>], reader: &mut Reader) -> Vec<String> {
    let mut expanded = Vec::new();
    let mut seen = BTreeSet::new();
    for value in values {
        let texts = match range(value) {
            None => vec![value.value.0.clone()],
            Some(Ok(texts)) => texts,
            Some(Err(why)) => {
                reader.report(Code::Each, why, value.span);
                Vec::new()
            }
        };
        for text in texts {
            if seen.insert(text.clone()) {
                expanded.push(text);
            } else {
                reader.report(
                    Code::Each,
                    format!("`{text}` stands among the values of `{}` twice", name.value),
                    value.span,
                );
            }
        }
    }
    if values.is_empty() {
        reader.report(Code::Each, format!("`{}` has no values: the source would stand nowhere", name.value), name.span);
    }
    expanded
}

/// The values of `2010..2017`, both ends included, with the leading zeros of the first.
fn range(value: &str) -> Option<Result<Vec<String>, String>> {
    let (from, to) = value.split_once("..")?;
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    if !digits(from) || !digits(to) {
        return None;
    }
    let (Ok(first), Ok(last)) = (from.parse::<u32>(), to.parse::<u32>()) else {
        return Some(Err(format!("`{value}` is not a range of whole numbers")));
    };
    if first > last {
        return Some(Err(format!("the range `{value}` runs backwards")));
    }
    if usize::try_from(last - first).map_or(true, |count| count >= MAX_VALUES) {
        return Some(Err(format!("the range `{value}` has more than {MAX_VALUES} values")));
    }
    let width = if from.starts_with('0') { from.len() } else { 0 };
    Some(Ok((first..=last).map(|number| format!("{number:0width$}")).collect()))
}
