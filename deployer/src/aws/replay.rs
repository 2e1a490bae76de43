//! An endpoint that gives answers which no emulator gives: partial failures under HTTP 200, and pages of HTML.

use std::sync::Arc;

use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_sdk_sts::config::{Credentials, SharedCredentialsProvider};
use jiff::Timestamp;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use super::Clients;
use super::bucket::Pace;
use super::call::Caller;
use crate::clock::counting::Counting;

/// Clients of an endpoint that gives every request this answer.
pub(super) async fn clients(status: u16, body: &'static str) -> Clients {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(answer(stream, status, body));
        }
    });
    let config = SdkConfig::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new("us-east-1"))
        .endpoint_url(format!("http://{address}"))
        .credentials_provider(SharedCredentialsProvider::new(Credentials::new("test", "test", None, None, "test")))
        .http_client(super::http())
        .retry_config(aws_config::retry::RetryConfig::disabled())
        .build();
    let clock = Arc::new(Counting::at(Timestamp::UNIX_EPOCH));
    Clients::with(&config, Caller::new(clock, Pace::Unbounded))
}

async fn answer(mut stream: TcpStream, status: u16, body: &str) {
    let mut request = Vec::new();
    let mut chunk = [0; 4_096];
    while let Ok(read) = stream.read(&mut chunk).await {
        if read == 0 {
            return;
        }
        request.extend_from_slice(&chunk[..read]);
        if !is_whole(&request) {
            continue;
        }
        request.clear();
        let length = body.len();
        let head = format!(
            "HTTP/1.1 {status} X\r\ncontent-type: application/x-amz-json-1.1\r\ncontent-length: {length}\r\n\r\n"
        );
        if stream.write_all(format!("{head}{body}").as_bytes()).await.is_err() {
            return;
        }
    }
}

/// Whether head and body of a request have come in.
fn is_whole(request: &[u8]) -> bool {
    let text = String::from_utf8_lossy(request);
    let Some((head, body)) = text.split_once("\r\n\r\n") else { return false };
    let length =
        head.lines().find_map(|line| line.to_ascii_lowercase().strip_prefix("content-length:")?.trim().parse().ok());
    body.len() >= length.unwrap_or(0)
}
