//! A publisher on loopback: a folder comes in, its files go out over HTTP/1.1 with length, validators and ranges, and any
//! path can be given a fault that real publishers have. Every request is on record.

mod fault;
mod file;
mod text;
mod tls;
mod wire;

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::io::BufReader;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{JoinHandle, JoinSet};

use crate::background;
use crate::error::{Error, Result};
use fault::Planned;
use wire::{Answer, Ending, Head, Next, Wire};

pub use fault::Fault;
pub(crate) use text::{percent_decode, percent_encode};

/// A request that was answered, or whose answer has begun.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// `GET`, `HEAD` or `POST`, or what else was tried.
    pub method: String,
    /// The decoded path, with its leading slash.
    pub path: String,
    /// What stood behind the question mark, as it was sent.
    pub query: String,
    /// Header fields by lower-case name.
    pub headers: BTreeMap<String, String>,
    /// The request's body.
    pub body: String,
    /// The status that was answered; 0 when the connection was closed without an answer.
    pub status: u16,
    /// Bytes of the body that were answered with.
    pub sent: u64,
}

impl Request {
    /// A decoded parameter of the query.
    pub fn parameter(&self, name: &str) -> Option<String> {
        let mut pairs = self.query.split('&').filter_map(|pair| pair.split_once('='));
        let value = pairs.find(|(key, _)| percent_decode(key) == name)?.1;
        Some(percent_decode(&value.replace('+', " ")))
    }
}

/// What a [service](FileServer::serve) answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reply {
    /// Its status.
    pub status: u16,
    /// Its content type.
    pub content_type: &'static str,
    /// Its body.
    pub body: String,
}

type Service = Arc<dyn Fn(&Request) -> Reply + Send + Sync>;

/// A running file server. Dropping it closes its port and all connections.
#[derive(Debug)]
pub struct FileServer {
    address: SocketAddr,
    shared: Arc<Shared>,
    acceptor: JoinHandle<()>,
}

struct Shared {
    folder: PathBuf,
    tls: Option<tls::Identity>,
    state: Mutex<State>,
    changed: Condvar,
}

impl std::fmt::Debug for Shared {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Shared").field("folder", &self.folder).finish_non_exhaustive()
    }
}

#[derive(Default)]
struct State {
    faults: BTreeMap<String, Planned>,
    services: BTreeMap<String, Service>,
    requests: Vec<Request>,
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl FileServer {
    /// Serves a folder, and what is put into it later, on a free loopback port.
    pub fn start(folder: impl Into<PathBuf>) -> Result<Self> {
        Self::start_on(folder.into(), None)
    }

    /// The same over TLS, with a certificate of its own that nobody knows.
    pub fn start_with_tls(folder: impl Into<PathBuf>) -> Result<Self> {
        Self::start_on(folder.into(), Some(tls::Identity::new()?))
    }

    fn start_on(folder: PathBuf, tls: Option<tls::Identity>) -> Result<Self> {
        if !folder.is_dir() {
            return Err(Error::failed("file server", format!("{} is not a folder", folder.display())));
        }
        let bound = background::wait(TcpListener::bind((Ipv4Addr::LOCALHOST, 0)));
        let listener = bound.map_err(Error::io("listen on loopback"))?;
        let address = listener.local_addr().map_err(Error::io("listen on loopback"))?;
        let shared = Arc::new(Shared { folder, tls, state: Mutex::default(), changed: Condvar::new() });
        let acceptor = background::runtime().spawn(accept(listener, Arc::clone(&shared)));
        Ok(Self { address, shared, acceptor })
    }

    /// `http://127.0.0.1:port`, without a slash at its end; `https` where it speaks TLS.
    pub fn url(&self) -> String {
        let scheme = if self.shared.tls.is_some() { "https" } else { "http" };
        format!("{scheme}://{}", self.address)
    }

    /// `127.0.0.1:port`.
    pub fn host(&self) -> String {
        self.address.to_string()
    }

    /// The certificate to trust, in PEM; empty without TLS.
    pub fn certificate(&self) -> String {
        self.shared.tls.as_ref().map(|tls| tls.certificate.clone()).unwrap_or_default()
    }

    /// Answers requests for this path, and for all below it, with what a function says.
    pub fn serve(&self, path: &str, service: impl Fn(&Request) -> Reply + Send + Sync + 'static) {
        self.shared.lock().services.insert(absolute(path), Arc::new(service));
    }

    /// The URL of a file of the folder.
    pub fn url_of(&self, name: &str) -> String {
        let segments: Vec<_> = name.trim_start_matches('/').split('/').map(percent_encode).collect();
        format!("{}/{}", self.url(), segments.join("/"))
    }

    /// The folder that is served.
    pub fn folder(&self) -> &Path {
        &self.shared.folder
    }

    /// Answers every request for this path with a fault until it is cleared.
    pub fn fault(&self, path: &str, fault: Fault) {
        self.faults(path, &[fault]);
    }

    /// Answers every request for this path with several faults at once until they are cleared.
    pub fn faults(&self, path: &str, faults: &[Fault]) {
        self.plan(path, Planned { faults: faults.to_vec(), left: None, then: Vec::new() });
    }

    /// Answers the next `times` requests for this path with some faults at once, and those after them with others.
    pub fn faults_then(&self, path: &str, faults: &[Fault], times: u32, then: &[Fault]) {
        self.plan(path, Planned { faults: faults.to_vec(), left: Some(times), then: then.to_vec() });
    }

    /// Answers the next `times` requests for this path with a fault, and those after them properly.
    pub fn fault_times(&self, path: &str, fault: Fault, times: u32) {
        self.faults_then(path, &[fault], times, &[]);
    }

    /// Forgets the faults of this path.
    pub fn clear_fault(&self, path: &str) {
        self.shared.lock().faults.remove(&absolute(path));
    }

    /// All requests so far, in the order of their answers.
    pub fn requests(&self) -> Vec<Request> {
        self.shared.lock().requests.clone()
    }

    /// The requests for one path.
    pub fn requests_for(&self, path: &str) -> Vec<Request> {
        let path = absolute(path);
        self.requests().into_iter().filter(|request| request.path == path).collect()
    }

    /// Blocks until this path was asked for `times` times; `false` when that took longer than the limit.
    pub fn wait_for_requests(&self, path: &str, times: usize, limit: Duration) -> bool {
        let path = absolute(path);
        let deadline = Instant::now() + limit;
        let mut state = self.shared.lock();
        while state.requests.iter().filter(|request| request.path == path).count() < times {
            let Some(left) = deadline.checked_duration_since(Instant::now()) else { return false };
            state = self.shared.changed.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0;
        }
        true
    }

    /// Forgets the requests so far.
    pub fn forget_requests(&self) {
        self.shared.lock().requests.clear();
    }

    fn plan(&self, path: &str, planned: Planned) {
        self.shared.lock().faults.insert(absolute(path), planned);
    }
}

impl Drop for FileServer {
    fn drop(&mut self) {
        self.acceptor.abort();
    }
}

fn absolute(path: &str) -> String {
    format!("/{}", path.trim_start_matches('/'))
}

/// Takes connections until it is aborted, which ends them too: they live in its set.
async fn accept(listener: TcpListener, shared: Arc<Shared>) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => if let Ok((stream, _)) = accepted {
                connections.spawn(serve(stream, Arc::clone(&shared)));
            },
            Some(_) = connections.join_next() => {}
        }
    }
}

async fn serve(stream: TcpStream, shared: Arc<Shared>) {
    match &shared.tls {
        None => answer_all(stream, &shared).await,
        Some(tls) => {
            if let Ok(stream) = tls.acceptor.accept(stream).await {
                answer_all(stream, &shared).await;
            }
        }
    }
}

async fn answer_all(stream: impl Wire, shared: &Shared) {
    let mut stream = BufReader::new(stream);
    while let Some(head) = wire::read_head(&mut stream).await {
        let faults = shared.lock().faults.get_mut(&head.path).map(Planned::take).unwrap_or_default();
        let mut answer = match service(shared, &head.path) {
            Some(service) => of_service(&service, &head, &faults).await,
            None => file::answer(&shared.folder, &head, &faults).await,
        };
        if head.field("connection") == Some("close") && answer.ending == Ending::KeepOpen {
            answer.ending = Ending::Close;
        }
        record(shared, request(&head, answer.status, answer.sent()));
        if !matches!(wire::send(stream.get_mut(), answer).await, Ok(Next::KeepOpen)) {
            return;
        }
    }
}

/// The service of the longest path that this one begins with.
fn service(shared: &Shared, path: &str) -> Option<Service> {
    let state = shared.lock();
    let serves = |prefix: &String| {
        path.strip_prefix(prefix.as_str()).is_some_and(|rest| rest.is_empty() || rest.starts_with(['/', '.']))
    };
    state.services.iter().rev().find(|(prefix, _)| serves(prefix)).map(|(_, service)| Arc::clone(service))
}

async fn of_service(service: &Service, head: &Head, faults: &[Fault]) -> Answer {
    if let Some(answer) = file::instead(faults).await {
        return answer;
    }
    let Reply { status, content_type, body } = service(&request(head, 0, 0));
    let (length, sent, ending) = file::spoiled(body.len() as u64, faults);
    let sent = usize::try_from(sent).unwrap_or(usize::MAX).min(body.len());
    let body = wire::Body::Bytes(body.as_bytes()[..sent].to_vec());
    Answer { length, body, ending, ..Answer::page(status, content_type, "") }
}

fn request(head: &Head, status: u16, sent: u64) -> Request {
    let Head { method, path, query, headers, body } = head;
    let (method, path, query) = (method.clone(), path.clone(), query.clone());
    Request { method, path, query, headers: headers.clone(), body: body.clone(), status, sent }
}

fn record(shared: &Shared, request: Request) {
    shared.lock().requests.push(request);
    shared.changed.notify_all();
}
