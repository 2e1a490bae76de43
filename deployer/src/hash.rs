//! Content hashes. In: JSON. Out: ten hexadecimal digits of the SHA-256 of its canonical form.

use std::fmt;

use manifest::ContentHash;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Digits of a hash: 40 bits tell the versions of one resource apart, and fit into a schedule's name.
const DIGITS: usize = 10;

/// The hash of a resource's content.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Hash(String);

impl Hash {
    /// The hash of this content.
    pub fn of(content: &Value) -> Self {
        Self(ContentHash::of_bytes(canonical(content).as_bytes()).prefix(DIGITS))
    }

    /// A hash that a thing carries, if the text is one.
    pub fn read(text: &str) -> Option<Self> {
        let digit = |b: u8| b.is_ascii_digit() || (b'a'..=b'f').contains(&b);
        (text.len() == DIGITS && text.bytes().all(digit)).then(|| Self(text.to_owned()))
    }

    /// Its digits.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A schedule's name and hash, when the text ends in a dot and a hash.
pub fn split(name: &str) -> Option<(&str, Hash)> {
    let (name, digits) = name.rsplit_once('.')?;
    Hash::read(digits).map(|hash| (name, hash))
}

/// JSON with its keys sorted, without blanks: equal content gives equal bytes.
pub fn canonical(content: &Value) -> String {
    // JSON values have string keys and finite numbers, so this cannot fail.
    manifest::canonical::to_json(content).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_dot_and_ten_digits_end_a_schedules_name() {
        let name = |text| split(text).map(|(name, hash)| (name.to_owned(), hash.to_string()));
        assert_eq!(
            name("hpd_violations-full.3fa9c1d2e0"),
            Some(("hpd_violations-full".to_owned(), "3fa9c1d2e0".to_owned()))
        );
        assert_eq!(name("hpd_violations.3fa9c1d2e"), None);
        assert_eq!(name("nightly.backup"), None);
    }
}
