//! Records that were kept out, or had values that could not be read, are read again by the manifest as it is now. A kept record and the
//! names of its fields come in; the binary fields of its row go out, or what still keeps it out.

use jiff::tz::TimeZone;
use manifest::Identifier;
use manifest::dataset::{HeaderRow, Table};
use value::Encoded;

use super::kept::{ANYWHERE, unpack};
use super::layout::Layout;
use super::plan::Plan;
use super::rows::NO_VALUE;
use super::types::OwnTypes;
use crate::format::Draft;

/// A table that kept records are read into.
#[derive(Debug)]
pub struct Rereader<'t> {
    table: &'t Table,
    layout: Layout,
}

/// A record that was kept.
#[derive(Debug, Clone, Copy)]
pub struct KeptRecord<'a> {
    /// The source's file.
    pub file: &'a str,
    /// The member of its archive.
    pub member: Option<&'a str>,
    /// The names of its fields; none where the file has no header.
    pub names: &'a [String],
    /// Its fields.
    pub packed: &'a [u8],
}

/// What a column of a kept record comes to: a field of binary `COPY`, with its length, or a code.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reread {
    /// A value.
    Value(Vec<u8>),
    /// NULL.
    Null,
    /// It still cannot be read.
    Bad(&'static str),
}

/// Why a kept record is no row.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StaysOut {
    /// The manifest has no source of that file any more.
    #[error("the manifest has no source {0}")]
    NoSource(String),
    /// The header of its file does not fit.
    #[error("{0}")]
    Header(String),
    /// It still has too few or too many fields, or is not what was kept.
    #[error("{0}")]
    Record(&'static str),
    /// `keep` does not want it.
    #[error("`keep` does not want it")]
    NotWanted,
}

impl<'t> Rereader<'t> {
    /// Compiles a table. What this worker does not serve is the error, each in a few words.
    pub fn new(table: &'t Table, zone: Option<&TimeZone>) -> Result<Self, Vec<String>> {
        Ok(Self { table, layout: Layout::new(table, zone, &OwnTypes::default())? })
    }

    /// The columns of a row.
    pub fn columns(&self) -> impl Iterator<Item = &Identifier> {
        self.layout.columns.iter().map(|column| &column.name)
    }

    /// Reads a record: what each of [`columns`](Self::columns) comes to.
    pub fn read(&self, kept: KeptRecord<'_>) -> Result<Vec<Reread>, StaysOut> {
        let KeptRecord { file, member, names, packed } = kept;
        let source = self.table.sources().iter().find(|source| source.file == file);
        let source = source.ok_or_else(|| StaysOut::NoSource(file.to_owned()))?;
        let wanted = &self.layout.wanted;
        let binding = if source.reading.header == HeaderRow::None {
            wanted.in_order()
        } else {
            wanted.bind(names).map_err(|error| StaysOut::Header(error.to_string()))?
        };
        let plan = Plan::new(self.table, &self.layout, source, member, &binding, b',');
        let mut draft = Draft::default();
        if !unpack(packed, &mut draft) {
            return Err(StaysOut::Record("record_damaged"));
        }
        let record = draft.record(ANYWHERE);
        plan.fits(&record).map_err(StaysOut::Record)?;
        let mut scratch = Vec::new();
        if !plan.keeps(&record, &mut scratch) {
            return Err(StaysOut::NotWanted);
        }
        let columns = plan.slots.iter().map(|slot| {
            let mut field = Vec::new();
            let text = slot.text.of(&record, &mut scratch);
            let encoded = text.and_then(|text| slot.encoder.encode(text, &mut field).map_err(value::Bad::code));
            match encoded {
                Ok(Encoded::Null) if slot.is_required => Reread::Bad(NO_VALUE),
                Ok(Encoded::Null) => Reread::Null,
                Ok(Encoded::Value | Encoded::Trimmed) => Reread::Value(field),
                Err(code) => Reread::Bad(code),
            }
        });
        Ok(columns.collect())
    }
}

#[cfg(test)]
mod tests {
    use super::super::kept::pack;
    use super::super::layout::tests::table;
    use super::*;

    fn packed(fields: &[&str]) -> Vec<u8> {
        let mut draft = Draft::default();
        draft.begin(0);
        for (index, field) in fields.iter().enumerate() {
            draft.set(index, |out| out.extend_from_slice(field.as_bytes()));
        }
        pack(&draft.record(ANYWHERE)).unwrap()
    }

    fn read(table: &Table, file: &str, names: &[&str], fields: &[&str]) -> Result<Vec<Reread>, StaysOut> {
        let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
        let rereader = Rereader::new(table, None).unwrap();
        rereader.read(KeptRecord { file, member: None, names: &names, packed: &packed(fields) })
    }

    #[test]
    fn a_record_is_read_by_the_manifest_as_it_is_now() {
        let mut table = table(&["id integer not null", "height numeric"]);
        let (names, fields) = (["Height (m)", "ID"], ["n/a", "7"]);
        let before = read(&table, "t.csv", &names, &fields).unwrap_err();
        assert!(matches!(&before, StaysOut::Header(text) if text.contains("`height`")), "{before}");
        table.rename.insert("Height (m)".into(), "height".parse().unwrap());
        let seven = Reread::Value(vec![0, 0, 0, 4, 0, 0, 0, 7]);
        assert_eq!(read(&table, "t.csv", &names, &fields), Ok(vec![seven.clone(), Reread::Bad("not_a_number")]));
        if let manifest::dataset::Content::Sources(sources) = &mut table.content {
            sources[0].reading.nulls = vec!["n/a".into()];
        }
        assert_eq!(read(&table, "t.csv", &names, &fields), Ok(vec![seven, Reread::Null]));
        assert_eq!(
            read(&table, "t.csv", &names, &["1", " "]),
            Ok(vec![Reread::Bad("no_value"), Reread::Value(vec![0, 0, 0, 10, 0, 1, 0, 0, 0, 0, 0, 0, 0, 1])])
        );
        assert_eq!(read(&table, "t.csv", &names, &["1"]), Err(StaysOut::Record("too_few_fields")));
        assert_eq!(read(&table, "u.csv", &names, &fields), Err(StaysOut::NoSource("u.csv".into())));
        table.keep.insert("id".parse().unwrap(), ["1".to_owned()].into());
        assert_eq!(read(&table, "t.csv", &names, &fields), Err(StaysOut::NotWanted));
    }
}
