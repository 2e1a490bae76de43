//! Well-known text: `POINT (1 2)`, `MULTIPOLYGON Z (((…)))`, `POINT EMPTY`, and with PostGIS's `SRID=2263;` before it.

use super::copy::{Head, Notation, Point, Writer};
use super::{Axes, Shape};
use crate::Bad;
use crate::cursor::Cursor;

/// Copies text.
pub(super) fn read(text: &[u8], writer: &mut Writer<'_>) -> Result<(), Bad> {
    let mut from = Wkt { text, at: 0 };
    writer.geometry(&mut from)?;
    from.blanks();
    if from.at == text.len() { Ok(()) } else { Err(Bad::NotAGeometry) }
}

struct Wkt<'a> {
    text: &'a [u8],
    at: usize,
}

impl<'a> Wkt<'a> {
    fn blanks(&mut self) {
        while self.text.get(self.at).is_some_and(u8::is_ascii_whitespace) {
            self.at += 1;
        }
    }

    fn peek(&mut self) -> Option<u8> {
        self.blanks();
        self.text.get(self.at).copied()
    }

    fn mark(&mut self, mark: u8) -> bool {
        let found = self.peek() == Some(mark);
        self.at += usize::from(found);
        found
    }

    fn word(&mut self) -> &'a [u8] {
        self.blanks();
        let word = Cursor::new(&self.text[self.at..]).letters();
        self.at += word.len();
        word
    }

    /// Takes the word EMPTY.
    fn empty(&mut self) -> bool {
        let before = self.at;
        let found = self.word().eq_ignore_ascii_case(b"EMPTY");
        if !found {
            self.at = before;
        }
        found
    }

    fn number(&mut self) -> Option<f64> {
        self.blanks();
        let rest = &self.text[self.at..];
        let end = rest.iter().position(|byte| !matches!(byte, b'0'..=b'9' | b'.' | b'-' | b'+' | b'e' | b'E'));
        let number = &rest[..end.unwrap_or(rest.len())];
        let value = std::str::from_utf8(number).ok()?.parse().ok()?;
        self.at += number.len();
        Some(value)
    }

    /// How many coordinates the first point has.
    fn axes(&self) -> usize {
        let rest = &self.text[self.at..];
        let numbers =
            rest.iter().position(|byte| !matches!(byte, b'(' | b' ' | b'\t' | b'\n' | b'\r')).unwrap_or(rest.len());
        let point = rest[numbers..].split(|byte| matches!(byte, b',' | b')')).next().unwrap_or_default();
        point.split(u8::is_ascii_whitespace).filter(|number| !number.is_empty()).count()
    }
}

impl Notation for Wkt<'_> {
    fn begin(&mut self) -> Result<Head, Bad> {
        let mut word = self.word();
        let mut srid = None;
        if word.eq_ignore_ascii_case(b"SRID") && self.mark(b'=') {
            let digits = Cursor::new(&self.text[self.at..]).digits();
            self.at += digits.len();
            srid = std::str::from_utf8(digits).ok().and_then(|digits| digits.parse().ok());
            if srid.is_none() || !self.mark(b';') {
                return Err(Bad::NotAGeometry);
            }
            word = self.word();
        }
        let tag = |word: &[u8]| match word.to_ascii_uppercase().as_slice() {
            b"Z" => Some(Axes::Xyz),
            b"M" => Some(Axes::Xym),
            b"ZM" => Some(Axes::Xyzm),
            _ => None,
        };
        let glued = [2, 1].into_iter().find_map(|length| {
            let (name, suffix) = word.split_at_checked(word.len().checked_sub(length)?)?;
            Some((Shape::named(name)?, tag(suffix)?))
        });
        let (shape, mut axes) = match (Shape::named(word), glued) {
            (Some(shape), _) => (shape, None),
            (None, Some((shape, axes))) => (shape, Some(axes)),
            (None, None) => return Err(Bad::NotAGeometry),
        };
        if axes.is_none() {
            let before = self.at;
            axes = tag(self.word());
            if axes.is_none() {
                self.at = before;
            }
        }
        let axes = match axes {
            Some(axes) => axes,
            None if shape == Shape::GeometryCollection => Axes::Xy,
            None => match self.axes() {
                3 => Axes::Xyz,
                4 => Axes::Xyzm,
                _ => Axes::Xy,
            },
        };
        Ok(Head { shape, axes, srid })
    }

    fn end(&mut self) -> Result<(), Bad> {
        Ok(())
    }

    fn list(&mut self, mut each: impl FnMut(&mut Self) -> Result<(), Bad>) -> Result<u32, Bad> {
        if self.empty() {
            return Ok(0);
        }
        if !self.mark(b'(') {
            return Err(Bad::NotAGeometry);
        }
        let mut count = 0;
        loop {
            each(self)?;
            count += 1;
            if !self.mark(b',') {
                return if self.mark(b')') { Ok(count) } else { Err(Bad::NotAGeometry) };
            }
        }
    }

    fn member(&mut self, _: Shape, _: Axes) -> Result<(), Bad> {
        Ok(())
    }

    /// A point may stand in parentheses: alone always, in a collection of points in half of the world's programs.
    fn point(&mut self, axes: Axes) -> Result<Point, Bad> {
        let enclosed = self.mark(b'(');
        let mut number = || self.number().ok_or(Bad::NotAGeometry);
        let mut point = [number()?, number()?, 0.0, 0.0];
        if axes.has_z() {
            point[2] = number()?;
        }
        if axes.has_m() {
            point[3] = number()?;
        }
        if enclosed && !self.mark(b')') { Err(Bad::NotAGeometry) } else { Ok(point) }
    }

    fn is_empty_point(&mut self, _: Axes) -> Result<bool, Bad> {
        Ok(self.empty())
    }
}
