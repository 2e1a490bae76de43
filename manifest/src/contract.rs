//! What a definition hands to the worker: names of environment variables, of metrics, and the manifest's packed form.
//!
//! The deployer writes these, the worker reads them; both take them from here.

use std::collections::BTreeMap;
use std::io::{Read, Write};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use flate2::Compression;
use flate2::read::GzDecoder;
use flate2::write::GzEncoder;

use crate::Dataset;
use crate::name::SecretName;
use crate::stack::SecretReference;

/// The manifest as JSON, up to [`PLAIN_LIMIT`] bytes.
pub const MANIFEST: &str = "FRESHET_MANIFEST";
/// The manifest as base64 of gzipped JSON, above [`PLAIN_LIMIT`] bytes.
pub const MANIFEST_GZIP: &str = "FRESHET_MANIFEST_GZ";
/// JSON object: secret's name in the worker → `id` or `id:json-key` in Secrets Manager, with a trailing `?` when optional.
pub const SECRETS: &str = "FRESHET_SECRETS";
/// The stack's name.
pub const STACK: &str = "FRESHET_STACK";
/// The environment's name.
pub const ENVIRONMENT: &str = "FRESHET_ENV";
/// The firing that this run answers to, RFC 3339.
pub const SCHEDULED_TIME: &str = "FRESHET_SCHEDULED_TIME";
/// `full` when everything is to be read.
pub const MODE: &str = "FRESHET_MODE";
/// Base address that every source is read from instead of its own.
pub const SOURCES: &str = "FRESHET_SOURCES";
/// Folder for what must be seekable.
pub const SPOOL: &str = "FRESHET_SPOOL";
/// The worker's own deadline, in seconds.
pub const TIMEOUT: &str = "FRESHET_TIMEOUT";
/// Tries in all that the worker makes in process.
pub const ATTEMPTS: &str = "FRESHET_ATTEMPTS";

/// The secret that holds the target database's address.
pub const DATABASE_URL: &str = "DATABASE_URL";

/// CloudWatch namespace of the worker's metrics; their dimensions are `Stack`, `Environment`, `Dataset`.
pub const METRIC_NAMESPACE: &str = "Freshet";
/// Rows that were published; unit Count.
pub const METRIC_ROWS: &str = "RowsPublished";
/// Wall-clock time of a run; unit Seconds.
pub const METRIC_SECONDS: &str = "RunSeconds";
/// Values that could not be read; unit Count.
pub const METRIC_BAD_VALUES: &str = "BadValues";
/// 1 for a run that failed or was refused, else 0; unit Count.
pub const METRIC_FAILURES: &str = "RunsFailed";

/// Longest manifest that is handed over as plain JSON, in bytes.
pub const PLAIN_LIMIT: usize = 16 * 1024;
/// Longest unpacked manifest that the worker takes, in bytes.
pub const UNPACKED_LIMIT: u64 = 4 * 1024 * 1024;

/// Longest ECS task definition, in bytes of its JSON.
pub const ECS_DEFINITION_LIMIT: usize = 64 * 1024;
/// Longest Batch job definition, in bytes of its JSON.
pub const BATCH_DEFINITION_LIMIT: usize = 24 * 1024;
/// What a definition holds beside the manifest: names, roles, secrets, log configuration, tags. Generous, in bytes.
pub const DEFINITION_RESERVE: usize = 4 * 1024;

/// A packed manifest that cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum PayloadError {
    /// Neither variable is set.
    #[error(
        "neither {MANIFEST} nor {MANIFEST_GZIP} is set; name a dataset, or run what `deploy schedule-all` registered"
    )]
    Missing,
    /// Not base64.
    #[error("{MANIFEST_GZIP} is not base64: {0}")]
    Base64(#[from] base64::DecodeError),
    /// Not gzip, or cut off.
    #[error("{MANIFEST_GZIP} cannot be unpacked: {0}")]
    Gzip(#[from] std::io::Error),
    /// More than [`UNPACKED_LIMIT`].
    #[error("{MANIFEST_GZIP} unpacks to more than {UNPACKED_LIMIT} bytes")]
    TooLarge,
    /// Not a dataset.
    #[error("the manifest handed over is not one this worker reads ({0}); deploy with the same version as the image")]
    Json(#[from] serde_json::Error),
}

/// The variable, name and value, that carries a dataset to the worker.
pub fn pack(dataset: &Dataset) -> Result<(&'static str, String), PayloadError> {
    let json = serde_json::to_string(dataset)?;
    if json.len() <= PLAIN_LIMIT {
        return Ok((MANIFEST, json));
    }
    // No time stamp enters the header, so equal manifests stay equal byte for byte.
    let mut gzip = GzEncoder::new(Vec::new(), Compression::best());
    gzip.write_all(json.as_bytes())?;
    Ok((MANIFEST_GZIP, STANDARD.encode(gzip.finish()?)))
}

/// Bytes that the packed dataset takes in a definition's JSON, quotes escaped.
pub fn packed_size(dataset: &Dataset) -> Result<usize, PayloadError> {
    let (_, value) = pack(dataset)?;
    Ok(serde_json::to_string(&value)?.len())
}

/// The dataset that a definition handed over; `read` gives an environment variable's value.
pub fn unpack(read: impl Fn(&str) -> Option<String>) -> Result<Dataset, PayloadError> {
    if let Some(json) = read(MANIFEST) {
        return Ok(serde_json::from_str(&json)?);
    }
    let packed = read(MANIFEST_GZIP).ok_or(PayloadError::Missing)?;
    let bytes = STANDARD.decode(packed.trim())?;
    let mut json = String::new();
    GzDecoder::new(bytes.as_slice()).take(UNPACKED_LIMIT + 1).read_to_string(&mut json)?;
    if json.len() as u64 > UNPACKED_LIMIT {
        return Err(PayloadError::TooLarge);
    }
    Ok(serde_json::from_str(&json)?)
}

/// The value of [`SECRETS`].
pub fn secrets_value(secrets: &BTreeMap<SecretName, SecretReference>) -> String {
    let object: serde_json::Map<_, _> =
        secrets.iter().map(|(name, reference)| (name.to_string(), reference.to_string().into())).collect();
    serde_json::Value::Object(object).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn dataset(sql_bytes: usize) -> Dataset {
        let json = serde_json::json!({
            "dataset": "d", "title": "t", "publisher": "p",
            "tables": [{"name": "d", "content": {"query": {"file": "d.sql", "sql": "x".repeat(sql_bytes)}}}],
        });
        serde_json::from_value(json).expect("a small dataset")
    }

    #[test]
    fn a_manifest_comes_out_of_its_variable_as_it_went_in() {
        for (sql_bytes, expected) in [(10, MANIFEST), (PLAIN_LIMIT, MANIFEST_GZIP)] {
            let dataset = dataset(sql_bytes);
            let (variable, value) = pack(&dataset).expect("it packs");
            assert_eq!(variable, expected);
            let unpacked = unpack(|name| (name == variable).then(|| value.clone())).expect("it unpacks");
            assert_eq!(unpacked, dataset);
        }
    }

    #[test]
    fn a_manifest_that_is_missing_or_damaged_is_refused_with_a_reason() {
        assert!(matches!(unpack(|_| None), Err(PayloadError::Missing)));
        assert!(matches!(unpack(|n| (n == MANIFEST_GZIP).then(|| "%".to_owned())), Err(PayloadError::Base64(_))));
        assert!(matches!(unpack(|n| (n == MANIFEST_GZIP).then(|| "aGk=".to_owned())), Err(PayloadError::Gzip(_))));
        assert!(matches!(unpack(|n| (n == MANIFEST).then(|| "{}".to_owned())), Err(PayloadError::Json(_))));
    }
}
