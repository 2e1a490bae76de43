//! What an image's tag means now. In: the image as the manifest names it. Out: the same by digest, or why that could not be
//! found out. A definition holds the digest, so that a run tomorrow is the run that was looked at today.

mod reference;
mod registry;

use serde::{Deserialize, Serialize};

pub use self::reference::Reference;
use crate::aws::Clients;

/// What was found out about an image.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Resolved {
    /// It is named by its digest already.
    Pinned,
    /// Its tag means this now.
    Found(Meaning),
    /// The registry says that there is no such image.
    Missing(String),
    /// Nobody could be asked, or nobody told.
    Unknown(String),
}

/// What a tag means.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Meaning {
    /// The image as the manifest names it.
    pub named: String,
    /// `sha256:…`
    pub digest: String,
    /// The image by its digest.
    pub pinned: String,
}

/// Why a registry did not tell.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Failure {
    Missing(String),
    Unknown(String),
}

/// Asks the image's registry; with an emulator in place of AWS only one on this machine, or the emulator's own.
pub async fn resolve(clients: &Clients, image: &str, endpoint: Option<&str>) -> Resolved {
    let Some(reference) = Reference::read(image) else { return Resolved::Unknown("it is no reference".to_owned()) };
    if reference.digest.is_some() {
        return Resolved::Pinned;
    }
    let found = if let Some(ecr) = reference.ecr() {
        let digest = clients.image_digest(&ecr.region, &ecr.account, &reference.path, reference.tag()).await;
        digest
            .map_err(|error| Failure::Unknown(error.to_string()))
            .and_then(|digest| digest.ok_or_else(|| Failure::Missing(format!("{} holds no such tag", reference.host))))
    } else if endpoint.is_some() && !reference.is_on_this_machine() {
        Err(Failure::Unknown("beside an emulator no registry is asked".to_owned()))
    } else {
        registry::digest(&reference).await
    };
    match found {
        Ok(digest) => {
            let pinned = reference.at(&digest);
            Resolved::Found(Meaning { named: image.to_owned(), digest, pinned })
        }
        Err(Failure::Missing(why)) => Resolved::Missing(why),
        Err(Failure::Unknown(why)) => Resolved::Unknown(why),
    }
}
