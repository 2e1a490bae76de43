//! A publisher on loopback: a folder comes in, its files go out over HTTP/1.1 with length, validators and ranges, and any
//! path can be given a fault that real publishers have. Every request is on record.

mod fault;
mod file;
mod text;
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
use wire::{Ending, Head, Next};

pub use fault::Fault;
pub(crate) use text::{percent_decode, percent_encode};

/// A request that was answered, or whose answer has begun.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// `GET` or `HEAD`, or what else was tried.
    pub method: String,
    /// The decoded path, with its leading slash.
    pub path: String,
    /// What stood behind the question mark, as it was sent.
    pub query: String,
    /// Header fields by lower-case name.
    pub headers: BTreeMap<String, String>,
    /// The status that was answered; 0 when the connection was closed without an answer.
    pub status: u16,
}

/// A running file server. Dropping it closes its port and all connections.
#[derive(Debug)]
pub struct FileServer {
    address: SocketAddr,
    shared: Arc<Shared>,
    acceptor: JoinHandle<()>,
}

#[derive(Debug)]
struct Shared {
    folder: PathBuf,
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    faults: BTreeMap<String, Planned>,
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
        let folder = folder.into();
        if !folder.is_dir() {
            return Err(Error::failed("file server", format!("{} is not a folder", folder.display())));
        }
        let bound = background::wait(TcpListener::bind((Ipv4Addr::LOCALHOST, 0)));
        let listener = bound.map_err(Error::io("listen on loopback"))?;
        let address = listener.local_addr().map_err(Error::io("listen on loopback"))?;
        let shared = Arc::new(Shared { folder, state: Mutex::default(), changed: Condvar::new() });
        let acceptor = background::runtime().spawn(accept(listener, Arc::clone(&shared)));
        Ok(Self { address, shared, acceptor })
    }

    /// `http://127.0.0.1:port`, without a slash at its end.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
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
        self.plan(path, Planned::always(fault));
    }

    /// Answers the next `times` requests for this path with a fault, and those after them properly.
    pub fn fault_times(&self, path: &str, fault: Fault, times: u32) {
        self.plan(path, Planned::times(fault, times));
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
    let mut stream = BufReader::new(stream);
    while let Some(head) = wire::read_head(&mut stream).await {
        let fault = shared.lock().faults.get_mut(&head.path).and_then(Planned::take);
        let mut answer = file::answer(&shared.folder, &head, fault.as_ref()).await;
        if head.field("connection") == Some("close") && answer.ending == Ending::KeepOpen {
            answer.ending = Ending::Close;
        }
        record(&shared, head, answer.status);
        if !matches!(wire::send(stream.get_mut(), answer).await, Ok(Next::KeepOpen)) {
            return;
        }
    }
}

fn record(shared: &Shared, head: Head, status: u16) {
    let Head { method, path, query, headers } = head;
    shared.lock().requests.push(Request { method, path, query, headers, status });
    shared.changed.notify_all();
}
