//! Rows in the shape of a table: the publisher's header, and under each name a value that its column takes, spelled as New
//! York's publishers do. The same seed gives the same bytes on every machine.

use std::io::{self, Write};

use manifest::dataset::{Column, Family, Table};

use crate::random::Numbers;

const WORDS: [&str; 8] = ["EXAMPLE", "SAMPLE LLC", "R6B", "12 WEST 151 STREET", "DOE", "D4", "MODEL AVENUE", "A-17"];

/// What stands in a field.
enum Field {
    /// A borough's number.
    Borough,
    /// So many digits.
    Digits(u64),
    /// A number below this limit.
    Number(u64),
    /// An amount, most of them whole and many of them nothing.
    Amount,
    Word,
    Letter,
    Flag,
    Day,
    Moment,
}

/// Writes the header and `rows` rows.
///
/// # Errors
/// The writer's own, or the name of a header for which the table has no column.
pub fn write(out: &mut impl Write, header: &str, table: &Table, rows: u64, seed: u64) -> io::Result<()> {
    let fields = header.trim_end().split(',').map(|name| field(name, table)).collect::<io::Result<Vec<Field>>>()?;
    writeln!(out, "{}", header.trim_end())?;
    let mut numbers = Numbers::of(seed);
    for _ in 0..rows {
        for (place, field) in fields.iter().enumerate() {
            if place > 0 {
                out.write_all(b",")?;
            }
            field.write(out, &mut numbers)?;
        }
        out.write_all(b"\n")?;
    }
    Ok(())
}

/// The column under a publisher's header.
///
/// # Errors
/// That there is none.
pub fn column<'t>(header: &str, table: &'t Table) -> io::Result<&'t Column> {
    let plain = |name: &str| name.chars().filter(char::is_ascii_alphanumeric).collect::<String>().to_ascii_lowercase();
    let found = table.columns.iter().find(|column| plain(column.name.as_str()) == plain(header));
    found.ok_or_else(|| io::Error::other(format!("{} has no column for {header}", table.name)))
}

fn field(header: &str, table: &Table) -> io::Result<Field> {
    let column = column(header, table)?;
    let (name, type_name) = (column.name.as_str(), column.type_name.as_str());
    Ok(match (name, column.type_name.family()) {
        ("boro" | "borough", _) => Field::Borough,
        ("block", Family::Text) => Field::Digits(5),
        ("block" | "lot", Family::Integer) => Field::Number(9_999),
        ("lot", _) => Field::Digits(4),
        ("documentid", _) => Field::Digits(16),
        (_, Family::Integer) => Field::Number(32_000),
        (_, Family::Number) => Field::Amount,
        (_, Family::Moment) if type_name == "date" => Field::Day,
        (_, Family::Moment) => Field::Moment,
        _ if type_name == "boolean" => Field::Flag,
        _ if type_name.starts_with("char") => Field::Letter,
        _ => Field::Word,
    })
}

impl Field {
    fn write(&self, out: &mut impl Write, numbers: &mut Numbers) -> io::Result<()> {
        match self {
            Self::Borough => write!(out, "{}", 1 + numbers.below(5)),
            Self::Digits(width) => {
                let width = usize::try_from(*width).unwrap_or_default();
                write!(out, "{:0width$}", 1 + numbers.below(9_998))
            }
            Self::Number(limit) => write!(out, "{}", 1 + numbers.below(*limit)),
            Self::Amount => match numbers.below(8) {
                0..3 => out.write_all(b"0"),
                3 => write!(out, "{}.{:02}", numbers.below(100_000), numbers.below(100)),
                _ => write!(out, "{}", numbers.below(9_000_000)),
            },
            Self::Word => match numbers.below(4) {
                0 => Ok(()),
                _ => out.write_all(numbers.pick(&WORDS).as_bytes()),
            },
            Self::Letter => out.write_all(numbers.pick(&["L", "E", "N", "P"]).as_bytes()),
            Self::Flag => out.write_all(numbers.pick(&["Y", "N"]).as_bytes()),
            Self::Day => day(out, numbers),
            Self::Moment => {
                day(out, numbers)?;
                let (hour, minute) = (1 + numbers.below(12), numbers.below(60));
                write!(out, " {hour:02}:{minute:02}:00 {}", numbers.pick(&["AM", "PM"]))
            }
        }
    }
}

fn day(out: &mut impl Write, numbers: &mut Numbers) -> io::Result<()> {
    write!(out, "{:02}/{:02}/{}", 1 + numbers.below(12), 1 + numbers.below(28), 2000 + numbers.below(25))
}
