//! The geometry object of GeoJSON (RFC 7946). Its members may stand in any order, and any others beside them.

use super::copy::{Head, Notation, Point, Writer};
use super::scan::Scan;
use super::{Axes, DEPTH_MAX, Shape};
use crate::Bad;

/// Most levels of what is passed over.
const SKIPPED_MAX: usize = 128;

/// Most objects within each other: one more than collections.
const OPEN_MAX: usize = DEPTH_MAX + 1;

/// Copies one object.
pub(super) fn read(text: &[u8], writer: &mut Writer<'_>) -> Result<(), Bad> {
    let mut from = Json { scan: Scan::new(text), ends: [None; OPEN_MAX], open: 0 };
    writer.geometry(&mut from)?;
    if from.scan.is_over() { Ok(()) } else { Err(Bad::NotAGeometry) }
}

struct Json<'a> {
    scan: Scan<'a>,
    /// Where the objects end that have begun, as far as that is known, and how many those are.
    ends: [Option<usize>; OPEN_MAX],
    open: usize,
}

impl<'a> Json<'a> {
    fn need(&mut self, mark: u8) -> Result<(), Bad> {
        if self.scan.mark(mark) { Ok(()) } else { Err(Bad::NotAGeometry) }
    }

    /// An object has begun that ends there.
    fn opened(&mut self, end: Option<usize>) -> Result<(), Bad> {
        *self.ends.get_mut(self.open).ok_or(Bad::NotAGeometry)? = end;
        self.open += 1;
        Ok(())
    }

    /// A string as it is written, without its quotes.
    fn string(&mut self) -> Result<&'a [u8], Bad> {
        self.need(b'"')?;
        let text = self.scan.rest();
        let mut end = 0;
        loop {
            match text.get(end) {
                Some(b'"') => break,
                Some(b'\\') => end += 2,
                Some(_) => end += 1,
                None => return Err(Bad::NotAGeometry),
            }
        }
        self.scan.at += end + 1;
        Ok(&text[..end])
    }

    /// Passes over a value.
    fn skip(&mut self) -> Result<(), Bad> {
        let mut open = 0;
        loop {
            match self.scan.peek().ok_or(Bad::NotAGeometry)? {
                b'"' => {
                    self.string()?;
                }
                b'{' | b'[' => {
                    self.scan.at += 1;
                    open += 1;
                    if open > SKIPPED_MAX {
                        return Err(Bad::NotAGeometry);
                    }
                    continue;
                }
                b'}' | b']' if open > 0 => {
                    self.scan.at += 1;
                    open -= 1;
                }
                b',' | b':' => {
                    self.scan.at += 1;
                    continue;
                }
                _ => {
                    let word = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'+' | b'.');
                    match self.scan.rest().iter().take_while(|byte| word(byte)).count() {
                        0 => return Err(Bad::NotAGeometry),
                        length => self.scan.at += length,
                    }
                }
            }
            if open == 0 {
                return Ok(());
            }
        }
    }

    fn number(&mut self) -> Result<f64, Bad> {
        self.scan.number().ok_or(Bad::NotAGeometry)
    }

    /// How many coordinates the first point has; none where there is none.
    fn axes(&self) -> usize {
        let point = self.scan.first_point(b'[', b"]");
        if point.is_empty() { 0 } else { point.split(|byte| *byte == b',').count() }
    }
}

impl Notation for Json<'_> {
    fn begin(&mut self) -> Result<Head, Bad> {
        self.need(b'{')?;
        let (mut shape, mut inside) = (None, None);
        if !self.scan.mark(b'}') {
            loop {
                let key = self.string()?;
                self.need(b':')?;
                self.scan.blanks();
                let start = self.scan.at;
                match key {
                    b"type" => shape = Shape::named(self.string()?),
                    b"coordinates" | b"geometries" => {
                        inside = Some(start);
                        // Most programs write the type first: then what follows need not be looked at twice.
                        if shape.is_some() {
                            self.opened(None)?;
                            break;
                        }
                        self.skip()?;
                    }
                    _ => self.skip()?,
                }
                if !self.scan.mark(b',') {
                    self.need(b'}')?;
                    self.opened(Some(self.scan.at))?;
                    break;
                }
            }
        }
        let (Some(shape), Some(start)) = (shape, inside) else { return Err(Bad::NotAGeometry) };
        self.scan.at = start;
        let axes = match self.axes() {
            _ if shape == Shape::GeometryCollection => Axes::Xy,
            0..=2 => Axes::Xy,
            3 => Axes::Xyz,
            _ => Axes::Xyzm,
        };
        Ok(Head { shape, axes, srid: None })
    }

    fn end(&mut self) -> Result<(), Bad> {
        self.open = self.open.checked_sub(1).ok_or(Bad::NotAGeometry)?;
        if let Some(end) = self.ends[self.open] {
            self.scan.at = end;
            return Ok(());
        }
        while self.scan.mark(b',') {
            self.string()?;
            self.need(b':')?;
            self.skip()?;
        }
        self.need(b'}')
    }

    fn list(&mut self, mut each: impl FnMut(&mut Self) -> Result<(), Bad>) -> Result<u32, Bad> {
        self.need(b'[')?;
        if self.scan.mark(b']') {
            return Ok(0);
        }
        let mut count = 0;
        loop {
            each(self)?;
            count += 1;
            if !self.scan.mark(b',') {
                self.need(b']')?;
                return Ok(count);
            }
        }
    }

    fn member(&mut self, _: Shape, _: Axes) -> Result<(), Bad> {
        Ok(())
    }

    fn point(&mut self, axes: Axes) -> Result<Point, Bad> {
        self.need(b'[')?;
        let mut point = [self.number()?, 0.0, 0.0, 0.0];
        self.need(b',')?;
        point[1] = self.number()?;
        if axes.has_z() {
            self.need(b',')?;
            point[2] = self.number()?;
        }
        if axes.has_m() {
            self.need(b',')?;
            point[3] = self.number()?;
        }
        self.need(b']')?;
        Ok(point)
    }

    fn is_empty_point(&mut self, _: Axes) -> Result<bool, Bad> {
        let before = self.scan.at;
        if self.scan.mark(b'[') && self.scan.mark(b']') {
            return Ok(true);
        }
        self.scan.at = before;
        Ok(false)
    }
}
