//! One geometry from any notation into EWKB: a notation says what comes next, the writer puts it down as the column wants it.

use super::{Axes, DEPTH_MAX, Geometry, Shape};
use crate::Bad;

/// Flags of EWKB beside the number of the shape.
pub(super) const Z: u32 = 0x8000_0000;
pub(super) const M: u32 = 0x4000_0000;
pub(super) const SRID: u32 = 0x2000_0000;

/// Coordinates of a point: x, y, z, m; those that its axes do not have are not looked at.
pub(super) type Point = [f64; 4];

/// What a geometry says of itself before its coordinates.
#[derive(Debug, Clone, Copy)]
pub(super) struct Head {
    pub(super) shape: Shape,
    pub(super) axes: Axes,
    /// The spatial reference system that stands in it.
    pub(super) srid: Option<u32>,
}

/// A notation, read from left to right.
pub(super) trait Notation: Sized {
    /// Goes to the coordinates of the geometry that is next, or the members of its collection.
    fn begin(&mut self) -> Result<Head, Bad>;

    /// Goes behind it.
    fn end(&mut self) -> Result<(), Bad>;

    /// A list whose items `each` reads; how many there are.
    fn list(&mut self, each: impl FnMut(&mut Self) -> Result<(), Bad>) -> Result<u32, Bad>;

    /// Goes to the coordinates of a member of a collection of one shape.
    fn member(&mut self, shape: Shape, axes: Axes) -> Result<(), Bad>;

    /// The point that is next.
    fn point(&mut self, axes: Axes) -> Result<Point, Bad>;

    /// Whether the geometry that has begun is a point without coordinates.
    fn is_empty_point(&mut self, axes: Axes) -> Result<bool, Bad>;
}

/// Writes EWKB, least significant byte first.
pub(super) struct Writer<'a> {
    pub(super) column: Geometry,
    pub(super) out: &'a mut Vec<u8>,
    pub(super) depth: usize,
}

impl Writer<'_> {
    /// Copies the whole geometry.
    pub(super) fn geometry(&mut self, from: &mut impl Notation) -> Result<(), Bad> {
        let head = from.begin()?;
        let axes = self.axes(head.axes)?;
        let srid = match (self.column.srid, head.srid.filter(|srid| *srid > 0)) {
            (0, own) => own.unwrap_or(0),
            (declared, Some(own)) if own != declared => return Err(Bad::WrongSrid),
            (declared, _) => declared,
        };
        match self.column.shape {
            Some(wanted) if wanted != head.shape => {
                if head.shape.multiple() != Some(wanted) {
                    return Err(Bad::WrongShape);
                }
                self.head(wanted, axes, srid);
                let count = self.count();
                // A collection of one; of none, where there is nothing.
                let start = self.out.len();
                self.head(head.shape, axes, 0);
                let is_empty = self.coordinates(head, axes, from)?;
                if is_empty {
                    self.out.truncate(start);
                }
                self.counted(count, u32::from(!is_empty));
            }
            _ => {
                self.head(head.shape, axes, srid);
                self.coordinates(head, axes, from)?;
            }
        }
        from.end()
    }

    /// The axes that are written of those that come.
    fn axes(&self, given: Axes) -> Result<Axes, Bad> {
        let Some(declared) = self.column.axes else { return Ok(given) };
        let lacks = declared.has_z() && !given.has_z() || declared.has_m() && !given.has_m();
        if lacks { Err(Bad::WrongAxes) } else { Ok(declared) }
    }

    fn head(&mut self, shape: Shape, axes: Axes, srid: u32) {
        let mut number = shape as u32;
        for (has, flag) in [(axes.has_z(), Z), (axes.has_m(), M), (srid > 0, SRID)] {
            if has {
                number |= flag;
            }
        }
        self.out.push(1);
        self.out.extend_from_slice(&number.to_le_bytes());
        if srid > 0 {
            self.out.extend_from_slice(&srid.to_le_bytes());
        }
    }

    /// Room for a count that is not known yet.
    fn count(&mut self) -> usize {
        let place = self.out.len();
        self.out.extend_from_slice(&[0; 4]);
        place
    }

    fn counted(&mut self, place: usize, count: u32) {
        self.out[place..place + 4].copy_from_slice(&count.to_le_bytes());
    }

    /// What follows a head; whether it is nothing.
    fn coordinates(&mut self, head: Head, axes: Axes, from: &mut impl Notation) -> Result<bool, Bad> {
        match head.shape {
            Shape::Point => {
                if from.is_empty_point(head.axes)? {
                    for _ in 0..axes.bytes() / 8 {
                        self.out.extend_from_slice(&f64::NAN.to_le_bytes());
                    }
                    return Ok(true);
                }
                self.point(head.axes, axes, from).map(|()| false)
            }
            Shape::LineString => Ok(self.line(head.axes, axes, from)? == 0),
            Shape::Polygon => self.list(from, |writer, from| writer.ring(head.axes, axes, from)),
            Shape::GeometryCollection => self.collection(axes, from),
            collection => {
                let member = collection.member().ok_or(Bad::NotAGeometry)?;
                self.list(from, |writer, from| {
                    from.member(member, head.axes)?;
                    writer.head(member, axes, 0);
                    writer.coordinates(Head { shape: member, ..head }, axes, from)?;
                    Ok(())
                })
            }
        }
    }

    fn list<N: Notation>(
        &mut self,
        from: &mut N,
        mut each: impl FnMut(&mut Self, &mut N) -> Result<(), Bad>,
    ) -> Result<bool, Bad> {
        let place = self.count();
        let count = from.list(|from| each(self, from))?;
        self.counted(place, count);
        Ok(count == 0)
    }

    fn collection<N: Notation>(&mut self, axes: Axes, from: &mut N) -> Result<bool, Bad> {
        self.depth += 1;
        if self.depth > DEPTH_MAX {
            return Err(Bad::NotAGeometry);
        }
        let empty = self.list(from, |writer, from| {
            let head = from.begin()?;
            // All members of a collection have its axes.
            if writer.axes(head.axes)? != axes {
                return Err(Bad::WrongAxes);
            }
            writer.head(head.shape, axes, 0);
            writer.coordinates(head, axes, from)?;
            from.end()
        });
        self.depth -= 1;
        empty
    }

    /// Points that are written one behind the other; how many.
    fn line(&mut self, given: Axes, axes: Axes, from: &mut impl Notation) -> Result<u32, Bad> {
        let place = self.count();
        let count = from.list(|from| self.point(given, axes, from))?;
        self.counted(place, count);
        if count == 1 { Err(Bad::FewPoints) } else { Ok(count) }
    }

    /// A line that ends where it begins.
    fn ring(&mut self, given: Axes, axes: Axes, from: &mut impl Notation) -> Result<(), Bad> {
        let start = self.out.len() + 4;
        let count = self.line(given, axes, from)?;
        if count < 4 {
            return Err(Bad::FewPoints);
        }
        let last = self.out.len() - axes.bytes();
        if self.out[start..start + 16] == self.out[last..last + 16] { Ok(()) } else { Err(Bad::OpenRing) }
    }

    #[inline]
    fn point(&mut self, given: Axes, axes: Axes, from: &mut impl Notation) -> Result<(), Bad> {
        let [x, y, z, m] = from.point(given)?;
        let mut write = |number: f64| {
            self.out.extend_from_slice(&number.to_le_bytes());
            number.is_finite()
        };
        let mut finite = write(x) & write(y);
        if axes.has_z() {
            finite &= write(z);
        }
        if axes.has_m() {
            finite &= write(m);
        }
        if finite { Ok(()) } else { Err(Bad::NotFinite) }
    }
}
