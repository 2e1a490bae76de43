//! The geometry object of GeoJSON (RFC 7946). Its members may stand in any order, and any others beside them.

use super::copy::{Head, Notation, Point, Writer};
use super::{Axes, Shape};
use crate::Bad;

/// Most levels of what is passed over.
const DEPTH_MAX: usize = 128;

/// Copies one object.
pub(super) fn read(text: &[u8], writer: &mut Writer<'_>) -> Result<(), Bad> {
    let mut from = Json { text, at: 0, ends: Vec::new() };
    writer.geometry(&mut from)?;
    from.blanks();
    if from.at == text.len() { Ok(()) } else { Err(Bad::NotAGeometry) }
}

struct Json<'a> {
    text: &'a [u8],
    at: usize,
    /// Where the objects end that have begun, as far as that is known.
    ends: Vec<Option<usize>>,
}

impl<'a> Json<'a> {
    fn blanks(&mut self) {
        while matches!(self.text.get(self.at), Some(b' ' | b'\n' | b'\r' | b'\t')) {
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

    fn need(&mut self, mark: u8) -> Result<(), Bad> {
        if self.mark(mark) { Ok(()) } else { Err(Bad::NotAGeometry) }
    }

    /// A string as it is written, without its quotes.
    fn string(&mut self) -> Result<&'a [u8], Bad> {
        self.need(b'"')?;
        let start = self.at;
        loop {
            match self.text.get(self.at) {
                Some(b'"') => break,
                Some(b'\\') => self.at += 2,
                Some(_) => self.at += 1,
                None => return Err(Bad::NotAGeometry),
            }
        }
        self.at += 1;
        Ok(&self.text[start..self.at - 1])
    }

    /// Passes over a value.
    fn skip(&mut self) -> Result<(), Bad> {
        let mut open = 0;
        loop {
            match self.peek().ok_or(Bad::NotAGeometry)? {
                b'"' => {
                    self.string()?;
                }
                b'{' | b'[' => {
                    self.at += 1;
                    open += 1;
                    if open > DEPTH_MAX {
                        return Err(Bad::NotAGeometry);
                    }
                    continue;
                }
                b'}' | b']' if open > 0 => {
                    self.at += 1;
                    open -= 1;
                }
                b',' | b':' => {
                    self.at += 1;
                    continue;
                }
                _ => {
                    let word = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'+' | b'.');
                    let length = self.text[self.at..].iter().position(|byte| !word(byte));
                    match length.unwrap_or(self.text.len() - self.at) {
                        0 => return Err(Bad::NotAGeometry),
                        length => self.at += length,
                    }
                }
            }
            if open == 0 {
                return Ok(());
            }
        }
    }

    fn number(&mut self) -> Result<f64, Bad> {
        self.blanks();
        let rest = &self.text[self.at..];
        let end = rest.iter().position(|byte| !matches!(byte, b'0'..=b'9' | b'.' | b'-' | b'+' | b'e' | b'E'));
        let number = &rest[..end.unwrap_or(rest.len())];
        self.at += number.len();
        std::str::from_utf8(number).ok().and_then(|number| number.parse().ok()).ok_or(Bad::NotAGeometry)
    }

    /// How many coordinates the first point has; none where there is none.
    fn axes(&self) -> usize {
        let rest = &self.text[self.at..];
        let start = rest.iter().position(|byte| !matches!(byte, b'[' | b' ' | b'\n' | b'\r' | b'\t'));
        let point = &rest[start.unwrap_or(rest.len())..];
        let end = point.iter().position(|byte| *byte == b']').unwrap_or(point.len());
        if end == 0 { 0 } else { point[..end].split(|byte| *byte == b',').count() }
    }
}

impl Notation for Json<'_> {
    fn begin(&mut self) -> Result<Head, Bad> {
        self.need(b'{')?;
        let (mut shape, mut inside) = (None, None);
        if !self.mark(b'}') {
            loop {
                let key = self.string()?;
                self.need(b':')?;
                self.blanks();
                let start = self.at;
                match key {
                    b"type" => shape = Shape::named(self.string()?),
                    b"coordinates" | b"geometries" => {
                        inside = Some(start);
                        // Most programs write the type first: then what follows need not be looked at twice.
                        if shape.is_some() {
                            self.ends.push(None);
                            break;
                        }
                        self.skip()?;
                    }
                    _ => self.skip()?,
                }
                if !self.mark(b',') {
                    self.need(b'}')?;
                    self.ends.push(Some(self.at));
                    break;
                }
            }
        }
        let (Some(shape), Some(start)) = (shape, inside) else { return Err(Bad::NotAGeometry) };
        self.at = start;
        let axes = match self.axes() {
            _ if shape == Shape::GeometryCollection => Axes::Xy,
            0..=2 => Axes::Xy,
            3 => Axes::Xyz,
            _ => Axes::Xyzm,
        };
        Ok(Head { shape, axes, srid: None })
    }

    fn end(&mut self) -> Result<(), Bad> {
        if let Some(end) = self.ends.pop().ok_or(Bad::NotAGeometry)? {
            self.at = end;
            return Ok(());
        }
        while self.mark(b',') {
            self.string()?;
            self.need(b':')?;
            self.skip()?;
        }
        self.need(b'}')
    }

    fn list(&mut self, mut each: impl FnMut(&mut Self) -> Result<(), Bad>) -> Result<u32, Bad> {
        self.need(b'[')?;
        if self.mark(b']') {
            return Ok(0);
        }
        let mut count = 0;
        loop {
            each(self)?;
            count += 1;
            if !self.mark(b',') {
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
        let before = self.at;
        if self.mark(b'[') && self.mark(b']') {
            return Ok(true);
        }
        self.at = before;
        Ok(false)
    }
}
