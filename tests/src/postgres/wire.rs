//! What stands between a program and its server, counts what the program asks, and stops the world at a chosen moment: the
//! program can then be killed there, exactly. In: a server's port. Out: a port of its own that behaves the same, a count of
//! the steps taken, and a moment at which nothing travels any more in either direction.

use std::future::pending;
use std::net::Ipv4Addr;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::{AbortHandle, JoinSet};

use crate::background;
use crate::error::{Error, Result};

/// At which side of a step the world stops.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    /// The server never hears of the step.
    Before,
    /// The server takes the step, and its answer is never heard.
    After,
}

/// A relay to a server. All connections through it end when it is dropped.
#[derive(Debug)]
pub struct Wire {
    port: u16,
    shared: Arc<Shared>,
    accepting: AbortHandle,
}

#[derive(Debug)]
struct Shared {
    state: Mutex<State>,
    changed: Condvar,
    stopped: watch::Sender<bool>,
}

#[derive(Debug, Default)]
struct State {
    /// What was asked at each step, shortened.
    steps: Vec<String>,
    stop: Option<(Moment, Side)>,
    stopped: bool,
}

/// When the world stops.
#[derive(Debug)]
enum Moment {
    /// At the step of this number.
    Step(usize),
    /// At the end of the transaction in which this is asked; whether it has been.
    Commit { of: String, is_open: bool },
}

impl Moment {
    fn is(&mut self, number: usize, asked: &str) -> bool {
        match self {
            Self::Step(at) => *at == number,
            Self::Commit { of, is_open } => {
                let ends = *is_open && asked == "COMMIT";
                *is_open |= asked.contains(&**of);
                ends
            }
        }
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Counts a step; returns the side at which the world stops now.
    fn step(&self, asked: String) -> Option<Side> {
        let mut state = self.lock();
        let number = state.steps.len();
        let side = state.stop.as_mut().and_then(|(moment, side)| moment.is(number, &asked).then_some(*side));
        state.steps.push(asked);
        drop(state);
        self.changed.notify_all();
        side
    }

    fn stop(&self) {
        self.lock().stopped = true;
        self.changed.notify_all();
        self.stopped.send_replace(true);
    }
}

impl Wire {
    /// A relay to the server at this loopback port.
    pub fn to(server: u16) -> Result<Self> {
        let shared =
            Arc::new(Shared { state: Mutex::default(), changed: Condvar::new(), stopped: watch::Sender::new(false) });
        let listener = background::wait(TcpListener::bind((Ipv4Addr::LOCALHOST, 0)));
        let listener = listener.map_err(Error::io("listen on loopback"))?;
        let port = listener.local_addr().map_err(Error::io("tell the port of a listener"))?.port();
        let accepting = background::runtime().spawn(accept(listener, server, Arc::clone(&shared))).abort_handle();
        Ok(Self { port, shared, accepting })
    }

    /// Where it listens on loopback.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Stops the world at the step of this number, counted from 0 over all connections. A step is what a server answers to
    /// as one: a simple query, a `Sync` with what came before it, the end of a `COPY`.
    pub fn stop_at(&self, step: usize, side: Side) {
        self.shared.lock().stop = Some((Moment::Step(step), side));
    }

    /// Stops the world at the `COMMIT` that follows the first step in which this is asked.
    pub fn stop_at_commit_of(&self, asked: &str, side: Side) {
        self.shared.lock().stop = Some((Moment::Commit { of: asked.to_owned(), is_open: false }, side));
    }

    /// What was asked so far, a shortened text for each step.
    pub fn steps(&self) -> Vec<String> {
        self.shared.lock().steps.clone()
    }

    /// Waits until the world has stopped, or until `over` says that it is not going to; returns whether it has.
    pub fn wait_until_stopped(&self, patience: Duration, over: impl Fn() -> bool) -> bool {
        const LOOK_EVERY: Duration = Duration::from_millis(5);
        let begun = Instant::now();
        let mut state = self.shared.lock();
        while !state.stopped && begun.elapsed() < patience && !over() {
            let waited = self.shared.changed.wait_timeout(state, LOOK_EVERY);
            state = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
        state.stopped
    }
}

impl Drop for Wire {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

/// Takes connections until it is aborted, which ends them too: they live in its set.
async fn accept(listener: TcpListener, server: u16, shared: Arc<Shared>) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => if let Ok((client, _)) = accepted {
                connections.spawn(relay(client, server, Arc::clone(&shared)));
            },
            Some(_) = connections.join_next() => {}
        }
    }
}

/// One connection, until either side ends it. A world that has stopped keeps it open without a word.
async fn relay(client: TcpStream, server: u16, shared: Arc<Shared>) {
    let Ok(server) = TcpStream::connect((Ipv4Addr::LOCALHOST, server)).await else { return };
    let _ = (client.set_nodelay(true), server.set_nodelay(true));
    let (from_client, to_client) = client.into_split();
    let (from_server, to_server) = server.into_split();
    tokio::select! {
        () = ask(from_client, to_server, &shared) => {}
        () = answer(from_server, to_client, &shared) => {}
    }
}

async fn answer(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, shared: &Shared) {
    let mut stopped = shared.stopped.subscribe();
    let mut buffer = vec![0; 64 * 1024];
    loop {
        let read = tokio::select! {
            biased;
            () = stop(&mut stopped) => pending().await,
            read = from.read(&mut buffer) => read,
        };
        let Ok(bytes @ 1..) = read else { return };
        if to.write_all(&buffer[..bytes]).await.is_err() {
            return;
        }
    }
}

/// Reads whole messages, so that a step is never cut in two.
async fn ask(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, shared: &Shared) {
    let mut stopped = shared.stopped.subscribe();
    // The startup message is the only one without a letter.
    let mut lettered = false;
    let mut said = String::new();
    loop {
        let message = tokio::select! {
            biased;
            () = stop(&mut stopped) => pending().await,
            message = message(&mut from, lettered) => message,
        };
        let Some(message) = message else { return };
        let side = if lettered { step(&message, &mut said).and_then(|asked| shared.step(asked)) } else { None };
        lettered = true;
        if side == Some(Side::Before) {
            shared.stop();
            pending::<()>().await;
        }
        if to.write_all(&message).await.is_err() {
            return;
        }
        if side == Some(Side::After) {
            shared.stop();
            // The server hears it all the same, and acts.
            pending::<()>().await;
        }
    }
}

/// Waits until the world stops.
async fn stop(stopped: &mut watch::Receiver<bool>) {
    // The sender lives as long as the relay.
    drop(stopped.wait_for(|stopped| *stopped).await);
}

/// One message with its letter and length.
async fn message(from: &mut OwnedReadHalf, lettered: bool) -> Option<Vec<u8>> {
    let mut message = Vec::new();
    if lettered {
        message.push(from.read_u8().await.ok()?);
    }
    let length = from.read_u32().await.ok()?;
    message.extend(length.to_be_bytes());
    let body = usize::try_from(length).ok()?.checked_sub(4)?;
    let begin = message.len();
    message.resize(begin + body, 0);
    from.read_exact(&mut message[begin..]).await.ok()?;
    Some(message)
}

/// What is asked when this message completes a step; the text of a statement is remembered until then.
fn step(message: &[u8], said: &mut String) -> Option<String> {
    const SHORT: usize = 100;
    let text = |body: &[u8]| {
        let text = String::from_utf8_lossy(body.split(|byte| *byte == 0).find(|part| !part.is_empty()).unwrap_or(&[]));
        text.split_whitespace().collect::<Vec<_>>().join(" ").chars().take(SHORT).collect::<String>()
    };
    match message.first()? {
        b'Q' => Some(text(&message[5..])),
        // The statement's own name comes first, and is empty or short.
        b'P' => {
            *said = text(message[5..].splitn(2, |byte| *byte == 0).last().unwrap_or_default());
            None
        }
        b'S' => Some(if said.is_empty() { "(a planned statement)".to_owned() } else { std::mem::take(said) }),
        b'c' => Some("(the end of the rows)".to_owned()),
        _ => None,
    }
}
