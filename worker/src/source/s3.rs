//! An object of S3. A bucket and key come in; what goes out is the object piece by piece, over as many requests as that takes, each for
//! the same version. Whoever has credentials signs; a bucket that does not let them in, and a machine without any, ask as everybody may.

use std::sync::Arc;
use std::time::Duration;

use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_credential_types::provider::ProvideCredentials;
use aws_sdk_s3::Client;
use aws_sdk_s3::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_s3::operation::get_object::{GetObjectError, GetObjectOutput};
use aws_sdk_s3::primitives::ByteStream;
use bytes::Bytes;
use tokio::sync::OnceCell;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use super::error::{SourceError, chain};
use super::http::Http;
use super::pull::Pull;
use crate::aws;

/// A connection that brought so many bytes was worth it.
const PROGRESS: u64 = 64 << 10;

/// The region of a bucket of which nobody knows a better one.
const REGION: &str = "us-east-1";

/// An object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) bucket: String,
    pub(super) key: String,
    /// `s3://bucket/key`.
    pub(super) shown: String,
}

impl Place {
    /// Reads `s3://bucket/key`.
    pub(super) fn parse(shown: &str) -> Result<Self, String> {
        let (bucket, key) = shown.strip_prefix("s3://").and_then(|rest| rest.split_once('/')).unwrap_or_default();
        if bucket.is_empty() || key.is_empty() {
            return Err("an address of S3 is s3://bucket/key".to_owned());
        }
        Ok(Self { bucket: bucket.to_owned(), key: key.to_owned(), shown: shown.to_owned() })
    }
}

/// The configuration of this machine, read when the first object is asked for.
pub(super) struct S3 {
    configuration: OnceCell<SdkConfig>,
}

/// As whom an object is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Signing {
    Own,
    Anonymous,
}

/// An object that has answered.
pub(super) struct Object {
    client: Client,
    place: Place,
    http: Arc<Http>,
    cancel: CancellationToken,
    body: ByteStream,
    pub(super) etag: Option<String>,
    pub(super) last_modified: Option<String>,
    pub(super) length: Option<u64>,
    received: u64,
    mark: u64,
    tried: u32,
}

impl S3 {
    /// By this configuration, or by the machine's own.
    pub(super) fn new(configuration: Option<SdkConfig>) -> Self {
        Self { configuration: OnceCell::new_with(configuration) }
    }

    async fn client(&self, region: Option<&str>, signing: Signing) -> Client {
        let shared = self.configuration.get_or_init(aws::configuration).await;
        let known = region.map(|region| Region::new(region.to_owned())).or_else(|| shared.region().cloned());
        let mut builder = aws_sdk_s3::config::Builder::from(shared)
            .behavior_version(BehaviorVersion::latest())
            .region(known.unwrap_or_else(|| Region::from_static(REGION)))
            // An endpoint of one's own has no names for buckets.
            .force_path_style(shared.endpoint_url().is_some() || std::env::var_os("AWS_ENDPOINT_URL_S3").is_some());
        if signing == Signing::Anonymous {
            builder = builder.allow_no_auth();
            builder.set_credentials_provider(None);
        }
        Client::from_conf(builder.build())
    }

    /// A client that asks as the task's role, or whoever is logged in.
    pub(super) async fn signing_client(&self, region: Option<&str>) -> Client {
        self.client(region, Signing::Own).await
    }

    async fn signing(&self) -> Signing {
        let shared = self.configuration.get_or_init(aws::configuration).await;
        let Some(provider) = shared.credentials_provider() else { return Signing::Anonymous };
        if provider.provide_credentials().await.is_ok() { Signing::Own } else { Signing::Anonymous }
    }

    /// Asks for an object. One that still is the version of `known` answers 304, as an error.
    pub(super) async fn open(
        &self,
        http: &Arc<Http>,
        place: &Place,
        known: Option<&str>,
        cancel: &CancellationToken,
    ) -> Result<Object, SourceError> {
        let (mut signing, mut region) = (self.signing().await, None::<String>);
        let mut tried = 0;
        loop {
            let client = self.client(region.as_deref(), signing).await;
            let asked = client.get_object().bucket(&place.bucket).key(&place.key);
            let asked = asked.set_if_none_match(known.map(str::to_owned)).send();
            let answer = tokio::select! {
                biased;
                () = cancel.cancelled() => return Err(SourceError::Stopped),
                answer = timeout(http.patience.answer, asked) => answer,
            };
            let error = match answer {
                Ok(Ok(output)) => {
                    let (http, cancel) = (Arc::clone(http), cancel.clone());
                    return Ok(Object::new(client, place.clone(), http, cancel, output));
                }
                Ok(Err(error)) => {
                    if let (None, Some(other)) = (&region, region_of(&error)) {
                        region = Some(other);
                        continue;
                    }
                    let wrong = fault(place, &error);
                    if signing == Signing::Own && matches!(wrong, SourceError::Status { status: 403, .. }) {
                        signing = Signing::Anonymous;
                        continue;
                    }
                    wrong
                }
                Err(_) => stalled(place, http.patience.answer, 0),
            };
            tried += 1;
            http.pause(error, tried, None, cancel).await?;
        }
    }
}

impl Object {
    fn new(client: Client, place: Place, http: Arc<Http>, cancel: CancellationToken, output: GetObjectOutput) -> Self {
        let etag = output.e_tag().map(str::to_owned);
        let last_modified = output.last_modified().map(ToString::to_string);
        let length = output.content_length().and_then(|length| u64::try_from(length).ok());
        let body = output.body;
        Self { client, place, http, cancel, body, etag, last_modified, length, received: 0, mark: 0, tried: 0 }
    }

    /// Asks for the rest of the same version.
    async fn go_on(&mut self, mut lost: SourceError) -> Result<(), SourceError> {
        loop {
            self.tried = if self.received - self.mark >= PROGRESS { 0 } else { self.tried + 1 };
            self.mark = self.received;
            if self.tried > 0 {
                self.http.pause(lost, self.tried, None, &self.cancel).await?;
            }
            let Place { bucket, key, .. } = &self.place;
            let asked = self.client.get_object().bucket(bucket).key(key).set_if_match(self.etag.clone());
            match asked.range(format!("bytes={}-", self.received)).send().await {
                Ok(output) => {
                    self.body = output.body;
                    return Ok(());
                }
                Err(error) => {
                    lost = match fault(&self.place, &error) {
                        SourceError::Status { address, status: 412 } => {
                            return Err(SourceError::Changed { address, received: self.received });
                        }
                        error => error,
                    }
                }
            }
        }
    }
}

impl Pull for Object {
    async fn next(&mut self) -> Result<Option<Bytes>, SourceError> {
        loop {
            let lost = match timeout(self.http.patience.stall, self.body.next()).await {
                Ok(Some(Ok(bytes))) => {
                    self.received += bytes.len() as u64;
                    return Ok(Some(bytes));
                }
                Ok(None) if self.length.is_none_or(|length| length == self.received) => return Ok(None),
                Ok(Some(Err(error))) if self.length == Some(self.received) => {
                    // All bytes came, and their checksum does not hold.
                    let detail = chain(&error);
                    return Err(SourceError::Answer { address: self.place.shown.clone(), detail });
                }
                Ok(None | Some(Err(_))) => SourceError::CutOff {
                    address: self.place.shown.clone(),
                    received: self.received,
                    expected: self.length,
                },
                Err(_) => stalled(&self.place, self.http.patience.stall, self.received),
            };
            self.go_on(lost).await?;
        }
    }
}

fn stalled(place: &Place, patience: Duration, received: u64) -> SourceError {
    SourceError::Stalled { address: place.shown.clone(), seconds: patience.as_secs(), received }
}

/// The region that an answer says the bucket is in.
pub(super) fn region_of<E>(error: &SdkError<E>) -> Option<String> {
    let response = error.raw_response()?;
    let is_elsewhere = matches!(response.status().as_u16(), 301 | 307 | 400);
    response.headers().get("x-amz-bucket-region").filter(|_| is_elsewhere).map(str::to_owned)
}

fn fault(place: &Place, error: &SdkError<GetObjectError>) -> SourceError {
    let address = place.shown.clone();
    if let Some(response) = error.raw_response() {
        return SourceError::Status { address, status: response.status().as_u16() };
    }
    let detail = error.message().map_or_else(|| chain(error), str::to_owned);
    SourceError::Unreachable { address, detail }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_a_bucket_and_a_key() {
        let place = Place::parse("s3://bucket/folder/a b.csv").unwrap();
        assert_eq!((place.bucket.as_str(), place.key.as_str()), ("bucket", "folder/a b.csv"));
        assert!(Place::parse("s3://bucket/").is_err() && Place::parse("s3:bucket/key").is_err());
    }
}
