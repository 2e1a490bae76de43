//! A certificate for loopback that is made when it is needed, and the server's side of TLS with it.

use std::sync::Arc;

use rustls::ServerConfig;
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use tokio_rustls::TlsAcceptor;

use crate::error::{Error, Result};

/// Who the server says it is.
pub(super) struct Identity {
    pub(super) acceptor: TlsAcceptor,
    /// Its certificate in PEM.
    pub(super) certificate: String,
}

impl Identity {
    /// A new one for `127.0.0.1` and `localhost`, signed by itself.
    pub(super) fn new() -> Result<Self> {
        let fail = |error: &dyn std::fmt::Display| Error::failed("certificate for loopback", error.to_string());
        let names = ["127.0.0.1".to_owned(), "localhost".to_owned()];
        let made = rcgen::generate_simple_self_signed(names).map_err(|error| fail(&error))?;
        let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(made.signing_key.serialize_der()));
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .and_then(|config| config.with_no_client_auth().with_single_cert(vec![made.cert.der().clone()], key))
            .map_err(|error| fail(&error))?;
        Ok(Self { acceptor: TlsAcceptor::from(Arc::new(config)), certificate: made.cert.pem() })
    }
}
