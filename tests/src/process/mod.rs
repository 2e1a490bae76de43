//! A child process that cannot be left behind: a command comes in, and out come its lines as they are written, its exit,
//! and its peak memory. It runs in a process group of its own, dies when its handle is dropped, and also when this
//! process is killed without a chance to clean up (`watchdog`).

mod memory;
mod run;
mod watchdog;

use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, kill_process, kill_process_group};

use crate::error::{Error, Result};

pub use run::{Exit, Line, Run, Stream};
pub use rustix::process::Signal;
pub(crate) use watchdog::TemporaryDir;

/// How often a running child is looked at: for its end, and for its memory's high-water mark.
const LOOK_EVERY: Duration = Duration::from_millis(4);
/// How long a service may take to end after its stop signal.
const STOP_GRACE: Duration = Duration::from_secs(5);
/// How long to wait for the rest of the output after the end, in case a grandchild still holds the pipe.
const DRAIN_GRACE: Duration = Duration::from_secs(2);

/// What the child reads on standard input.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Input {
    /// Nothing: the null device.
    #[default]
    Empty,
    /// These bytes, then the end of file.
    Bytes(Vec<u8>),
}

/// A running child process. Dropping it ends it.
#[derive(Debug)]
pub struct Process {
    pid: Pid,
    name: String,
    stop: Signal,
    shared: Arc<Shared>,
}

#[derive(Debug, Default)]
struct Shared {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    ended: Option<(ExitStatus, Duration)>,
    open_streams: usize,
    lines: Vec<Line>,
    stdout: Vec<u8>,
    stderr: Vec<u8>,
    peak_memory: Option<u64>,
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        // A panic elsewhere must not keep a child alive.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits until `found` gives a value, the time is over (`None`), or never if there is no limit.
    fn wait_for<T>(&self, limit: Duration, mut found: impl FnMut(&mut State) -> Option<T>) -> Option<T> {
        let deadline = Instant::now() + limit;
        let mut state = self.lock();
        loop {
            if let Some(value) = found(&mut state) {
                return Some(value);
            }
            let left = deadline.checked_duration_since(Instant::now())?;
            state = self.changed.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0;
        }
    }
}

impl Process {
    /// Starts a command whose output is captured; when the handle is dropped it is killed at once.
    pub fn spawn(command: Command, input: Input) -> Result<Self> {
        Self::spawn_with_stop(command, input, Signal::KILL)
    }

    /// Starts a command that is sent `stop` when the handle is dropped, and killed five seconds later.
    pub fn spawn_with_stop(mut command: Command, input: Input, stop: Signal) -> Result<Self> {
        let name = command.get_program().to_string_lossy().into_owned();
        command.stdout(Stdio::piped()).stderr(Stdio::piped()).process_group(0);
        command.stdin(if input == Input::Empty { Stdio::null() } else { Stdio::piped() });
        let started = Instant::now();
        let mut child = command.spawn().map_err(Error::io(format!("start {name}")))?;
        let pid = Pid::from_child(&child);
        watchdog::guard_group(pid, stop);

        let shared = Arc::new(Shared::default());
        // The program is in place when `spawn` returns, so that even a short run has a first look at its memory.
        *shared.lock() = State { open_streams: 2, peak_memory: memory::peak(pid), ..State::default() };
        if let (Input::Bytes(bytes), Some(mut stdin)) = (input, child.stdin.take()) {
            // A child that does not read its input to the end is no error of ours.
            thread::spawn(move || drop(stdin.write_all(&bytes)));
        }
        if let Some(stdout) = child.stdout.take() {
            collect(Stream::Stdout, stdout, started, Arc::clone(&shared));
        }
        if let Some(stderr) = child.stderr.take() {
            collect(Stream::Stderr, stderr, started, Arc::clone(&shared));
        }
        observe(child, pid, started, Arc::clone(&shared));
        Ok(Self { pid, name, stop, shared })
    }

    /// The process id.
    pub fn id(&self) -> u32 {
        self.pid.as_raw_nonzero().get().unsigned_abs()
    }

    /// Sends a signal to the process alone, as a container runtime does; nothing happens when it has ended.
    pub fn signal(&self, signal: Signal) {
        let state = self.shared.lock();
        if state.ended.is_none() {
            // It may end this very moment; its id is not given away before `observe` has seen the end under this lock.
            let _ = kill_process(self.pid, signal);
        }
    }

    /// Whether the process has not ended yet.
    pub fn is_running(&self) -> bool {
        self.shared.lock().ended.is_none()
    }

    /// The highest resident memory so far, in bytes; `None` where the system does not tell (`/proc` is Linux's).
    pub fn peak_memory(&self) -> Option<u64> {
        self.shared.lock().peak_memory
    }

    /// Waits until a line of either stream matches, and returns it. Ends with an error, which shows the output, when the
    /// process ends or the time is over before that.
    pub fn wait_for_line(&self, limit: Duration, mut matches: impl FnMut(&Line) -> bool) -> Result<Line> {
        let mut seen = 0;
        let outcome = self.shared.wait_for(limit, |state| {
            let found = state.lines[seen..].iter().find(|line| matches(line)).cloned();
            seen = state.lines.len();
            let over = state.ended.is_some() && state.open_streams == 0;
            found.map(Some).or_else(|| over.then_some(None))
        });
        match outcome {
            Some(Some(line)) => Ok(line),
            Some(None) => Err(Error::failed(&self.name, format!("ended without the awaited line\n{}", self.output()))),
            None => Err(Error::failed(&self.name, format!("no such line within {limit:?}\n{}", self.output()))),
        }
    }

    /// Waits for the end; `false` when that took longer than the limit.
    pub fn ends_within(&self, limit: Duration) -> bool {
        self.shared.wait_for(limit, |state| state.ended).is_some()
    }

    /// Waits for the end and returns everything the process wrote. Past the limit the process is killed and the error
    /// shows its output.
    pub fn finish(self, limit: Duration) -> Result<Run> {
        let ended = self.shared.wait_for(limit, |state| state.ended);
        let Some((status, elapsed)) = ended else {
            self.kill_group();
            return Err(Error::failed(&self.name, format!("still running after {limit:?}\n{}", self.output())));
        };
        // Whatever it started and left running goes too, so that the pipes close.
        let _ = kill_process_group(self.pid, Signal::KILL);
        let _ = self.shared.wait_for(DRAIN_GRACE, |state| (state.open_streams == 0).then_some(()));
        let mut state = self.shared.lock();
        Ok(Run {
            exit: status.code().map_or_else(|| Exit::Signal(status.signal().unwrap_or(0)), Exit::Code),
            stdout: String::from_utf8_lossy(&state.stdout).into_owned(),
            stderr: String::from_utf8_lossy(&state.stderr).into_owned(),
            lines: std::mem::take(&mut state.lines),
            elapsed,
            peak_memory: state.peak_memory,
        })
    }

    /// All lines so far, both streams in the order of arrival.
    pub fn output(&self) -> String {
        let state = self.shared.lock();
        state.lines.iter().map(|line| line.text.as_str()).collect::<Vec<_>>().join("\n")
    }

    fn kill_group(&self) {
        let state = self.shared.lock();
        if state.ended.is_none() {
            let _ = kill_process_group(self.pid, Signal::KILL);
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let ended = |state: &mut State| state.ended.map(drop);
        self.signal(self.stop);
        if self.shared.wait_for(STOP_GRACE, ended).is_none() {
            self.kill_group();
            let _ = self.shared.wait_for(STOP_GRACE, ended);
        }
    }
}

/// Reads one stream to its end on a thread of its own.
fn collect(stream: Stream, source: impl Read + Send + 'static, started: Instant, shared: Arc<Shared>) {
    thread::spawn(move || {
        let mut reader = BufReader::new(source);
        let mut bytes = Vec::new();
        while reader.read_until(b'\n', &mut bytes).is_ok_and(|read| read > 0) {
            let text = String::from_utf8_lossy(&bytes).trim_end_matches(['\n', '\r']).to_owned();
            let mut state = shared.lock();
            match stream {
                Stream::Stdout => state.stdout.extend_from_slice(&bytes),
                Stream::Stderr => state.stderr.extend_from_slice(&bytes),
            }
            state.lines.push(Line { stream, text, after: started.elapsed() });
            drop(state);
            shared.changed.notify_all();
            bytes.clear();
        }
        shared.lock().open_streams -= 1;
        shared.changed.notify_all();
    });
}

/// Watches a child to its end on a thread of its own.
fn observe(mut child: Child, pid: Pid, started: Instant, shared: Arc<Shared>) {
    thread::spawn(move || {
        loop {
            let mut state = shared.lock();
            if let Some(bytes) = memory::peak(pid) {
                state.peak_memory = state.peak_memory.max(Some(bytes));
            }
            // An error means that there is no such child any more, which cannot be told apart from its end.
            let ended = child.try_wait().unwrap_or_else(|_| Some(ExitStatus::from_raw(0)));
            if let Some(status) = ended {
                state.ended = Some((status, started.elapsed()));
                drop(state);
                watchdog::release_group(pid);
                shared.changed.notify_all();
                return;
            }
            drop(state);
            thread::sleep(LOOK_EVERY);
        }
    });
}

#[cfg(test)]
mod tests {
    use super::*;
    use rustix::process::test_kill_process;

    const SOON: Duration = Duration::from_secs(20);

    fn shell(script: &str) -> Command {
        let mut command = Command::new("/bin/sh");
        command.args(["-c", script]);
        command
    }

    #[test]
    fn a_run_tells_streams_exit_and_order() {
        let process = Process::spawn(shell("cat; echo err >&2; exit 7"), Input::Bytes(b"one\ntwo".to_vec())).unwrap();
        let run = process.finish(SOON).unwrap();
        assert_eq!(run.exit, Exit::Code(7));
        assert_eq!(run.stdout, "one\ntwo");
        assert_eq!(run.stderr, "err\n");
        assert_eq!(run.lines.len(), 3);
    }

    #[test]
    fn a_dropped_process_is_gone() {
        let process = Process::spawn(shell("echo up; sleep 60"), Input::Empty).unwrap();
        process.wait_for_line(SOON, |line| line.text == "up").unwrap();
        let pid = process.pid;
        drop(process);
        assert!(test_kill_process(pid).is_err());
    }

    #[test]
    fn a_process_past_its_limit_is_killed_and_shows_its_output() {
        let process = Process::spawn(shell("echo waiting; sleep 60"), Input::Empty).unwrap();
        process.wait_for_line(SOON, |line| line.text == "waiting").unwrap();
        let error = process.finish(Duration::from_millis(50)).unwrap_err();
        assert!(error.to_string().contains("waiting"), "{error}");
    }

    #[test]
    fn a_signal_reaches_the_process_and_its_exit_says_so() {
        let process = Process::spawn(shell("echo up; exec sleep 60"), Input::Empty).unwrap();
        process.wait_for_line(SOON, |line| line.text == "up").unwrap();
        process.signal(Signal::TERM);
        assert_eq!(process.finish(SOON).unwrap().exit, Exit::Signal(15));
    }

    #[test]
    fn waiting_for_a_line_that_never_comes_ends_with_the_process() {
        let process = Process::spawn(shell("echo other"), Input::Empty).unwrap();
        let error = process.wait_for_line(SOON, |line| line.text == "up").unwrap_err();
        assert!(error.to_string().contains("other"), "{error}");
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn peak_memory_is_the_childs_and_not_the_parents() {
        let ballast = vec![1_u8; 200 << 20];
        let process = Process::spawn(shell("exec sleep 60"), Input::Empty).unwrap();
        let small = process.peak_memory().expect("linux tells");
        assert!(small < 50 << 20, "{small} of {}", ballast.len());
        let held = shell("x=$(head -c 100000000 /dev/zero | tr '\\0' x); echo ${#x}");
        let run = Process::spawn(held, Input::Empty).unwrap().finish(SOON).unwrap();
        assert!(run.peak_memory.expect("linux tells") > 90 << 20, "{:?}", run.peak_memory);
    }
}
