//! Keys: the host's, which must be the one that the manifest names, and the one that a login is proved with.

use std::borrow::Cow;
use std::sync::{Arc, Mutex, PoisonError};

use russh::client;
use russh::keys::{
    Algorithm, EcdsaCurve, Error, HashAlg, PrivateKey, PrivateKeyWithHashAlg, PublicKeyOrCertificate, decode_secret_key,
};

/// Algorithms of host keys, those of one key side by side. A host that has several keys shows the one that is asked for, and a
/// manifest may name any of them.
pub(super) fn algorithms() -> [Vec<Algorithm>; 5] {
    let ecdsa = |curve| vec![Algorithm::Ecdsa { curve }];
    let rsa = [Some(HashAlg::Sha512), Some(HashAlg::Sha256)].map(|hash| Algorithm::Rsa { hash });
    [
        vec![Algorithm::Ed25519],
        ecdsa(EcdsaCurve::NistP256),
        ecdsa(EcdsaCurve::NistP384),
        ecdsa(EcdsaCurve::NistP521),
        rsa.to_vec(),
    ]
}

/// A configuration that asks for the host's key of these algorithms.
pub(super) fn asking_for(algorithms: Vec<Algorithm>) -> client::Config {
    let mut config = client::Config::default();
    config.preferred.key = Cow::Owned(algorithms);
    config
}

/// Looks at a host's key.
#[derive(Clone)]
pub(super) struct Judge {
    pinned: Option<String>,
    shown: Arc<Mutex<Option<String>>>,
}

impl Judge {
    pub(super) fn new(pinned: Option<&str>) -> Self {
        Self { pinned: pinned.map(str::to_owned), shown: Arc::default() }
    }

    /// The fingerprint that the host's key turned out to have.
    pub(super) fn shown(&self) -> Option<String> {
        self.shown.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl client::Handler for Judge {
    type Error = russh::Error;

    async fn check_server_key(&mut self, key: &PublicKeyOrCertificate) -> Result<bool, Self::Error> {
        // Certificates are not asked for.
        let PublicKeyOrCertificate::PublicKey { key, .. } = key else { return Ok(false) };
        let shown = key.fingerprint(HashAlg::Sha256).to_string();
        let is_it = self.pinned.as_ref() == Some(&shown);
        *self.shown.lock().unwrap_or_else(PoisonError::into_inner) = Some(shown);
        Ok(is_it)
    }
}

/// Reads a private key, or tells what is wrong with it without a byte of it.
pub(super) fn private(text: &str) -> Result<PrivateKeyWithHashAlg, &'static str> {
    let key: PrivateKey = decode_secret_key(text, None).map_err(|error| match error {
        Error::KeyIsEncrypted => "its private key has a passphrase; store the key without one, the secret protects it",
        _ => "its private key is not one in OpenSSH's or PEM's form",
    })?;
    if key.is_encrypted() {
        return Err("its private key has a passphrase; store the key without one, the secret protects it");
    }
    if matches!(key.algorithm(), Algorithm::Rsa { .. }) {
        // Signing with RSA takes a time that tells about the key (RUSTSEC-2023-0071).
        return Err(
            "its private key is an RSA key, which is not used; make one with `ssh-keygen -t ed25519` and give the \
                    publisher its public half",
        );
    }
    Ok(PrivateKeyWithHashAlg::new(Arc::new(key), None))
}
