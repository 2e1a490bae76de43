//! `geometry`, `geometry(MultiPolygon, 2263)`, `geometry(PointZ)`.

use super::{Axes, Geometry, Shape};
use crate::types::UnknownReason;

const FORM: UnknownReason =
    UnknownReason::Modifier("write geometry(shape, srid), such as geometry(MultiPolygon, 2263), or geometry alone");

/// Largest number of a spatial reference system that PostGIS knows.
const SRID_MAX: u32 = 999_999;

/// Reads the type; nothing when it is another one.
pub(crate) fn read(text: &str) -> Option<Result<Geometry, UnknownReason>> {
    let lower = text.trim().to_ascii_lowercase();
    let rest = lower.strip_prefix("geometry")?.trim_start();
    if rest.is_empty() {
        return Some(Ok(Geometry::default()));
    }
    let inside = rest.strip_prefix('(')?;
    Some(inside.strip_suffix(')').ok_or(UnknownReason::Modifier("a parenthesis is not closed")).and_then(modifier))
}

fn modifier(inside: &str) -> Result<Geometry, UnknownReason> {
    let (shape, srid) = inside.split_once(',').map_or((inside, None), |(shape, srid)| (shape, Some(srid)));
    let srid = srid.map_or(Ok(0), |srid| srid.trim().parse().map_err(|_| FORM))?;
    let name = shape.trim();
    for (suffix, axes) in [("zm", Axes::Xyzm), ("z", Axes::Xyz), ("m", Axes::Xym), ("", Axes::Xy)] {
        let Some(name) = name.strip_suffix(suffix) else { continue };
        let name = name.trim_end();
        let shape = Shape::named(name.as_bytes());
        if (shape.is_some() || name == "geometry") && srid <= SRID_MAX {
            return Ok(Geometry { shape, axes: Some(axes), srid });
        }
    }
    Err(FORM)
}
