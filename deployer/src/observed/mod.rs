//! What exists. In: clients and what is desired. Out: everything of the stack that was found, with its owner and its hash.
//! Only list calls are made for what is unchanged: an unchanged schedule proves its definition, because the definition's
//! hash is part of what the schedule's name is the hash of. What changed, or has no schedule to prove it, is looked at.

mod definitions;
pub mod foreign;
mod owners;
mod places;
pub mod state;
mod triggers;
mod watch;

use futures_util::future::try_join_all;

use self::state::{Observed, SecretState};
use crate::aws::Clients;
use crate::aws::error::AwsError;
use crate::desired::Desired;
use crate::desired::resource::Kind;

/// How many things are looked at side by side.
const SIDE_BY_SIDE: usize = 8;

/// How much is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Depth {
    /// Lists, and what they say has changed.
    Lists,
    /// Every resource, whole, whatever its hash.
    Everything,
}

/// Reads what exists.
pub async fn observe(clients: &Clients, desired: &Desired, depth: Depth) -> Result<Observed, AwsError> {
    let (places, ((triggers, touched), listed)) = tokio::try_join!(places::observe(clients, desired, depth), async {
        tokio::try_join!(triggers::observe(clients, desired), definitions::list(clients, &desired.names))
    })?;
    let mut observed = places;
    observed.found.extend(triggers);
    observed.touched = touched;
    definitions::observe(clients, desired, listed, &mut observed, depth).await?;
    triggers::look_at_changed(clients, desired, &mut observed, depth).await?;
    owners::ask(clients, desired, &mut observed).await?;
    foreign::observe(clients, desired, &mut observed).await?;
    Ok(observed)
}

/// Reads which secrets can be read by a run. Comes before everything else: it decides which triggers are on.
pub async fn secrets(
    clients: &Clients,
    ids: impl Iterator<Item = &String>,
) -> Result<Vec<(String, SecretState)>, AwsError> {
    try_join_all(ids.map(async |id| {
        let state = clients.secret(id).await?.map_or(SecretState::Absent, |found| found.state);
        Ok((id.clone(), state))
    }))
    .await
}

/// Whether something of that kind and name is desired.
fn is_desired(desired: &Desired, kind: Kind, name: &str) -> bool {
    desired.get(kind, name).is_some()
}
