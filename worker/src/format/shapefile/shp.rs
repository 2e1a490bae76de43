//! Shapes: records of the file `.shp` come in, well-known binary goes out, with each hole in the ring that it lies in.

use manifest::dataset::Format;

use super::super::rings::polygons;
use crate::format::FormatError;
use crate::format::blocks::Blocks;
use crate::format::exact::Exact;
use crate::format::record::Draft;

/// Most bytes of one shape.
const SHAPE_MAX: usize = 64 << 20;

/// Flags of EWKB for height and measure.
const Z: u32 = 0x8000_0000;
const M: u32 = 0x4000_0000;

/// A measure below this says that there is none.
const NO_MEASURE: f64 = -1e38;

/// Reads shapes.
pub(super) struct Shapes<B> {
    bytes: Exact<B>,
    /// Bytes of records that are left.
    left: u64,
    record: Vec<u8>,
}

fn damaged(detail: impl Into<String>) -> FormatError {
    FormatError::Corrupt(Format::Shapefile, detail.into())
}

impl<B: Blocks> Shapes<B> {
    pub(super) fn new(blocks: B) -> Result<Self, FormatError> {
        let mut bytes = Exact::new(blocks);
        let mut record = Vec::new();
        bytes.read(100, &mut record)?;
        if record.len() < 100 || big(&record, 0) != 9994 || little(&record, 28) != 1000 {
            return Err(damaged("the head of its .shp is not that of a shapefile"));
        }
        let left = (u64::from(big(&record, 24)) * 2).saturating_sub(100);
        Ok(Self { bytes, left, record })
    }

    pub(super) fn bytes(&self) -> u64 {
        self.bytes.bytes()
    }

    /// Gives the draft's first field the next shape, unless it is none; `false` at the end.
    pub(super) fn read(&mut self, draft: &mut Draft) -> Result<bool, FormatError> {
        if self.left == 0 {
            return Ok(false);
        }
        self.bytes.read(8, &mut self.record)?;
        if self.record.len() < 8 {
            return Err(damaged("its .shp ends too early"));
        }
        let number = big(&self.record, 0);
        let length = big(&self.record, 4) as usize * 2;
        if length > SHAPE_MAX {
            return Err(FormatError::TooLarge { what: "one shape", limit: SHAPE_MAX as u64 });
        }
        self.bytes.read(length, &mut self.record)?;
        self.left = self.left.saturating_sub(8 + length as u64);
        let is_whole = length >= 4 && self.record.len() == length;
        let shape = if is_whole { Shape::of(&self.record) } else { None };
        let shape =
            shape.ok_or_else(|| damaged(format!("its .shp ends in record {number}, or counts what is not there")))?;
        match shape {
            Shape::Null => {}
            Shape::Unknown(kind) => {
                return Err(damaged(format!("its record {number} is of shape type {kind}, which is not read")));
            }
            shape => draft.set(0, |out| shape.write(out)),
        }
        Ok(true)
    }
}

fn big(bytes: &[u8], at: usize) -> u32 {
    u32::from_be_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]])
}

fn little(bytes: &[u8], at: usize) -> u32 {
    u32::from_le_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]])
}

/// A shape as it lies in its record.
enum Shape<'a> {
    Null,
    Point(Points<'a>),
    MultiPoint(Points<'a>),
    Lines(Points<'a>, &'a [[u8; 4]]),
    Polygons(Points<'a>, &'a [[u8; 4]]),
    Unknown(u32),
}

/// The coordinates of a shape: those of the plane in pairs, then height and measure each in a row of their own.
#[derive(Clone, Copy)]
struct Points<'a> {
    xy: &'a [[u8; 16]],
    z: Option<&'a [[u8; 8]]>,
    m: Option<&'a [[u8; 8]]>,
}

impl<'a> Shape<'a> {
    /// `None` where the record is shorter than what it counts.
    fn of(record: &'a [u8]) -> Option<Self> {
        let (kind, rest) = record.split_first_chunk().map(|(kind, rest)| (u32::from_le_bytes(*kind), rest))?;
        let (plane, has_z, has_m) = match kind {
            0 => return Some(Self::Null),
            1 | 3 | 5 | 8 => (kind, false, false),
            // Height always comes with room for a measure, which may be missing.
            11 | 13 | 15 | 18 => (kind - 10, true, true),
            21 | 23 | 25 | 28 => (kind - 20, false, true),
            other => return Some(Self::Unknown(other)),
        };
        if plane == 1 {
            let (xy, rest) = chunks(rest, 1)?;
            let (z, rest) = if has_z { chunks(rest, 1).map(|(z, rest)| (Some(z), rest))? } else { (None, rest) };
            let m = if has_m { chunks(rest, 1).map(|(m, _)| m) } else { None };
            return Some(Self::Point(Points { xy, z, m: measured(m) }));
        }
        // The box around it is not looked at.
        let rest = rest.get(32..)?;
        let (parts, count, rest) = if plane == 8 {
            let (count, rest) = rest.split_first_chunk::<4>()?;
            (0, u32::from_le_bytes(*count), rest)
        } else {
            let (parts, rest) = rest.split_first_chunk::<4>()?;
            let (count, rest) = rest.split_first_chunk::<4>()?;
            (u32::from_le_bytes(*parts), u32::from_le_bytes(*count), rest)
        };
        let count = count as usize;
        let (starts, rest) = chunks::<4>(rest, parts as usize)?;
        let (xy, rest) = chunks(rest, count)?;
        let row = |rest: &'a [u8]| chunks::<8>(rest.get(16..)?, count);
        let (z, rest) = if has_z { row(rest).map(|(z, rest)| (Some(z), rest))? } else { (None, rest) };
        let m = if has_m { row(rest).map(|(m, _)| m) } else { None };
        let points = Points { xy, z, m: measured(m) };
        Some(match plane {
            3 => Self::Lines(points, starts),
            5 => Self::Polygons(points, starts),
            _ => Self::MultiPoint(points),
        })
    }

    fn write(&self, out: &mut Vec<u8>) {
        match self {
            Self::Point(points) => {
                head(out, 1, points.flags());
                points.put(0, out);
            }
            Self::MultiPoint(points) => {
                head(out, 4, points.flags());
                count(out, points.xy.len());
                for point in 0..points.xy.len() {
                    head(out, 1, points.flags());
                    points.put(point, out);
                }
            }
            Self::Lines(points, starts) => {
                let parts = parts(points.xy.len(), starts);
                if parts.len() != 1 {
                    head(out, 5, points.flags());
                    count(out, parts.len());
                }
                for part in parts {
                    head(out, 2, points.flags());
                    points.line(part, out);
                }
            }
            Self::Polygons(points, starts) => {
                let rings = parts(points.xy.len(), starts);
                let corners: Vec<&[[u8; 16]]> = rings.iter().map(|&(start, end)| &points.xy[start..end]).collect();
                let polygons = polygons(&corners);
                if polygons.len() != 1 {
                    head(out, 6, points.flags());
                    count(out, polygons.len());
                }
                for polygon in polygons {
                    head(out, 3, points.flags());
                    count(out, polygon.len());
                    for ring in polygon {
                        points.line(rings[ring], out);
                    }
                }
            }
            Self::Null | Self::Unknown(_) => {}
        }
    }
}

impl Points<'_> {
    fn flags(self) -> u32 {
        self.z.map_or(0, |_| Z) | self.m.map_or(0, |_| M)
    }

    fn put(self, point: usize, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.xy[point]);
        for row in [self.z, self.m].into_iter().flatten() {
            out.extend_from_slice(&row[point]);
        }
    }

    fn line(self, (start, end): (usize, usize), out: &mut Vec<u8>) {
        count(out, end - start);
        if self.flags() == 0 {
            out.extend_from_slice(self.xy[start..end].as_flattened());
            return;
        }
        for point in start..end {
            self.put(point, out);
        }
    }
}

/// The first so many pieces of `N` bytes, and what follows them.
fn chunks<const N: usize>(bytes: &[u8], count: usize) -> Option<(&[[u8; N]], &[u8])> {
    let (pieces, rest) = bytes.split_at_checked(count.checked_mul(N)?)?;
    Some((pieces.as_chunks().0, rest))
}

/// Measures, unless none of them says anything.
fn measured(row: Option<&[[u8; 8]]>) -> Option<&[[u8; 8]]> {
    row.filter(|row| row.iter().any(|m| f64::from_le_bytes(*m) > NO_MEASURE))
}

/// First point of each part, and the one behind its last; places beyond the points are cut off.
fn parts(points: usize, starts: &[[u8; 4]]) -> Vec<(usize, usize)> {
    let mut from: Vec<usize> = starts.iter().map(|start| (u32::from_le_bytes(*start) as usize).min(points)).collect();
    from.push(points);
    from.windows(2).map(|pair| (pair[0].min(pair[1]), pair[1])).collect()
}

fn head(out: &mut Vec<u8>, shape: u32, flags: u32) {
    out.push(1);
    out.extend_from_slice(&(shape | flags).to_le_bytes());
}

#[expect(clippy::cast_possible_truncation, reason = "a shape has at most SHAPE_MAX bytes")]
fn count(out: &mut Vec<u8>, count: usize) {
    out.extend_from_slice(&(count as u32).to_le_bytes());
}
