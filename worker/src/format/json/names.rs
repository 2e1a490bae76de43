//! The names of fields: those of the first objects in the order in which they come, and those that a table waits for.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use manifest::dataset::header_key;

use crate::format::source_column::SourceColumn;

/// Names that came too late to be fields and are remembered.
const LATE_MAX: usize = 100;

/// Names and their places.
#[derive(Debug, Default)]
pub(super) struct Names {
    all: Vec<String>,
    types: Vec<Option<&'static str>>,
    places: HashMap<Vec<u8>, usize>,
    /// Names that are waited for, as headers are compared.
    admitted: BTreeMap<String, usize>,
    late: BTreeSet<String>,
    /// Objects mostly have their members in one order: the place that is next in it.
    next: usize,
}

impl Names {
    pub(super) fn len(&self) -> usize {
        self.all.len()
    }

    pub(super) fn all(&self) -> &[String] {
        &self.all
    }

    /// Notes a member of one of the first objects.
    pub(super) fn learn(&mut self, name: &[u8], value: &[u8]) {
        let place = match self.places.get(name) {
            Some(place) => *place,
            None => self.add(&String::from_utf8_lossy(name), name),
        };
        let told = match value {
            b"null" => return,
            [b'"', ..] => "text",
            [b'{' | b'[', ..] => "jsonb",
            [b't' | b'f', ..] => "boolean",
            _ => "numeric",
        };
        let known = &mut self.types[place];
        *known = Some(known.map_or(told, |known| if known == told { known } else { "text" }));
    }

    /// Makes room for a name that no object had yet.
    pub(super) fn admit(&mut self, name: &str) {
        let place = self.add(name, name.as_bytes());
        self.admitted.insert(header_key(name), place);
    }

    fn add(&mut self, name: &str, raw: &[u8]) -> usize {
        let place = self.all.len();
        self.all.push(name.to_owned());
        self.types.push(None);
        self.places.insert(raw.to_vec(), place);
        place
    }

    /// Begins another object.
    pub(super) fn rewind(&mut self) {
        self.next = 0;
    }

    /// The place of a name; `None` where nobody knows it.
    #[inline]
    pub(super) fn place(&mut self, name: &[u8]) -> Option<usize> {
        let place = match self.all.get(self.next) {
            Some(expected) if expected.as_bytes() == name => Some(self.next),
            _ => self.places.get(name).copied().or_else(|| self.latecomer(name)),
        };
        self.next = place.map_or(self.next, |place| place + 1);
        place
    }

    #[cold]
    fn latecomer(&mut self, name: &[u8]) -> Option<usize> {
        let text = String::from_utf8_lossy(name);
        let place = self.admitted.get(&header_key(&text)).copied();
        match place {
            Some(place) => {
                self.places.insert(name.to_vec(), place);
            }
            None if self.late.len() < LATE_MAX => {
                self.late.insert(text.into_owned());
            }
            None => {}
        }
        place
    }

    /// Names that were in none of the first objects and that nobody waited for.
    pub(super) fn late(&self) -> Vec<String> {
        self.late.iter().cloned().collect()
    }

    /// The names from this place on, with types that hold what was seen of them.
    pub(super) fn columns(&self, from: usize) -> Vec<SourceColumn> {
        let known = self.all.iter().zip(&self.types).skip(from);
        known.map(|(name, seen)| SourceColumn { name: name.clone(), type_name: seen.unwrap_or("text") }).collect()
    }
}
