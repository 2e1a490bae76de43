//! A publisher behind SSH on loopback: a folder comes in, its files go out over SFTP to whoever has the password or the key, and
//! any connection can be given a fault that real ones have.

use std::collections::{BTreeMap, VecDeque};
use std::fs::File;
use std::net::{Ipv4Addr, Shutdown, SocketAddr};
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::{Component, Path, PathBuf};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use russh::keys::ssh_key::LineEnding;
use russh::keys::ssh_key::private::Ed25519Keypair;
use russh::keys::{HashAlg, PrivateKey, decode_secret_key};
use russh::server::{Auth, ChannelOpenHandle, Config, Msg, Response, Session, VerifiedPublicKey};
use russh::{Channel, ChannelId};
use russh_sftp::protocol::{Attrs, Data, FileAttributes, Handle, OpenFlags, Status, StatusCode, Version};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

use crate::background;
use crate::error::{Error, Result};

/// The one name that is let in.
pub const USER: &str = "city";

/// Its password.
pub const PASSWORD: &str = "p@ss/w:rd";

/// The most bytes of one answer: as many as OpenSSH gives.
const ANSWER: usize = 256 << 10;

/// One way in which a connection goes wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SftpFault {
    /// It is closed once this many bytes of files were given out over it.
    CutAfter(u64),
    /// Nothing more is said once this many bytes were given out over it.
    StallAfter(u64),
    /// While it is cut, the file is replaced by the one of this name in the same folder.
    ReplacedBy(String),
    /// No answer brings more than this many bytes.
    Short(usize),
    /// The password is taken only as the answer to a question.
    Questions,
    /// It is closed before a word was said.
    Hangup,
    /// Files are said to have this many bytes.
    FalseLength(u64),
    /// Files have neither a size nor a time of change.
    NoAttributes,
}

/// A running server. Dropping it closes its port.
#[derive(Debug)]
pub struct SftpServer {
    address: SocketAddr,
    second: String,
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
    /// For the next connections, each for one.
    faults: VecDeque<Vec<SftpFault>>,
    /// For every one behind them.
    always: Vec<SftpFault>,
    connections: u32,
    opened: u32,
    sent: u64,
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn key(seed: u8) -> PrivateKey {
    PrivateKey::from(Ed25519Keypair::from_seed(&[seed; 32]))
}

/// The private key that is let in, in OpenSSH's form.
pub fn private_key() -> Result<String> {
    let text = key(2).to_openssh(LineEnding::LF).map_err(|error| Error::failed("sftp key", error.to_string()))?;
    Ok(text.to_string())
}

impl SftpServer {
    /// Serves a folder, and what is put into it later, on a free loopback port.
    pub fn start(folder: impl Into<PathBuf>) -> Result<Self> {
        let bound = background::wait(TcpListener::bind((Ipv4Addr::LOCALHOST, 0)));
        let listener = bound.map_err(Error::io("listen on loopback"))?;
        let address = listener.local_addr().map_err(Error::io("listen on loopback"))?;
        let shared = Arc::new(Shared { folder: folder.into(), state: Mutex::default(), changed: Condvar::new() });
        let second = second_key()?;
        let (second, second_key) = (second.fingerprint(HashAlg::Sha256).to_string(), second);
        let config = Config {
            keys: vec![key(1), second_key],
            auth_rejection_time: Duration::from_millis(10),
            auth_rejection_time_initial: Some(Duration::ZERO),
            ..Config::default()
        };
        let acceptor = background::runtime().spawn(accept(listener, Arc::new(config), Arc::clone(&shared)));
        Ok(Self { address, second, shared, acceptor })
    }

    /// The address of a file, for whoever logs in in this way (`name` or `name:password`).
    pub fn url_of(&self, login: &str, path: &str) -> String {
        format!("sftp://{login}@{}/{path}", self.address)
    }

    /// The fingerprint of the key that the server shows first.
    pub fn fingerprint(&self) -> String {
        key(1).fingerprint(HashAlg::Sha256).to_string()
    }

    /// The fingerprint of its other key, an ECDSA one.
    pub fn second_fingerprint(&self) -> &str {
        &self.second
    }

    /// Lets every further connection go wrong in these ways.
    pub fn faults(&self, faults: &[SftpFault]) {
        let mut state = self.shared.lock();
        state.faults.clear();
        state.always = faults.to_vec();
    }

    /// Lets the next connections go wrong, each in its own ways, and then none.
    pub fn faults_of_next(&self, faults: &[&[SftpFault]]) {
        let mut state = self.shared.lock();
        state.faults = faults.iter().map(|faults| faults.to_vec()).collect();
        state.always.clear();
    }

    /// Connections that were made, whatever became of them.
    pub fn connections(&self) -> u32 {
        self.shared.lock().connections
    }

    /// Files that were opened.
    pub fn opened(&self) -> u32 {
        self.shared.lock().opened
    }

    /// Waits until so many files were opened; whether they were in time.
    pub fn wait_for_opened(&self, files: u32, limit: Duration) -> bool {
        let state = self.shared.lock();
        let waited = self.shared.changed.wait_timeout_while(state, limit, |state| state.opened < files);
        !waited.unwrap_or_else(PoisonError::into_inner).1.timed_out()
    }

    /// Forgets what it was asked for so far.
    pub fn forget(&self) {
        let mut state = self.shared.lock();
        (state.connections, state.opened, state.sent) = (0, 0, 0);
    }

    /// Bytes of files that were given out.
    pub fn sent(&self) -> u64 {
        self.shared.lock().sent
    }
}

impl Drop for SftpServer {
    fn drop(&mut self) {
        self.acceptor.abort();
    }
}

/// A key of ECDSA, another one each time.
fn second_key() -> Result<PrivateKey> {
    let wrong = |detail: String| Error::failed("sftp host key", detail);
    let pair = rcgen::KeyPair::generate().map_err(|error| wrong(error.to_string()))?;
    decode_secret_key(&pair.serialize_pem(), None).map_err(|error| wrong(error.to_string()))
}

async fn accept(listener: TcpListener, config: Arc<Config>, shared: Arc<Shared>) {
    while let Ok((socket, _)) = listener.accept().await {
        let faults = {
            let mut state = shared.lock();
            state.connections += 1;
            state.faults.pop_front().unwrap_or_else(|| state.always.clone())
        };
        if faults.contains(&SftpFault::Hangup) {
            continue;
        }
        let (config, shared) = (Arc::clone(&config), Arc::clone(&shared));
        tokio::spawn(async move {
            let Some((socket, wire)) = doubled(socket) else { return };
            let files = Files { shared, faults, wire, open: BTreeMap::new(), sent: 0, opened: 0 };
            let guest = Guest { files: Some(files), channel: None };
            if let Ok(session) = russh::server::run_stream(config, socket, guest).await {
                // What became of it is the client's to tell.
                let _ = session.await;
            }
        });
    }
}

/// The socket, and another handle to close it with.
fn doubled(socket: TcpStream) -> Option<(TcpStream, std::net::TcpStream)> {
    let socket = socket.into_std().ok()?;
    let wire = socket.try_clone().ok()?;
    Some((TcpStream::from_std(socket).ok()?, wire))
}

/// Whoever has connected.
struct Guest {
    files: Option<Files>,
    channel: Option<Channel<Msg>>,
}

impl Guest {
    fn asks(&self) -> bool {
        self.files.as_ref().is_some_and(|files| files.faults.contains(&SftpFault::Questions))
    }
}

impl russh::server::Handler for Guest {
    type Error = russh::Error;

    async fn auth_password(&mut self, user: &str, password: &str) -> std::result::Result<Auth, Self::Error> {
        let is_right = (user, password) == (USER, PASSWORD) && !self.asks();
        Ok(if is_right { Auth::Accept } else { Auth::reject() })
    }

    async fn auth_keyboard_interactive<'a>(
        &'a mut self,
        user: &str,
        _: &str,
        answers: Option<Response<'a>>,
    ) -> std::result::Result<Auth, Self::Error> {
        if !self.asks() {
            return Ok(Auth::reject());
        }
        let Some(mut answers) = answers else {
            let prompts = vec![("Password: ".into(), false)].into();
            return Ok(Auth::Partial { name: "".into(), instructions: "".into(), prompts });
        };
        let is_right = user == USER && answers.next().is_some_and(|answer| answer == PASSWORD);
        Ok(if is_right { Auth::Accept } else { Auth::reject() })
    }

    async fn auth_publickey(
        &mut self,
        user: &str,
        offered: VerifiedPublicKey<'_>,
    ) -> std::result::Result<Auth, Self::Error> {
        let is_known = user == USER && offered.public_key.key_data() == key(2).public_key().key_data();
        Ok(if is_known { Auth::Accept } else { Auth::reject() })
    }

    async fn channel_open_session(
        &mut self,
        channel: Channel<Msg>,
        reply: ChannelOpenHandle,
        _: &mut Session,
    ) -> std::result::Result<(), Self::Error> {
        self.channel = Some(channel);
        reply.accept().await;
        Ok(())
    }

    async fn subsystem_request(
        &mut self,
        channel: ChannelId,
        name: &str,
        session: &mut Session,
    ) -> std::result::Result<(), Self::Error> {
        match (name, self.channel.take(), self.files.take()) {
            ("sftp", Some(opened), Some(files)) => {
                session.channel_success(channel)?;
                russh_sftp::server::run(opened.into_stream(), files).await;
            }
            _ => session.channel_failure(channel)?,
        }
        Ok(())
    }
}

/// The files, as one connection sees them.
struct Files {
    shared: Arc<Shared>,
    faults: Vec<SftpFault>,
    wire: std::net::TcpStream,
    open: BTreeMap<String, (PathBuf, File)>,
    sent: u64,
    opened: u32,
}

impl Files {
    fn path(&self, name: &str) -> std::result::Result<PathBuf, StatusCode> {
        let inside = Path::new(name.trim_start_matches('/'));
        let is_plain = inside.components().all(|part| matches!(part, Component::Normal(_)));
        if is_plain { Ok(self.shared.folder.join(inside)) } else { Err(StatusCode::PermissionDenied) }
    }

    fn attributes(&self, about: &std::fs::Metadata) -> FileAttributes {
        let is_told = !self.faults.contains(&SftpFault::NoAttributes);
        let seconds = u32::try_from(about.mtime()).ok().filter(|_| is_told);
        let length = self.faults.iter().find_map(|fault| match fault {
            SftpFault::FalseLength(bytes) => Some(*bytes),
            _ => None,
        });
        FileAttributes {
            size: Some(length.unwrap_or(about.len())).filter(|_| is_told),
            permissions: Some(about.mode()),
            atime: seconds,
            mtime: seconds,
            ..FileAttributes::default()
        }
    }

    fn opened(&self, handle: &str) -> std::result::Result<&(PathBuf, File), StatusCode> {
        self.open.get(handle).ok_or(StatusCode::Failure)
    }

    /// Bytes that may still go out before something goes wrong.
    fn room(&self) -> usize {
        let limits = self.faults.iter().filter_map(|fault| match fault {
            SftpFault::CutAfter(bytes) | SftpFault::StallAfter(bytes) => Some(bytes.saturating_sub(self.sent)),
            SftpFault::Short(bytes) => Some(*bytes as u64),
            _ => None,
        });
        limits.min().map_or(ANSWER, |room| usize::try_from(room).unwrap_or(ANSWER))
    }

    async fn go_wrong(&self, path: &Path) {
        if let Some(next) = self.faults.iter().find_map(|fault| match fault {
            SftpFault::ReplacedBy(name) => Some(path.with_file_name(name)),
            _ => None,
        }) {
            let _ = std::fs::rename(next, path);
        }
        if self.faults.iter().any(|fault| matches!(fault, SftpFault::CutAfter(_))) {
            let _ = self.wire.shutdown(Shutdown::Both);
        }
        std::future::pending::<()>().await;
    }
}

fn done(id: u32) -> Status {
    Status { id, status_code: StatusCode::Ok, error_message: String::new(), language_tag: String::new() }
}

impl russh_sftp::server::Handler for Files {
    type Error = StatusCode;

    fn unimplemented(&self) -> Self::Error {
        StatusCode::OpUnsupported
    }

    async fn init(
        &mut self,
        _: u32,
        _: std::collections::HashMap<String, String>,
    ) -> std::result::Result<Version, Self::Error> {
        Ok(Version::new())
    }

    async fn open(
        &mut self,
        id: u32,
        name: String,
        flags: OpenFlags,
        _: FileAttributes,
    ) -> std::result::Result<Handle, Self::Error> {
        if flags.bits() != OpenFlags::READ.bits() {
            return Err(StatusCode::PermissionDenied);
        }
        let path = self.path(&name)?;
        let file = File::open(&path).map_err(|_| StatusCode::NoSuchFile)?;
        self.opened += 1;
        self.shared.lock().opened += 1;
        self.shared.changed.notify_all();
        let handle = self.opened.to_string();
        self.open.insert(handle.clone(), (path, file));
        Ok(Handle { id, handle })
    }

    async fn close(&mut self, id: u32, handle: String) -> std::result::Result<Status, Self::Error> {
        self.open.remove(&handle);
        Ok(done(id))
    }

    async fn read(
        &mut self,
        id: u32,
        handle: String,
        offset: u64,
        length: u32,
    ) -> std::result::Result<Data, Self::Error> {
        let room = self.room();
        let (path, file) = self.opened(&handle)?;
        if room == 0 {
            self.go_wrong(path).await;
        }
        let mut data = vec![0; (length as usize).min(room).min(ANSWER)];
        let read = file.read_at(&mut data, offset).map_err(|_| StatusCode::Failure)?;
        if read == 0 {
            return Err(StatusCode::Eof);
        }
        data.truncate(read);
        self.sent += read as u64;
        self.shared.lock().sent += read as u64;
        Ok(Data { id, data })
    }

    async fn fstat(&mut self, id: u32, handle: String) -> std::result::Result<Attrs, Self::Error> {
        let about = self.opened(&handle)?.1.metadata().map_err(|_| StatusCode::Failure)?;
        Ok(Attrs { id, attrs: self.attributes(&about) })
    }

    async fn stat(&mut self, id: u32, name: String) -> std::result::Result<Attrs, Self::Error> {
        let about = std::fs::metadata(self.path(&name)?).map_err(|_| StatusCode::NoSuchFile)?;
        Ok(Attrs { id, attrs: self.attributes(&about) })
    }
}
