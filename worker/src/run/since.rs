//! From where on sources are read that can be asked for what is new in them: behind the watermark of the table that stands, less the
//! overlap that its manifest declares.

use manifest::Identifier;
use manifest::dataset::{Deletes, Load, Origin, Table};

use super::load::{Stages, WhenUnchanged};
use crate::source::{ReadFrom, Since};
use crate::trouble::Trouble;

impl Stages<'_> {
    /// Tells the way to the sources. A table that deletes what its sources do not hold any more reads them whole, and so does whoever is
    /// told to load all the same.
    pub(super) async fn read_what_is_new(&self) -> Result<(), Trouble> {
        let Self { run, load, ledger, survey, .. } = self;
        if load.when_unchanged == WhenUnchanged::Load || *load.access.from() != ReadFrom::Publisher {
            return Ok(());
        }
        let dataset = &run.dataset.dataset;
        let Some(published) = ledger.published(dataset).await? else { return Ok(()) };
        if published.manifest != run.making {
            // Rows that are older than what is new may be read otherwise by now.
            return Ok(());
        }
        let live = survey.live_oids();
        for table in &run.dataset.tables {
            let Load::Upsert { deletes: Deletes::Keep, overlap, .. } = &table.load else { continue };
            let column = table.load.watermark().and_then(|name| table.column(name));
            let (Some(column), Some(oid)) = (column, live.get(table.name.as_str())) else { continue };
            let found = ledger.watermark(dataset, &table.name, *oid, &column.name).await?;
            let Some(watermark) = found else { continue };
            let (field, value) = (field_of(table, &column.name), watermark.since(*overlap));
            for source in table.sources() {
                // One that was never read has nothing that is older than what is new.
                let was_read = published.sources.contains_key(&source.file);
                if was_read && matches!(source.origin, Origin::Socrata { .. }) {
                    let (field, value, type_name) = (field.clone(), value.clone(), watermark.type_name.clone());
                    load.access.read_since(source, Since { field, value, type_name });
                }
            }
        }
        Ok(())
    }
}

/// What a source calls a column.
fn field_of(table: &Table, column: &Identifier) -> String {
    let renamed = table.rename.iter().find(|(_, name)| *name == column).map(|(header, _)| header.clone());
    renamed.unwrap_or_else(|| column.to_string())
}
