//! The threads that the servers of this library live on, apart from any runtime of the caller: a test that blocks its
//! own runtime does not starve the proxy or the file server that it waits for.

use std::future::Future;
use std::sync::{OnceLock, mpsc};

use tokio::runtime::{Builder, Runtime};

/// The runtime of this process's servers and clients; it ends with the process.
pub(crate) fn runtime() -> &'static Runtime {
    static RUNTIME: OnceLock<Runtime> = OnceLock::new();
    RUNTIME.get_or_init(|| {
        Builder::new_multi_thread()
            .worker_threads(2)
            .thread_name("freshet-tests")
            .enable_all()
            .build()
            .expect("the operating system gives this process two threads")
    })
}

/// Runs a future on the background threads and blocks for its result, inside or outside of another runtime.
pub(crate) fn wait<F>(future: F) -> F::Output
where
    F: Future + Send + 'static,
    F::Output: Send + 'static,
{
    let (sender, receiver) = mpsc::sync_channel(1);
    runtime().spawn(async move {
        // A receiver that went away has stopped caring.
        let _ = sender.send(future.await);
    });
    receiver.recv().expect("the background task ended with a panic, printed above")
}
