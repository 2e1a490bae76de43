//! Rows of a binary `COPY` stream as PostgreSQL would write their values: the stream of a table comes in, its first rows go out as text.

use std::fmt::Write as _;
use std::net::{Ipv4Addr, Ipv6Addr};

use jiff::civil::{Date, DateTime, Time, date};
use jiff::{SignedDuration, ToSpan};
use value::{Scalar, Type, wire};

/// A row as text; `None` for NULL.
pub(super) type Row = Vec<Option<String>>;

/// The rows at the start of a stream that are in these bytes, with the types of their columns; no more than `most`.
pub(super) fn rows(stream: &[u8], types: &[Option<Type>], most: usize) -> Vec<Row> {
    let Some(mut rest) = stream.strip_prefix(&wire::HEADER[..]) else { return Vec::new() };
    let mut rows = Vec::new();
    while rows.len() < most
        && let Some(row) = row(&mut rest, types)
    {
        rows.push(row);
    }
    rows
}

/// One row; `None` at the trailer and where the bytes end within it.
fn row(rest: &mut &[u8], types: &[Option<Type>]) -> Option<Row> {
    let width = i16::from_be_bytes(take(rest)?);
    let width = usize::try_from(width).ok()?;
    let mut row = Vec::with_capacity(width);
    for index in 0..width {
        let value = field(rest).ok()?;
        row.push(value.map(|bytes| shown(types.get(index).copied().flatten(), bytes)));
    }
    Some(row)
}

fn take<const N: usize>(rest: &mut &[u8]) -> Option<[u8; N]> {
    let (taken, left) = rest.split_first_chunk::<N>()?;
    *rest = left;
    Some(*taken)
}

/// The bytes end here.
struct CutOff;

/// The next field; `None` for NULL.
fn field<'a>(rest: &mut &'a [u8]) -> Result<Option<&'a [u8]>, CutOff> {
    let length = i32::from_be_bytes(take(rest).ok_or(CutOff)?);
    let Ok(length) = usize::try_from(length) else { return Ok(None) };
    let (bytes, left) = rest.split_at_checked(length).ok_or(CutOff)?;
    *rest = left;
    Ok(Some(bytes))
}

/// A type of the database's own is copied as text. What is none is shown as its bytes, as PostGIS shows a geometry.
fn shown(type_: Option<Type>, bytes: &[u8]) -> String {
    let text = match type_ {
        Some(Type::Scalar(scalar)) => text(scalar, bytes),
        Some(Type::Array(element)) => array(element, bytes),
        None => String::from_utf8(bytes.to_vec()).ok(),
    };
    text.unwrap_or_else(|| hexadecimal(bytes))
}

fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02X}");
        text
    })
}

fn text(scalar: Scalar, bytes: &[u8]) -> Option<String> {
    Some(match scalar {
        Scalar::Smallint => i16::from_be_bytes(bytes.try_into().ok()?).to_string(),
        Scalar::Integer => i32::from_be_bytes(bytes.try_into().ok()?).to_string(),
        Scalar::Bigint => i64::from_be_bytes(bytes.try_into().ok()?).to_string(),
        Scalar::Real => float(f32::from_be_bytes(bytes.try_into().ok()?)),
        Scalar::Double => float(f64::from_be_bytes(bytes.try_into().ok()?)),
        Scalar::Numeric(_) => numeric(bytes)?,
        Scalar::Boolean => if bytes == [0] { "f" } else { "t" }.to_owned(),
        Scalar::Text | Scalar::Varchar(_) | Scalar::Char(_) | Scalar::Json => String::from_utf8(bytes.to_vec()).ok()?,
        Scalar::Jsonb => String::from_utf8(bytes.strip_prefix(&[1])?.to_vec()).ok()?,
        Scalar::Date => match i32::from_be_bytes(bytes.try_into().ok()?) {
            i32::MAX => "infinity".to_owned(),
            i32::MIN => "-infinity".to_owned(),
            days => day(days)?.to_string(),
        },
        Scalar::Time(_) => time(i64::from_be_bytes(bytes.try_into().ok()?))?.to_string(),
        Scalar::Timestamp(_) => moment(bytes)?,
        Scalar::Timestamptz(_) => moment(bytes)? + "+00",
        Scalar::Uuid => uuid::Uuid::from_slice(bytes).ok()?.to_string(),
        Scalar::Inet | Scalar::Cidr => network(bytes)?,
        Scalar::Geometry(_) => return None,
        Scalar::Bytea => format!("\\x{}", hexadecimal(bytes).to_lowercase()),
    })
}

fn float(number: impl Into<f64> + std::fmt::Display) -> String {
    // In the digits of its own precision, which those of a double are not.
    let text = number.to_string();
    if number.into().is_infinite() { text.replace("inf", "Infinity") } else { text }
}

fn day(days: i32) -> Option<Date> {
    date(2000, 1, 1).checked_add(days.days()).ok()
}

fn time(micros: i64) -> Option<Time> {
    Time::midnight().checked_add(SignedDuration::from_micros(micros)).ok()
}

fn moment(bytes: &[u8]) -> Option<String> {
    let micros = match i64::from_be_bytes(bytes.try_into().ok()?) {
        i64::MAX => return Some("infinity".to_owned()),
        i64::MIN => return Some("-infinity".to_owned()),
        micros => micros,
    };
    let moment: DateTime = date(2000, 1, 1).at(0, 0, 0, 0).checked_add(SignedDuration::from_micros(micros)).ok()?;
    Some(moment.to_string().replace('T', " "))
}

/// A number in groups of four decimal digits.
fn numeric(bytes: &[u8]) -> Option<String> {
    let (words, []) = bytes.as_chunks::<2>() else { return None };
    let words: Vec<u16> = words.iter().map(|word| u16::from_be_bytes(*word)).collect();
    let [_, weight, sign, scale, groups @ ..] = words.as_slice() else { return None };
    let sign = match sign {
        0 => "",
        0x4000 => "-",
        0xd000 => return Some("Infinity".to_owned()),
        0xf000 => return Some("-Infinity".to_owned()),
        _ => return Some("NaN".to_owned()),
    };
    let weight = i32::from(weight.cast_signed());
    let group = |power: i32| usize::try_from(weight - power).ok().and_then(|index| groups.get(index)).copied();
    let digits = |powers: &mut dyn Iterator<Item = i32>| {
        powers.fold(String::new(), |text, power| text + &format!("{:04}", group(power).unwrap_or(0)))
    };
    let whole = digits(&mut (0..=weight.max(0)).rev());
    let whole = whole.trim_start_matches('0');
    let scale = usize::from(*scale);
    let fraction = digits(&mut (1..).take(scale.div_ceil(4)).map(|power: i32| -power));
    let whole = if whole.is_empty() { "0" } else { whole };
    let point = if scale > 0 { "." } else { "" };
    Some(format!("{sign}{whole}{point}{}", &fraction[..scale]))
}

/// Family, bits of the mask, whether it is a network, length, address.
fn network(bytes: &[u8]) -> Option<String> {
    let [_, bits, is_network, _, address @ ..] = bytes else { return None };
    let (address, most) = match address.len() {
        4 => (Ipv4Addr::from(<[u8; 4]>::try_from(address).ok()?).to_string(), 32),
        _ => (Ipv6Addr::from(<[u8; 16]>::try_from(address).ok()?).to_string(), 128),
    };
    Some(if *bits == most && *is_network == 0 { address } else { format!("{address}/{bits}") })
}

/// An array of one dimension, as PostgreSQL writes it.
fn array(element: Scalar, bytes: &[u8]) -> Option<String> {
    let mut rest = bytes;
    let dimensions = i32::from_be_bytes(take(&mut rest)?);
    take::<8>(&mut rest)?;
    if dimensions == 0 {
        return Some("{}".to_owned());
    }
    let count = i32::from_be_bytes(take(&mut rest)?);
    take::<4>(&mut rest)?;
    let mut elements = Vec::new();
    for _ in 0..count {
        elements.push(match field(&mut rest).ok()? {
            None => "NULL".to_owned(),
            Some(bytes) => element_text(&text(element, bytes)?),
        });
    }
    Some(format!("{{{}}}", elements.join(",")))
}

fn element_text(text: &str) -> String {
    let is_plain = |c: char| !matches!(c, '{' | '}' | ',' | '"' | '\\') && !c.is_whitespace();
    if !text.is_empty() && text.chars().all(is_plain) && !text.eq_ignore_ascii_case("null") {
        return text.to_owned();
    }
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}

#[cfg(test)]
mod tests {
    use value::{Encoder, Parser};

    use super::*;

    fn seen(type_name: &str, given: &str) -> Option<String> {
        let type_: Type = type_name.parse().unwrap();
        let mut stream = wire::HEADER.to_vec();
        stream.extend(wire::row(1));
        Encoder::new(type_, Parser::Auto).unwrap().encode(given.as_bytes(), &mut stream).unwrap();
        stream.extend(wire::TRAILER);
        let mut rows = rows(&stream, &[Some(type_)], 5);
        assert_eq!(rows.len(), 1, "{type_name} {given}");
        rows.remove(0).remove(0)
    }

    #[test]
    fn values_are_shown_as_postgresql_writes_them() {
        for (type_name, given, expected) in [
            ("smallint", "-7", "-7"),
            ("bigint", "1,234", "1234"),
            ("numeric", "$1,234.50", "1234.50"),
            ("numeric", "-0.00012", "-0.00012"),
            ("numeric", "100000000", "100000000"),
            ("double precision", "1e3", "1000"),
            ("double precision", "-infinity", "-Infinity"),
            ("real", "0.1", "0.1"),
            ("boolean", "Y", "t"),
            ("char(5)", "02108", "02108"),
            ("date", "10/09/2013", "2013-10-09"),
            ("date", "infinity", "infinity"),
            ("time", "3:01:00 PM", "15:01:00"),
            ("timestamp", "03/26/2021 12:45:41 AM", "2021-03-26 00:45:41"),
            ("timestamptz", "2021-03-26T00:45:41Z", "2021-03-26 00:45:41+00"),
            ("uuid", "A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11", "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11"),
            ("inet", "192.0.2.7", "192.0.2.7"),
            ("cidr", "192.0.2.0/24", "192.0.2.0/24"),
            ("jsonb", "{\"a\": 1}", "{\"a\": 1}"),
            ("bytea", "\\x00ff", "\\x00ff"),
            ("text[]", "{one,\"t,w\",NULL}", "{one,\"t,w\",NULL}"),
        ] {
            assert_eq!(seen(type_name, given).as_deref(), Some(expected), "{type_name} {given}");
        }
        assert_eq!(seen("date", ""), None);
    }

    #[test]
    fn a_stream_that_is_cut_off_has_the_rows_that_are_whole() {
        let mut stream = wire::HEADER.to_vec();
        for _ in 0..3 {
            stream.extend(wire::row(1));
            stream.extend([0, 0, 0, 1, b'x']);
        }
        let types = ["text".parse().ok()];
        assert_eq!(rows(&stream[..stream.len() - 1], &types, 9).len(), 2);
        assert_eq!(rows(&stream, &types, 2).len(), 2);
        assert_eq!(rows(b"", &types, 2).len(), 0);
        assert_eq!(shown(None, &[0x01, 0xe9]), "01E9");
    }
}
