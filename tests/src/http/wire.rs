//! HTTP/1.1 written by hand, because a proper library refuses to send what broken publishers send: a body that is not as
//! long as its header says.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io;

use tokio::fs::File;
use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, BufReader, Take};

use super::text::percent_decode;

/// What a request comes in on.
pub(super) trait Wire: AsyncRead + AsyncWrite + Unpin + Send {}
impl<T: AsyncRead + AsyncWrite + Unpin + Send> Wire for T {}

/// A request may have this many bytes.
const HEAD_MAX: u64 = 64 << 10;
const CHUNK: usize = 256 << 10;

/// A request.
#[derive(Debug)]
pub(super) struct Head {
    pub(super) method: String,
    pub(super) path: String,
    pub(super) query: String,
    pub(super) headers: BTreeMap<String, String>,
    pub(super) body: String,
}

impl Head {
    /// A header field by its lower-case name.
    pub(super) fn field(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(String::as_str)
    }
}

/// How the length of the body is announced.
#[derive(Debug, Clone, Copy)]
pub(super) enum Length {
    Known(u64),
    Chunked,
    Unsaid,
}

#[derive(Debug)]
pub(super) enum Body {
    Bytes(Vec<u8>),
    /// The next bytes of this file.
    File(File, u64),
}

/// What happens to the connection after the body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ending {
    KeepOpen,
    Close,
    /// Closed in the middle: a body in chunks lacks its last one.
    Cut,
    /// Nothing more is sent; the client has to leave.
    Stall,
    /// Closed before the first byte of the answer.
    Hangup,
}

#[derive(Debug)]
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) content_type: &'static str,
    pub(super) headers: Vec<(&'static str, String)>,
    pub(super) length: Length,
    pub(super) body: Body,
    pub(super) ending: Ending,
}

impl Answer {
    pub(super) fn text(status: u16, text: &str) -> Self {
        Self::page(status, "text/plain; charset=utf-8", text)
    }

    pub(super) fn page(status: u16, content_type: &'static str, text: &str) -> Self {
        let (length, body) = (Length::Known(text.len() as u64), Body::Bytes(text.into()));
        Self { status, content_type, headers: Vec::new(), length, body, ending: Ending::KeepOpen }
    }

    pub(super) fn header(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    /// Bytes of the body that are going to be sent.
    pub(super) fn sent(&self) -> u64 {
        match &self.body {
            Body::Bytes(bytes) => bytes.len() as u64,
            Body::File(_, bytes) => *bytes,
        }
    }

    fn head(&self) -> String {
        // The reason phrase may be empty, its space may not.
        let mut head = format!("HTTP/1.1 {} \r\nContent-Type: {}\r\n", self.status, self.content_type);
        for (name, value) in &self.headers {
            let _ = write!(head, "{name}: {value}\r\n");
        }
        match self.length {
            Length::Known(bytes) => drop(write!(head, "Content-Length: {bytes}\r\n")),
            Length::Chunked => head += "Transfer-Encoding: chunked\r\n",
            Length::Unsaid => {}
        }
        head + if matches!(self.ending, Ending::Close | Ending::Cut) { "Connection: close\r\n\r\n" } else { "\r\n" }
    }
}

/// Whether another request can follow on the same connection.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Next {
    KeepOpen,
    Close,
}

/// Reads one request; `None` at the end of the connection or when it is not HTTP.
pub(super) async fn read_head(stream: &mut BufReader<impl Wire>) -> Option<Head> {
    let mut stream = stream.take(HEAD_MAX);
    let mut line = String::new();
    stream.read_line(&mut line).await.ok()?;
    let mut words = line.split_whitespace();
    let (method, target) = (words.next()?.to_owned(), words.next()?.to_owned());
    let mut headers = BTreeMap::new();
    loop {
        line.clear();
        stream.read_line(&mut line).await.ok()?;
        if line.trim().is_empty() {
            break;
        }
        let (name, value) = line.split_once(':')?;
        headers.insert(name.trim().to_ascii_lowercase(), value.trim().to_owned());
    }
    let length = headers.get("content-length").and_then(|length| length.parse().ok()).unwrap_or(0);
    let mut body = String::new();
    stream.take(length).read_to_string(&mut body).await.ok()?;
    let (path, query) = target.split_once('?').unwrap_or((&target, ""));
    Some(Head { method, path: percent_decode(path), query: query.to_owned(), headers, body })
}

/// Sends an answer, however false it is.
pub(super) async fn send(stream: &mut impl Wire, answer: Answer) -> io::Result<Next> {
    if answer.ending == Ending::Hangup {
        return Ok(Next::Close);
    }
    stream.write_all(answer.head().as_bytes()).await?;
    match (answer.body, answer.length) {
        (Body::Bytes(bytes), _) => stream.write_all(&bytes).await?,
        (Body::File(file, bytes), Length::Chunked) => send_chunks(stream, file.take(bytes), answer.ending).await?,
        (Body::File(file, bytes), _) => {
            let mut part = BufReader::with_capacity(CHUNK, file.take(bytes));
            tokio::io::copy_buf(&mut part, stream).await?;
        }
    }
    stream.flush().await?;
    match answer.ending {
        Ending::KeepOpen => Ok(Next::KeepOpen),
        Ending::Close | Ending::Cut | Ending::Hangup => {
            stream.shutdown().await?;
            Ok(Next::Close)
        }
        Ending::Stall => {
            // The client sends nothing more, so that this read ends when it goes away.
            let _ = stream.read_u8().await;
            Ok(Next::Close)
        }
    }
}

async fn send_chunks(stream: &mut impl Wire, mut part: Take<File>, ending: Ending) -> io::Result<()> {
    let mut buffer = vec![0; CHUNK];
    loop {
        let read = part.read(&mut buffer).await?;
        if read == 0 && ending == Ending::Cut {
            return Ok(());
        }
        stream.write_all(format!("{read:x}\r\n").as_bytes()).await?;
        stream.write_all(&buffer[..read]).await?;
        stream.write_all(b"\r\n").await?;
        if read == 0 {
            return Ok(());
        }
    }
}
