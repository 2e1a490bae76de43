//! One file over HTTP, from its first byte to its last, over as many connections as that takes. A request comes in; what goes out is
//! the body piece by piece, each byte once. After a cut the rest is asked for under the condition that the file is still the same; where
//! the publisher has no such condition, what had come is read again and must have the same hash. A file that has changed meanwhile is
//! never spliced: it is an error that says so, and whoever reads starts over.

use std::sync::Arc;

use bytes::Bytes;
use futures_util::{StreamExt, stream};
use jiff::Timestamp;
use jiff::fmt::rfc2822::DateTimeParser;
use reqwest::header::{CONTENT_RANGE, DATE, ETAG, HeaderMap, HeaderValue, IF_RANGE, LAST_MODIFIED, RANGE};
use reqwest::{Method, Response, StatusCode};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use super::body::{Coding, Piece, Pieces};
use super::checksum::Checksums;
use super::error::SourceError;
use super::fingerprint::Digest;
use super::hosts::Turn;
use super::http::{Ask, Http, coding, header};
use super::locate::Request;

/// A connection that brought so many bytes was worth it: the next one is opened at once, and tries are counted anew.
const PROGRESS: u64 = 64 << 10;

/// A file changed twice within a second may have one and the same `Last-Modified`; one that is older than this has not (RFC 9110,
/// section 8.8.2.2).
const SETTLED_SECONDS: i64 = 60;

/// A body that is being read.
pub(super) struct Download {
    http: Arc<Http>,
    request: Request,
    cancel: CancellationToken,
    response: Response,
    /// Came together with bytes that were only compared.
    pending: Option<Bytes>,
    version: Version,
    checksums: Checksums,
    digest: Digest,
    /// Bytes there were when the connection was lost last.
    mark: u64,
    tried: u32,
    _turn: Turn,
}

/// What tells one version of a file from another.
#[derive(Debug, Clone)]
pub(super) struct Version {
    pub(super) etag: Option<String>,
    pub(super) last_modified: Option<String>,
    pub(super) coding: Coding,
    /// Bytes of the whole body, where that was said.
    pub(super) length: Option<u64>,
    /// Proves that two answers are parts of the same.
    proof: Option<HeaderValue>,
}

impl Version {
    fn of(response: &Response, address: &str) -> Result<Self, SourceError> {
        let (etag, last_modified) = (header(response, &ETAG), header(response, &LAST_MODIFIED));
        let strong = etag.as_ref().filter(|tag| tag.starts_with('"'));
        let settled = last_modified.as_ref().filter(|_| etag.is_none() && is_settled(response.headers()));
        let proof = strong.or(settled).and_then(|text| HeaderValue::from_str(text).ok());
        Ok(Self { proof, coding: coding(response, address)?, length: response.content_length(), etag, last_modified })
    }

    /// Whether it says itself that it is another than this one.
    fn is_not(&self, other: &Self) -> bool {
        let differ = |one: &Option<String>, other: &Option<String>| {
            one.as_ref().zip(other.as_ref()).is_some_and(|(one, other)| one != other)
        };
        self.coding != other.coding
            || differ(&self.etag, &other.etag)
            || differ(&self.last_modified, &other.last_modified)
    }
}

fn is_settled(headers: &HeaderMap) -> bool {
    let time =
        |name| -> Option<Timestamp> { DateTimeParser::new().parse_timestamp(headers.get(name)?.to_str().ok()?).ok() };
    time(DATE).zip(time(LAST_MODIFIED)).is_some_and(|(now, then)| now.as_second() - then.as_second() >= SETTLED_SECONDS)
}

impl Download {
    /// Asks for a file.
    pub(super) async fn start(
        http: &Arc<Http>,
        request: Request,
        cancel: &CancellationToken,
    ) -> Result<Self, SourceError> {
        let turn = http.turn(&request.url, cancel).await?;
        let response = http.get(&request, &Ask::default(), cancel).await?;
        let version = Version::of(&response, &request.shown)?;
        Ok(Self {
            http: Arc::clone(http),
            cancel: cancel.clone(),
            pending: None,
            checksums: Checksums::of(response.headers()),
            version,
            response,
            request,
            digest: Digest::default(),
            mark: 0,
            tried: 0,
            _turn: turn,
        })
    }

    /// What it said of itself.
    pub(super) fn version(&self) -> &Version {
        &self.version
    }

    /// The address as the manifest has it.
    pub(super) fn address(&self) -> &str {
        &self.request.shown
    }

    /// Its bytes.
    pub(super) fn pieces(self) -> Pieces {
        stream::unfold(Some(self), async |download| {
            let mut download = download?;
            Some(match download.next().await {
                Ok(Some(bytes)) => (Ok(Piece::Bytes(bytes)), Some(download)),
                Ok(None) => (download.end().map(Piece::End), None),
                Err(error) => (Err(error), None),
            })
        })
        .boxed()
    }

    async fn next(&mut self) -> Result<Option<Bytes>, SourceError> {
        loop {
            let next = match self.pending.take() {
                Some(bytes) => Ok(Some(bytes)),
                None => self.chunk().await,
            };
            let lost = match next {
                Ok(Some(bytes)) => {
                    self.digest.update(&bytes);
                    self.checksums.update(&bytes);
                    return Ok(Some(bytes));
                }
                Ok(None) if self.version.length.is_none_or(|length| length == self.digest.bytes()) => return Ok(None),
                Ok(None) => self.cut_off(),
                Err(error) => error,
            };
            self.go_on(lost).await?;
        }
    }

    fn end(&self) -> Result<super::Content, SourceError> {
        let content = self.digest.clone().finish();
        match self.checksums.broken_by(&content) {
            None => Ok(content),
            Some(header) => Err(SourceError::Checksum { address: self.request.shown.clone(), header }),
        }
    }

    async fn chunk(&mut self) -> Result<Option<Bytes>, SourceError> {
        match timeout(self.http.patience.stall, self.response.chunk()).await {
            Ok(Ok(bytes)) => Ok(bytes),
            Ok(Err(_)) => Err(self.cut_off()),
            Err(_) => {
                let (address, received) = (self.request.shown.clone(), self.digest.bytes());
                Err(SourceError::Stalled { address, seconds: self.http.patience.stall.as_secs(), received })
            }
        }
    }

    fn cut_off(&self) -> SourceError {
        let (address, received) = (self.request.shown.clone(), self.digest.bytes());
        SourceError::CutOff { address, received, expected: self.version.length }
    }

    /// Opens another connection where the last one was lost.
    async fn go_on(&mut self, mut lost: SourceError) -> Result<(), SourceError> {
        loop {
            let received = self.digest.bytes();
            if received - self.mark >= PROGRESS {
                self.tried = 0;
            } else {
                self.tried += 1;
                self.http.pause(lost, self.tried, None, &self.cancel).await?;
            }
            self.mark = received;
            match self.ask_for_rest(received).await {
                Err(again @ (SourceError::CutOff { .. } | SourceError::Stalled { .. })) => lost = again,
                done => return done,
            }
        }
    }

    async fn ask_for_rest(&mut self, received: u64) -> Result<(), SourceError> {
        let mut ask = Ask::default();
        if received > 0
            && self.request.method == Method::GET
            && let Some(proof) = &self.version.proof
            && let Ok(range) = HeaderValue::from_str(&format!("bytes={received}-"))
        {
            ask.headers.extend([(RANGE, range), (IF_RANGE, proof.clone())]);
            ask.answers = &[StatusCode::RANGE_NOT_SATISFIABLE];
        }
        let response = self.http.get(&self.request, &ask, &self.cancel).await?;
        match response.status() {
            StatusCode::PARTIAL_CONTENT => self.splice(response, received),
            // It ends before the length that it announced.
            StatusCode::RANGE_NOT_SATISFIABLE => {
                let (address, expected) = (self.request.shown.clone(), self.version.length);
                Err(SourceError::Length { address, received, expected })
            }
            _ => self.compare(response, received).await,
        }
    }

    /// Goes on with an answer that brings the rest.
    fn splice(&mut self, response: Response, received: u64) -> Result<(), SourceError> {
        let rest = Version::of(&response, &self.request.shown)?;
        let range = header(&response, &CONTENT_RANGE).and_then(|range| content_range(&range));
        let Some((_, total)) = range.filter(|(first, _)| *first == received) else { return Err(self.changed()) };
        let differs = total.zip(self.version.length).is_some_and(|(total, length)| total != length);
        if differs || rest.is_not(&self.version) {
            return Err(self.changed());
        }
        self.version.length = self.version.length.or(total);
        self.response = response;
        Ok(())
    }

    /// Reads again what had come, from an answer that brings all, and goes on behind it.
    async fn compare(&mut self, response: Response, received: u64) -> Result<(), SourceError> {
        let whole = Version::of(&response, &self.request.shown)?;
        if received > 0 && whole.is_not(&self.version) {
            return Err(self.changed());
        }
        let mut checksums = Checksums::of(response.headers());
        self.response = response;
        let mut again = Digest::default();
        while again.bytes() < received {
            let Some(mut bytes) = self.chunk().await? else { return Err(self.changed()) };
            let missing = usize::try_from(received - again.bytes()).unwrap_or(usize::MAX);
            if bytes.len() > missing {
                self.pending = Some(bytes.split_off(missing));
            }
            again.update(&bytes);
            checksums.update(&bytes);
        }
        if again.finish() != self.digest.clone().finish() {
            return Err(self.changed());
        }
        (self.version, self.checksums) = (whole, checksums);
        Ok(())
    }

    fn changed(&self) -> SourceError {
        SourceError::Changed { address: self.request.shown.clone(), received: self.digest.bytes() }
    }
}

/// First byte and whole length of `bytes 10-19/20`, whose length may be `*`.
fn content_range(field: &str) -> Option<(u64, Option<u64>)> {
    let (range, total) = field.trim().strip_prefix("bytes ")?.split_once('/')?;
    let (first, _) = range.split_once('-')?;
    let total = if total == "*" { None } else { Some(total.parse().ok()?) };
    Some((first.parse().ok()?, total))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_place_of_a_part_is_read() {
        assert_eq!(content_range("bytes 10-19/20"), Some((10, Some(20))));
        assert_eq!(content_range("bytes 10-19/*"), Some((10, None)));
        assert_eq!(content_range("bytes */20"), None);
        assert_eq!(content_range("rows 1-2/3"), None);
    }

    #[test]
    fn a_time_proves_something_only_when_it_is_older_than_the_answer() {
        let settled = |date: &'static str| {
            is_settled(&HeaderMap::from_iter([
                (DATE, HeaderValue::from_static(date)),
                (LAST_MODIFIED, HeaderValue::from_static("Fri, 20 Nov 2026 07:28:00 GMT")),
            ]))
        };
        assert!(settled("Fri, 20 Nov 2026 07:29:00 GMT"));
        assert!(!settled("Fri, 20 Nov 2026 07:28:59 GMT"));
        assert!(!is_settled(&HeaderMap::new()));
    }
}
