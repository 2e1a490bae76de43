//! Sources that a manifest does not list yet: a portal that opens a new dataset each year has it in its catalog under a title that the
//! manifest tells.

use std::collections::BTreeSet;

use manifest::Dataset;
use manifest::dataset::{Content, Origin, Source};
use tokio_util::sync::CancellationToken;

use super::access::ReadFrom;
use super::error::SourceError;
use super::locate::Located;
use super::reach::Reach;
use super::socrata;

/// What stands for the year in a title.
const YEAR: &str = "{year}";

impl Reach {
    /// The dataset with what was found.
    pub(super) async fn discover(&self, dataset: &Dataset, cancel: &CancellationToken) -> Result<Dataset, SourceError> {
        let mut dataset = dataset.clone();
        if self.from != ReadFrom::Publisher {
            return Ok(dataset);
        }
        let year = self.filling.today.year();
        for table in &mut dataset.tables {
            let Content::Sources(sources) = &mut table.content else { continue };
            let mut asked = BTreeSet::new();
            for known in sources.clone() {
                let Origin::Socrata { host, discover: Some(title), .. } = &known.origin else { continue };
                if !asked.insert((host.clone(), title.clone())) {
                    continue;
                }
                for year in [year - 1, year] {
                    let title = title.replace(YEAR, &year.to_string());
                    let Located::Socrata(place) = self.locate(&known)? else { continue };
                    let _turn = self.http.turn(&place.base, cancel).await?;
                    let found = socrata::find(&self.http, &place, &title, cancel).await?;
                    sources.extend(found.and_then(|id| joined(sources, &known, &id)));
                }
            }
        }
        Ok(dataset)
    }
}

/// The source of this id, made like one that is known; `None` where it is known itself.
fn joined(sources: &[Source], like: &Source, new: &str) -> Option<Source> {
    let is_new = |source: &Source| !matches!(&source.origin, Origin::Socrata { id, .. } if id == new);
    let mut source = like.clone();
    let Origin::Socrata { id, .. } = &mut source.origin else { return None };
    if !sources.iter().all(is_new) {
        return None;
    }
    let old = std::mem::replace(id, new.to_owned());
    // A file's name tells its source: one without the id would be another's.
    source.file = if like.file.contains(&old) { like.file.replace(&old, new) } else { format!("{new}_{}", like.file) };
    for value in source.vars.values_mut().filter(|value| **value == old) {
        new.clone_into(value);
    }
    Some(source)
}
