//! Geometry of PostGIS. WKB, EWKB, either of them in hexadecimal, WKT, EWKT and the geometry of GeoJSON come in; EWKB with the column's
//! SRID goes out, which PostGIS takes as it is. What PostGIS would refuse in the middle of a `COPY` (rings that are open, a shape
//! that the column does not hold) is refused here, value by value. Coordinates are copied bit by bit, and in no order but their own.

mod copy;
mod geojson;
mod scan;
mod spelling;
mod wkb;
mod wkt;

use std::fmt;

use crate::Bad;
use crate::wire::{self, MAX_FIELD};

pub(crate) use spelling::read as read_type;

/// Most levels of collections within each other.
const DEPTH_MAX: usize = 32;

/// What a column of PostGIS's type `geometry` holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub struct Geometry {
    /// The only shape; a single one becomes a collection of one where that is declared. Without it, any.
    pub shape: Option<Shape>,
    /// The coordinates of each point. Without them, those that come.
    pub axes: Option<Axes>,
    /// The spatial reference system; 0 for none in particular.
    pub srid: u32,
}

/// The shapes of the simple features that PostGIS and GeoJSON share.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[expect(missing_docs, reason = "the names are those of the standard")]
pub enum Shape {
    Point = 1,
    LineString = 2,
    Polygon = 3,
    MultiPoint = 4,
    MultiLineString = 5,
    MultiPolygon = 6,
    GeometryCollection = 7,
}

/// The coordinates of a point. A column that declares fewer than come leaves the others out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Axes {
    /// Two.
    Xy,
    /// With height.
    Xyz,
    /// With a measure.
    Xym,
    /// With both.
    Xyzm,
}

impl Shape {
    const ALL: [Self; 7] = [
        Self::Point,
        Self::LineString,
        Self::Polygon,
        Self::MultiPoint,
        Self::MultiLineString,
        Self::MultiPolygon,
        Self::GeometryCollection,
    ];

    /// As PostGIS spells it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Point => "Point",
            Self::LineString => "LineString",
            Self::Polygon => "Polygon",
            Self::MultiPoint => "MultiPoint",
            Self::MultiLineString => "MultiLineString",
            Self::MultiPolygon => "MultiPolygon",
            Self::GeometryCollection => "GeometryCollection",
        }
    }

    /// The shape of that name, without regard to case.
    pub fn named(name: &[u8]) -> Option<Self> {
        Self::ALL.into_iter().find(|shape| name.eq_ignore_ascii_case(shape.name().as_bytes()))
    }

    fn numbered(number: u32) -> Option<Self> {
        Self::ALL.into_iter().find(|shape| *shape as u32 == number)
    }

    /// The collection of this shape alone.
    pub fn multiple(self) -> Option<Self> {
        match self {
            Self::Point => Some(Self::MultiPoint),
            Self::LineString => Some(Self::MultiLineString),
            Self::Polygon => Some(Self::MultiPolygon),
            _ => None,
        }
    }

    /// The shape of each member of a collection of one shape.
    fn member(self) -> Option<Self> {
        Self::ALL.into_iter().find(|shape| shape.multiple() == Some(self))
    }
}

impl Axes {
    /// Bytes of a point.
    fn bytes(self) -> usize {
        8 * match self {
            Self::Xy => 2,
            Self::Xyz | Self::Xym => 3,
            Self::Xyzm => 4,
        }
    }

    fn of(has_z: bool, has_m: bool) -> Self {
        match (has_z, has_m) {
            (false, false) => Self::Xy,
            (true, false) => Self::Xyz,
            (false, true) => Self::Xym,
            (true, true) => Self::Xyzm,
        }
    }

    fn has_z(self) -> bool {
        matches!(self, Self::Xyz | Self::Xyzm)
    }

    fn has_m(self) -> bool {
        matches!(self, Self::Xym | Self::Xyzm)
    }

    /// As it stands behind the name of a shape.
    fn suffix(self) -> &'static str {
        match self {
            Self::Xy => "",
            Self::Xyz => "Z",
            Self::Xym => "M",
            Self::Xyzm => "ZM",
        }
    }
}

/// The spelling of `format_type()`: `geometry(MultiPolygon,2263)`.
impl fmt::Display for Geometry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(axes) = self.axes else { return f.write_str("geometry") };
        write!(f, "geometry({}{}", self.shape.map_or("Geometry", Shape::name), axes.suffix())?;
        if self.srid > 0 { write!(f, ",{})", self.srid) } else { f.write_str(")") }
    }
}

/// Whether a field is binary: blanks at its ends belong to it then. No text begins so.
#[inline]
pub(crate) fn is_binary(field: &[u8]) -> bool {
    matches!(field.first(), Some(0 | 1))
}

/// Writes a field. Text has no outer blanks. On an error `out` is as it was.
pub(crate) fn encode(field: &[u8], column: Geometry, out: &mut Vec<u8>) -> Result<(), Bad> {
    let start = out.len();
    out.extend_from_slice(&wire::NULL);
    let mut writer = copy::Writer { column, out, depth: 0 };
    let written = match field {
        [0 | 1, ..] => wkb::read(field, &mut writer),
        [b'0', b'0' | b'1', ..] => wkb::read_hex(field, &mut writer),
        [b'{', ..] => geojson::read(field, &mut writer),
        _ => wkt::read(field, &mut writer),
    };
    let length = out.len() - start - 4;
    match written {
        Ok(()) if length <= MAX_FIELD => {
            out[start..start + 4].copy_from_slice(&wire::length(length));
            Ok(())
        }
        Ok(()) => Err(Bad::TooLong),
        Err(bad) => Err(bad),
    }
    .inspect_err(|_| out.truncate(start))
}

#[cfg(test)]
mod tests;
