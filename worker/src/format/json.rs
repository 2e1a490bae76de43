//! JSON as it comes: an array of objects, objects one after the other (NDJSON), or GeoJSON's features. An object becomes a record: its
//! members are the fields by their names, text without its quotes, null as no field at all, numbers and whatever is nested as they are
//! written. Of features these are the properties, beside the geometry.

mod members;
mod names;
mod scan;
mod text;

use std::collections::VecDeque;

use manifest::dataset::Format;

use super::FormatError;
use super::blocks::Blocks;
use super::record::{Draft, Place, ReadRecords, Record};
use super::source_column::SourceColumn;
use members::{Member, members};
use names::Names;
use scan::Scan;

/// Objects at the start of a file that are looked at for the names of fields, and most bytes of them.
const SAMPLE: usize = 1_000;
const SAMPLE_BYTES: usize = 4 << 20;

/// A coordinate beyond it is no longitude.
const WORLD: f64 = 360.0;

/// Reads objects.
pub struct Records<B> {
    scan: Scan<B>,
    format: Format,
    names: Names,
    /// Objects that were looked at and are yet to be handed over.
    sample: VecDeque<(Vec<u8>, Place)>,
    /// Objects so far.
    draft: Draft,
    text: Vec<u8>,
    sees_lonlat: bool,
}

fn damaged(format: Format, place: Place, detail: &str) -> FormatError {
    FormatError::Corrupt(format, format!("line {}: {detail}", place.line))
}

impl<B: Blocks> Records<B> {
    /// Reads the first objects for their names. The geometry of a feature becomes a field of the given name.
    pub fn new(blocks: B, format: Format, geometry: &str) -> Result<Self, FormatError> {
        let mut scan = Scan::new(blocks, format);
        let mut names = Names::default();
        if format == Format::Geojson {
            names.admit(geometry);
        }
        let (mut sample, mut bytes, mut sees_lonlat) = (VecDeque::new(), 0, true);
        while sample.len() < SAMPLE && bytes < SAMPLE_BYTES {
            let mut text = Vec::new();
            let Some(place) = scan.object(&mut text)? else { break };
            let wrong = || damaged(format, place, "it is not JSON");
            for member in fields(format, &text).ok_or_else(wrong)? {
                let (name, member) = member.ok_or_else(wrong)?;
                match name {
                    Field::Geometry => sees_lonlat &= is_lonlat(member.value),
                    Field::Named(name) => names.learn(&name, member.value),
                }
            }
            bytes += text.len();
            sample.push_back((text, place));
        }
        Ok(Self { scan, format, names, sample, draft: Draft::default(), text: Vec::new(), sees_lonlat })
    }

    /// Whether there is no object at all.
    pub fn is_empty(&self) -> bool {
        self.sample.is_empty()
    }

    /// Fields and the types that hold what the first objects have in them.
    pub fn columns(&self) -> Vec<SourceColumn> {
        self.names.columns(usize::from(self.format == Format::Geojson))
    }

    /// The reference system: what the file says, else that of the standard, unless coordinates are none of it.
    pub fn srid(&self) -> Option<u32> {
        let standard = (self.format == Format::Geojson && self.sees_lonlat).then_some(4326);
        self.scan.crs().or(standard)
    }

    /// Puts the record of an object together.
    fn put(&mut self, text: &[u8], place: Place) -> Result<(), FormatError> {
        let wrong = || damaged(self.format, place, "it is not JSON");
        self.draft.begin(self.names.len());
        self.names.rewind();
        for member in fields(self.format, text).ok_or_else(wrong)? {
            let (name, member) = member.ok_or_else(wrong)?;
            let field = match name {
                Field::Geometry => Some(0),
                Field::Named(name) => self.names.place(&name),
            };
            let Some(field) = field else { continue };
            match member.value {
                // The last of several members of one name is the one that counts, as in most programs.
                b"null" => self.draft.remove(field),
                [b'"', ..] => self.draft.set(field, |out| text::unescape(member.value, out)).ok_or_else(wrong)?,
                value => self.draft.set(field, |out| out.extend_from_slice(value)),
            }
        }
        Ok(())
    }
}

impl<B: Blocks> ReadRecords for Records<B> {
    fn read(&mut self) -> Result<Option<Record<'_>>, FormatError> {
        let place = if let Some((text, place)) = self.sample.pop_front() {
            self.put(&text, place)?;
            place
        } else {
            let mut text = std::mem::take(&mut self.text);
            let found = self.scan.object(&mut text)?;
            let Some(place) = found else { return Ok(None) };
            let put = self.put(&text, place);
            self.text = text;
            put?;
            place
        };
        Ok(Some(self.draft.record(place)))
    }

    fn bytes(&self) -> u64 {
        self.scan.bytes()
    }

    fn names(&self) -> Option<&[String]> {
        Some(self.names.all())
    }

    fn admit(&mut self, name: &str) {
        self.names.admit(name);
    }

    fn late_names(&self) -> Vec<String> {
        self.names.late()
    }
}

/// What a member of an object is to its record.
enum Field<'t> {
    Geometry,
    Named(std::borrow::Cow<'t, [u8]>),
}

/// The members of an object that are fields; of a feature its geometry and its properties. `None` where it is not JSON.
fn fields<'t>(format: Format, text: &'t [u8]) -> Option<impl Iterator<Item = Option<(Field<'t>, Member<'t>)>> + 't> {
    let mut outer = members(text)?;
    let mut inner: Option<members::Members<'t>> = None;
    Some(std::iter::from_fn(move || {
        loop {
            if let Some(properties) = &mut inner {
                match properties.next() {
                    Some(Some(member)) => return Some(text::key(member.key).map(|key| (Field::Named(key), member))),
                    Some(None) => return Some(None),
                    None => inner = None,
                }
            }
            let Some(member) = outer.next()? else { return Some(None) };
            if format != Format::Geojson {
                return Some(text::key(member.key).map(|key| (Field::Named(key), member)));
            }
            match (member.key, member.value) {
                (b"geometry", _) => return Some(Some((Field::Geometry, member))),
                (b"properties", [b'{', ..]) => match members(member.value) {
                    Some(properties) => inner = Some(properties),
                    None => return Some(None),
                },
                (b"id", value) if value != b"null" => {
                    return Some(Some((Field::Named(member.key.into()), member)));
                }
                _ => {}
            }
        }
    }))
}

/// Whether the first coordinate of a geometry may be a longitude.
fn is_lonlat(geometry: &[u8]) -> bool {
    let start =
        geometry.windows(2).position(|pair| pair[0] == b'[' && pair[1] != b'[' && !pair[1].is_ascii_whitespace());
    let Some(start) = start else { return true };
    let number = geometry[start + 1..].split(|byte| *byte == b',').next().unwrap_or_default();
    let number = std::str::from_utf8(number).ok().and_then(|number| number.trim().parse::<f64>().ok());
    number.is_none_or(|number| number.abs() <= WORLD)
}

#[cfg(test)]
mod tests;
