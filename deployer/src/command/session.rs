//! What every command begins with. In: the global options. Out: the manifests of one environment, and, for commands that
//! touch AWS, clients that are proven to speak to the account and region that the environment is pinned to.

use std::env;
use std::sync::Arc;

use manifest::{Dataset, DatasetName};

use crate::aws::Clients;
use crate::cli::Global;
use crate::clock::{Clock, Machine};
use crate::desired::Manifests;
use crate::desired::resource::Network;
use crate::desired::trigger;
use crate::error::{Error, most_similar};
use crate::names::Names;
use crate::project;

/// One environment, and the way to it.
#[derive(Debug)]
pub(super) struct Session {
    pub(super) manifests: Manifests,
    pub(super) names: Names,
    pub(super) clients: Clients,
    pub(super) clock: Arc<dyn Clock>,
    /// Where it is not AWS's own.
    pub(super) endpoint: Option<String>,
}

impl Session {
    /// Reads the manifests, then makes sure that account, region and endpoint are those that are meant.
    pub(super) async fn open(global: &Global) -> Result<Self, Error> {
        let manifests = project::manifests(global)?;
        let environment = &manifests.environment;
        check_endpoint(global.endpoint.as_deref(), env::vars())?;
        if let (None, Some(endpoint)) = (&global.endpoint, &environment.endpoint) {
            return Err(Error::Emulator { environment: environment.name.to_string(), endpoint: endpoint.clone() });
        }
        let clock: Arc<dyn Clock> = Arc::new(Machine);
        let clients = Clients::new(&environment.region, global.endpoint.as_deref(), clock.clone()).await;
        let caller = clients.caller_identity().await?;
        if caller.account != environment.account {
            return Err(Error::Account {
                environment: environment.name.to_string(),
                expected: environment.account.clone(),
                found: caller.account,
                arn: caller.arn,
            });
        }
        let names = Names::new(environment);
        Ok(Self { manifests, names, clients, clock, endpoint: global.endpoint.clone() })
    }

    /// The dataset of that name.
    pub(super) fn dataset(&self, name: &DatasetName) -> Result<&Dataset, Error> {
        dataset(&self.manifests, name)
    }

    /// Where tasks run.
    pub(super) fn network(&self) -> Network {
        trigger::network(&self.manifests.environment)
    }
}

/// The dataset of that name.
pub(super) fn dataset<'a>(manifests: &'a Manifests, name: &DatasetName) -> Result<&'a Dataset, Error> {
    manifests.datasets.get(name).ok_or_else(|| Error::NoDataset {
        name: name.to_string(),
        similar: most_similar(name.as_str(), manifests.datasets.keys().map(DatasetName::as_str)),
    })
}

/// Refuses an endpoint that the shell holds and the command line does not say.
fn check_endpoint(said: Option<&str>, variables: impl Iterator<Item = (String, String)>) -> Result<(), Error> {
    for (variable, value) in variables {
        let same = said.is_some_and(|said| said.trim_end_matches('/') == value.trim_end_matches('/'));
        if variable.starts_with("AWS_ENDPOINT_URL") && !value.is_empty() && !same {
            return Err(Error::Endpoint { variable, value });
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_endpoint_left_in_the_shell_is_refused_unless_it_is_said_again() {
        let shell = |name: &str| [(name.to_owned(), "http://127.0.0.1:5000/".to_owned())].into_iter();
        assert!(check_endpoint(None, shell("AWS_ENDPOINT_URL")).is_err());
        assert!(check_endpoint(None, shell("AWS_ENDPOINT_URL_ECS")).is_err());
        assert!(check_endpoint(Some("http://127.0.0.1:6000"), shell("AWS_ENDPOINT_URL")).is_err());
        assert!(check_endpoint(Some("http://127.0.0.1:5000"), shell("AWS_ENDPOINT_URL")).is_ok());
        assert!(check_endpoint(None, shell("AWS_REGION")).is_ok());
    }
}
