//! A connection to a host: its key is looked at, whoever asks logs in, and the subsystem that gives files is started.

use std::sync::Arc;
use std::time::Duration;

use russh::client::{self, AuthResult, Handle, KeyboardInteractiveAuthResponse};
use russh::keys::Algorithm;
use russh::{Disconnect, MethodKind, MethodSet};
use russh_sftp::client::{Config, SftpSession, error};
use russh_sftp::protocol::StatusCode;
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::key::{self, Judge};
use super::place::{Login, Place};
use crate::source::error::{SourceError, chain};
use crate::source::http::Patience;

/// Whoever sends nothing for so long is asked whether it is still there: the database may be what keeps a file waiting.
const KEEPALIVE: Duration = Duration::from_secs(30);

/// Questions to a host that are under way at once, each for one piece: what a wide and long way takes.
const AT_ONCE: usize = 32;

/// A connection over which files are read.
pub(super) struct Connection {
    pub(super) sftp: SftpSession,
    /// Closed when this is dropped.
    _session: Handle<Judge>,
}

impl Connection {
    /// Connects once.
    pub(super) async fn open(patience: &Patience, place: &Place) -> Result<Self, SourceError> {
        let mut session = connect(patience, place).await?;
        let answered = async {
            log_in(&mut session, place).await?;
            let channel = session.channel_open_session().await.map_err(|error| unreachable(place, &error))?;
            let started = channel.request_subsystem(true, "sftp").await;
            started.map_err(|error| unreachable(place, &error))?;
            let config = Config {
                max_concurrent_reads: AT_ONCE,
                request_timeout_secs: patience.answer.as_secs().max(1),
                ..Config::default()
            };
            SftpSession::new_with_config(channel.into_stream(), config).await.map_err(|error| fault(place, &error))
        };
        match timeout(patience.answer, answered).await {
            Ok(sftp) => Ok(Self { sftp: sftp?, _session: session }),
            Err(_) => Err(place.silent(patience.answer, 0)),
        }
    }
}

/// Reaches the host and makes sure that it is the one. A host may have several keys: of those that it has, the one that the manifest
/// names is asked for.
async fn connect(patience: &Patience, place: &Place) -> Result<Handle<Judge>, SourceError> {
    let groups = key::algorithms();
    let first = match handshake(patience, place, groups.concat()).await? {
        Shaken::Trusted(session) => return Ok(session),
        Shaken::Other(shown) => shown,
        Shaken::NoSuchKey => return Err(unreachable(place, &russh::Error::UnknownAlgo)),
    };
    if place.host_key.is_some() {
        for group in groups {
            if let Shaken::Trusted(session) = handshake(patience, place, group).await? {
                return Ok(session);
            }
        }
    }
    Err(SourceError::HostKey { address: place.shown.clone(), shown: first, pinned: place.host_key.clone() })
}

enum Shaken {
    Trusted(Handle<Judge>),
    /// The host has this key and not the one of the manifest.
    Other(String),
    /// The host has no key of these algorithms.
    NoSuchKey,
}

async fn handshake(patience: &Patience, place: &Place, algorithms: Vec<Algorithm>) -> Result<Shaken, SourceError> {
    let judge = Judge::new(place.host_key.as_deref());
    let mut config = key::asking_for(algorithms);
    (config.keepalive_interval, config.nodelay) = (Some(KEEPALIVE), true);
    let reached = async {
        let socket = TcpStream::connect((place.host.as_str(), place.port)).await?;
        client::connect_stream(Arc::new(config), socket, judge.clone()).await
    };
    match timeout(patience.connect, reached).await {
        Ok(Ok(session)) => Ok(Shaken::Trusted(session)),
        Ok(Err(russh::Error::NoCommonAlgo { kind: russh::AlgorithmKind::Key, .. })) => Ok(Shaken::NoSuchKey),
        Ok(Err(error)) => match (judge.shown(), &error) {
            (Some(shown), russh::Error::UnknownKey) => Ok(Shaken::Other(shown)),
            _ => Err(unreachable(place, &error)),
        },
        Err(_) => Err(place.silent(patience.connect, 0)),
    }
}

async fn log_in(session: &mut Handle<Judge>, place: &Place) -> Result<(), SourceError> {
    let answer = match &place.login {
        Login::Password(_) => by_password(session, place).await,
        Login::Key(_) => {
            let key = key::private(place.login.expose())
                .map_err(|why| SourceError::Address { address: place.shown.clone(), detail: why.to_owned() })?;
            session.authenticate_publickey(&place.user, key).await
        }
    };
    match answer.map_err(|error| unreachable(place, &error))? {
        AuthResult::Success => Ok(()),
        AuthResult::Failure { remaining_methods, .. } => {
            let methods: Vec<String> = remaining_methods.iter().map(|method| <&str>::from(method).to_owned()).collect();
            let _ = session.disconnect(Disconnect::ByApplication, "", "").await;
            Err(SourceError::Login { address: place.shown.clone(), methods })
        }
    }
}

async fn by_password(session: &mut Handle<Judge>, place: &Place) -> Result<AuthResult, russh::Error> {
    let answer = session.authenticate_password(&place.user, place.login.expose()).await?;
    match &answer {
        // Some hosts take a password only as the answer to a question.
        AuthResult::Failure { remaining_methods, .. }
            if remaining_methods.contains(&MethodKind::KeyboardInteractive) =>
        {
            answer_questions(session, place).await
        }
        _ => Ok(answer),
    }
}

/// Answers the one question of a host by the password. Whoever asks for more wants what a task does not have.
async fn answer_questions(session: &mut Handle<Judge>, place: &Place) -> Result<AuthResult, russh::Error> {
    let mut answers = vec![place.login.expose().to_owned()];
    let mut asked = session.authenticate_keyboard_interactive_start(&place.user, None).await?;
    loop {
        let answer = match asked {
            KeyboardInteractiveAuthResponse::Success => return Ok(AuthResult::Success),
            KeyboardInteractiveAuthResponse::Failure { remaining_methods, partial_success } => {
                return Ok(AuthResult::Failure { remaining_methods, partial_success });
            }
            KeyboardInteractiveAuthResponse::InfoRequest { prompts, .. } if prompts.is_empty() => Vec::new(),
            KeyboardInteractiveAuthResponse::InfoRequest { prompts, .. } if prompts.len() == answers.len() => {
                std::mem::take(&mut answers)
            }
            KeyboardInteractiveAuthResponse::InfoRequest { .. } => {
                return Ok(AuthResult::Failure { remaining_methods: MethodSet::empty(), partial_success: true });
            }
        };
        asked = session.authenticate_keyboard_interactive_respond(answer).await?;
    }
}

fn unreachable(place: &Place, error: &russh::Error) -> SourceError {
    SourceError::Unreachable { address: place.shown.clone(), detail: chain(error) }
}

/// What an answer of the host's file service means.
pub(super) fn fault(place: &Place, error: &error::Error) -> SourceError {
    let (address, detail) = (place.shown.clone(), chain(error));
    match error {
        error::Error::Status(status)
            if !matches!(status.status_code, StatusCode::NoConnection | StatusCode::ConnectionLost) =>
        {
            SourceError::Withheld { address, detail }
        }
        _ => SourceError::Unreachable { address, detail },
    }
}
