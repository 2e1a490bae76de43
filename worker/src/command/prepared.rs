//! What every subcommand starts from: settings, the dataset with its hash, secrets, and with them the way to the database.

use std::collections::BTreeSet;
use std::sync::Arc;

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use manifest::{Dataset, SecretName};

use crate::postgres::{Target, bundle};
use crate::run::manifest_hash;
use crate::secrets::{self, SecretError, Secrets};
use crate::settings::{Environment, Settings};
use crate::source::{Access, Means, Patience, ReadFrom};
use crate::spool::Spool;
use crate::trouble::Trouble;

/// Everything that is known before the database is asked for the first time.
pub(super) struct Prepared {
    /// What the environment told.
    pub(super) settings: Settings,
    /// The dataset; of a load with `--partial` only the tables that have files.
    pub(super) dataset: Dataset,
    /// Hash of the whole manifest.
    pub(super) manifest: String,
    /// Hash of what of it makes the rows.
    pub(super) making: String,
    needed: BTreeSet<SecretName>,
    secrets: Arc<Secrets>,
}

/// The secret that every subcommand needs.
pub(super) fn database_only() -> BTreeSet<SecretName> {
    BTreeSet::from([SecretName::database_url()])
}

/// What the environment told and the dataset that it is about, before anything is fetched.
pub(super) struct Asked {
    /// What the environment told.
    pub(super) settings: Settings,
    /// The dataset.
    pub(super) dataset: Dataset,
    /// Hash of its manifest.
    pub(super) manifest: String,
    /// Hash of what of it makes the rows.
    pub(super) making: String,
}

impl Asked {
    /// A dataset, with what the environment told.
    pub(super) fn of(settings: Settings, dataset: Dataset) -> Self {
        let (manifest, making) = (manifest_hash(&dataset), manifest_hash(&dataset.making()));
        Self { settings, dataset, manifest, making }
    }

    /// With the secrets of these names, which are fetched.
    pub(super) async fn with_secrets(
        self,
        needed: BTreeSet<SecretName>,
        environment: &impl Environment,
    ) -> Result<Prepared, Trouble> {
        let Self { settings, dataset, manifest, making } = self;
        let secrets = Arc::new(secrets::fetch(&needed, &settings.secrets, environment).await?);
        Ok(Prepared { settings, dataset, manifest, making, needed, secrets })
    }
}

impl Prepared {
    /// The way to the dataset's sources.
    pub(super) fn access(&self, from: ReadFrom) -> Access {
        let secrets = Arc::clone(&self.secrets);
        let means = Means {
            aws: None,
            spool: Spool::new(&self.settings.spool),
            secrets: Arc::new(move |name: &SecretName| secrets.get(name).cloned()),
            patience: Patience::default(),
            today: self.today(),
        };
        Access::new(&self.dataset, from, means)
    }

    /// The database that is loaded into.
    pub(super) fn target(&self) -> Result<Target, Trouble> {
        let name = SecretName::database_url();
        let address = self.secrets.get(&name).ok_or(SecretError::Undeclared(name))?;
        Ok(Target::parse(address, bundle())?)
    }

    /// The day of the firing where the dataset is, or in UTC where its manifest has no time zone.
    pub(super) fn today(&self) -> Date {
        let zone = self.dataset.timezone.as_deref().and_then(|name| TimeZone::get(name).ok()).unwrap_or(TimeZone::UTC);
        self.settings.scheduled_time.unwrap_or_else(Timestamp::now).to_zoned(zone).date()
    }

    /// Fetches the secrets again; returns whether any of them has changed.
    pub(super) async fn refetch(&mut self, environment: &impl Environment) -> bool {
        match secrets::fetch(&self.needed, &self.settings.secrets, environment).await {
            Ok(fresh) if !fresh.same_as(&self.secrets) => {
                self.secrets = Arc::new(fresh);
                true
            }
            _ => false,
        }
    }
}
