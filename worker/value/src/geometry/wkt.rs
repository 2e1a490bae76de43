//! Well-known text: `POINT (1 2)`, `MULTIPOLYGON Z (((…)))`, `POINT EMPTY`, and with PostGIS's `SRID=2263;` before it.

use super::copy::{Head, Notation, Point, Writer};
use super::scan::Scan;
use super::{Axes, Shape};
use crate::Bad;
use crate::cursor::Cursor;

/// Copies text.
pub(super) fn read(text: &[u8], writer: &mut Writer<'_>) -> Result<(), Bad> {
    let mut from = Wkt { scan: Scan::new(text) };
    writer.geometry(&mut from)?;
    if from.scan.is_over() { Ok(()) } else { Err(Bad::NotAGeometry) }
}

struct Wkt<'a> {
    scan: Scan<'a>,
}

impl<'a> Wkt<'a> {
    fn word(&mut self) -> &'a [u8] {
        self.scan.blanks();
        let word = Cursor::new(self.scan.rest()).letters();
        self.scan.at += word.len();
        word
    }

    /// Takes the word EMPTY.
    fn empty(&mut self) -> bool {
        let before = self.scan.at;
        let found = self.word().eq_ignore_ascii_case(b"EMPTY");
        if !found {
            self.scan.at = before;
        }
        found
    }

    /// How many coordinates the first point has.
    fn axes(&self) -> usize {
        let point = self.scan.first_point(b'(', b",)");
        point.split(u8::is_ascii_whitespace).filter(|number| !number.is_empty()).count()
    }
}

impl Notation for Wkt<'_> {
    fn begin(&mut self) -> Result<Head, Bad> {
        let mut word = self.word();
        let mut srid = None;
        if word.eq_ignore_ascii_case(b"SRID") && self.scan.mark(b'=') {
            let digits = Cursor::new(self.scan.rest()).digits();
            self.scan.at += digits.len();
            srid = std::str::from_utf8(digits).ok().and_then(|digits| digits.parse().ok());
            if srid.is_none() || !self.scan.mark(b';') {
                return Err(Bad::NotAGeometry);
            }
            word = self.word();
        }
        let tag = |word: &[u8]| match word {
            b"Z" | b"z" => Some(Axes::Xyz),
            b"M" | b"m" => Some(Axes::Xym),
            [b'Z' | b'z', b'M' | b'm'] => Some(Axes::Xyzm),
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
            let before = self.scan.at;
            axes = tag(self.word());
            if axes.is_none() {
                self.scan.at = before;
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
        if !self.scan.mark(b'(') {
            return Err(Bad::NotAGeometry);
        }
        let mut count = 0;
        loop {
            each(self)?;
            count += 1;
            if !self.scan.mark(b',') {
                return if self.scan.mark(b')') { Ok(count) } else { Err(Bad::NotAGeometry) };
            }
        }
    }

    fn member(&mut self, _: Shape, _: Axes) -> Result<(), Bad> {
        Ok(())
    }

    /// A point may stand in parentheses: alone always, in a collection of points in half of the world's programs.
    fn point(&mut self, axes: Axes) -> Result<Point, Bad> {
        let enclosed = self.scan.mark(b'(');
        let mut number = || self.scan.number().ok_or(Bad::NotAGeometry);
        let mut point = [number()?, number()?, 0.0, 0.0];
        if axes.has_z() {
            point[2] = number()?;
        }
        if axes.has_m() {
            point[3] = number()?;
        }
        if enclosed && !self.scan.mark(b')') { Err(Bad::NotAGeometry) } else { Ok(point) }
    }

    fn is_empty_point(&mut self, _: Axes) -> Result<bool, Bad> {
        Ok(self.empty())
    }
}
