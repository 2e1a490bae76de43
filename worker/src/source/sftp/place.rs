//! Where a file is, and who asks for it.

use std::time::Duration;

use secrecy::{ExposeSecret, SecretString};
use url::Url;

use crate::source::error::SourceError;
use crate::source::filling::{Filling, unescaped};

/// SSH's own port.
const PORT: u16 = 22;

/// A file, and how one logs in. It holds secrets and so has no `Debug`.
#[derive(Clone)]
pub(in crate::source) struct Place {
    /// Names the host, whose turns are kept.
    pub(in crate::source) url: Url,
    pub(super) host: String,
    pub(super) port: u16,
    pub(super) user: String,
    pub(super) login: Login,
    /// Absolute, or in the home of whoever logs in.
    pub(super) path: String,
    /// The fingerprint that the host's key must have.
    pub(super) host_key: Option<String>,
    /// The address as the manifest has it.
    pub(in crate::source) shown: String,
}

/// What proves who asks.
#[derive(Clone)]
pub(super) enum Login {
    Password(SecretString),
    /// A private key as text.
    Key(SecretString),
}

impl Place {
    /// The place of an address, its secrets filled in.
    pub(in crate::source) fn new(
        shown: String,
        host_key: Option<&str>,
        private_key: Option<&str>,
        filling: &Filling,
    ) -> Result<Self, SourceError> {
        let url = filling.address(&shown)?;
        let wrong = |detail: &str| SourceError::Address { address: shown.clone(), detail: detail.to_owned() };
        let host = url.host_str().filter(|host| !host.is_empty()).ok_or_else(|| wrong("it names no host"))?;
        let host = host.trim_start_matches('[').trim_end_matches(']').to_owned();
        let path = unescaped(url.path());
        let path = path.strip_prefix("/~/").map(str::to_owned).unwrap_or(path);
        if path.is_empty() || path.ends_with('/') {
            return Err(wrong("it names no file"));
        }
        let login = match (private_key, url.password()) {
            (Some(key), _) => Login::Key(filling.text(key, &shown)?),
            (None, Some(password)) => Login::Password(unescaped(password).into()),
            (None, None) => return Err(wrong("there is neither a password nor a private key")),
        };
        let (port, user) = (url.port().unwrap_or(PORT), unescaped(url.username()));
        Ok(Self { host, port, user, login, path, host_key: host_key.map(str::to_owned), shown, url })
    }

    /// Silence of so long, after so many bytes.
    pub(super) fn silent(&self, patience: Duration, received: u64) -> SourceError {
        SourceError::Stalled { address: self.shown.clone(), seconds: patience.as_secs(), received }
    }
}

impl Login {
    pub(super) fn expose(&self) -> &str {
        match self {
            Self::Password(secret) | Self::Key(secret) => secret.expose_secret(),
        }
    }
}
