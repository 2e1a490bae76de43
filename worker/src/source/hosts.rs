//! How many requests one host gets at once.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Requests that one host gets at once: as many as a browser makes at most to one.
const AT_ONCE: usize = 4;

/// The hosts that were asked for something.
#[derive(Debug, Default)]
pub(super) struct Hosts(Mutex<BTreeMap<String, Arc<Semaphore>>>);

/// A place at a host; it is free again when this is dropped.
#[derive(Debug)]
pub(super) struct Turn {
    /// `None` only of a semaphore that was closed, and none ever is.
    _permit: Option<OwnedSemaphorePermit>,
}

impl Hosts {
    /// Waits for a place at a host.
    pub(super) async fn turn(&self, host: &str) -> Turn {
        let places = {
            let mut hosts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            Arc::clone(hosts.entry(host.to_owned()).or_insert_with(|| Arc::new(Semaphore::new(AT_ONCE))))
        };
        Turn { _permit: places.acquire_owned().await.ok() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_host_gets_only_so_many_requests_at_once() {
        let hosts = Hosts::default();
        let mut held = Vec::new();
        for _ in 0..AT_ONCE {
            held.push(hosts.turn("one.org").await);
        }
        let mut next = Box::pin(hosts.turn("one.org"));
        assert!(futures_util::poll!(&mut next).is_pending());
        hosts.turn("two.org").await;
        held.pop();
        next.await;
    }
}
