//! HTTP(S): a request comes in, a response with a good status goes out. Redirects are followed by hand, so that nothing that was meant
//! for one host reaches another; what may pass is tried again, a few times, before the first byte of a body.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use jiff::Timestamp;
use jiff::fmt::rfc2822::DateTimeParser;
use reqwest::header::{ACCEPT, ACCEPT_ENCODING, CONTENT_ENCODING, HeaderMap, HeaderValue, LOCATION, RETRY_AFTER};
use reqwest::redirect::Policy;
use reqwest::{Client, Method, Response, StatusCode};
use rustls::{ClientConfig, RootCertStore};
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;
use url::Url;

use super::body::Coding;
use super::error::{SourceError, chain};
use super::hosts::{Hosts, Turn};
use super::locate::Request;
use crate::fault::{Fault, Retry};

/// Redirects that are followed.
const REDIRECTS: usize = 10;

/// A publisher that asks for a longer pause is left to the next run.
const PAUSE_MAX: Duration = Duration::from_mins(2);

/// The longest answer that is read as a whole: a catalog of some thousand datasets.
const TEXT_MAX: usize = 64 << 20;

/// How long a publisher is waited for. The whole download has no limit of its own: the run has.
#[derive(Debug, Clone, Copy)]
pub struct Patience {
    /// Tries in all for what may pass: no connection, a busy or failing server, a body that was cut off and is gone on with. They
    /// are counted anew after each that brought something.
    pub tries: u32,
    /// Pause before the second try; each further one is twice as long.
    pub pause: Duration,
    /// For the connection.
    pub connect: Duration,
    /// For the answer's head. Some portals write the whole export before they send its first byte.
    pub answer: Duration,
    /// For each further piece of the body.
    pub stall: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        Self {
            tries: 4,
            pause: Duration::from_secs(2),
            connect: Duration::from_secs(30),
            answer: Duration::from_mins(5),
            stall: Duration::from_mins(1),
        }
    }
}

/// A client that is built when the first address needs one.
pub(super) struct Http {
    client: OnceLock<Client>,
    hosts: Hosts,
    pub(super) patience: Patience,
}

/// What is asked for beside the whole body.
#[derive(Default)]
pub(super) struct Ask {
    /// Further request headers; those that the manifest declares outrank them.
    pub(super) headers: HeaderMap,
    /// Statuses that are an answer to it, beside success.
    pub(super) answers: &'static [StatusCode],
}

impl Http {
    pub(super) fn new(patience: Patience) -> Self {
        Self { client: OnceLock::new(), hosts: Hosts::default(), patience }
    }

    /// Waits until the host of an address may be asked, and holds a place there until it is dropped.
    pub(super) async fn turn(&self, url: &Url, cancel: &CancellationToken) -> Result<Turn, SourceError> {
        tokio::select! {
            biased;
            () = cancel.cancelled() => Err(SourceError::Stopped),
            turn = self.hosts.turn(url.host_str().unwrap_or_default()) => Ok(turn),
        }
    }

    /// The whole of a small answer as text, for whoever has a turn at the host.
    pub(super) async fn text(&self, request: &Request, cancel: &CancellationToken) -> Result<String, SourceError> {
        let mut tried = 0;
        loop {
            let mut response = self.get(request, &Ask::default(), cancel).await?;
            tried += 1;
            let read = async {
                let mut bytes = Vec::new();
                while let Some(piece) = response.chunk().await? {
                    bytes.extend_from_slice(&piece);
                    if bytes.len() > TEXT_MAX {
                        break;
                    }
                }
                Ok::<_, reqwest::Error>(bytes)
            };
            let address = request.shown.clone();
            let read = tokio::select! {
                biased;
                () = cancel.cancelled() => return Err(SourceError::Stopped),
                read = timeout(self.patience.answer, read) => read,
            };
            let error = match read {
                Ok(Ok(bytes)) if bytes.len() > TEXT_MAX => {
                    let detail = format!("it is longer than {TEXT_MAX} bytes");
                    return Err(SourceError::Answer { address, detail });
                }
                Ok(Ok(bytes)) => {
                    let unread = |_| SourceError::Answer { address, detail: "it is not UTF-8".to_owned() };
                    return String::from_utf8(bytes).map_err(unread);
                }
                Ok(Err(_)) => SourceError::CutOff { address, received: 0, expected: None },
                Err(_) => SourceError::Stalled { address, seconds: self.patience.answer.as_secs(), received: 0 },
            };
            self.pause(error, tried, None, cancel).await?;
        }
    }

    /// The response to a request: a success, or one of the statuses that were asked for.
    pub(super) async fn get(
        &self,
        request: &Request,
        ask: &Ask,
        cancel: &CancellationToken,
    ) -> Result<Response, SourceError> {
        let mut tried = 0;
        loop {
            let answer = tokio::select! {
                biased;
                () = cancel.cancelled() => return Err(SourceError::Stopped),
                answer = self.once(request, &ask.headers) => answer,
            };
            tried += 1;
            let (error, asked) = match answer {
                Ok(response) if response.status().is_success() => return Ok(response),
                Ok(response) if ask.answers.contains(&response.status()) => return Ok(response),
                Ok(response) => {
                    let (address, status) = (request.shown.clone(), response.status().as_u16());
                    (SourceError::Status { address, status }, pause_asked_for(&response))
                }
                Err(error) => (error, None),
            };
            self.pause(error, tried, asked, cancel).await?;
        }
    }

    /// Waits before another try, or gives the error back when there is none.
    pub(super) async fn pause(
        &self,
        error: SourceError,
        tried: u32,
        asked: Option<Duration>,
        cancel: &CancellationToken,
    ) -> Result<(), SourceError> {
        let too_long = asked.is_some_and(|asked| asked > PAUSE_MAX);
        if error.retry() == Retry::Never || tried >= self.patience.tries || too_long {
            return Err(error);
        }
        let growing = self.patience.pause.saturating_mul(1 << (tried - 1).min(16));
        tokio::select! {
            biased;
            () = cancel.cancelled() => Err(SourceError::Stopped),
            () = sleep(growing.max(asked.unwrap_or_default()).min(PAUSE_MAX)) => Ok(()),
        }
    }

    async fn once(&self, request: &Request, headers: &HeaderMap) -> Result<Response, SourceError> {
        let address = || request.shown.clone();
        let client = self.client(&request.shown)?;
        let mut next = request.clone();
        for _ in 0..=REDIRECTS {
            let mut built = client.request(next.method.clone(), next.url.clone());
            // The declared headers outrank these.
            built = built.header(ACCEPT, "*/*").header(ACCEPT_ENCODING, "identity");
            built = built.headers(headers.clone()).headers(next.headers.clone());
            if let Some(body) = &next.body {
                built = built.body(body.clone());
            }
            let sent = timeout(self.patience.answer, built.send()).await.map_err(|_| SourceError::Stalled {
                address: address(),
                seconds: self.patience.answer.as_secs(),
                received: 0,
            })?;
            let response = sent.map_err(|error| SourceError::Unreachable {
                address: address(),
                detail: chain(&error.without_url()),
            })?;
            let status = response.status();
            let Some(location) = response.headers().get(LOCATION).filter(|_| status.is_redirection()) else {
                return Ok(response);
            };
            follow(&mut next, status, location)
                .map_err(|detail| SourceError::Redirect { address: address(), detail })?;
        }
        Err(SourceError::Redirect { address: address(), detail: "too often" })
    }

    fn client(&self, address: &str) -> Result<&Client, SourceError> {
        if let Some(client) = self.client.get() {
            return Ok(client);
        }
        let fail = |detail: String| SourceError::Unreachable { address: address.to_owned(), detail };
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let mut roots = RootCertStore::empty();
        roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        let tls = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(|error| fail(error.to_string()))?
            .with_root_certificates(roots)
            .with_no_client_auth();
        let client = Client::builder()
            .tls_backend_preconfigured(tls)
            // One long body a connection: the frames of HTTP/2 only cost here.
            .http1_only()
            .redirect(Policy::none())
            .connect_timeout(self.patience.connect)
            .user_agent(concat!("freshet/", env!("CARGO_PKG_VERSION")))
            .build()
            .map_err(|error| fail(chain(&error)))?;
        Ok(self.client.get_or_init(|| client))
    }
}

/// Turns a request to where a redirect points.
fn follow(request: &mut Request, status: StatusCode, location: &HeaderValue) -> Result<(), &'static str> {
    let target = location.to_str().ok().and_then(|location| request.url.join(location).ok());
    let target = target.ok_or("to something that is no address")?;
    match (request.url.scheme(), target.scheme()) {
        ("https", "http") => return Err("from https to http, which is not followed"),
        (_, "http" | "https") => {}
        _ => return Err("to something other than http and https, which is not followed"),
    }
    let mut target = target;
    if request.url.origin() == target.origin() {
        // The same login, where the location has none of its own.
        if target.username().is_empty() && !request.url.username().is_empty() {
            let _ = target.set_username(request.url.username());
            let _ = target.set_password(request.url.password());
        }
    } else {
        request.headers = HeaderMap::new();
    }
    if matches!(status, StatusCode::MOVED_PERMANENTLY | StatusCode::FOUND | StatusCode::SEE_OTHER) {
        request.method = Method::GET;
        request.body = None;
    }
    request.url = target;
    Ok(())
}

/// The pause of `Retry-After`: whole seconds, or the time of its end.
fn pause_asked_for(response: &Response) -> Option<Duration> {
    pause_of(response.headers().get(RETRY_AFTER)?.to_str().ok()?.trim(), Timestamp::now())
}

fn pause_of(field: &str, now: Timestamp) -> Option<Duration> {
    if let Ok(seconds) = field.parse() {
        return Some(Duration::from_secs(seconds));
    }
    let until = DateTimeParser::new().parse_timestamp(field).ok()?;
    Some(Duration::try_from(until.duration_since(now)).unwrap_or_default())
}

/// How the body is packed.
pub(super) fn coding(response: &Response, address: &str) -> Result<Coding, SourceError> {
    let Some(value) = response.headers().get(CONTENT_ENCODING) else { return Ok(Coding::Identity) };
    match value.to_str().unwrap_or_default().trim().to_ascii_lowercase().as_str() {
        "" | "identity" => Ok(Coding::Identity),
        "gzip" | "x-gzip" => Ok(Coding::Gzip),
        other => Err(SourceError::Coding { address: address.to_owned(), coding: other.to_owned() }),
    }
}

/// A header's text.
pub(super) fn header(response: &Response, name: &reqwest::header::HeaderName) -> Option<String> {
    response.headers().get(name)?.to_str().ok().map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pause_is_asked_for_in_seconds_or_by_its_end() {
        let now: Timestamp = "2026-11-20T07:28:00Z".parse().unwrap();
        let pause = |field: &str| pause_of(field, now);
        assert_eq!(pause("120"), Some(Duration::from_mins(2)));
        assert_eq!(pause("Fri, 20 Nov 2026 07:28:30 GMT"), Some(Duration::from_secs(30)));
        assert_eq!(pause("Fri, 20 Nov 2026 07:00:00 GMT"), Some(Duration::ZERO), "it is over");
        assert_eq!(pause("soon"), None);
    }

    #[test]
    fn a_login_stays_with_its_host() {
        let follow_to = |location: &'static str| {
            let mut request = request("https://me:pw@one.org/a");
            follow(&mut request, StatusCode::FOUND, &HeaderValue::from_static(location)).map(|()| request.url)
        };
        assert_eq!(follow_to("https://one.org/b").unwrap().as_str(), "https://me:pw@one.org/b");
        assert_eq!(follow_to("https://two.org/b").unwrap().as_str(), "https://two.org/b");
    }

    fn request(url: &str) -> Request {
        let headers = HeaderMap::from_iter([(ACCEPT, HeaderValue::from_static("text/csv"))]);
        let url = Url::parse(url).unwrap();
        Request { shown: url.to_string(), url, method: Method::POST, headers, body: Some("q".into()) }
    }

    #[test]
    fn a_redirect_to_another_host_loses_the_declared_headers() {
        let follow_to = |location: &'static str| {
            let mut request = request("https://one.org/a?token=x");
            follow(&mut request, StatusCode::TEMPORARY_REDIRECT, &HeaderValue::from_static(location)).map(|()| request)
        };
        let stays = follow_to("/b").unwrap();
        assert_eq!((stays.url.as_str(), stays.headers.len(), stays.method), ("https://one.org/b", 1, Method::POST));
        let leaves = follow_to("https://two.org/b").unwrap();
        assert_eq!((leaves.url.as_str(), leaves.headers.len()), ("https://two.org/b", 0));
        assert!(follow_to("http://one.org/b").is_err());
        assert!(follow_to("file:///etc/passwd").is_err());
        assert!(follow_to("ftp://one.org/b").is_err());
    }

    #[test]
    fn a_form_that_was_sent_is_followed_by_a_plain_request() {
        let mut request = request("https://one.org/a");
        follow(&mut request, StatusCode::SEE_OTHER, &HeaderValue::from_static("b")).unwrap();
        assert_eq!((request.method, request.body), (Method::GET, None));
    }
}
