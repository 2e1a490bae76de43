//! Time as a part that is handed in: now, and waiting. The real one is the machine's; tests have one that only counts.

use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use jiff::Timestamp;

/// A future that ends when the wait is over.
pub type Wait<'a> = Pin<Box<dyn Future<Output = ()> + Send + 'a>>;

/// Where time comes from.
pub trait Clock: std::fmt::Debug + Send + Sync {
    /// The time now.
    fn now(&self) -> Timestamp;
    /// Waits.
    fn wait(&self, span: Duration) -> Wait<'_>;
}

/// The machine's clock.
#[derive(Debug, Clone, Copy)]
pub struct Machine;

impl Clock for Machine {
    fn now(&self) -> Timestamp {
        Timestamp::now()
    }

    fn wait(&self, span: Duration) -> Wait<'_> {
        Box::pin(tokio::time::sleep(span))
    }
}

#[cfg(test)]
pub(crate) mod counting {
    use std::sync::Mutex;

    use super::*;

    /// A clock on which waiting takes no time, and is counted.
    #[derive(Debug)]
    pub(crate) struct Counting {
        now: Mutex<Timestamp>,
    }

    impl Counting {
        pub(crate) fn at(now: Timestamp) -> Self {
            Self { now: Mutex::new(now) }
        }
    }

    impl Clock for Counting {
        fn now(&self) -> Timestamp {
            *self.now.lock().unwrap()
        }

        fn wait(&self, span: Duration) -> Wait<'_> {
            let mut now = self.now.lock().unwrap();
            *now = now.checked_add(span).unwrap();
            Box::pin(std::future::ready(()))
        }
    }
}

#[cfg(test)]
pub(crate) mod stepped {
    use std::collections::BTreeMap;
    use std::sync::{Arc, Mutex};
    use std::task::{Poll, Waker};

    use super::*;

    /// A clock for things that go on side by side: when all of them wait, it steps to the end of the shortest wait.
    #[derive(Debug)]
    pub(crate) struct Stepped(Mutex<State>);

    #[derive(Debug)]
    struct State {
        now: Timestamp,
        waits: BTreeMap<(Timestamp, u64), Option<Waker>>,
        made: u64,
    }

    impl Stepped {
        pub(crate) fn at(now: Timestamp) -> Arc<Self> {
            Arc::new(Self(Mutex::new(State { now, waits: BTreeMap::new(), made: 0 })))
        }

        /// Runs a future to its end; nothing in it may wait for anything but this clock.
        pub(crate) async fn run<T>(&self, future: impl Future<Output = T>) -> T {
            let mut future = std::pin::pin!(future);
            std::future::poll_fn(|context| {
                loop {
                    if let Poll::Ready(result) = future.as_mut().poll(context) {
                        return Poll::Ready(result);
                    }
                    assert!(self.step(), "it waits for something else");
                }
            })
            .await
        }

        fn step(&self) -> bool {
            let mut state = self.0.lock().unwrap();
            let Some(((until, _), waker)) = state.waits.pop_first() else { return false };
            state.now = state.now.max(until);
            drop(state);
            waker.into_iter().for_each(Waker::wake);
            true
        }

        /// Waits without borrowing the clock.
        pub(crate) fn sleep(self: Arc<Self>, span: Duration) -> impl Future<Output = ()> + Send + use<> {
            let mut state = self.0.lock().unwrap();
            let until = state.now.checked_add(span).unwrap();
            state.made += 1;
            let key = (until, state.made);
            state.waits.insert(key, None);
            drop(state);
            std::future::poll_fn(move |context| {
                let mut state = self.0.lock().unwrap();
                match state.waits.get_mut(&key) {
                    Some(waker) => {
                        *waker = Some(context.waker().clone());
                        Poll::Pending
                    }
                    None => Poll::Ready(()),
                }
            })
        }
    }

    impl Clock for Arc<Stepped> {
        fn now(&self) -> Timestamp {
            self.0.lock().unwrap().now
        }

        fn wait(&self, span: Duration) -> Wait<'_> {
            Box::pin(Arc::clone(self).sleep(span))
        }
    }
}
