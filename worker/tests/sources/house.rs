//! A publisher, a dataset of text columns, and the way from one to the other.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_credential_types::Credentials;
use aws_credential_types::provider::SharedCredentialsProvider;
use aws_smithy_http_client::Builder;
use aws_smithy_http_client::tls::Provider;
use aws_smithy_http_client::tls::rustls_provider::CryptoMode;
use freshet_tests::http::FileServer;
use freshet_tests::sftp::{self, SftpServer};
use manifest::Dataset;
use secrecy::SecretString;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use worker::fault::Fault;
use worker::reading::{ReadError, Reject, TableReading, spawn};
use worker::source::{Access, Means, Patience, ReadFrom, SecretLookup};
use worker::spool::Spool;

use super::copied::{Row, rows_of};

/// A publisher's folder, the server before it, and a spool folder.
pub(crate) struct House {
    files: TempDir,
    pub(crate) spool: TempDir,
    pub(crate) server: FileServer,
    sftp: OnceLock<SftpServer>,
}

/// What one table came to.
#[derive(Debug)]
pub(crate) struct Read {
    pub(crate) rows: Vec<Row>,
    pub(crate) reading: TableReading,
    pub(crate) rejects: Vec<Reject>,
}

impl House {
    pub(crate) fn new() -> Self {
        let (files, spool) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let server = FileServer::start(files.path()).unwrap();
        Self { files, spool, server, sftp: OnceLock::new() }
    }

    pub(crate) fn publish(&self, name: &str, bytes: impl AsRef<[u8]>) {
        let path = self.files.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
    }

    /// The same files behind SSH.
    pub(crate) fn sftp(&self) -> &SftpServer {
        self.sftp.get_or_init(|| SftpServer::start(self.files.path()).unwrap())
    }

    pub(crate) fn folder(&self) -> &Path {
        self.files.path()
    }

    /// A source of the manifest that is this file at the publisher.
    pub(crate) fn source(&self, file: &str, reading: &Value) -> Value {
        source_at(&self.server.url_of(file), file, reading)
    }

    /// A dataset of one table `t` with these columns and one CSV.
    pub(crate) fn csv(&self, file: &str, columns: &[&str]) -> Dataset {
        dataset(&[("t", columns, vec![self.source(file, &json!({"format": "csv"}))])])
    }

    pub(crate) fn access(&self, dataset: &Dataset) -> Access {
        self.access_from(dataset, ReadFrom::Publisher)
    }

    pub(crate) fn access_from(&self, dataset: &Dataset, from: ReadFrom) -> Access {
        Access::new(dataset, from, self.means(patience()))
    }

    /// The server as S3, whose buckets are its folders.
    fn aws(&self) -> SdkConfig {
        let http = Builder::new().tls_provider(Provider::Rustls(CryptoMode::Ring)).build_https();
        let credentials = SharedCredentialsProvider::new(Credentials::new("test", "test", None, None, "test"));
        let builder = SdkConfig::builder().endpoint_url(self.server.url()).region(Region::from_static("us-east-1"));
        builder.credentials_provider(credentials).http_client(http).behavior_version(BehaviorVersion::latest()).build()
    }

    /// The spool and the secrets, with this patience.
    pub(crate) fn means(&self, patience: Patience) -> Means {
        let today = jiff::civil::date(2026, 11, 20);
        let (spool, aws) = (Spool::new(self.spool.path()), Some(self.aws()));
        Means { spool, secrets: secrets(), patience, today, aws }
    }

    /// Reads the only table of a dataset.
    pub(crate) async fn read(&self, dataset: &Dataset) -> Result<Read, ReadError> {
        read(self.access(dataset).into(), dataset, 0).await
    }

    /// The code and the text of the error that reading ends in, after which nothing is left in the spool.
    pub(crate) async fn error(&self, dataset: &Dataset) -> (&'static str, String) {
        let error = self.read(dataset).await.expect_err("it cannot be read");
        assert_eq!(self.spool.path().read_dir().unwrap().count(), 0, "the spool is empty");
        (error.code(), error.to_string())
    }
}

pub(crate) fn source_at(url: &str, file: &str, reading: &Value) -> Value {
    json!({"origin": {"url": {"url": url}}, "file": file, "reading": reading})
}

/// A dataset of tables with these columns and sources.
pub(crate) fn dataset(tables: &[(&str, &[&str], Vec<Value>)]) -> Dataset {
    let tables: Vec<_> = tables
        .iter()
        .map(|(name, columns, sources)| {
            let columns: Vec<_> = columns
                .iter()
                .map(|column| {
                    let (name, column) = column.split_once(' ').unwrap_or((column, "text"));
                    json!({"name": name, "type": column})
                })
                .collect();
            json!({"name": name, "content": {"sources": sources}, "columns": columns})
        })
        .collect();
    serde_json::from_value(json!({"dataset": "d", "title": "D", "publisher": "P", "tables": tables})).unwrap()
}

/// No pause between tries, and silence is noticed soon.
pub(crate) fn patience() -> Patience {
    Patience { tries: 3, pause: Duration::from_millis(1), stall: Duration::from_millis(200), ..Patience::default() }
}

/// Knows a token, the password and the key of the server behind SSH, and what is no key.
pub(crate) fn secrets() -> SecretLookup {
    Arc::new(|name| match name.as_str() {
        "TOKEN" | "BAD_KEY" => Some(SecretString::from("hunter2")),
        "PASSWORD" => Some(SecretString::from(sftp::PASSWORD)),
        "KEY" => Some(SecretString::from(sftp::private_key().unwrap())),
        _ => None,
    })
}

/// Reads one table of a dataset as the database would.
pub(crate) async fn read(access: Arc<Access>, dataset: &Dataset, table: usize) -> Result<Read, ReadError> {
    let (sender, mut receiver) = mpsc::unbounded_channel();
    let mut stream = spawn(access, dataset.tables[table].clone(), BTreeSet::new(), sender, &CancellationToken::new());
    let mut bytes = Vec::new();
    while let Some(chunk) = stream.chunk().await {
        bytes.extend_from_slice(&chunk?);
    }
    let reading = stream.finish()?;
    let mut rejects = Vec::new();
    while let Some(reject) = receiver.recv().await {
        rejects.push(reject);
    }
    Ok(Read { rows: rows_of(&bytes), reading, rejects })
}
