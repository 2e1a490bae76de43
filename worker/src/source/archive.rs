//! The bytes of a run's sources, exactly as they came, in S3. Pieces of a source come in on their way to whoever reads them and go on as
//! they are; in passing they are uploaded in parts. Nothing is to be seen in the bucket before the run asks for it, and what it does not
//! ask for is taken back.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use aws_sdk_s3::Client;
use aws_sdk_s3::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_s3::primitives::ByteStream;
use aws_sdk_s3::types::{CompletedMultipartUpload, CompletedPart};
use bytes::{Bytes, BytesMut};
use futures_util::{StreamExt, stream};
use manifest::dataset::Demand;
use tokio::sync::OnceCell;
use tokio::task::JoinHandle;
use tokio::time::timeout;

use super::body::{Piece, Pieces};
use super::error::{SourceError, chain};
use super::s3::{S3, region_of};

/// Bytes of a part: the fewest that S3 takes of any but the last (its quotas). Of each source one is filled while another is on its way.
const PART: usize = 5 << 20;

/// Parts that an upload may have (S3's quotas): 48 GiB in all.
const PARTS: usize = 10_000;

/// How long S3 is waited for, its client's own tries included.
const PATIENCE: Duration = Duration::from_mins(2);

/// Where bytes go, and what has come of it so far.
pub(super) struct Archive {
    s3: Arc<S3>,
    client: OnceCell<Client>,
    bucket: String,
    /// What keys begin with; ends in a slash.
    folder: String,
    demand: Demand,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// Uploads that were begun, as key and id.
    begun: Vec<(String, String)>,
    /// By file, those whose bytes are all there.
    complete: BTreeMap<String, Upload>,
    /// By file, why bytes are not kept.
    lost: BTreeMap<String, String>,
}

/// Parts of a source that are in S3.
struct Upload {
    key: String,
    /// `None` for a source without a byte, which has no parts.
    id: Option<String>,
    parts: Vec<CompletedPart>,
}

/// What has become of the bytes of a run.
#[derive(Debug, Default)]
pub struct Archived {
    /// By file, where they are.
    pub kept: BTreeMap<String, String>,
    /// By file, why they are not.
    pub lost: BTreeMap<String, String>,
}

impl Archive {
    pub(super) fn new(s3: Arc<S3>, archive: &manifest::dataset::Archive, folder: &str) -> Self {
        let (bucket, prefix) = archive.place();
        Self {
            s3,
            client: OnceCell::new(),
            bucket: bucket.to_owned(),
            folder: format!("{prefix}{folder}/"),
            demand: archive.demand,
            state: Mutex::default(),
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn address(&self, key: &str) -> String {
        format!("s3://{}/{key}", self.bucket)
    }

    /// The client, which knows the bucket's region once an answer has told it.
    async fn client(&self) -> &Client {
        self.client
            .get_or_init(|| async {
                let client = self.s3.signing_client(None).await;
                let told = client.head_bucket().bucket(&self.bucket).send().await.err();
                match told.as_ref().and_then(region_of) {
                    Some(region) => self.s3.signing_client(Some(&region)).await,
                    None => client,
                }
            })
            .await
    }

    /// The pieces of a source, which are kept in passing.
    pub(super) fn keeping(self: Arc<Self>, file: &str, pieces: Pieces) -> Pieces {
        let key = format!("{}{file}", self.folder);
        let keeper = Keeper {
            archive: self,
            file: file.to_owned(),
            key,
            id: None,
            filling: BytesMut::new(),
            parts: Vec::new(),
            sending: None,
        };
        stream::unfold((pieces, Some(keeper)), async |(mut pieces, mut keeper)| {
            let piece = pieces.next().await?;
            let Some(mut keeping) = keeper.take() else { return Some((piece, (pieces, None))) };
            let kept = match &piece {
                Ok(Piece::Bytes(bytes)) => keeping.take(bytes).await,
                Ok(Piece::End(_)) => keeping.end().await,
                Err(_) => return Some((piece, (pieces, None))),
            };
            match kept {
                Ok(()) => Some((piece, (pieces, Some(keeping)))),
                Err(detail) => {
                    let Keeper { archive, file, key, .. } = keeping;
                    archive.lock().lost.insert(file, detail.clone());
                    if archive.demand == Demand::Required {
                        let address = archive.address(&key);
                        return Some((Err(SourceError::Archive { address, detail }), (pieces, None)));
                    }
                    Some((piece, (pieces, None)))
                }
            }
        })
        .boxed()
    }

    /// Makes what was uploaded stand in the bucket.
    pub(super) async fn complete(&self) -> Archived {
        let (complete, mut lost) = {
            let mut state = self.lock();
            (std::mem::take(&mut state.complete), std::mem::take(&mut state.lost))
        };
        let mut kept = BTreeMap::new();
        for (file, Upload { key, id, parts }) in complete {
            // It may have been read anew since.
            lost.remove(&file);
            match Box::pin(self.complete_one(&key, id.as_deref(), parts)).await {
                Ok(()) => {
                    self.lock().begun.retain(|(_, other)| Some(other) != id.as_ref());
                    kept.insert(file, self.address(&key));
                }
                Err(detail) => {
                    lost.insert(file, detail);
                }
            }
        }
        Archived { kept, lost }
    }

    async fn complete_one(&self, key: &str, id: Option<&str>, parts: Vec<CompletedPart>) -> Result<(), String> {
        let client = self.client().await;
        let Some(id) = id else {
            let put = client.put_object().bucket(&self.bucket).key(key).body(ByteStream::from_static(b""));
            return Box::pin(answered(put.send())).await.map(drop);
        };
        let parts = CompletedMultipartUpload::builder().set_parts(Some(parts)).build();
        let complete = client.complete_multipart_upload().bucket(&self.bucket).key(key).upload_id(id);
        answered(complete.multipart_upload(parts).send()).await.map(drop)
    }

    /// Takes back what nobody asked for.
    pub(super) async fn discard(&self) {
        let begun = std::mem::take(&mut self.lock().begun);
        for (key, id) in begun {
            // What cannot be taken back, the bucket's own rule for uploads that were never completed does.
            let abort = self.client().await.abort_multipart_upload().bucket(&self.bucket).key(key).upload_id(id);
            let _ = answered(abort.send()).await;
        }
    }
}

/// Uploads one source while it is read.
struct Keeper {
    archive: Arc<Archive>,
    file: String,
    key: String,
    id: Option<String>,
    filling: BytesMut,
    parts: Vec<CompletedPart>,
    /// The part that is on its way.
    sending: Option<JoinHandle<Result<CompletedPart, String>>>,
}

impl Keeper {
    async fn take(&mut self, bytes: &[u8]) -> Result<(), String> {
        self.filling.extend_from_slice(bytes);
        while self.filling.len() >= PART {
            let part = self.filling.split_to(PART).freeze();
            self.send(part).await?;
        }
        Ok(())
    }

    async fn end(&mut self) -> Result<(), String> {
        if !self.filling.is_empty() {
            let last = self.filling.split().freeze();
            self.send(last).await?;
        }
        self.sent().await?;
        let upload = Upload { key: self.key.clone(), id: self.id.take(), parts: std::mem::take(&mut self.parts) };
        self.archive.lock().complete.insert(self.file.clone(), upload);
        Ok(())
    }

    /// Waits for the part that is on its way.
    async fn sent(&mut self) -> Result<(), String> {
        if let Some(sending) = self.sending.take() {
            self.parts.push(sending.await.map_err(|error| error.to_string())??);
        }
        Ok(())
    }

    async fn send(&mut self, bytes: Bytes) -> Result<(), String> {
        self.sent().await?;
        let number = self.parts.len() + 1;
        if number > PARTS {
            return Err(format!("it is longer than {PARTS} parts of {PART} bytes"));
        }
        let number = i32::try_from(number).map_err(|error| error.to_string())?;
        let archive = Arc::clone(&self.archive);
        let client = archive.client().await;
        let id = if let Some(id) = &self.id {
            id.clone()
        } else {
            let begin = client.create_multipart_upload().bucket(&archive.bucket).key(&self.key);
            let id = answered(begin.send()).await?.upload_id.ok_or("it gave no id to the upload")?;
            archive.lock().begun.push((self.key.clone(), id.clone()));
            self.id = Some(id.clone());
            id
        };
        let upload = client.upload_part().bucket(&archive.bucket).key(&self.key).upload_id(id).part_number(number);
        let upload = upload.body(ByteStream::from(bytes));
        self.sending = Some(tokio::spawn(async move {
            let sent = answered(upload.send()).await?;
            let part = CompletedPart::builder().part_number(number).set_e_tag(sent.e_tag);
            Ok(part.set_checksum_crc32(sent.checksum_crc32).build())
        }));
        Ok(())
    }
}

/// An answer of S3, or why there is none.
async fn answered<T, E>(call: impl Future<Output = Result<T, SdkError<E>>>) -> Result<T, String>
where
    E: ProvideErrorMetadata + std::error::Error + 'static,
{
    match timeout(PATIENCE, call).await {
        Ok(Ok(answer)) => Ok(answer),
        Ok(Err(error)) => Err(match (error.code(), error.message()) {
            (Some(code), Some(message)) => format!("{code}: {message}"),
            (Some(code), None) => code.to_owned(),
            _ => match error.raw_response() {
                Some(response) => format!("S3 answered {}", response.status().as_u16()),
                None => chain(&error),
            },
        }),
        Err(_) => Err(format!("S3 did not answer within {} s", PATIENCE.as_secs())),
    }
}
