//! What a person lets pass although it does not hold: the same switch wherever something is published.

use crate::run::Accept;

/// The switch.
#[derive(Debug, Clone, Copy, clap::Args)]
pub(super) struct AcceptDrop {
    /// Publish also where more rows are gone than `max_drop` allows; the run's record keeps that it was accepted
    #[arg(long)]
    accept_drop: bool,
}

impl AcceptDrop {
    /// What it comes to.
    pub(super) fn accept(self) -> Accept {
        if self.accept_drop { Accept::Drop } else { Accept::Nothing }
    }
}
