//! Reads binary fields as PostgreSQL's manual and its `*_recv` functions describe them, in the plainest way.

use jiff::civil::{Date, DateTime, date};
use jiff::{SignedDuration, ToSpan};

/// A run of fields, each a length and so many bytes.
pub(crate) struct Fields<'a>(&'a [u8]);

impl<'a> Fields<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    pub(crate) fn at_end(&self) -> bool {
        self.0.is_empty()
    }

    pub(crate) fn int(&mut self) -> i32 {
        let (word, rest) = self.0.split_at(4);
        self.0 = rest;
        i32::from_be_bytes(word.try_into().unwrap())
    }

    pub(crate) fn field(&mut self) -> Option<&'a [u8]> {
        let length = usize::try_from(self.int()).ok()?;
        let (field, rest) = self.0.split_at(length);
        self.0 = rest;
        Some(field)
    }
}

pub(crate) fn int(payload: &[u8]) -> i64 {
    match payload.len() {
        2 => i16::from_be_bytes(payload.try_into().unwrap()).into(),
        4 => i32::from_be_bytes(payload.try_into().unwrap()).into(),
        _ => i64::from_be_bytes(payload.try_into().unwrap()),
    }
}

pub(crate) fn day(payload: &[u8]) -> Date {
    date(2000, 1, 1).checked_add(int(payload).days()).unwrap()
}

pub(crate) fn timestamp(payload: &[u8]) -> DateTime {
    date(2000, 1, 1).at(0, 0, 0, 0).checked_add(SignedDuration::from_micros(int(payload))).unwrap()
}

/// A numeric as `numeric_out` writes it.
pub(crate) fn numeric(payload: &[u8]) -> String {
    let words: Vec<u16> = payload.chunks(2).map(|word| u16::from_be_bytes([word[0], word[1]])).collect();
    let [count, weight, sign, scale, groups @ ..] = &words[..] else { panic!("short header") };
    assert_eq!(usize::from(*count), groups.len());
    match sign {
        0xc000 => return "NaN".to_owned(),
        0xd000 => return "Infinity".to_owned(),
        0xf000 => return "-Infinity".to_owned(),
        0 | 0x4000 => {}
        other => panic!("sign {other:#x}"),
    }
    assert!(groups.iter().all(|group| *group < 10_000));
    assert!(groups.first() != Some(&0) && groups.last() != Some(&0), "zeros are stripped at both ends");
    let weight = i32::from(weight.cast_signed());
    let digits = |powers: &mut dyn Iterator<Item = i32>| {
        powers.fold(String::new(), |text, power| {
            let group = usize::try_from(weight - power).ok().and_then(|index| groups.get(index)).copied().unwrap_or(0);
            text + &format!("{group:04}")
        })
    };
    let whole = digits(&mut (0..=weight.max(0)).rev());
    let whole = whole.trim_start_matches('0');
    let scale = usize::from(*scale);
    let fraction = digits(&mut (1..).take(scale.div_ceil(4)).map(|power: i32| -power));
    assert!(fraction[scale..].bytes().all(|digit| digit == b'0'), "no digit is hidden by the scale");
    assert!(weight - i32::from(*count) + 1 >= -i32::try_from(scale.div_ceil(4)).unwrap() || groups.is_empty());
    let sign = if *sign == 0x4000 { "-" } else { "" };
    let whole = if whole.is_empty() { "0" } else { whole };
    let point = if scale > 0 { "." } else { "" };
    format!("{sign}{whole}{point}{}", &fraction[..scale])
}

/// The elements of an array and its element type.
pub(crate) fn array(payload: &[u8]) -> (i32, Vec<Option<&[u8]>>) {
    let mut fields = Fields::new(payload);
    let (dimensions, nulls, oid) = (fields.int(), fields.int(), fields.int());
    if dimensions == 0 {
        assert!(fields.at_end());
        return (oid, Vec::new());
    }
    let (count, lower) = (fields.int(), fields.int());
    assert_eq!((dimensions, lower), (1, 1));
    let elements: Vec<_> = (0..count).map(|_| fields.field()).collect();
    assert!(fields.at_end());
    assert_eq!(nulls == 1, elements.contains(&None));
    (oid, elements)
}
