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
