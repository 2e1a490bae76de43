//! What tells one version of a source from another: the publisher's validators, and the hash of the bytes as they arrived.

use std::fmt;
use std::io::{self, Read};

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

/// One version of a source, as the ledger keeps it. It never holds a secret.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SourceFingerprint {
    /// The address as the manifest has it, or the path of a local file.
    pub address: String,
    /// The `ETag` that came with the bytes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub etag: Option<String>,
    /// The `Last-Modified` that came with the bytes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_modified: Option<String>,
    /// The bytes themselves.
    #[serde(flatten)]
    pub content: Content,
}

/// Bytes as they arrived, before anything was unpacked or decoded.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Content {
    /// How many.
    pub bytes: u64,
    /// Their SHA-256 in lower-case hexadecimal.
    pub sha256: String,
}

/// Hashes bytes while they pass.
#[derive(Clone, Default)]
pub struct Digest {
    hash: Sha256,
    bytes: u64,
}

impl Digest {
    /// Takes in the next bytes.
    pub fn update(&mut self, bytes: &[u8]) {
        self.hash.update(bytes);
        self.bytes += bytes.len() as u64;
    }

    /// Bytes so far.
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// What was taken in.
    pub fn finish(self) -> Content {
        Content { bytes: self.bytes, sha256: format!("{:x}", self.hash.finalize()) }
    }

    /// Takes in all that a reader gives.
    pub fn of(mut reader: impl Read) -> io::Result<Content> {
        let mut digest = Self::default();
        let mut buffer = vec![0; 128 << 10];
        loop {
            match reader.read(&mut buffer) {
                Ok(0) => return Ok(digest.finish()),
                Ok(read) => digest.update(&buffer[..read]),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Digest").field("bytes", &self.bytes).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fingerprint_keeps_its_form_in_the_ledger() {
        let content = Digest::of(&b"abc"[..]).unwrap();
        let etag = Some("\"x\"".to_owned());
        let fingerprint =
            SourceFingerprint { address: "https://example.org/a.csv".into(), etag, last_modified: None, content };
        let json = serde_json::to_value(&fingerprint).unwrap();
        assert_eq!(
            json,
            serde_json::json!({
                "address": "https://example.org/a.csv",
                "etag": "\"x\"",
                "bytes": 3,
                "sha256": "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
            })
        );
        assert_eq!(serde_json::from_value::<SourceFingerprint>(json).unwrap(), fingerprint);
    }
}
