//! The canonical form of anything serialisable, and its hash: keys sorted, defaults left out (the types see to that), no blanks. Two things
//! that mean the same have one hash, whatever order their file was written in.

use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest as _, Sha256};

/// JSON with sorted keys and no blanks.
pub fn to_json<T: Serialize + ?Sized>(value: &T) -> Result<String, serde_json::Error> {
    Ok(sorted(serde_json::to_value(value)?).to_string())
}

fn sorted(value: Value) -> Value {
    match value {
        Value::Object(map) => {
            let mut entries: Vec<(String, Value)> = map.into_iter().collect();
            entries.sort_by(|(a, _), (b, _)| a.cmp(b));
            Value::Object(entries.into_iter().map(|(key, value)| (key, sorted(value))).collect())
        }
        Value::Array(items) => Value::Array(items.into_iter().map(sorted).collect()),
        other => other,
    }
}

/// SHA-256 of a canonical form.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ContentHash([u8; 32]);

impl ContentHash {
    /// The hash of the canonical form of `value`.
    pub fn of<T: Serialize + ?Sized>(value: &T) -> Result<Self, serde_json::Error> {
        Ok(Self::of_bytes(to_json(value)?.as_bytes()))
    }

    /// The hash of bytes as they are.
    pub fn of_bytes(bytes: &[u8]) -> Self {
        Self(Sha256::digest(bytes).into())
    }

    /// The first `digits` hexadecimal digits, at most 64.
    pub fn prefix(&self, digits: usize) -> String {
        let mut text = self.to_string();
        text.truncate(digits);
        text
    }
}

/// 64 hexadecimal digits, lower case.
impl fmt::Display for ContentHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl Serialize for ContentHash {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for ContentHash {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let fail = || serde::de::Error::custom(format!("`{text}` is not 64 hexadecimal digits"));
        if text.len() != 64 || !text.is_ascii() {
            return Err(fail());
        }
        let mut bytes = [0; 32];
        for (byte, digits) in bytes.iter_mut().zip(0..32) {
            *byte = u8::from_str_radix(&text[digits * 2..digits * 2 + 2], 16).map_err(|_| fail())?;
        }
        Ok(Self(bytes))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_order_of_keys_does_not_reach_the_hash() {
        let one = json!({"b": [1, {"y": 2, "x": null}], "a": "ü"});
        let other: Value = serde_json::from_str(r#"{ "a": "\u00fc", "b": [1, {"x": null, "y": 2}] }"#).unwrap();
        assert_eq!(to_json(&one).unwrap(), r#"{"a":"ü","b":[1,{"x":null,"y":2}]}"#);
        assert_eq!(ContentHash::of(&one).unwrap(), ContentHash::of(&other).unwrap());
        assert_ne!(
            ContentHash::of(&one).unwrap(),
            ContentHash::of(&json!({"b": [{"y": 2, "x": null}, 1], "a": "ü"})).unwrap()
        );
    }

    #[test]
    fn a_hash_is_the_sha_256_that_every_tool_computes() {
        let hash = ContentHash::of_bytes(b"");
        assert_eq!(hash.to_string(), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
        assert_eq!(hash.prefix(10), "e3b0c44298");
        let text = serde_json::to_string(&hash).unwrap();
        assert_eq!(serde_json::from_str::<ContentHash>(&text).unwrap(), hash);
        assert!(serde_json::from_str::<ContentHash>("\"e3\"").is_err());
    }
}
