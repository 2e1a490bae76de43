//! The way of one call through the proxy: name it, put it on record, decide its fate, ask the endpoint, answer.

use std::io;
use std::sync::Arc;

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::http::request::Parts;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{HeaderMap, Request, Response};
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;
use tokio::task::JoinSet;

use super::call::Call;
use super::fault::{Fault, again, error, server_error};
use super::identify::{Identity, Protocol, identify};
use super::{Emulator, Shared, cbor, defaults, page};
use crate::error::Result;
use crate::transport;

/// Takes connections until it is aborted, which ends them too: they live in its set.
pub(super) async fn accept(listener: TcpListener, shared: Arc<Shared>) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => if let Ok((stream, _)) = accepted {
                // An answer in two pieces would otherwise wait for the client's delayed acknowledgement.
                let _ = stream.set_nodelay(true);
                let shared = Arc::clone(&shared);
                connections.spawn(async move {
                    let service = service_fn(move |request| serve(request, Arc::clone(&shared)));
                    // A connection that ends in an error was cut, by the client or by a fault.
                    let _ = http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
                });
            },
            Some(_) = connections.join_next() => {}
        }
    }
}

/// Answers a call, or ends its connection with an error.
async fn serve(request: Request<Incoming>, shared: Arc<Shared>) -> io::Result<Response<Full<Bytes>>> {
    let (head, body) = request.into_parts();
    let body = body.collect().await.map_err(io::Error::other)?.to_bytes();
    let identity = identify(&head, &body);
    let (number, fault, earlier) = record(&shared, &head, &body, &identity);

    let response = match &fault {
        Some(Fault::CutBefore) => return Err(io::ErrorKind::ConnectionAborted.into()),
        Some(Fault::Delay(time)) => {
            tokio::time::sleep(*time).await;
            None
        }
        Some(Fault::Lag) => earlier.map(|answer| again(identity.protocol, answer)),
        Some(Fault::Hold(gate)) => {
            gate.pass().await;
            None
        }
        Some(other) => other.answer_before(identity.protocol),
        None => None,
    };
    let response = if let Some(response) = response {
        response
    } else {
        // On a task of its own: the endpoint's work does not stop because the client went away.
        let work = tokio::spawn(ask(Arc::clone(&shared), identity.clone(), number, head, body));
        let answered = work.await.map_err(io::Error::other)?;
        match fault {
            Some(Fault::CutAfter) => return Err(io::ErrorKind::ConnectionAborted.into()),
            Some(Fault::StallAfter) => std::future::pending().await,
            Some(Fault::ServerErrorAfter) => server_error(identity.protocol),
            _ => answered.unwrap_or_else(|why| error(identity.protocol, 502, "EndpointDown", &why.to_string())),
        }
    };
    update(&shared, number, |call| call.status = Some(response.status().as_u16()));
    let (mut head, body) = response.into_parts();
    drop_hop_by_hop(&mut head.headers);
    Ok(Response::from_parts(head, Full::new(body)))
}

/// Puts the call on record and asks the rules for its fault, with what the same call was answered the last time.
fn record(shared: &Shared, head: &Parts, body: &Bytes, identity: &Identity) -> (u64, Option<Fault>, Option<Bytes>) {
    let mut call = Call::new(identity, format!("{} {}", head.method, head.uri), body.clone());
    let mut state = shared.lock();
    // Every rule counts, also behind one that has already decided.
    let faults: Vec<_> = state.rules.iter_mut().filter_map(|rule| rule.take(&call)).collect();
    call.fault = faults.into_iter().next();
    let same = |other: &&Call| other.request_line == call.request_line && other.body == call.body;
    let answered =
        state.calls.iter().rev().filter(same).find(|other| other.status == Some(200) && other.fault.is_none());
    let earlier = answered.filter(|_| call.fault == Some(Fault::Lag)).map(|other| other.answer.clone());
    let (number, fault) = (state.first_number + state.calls.len() as u64, call.fault.clone());
    state.calls.push(call);
    shared.changed.notify_all();
    (number, fault, earlier)
}

fn update(shared: &Shared, number: u64, change: impl FnOnce(&mut Call)) {
    let mut state = shared.lock();
    let position = number.checked_sub(state.first_number).and_then(|position| usize::try_from(position).ok());
    if let Some(call) = position.and_then(|position| state.calls.get_mut(position)) {
        change(call);
        shared.changed.notify_all();
    }
}

/// Puts a call to the endpoint, in the form and with the pages that it needs.
async fn ask(
    shared: Arc<Shared>,
    identity: Identity,
    number: u64,
    mut head: Parts,
    body: Bytes,
) -> Result<Response<Bytes>> {
    drop_hop_by_hop(&mut head.headers);
    let put = |request| forward(&shared, request);
    let add = |response| match shared.emulator {
        Emulator::Moto => defaults::added(&identity, response),
        Emulator::Complete => response,
    };
    let answered = if identity.protocol == Protocol::Cbor && shared.emulator == Emulator::Moto {
        let answered = put(cbor::request_as_json(head, &body)).await;
        answered.map(|response| cbor::response_as_cbor(&defaults::added(&identity, response)))
    } else if let Some(list) = page::paged_list(&identity) {
        page::answer(list, identity.protocol, &head, &body, put).await.map(add)
    } else {
        put(Request::from_parts(head, body)).await.map(add)
    };
    update(&shared, number, |call| {
        call.reached_endpoint = answered.is_ok();
        call.answer = answered.as_ref().map(|response| response.body().clone()).unwrap_or_default();
    });
    answered
}

async fn forward(shared: &Shared, request: Request<Bytes>) -> Result<Response<Bytes>> {
    let (mut head, body) = request.into_parts();
    let path = head.uri.path_and_query().map_or("/", |path| path.as_str());
    let absolute = format!("{}{path}", shared.upstream);
    head.uri = absolute.parse().map_err(|_| crate::Error::failed("proxy", format!("{absolute} is not a URL")))?;
    transport::send(Request::from_parts(head, body)).await
}

/// Headers that belong to a connection or to a body that is written anew. `Host` stays, because endpoints make URLs of it.
fn drop_hop_by_hop(headers: &mut HeaderMap) {
    for name in ["connection", "content-length", "expect", "keep-alive", "transfer-encoding"] {
        headers.remove(name);
    }
}
