//! A recording proxy in front of an AWS endpoint: calls come in, are named as IAM names them (`ecs:RunTask`), put on
//! record, perhaps made to fail, and passed on; what the emulator leaves out is added on the way back (page sizes,
//! CloudWatch's CBOR, defaults, orders of its own). It is how call budgets, "a second run writes nothing" and a crash at every step are tested.

mod call;
mod cbor;
mod defaults;
mod fault;
mod gate;
mod identify;
mod page;
mod server;

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use crate::background;
use crate::error::{Error, Result};
use fault::Rule;

pub use call::{Call, Kind};
pub use fault::{Fault, Throttle, When};
pub use gate::Gate;

/// What stands behind the proxy, and so what it has to add.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Emulator {
    /// moto, which does not know CloudWatch's CBOR.
    Moto,
    /// An endpoint that knows every protocol.
    Complete,
}

/// A running proxy. Dropping it closes its port.
#[derive(Debug)]
pub struct Proxy {
    address: SocketAddr,
    shared: Arc<Shared>,
    acceptor: JoinHandle<()>,
}

#[derive(Debug)]
struct Shared {
    /// Without a slash at its end.
    upstream: String,
    emulator: Emulator,
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    calls: Vec<Call>,
    /// Grows with every call, so that a call that is answered after a `reset` does not end up on the new record.
    first_number: u64,
    rules: Vec<Rule>,
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Proxy {
    /// Starts a proxy on a free loopback port in front of an endpoint such as `http://127.0.0.1:5000`.
    pub fn start(upstream: &str, emulator: Emulator) -> Result<Self> {
        let bound = background::wait(TcpListener::bind((Ipv4Addr::LOCALHOST, 0)));
        let listener = bound.map_err(Error::io("listen on loopback"))?;
        let address = listener.local_addr().map_err(Error::io("listen on loopback"))?;
        let shared = Arc::new(Shared {
            upstream: upstream.trim_end_matches('/').to_owned(),
            emulator,
            state: Mutex::default(),
            changed: Condvar::new(),
        });
        let acceptor = background::runtime().spawn(server::accept(listener, Arc::clone(&shared)));
        Ok(Self { address, shared, acceptor })
    }

    /// The endpoint URL for clients, without a slash at its end.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// All calls since the start or the last `reset`, in the order of their arrival.
    pub fn calls(&self) -> Vec<Call> {
        self.shared.lock().calls.clone()
    }

    /// The calls that change something.
    pub fn writes(&self) -> Vec<Call> {
        self.calls().into_iter().filter(|call| call.kind == Kind::Write).collect()
    }

    /// The calls of one operation, such as `ecs:RegisterTaskDefinition`.
    pub fn calls_of(&self, operation: &str) -> Vec<Call> {
        self.calls().into_iter().filter(|call| call.name() == operation).collect()
    }

    /// How often each operation was called.
    pub fn count_by_operation(&self) -> BTreeMap<String, usize> {
        self.calls().iter().fold(BTreeMap::new(), |mut counts, call| {
            *counts.entry(call.name()).or_default() += 1;
            counts
        })
    }

    /// Blocks until the record satisfies a condition; `false` when that took longer than the limit.
    pub fn wait_until(&self, limit: Duration, condition: impl Fn(&[Call]) -> bool) -> bool {
        let deadline = Instant::now() + limit;
        let mut state = self.shared.lock();
        while !condition(&state.calls) {
            let Some(left) = deadline.checked_duration_since(Instant::now()) else { return false };
            state = self.shared.changed.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0;
        }
        true
    }

    /// Makes matching calls fail from now on. Of several rules the first that matches a call is applied to it.
    pub fn inject(&self, when: When, fault: Fault) {
        self.shared.lock().rules.push(Rule::new(when, fault));
    }

    /// Lets every call through again; the record stays.
    pub fn clear_faults(&self) {
        self.shared.lock().rules.clear();
    }

    /// Forgets calls and faults.
    pub fn reset(&self) {
        let mut state = self.shared.lock();
        state.first_number += state.calls.len() as u64;
        state.calls.clear();
        state.rules.clear();
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.acceptor.abort();
    }
}
