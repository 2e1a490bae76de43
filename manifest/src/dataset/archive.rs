//! Where the bytes of a dataset's sources are kept, exactly as they came.

use serde::{Deserialize, Serialize};

use super::is_default;

/// A folder of S3 that gets the bytes of every run that loads.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Archive {
    /// `s3://bucket` or `s3://bucket/prefix`, without a slash at its end.
    pub to: String,
    /// What becomes of a run whose bytes cannot be kept.
    #[serde(default, skip_serializing_if = "is_default")]
    pub demand: Demand,
}

/// What becomes of a run whose bytes cannot be kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Demand {
    /// It is published all the same, and tells.
    #[default]
    Wanted,
    /// It ends, and what is live stays.
    Required,
}

impl Archive {
    /// The bucket, and what keys begin with: empty, or ending in a slash.
    pub fn place(&self) -> (&str, String) {
        let rest = self.to.strip_prefix("s3://").unwrap_or(&self.to);
        match rest.split_once('/') {
            Some((bucket, prefix)) => (bucket, format!("{prefix}/")),
            None => (rest, String::new()),
        }
    }

    /// What is wrong with the address of such a folder.
    pub(crate) fn refusal(to: &str) -> Option<&'static str> {
        let Some(rest) = to.strip_prefix("s3://") else { return Some("an archive begins with s3://") };
        let (bucket, prefix) = rest.split_once('/').unwrap_or((rest, "archive"));
        let fits = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'-' | b'.');
        if !(3..=63).contains(&bucket.len()) || !bucket.bytes().all(fits) {
            return Some("a bucket has 3 to 63 lower-case letters, digits, hyphens and dots");
        }
        // These are safe in keys, and nothing to IAM, for which * and ? stand for other keys.
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b'/' | b'=');
        if prefix.split('/').any(str::is_empty) || !prefix.bytes().all(plain) || prefix.len() > 512 {
            return Some("behind the bucket stand folders of letters, digits, - _ . =, parted by single slashes");
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_archive_is_a_bucket_with_or_without_folders() {
        for (to, place) in [("s3://abc", ("abc", "")), ("s3://abc/d/e=1", ("abc", "d/e=1/"))] {
            assert_eq!(Archive::refusal(to), None, "{to}");
            let archive = Archive { to: to.to_owned(), demand: Demand::Wanted };
            assert_eq!(archive.place(), (place.0, place.1.to_owned()));
        }
        for to in [
            "abc",
            "https://abc/d",
            "s3://",
            "s3://Abc",
            "s3://abc/",
            "s3://abc//d",
            "s3://abc/*",
            "s3://abc/${secret:A}",
        ] {
            assert!(Archive::refusal(to).is_some(), "{to}");
        }
    }
}
