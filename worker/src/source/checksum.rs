//! Checksums that publishers send along. The headers of an answer come in, then all bytes of the body; what goes out is the name of a
//! header that the body does not match.

use std::fmt::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use reqwest::header::HeaderMap;

use super::fingerprint::Content;

/// What a body is to come to.
#[derive(Default)]
pub(super) struct Checksums {
    sha256: Option<(&'static str, Vec<u8>)>,
    md5: Option<(Vec<u8>, md5::Context)>,
}

impl Checksums {
    /// Those of an answer that brings the whole body.
    pub(super) fn of(headers: &HeaderMap) -> Self {
        let field = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
        let decode = |text: &str| STANDARD.decode(text.trim().trim_matches(':')).ok();
        // `sha-256=:…:` since RFC 9530, `SHA-256=…` before.
        let sha256 = ["Repr-Digest", "Content-Digest", "Digest"].into_iter().find_map(|name| {
            let mut entries = field(name)?.split(',').filter_map(|entry| entry.trim().split_once('='));
            let (_, value) = entries.find(|(algorithm, _)| algorithm.eq_ignore_ascii_case("sha-256"))?;
            Some((name, decode(value).filter(|bytes| bytes.len() == 32)?))
        });
        let md5 = field("Content-MD5").and_then(decode).filter(|bytes| bytes.len() == 16);
        Self { sha256, md5: md5.map(|expected| (expected, md5::Context::new())) }
    }

    /// Takes in the next bytes.
    pub(super) fn update(&mut self, bytes: &[u8]) {
        if let Some((_, hash)) = &mut self.md5 {
            hash.consume(bytes);
        }
    }

    /// The header that a complete body does not match.
    pub(super) fn broken_by(&self, content: &Content) -> Option<&'static str> {
        let hex = |bytes: &[u8]| {
            bytes.iter().fold(String::new(), |mut text, byte| {
                let _ = write!(text, "{byte:02x}");
                text
            })
        };
        if let Some((name, expected)) = &self.sha256
            && hex(expected) != content.sha256
        {
            return Some(name);
        }
        let (expected, hash) = self.md5.as_ref()?;
        (hash.clone().finalize().0.as_slice() != expected.as_slice()).then_some("Content-MD5")
    }
}

#[cfg(test)]
mod tests {
    use reqwest::header::{HeaderName, HeaderValue};

    use super::*;
    use crate::source::Digest;

    fn broken(name: &'static str, value: &'static str) -> Option<&'static str> {
        let header = (HeaderName::from_bytes(name.as_bytes()).unwrap(), HeaderValue::from_static(value));
        let mut checksums = Checksums::of(&HeaderMap::from_iter([header]));
        checksums.update(b"ab");
        checksums.update(b"c");
        checksums.broken_by(&Digest::of(&b"abc"[..]).unwrap())
    }

    #[test]
    fn a_body_is_held_against_what_was_sent_along() {
        for (name, right) in [
            ("Repr-Digest", "sha-256=:ungWv48Bz+pBQUDeXa4iI7ADYaOWF3qctBD/YfIAFa0=:"),
            ("Content-Digest", "sha-512=:AAAA:, sha-256=:ungWv48Bz+pBQUDeXa4iI7ADYaOWF3qctBD/YfIAFa0=:"),
            ("Digest", "SHA-256=ungWv48Bz+pBQUDeXa4iI7ADYaOWF3qctBD/YfIAFa0="),
            ("Content-MD5", "kAFQmDzST7DWlj99KOF/cg=="),
        ] {
            assert_eq!(broken(name, right), None, "{name}");
        }
        assert_eq!(broken("Content-MD5", "AAFQmDzST7DWlj99KOF/cg=="), Some("Content-MD5"));
        let wrong = "sha-256=:AAAWv48Bz+pBQUDeXa4iI7ADYaOWF3qctBD/YfIAFa0=:";
        assert_eq!(broken("Repr-Digest", wrong), Some("Repr-Digest"));
        assert_eq!(broken("Digest", "nothing that is one"), None);
    }
}
