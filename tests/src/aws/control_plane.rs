//! moto with the recording proxy in front of it and the account prepared: the endpoint that most tests deploy to.

use super::{Aws, Network};
use crate::error::Result;
use crate::moto::Moto;
use crate::proxy::{Emulator, Proxy};

/// A control plane of its own: an account in which nothing was deployed yet.
#[derive(Debug)]
pub struct ControlPlane {
    /// What is deployed goes through it and is on its record.
    pub proxy: Proxy,
    /// Reads and prepares behind the proxy's back, so that the record holds the deployer's calls only.
    pub aws: Aws,
    /// The account's default network.
    pub network: Network,
    /// The emulator behind it.
    pub moto: Moto,
}

impl ControlPlane {
    /// Starts moto and the proxy; installs moto first when this target directory has none yet.
    pub fn start() -> Result<Self> {
        let moto = Moto::start()?;
        let aws = Aws::new(moto.url());
        let network = aws.default_network()?;
        aws.make_batch_service_role()?;
        let proxy = Proxy::start(moto.url(), Emulator::Moto)?;
        Ok(Self { proxy, aws, network, moto })
    }

    /// The endpoint URL for `AWS_ENDPOINT_URL`: the proxy's.
    pub fn url(&self) -> String {
        self.proxy.url()
    }
}
