//! What an earlier run left complete in staging is published, through the same lease, guards and transaction as a load's, and
//! without reading anything again: after a refusal that somebody looked into, or when locks were not to be had in time.

use std::sync::Arc;

use super::complete::Kept;
use super::derive::Basis;
use super::publishing::Release;
use super::{Accept, Done, Run};
use crate::ledger::Ledger;
use crate::postgres::Pool;
use crate::staging::Staging;
use crate::trouble::Trouble;

impl Run<'_> {
    /// Publishes what is in staging.
    pub(super) async fn publish_kept(
        &self,
        accept: Accept,
        ledger: &Ledger,
        pool: &Arc<Pool>,
    ) -> Result<Done, Trouble> {
        let kept = self.within(self.kept(ledger, pool)).await?.map_err(|unfit| unfit.of(self.dataset))?;
        let dataset = self.described_by(&Staging::schema_of(&self.dataset.dataset), pool).await?;
        let narrowed = kept.narrow(&dataset);
        let run = Run { dataset: &narrowed, ..*self };
        let basis = run.within(run.basis(ledger, pool)).await?;
        Run { dataset: &basis.rehearsed.dataset, ..*self }
            .publish_what_is_there(kept, &basis, accept, ledger, pool)
            .await
    }

    async fn publish_what_is_there(
        &self,
        kept: Kept,
        basis: &Basis,
        accept: Accept,
        ledger: &Ledger,
        pool: &Arc<Pool>,
    ) -> Result<Done, Trouble> {
        let survey = self.survey(pool).await?;
        let blueprints = survey.blueprints()?;
        let extent = kept.extent();
        let taking = self.take_up(kept, extent, ledger, pool, &survey, &blueprints);
        let complete = self.within(taking).await?.map_err(|unfit| unfit.of(self.dataset))?;
        let accepted = self.within(self.guard(accept, &complete, ledger, &survey, &blueprints)).await?;
        let views = &basis.rehearsed.views;
        self.publish(ledger, complete, Release { accept, accepted, withdrawn: None, views }).await
    }
}
