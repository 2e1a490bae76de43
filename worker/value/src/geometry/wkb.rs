//! Well-known binary: of the OGC, of ISO with its thousands for height and measure, and PostGIS's extension with flags and SRID.

use super::copy::{Head, M, Notation, Point, SRID, Writer, Z};
use super::{Axes, Shape};
use crate::Bad;

/// Copies binary.
pub(super) fn read(bytes: &[u8], writer: &mut Writer<'_>) -> Result<(), Bad> {
    copy(Rest::Bytes(bytes), writer)
}

/// Copies binary that is written in hexadecimal, as PostGIS prints it.
pub(super) fn read_hex(text: &[u8], writer: &mut Writer<'_>) -> Result<(), Bad> {
    match text.as_chunks() {
        (pairs, []) => copy(Rest::Hex(pairs), writer),
        _ => Err(Bad::NotAGeometry),
    }
}

fn copy(rest: Rest<'_>, writer: &mut Writer<'_>) -> Result<(), Bad> {
    let mut from = Wkb { rest, order: Order::Little };
    writer.geometry(&mut from)?;
    match from.rest {
        Rest::Bytes([]) | Rest::Hex([]) => Ok(()),
        _ => Err(Bad::NotAGeometry),
    }
}

#[derive(Debug, Clone, Copy)]
enum Order {
    Big,
    Little,
}

/// What is yet to be read.
#[derive(Clone, Copy)]
enum Rest<'a> {
    Bytes(&'a [u8]),
    /// Two digits for each byte.
    Hex(&'a [[u8; 2]]),
}

struct Wkb<'a> {
    rest: Rest<'a>,
    order: Order,
}

impl Wkb<'_> {
    #[inline]
    fn take<const N: usize>(&mut self) -> Result<[u8; N], Bad> {
        match &mut self.rest {
            Rest::Bytes(bytes) => {
                let (taken, rest) = bytes.split_first_chunk().ok_or(Bad::NotAGeometry)?;
                *bytes = rest;
                Ok(*taken)
            }
            Rest::Hex(pairs) => {
                let (taken, rest) = pairs.split_first_chunk::<N>().ok_or(Bad::NotAGeometry)?;
                *pairs = rest;
                let mut bytes = [0; N];
                for (byte, [high, low]) in bytes.iter_mut().zip(taken) {
                    *byte = digit(*high)? << 4 | digit(*low)?;
                }
                Ok(bytes)
            }
        }
    }

    fn number(&mut self) -> Result<u32, Bad> {
        let bytes = self.take()?;
        Ok(match self.order {
            Order::Big => u32::from_be_bytes(bytes),
            Order::Little => u32::from_le_bytes(bytes),
        })
    }

    fn coordinate(&mut self) -> Result<f64, Bad> {
        let bytes = self.take()?;
        Ok(match self.order {
            Order::Big => f64::from_be_bytes(bytes),
            Order::Little => f64::from_le_bytes(bytes),
        })
    }
}

impl Notation for Wkb<'_> {
    fn begin(&mut self) -> Result<Head, Bad> {
        self.order = match self.take::<1>()? {
            [0] => Order::Big,
            [1] => Order::Little,
            _ => return Err(Bad::NotAGeometry),
        };
        let number = self.number()?;
        let (thousands, shape) = ((number & !(Z | M | SRID)) / 1_000, (number & !(Z | M | SRID)) % 1_000);
        let shape = Shape::numbered(shape).filter(|_| thousands <= 3).ok_or(Bad::NotAGeometry)?;
        let axes = Axes::of(number & Z != 0 || thousands & 1 != 0, number & M != 0 || thousands & 2 != 0);
        let srid = if number & SRID == 0 { None } else { Some(self.number()?) };
        Ok(Head { shape, axes, srid })
    }

    fn end(&mut self) -> Result<(), Bad> {
        Ok(())
    }

    fn list(&mut self, mut each: impl FnMut(&mut Self) -> Result<(), Bad>) -> Result<u32, Bad> {
        let count = self.number()?;
        for _ in 0..count {
            each(self)?;
        }
        Ok(count)
    }

    fn member(&mut self, shape: Shape, axes: Axes) -> Result<(), Bad> {
        let head = self.begin()?;
        if head.shape == shape && head.axes == axes { Ok(()) } else { Err(Bad::NotAGeometry) }
    }

    #[inline]
    fn point(&mut self, axes: Axes) -> Result<Point, Bad> {
        let mut point = [self.coordinate()?, self.coordinate()?, 0.0, 0.0];
        if axes.has_z() {
            point[2] = self.coordinate()?;
        }
        if axes.has_m() {
            point[3] = self.coordinate()?;
        }
        Ok(point)
    }

    /// A point has no count, so that one of nothing but NaN stands for none.
    fn is_empty_point(&mut self, axes: Axes) -> Result<bool, Bad> {
        let before = self.rest;
        let [x, y, ..] = self.point(axes)?;
        let is_empty = x.is_nan() && y.is_nan();
        if !is_empty {
            self.rest = before;
        }
        Ok(is_empty)
    }
}

fn digit(byte: u8) -> Result<u8, Bad> {
    match byte {
        b'0'..=b'9' => Ok(byte - b'0'),
        b'a'..=b'f' => Ok(byte - b'a' + 10),
        b'A'..=b'F' => Ok(byte - b'A' + 10),
        _ => Err(Bad::NotAGeometry),
    }
}
