//! Lots as text.

use std::io::{self, Write};

use super::{Lot, Lots};
use crate::random::Numbers;

/// Most letters of a note.
pub const NOTE_MAX: usize = 2_000;

/// Letters that notes are cut from; more than a packing looks back at.
const LETTERS: usize = 64 << 10;

pub(super) fn write(format: Lots, out: &mut impl Write, rows: u64, note: usize) -> io::Result<()> {
    let mut numbers = Numbers::of(1);
    let letters: String = (0..LETTERS).map(|_| numbers.pick(&['a', 'e', 'i', 'n', 'o', 'r', 's', 't', ' '])).collect();
    let note_of = |number: u64| {
        let start = number.wrapping_mul(7_919) % (LETTERS - NOTE_MAX) as u64;
        let start = usize::try_from(start).unwrap_or_default();
        &letters[start..start + note.min(NOTE_MAX)]
    };
    // What stands before a note and behind it, where there are notes.
    let noted = |before: &'static str, behind: &'static str| if note > 0 { (before, behind) } else { ("", "") };
    match format {
        Lots::Csv => writeln!(out, "id,name,amount,day{}", noted(",note", "").0)?,
        Lots::Tsv => writeln!(out, "id\tname\tamount\tday{}", noted("\tnote", "").0)?,
        Lots::Json => writeln!(out, "[")?,
        Lots::Geojson => writeln!(out, r#"{{"type":"FeatureCollection","features":["#)?,
        _ => {}
    }
    for number in 0..rows {
        let lot = Lot(number);
        let (name, amount, day, note) = (lot.name(), lot.amount(), lot.day(), note_of(number));
        let comma = if number + 1 < rows { "," } else { "" };
        let (before, behind) = noted(r#","note":""#, "\"");
        match format {
            Lots::Csv => writeln!(out, "{number},{name},{amount},{day}{}{note}", noted(",", "").0)?,
            Lots::Tsv => writeln!(out, "{number}\t{name}\t{amount}\t{day}{}{note}", noted("\t", "").0)?,
            Lots::Fixed => writeln!(out, "{number:>10}{name:<30}{amount:>12}{day}{note}")?,
            Lots::Geojson => {
                write!(out, r#"{{"type":"Feature","properties":{{"id":{number},"name":"{name}","amount":{amount},"#)?;
                write!(out, r#""day":"{day}"{before}{note}{behind}}},"geometry":{{"type":"Polygon","coordinates":[["#)?;
                // Outer rings run against the clock here.
                for (corner, (x, y)) in lot.ring().into_iter().rev().enumerate() {
                    write!(out, "{}[{x:.6},{y:.6}]", if corner == 0 { "" } else { "," })?;
                }
                writeln!(out, "]]}}}}{comma}")?;
            }
            _ => {
                write!(
                    out,
                    r#"{{"id":{number},"name":"{name}","amount":{amount},"day":"{day}"{before}{note}{behind}}}"#
                )?;
                writeln!(out, "{}", if format == Lots::Json { comma } else { "" })?;
            }
        }
    }
    match format {
        Lots::Json => writeln!(out, "]"),
        Lots::Geojson => writeln!(out, "]}}"),
        _ => Ok(()),
    }
}
