//! The bytes that a run's rows were made from are kept, where the manifest says so: they are uploaded while they are read, and made to
//! stand once the rows are complete in staging, before anything is published.

use manifest::dataset::{Archive, Demand};

use super::Run;
use crate::ledger::Ledger;
use crate::report::Fact;
use crate::source::{Access, SourceError};
use crate::trouble::Trouble;

impl Run<'_> {
    /// Where bytes are to be kept. A run outside of a stack, on somebody's machine, keeps none.
    fn archive(&self) -> Option<(&Archive, String)> {
        let (archive, stack) = (self.dataset.archive.as_ref()?, self.settings.stack.as_ref()?);
        Some((archive, format!("{}/{}/{}/{}", stack.name, stack.environment, self.dataset.dataset, self.id)))
    }

    /// Whether no rows may go live whose bytes are not kept.
    pub(super) fn requires_archive(&self) -> bool {
        self.archive().is_some_and(|(archive, _)| archive.demand == Demand::Required)
    }

    /// Keeps what is read from now on.
    pub(super) fn keep_bytes(&self, access: &Access) {
        if let Some((archive, folder)) = self.archive() {
            access.keep_bytes(archive, &folder);
        }
    }

    /// Makes what was read stand in the archive, and tells the ledger where.
    pub(super) async fn complete_archive(&self, access: &Access, ledger: &Ledger) -> Result<(), Trouble> {
        let Some(archived) = access.complete_archive().await else { return Ok(()) };
        ledger.archived(self.id, &archived.kept).await?;
        if !archived.kept.is_empty() {
            let files = archived.kept.values().cloned().collect();
            self.reporter.tell(&Fact::Archived { files });
        }
        for (file, detail) in archived.lost {
            if self.requires_archive() {
                return Err(SourceError::Archive { address: file, detail }.into());
            }
            self.reporter.tell(&Fact::ArchiveLost { file, detail });
        }
        Ok(())
    }
}
