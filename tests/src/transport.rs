//! The one HTTP client of this library: requests with a whole body out, answers with a whole body back, over loopback and
//! without TLS.

use std::sync::OnceLock;

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::{Request, Response};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;

use crate::background;
use crate::error::{Error, Result};

type HttpClient = Client<HttpConnector, Full<Bytes>>;

/// Sends a request with an absolute URI. Must run on the background threads, where its connections live.
pub(crate) async fn send(request: Request<Bytes>) -> Result<Response<Bytes>> {
    static CLIENT: OnceLock<HttpClient> = OnceLock::new();
    // A server that closes idle connections must not make the next call fail, so none is kept.
    let client = CLIENT
        .get_or_init(|| Client::builder(TokioExecutor::new()).pool_max_idle_per_host(0).build(HttpConnector::new()));
    let called = format!("{} {}", request.method(), request.uri());
    let failed = |error: &dyn std::error::Error| {
        let source = error.source().map(|source| format!(": {source}")).unwrap_or_default();
        Error::failed(&called, format!("{error}{source}"))
    };
    let response = client.request(request.map(Full::new)).await.map_err(|error| failed(&error))?;
    let (head, body) = response.into_parts();
    let body = body.collect().await.map_err(|error| failed(&error))?;
    Ok(Response::from_parts(head, body.to_bytes()))
}

/// Sends a request and blocks for the answer, whatever its status.
pub(crate) fn send_and_wait(request: Request<Bytes>) -> Result<Response<Bytes>> {
    background::wait(send(request))
}
